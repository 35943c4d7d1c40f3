"""The cases of the losses of ordered labels."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from mlj.losses import ranking
from mlj.testing.case import Extra, per_pair, undivided
from mlj.testing.known import pulls, reasons
from mlj.types import Labels, Logits, Mask, PerSample, Weights


def zlpr_of_listed_labels(
    logits: Logits, labels: Labels, *, weights: Weights | None = None, where: Mask | None = None
) -> PerSample:
    """List the present labels, back to front; one that is NaN gets a number that no label has."""
    size = labels.shape[-1]
    number = jnp.broadcast_to(jnp.arange(size), labels.shape)
    listed = jnp.where(labels > 0, number, jnp.where(jnp.isnan(labels), size + 1, -1))
    return ranking.zlpr_from_indices(logits, jnp.flip(listed, axis=-1), weights=weights, where=where)


def thresholds(labels: np.ndarray) -> np.ndarray:
    """Return a threshold for each sample that depends on how many labels it has."""
    return 0.75 - 0.5 * np.sum(labels > 0, axis=-1)


def per_present(k: int, n: int) -> float:
    """Say that a sum is divided by the number of present labels."""
    return max(k, 1)


def label_mean_pull(k: int, n: int, size: float) -> tuple[float, float]:
    """Pull of a sum over pairs, divided by the number of labels."""
    return n / (k + n), k / (k + n)


def ranked_pull(k: int, n: int, size: float) -> tuple[float, float]:
    """Pull of hinges over the rank, times a harmonic number of it, with all pairs violated."""
    harmonic = sum(1 / r for r in range(1, n + 1))
    return harmonic, k * harmonic / n


def tempered_pull(k: int, n: int, size: float) -> tuple[float, float]:
    """Pull on the smooth worst of each side, at a temperature of 4 of the present one."""
    return 1 / (1 + (k - 1) * float(np.exp(-size / 4))), 1.0


def square_pull(k: int, n: int, size: float) -> tuple[float, float]:
    """Pull of a mean over all pairs of a squared hinge."""
    return 2 * (1 + size) / k, 2 * (1 + size) / n


def exponential_pull(k: int, n: int, size: float) -> tuple[float, float]:
    """Pull of a mean over all pairs of an exponential."""
    return float(np.exp(size)) / k, float(np.exp(size)) / n


CASES: dict[str, dict[str, object]] = {
    "zlpr": {"divisor": undivided, "diverges": pulls.either, "pull": pulls.unit_pull},
    "zlpr_from_indices": {
        "loss": zlpr_of_listed_labels,
        "divisor": undivided,
        "diverges": pulls.either,
        "pull": pulls.unit_pull,
    },
    "lsep": {"divisor": undivided, "diverges": pulls.pairs, "pull": pulls.unit_pull},
    "unified_similarity": {
        "divisor": undivided,
        "hyper": (("gamma", (1.0, 5.0)), ("margin", (0.0, 0.5))),
        "diverges": pulls.pairs,
        "pull": pulls.unit_pull,
    },
    "two_way_sample": {
        "divisor": undivided,
        "hyper": (("t_pos", (4.0, 1.0)), ("t_neg", (1.0, 0.3))),
        "diverges": pulls.pairs,
        "pull": tempered_pull,
    },
    "circle": {
        "divisor": undivided,
        "hyper": (("gamma", (256.0, 0.0, 1.0)), ("margin", (0.25, 0.0))),
        "diverges": pulls.pairs,
        "pull": pulls.circle_pull,
    },
    "n_pair": {"divisor": undivided, "diverges": pulls.pairs, "pull": pulls.sum_pull},
    "decoupled_softmax": {"divisor": per_present, "diverges": pulls.pairs, "pull": pulls.share_pull},
    "lifted_structured": {
        "divisor": undivided,
        "hyper": (("margin", (1.0, 0.0)),),
        "diverges": pulls.pairs,
        "pull": pulls.unit_pull,
    },
    "distributional_ranking": {
        "divisor": undivided,
        "hyper": (
            ("tau", (4.0, 1.0)),
            ("smoothness", (6.0, 1.0)),
            ("lambda_pos", (1.0, 0.1)),
            ("lambda_neg", (0.08, 1.0)),
            ("margin", (0.5, 0.0)),
        ),
    },
    "pairwise_hinge": {"divisor": per_pair, "diverges": pulls.pairs, "pull": pulls.pair_mean_pull},
    "pairwise_squared_hinge": {"divisor": per_pair, "diverges": pulls.pairs, "pull": square_pull},
    "pairwise_logistic": {"divisor": per_pair, "diverges": pulls.pairs, "pull": pulls.pair_mean_pull},
    "pairwise_exponential": {"divisor": per_pair, "diverges": pulls.pairs, "pull": exponential_pull},
    "pairwise_soft_zero_one": {"divisor": per_pair},
    "multilabel_margin": {"diverges": pulls.pairs, "pull": label_mean_pull},
    "warp": {"divisor": undivided, "diverges": pulls.pairs, "pull": ranked_pull},
    "adaptive_threshold": {
        "extras": (Extra("threshold", "sample", thresholds),),
        "divisor": undivided,
        "diverges": pulls.either,
        "pull": pulls.unit_pull,
    },
}

EXCEPTIONS: dict[tuple[str, str], str] = {
    (
        "warp",
        "weight_two_counts_a_label_twice",
    ): "the rank of a present label counts the absent labels above it, whatever their weights",
    ("adaptive_threshold", "right_infinite_logits_cost_nothing"): reasons.SPREAD,
    ("circle", "right_infinite_logits_cost_nothing"): "a label beyond its goal still adds exp(0) to its set",
    (
        "distributional_ranking",
        "right_infinite_logits_cost_nothing",
    ): "the smoothed hinge is above 0 at every finite margin",
}
