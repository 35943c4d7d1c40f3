"""Metrics of scores against scikit-learn and hand-computed values: ties, empty rows, masks, extremes."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
import sklearn.metrics as sk

from mlj import metrics
from mlj.weighting import inverse_propensities

rng = np.random.default_rng(1)
PRESENT = rng.random((40, 7)) < 0.35
PRESENT[0], PRESENT[1] = False, True
PRESENT[:, 2], PRESENT[:, 3] = False, True
PRESENT[0, 3] = False
SMOOTH = rng.normal(size=(40, 7)).astype(np.float32)
TIED = np.round(SMOOTH)  # a handful of values, both zeros among them
KINDS = pytest.mark.parametrize("scores", [SMOOTH, TIED], ids=["distinct", "tied"])


@KINDS
def test_ranking_metrics_are_those_of_scikit_learn(scores):
    found = metrics.evaluate_scores(scores, PRESENT)
    for name in ("coverage_error", "label_ranking_loss"):
        wanted = getattr(sk, name)(PRESENT, scores)
        np.testing.assert_allclose(found[name], wanted, rtol=2e-6, err_msg=name)
    wanted = sk.label_ranking_average_precision_score(PRESENT, scores)
    np.testing.assert_allclose(found["label_ranking_average_precision"], wanted, rtol=2e-6)


@KINDS
def test_average_precision_and_auc_are_those_of_scikit_learn_and_count_what_they_skip(scores):
    found = metrics.evaluate_scores(scores, PRESENT)
    some, both = PRESENT.any(axis=0), PRESENT.any(axis=0) & ~PRESENT.all(axis=0)
    wanted = {
        "macro_average_precision": sk.average_precision_score(PRESENT[:, some], scores[:, some]),
        "micro_average_precision": sk.average_precision_score(PRESENT, scores, average="micro"),
        "macro_roc_auc": sk.roc_auc_score(PRESENT[:, both], scores[:, both]),
        "micro_roc_auc": sk.roc_auc_score(PRESENT, scores, average="micro"),
    }
    for name, value in wanted.items():
        np.testing.assert_allclose(found[name], value, rtol=2e-6, err_msg=name)
    assert found["macro_average_precision_skipped"] == np.sum(~some) == 1
    assert found["macro_roc_auc_skipped"] == np.sum(~both)


def test_scores_one_rounding_step_apart_are_not_tied():
    above = np.nextafter(np.float32(1), np.float32(2))
    scores = jnp.array([[above], [1.0]])
    assert metrics.macro_roc_auc(scores, jnp.array([[1], [0]])) == 1
    assert metrics.macro_roc_auc(scores, jnp.array([[0], [1]])) == 0
    assert metrics.macro_average_precision(scores, jnp.array([[0], [1]])) == 0.5


def test_signed_zeros_tie_and_infinities_rank_at_the_ends():
    assert metrics.macro_roc_auc(jnp.array([[0.0], [-0.0]]), jnp.array([[1], [0]])) == 0.5
    ends = jnp.array([[jnp.inf], [3e38], [-3e38], [-jnp.inf], [jnp.nan]])
    found = metrics.label_average_precision(ends, jnp.array([[0], [1], [0], [1], [1]]))
    np.testing.assert_allclose(found.values, [(1 / 2 + 2 / 4 + 3 / 5) / 3], rtol=1e-6)


def test_one_error_takes_the_lowest_index_of_equal_scores_and_counts_empty_samples_as_errors():
    scores = jnp.array([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [3.0, 2.0, 1.0]])
    labels = jnp.array([[1, 0, 0], [0, 1, 0], [0, 0, 0]])
    assert metrics.one_error(scores, labels).tolist() == [0, 1, 1]


def test_what_is_at_the_top_agrees_with_counting_by_hand():
    scores, k = SMOOTH, 3
    order = np.argsort(-scores, axis=1)
    hits = np.take_along_axis(PRESENT, order, axis=1)[:, :k].sum(axis=1)
    number = PRESENT.sum(axis=1)
    np.testing.assert_allclose(metrics.precision_at_k(scores, PRESENT, k=k), hits / k, rtol=1e-6)
    np.testing.assert_allclose(
        metrics.recall_at_k(scores, PRESENT, k=k), hits / np.maximum(number, 1), rtol=1e-6
    )
    wanted = sk.ndcg_score(PRESENT, scores, k=k, ignore_ties=True)
    np.testing.assert_allclose(np.mean(metrics.ndcg_at_k(scores, PRESENT, k=k)), wanted, rtol=1e-6)


def test_k_beyond_the_number_of_labels_leaves_places_empty():
    scores, labels = jnp.array([[2.0, 1.0]]), jnp.array([[1, 1]])
    np.testing.assert_allclose(metrics.precision_at_k(scores, labels, k=5), [2 / 5], rtol=1e-6)
    np.testing.assert_allclose(metrics.ndcg_at_k(scores, labels, k=5), [1.0], rtol=1e-6)
    with pytest.raises(ValueError, match="k must be an integer of at least 1, got 0"):
        metrics.precision_at_k(scores, labels, k=0)


def test_propensity_scored_metrics_are_ratios_over_the_whole_part():
    weights = np.array(inverse_propensities(PRESENT.sum(axis=0), 40))
    order = np.argsort(-SMOOTH, axis=1)
    gains = PRESENT * weights
    for k in (1, 3):
        top = np.take_along_axis(gains, order, axis=1)[:, :k]
        best = -np.sort(-gains, axis=1)[:, :k]
        discounts = 1 / np.log2(np.arange(2, k + 2))
        ideal = np.array([discounts[:n].sum() for n in PRESENT.sum(axis=1)])
        ideal[ideal == 0] = 1
        found = metrics.psp_at_k(SMOOTH, PRESENT, inverse_propensities=weights, k=k)
        np.testing.assert_allclose(found, top.sum() / best.sum(), rtol=1e-5)
        found = metrics.psndcg_at_k(SMOOTH, PRESENT, inverse_propensities=weights, k=k)
        np.testing.assert_allclose(
            found, (top @ discounts / ideal).sum() / (best @ discounts / ideal).sum(), rtol=1e-5
        )


def test_inverse_propensities_are_the_published_formula():
    n, number = np.array([0.0, 1, 10, 500]), 1000
    wanted = 1 + (np.log(number) - 1) * 2.5**0.55 * (n + 1.5) ** -0.55
    np.testing.assert_allclose(inverse_propensities(n, number), wanted, rtol=1e-6)
    wanted = 1 + (np.log(number) - 1) * 1.4**0.5 * (n + 0.4) ** -0.5
    np.testing.assert_allclose(inverse_propensities(n, number, a=0.5, b=0.4), wanted, rtol=1e-6)


def test_a_masked_row_or_column_equals_a_deleted_one_even_if_its_score_is_nan():
    where = np.ones_like(PRESENT)
    where[:, [1, 5]] = False
    where[[3, 8, 9]] = False
    rows, columns = np.delete(np.arange(40), [3, 8, 9]), np.array([0, 2, 3, 4, 6])
    weights = np.linspace(1, 3, 7, dtype=np.float32)
    poisoned = np.where(where, TIED, np.where(rng.random(TIED.shape) < 0.5, np.nan, np.inf)).astype(
        np.float32
    )
    masked = metrics.evaluate_scores(poisoned, PRESENT, where=where, inverse_propensities=weights)
    deleted = metrics.evaluate_scores(
        TIED[rows][:, columns], PRESENT[rows][:, columns], inverse_propensities=weights[columns]
    )
    for name, value in deleted.items():
        np.testing.assert_allclose(masked[name], value, rtol=3e-6, err_msg=name)


def test_single_masked_entries_are_deleted_from_their_row_and_column():
    where = rng.random(PRESENT.shape) < 0.7
    scores = np.where(where, TIED, np.nan)
    found = metrics.evaluate_scores(scores, PRESENT, where=where)
    rows = [
        sk.label_ranking_average_precision_score(y[None, w], s[None, w])
        for s, y, w in zip(TIED, PRESENT, where)
        if w.sum() > 1
    ]
    assert len(rows) == 40
    np.testing.assert_allclose(found["label_ranking_average_precision"], np.mean(rows), rtol=2e-6)
    labels = [
        sk.average_precision_score(y[w], s[w]) for s, y, w in zip(TIED.T, PRESENT.T, where.T) if y[w].any()
    ]
    np.testing.assert_allclose(found["macro_average_precision"], np.mean(labels), rtol=2e-6)
    np.testing.assert_allclose(
        found["micro_roc_auc"], sk.roc_auc_score(PRESENT[where], TIED[where]), rtol=2e-6
    )


def test_the_sum_of_the_states_of_batches_gives_the_metrics_of_all():
    weights = np.linspace(1, 3, 7, dtype=np.float32)
    batches = [
        metrics.count_ranking(SMOOTH[n : n + 10], PRESENT[n : n + 10], inverse_propensities=weights)
        for n in range(0, 40, 10)
    ]
    whole = metrics.evaluate_scores(SMOOTH, PRESENT, inverse_propensities=weights)
    for name, value in metrics.summarise_ranking(metrics.merge(*batches)).items():
        np.testing.assert_allclose(value, whole[name], rtol=1e-6, err_msg=name)


def test_binned_curves_are_exact_when_every_bin_holds_one_value_and_add_over_batches():
    def state(part):
        return metrics.bin_scores(TIED[part], PRESENT[part], low=-4.5, high=4.5, bins=9)

    merged = metrics.merge(state(slice(0, 20)), state(slice(20, 40)))
    for binned, exact in (
        (metrics.binned_average_precision, metrics.label_average_precision),
        (metrics.binned_roc_auc, metrics.label_roc_auc),
    ):
        found, wanted = binned(merged), exact(TIED, PRESENT)
        np.testing.assert_allclose(found.values, wanted.values, rtol=1e-6)
        np.testing.assert_array_equal(found.defined, wanted.defined)


def test_binned_curves_come_near_the_exact_ones_on_smooth_scores():
    state = metrics.bin_scores(SMOOTH, PRESENT, low=-4.0, high=4.0)
    np.testing.assert_allclose(
        metrics.binned_roc_auc(state).values, metrics.label_roc_auc(SMOOTH, PRESENT).values, atol=5e-3
    )
