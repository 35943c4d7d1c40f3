"""Counts of right and wrong decisions that add over batches and devices.

Every metric of predictions is a function of one :class:`Counts`, so a test set of any length is measured
in the memory of one batch.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from mlj._checks import is_bool, same_shape
from mlj.types import Array, Labels, Mask, Predictions


class Counts(NamedTuple):
    """What predictions got right and wrong, per label and summed over samples.

    The first four are int32 ``[..., L]`` and exact up to 2^31 samples. The sums over samples are float32:
    each sample adds a ratio in [0, 1], with a relative rounding error near 1e-7 per batch that is added.
    A sample with no observed label is deleted: it enters no sum and no count.
    """

    tp: Array
    """Present and predicted, per label."""
    fp: Array
    """Absent and predicted, per label."""
    fn: Array
    """Present and not predicted, per label."""
    tn: Array
    """Absent and not predicted, per label."""
    samples: Array
    """Number of samples with at least one observed label."""
    exact: Array
    """Number of samples whose observed labels are all right."""
    precision_sum: Array
    """Sum over samples of tp / predicted, where something is predicted."""
    recall_sum: Array
    """Sum over samples of tp / present, where something is present."""
    f1_sum: Array
    """Sum over samples of 2 tp / (predicted + present), where either is not empty."""
    jaccard_sum: Array
    """Sum over samples of tp / (tp + fp + fn), where either is not empty."""
    without_predicted: Array
    """Number of samples with nothing predicted: their precision is undefined."""
    without_present: Array
    """Number of samples with nothing present: their recall is undefined."""
    without_either: Array
    """Number of samples with neither: their F1 and Jaccard index are undefined."""


def ratio(numerator: Array, denominator: Array, empty: float | Array = 0.0) -> Array:
    """Return ``numerator / denominator`` in float32, and ``empty`` where the denominator is 0.

    >>> ratio(jnp.array([1, 0]), jnp.array([2, 0]), empty=1.0).tolist()
    [0.5, 1.0]
    """
    numerator, denominator = jnp.asarray(numerator, jnp.float32), jnp.asarray(denominator, jnp.float32)
    defined = denominator != 0
    return jnp.where(defined, numerator / jnp.where(defined, denominator, 1), empty)


@jax.jit
def count(predictions: Predictions, labels: Labels, *, where: Mask | None = None) -> Counts:
    """Count true and false decisions, per label and per sample.

    Args:
        predictions: Decisions ``[..., N, L]``, bool.
        labels: Multi-hot truth ``[..., N, L]``; an entry counts as present if it is greater than 0.5.
        where: Observed entries ``[..., N, L]``, bool; the others count nowhere.

    Returns:
        The :class:`Counts`, summed over N.

    Raises:
        TypeError: If ``predictions`` or ``where`` is not bool: a score is not a decision.
        ValueError: If the shapes differ.

    >>> counts = count(jnp.array([[True, False], [True, True]]), jnp.array([[1, 0], [0, 1]]))
    >>> counts.tp.tolist(), counts.fp.tolist(), counts.exact.item()
    ([1, 1], [1, 0], 1)
    """
    same_shape("count", predictions=predictions, labels=labels, where=where)
    is_bool("count", "predictions", predictions)
    is_bool("count", "where", where)
    seen = jnp.ones(predictions.shape, bool) if where is None else where
    predicted, present = predictions & seen, (labels > 0.5) & seen
    hit = predicted & present

    def over_samples(entries):
        return jnp.sum(entries, axis=-2, dtype=jnp.int32)

    tp, pp, p, n = (over_samples(x) for x in (hit, predicted, present, seen))
    per_label = (tp, pp - tp, p - tp, n - pp - p + tp)
    return Counts(*per_label, *_sample_sums(hit, predicted, present, seen))


def _sample_sums(hit: Array, predicted: Array, present: Array, seen: Array) -> tuple[Array, ...]:
    tp, pp, p = (jnp.sum(x, axis=-1, dtype=jnp.int32) for x in (hit, predicted, present))
    kept = jnp.any(seen, axis=-1)

    def total(values):
        return jnp.sum(values, axis=-1)

    def number(condition):
        return jnp.sum(condition & kept, axis=-1, dtype=jnp.int32)

    return (
        number(kept),
        number((pp == tp) & (p == tp)),
        total(ratio(tp, pp)),
        total(ratio(tp, p)),
        total(ratio(2 * tp, pp + p)),
        total(ratio(tp, pp + p - tp)),
        number(pp == 0),
        number(p == 0),
        number(pp + p == 0),
    )


def merge(first: Counts, *others: Counts) -> Counts:
    """Add states of the same kind: the state of the samples of all of them.

    It serves every streaming state of :mod:`mlj.metrics`; across devices, ``jax.lax.psum`` does the same.

    >>> a = count(jnp.array([[True]]), jnp.array([[1]]))
    >>> merge(a, a, a).tp.item()
    3
    """
    return jax.tree.map(lambda *leaves: sum(leaves[1:], leaves[0]), first, *others)
