"""The two-step model is a distribution over labelsets."""

from __future__ import annotations

from functools import partial

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from mlj import losses
from mlj.models import Trunk, as_function
from mlj.models.sized_subset import SizedSubset

L, K = 7, 4
SETS = jnp.asarray((np.arange(2**L)[:, None] >> np.arange(L)[None]) % 2, jnp.float32)

quick_jit = partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})


def make(max_size: int = K, bias=None) -> SizedSubset:
    rngs = nnx.Rngs(0)
    return SizedSubset(Trunk(3, hidden=(8,), rngs=rngs), L, max_size=max_size, output_bias=bias, rngs=rngs)


def test_the_probabilities_of_all_labelsets_add_up_to_one():
    apply_fn, _ = as_function(nnx.eval_shape(make))
    params = quick_jit(lambda: as_function(make())[1])()
    params = jax.tree.map(
        lambda leaf: leaf + jax.random.normal(jax.random.key(leaf.size), leaf.shape), params
    )
    found = apply_fn(params, jnp.array([[1.0, -0.5, 0.3]]))
    small = SETS[SETS.sum(axis=1) <= K]
    logits, size_logits = (jnp.broadcast_to(part, (len(small), part.shape[1])) for part in found)

    @quick_jit
    def costs(logits, size_logits):
        cost = losses.conditional_bernoulli(logits, small, max_present=K)
        return cost + losses.categorical_count(size_logits, small)

    cost = costs(logits, size_logits)
    assert float(jnp.exp(-cost).max()) < 0.9
    assert abs(float(jnp.exp(-cost).sum()) - 1) < 1e-5


def test_the_bias_is_of_the_labels_first_and_of_the_sizes_then():
    bias = jnp.arange(L + K + 1.0)
    found = make(bias=bias)(jnp.zeros((1, 3)))
    chex.assert_trees_all_close(found.logits, bias[None, :L], atol=1e-6)
    chex.assert_trees_all_close(found.size_logits, bias[None, L:], atol=1e-6)


@pytest.mark.parametrize("size", [0, L + 1])
def test_a_largest_size_that_no_labelset_has_is_refused(size):
    with pytest.raises(ValueError, match="max_size must be from 1 to 7 labels"):
        make(size)
