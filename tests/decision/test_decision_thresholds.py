"""Thresholds against brute force over every cut: global, per label, joint, shrunk, matched."""

from __future__ import annotations

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sklearn.metrics as sk

from mlj import decision, metrics
from mlj.decision.per_label import STRENGTHS

rng = np.random.default_rng(0)
PRESENT = rng.random((30, 6)) < 0.35
PRESENT[:, 3] = False
PRESENT[4] = False
SMOOTH = (rng.normal(size=(30, 6)) + PRESENT).astype(np.float32)
TIED = np.round(SMOOTH)
WHERE = rng.random((30, 6)) < 0.8
WHERE[0] = False
WHERE[:, 5] = False
KINDS = pytest.mark.parametrize("scores", [SMOOTH, TIED], ids=["distinct", "tied"])
MASKS = pytest.mark.parametrize("where", [np.ones_like(WHERE), WHERE], ids=["all observed", "masked"])


def cuts(scores):
    values = np.unique(scores)
    return [values[0] - 1, *((values[1:] + values[:-1]) / 2), values[-1]]


def f1(hits, predicted, positives):
    return 2 * hits / max(predicted + positives, 1)


@KINDS
@MASKS
@pytest.mark.parametrize("average", ["micro", "macro", "samples"])
def test_no_other_threshold_has_a_larger_f1(scores, where, average):
    poisoned = np.where(where, scores, np.nan)
    threshold, value = decision.best_threshold_f1(poisoned, PRESENT, where, average)
    f1_of = {"micro": metrics.micro_f1, "macro": metrics.macro_f1, "samples": metrics.samples_f1}[average]
    best = max(f1_of(scores > t, PRESENT, where=where) for t in cuts(scores))
    np.testing.assert_allclose(value, best, rtol=1e-6)
    np.testing.assert_allclose(f1_of(scores > threshold, PRESENT, where=where), best, rtol=1e-6)


def test_beta_weighs_recall():
    threshold, value = decision.best_threshold_f1(SMOOTH, PRESENT, beta=2.0)
    found = [sk.fbeta_score(PRESENT, t < SMOOTH, beta=2, average="micro") for t in cuts(SMOOTH)]
    np.testing.assert_allclose(value, max(found), rtol=1e-6)
    assert threshold < decision.best_threshold_f1(SMOOTH, PRESENT, beta=0.5)[0]


def test_a_threshold_lies_midway_between_two_scores_and_stays_between_them_when_they_are_neighbours():
    labels = jnp.array([[1], [0]])
    assert decision.best_threshold_f1(jnp.array([[3.0], [1.0]]), labels)[0] == 2
    high = np.float32(1) + 2 * np.finfo(np.float32).eps
    for scores in ([high, 1.0], [3.4e38, 3.3e38], [np.inf, 1.0], [0.0, -np.inf], [1.0, np.nan], [2e-38, 0.0]):
        scores = jnp.array(scores, jnp.float32)[:, None]
        threshold, value = decision.best_threshold_f1(scores, labels)
        assert value == 1
        assert np.isfinite(threshold)
        assert (scores > threshold).tolist() == [[True], [False]]


def test_what_can_never_be_predicted_is_not_promised():
    threshold, value = decision.best_threshold_f1(
        jnp.array([[2.0, jnp.nan, -jnp.inf]]), jnp.array([[1, 1, 1]])
    )
    np.testing.assert_allclose(value, 0.5)
    assert threshold < 2


@pytest.mark.parametrize("where", [False, True])
def test_nothing_to_learn_from_gives_a_finite_rule(where):
    labels, mask = np.zeros_like(PRESENT), np.full_like(WHERE, where)
    for name, entry in decision.DECISIONS.items():
        for leaf in jax.tree.leaves(entry.fit(SMOOTH, labels, where=mask)):
            assert np.all(np.isfinite(leaf)), name


@KINDS
@MASKS
def test_no_other_threshold_of_a_label_has_a_larger_f1(scores, where):
    poisoned = np.where(where, scores, np.nan)
    rule = decision.naive_label_thresholds(poisoned, PRESENT, where=where)
    reached = metrics.per_label(metrics.count(scores > rule.thresholds[None, :], PRESENT, where=where))["f1"]
    for j, seen in enumerate(where.T):
        s, y = scores[seen, j], PRESENT[seen, j]
        best = (
            max((f1(np.sum(y & (s > t)), np.sum(s > t), y.sum()) for t in cuts(s)), default=0)
            if len(s)
            else 0
        )
        np.testing.assert_allclose(reached[j], best, rtol=1e-6)


def test_a_label_without_a_positive_takes_the_global_threshold():
    near = decision.global_threshold(SMOOTH, PRESENT).threshold
    for fit in (decision.label_thresholds, decision.naive_label_thresholds, decision.micro_label_thresholds):
        assert fit(SMOOTH, PRESENT).thresholds[3] == near


def test_of_equally_good_thresholds_the_global_one_is_taken():
    # the first label is cut as well by anything from 0 to 8, the second fixes the global threshold at 5
    scores = jnp.array([[8.0, 5.5], [8.0, 5.5], [0.0, 4.5], [0.0, 4.5]])
    labels = jnp.array([[1, 1], [1, 1], [0, 0], [0, 0]])
    assert decision.naive_label_thresholds(scores, labels).thresholds.tolist() == [5.0, 5.0]


def test_shrinkage_goes_from_the_naive_thresholds_to_the_global_one():
    def fit(strength):
        return decision.label_thresholds(SMOOTH, PRESENT, strength=strength).thresholds

    near = decision.global_threshold(SMOOTH, PRESENT).threshold
    naive, half = fit(0.0), fit(7.0)
    positives = PRESENT.sum(axis=0)
    np.testing.assert_array_equal(naive, decision.naive_label_thresholds(SMOOTH, PRESENT).thresholds)
    np.testing.assert_allclose(half, near + positives / (positives + 7) * (naive - near), rtol=1e-6)
    np.testing.assert_allclose(fit(jnp.inf), np.full(6, near))


def test_the_joint_thresholds_have_the_largest_micro_f1_of_all_combinations():
    scores, labels = TIED[:, :3] + np.array([0, 6, -6], np.float32), PRESENT[:, :3]
    rule = decision.micro_label_thresholds(scores, labels, strength=0.0)
    tables = [[(np.sum(y & (s > t)), np.sum(s > t)) for t in cuts(s)] for s, y in zip(scores.T, labels.T)]
    best = max(
        f1(sum(h for h, _ in choice), sum(p for _, p in choice), labels.sum())
        for choice in itertools.product(*tables)
    )
    reached = metrics.micro_f1(scores > rule.thresholds[None, :], labels)
    np.testing.assert_allclose(reached, best, rtol=1e-6)
    assert best > decision.best_threshold_f1(scores, labels)[1]


def test_a_label_whose_scores_are_upside_down_is_switched_off_for_micro_f1():
    scores = np.concatenate([np.where(PRESENT, 2.0, -2.0)[:, :2], np.linspace(3, 4, 30)[:, None]], axis=1)
    labels = np.concatenate([PRESENT[:, :2], np.arange(30)[:, None] == 0], axis=1)
    rule = decision.micro_label_thresholds(jnp.asarray(scores, jnp.float32), labels, strength=0.0)
    assert not np.any(scores[:, 2] > rule.thresholds[2])


def test_on_noise_the_tuned_thresholds_are_among_the_shrunk_ones_and_near_the_global_one():
    noise = rng.normal(size=(200, 6)).astype(np.float32)
    labels = rng.random((200, 6)) < 0.3
    near = decision.global_threshold(noise, labels).threshold
    rule = decision.tuned_label_thresholds(noise, labels)
    naive = decision.naive_label_thresholds(noise, labels)
    candidates = [decision.label_thresholds(noise, labels, strength=m).thresholds for m in STRENGTHS]
    assert any(np.allclose(rule.thresholds, c) for c in candidates)
    assert np.abs(rule.thresholds - near).sum() < np.abs(naive.thresholds - near).sum()


def test_the_tuned_strength_is_small_where_labels_need_different_thresholds():
    labels = rng.random((200, 6)) < 0.4
    shifts = np.array([-9, -5, -1, 1, 5, 9])
    scores = (np.where(labels, 1.0, -1.0) + shifts + rng.normal(size=labels.shape) * 0.3).astype(np.float32)
    rule = decision.tuned_label_thresholds(scores, labels)
    np.testing.assert_allclose(rule.thresholds, shifts, atol=0.5)


@KINDS
@MASKS
def test_as_many_labels_are_predicted_as_are_present(scores, where):
    poisoned = np.where(where, scores, np.nan)
    one = decision.cardinality_threshold(poisoned, PRESENT, where=where).threshold
    target = np.sum(PRESENT & where)
    gaps = [abs(np.sum((scores > t) & where) - target) for t in cuts(scores)]
    assert abs(np.sum((scores > one) & where) - target) == min(gaps)
    each = decision.proportional_thresholds(poisoned, PRESENT, where=where).thresholds
    for j, seen in enumerate(where.T):
        s, target = scores[seen, j], np.sum(PRESENT[seen, j])
        if len(s):
            assert abs(np.sum(s > each[j]) - target) == min(abs(np.sum(s > t) - target) for t in cuts(s))


def test_given_priors_are_matched_instead_of_those_of_the_labels():
    priors = jnp.array([0.1, 0.2, 0.5, 0.9, 1.0, 0.0])
    rule = decision.proportional_thresholds(SMOOTH, PRESENT, priors=priors)
    assert np.sum(rule.thresholds[None, :] < SMOOTH, axis=0).tolist() == [3, 6, 15, 27, 30, 0]
    rule = decision.cardinality_threshold(SMOOTH, PRESENT, density=0.1)
    assert np.sum(rule.threshold < SMOOTH) == 18
