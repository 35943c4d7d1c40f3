"""The coupled model is a distribution over labelsets, and starts as independent labels."""

from __future__ import annotations

from functools import cache, partial

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from mlj import losses
from mlj.models import Trunk, as_function
from mlj.models.ising import Ising

L = 7
SETS = jnp.asarray((np.arange(2**L)[:, None] >> np.arange(L)[None]) % 2, jnp.float32)


quick_jit = partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})


@cache
def make(rank: int | None):
    def model() -> Ising:
        rngs = nnx.Rngs(0)
        return Ising(Trunk(3, hidden=(8,), rngs=rngs), L, rank=rank, rngs=rngs)

    apply_fn, _ = as_function(nnx.eval_shape(model))
    return apply_fn, quick_jit(lambda: as_function(model())[1])()


def moved(params):
    return jax.tree.map(lambda leaf: leaf + jax.random.normal(jax.random.key(leaf.size), leaf.shape), params)


def test_the_probabilities_of_all_labelsets_add_up_to_one():
    apply_fn, params = make(None)
    params = moved(params)
    fields = jnp.broadcast_to(apply_fn(params, jnp.ones((1, 3))), SETS.shape)
    couplings = apply_fn(params, method=Ising.couplings)
    cost = quick_jit(partial(losses.ising, labels=SETS))(fields, couplings=couplings)
    assert abs(float(jnp.exp(-cost).sum()) - 1) < 1e-5
    labels_apart = fields.shape[-1] * losses.sigmoid_cross_entropy(fields, SETS)
    assert float(jnp.abs(cost - labels_apart).max()) > 1


@pytest.mark.slow
@pytest.mark.parametrize("rank", [None, 2])
def test_couplings_start_at_zero_and_stay_symmetric_with_an_empty_diagonal(rank):
    apply_fn, params = make(rank)
    chex.assert_trees_all_equal(apply_fn(params, method=Ising.couplings), jnp.zeros((L, L)))
    couplings = apply_fn(moved(params), method=Ising.couplings)
    chex.assert_trees_all_close(couplings, couplings.T)
    chex.assert_trees_all_equal(jnp.diag(couplings), jnp.zeros(L))
    assert jnp.all(couplings[~jnp.eye(L, dtype=bool)] != 0)


def test_couplings_of_low_rank_have_fewer_parameters_and_can_move():
    apply_fn, params = make(2)
    assert "pairs" not in params
    assert params["left"].shape == params["right"].shape == (L, 2)
    weight = jax.random.normal(jax.random.key(0), (L, L))
    slope = jax.grad(lambda p: jnp.sum(weight * apply_fn(p, method=Ising.couplings)))(params)
    assert float(jnp.abs(slope["right"]).max()) > 0


def test_a_rank_above_the_number_of_labels_is_refused():
    with pytest.raises(ValueError, match="rank must be from 1 to 7 labels, got 8"):
        make(8)
