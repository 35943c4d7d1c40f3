"""Checks that every fit shares: shapes, the mask, and the name of the F measure."""

from __future__ import annotations

from mlj._checks import is_bool, lookup, same_shape
from mlj.types import Labels, Mask, Scores

AVERAGES = {"micro_f1": "micro", "macro_f1": "macro", "samples_f1": "samples"}
"""The metrics that thresholds can be tuned for, and the average that each takes."""


def average_of(metric: str) -> str:
    """Return the average of an F measure, or raise ``ValueError`` with the nearest name.

    >>> average_of("macro_f1")
    'macro'
    """
    return lookup("metric to tune for", metric, AVERAGES)


def check(function: str, scores: Scores, labels: Labels, where: Mask | None) -> None:
    """Raise unless scores, labels and ``where`` are ``[N, L]`` alike and ``where`` is bool."""
    same_shape(function, scores=scores, labels=labels, where=where)
    is_bool(function, "where", where)
    if scores.ndim != 2:
        raise ValueError(f"{function}: scores must be [N, L], got {list(scores.shape)}; vmap the models")
