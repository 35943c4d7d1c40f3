"""Losses of sums of exponentials: what they equal, what shifts do, and what lists of labels may hold."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mlj.losses import softmax_cross_entropy
from mlj.losses.ranking import (
    adaptive_threshold,
    decoupled_softmax,
    lifted_structured,
    lsep,
    n_pair,
    pairwise_exponential,
    two_way_sample,
    unified_similarity,
    zlpr,
    zlpr_from_indices,
)

RNG = np.random.default_rng(0)
LOGITS = jnp.asarray(
    np.concatenate([2 * RNG.normal(size=(20, 6)), 40 * RNG.normal(size=(4, 6))]), jnp.float32
)
HARD = jnp.asarray(RNG.random((24, 6)) < 0.4, jnp.float32).at[0].set(0).at[1].set(1)
ONE = jnp.asarray(np.eye(6)[RNG.integers(0, 6, 24)], jnp.float32)
PRESENT, ABSENT = HARD.sum(-1), (1 - HARD).sum(-1)


def assert_same(one, other, labels, logits=LOGITS):
    def both(s):
        costs = one(s, labels), other(s, labels)
        return [jnp.sum(jnp.cos(jnp.arange(24.0)) * cost) for cost in costs], costs

    slopes, (left, right) = jax.jit(jax.jacrev(both, has_aux=True))(logits)
    np.testing.assert_allclose(left, right, rtol=1e-5, atol=2e-6)
    np.testing.assert_allclose(*slopes, rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize(
    "loss",
    [
        partial(unified_similarity, gamma=1.0, margin=0.0),
        partial(two_way_sample, t_pos=1.0, t_neg=1.0),
    ],
)
def test_a_neutral_setting_is_lsep(loss):
    assert_same(loss, lsep, HARD)


def test_a_margin_multiplies_every_pair_by_its_exponential():
    def heavy(s, y):
        return lsep(s, y, weights=jnp.where(y > 0, jnp.exp(2.0), 1))

    assert_same(partial(unified_similarity, gamma=2.0, margin=1.0), lambda s, y: heavy(2 * s, y), HARD)


def test_a_large_gamma_leaves_the_hinge_of_the_worst_pair():
    worst = np.where(HARD == 0, LOGITS, -np.inf).max(-1) - np.where(HARD == 1, LOGITS, np.inf).min(-1)
    found = unified_similarity(LOGITS, HARD, gamma=1e4, margin=0.5) / 1e4
    np.testing.assert_allclose(
        found, np.where(PRESENT * ABSENT > 0, np.maximum(worst + 0.5, 0), 0), atol=1e-3
    )


def test_lifted_structured_lies_below_the_unified_similarity_of_its_margin():
    lifted, smooth = lifted_structured(LOGITS, HARD), unified_similarity(LOGITS, HARD, margin=1.0)
    assert np.all(lifted <= smooth + 1e-5)
    assert np.all(smooth <= lifted + np.log(2) + 1e-5)


def test_the_exponential_pair_loss_is_that_of_lsep_less_one_over_the_pairs():
    ordinary = LOGITS / 4
    found = pairwise_exponential(ordinary, HARD)
    wanted = np.expm1(lsep(ordinary, HARD)) / np.maximum(PRESENT * ABSENT, 1)
    np.testing.assert_allclose(found, wanted, rtol=3e-6, atol=1e-7)


def test_an_exponential_beyond_floating_point_costs_infinity_and_still_points_the_right_way():
    s, y = jnp.array([-300.0, 0.0, 300.0, 0.0]), jnp.array([1, 1, 0, 0])
    assert pairwise_exponential(s, y) == np.inf
    slope = jax.grad(pairwise_exponential)(s, y)
    assert np.all(np.isfinite(slope))
    assert slope[0] < -1e37
    assert slope[2] > 1e37
    np.testing.assert_array_equal(slope[jnp.array([1, 3])], 0)


def test_decoupled_softmax_is_n_pair_over_the_number_of_present_labels():
    assert_same(decoupled_softmax, lambda s, y: n_pair(s, y) / jnp.maximum(y.sum(-1), 1), HARD)
    assert_same(decoupled_softmax, softmax_cross_entropy, ONE)


def test_a_present_label_of_weight_zero_stays_in_the_divisor():
    s, y = jnp.array([0.5, -1.0, 2.0]), jnp.array([1, 1, 0])
    weights = jnp.array([1.0, 0.0, 1.0])
    np.testing.assert_allclose(
        2 * decoupled_softmax(s, y, weights=weights), jnp.logaddexp(0.0, 1.5), rtol=1e-6
    )


@pytest.mark.parametrize(("t_pos", "t_neg"), [(4.0, 1.0), (0.3, 7.0)])
def test_two_way_equals_the_published_formula_in_float64(t_pos, t_neg):
    s, y = np.asarray(LOGITS, np.float64), np.asarray(HARD)
    both = np.asarray(PRESENT * ABSENT > 0)
    a = t_neg * np.log(np.where(y == 0, np.exp(s / t_neg), 0).sum(-1), where=both, out=np.zeros(24))
    b = t_pos * np.log(np.where(y == 1, np.exp(-s / t_pos), 0).sum(-1), where=both, out=np.zeros(24))
    found = two_way_sample(LOGITS, HARD, t_pos=t_pos, t_neg=t_neg)
    np.testing.assert_allclose(found, np.where(both, np.logaddexp(0, a + b), 0), rtol=2e-5, atol=1e-6)


def test_temperature_spreads_the_slope_and_leaves_its_sum():
    s, y = jnp.array([-9.0, -8.0, 3.0, 3.5]), jnp.array([1, 1, 0, 0])
    for t_pos in (0.1, 1.0, 100.0):
        slope = jax.grad(partial(two_way_sample, t_pos=t_pos))(s, y)
        np.testing.assert_allclose(slope[:2].sum(), -1, rtol=1e-4)
        np.testing.assert_allclose(slope[2:].sum(), 1, rtol=1e-4)
        np.testing.assert_allclose(slope[0] / slope[1], np.exp(1 / t_pos), rtol=1e-4)


SHIFT_INVARIANT = {
    "unified": partial(unified_similarity, gamma=3.0, margin=0.25),
    "two_way": partial(two_way_sample, t_pos=3.0, t_neg=0.7),
    "decoupled": decoupled_softmax,
    "exponential": lambda s, y: jnp.log1p(pairwise_exponential(s, y)),
    "threshold": lambda s, y: adaptive_threshold(
        s, y, threshold=s[:, 0] - y[:, 0] * s[:, 0] + y[:, 0] * s[:, 1]
    ),
}


@pytest.mark.parametrize("name", SHIFT_INVARIANT)
def test_adding_a_constant_to_all_scores_changes_nothing(name):
    s = jnp.round(LOGITS * 16) / 16
    loss = jax.jit(jax.value_and_grad(lambda s: SHIFT_INVARIANT[name](s, HARD).sum()))
    for shift in (100.0, -1024.0):
        for moved, wanted in zip(loss(s + shift), loss(s)):
            np.testing.assert_allclose(moved, wanted, rtol=1e-5, atol=1e-5)


def listed(labels, width):
    rows = np.full((len(labels), width), -1)
    for row, present in zip(rows, labels):
        found = np.flatnonzero(present)
        row[: len(found)] = found
    return jnp.asarray(rows)


@pytest.mark.parametrize("dtype", [jnp.int32, jnp.int8])
def test_listed_labels_cost_what_multi_hot_ones_do(dtype):
    rows = listed(np.asarray(HARD), 8).astype(dtype)
    assert_same(lambda s, y: zlpr_from_indices(s, rows), zlpr, HARD)
    vmapped = jax.vmap(zlpr_from_indices)(LOGITS, rows)
    np.testing.assert_allclose(vmapped, zlpr(LOGITS, HARD), rtol=1e-6)


def test_order_repetition_and_padding_of_indices_make_no_difference():
    s = LOGITS[:4]
    wanted = zlpr_from_indices(s, jnp.tile(jnp.array([1, 4]), (4, 1)))
    rows = jnp.array([[4, 1, -1, -1], [-1, 1, -1, 4], [1, 1, 4, 1], [4, 4, 4, 1]])
    np.testing.assert_array_equal(zlpr_from_indices(s, rows), wanted)


def test_no_indices_at_all_are_an_empty_set_of_labels():
    wanted = zlpr(LOGITS, jnp.zeros((24, 6)))
    np.testing.assert_array_equal(zlpr_from_indices(LOGITS, jnp.zeros((24, 0), jnp.int32)), wanted)
    np.testing.assert_array_equal(zlpr_from_indices(LOGITS, jnp.full((24, 2), -1)), wanted)


@pytest.mark.parametrize("wrong", [7, 1000, -2, -6])
def test_an_index_of_no_label_is_never_a_silent_zero_or_the_last_label(wrong):
    rows = jnp.array([[0, wrong], [0, 5]])
    costs = zlpr_from_indices(LOGITS[:2], rows)
    np.testing.assert_array_equal(np.isnan(costs), [True, False])
    slopes = jax.grad(lambda s: zlpr_from_indices(s, rows).sum())(LOGITS[:2])
    np.testing.assert_array_equal(np.isnan(slopes), [[True] * 6, [False] * 6])


def test_an_index_of_a_masked_label_is_a_deleted_label():
    s, where = jnp.array([0.5, jnp.nan, -1.0]), jnp.array([True, False, True])
    found = zlpr_from_indices(s, jnp.array([1, 2]), where=where)
    np.testing.assert_allclose(found, zlpr(jnp.array([0.5, -1.0]), jnp.array([0, 1])), rtol=1e-6)


def test_absent_labels_are_taught_although_present_ones_dominate_the_sum():
    s, rows = jnp.array([80.0, -20.0, -30.0]), jnp.array([0])
    assert zlpr_from_indices(s, rows) > 1e-9
    np.testing.assert_allclose(jax.grad(zlpr_from_indices)(s, rows)[1:], np.exp([-20.0, -30.0]), rtol=1e-5)


def test_indices_are_checked():
    with pytest.raises(TypeError, match="labels_from_indices: indices must be integers, got float32"):
        zlpr_from_indices(LOGITS, jnp.zeros((24, 2)))
    for wrong in (jnp.zeros((3, 2), int), jnp.zeros(24, int), jnp.int32(0)):
        with pytest.raises(ValueError, match=r"from_indices: indices .* leading axes of logits"):
            zlpr_from_indices(LOGITS, wrong)
    with pytest.raises(ValueError, match=r"zlpr: weights \[6\] must have the shape of logits"):
        zlpr_from_indices(LOGITS, jnp.zeros((24, 2), int), weights=jnp.ones(6))


def test_adaptive_threshold_is_two_cross_entropies_against_the_threshold():
    t = jnp.linspace(-2, 2, 24)
    with_threshold = jnp.append(LOGITS, t[:, None], axis=1)
    near = jnp.where(jnp.append(HARD, jnp.ones((24, 1)), axis=1) > 0, with_threshold, -jnp.inf)
    far = jnp.where(jnp.append(HARD, jnp.zeros((24, 1)), axis=1) > 0, -jnp.inf, with_threshold)
    present = jnp.where(HARD > 0, jax.nn.logsumexp(near, axis=1, keepdims=True) - LOGITS, 0).sum(1)
    absent = jax.nn.logsumexp(far, axis=1) - t
    found = adaptive_threshold(LOGITS, HARD, threshold=t)
    np.testing.assert_allclose(found, present + absent, rtol=1e-5, atol=1e-5)


def test_the_threshold_takes_up_what_the_labels_give():
    t = jnp.linspace(-2, 2, 24)
    slopes, own = jax.grad(lambda s, t: adaptive_threshold(s, HARD, threshold=t).sum(), argnums=(0, 1))(
        LOGITS, t
    )
    np.testing.assert_allclose(slopes.sum(1) + own, 0, atol=1e-5)
    assert own[0] < 0 < own[1]


def test_a_threshold_of_an_unobserved_row_is_not_looked_at():
    s, nowhere = jnp.full(3, jnp.nan), jnp.zeros(3, bool)

    def cost(t):
        return adaptive_threshold(s, jnp.ones(3), threshold=t, where=nowhere)

    for t in (jnp.nan, jnp.inf, 3.0):
        assert cost(jnp.float32(t)) == 0
        assert jax.grad(cost)(jnp.float32(t)) == 0


def test_the_threshold_is_checked():
    with pytest.raises(ValueError, match=r"adaptive_threshold: threshold must be \[24\], got \[24, 6\]"):
        adaptive_threshold(LOGITS, HARD, threshold=LOGITS)
    with pytest.raises(TypeError, match="threshold must be floating-point, got int32"):
        adaptive_threshold(LOGITS, HARD, threshold=jnp.zeros(24, jnp.int32))
