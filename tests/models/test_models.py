"""Models are pure functions of their parameters, and sparse features mean the same as dense ones."""

from __future__ import annotations

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.sparse as sp
from flax import nnx

from mlj.comparison.parts import pad_rows
from mlj.models import MLP, Linear, SparseRows, as_function, sparse_matmul
from mlj.models.layers import dropout


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    dense = np.where(rng.random((6, 9)) < 0.4, rng.normal(size=(6, 9)), 0).astype(np.float32)
    dense[2] = 0
    csr = sp.csr_array(dense)
    return dense, pad_rows(csr, int(np.diff(csr.indptr).max()) + 2)


def test_a_sparse_product_and_its_gradient_equal_the_dense_ones(rows):
    dense, sparse = rows
    kernel = jax.random.normal(jax.random.key(0), (9, 4))

    def of_sparse(kernel):
        return jnp.sum(jnp.sin(sparse_matmul(sparse, kernel)))

    def of_dense(kernel):
        return jnp.sum(jnp.sin(dense @ kernel))

    chex.assert_trees_all_close(sparse_matmul(sparse, kernel), dense @ kernel, atol=1e-5)
    chex.assert_trees_all_close(jax.grad(of_sparse)(kernel), jax.grad(of_dense)(kernel), atol=1e-5)


def test_a_sparse_product_forms_no_dense_copy_of_the_features():
    wide = SparseRows(jnp.zeros((8, 3), jnp.int32), jnp.ones((8, 3)))
    kernel = jnp.ones((5000, 2))
    text = jax.jit(jax.grad(lambda k: sparse_matmul(wide, k).sum())).lower(kernel).as_text()
    assert "8x5000" not in text
    assert "5000x8" not in text


@pytest.mark.parametrize("make", [Linear, MLP])
def test_a_model_gives_the_same_logits_for_sparse_and_dense_rows(make, rows):
    dense, sparse = rows
    apply_fn, params = as_function(make(9, 3, rngs=nnx.Rngs(0)))
    chex.assert_trees_all_close(apply_fn(params, sparse), apply_fn(params, jnp.asarray(dense)), atol=1e-5)


def test_a_fresh_model_predicts_the_bias_that_it_was_given_up_to_small_weights():
    bias = jnp.array([-3.0, 0.5, 2.0])
    apply_fn, params = as_function(MLP(9, 3, output_bias=bias, rngs=nnx.Rngs(0)))
    logits = apply_fn(params, jax.random.normal(jax.random.key(1), (50, 9)))
    chex.assert_trees_all_close(logits.mean(axis=0), bias, atol=0.2)


def test_dropout_needs_a_key_and_keeps_the_mean():
    x = jnp.ones((300, 301))
    chex.assert_trees_all_equal(dropout(x, 0.4, None), x)
    dropped = dropout(x, 0.4, jax.random.key(0))
    assert abs(float(jnp.mean(dropped == 0)) - 0.4) < 0.01
    assert abs(float(dropped.mean()) - 1) < 0.02


def test_the_same_key_drops_the_same_units_and_another_key_others():
    model = MLP(9, 3, rngs=nnx.Rngs(0))
    x = jnp.ones((4, 9))
    chex.assert_trees_all_equal(model(x, key=jax.random.key(1)), model(x, key=jax.random.key(1)))
    assert not jnp.array_equal(model(x, key=jax.random.key(1)), model(x, key=jax.random.key(2)))


def test_layer_norm_and_residual_change_the_function_but_not_its_shape():
    x = jax.random.normal(jax.random.key(0), (4, 9))
    plain = MLP(9, 3, hidden=(8, 8), rngs=nnx.Rngs(0))(x)
    for option in ("layer_norm", "residual"):
        changed = MLP(9, 3, hidden=(8, 8), rngs=nnx.Rngs(0), **{option: True})(x)
        chex.assert_equal_shape([plain, changed])
        assert not jnp.allclose(plain, changed)


def test_bad_options_are_refused_with_their_value():
    with pytest.raises(ValueError, match=r"dropout must be in \[0, 1\), got 1"):
        MLP(9, 3, dropout=1.0, rngs=nnx.Rngs(0))
    with pytest.raises(ValueError, match="at least one layer"):
        MLP(9, 3, hidden=(), rngs=nnx.Rngs(0))
    with pytest.raises(ValueError, match=r"output_bias must be \[3\], got \[2\]"):
        Linear(9, 3, output_bias=jnp.zeros(2), rngs=nnx.Rngs(0))


def test_a_module_with_running_statistics_is_refused():
    with pytest.raises(ValueError, match="BatchNorm holds variables that are not parameters"):
        as_function(nnx.BatchNorm(3, rngs=nnx.Rngs(0)))


def test_parameters_of_another_model_are_refused_even_where_their_shapes_would_fit():
    apply_fn, params = as_function(MLP(3, 2, hidden=(4,), rngs=nnx.Rngs(0)))
    with pytest.raises(ValueError, match="MLP: the parameters are those of another model"):
        apply_fn({"hidden": params["trunk"]["hidden"], "head": params["head"]}, jnp.ones((1, 3)))
