"""Label powersets and random k-labelsets: probabilities, decisions against enumeration, learning."""

from __future__ import annotations

from itertools import combinations

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from mlj.approaches.approach import Task
from mlj.approaches.powerset import (
    consistent_labelsets,
    labelset_cross_entropy,
    labelset_table,
    make_label_powerset,
)
from mlj.approaches.rakel import (
    disjoint_subsets,
    make_rakel_disjoint,
    make_rakel_overlapping,
    member_log_priors,
    members_cross_entropy,
    overlapping_subsets,
)
from mlj.decision.labelsets import (
    all_labelsets,
    labelset_f1_optimal,
    labelset_log_odds,
    majority_of_members,
    mean_log_odds,
    most_probable_labelset,
)
from mlj.models import Trunk
from mlj.training import Batch, make_optimizer, start, step

LABELS, CASES = 5, 40
EVERY = np.asarray((np.arange(2**LABELS)[:, None] >> np.arange(LABELS)) % 2)
TABLE = jnp.asarray(EVERY[[0, 3, 5, 6, 9, 14, 17, 23, 24, 31]])
LOGITS = 2 * jax.random.normal(jax.random.key(5), (CASES, len(TABLE)))


def trunk(rngs: nnx.Rngs) -> Trunk:
    return Trunk(6, hidden=(16,), dropout=0.0, input_dropout=0.0, rngs=rngs)


TASK = Task(LABELS, 12, LABELS, False, trunk, None)


def probs() -> np.ndarray:
    return np.asarray(jax.nn.softmax(LOGITS, axis=-1), np.float64)


def test_the_most_probable_labelset_is_a_row_of_the_table():
    found = np.asarray(most_probable_labelset(LOGITS, TABLE))
    np.testing.assert_array_equal(found, np.asarray(TABLE)[probs().argmax(axis=1)] == 1)


def test_log_odds_are_those_of_the_sums_over_labelsets():
    on, off = probs() @ np.asarray(TABLE), probs() @ (1 - np.asarray(TABLE))
    found = labelset_log_odds(LOGITS, TABLE)
    np.testing.assert_allclose(found, np.log(on / off), rtol=1e-4, atol=1e-5)


def test_log_odds_of_impossible_labelsets_and_lonely_labels_stay_finite():
    logits = jnp.array([[0.0, -jnp.inf, 300.0], [-1e30, 0.0, -1e30]])
    table = jnp.array([[1, 0, 0], [0, 1, 0], [1, 1, 0]])
    odds = labelset_log_odds(logits, table)
    chex.assert_tree_all_finite(odds)
    assert bool(jnp.all(jnp.abs(odds) < 88))
    np.testing.assert_array_equal(jnp.sign(odds), [[1, 1, -1], [-1, 1, -1]])


def expected_f1(p: np.ndarray) -> np.ndarray:
    """Return the expected F1 ``[N, 2^L]`` of all decisions; nothing predicted of nothing present counts 0."""
    hits = EVERY @ np.asarray(TABLE).T
    total = EVERY.sum(axis=1)[:, None] + np.asarray(TABLE).sum(axis=1)
    return p @ np.where(total > 0, 2 * hits / np.maximum(total, 1), 0).T


def test_the_labelset_of_best_expected_f1_is_that_of_enumeration_though_labels_depend_on_each_other():
    values = expected_f1(probs())
    found = np.asarray(labelset_f1_optimal(LOGITS, TABLE))
    codes = found @ (1 << np.arange(LABELS))
    np.testing.assert_allclose(values[np.arange(CASES), codes], values.max(axis=1), rtol=1e-5)
    np.testing.assert_array_equal(found, EVERY[values.argmax(axis=1)] == 1)
    in_table = (found[:, None] == (np.asarray(TABLE) == 1)).all(axis=-1).any(axis=1)
    assert not in_table.all()


def test_a_certainly_empty_labelset_is_decided_as_empty():
    certain = jnp.where(jnp.arange(len(TABLE)) == 0, 0.0, -jnp.inf)[None]
    assert not bool(labelset_f1_optimal(certain, TABLE).any())


@jax.jit
def log_prob_of_every(logits):
    """Return the log-probability of each of all labelsets; -inf of those that the table lacks."""
    known = jnp.any(consistent_labelsets(jnp.asarray(EVERY), TABLE), axis=-1)
    tiled = jnp.broadcast_to(logits, (len(EVERY), *logits.shape))
    return jnp.where(known, -labelset_cross_entropy(tiled, jnp.asarray(EVERY), labelsets=TABLE), -jnp.inf)


def test_the_probabilities_of_all_labelsets_sum_to_one():
    found = jnp.exp(jax.vmap(log_prob_of_every)(LOGITS))
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)
    assert int((found > 0).sum(axis=1).max()) == len(TABLE)


def test_a_label_that_was_not_observed_is_summed_over():
    where = jnp.array([True, False, True, False, True])
    y = jnp.array([1, 0, 0, 1, 0])
    agrees = [row for row in range(len(TABLE)) if all(TABLE[row][j] == y[j] for j in (0, 2, 4))]
    assert len(agrees) > 1
    found = labelset_cross_entropy(LOGITS[0], y, labelsets=TABLE, where=where)
    np.testing.assert_allclose(found, -np.log(probs()[0, agrees].sum()), rtol=1e-5)
    nothing = labelset_cross_entropy(LOGITS[0], y, labelsets=TABLE, where=jnp.zeros(5, bool))
    np.testing.assert_allclose(nothing, 0, atol=1e-6)


def test_a_row_that_the_table_lacks_costs_nothing_and_teaches_nothing():
    unknown = jnp.asarray(EVERY[1])
    assert not bool(consistent_labelsets(unknown, TABLE).any())
    impossible = jnp.where(jnp.arange(len(TABLE)) == 3, -jnp.inf, LOGITS[0])
    for logits, labels in ((LOGITS[0], unknown), (impossible, TABLE[3])):
        cost, slope = jax.value_and_grad(labelset_cross_entropy)(logits, labels, labelsets=TABLE)
        assert float(cost) == 0
        chex.assert_trees_all_equal(slope, jnp.zeros(len(TABLE)))


def test_cost_and_slope_are_those_of_softmax_cross_entropy_also_at_extreme_logits():
    largest = float(jnp.finfo(jnp.float32).max) / 2
    logits = jnp.array([largest, -largest, 0.0, -jnp.inf])
    table = jnp.asarray(EVERY[[1, 2, 3, 4]])
    cost, slope = jax.value_and_grad(labelset_cross_entropy)(logits, table[1], labelsets=table)
    assert float(cost) == 2 * largest
    chex.assert_trees_all_equal(slope, jnp.array([1.0, -1.0, 0.0, 0.0]))
    level = jnp.array([1e6, 1e6, -jnp.inf, -jnp.inf])
    cost, slope = jax.value_and_grad(labelset_cross_entropy)(level, table[1], labelsets=table)
    np.testing.assert_allclose(cost, np.log(2), rtol=1e-6)
    chex.assert_trees_all_close(slope, jnp.array([0.5, -0.5, 0.0, 0.0]))


def test_a_table_holds_the_labelsets_of_complete_rows_most_frequent_first():
    labels = np.array([[1, 0], [0, 1], [0, 1], [1, 1]])
    where = np.array([[True, True], [True, True], [True, True], [True, False]])
    table = labelset_table(labels, where, 4)
    assert table["labelsets"].tolist() == [[0, 1], [1, 0], [0, 0], [0, 0]]
    np.testing.assert_allclose(np.exp(table["log_prior"]), [2 / 3, 1 / 3, 0, 0], rtol=1e-6)
    with pytest.raises(ValueError, match="3 distinct labelsets, room for 2"):
        labelset_table(labels, None, 2)
    with pytest.raises(ValueError, match="none of 4 rows has all 2 labels observed"):
        labelset_table(labels, np.zeros((4, 2), bool), 4)


def test_disjoint_subsets_divide_the_labels_and_overlapping_ones_are_distinct_and_even():
    members = disjoint_subsets(14, 3, seed=1)
    assert members.shape == (5, 3)
    assert sorted(members.ravel()) == [*range(14), 14]
    members = overlapping_subsets(14, 3, seed=1)
    assert len({tuple(row) for row in members}) == 28
    assert all(len(set(row)) == 3 for row in members)
    assert set(np.bincount(members.ravel())) == {6}
    assert not np.array_equal(members, overlapping_subsets(14, 3, seed=2))
    assert [tuple(row) for row in overlapping_subsets(5, 3)] == list(combinations(range(5), 3))
    assert len({tuple(row) for row in overlapping_subsets(5, 3, 9)}) == 9


def test_subsets_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="size must be between 1 and 3 labels, got 4"):
        disjoint_subsets(3, 4)
    with pytest.raises(ValueError, match="at least 2, to cover 4 labels, and at most 6"):
        overlapping_subsets(4, 2, 7)
    with pytest.raises(ValueError, match="at least 2, to cover 4 labels"):
        overlapping_subsets(4, 2, 1)


def member_logits(members: np.ndarray) -> jax.Array:
    logits = 2 * jax.random.normal(jax.random.key(7), (CASES, len(members), 2 ** members.shape[1]))
    possible = member_log_priors(np.zeros((1, LABELS)), None, members) > -np.inf
    return jnp.where(jnp.broadcast_to(possible, logits.shape), logits, -jnp.inf)


def test_disjoint_members_are_a_distribution_over_all_labelsets_and_decide_on_its_best():
    members = disjoint_subsets(LABELS, 2)
    logits = member_logits(members)

    def log_probs(one):
        tiled = jnp.broadcast_to(one, (len(EVERY), *one.shape))
        return -len(members) * members_cross_entropy(tiled, jnp.asarray(EVERY), members=jnp.asarray(members))

    found = np.exp(np.asarray(jax.jit(jax.vmap(log_probs))(logits), np.float64))
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)
    best = EVERY[found.argmax(axis=1)] == 1
    np.testing.assert_array_equal(majority_of_members(logits, jnp.asarray(members), LABELS), best)
    odds = np.log(found @ EVERY / (found @ (1 - EVERY)))
    np.testing.assert_allclose(
        mean_log_odds(logits, jnp.asarray(members), LABELS), odds, rtol=1e-4, atol=1e-5
    )


def test_overlapping_members_vote_and_their_probabilities_are_averaged():
    members = overlapping_subsets(LABELS, 2, 7)
    logits = member_logits(members)
    p = np.asarray(jax.nn.softmax(logits, axis=-1), np.float64)
    sets = np.asarray(all_labelsets(2))
    votes, chance, terms = (np.zeros((CASES, LABELS)) for _ in range(3))
    for number, (own, best) in enumerate(zip(members, p.argmax(axis=-1).T)):
        for place, label in enumerate(own):
            votes[:, label] += sets[best, place]
            chance[:, label] += p[:, number] @ sets[:, place]
            terms[:, label] += 1
    members = jnp.asarray(members)
    np.testing.assert_array_equal(majority_of_members(logits, members, LABELS), votes / terms > 0.5)
    chance /= terms
    np.testing.assert_allclose(
        mean_log_odds(logits, members, LABELS), np.log(chance / (1 - chance)), rtol=1e-4, atol=1e-5
    )


def test_members_start_at_the_shares_of_their_labelsets_among_rows_that_were_observed():
    labels = np.array([[1, 1, 0], [1, 0, 0], [1, 1, 1]])
    where = np.array([[True, True, True], [True, False, True], [True, True, True]])
    found = np.exp(member_log_priors(labels, where, np.array([[0, 1], [2, 3]])))
    wanted = [[0.25 / 3, 0.25 / 3, 0.25 / 3, 2.25 / 3], [2.5 / 4, 1.5 / 4, 0, 0]]
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


def coins(rows: int = 256) -> Batch:
    """Return rows in which a coin that no feature shows decides between two labelsets."""
    coin = jax.random.bernoulli(jax.random.key(1), 0.5, (rows, 1))
    shown = jax.random.normal(jax.random.key(2), (rows, 6))
    rest = jnp.tile(shown[:, :1] > 0, (1, LABELS - 2))
    return Batch(shown, jnp.concatenate([coin, ~coin, rest], axis=1).astype(jnp.float32))


def trained(approach, batch: Batch, decoder: str, steps: int):
    options = jax.tree.map(jnp.asarray, approach.options(np.asarray(batch.labels), None))
    optimizer = make_optimizer("adam", 1e-2, 0.0)

    @jax.jit
    def learn(key):
        def one(state, key):
            return step(
                state,
                batch,
                key,
                objective=lambda params, batch, key: approach.objective(params, batch, key, options),
                optimizer=optimizer,
            )

        params = start(approach.init(key, options), optimizer)
        state, costs = jax.lax.scan(one, params, jax.random.split(key, steps))
        decided = approach.decoders[decoder].decide(state.params, batch.features, options)
        return costs, approach.predict(state.params, batch.features, options), decided

    return learn(jax.random.key(0))


@pytest.mark.slow
def test_a_powerset_decides_on_labelsets_that_it_has_seen_where_single_labels_are_a_coin():
    batch = coins()
    costs, odds, sets = trained(make_label_powerset(TASK), batch, "mode", 150)
    chex.assert_tree_all_finite(odds)
    assert float(costs[-1]) < 1.0 < float(costs[0])
    assert bool(jnp.all(sets[:, 0] != sets[:, 1]))
    assert float(jnp.mean(sets[:, 2:] == (batch.labels[:, 2:] > 0))) > 0.97
    assert float(jnp.mean(jnp.abs(odds[:, 0]) < 1.5)) > 0.8


@pytest.mark.parametrize(
    ("make", "decoder", "options"),
    [
        (make_rakel_overlapping, "votes", {"subset_size": 2, "num_members": 6}),
        pytest.param(
            *(make_rakel_disjoint, "mode", {"subset_size": 3, "shared_trunk": False}), marks=pytest.mark.slow
        ),
    ],
)
def test_an_ensemble_learns_what_features_show(make, decoder, options):
    batch = coins()
    costs, odds, votes = trained(make(TASK, **options), batch, decoder, 100)
    chex.assert_tree_all_finite(odds)
    assert float(costs[-1]) < 0.75 * float(costs[0])
    for sets in (votes, odds > 0):
        assert float(jnp.mean(sets[:, 2:] == (batch.labels[:, 2:] > 0))) > 0.95


@pytest.mark.slow
def test_members_with_trunks_of_their_own_share_no_parameter():
    approach, batch = make_rakel_disjoint(TASK, subset_size=2, shared_trunk=False), coins(8)
    options = jax.tree.map(jnp.asarray, approach.options(np.asarray(batch.labels), None))
    label = int(options["members"][0, 0])

    @jax.jit
    def made(key):
        params = approach.init(key, options)
        return params, jax.grad(lambda p: approach.predict(p, batch.features, options)[:, label].sum())(
            params
        )

    params, slope = made(jax.random.key(0))
    assert {len(leaf) for leaf in jax.tree.leaves(params)} == {3}
    assert bool(
        jnp.any(params["trunk"]["hidden"][0]["kernel"][0] != params["trunk"]["hidden"][0]["kernel"][1])
    )
    moved = {member for member in range(3) for leaf in jax.tree.leaves(slope) if bool(jnp.any(leaf[member]))}
    assert moved == {0}
