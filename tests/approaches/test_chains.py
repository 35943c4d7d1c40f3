"""Classifier chains as approaches: against exact enumeration, and on labels that exclude each other."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from mlj.approaches import chains
from mlj.approaches.approach import Task
from mlj.decision.labelsets import all_labelsets
from mlj.models import Trunk, as_function
from mlj.models.chain import Chain
from mlj.training import Batch

MAKERS = {
    "classifier_chain": chains.make_classifier_chain,
    "chain_ensemble": chains.make_chain_ensemble,
    "chain_any_order": chains.make_chain_any_order,
}
LABELS = 3
SETS = all_labelsets(LABELS)


def make_trunk(rngs):
    return Trunk(2, hidden=(4,), dropout=0.0, input_dropout=0.0, rngs=rngs)


def task(missing=False):
    return Task(LABELS, 8, LABELS, missing, make_trunk, None)


def exclusive(number=64):
    """Return features that say nothing, and labels that are {0, 2} or {1}."""
    first = (np.arange(number) % 5 < 3).astype(np.float32)
    return jnp.ones((number, 2)), np.stack([first, 1 - first, first], axis=1)


def joint(members, params, options, features, following):
    """Return the probability of every labelset, averaged over the orders, by enumeration ``[B, 8]``."""
    model = Chain(make_trunk(nnx.Rngs(0)), LABELS, members=members, hidden=chains.HIDDEN, rngs=nnx.Rngs(0))
    apply_fn, _ = as_function(model)
    context = apply_fn(params, features, method=Chain.encode)

    def of_one(context):
        many = jax.tree.map(lambda x: jnp.broadcast_to(x, (len(SETS), *x.shape)), context)
        orders = jnp.asarray(options["orders"])
        return apply_fn(params, many, SETS, orders, following, method=Chain.log_prob)

    return np.asarray(jnp.mean(jnp.exp(jax.jit(jax.vmap(of_one))(context)), axis=-1))


@pytest.fixture(scope="module")
def ensemble():
    """Return an ensemble far from where it starts, its joint distribution and its options."""
    approach = chains.make_chain_ensemble(task())
    options = approach.options(exclusive()[1], None)
    params = approach.init(jax.random.key(0), options)
    leaves, tree = jax.tree.flatten(params)
    keys = jax.random.split(jax.random.key(2), len(leaves))
    moved = [leaf + 0.3 * jax.random.normal(key, leaf.shape) for leaf, key in zip(leaves, keys)]
    params = jax.tree.unflatten(tree, moved)
    features = 2 * jax.random.normal(jax.random.key(3), (20, 2))
    following = jnp.arange(chains.ENSEMBLE)
    return approach, params, options, features, joint(chains.ENSEMBLE, params, options, features, following)


@pytest.mark.slow
def test_the_mean_of_an_ensemble_is_a_distribution_over_labelsets(ensemble):
    np.testing.assert_allclose(ensemble[-1].sum(axis=1), 1, rtol=1e-5)


def test_the_beam_of_an_ensemble_finds_the_most_probable_labelset_of_its_mean(ensemble):
    approach, params, options, features, probs = ensemble
    found = jax.jit(approach.decoders["beam"].decide)(params, features, options)
    chosen = np.asarray(found) @ (1 << np.arange(LABELS))
    np.testing.assert_allclose(probs[np.arange(20), chosen], probs.max(axis=1), rtol=1e-4)


def test_scores_are_near_the_exact_marginals(ensemble):
    approach, params, options, features, probs = ensemble
    scores, log_count = approach.scores(jax.jit(approach.predict)(params, features, options))
    assert log_count is None
    error = np.asarray(jax.nn.sigmoid(scores)) - probs @ np.asarray(SETS)
    assert np.abs(error).max() < 0.2
    assert np.abs(error).mean() < 0.04


def train(approach, steps, where=None):
    features, labels = exclusive()
    options = approach.options(labels, where)
    params = approach.init(jax.random.key(1), options)
    optimizer = optax.adam(0.02)
    batch = Batch(features, jnp.asarray(labels), where)

    @jax.jit
    def run(params):
        def one(carry, key):
            params, state = carry
            cost, gradient = jax.value_and_grad(approach.objective)(params, batch, key, options)
            updates, state = optimizer.update(gradient, state)
            return (optax.apply_updates(params, updates), state), cost

        keys = jax.random.split(jax.random.key(0), steps)
        return jax.lax.scan(one, (params, optimizer.init(params)), keys)

    (params, _), costs = run(params)
    return params, options, np.asarray(costs)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "classifier_chain",
        pytest.param("chain_ensemble", marks=pytest.mark.slow),
        pytest.param("chain_any_order", marks=pytest.mark.slow),
    ],
)
def test_a_chain_learns_labels_that_exclude_each_other_where_marginals_say_nothing(name):
    approach = MAKERS[name](task())
    params, options, _ = train(approach, 300)
    features = jnp.ones((2, 2))
    assert (
        jax.jit(approach.decoders["beam"].decide)(params, features, options).tolist()
        == [[True, False, True]] * 2
    )
    members = chains.ENSEMBLE if name == "chain_ensemble" else 1
    following = jnp.arange(len(options["orders"])) % members
    probs = joint(members, params, options, features[:1], following)[0]
    assert probs[0b101] == pytest.approx(0.6, abs=0.06)
    assert probs[0b010] == pytest.approx(0.4, abs=0.06)


def test_a_label_that_was_not_observed_reaches_neither_cost_nor_slope_of_any_order():
    approach = chains.make_chain_any_order(task(missing=True))
    features, labels = exclusive(8)
    where = jnp.ones((8, LABELS), bool).at[:, 1].set(False).at[0].set(False)
    options = approach.options(labels * where, np.asarray(where))
    params = jax.tree.map(lambda x: x + 0.3, approach.init(jax.random.key(1), options))
    slope = jax.jit(jax.value_and_grad(approach.objective))
    first, second = (
        slope(params, Batch(features, jnp.where(where, labels, unknown), where), jax.random.key(0), options)
        for unknown in (0.0, 1.0)
    )
    for one, other in zip(jax.tree.leaves(first), jax.tree.leaves(second)):
        np.testing.assert_array_equal(one, other)
    assert np.all(np.asarray(first[1]["head"]["bias"])[1] == 0)


def test_seen_labels_are_observed_ones_and_never_all_of_them():
    where = jnp.array([[True, True, False, True], [False, False, False, False], [True] * 4])
    seen = jax.vmap(lambda key: chains.seen_labels(where, key))(jax.random.split(jax.random.key(0), 4000))
    assert not np.any(seen & ~where[None])
    count = np.asarray(seen).sum(axis=-1)
    for row, most in ((0, 3), (2, 4)):
        shares = np.bincount(count[:, row], minlength=5) / len(count)
        np.testing.assert_allclose(shares[:most], 1 / most, atol=0.04)
        assert np.all(shares[most:] == 0)


def test_a_fixed_order_refuses_missing_labels_and_an_order_that_is_no_permutation():
    for name in ("classifier_chain", "chain_ensemble"):
        with pytest.raises(ValueError, match=f"{name}: labels are missing"):
            MAKERS[name](task(missing=True))
    with pytest.raises(ValueError, match="label 2 stands at places 0 and 2"):
        chains.make_classifier_chain(task(), order=[2, 0, 2])
    given = chains.make_classifier_chain(task(), order=[2, 0, 1])
    assert given.options(exclusive()[1], None)["orders"].tolist() == [[2, 0, 1]]


def test_a_chain_begins_with_the_most_frequent_label():
    labels = np.array([[0, 1, 1], [0, 1, 1], [1, 0, 1]], np.float32)
    options = chains.make_classifier_chain(task()).options(labels, None)
    assert options["orders"].tolist() == [[2, 1, 0]]
