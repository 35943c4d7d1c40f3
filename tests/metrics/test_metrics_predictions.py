"""Metrics of predictions against scikit-learn, under masks, and in pieces."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sklearn.metrics as sk

from mlj import metrics

rng = np.random.default_rng(0)
PREDICTED = rng.random((40, 7)) < 0.35
PRESENT = rng.random((40, 7)) < 0.3
PRESENT[:, 2] = False  # never present, sometimes predicted
PREDICTED[:, 3] = False  # never predicted, sometimes present
PREDICTED[:, 4] = PRESENT[:, 4] = False  # neither
PREDICTED[0] = PRESENT[0] = False
PREDICTED[1] = False
PRESENT[2] = False
RATIOS = {
    "precision": sk.precision_score,
    "recall": sk.recall_score,
    "f1": sk.f1_score,
    "jaccard": sk.jaccard_score,
}


@pytest.mark.parametrize("empty", [0.0, 1.0])
def test_every_average_of_every_ratio_is_that_of_scikit_learn(empty):
    found = metrics.evaluate_predictions(PREDICTED, PRESENT, empty=empty)
    for average in ("micro", "macro", "samples"):
        for name, score in RATIOS.items():
            wanted = score(PRESENT, PREDICTED, average=average, zero_division=empty)
            np.testing.assert_allclose(
                found[f"{average}_{name}"], wanted, rtol=2e-6, err_msg=f"{average} {name}"
            )


def test_the_ratios_per_label_are_those_of_scikit_learn():
    found = metrics.per_label(metrics.count(PREDICTED, PRESENT))
    for name, score in RATIOS.items():
        wanted = score(PRESENT, PREDICTED, average=None, zero_division=0)
        np.testing.assert_allclose(found[name], wanted, rtol=2e-7, err_msg=name)


def test_hamming_loss_and_subset_accuracy_are_those_of_scikit_learn():
    found = metrics.evaluate_predictions(PREDICTED, PRESENT)
    np.testing.assert_allclose(found["hamming_loss"], sk.hamming_loss(PRESENT, PREDICTED), rtol=1e-6)
    np.testing.assert_allclose(found["subset_accuracy"], sk.accuracy_score(PRESENT, PREDICTED), rtol=1e-6)


def test_fbeta_is_that_of_scikit_learn():
    counts = metrics.count(PREDICTED, PRESENT)
    for beta in (0.5, 2.0):
        wanted = sk.fbeta_score(PRESENT, PREDICTED, beta=beta, average=None, zero_division=0)
        np.testing.assert_allclose(
            metrics.fbeta(counts.tp, counts.fp, counts.fn, beta=beta), wanted, rtol=1e-6
        )


def test_macro_over_present_leaves_out_the_labels_that_never_occur():
    present = PRESENT.any(axis=0)
    wanted = sk.f1_score(PRESENT[:, present], PREDICTED[:, present], average="macro", zero_division=0)
    found = metrics.evaluate_predictions(PREDICTED, PRESENT)
    np.testing.assert_allclose(found["macro_f1_over_present"], wanted, rtol=1e-6)
    assert found["macro_f1_over_present"] > found["macro_f1"]
    assert found["labels_never_present"] == 2
    assert found["labels_never_predicted"] == 2


def test_a_masked_row_or_column_equals_a_deleted_one():
    where = np.ones_like(PRESENT)
    where[:, [1, 5]] = False
    where[[3, 8, 9]] = False
    rows, columns = np.delete(np.arange(40), [3, 8, 9]), [0, 2, 3, 4, 6]
    masked = metrics.evaluate_predictions(PREDICTED, PRESENT, where=where)
    deleted = metrics.evaluate_predictions(PREDICTED[rows][:, columns], PRESENT[rows][:, columns])
    for name, value in deleted.items():
        np.testing.assert_allclose(masked[name], value, rtol=1e-6, err_msg=name)


def test_single_masked_entries_count_nowhere():
    where = rng.random(PRESENT.shape) < 0.7
    found = metrics.evaluate_predictions(PREDICTED, PRESENT, where=where)
    flipped = metrics.evaluate_predictions(PREDICTED ^ ~where, PRESENT ^ ~where, where=where)
    wanted = sk.f1_score(PRESENT[where], PREDICTED[where])
    np.testing.assert_allclose(found["micro_f1"], wanted, rtol=1e-6)
    np.testing.assert_allclose(found["hamming_loss"], np.mean((PRESENT != PREDICTED)[where]), rtol=1e-6)
    by_label = [sk.f1_score(y[w], p[w], zero_division=0) for p, y, w in zip(PREDICTED.T, PRESENT.T, where.T)]
    np.testing.assert_allclose(found["macro_f1"], np.mean(by_label), rtol=1e-6)
    by_sample = [sk.f1_score(y[w], p[w], zero_division=0) for p, y, w in zip(PREDICTED, PRESENT, where)]
    np.testing.assert_allclose(found["samples_f1"], np.mean(by_sample), rtol=1e-6)
    for name in found:
        assert found[name] == flipped[name], name


def test_the_sum_of_the_states_of_batches_is_the_state_of_all():
    batches = [metrics.count(PREDICTED[n : n + 10], PRESENT[n : n + 10]) for n in range(0, 40, 10)]
    merged, whole = metrics.merge(*batches), metrics.count(PREDICTED, PRESENT)
    for name in whole._fields:
        np.testing.assert_allclose(getattr(merged, name), getattr(whole, name), rtol=1e-6, err_msg=name)


def test_nothing_observed_gives_zeros_and_not_nan():
    found = metrics.evaluate_predictions(PREDICTED, PRESENT, where=np.zeros_like(PRESENT))
    assert all(value == 0 for value in found.values())


def test_leading_axes_are_models():
    stacked = np.stack([PREDICTED, PRESENT])
    found = metrics.micro_f1(stacked, np.stack([PRESENT, PRESENT]))
    assert found.shape == (2,)
    assert found[1] == 1
    one = jax.vmap(metrics.evaluate_predictions)(stacked, np.stack([PRESENT, PRESENT]))
    np.testing.assert_array_equal(one["micro_f1"], found)


def test_scores_are_refused_where_predictions_are_wanted():
    with pytest.raises(TypeError, match="predictions must be bool, got float32"):
        metrics.micro_f1(jnp.ones((2, 3)), jnp.ones((2, 3)))
    with pytest.raises(ValueError, match=r"labels \[3\] must have the shape of predictions \[2, 3\]"):
        metrics.micro_f1(jnp.ones((2, 3), bool), jnp.ones(3))
