"""The table of metrics: complete, read-only, and in agreement with the functions that compute all at once."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from mlj import metrics

rng = np.random.default_rng(3)
SCORES = rng.normal(size=(2, 30, 6)).astype(np.float32)
PRESENT = rng.random((30, 6)) < 0.4
WHERE = rng.random((30, 6)) < 0.9
WEIGHTS = np.linspace(1, 2, 6, dtype=np.float32)
GIVEN = {"scores": SCORES[0], "predictions": SCORES[0] > 0.2, "probs": 1 / (1 + np.exp(-SCORES[0]))}


def test_every_metric_of_the_table_is_what_evaluate_returns_under_its_name():
    found = metrics.evaluate(labels=PRESENT, where=WHERE, inverse_propensities=WEIGHTS, **GIVEN)
    for name, metric in metrics.METRICS.items():
        more = {"inverse_propensities": WEIGHTS} if metric.propensities else {}
        value = metric.function(GIVEN[metric.needs], PRESENT, where=WHERE, **more)
        assert value.shape == ((30,) if metric.per_sample else ()), name
        np.testing.assert_allclose(found[name], np.mean(value), rtol=2e-6, err_msg=name)
    counted = {n for n in found if n.endswith("_skipped") or n.startswith("labels_never")}
    assert set(found) - counted == set(metrics.METRICS)


def test_a_perfect_model_is_at_the_good_end_of_every_metric_and_its_opposite_is_worse():
    labels = PRESENT[PRESENT.any(axis=1)]
    good, bad = (
        metrics.evaluate(
            labels=labels,
            scores=s,
            predictions=s > 0,
            probs=1 / (1 + np.exp(-s)),
            inverse_propensities=WEIGHTS,
        )
        for s in (
            np.where(labels, 9.0, -9.0).astype(np.float32),
            np.where(labels, -9.0, 9.0).astype(np.float32),
        )
    )
    for name, metric in metrics.METRICS.items():
        better = good[name] > bad[name] if metric.greater_is_better else good[name] < bad[name]
        assert better, name


def test_several_models_are_measured_in_one_vmap():
    both = jax.vmap(lambda s: metrics.evaluate_scores(s, PRESENT))(SCORES)
    one = metrics.evaluate_scores(SCORES[1], PRESENT)
    for name, value in one.items():
        np.testing.assert_allclose(both[name][1], value, rtol=1e-6, err_msg=name)


def test_the_table_cannot_be_changed():
    with pytest.raises(TypeError):
        metrics.METRICS["mine"] = metrics.METRICS["micro_f1"]
