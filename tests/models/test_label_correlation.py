"""Corrections start at nothing and have a low rank."""

from __future__ import annotations

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from mlj.models import MLP, Trunk, as_function
from mlj.models.label_correlation import LabelCorrelation

L = 7


def make(rank: int = 2, blocks: int = 1):
    rngs = nnx.Rngs(0)
    trunk = Trunk(3, hidden=(8,), rngs=rngs)
    return as_function(LabelCorrelation(trunk, L, rank=rank, blocks=blocks, rngs=rngs))


def test_it_starts_as_independent_labels():
    features = jax.random.normal(jax.random.key(0), (5, 3))
    (apply_fn, params), (plain, of_plain) = (
        make(blocks=2),
        as_function(MLP(3, L, hidden=(8,), rngs=nnx.Rngs(0))),
    )
    chex.assert_trees_all_close(apply_fn(params, features), plain(of_plain, features), atol=1e-6)


def test_a_correction_moves_with_the_other_labels_along_as_many_directions_as_its_rank():
    apply_fn, params = make()
    params["correct"][0]["kernel"] = jax.random.normal(jax.random.key(0), (2, L))

    def of_bias(bias):
        changed = params | {"head": params["head"] | {"bias": bias}}
        return apply_fn(changed, jnp.ones((1, 3)))[0]

    slope = jax.jacobian(of_bias)(jnp.zeros(L)) - jnp.eye(L)
    sizes = np.linalg.svd(slope, compute_uv=False)
    assert sizes[1] > 1e-2
    assert sizes[2] < 1e-6


@pytest.mark.parametrize(("rank", "blocks"), [(0, 1), (1, 0)])
def test_no_rank_and_no_block_are_refused(rank, blocks):
    with pytest.raises(ValueError, match="rank and blocks must be at least 1"):
        make(rank, blocks)
