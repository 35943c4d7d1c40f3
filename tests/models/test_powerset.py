"""Scores of labelsets: of a table, and of many small subsets of the labels."""

from __future__ import annotations

import chex
import jax.numpy as jnp
import pytest
from flax import nnx

from mlj.models import Trunk
from mlj.models.powerset import Powerset
from mlj.models.rakel import Rakel

TABLE = jnp.array([[1.0, 0, 0], [0, 1, 1], [1, 1, 1], [0, 0, 0]])


def trunk() -> Trunk:
    return Trunk(5, hidden=(8,), rngs=nnx.Rngs(0))


def test_a_labelset_without_features_scores_its_prior():
    prior = jnp.array([-1.0, 2.0, 0.5, 0.0])
    for units in ({}, {"own_units": False}, {"label_units": False}):
        model = Powerset(trunk(), 4, 3, output_bias=prior, rngs=nnx.Rngs(1), **units)
        chex.assert_trees_all_close(model(jnp.zeros((2, 5)), TABLE), jnp.tile(prior[None], (2, 1)))


def test_without_units_of_their_own_labelsets_score_the_sum_of_their_labels():
    model = Powerset(trunk(), 4, 3, own_units=False, rngs=nnx.Rngs(1))
    scores = model(jnp.ones((1, 5)), TABLE)[0]
    assert float(jnp.max(jnp.abs(scores))) > 0
    chex.assert_trees_all_close(scores[3], jnp.zeros(()))
    chex.assert_trees_all_close(scores[2], scores[0] + scores[1], atol=1e-6)


def test_the_members_of_an_ensemble_start_at_their_own_priors():
    prior = jnp.arange(8.0).reshape(2, 4)
    model = Rakel(trunk(), 2, 2, output_bias=prior, rngs=nnx.Rngs(1))
    chex.assert_trees_all_close(model(jnp.zeros((3, 5))), jnp.tile(prior[None], (3, 1, 1)))


def test_models_without_units_and_tables_of_another_shape_are_refused():
    with pytest.raises(ValueError, match="own_units or label_units must be True"):
        Powerset(trunk(), 4, 3, own_units=False, label_units=False, rngs=nnx.Rngs(1))
    with pytest.raises(ValueError, match=r"output_bias must be \[4\], got \[3\]"):
        Powerset(trunk(), 4, 3, output_bias=jnp.zeros(3), rngs=nnx.Rngs(1))
    with pytest.raises(ValueError, match=r"labelsets must be \[4, 3\], got \[3, 3\]"):
        Powerset(trunk(), 4, 3, rngs=nnx.Rngs(1))(jnp.ones((1, 5)), TABLE[:3])
    with pytest.raises(ValueError, match="subset_size must be at least 1, got 0"):
        Rakel(trunk(), 2, 0, rngs=nnx.Rngs(1))
    with pytest.raises(ValueError, match=r"output_bias must be \[2, 4\], got \[8\]"):
        Rakel(trunk(), 2, 2, output_bias=jnp.zeros(8), rngs=nnx.Rngs(1))
