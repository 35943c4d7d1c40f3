"""Metrics of probabilities against scikit-learn and float64 NumPy."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
import sklearn.metrics as sk

from mlj import metrics

rng = np.random.default_rng(2)
PROBS = rng.random((60, 5)).astype(np.float32)
PRESENT = rng.random((60, 5)) < PROBS**2
WHERE = rng.random((60, 5)) < 0.8
WHERE[:, 4] = False


def calibration_error(probs, present, bins):
    index = np.minimum((probs * bins).astype(int), bins - 1)
    gaps = [
        abs(present[index == b].mean() - probs[index == b].mean()) * np.mean(index == b) for b in set(index)
    ]
    return sum(gaps)


def test_brier_score_and_log_loss_are_those_of_scikit_learn():
    found = metrics.evaluate_probs(PROBS, PRESENT)
    np.testing.assert_allclose(found["brier"], sk.brier_score_loss(PRESENT.ravel(), PROBS.ravel()), rtol=1e-6)
    np.testing.assert_allclose(found["log_loss"], sk.log_loss(PRESENT.ravel(), PROBS.ravel()), rtol=1e-6)


def test_a_certain_and_wrong_probability_costs_minus_log_of_float32_eps():
    found = metrics.log_loss(jnp.array([[0.0, 1.0]]), jnp.array([[1, 0]]))
    np.testing.assert_allclose(found, -np.log(np.finfo(np.float32).eps), rtol=1e-6)
    wanted = sk.log_loss([1, 0], np.array([0.0, 1.0], np.float32))
    np.testing.assert_allclose(found, wanted, rtol=1e-6)
    assert metrics.log_loss(jnp.array([[0.0, 1.0]]), jnp.array([[0, 1]])) < 2e-7


@pytest.mark.parametrize("bins", [10, 15])
def test_expected_calibration_error_is_that_of_the_formula(bins):
    found = metrics.expected_calibration_error(PROBS, PRESENT, bins=bins)
    wanted = np.mean([calibration_error(p, y, bins) for p, y in zip(PROBS.T.astype(float), PRESENT.T)])
    np.testing.assert_allclose(found, wanted, rtol=1e-5)


def test_masked_entries_count_nowhere_even_if_nan():
    found = metrics.evaluate_probs(np.where(WHERE, PROBS, np.nan), PRESENT, where=WHERE)
    p, y = PROBS[WHERE].astype(float), PRESENT[WHERE]
    np.testing.assert_allclose(found["brier"], np.mean((p - y) ** 2), rtol=1e-6)
    np.testing.assert_allclose(found["log_loss"], sk.log_loss(y, p), rtol=1e-6)
    columns = [
        calibration_error(PROBS[w, j].astype(float), PRESENT[w, j], 15) for j, w in enumerate(WHERE.T[:4])
    ]
    np.testing.assert_allclose(found["expected_calibration_error"], np.mean(columns), rtol=1e-5)


def test_an_observed_nan_is_not_hidden():
    assert np.isnan(metrics.brier_score(jnp.array([[jnp.nan, 0.5]]), jnp.array([[1, 0]])))


def test_the_edges_of_the_bins_belong_to_the_upper_bin_and_one_to_the_last():
    state = metrics.calibration(jnp.array([[0.0], [0.5], [1.0]]), jnp.array([[0], [1], [1]]), bins=2)
    assert state.number.tolist() == [[1, 2]]
    diagram = metrics.reliability(state)
    assert diagram.prob.tolist() == [0, 0.75]
    assert diagram.frequency.tolist() == [0, 1]


def test_the_sum_of_the_states_of_batches_is_the_state_of_all():
    batches = [metrics.calibration(PROBS[n : n + 20], PRESENT[n : n + 20]) for n in (0, 20, 40)]
    for part, whole in zip(metrics.merge(*batches), metrics.calibration(PROBS, PRESENT)):
        np.testing.assert_allclose(part, whole, rtol=1e-6)
