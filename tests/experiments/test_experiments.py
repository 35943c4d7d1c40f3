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
    "antenna_selection": {
        **{"cases": ((4, 2),), "losses": ("zlpr", "conditional_bernoulli"), "seeds": 1, "samples": 256},
        **{"tests": 64, "epochs": 1, "rounds": 1, "work": None, "out": None},
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
    "bench_models": {
        **{"labels": (4,), "batch_size": 3, "hidden": 5, "side": 8, "samples": 40, "rounds": 1, "out": None},
    },
    "bench_ranking": {
        **{"shape": (3, 20, 2), "wide": (3, 20, 2), "sweep": (8,), "rounds": 1, "peer_rounds": 1},
        **{"out": None, "picture": None},
    },
    "bench_training": {
        **{"lanes": 2, "epochs": 1, "rows": 128, "rounds": 1, "widths": (8,)},
        **{"peers": False, "loss_shape": (4, 8), "out": None},
    },
    "count_heads": {
        **{"data": ("yeast",), "heads": ("factorised_clipped_linear",), "seeds": 2},
        **{"learning_rates": (1e-3,), "max_epochs": 1, "hidden": (8,), "work": None, "out": None},
    },
    "joint_models": {
        **{"data": ("yeast",), "approaches": ("label_powerset", "ising_exact"), "seeds": 2, "samples": 300},
        **{"learning_rates": (1e-2,), "hidden": 16, "max_epochs": 2, "work": None, "out": None},
    },
    "multi_output": {
        **{"samples": 200, "seeds": 1, "learning_rates": (1e-3,), "epochs": 1, "channels": (2, 4)},
        **{"hidden": 8, "work": None, "out": None},
    },
    # Its other sections run in small in tests/reliability.
    "reliability": {
        **{"sections": ("numerics",), "contenders": ("zlpr",), "hard_rows": 40, "hard_epochs": 1, "out": None}
    },
}
QUICK = {"accuracy"}
ELSEWHERE = {"all_tables", "hierarchy", "text"}
"""Experiments that need data or experiments of their own, which their own tests make."""


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, marks=() if path.stem in QUICK else pytest.mark.slow, id=path.stem)
        for path in sorted(FOLDER.glob("*.py"))
        if path.stem not in ELSEWHERE
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
