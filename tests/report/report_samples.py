"""Small made-up results in the form that a comparison saves."""

from __future__ import annotations

from typing import Any

import numpy as np

METRICS = {
    "micro_f1": ("Micro F1", True, "predictions"),
    "macro_f1": ("Macro F1", True, "predictions"),
    "hamming_loss": ("Hamming loss", False, "predictions"),
    "macro_average_precision": ("Macro AP", True, "scores"),
    "coverage_error": ("Coverage", False, "scores"),
    "expected_calibration_error": ("Calibration error", False, "probs"),
}
RULES = {"zero": "score > 0", "global_threshold": "global threshold", "count_head": "top k, k predicted"}
FAMILIES = {"sigmoid_cross_entropy": "binary", "zlpr": "ranking", "softmax_count_mse:softplus": "counts"}
FLOORS = ("prior_only", "logistic_one_vs_rest")


def results(
    *,
    names: tuple[str, ...] = tuple(FAMILIES),
    labels: int = 6,
    seeds: int = 3,
    metric: str = "micro_f1",
    data_name: str = "sample",
    label_names: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Return results with every key that a comparison gives; the first name is the chosen one everywhere."""
    rng = np.random.default_rng(0)
    every = (FLOORS[0], *names, FLOORS[1])
    counts = np.sort(rng.integers(1, 900, labels))[::-1].tolist()
    described = {
        "name": data_name, "rows": 1000, "features": 30, "labels": labels, "sha256": "ab" * 32,
        "feature_density": 0.5, "cardinality": 1.5, "density": 0.25, "distinct_labelsets": 12,
        "mean_irlbl": 3.5, "max_irlbl": 40.0, "labels_never_positive": 1, "empty_rows": 2,
        "unobserved": 0.125,
        "duplicated_rows": 3,
    }  # fmt: skip
    chosen = {key: _chosen(names[0], key, seeds) for key in dict.fromkeys((metric, *METRICS))}
    return {
        "format": "mlj-comparison-1", "created": "2026-01-02T03:04:05+00:00", "seconds": 12.5,
        "data": {
            "name": data_name, "labels": list(label_names) or [f"label {i}" for i in range(labels)],
            "label_counts": counts, "pool": described, "test": described | {"rows": 400},
            "repeated_in_test": 7,
        },
        "protocol": {
            "metric": metric, "seeds": list(range(seeds)), "learning_rates": [0.001, 0.01],
            "optimizer": "adamw", "weight_decay": 0.01, "model": "mlp",
            "model_options": {"hidden": [16, 16], "dropout": 0.4},
            "batch_size": 32, "max_epochs": 5, "patience": 2,
            "rows": {"train": 800, "validation": 200, "test": 400},
            "origin": {"test": "the official test part", "validation": "20% of the training part"},
        },
        "versions": {"mlj": "0.1.0", "python": "3.11"},
        "machine": {"platform": "Linux", "devices": ["cpu:0"]},
        "metrics": {
            key: {"title": title, "greater_is_better": greater, "needs": needs}
            for key, (title, greater, needs) in METRICS.items()
        },
        "rules": dict(RULES),
        "contenders": {name: _contender(rng, name, place, labels, seeds) for place, name in enumerate(every)},
        "failed": {}, "chosen": chosen,
        "tests": {
            key: {
                "best": names[0],
                "p": {name: 0.01 + 0.3 * place for place, name in enumerate(every) if name != names[0]},
                "rules": {name: _rule(key) for name in every},
            }
            for key in chosen
        },
        "spread": {"losses": 0.02, "rules": 0.05},
        "verdict": f"On {data_name}, the loss {names[0]} was best on validation.",
    }  # fmt: skip


def _rule(metric: str) -> str | None:
    return "global_threshold" if METRICS[metric][2] == "predictions" else None


def _chosen(name: str, metric: str, seeds: int) -> dict[str, Any]:
    found = {"contender": name, "rule": _rule(metric), "validation": 0.7, "test": 0.68, "test_sd": 0.01}
    return found | {"test_seeds": [0.68] * seeds}


def _values(rng, place: int, seeds: int, needs: tuple[str, ...]) -> dict[str, list[float]]:
    keys = [key for key, (_, _, need) in METRICS.items() if need in needs]
    return {key: (0.3 + 0.05 * place + 0.02 * rng.random(seeds)).tolist() for key in keys}


def _contender(rng, name: str, place: int, labels: int, seeds: int) -> dict[str, Any]:
    rules = [rule for rule in RULES if rule != "count_head" or "count" in name]
    found: dict[str, Any] = {
        "floor": name in FLOORS,
        "seconds": 1.5,
        "platt": {"slope": [1.0] * seeds, "intercept": [0.0] * seeds},
        "validation": _values(rng, place, seeds, ("scores", "probs")),
        "test": _values(rng, place, seeds, ("scores", "probs")),
        "reliability": {"prob": [0.1, 0.0, 0.8], "present": [0.2, 0.0, 0.7], "count": [900.0, 0.0, 60.0]},
        "threshold_curve": {
            "threshold": [0.2, 0.5, 0.8],
            "micro_f1": [0.4, 0.5, 0.1],
            "macro_f1": [0.3, 0.2, 0.1],
        },
        "rules": {
            rule: {
                "validation": _values(rng, place, seeds, ("predictions",)),
                "test": _values(rng, place, seeds, ("predictions",)),
                "label_f1": rng.random(labels).tolist(),
                "fitted": [{"rule": rule}] * seeds,
            }
            for rule in rules
        },
    }
    if name in FLOORS:
        return found
    curve = [[0.3, 0.4, 0.5, None, None]] + [[0.3, 0.4, 0.5, 0.5, 0.6]] * (seeds - 1)
    return found | {
        "loss": name.split(":")[0], "count_head": None, "family": FAMILIES.get(name, "novel"),
        "link": "sigmoid",
        "calibration": "no", "source": "someone, somewhere", "learning_rate": 0.01,
        "best_epochs": [3] * seeds,
        "grid": {"0.001": [0.4] * seeds, "0.01": [0.5] * seeds}, "failures": [],
        "train_curve": curve, "validation_curve": curve,
    }  # fmt: skip
