"""Every experiment runs, in small."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from mpmath import mpf

FOLDER = Path(__file__).parents[2] / "experiments"
SMALL = {
    "accuracy": {
        "points": 12,
        "losses": ("sigmoid_cross_entropy", "soft_dice", "poisson_count"),
        "dtypes": ("float32", "bfloat16"),
        "out": None,
    },
    "bench_lanes": {"lanes": 2, "epochs": 1, "rounds": 1, "widths": (8,), "out": None},
    "bench_losses": {
        **{"rounds": 1, "rounds_of_each": 1, "batch": 8, "labels": 40, "wide_batch": 2, "wide_labels": 70},
        **{"losses": ("hill", "entropy_maximization_pseudo"), "compiled": False, "out": False},
    },
    "bench_metrics": {
        "samples": 60,
        "labels": 6,
        "peer_labels": 3,
        "micro_labels": 3,
        "width": 3000,
        "rounds": 1,
        "out": None,
    },
    "bench_ranking": {
        **{"shape": (3, 20, 2), "wide": (3, 20, 2), "sweep": (8,), "rounds": 1, "peer_rounds": 1},
        **{"out": None, "picture": None},
    },
    "bench_training": {
        **{"lanes": 2, "epochs": 1, "rows": 128, "rounds": 1, "widths": (8,)},
        **{"peers": False, "loss_shape": (4, 8), "out": None},
    },
}


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, marks=pytest.mark.slow if path.stem.startswith("bench_") else (), id=path.stem)
        for path in sorted(FOLDER.glob("*.py"))
    ],
)
def test_an_experiment_runs_in_small(path, monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    module = import_module(path.stem)
    assert module.run(module.Config(**SMALL[path.stem]))


def test_an_error_is_counted_in_units_in_the_last_place(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    accuracy = import_module("accuracy")
    next_up = float(np.nextafter(np.float32(1), np.float32(2)))
    assert accuracy.distance(next_up, mpf(1), mpf(1), np.dtype(np.float32)) == 1
    assert accuracy.distance(float("nan"), mpf(1), mpf(1), np.dtype(np.float32)) == float("inf")
    assert accuracy.distance(0.0, mpf(10) ** -45, mpf(10) ** -45, np.dtype(np.float32)) == 0
    assert accuracy.distance(float("inf"), mpf(10) ** 39, mpf(10) ** 39, np.dtype(np.float32)) == 0
