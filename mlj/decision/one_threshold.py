"""One threshold for all labels: fixed, or exactly optimal for an F measure on validation scores."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
from jax import lax

from mlj._checks import lookup
from mlj.decision.options import average_of, check
from mlj.decision.rules import ProbThreshold, Threshold
from mlj.metrics.averages import fbeta
from mlj.metrics.ordering import Sweep, cuts, observed, packed_sweep
from mlj.types import Array, Labels, Mask, PerSample, Probs, Scalar, Scores

Curve = tuple[Array, Array, Array]
"""Where a cut is possible, the threshold that makes it, and the F measure there: each ``[N L]``."""


def f_curve(found: Sweep, beta: Scalar = 1.0) -> Array:
    """Return the F measure of every cut of a sweep, ``[..., M]``; 0 where nothing is present."""
    hits = found.hits.astype(jnp.float32)
    return fbeta(hits, found.predicted - hits, hits[..., -1:] - hits, beta=beta)


def _micro_curve(scores: Scores, labels: Labels, where: Mask | None, beta: Scalar) -> Curve:
    found = packed_sweep(*(None if x is None else x.ravel() for x in (scores, labels, where)))
    return found.cut, found.thresholds, f_curve(found, beta)


def _samples_curve(scores: Scores, labels: Labels, where: Mask | None, beta: Scalar) -> Curve:
    """Return at each cut the mean over rows of the F measure of each row.

    Down the common order each entry changes the F of its own row only, by an amount that the row's own sweep
    tells. So the mean at every cut is the cumulative sum of these changes in the common order.
    """
    rows = packed_sweep(scores, labels, where)
    seen = observed(rows.keys)
    changes = jnp.where(seen, jnp.diff(f_curve(rows, beta), axis=-1, prepend=0), 0)
    order, changes = lax.sort((rows.keys.ravel(), changes.ravel()), num_keys=1, is_stable=False)
    counted = jnp.maximum(jnp.sum(jnp.any(seen, axis=-1)), 1)
    _, cut, thresholds = cuts(order, order | 1)
    return cut, thresholds, jnp.cumsum(changes) / counted


def _macro_curve(scores: Scores, labels: Labels, where: Mask | None, beta: Scalar) -> Curve:
    return _samples_curve(scores.T, labels.T, None if where is None else where.T, beta)


_CURVES = {"micro": _micro_curve, "macro": _macro_curve, "samples": _samples_curve}


@partial(jax.jit, static_argnames="average")
def best_threshold_f1(
    scores: Scores,
    labels: Labels,
    where: Mask | None = None,
    average: str = "micro",
    beta: Scalar = 1.0,
) -> tuple[Array, Array]:
    r"""Find the one threshold t for which ``scores > t`` has the largest F1 on these samples.

    Every cut between two different scores is tried, in one sort, O(NL log NL):

    .. math::
        t^* = \arg\max_t F_\beta([s_{nj} > t], y)

    The threshold is midway between the scores it parts, and finite; of equal values the largest threshold
    wins. Scores one rounding step apart count as tied, which makes the sort several times faster; the value
    returned is exact for the threshold returned. 0/0 counts 0, as in :func:`mlj.metrics.macro_f1`. ``-inf``
    and NaN scores are never predicted. With nothing observed both results are 0.

    Args:
        scores: Scores ``[N, L]``.
        labels: Multi-hot truth ``[N, L]``.
        where: Observed entries ``[N, L]``, bool.
        average: ``micro``, ``macro`` (over labels with an observed entry) or ``samples``; static.
        beta: Weight of recall; 1 is F1.

    Returns:
        The threshold and the value, both scalars.

    >>> scores = jnp.array([[3.0, 1.0], [2.0, -1.0]])
    >>> threshold, value = best_threshold_f1(scores, jnp.array([[1, 0], [1, 0]]))
    >>> threshold.item(), value.item()
    (1.5, 1.0)
    """
    check("best_threshold_f1", scores, labels, where)
    cut, thresholds, values = lookup("average", average, _CURVES)(scores, labels, where, beta)
    values = jnp.where(cut, values, -1.0)
    best = jnp.argmax(values)
    some = values[best] >= 0
    return jnp.where(some, thresholds[best], 0), jnp.where(some, values[best], 0)


@partial(jax.jit, static_argnames="metric")
def global_threshold(
    scores: Scores,
    labels: Labels,
    *,
    where: Mask | None = None,
    metric: str = "micro_f1",
    probs: Probs | None = None,
    log_count: PerSample | None = None,
    beta: Scalar = 1.0,
) -> Threshold:
    """Fit one threshold for all labels, exactly optimal for the metric on these samples.

    See :func:`best_threshold_f1`. ``probs`` and ``log_count`` are not used.

    >>> global_threshold(jnp.array([[3.0, 1.0]]), jnp.array([[1, 0]])).threshold.item()
    2.0
    """
    return Threshold(best_threshold_f1(scores, labels, where, average_of(metric), beta)[0])


@partial(jax.jit, static_argnames="metric")
def zero_threshold(
    scores: Scores,
    labels: Labels,
    *,
    where: Mask | None = None,
    metric: str = "micro_f1",
    probs: Probs | None = None,
    log_count: PerSample | None = None,
    threshold: Scalar = 0.0,
) -> Threshold:
    """Predict ``score > 0``; ``threshold`` fixes another value. Nothing is fitted.

    >>> zero_threshold(jnp.ones((1, 2)), jnp.ones((1, 2))).threshold.item()
    0.0
    """
    check("zero_threshold", scores, labels, where)
    return Threshold(jnp.asarray(threshold, jnp.float32))


@partial(jax.jit, static_argnames="metric")
def fixed_threshold(
    scores: Scores,
    labels: Labels,
    *,
    where: Mask | None = None,
    metric: str = "micro_f1",
    probs: Probs | None = None,
    log_count: PerSample | None = None,
    threshold: Scalar = 0.5,
) -> ProbThreshold:
    """Predict ``prob > 0.5``; ``threshold`` fixes another value. Nothing is fitted.

    >>> fixed_threshold(jnp.ones((1, 2)), jnp.ones((1, 2))).threshold.item()
    0.5
    """
    check("fixed_threshold", scores, labels, where)
    return ProbThreshold(jnp.asarray(threshold, jnp.float32))
