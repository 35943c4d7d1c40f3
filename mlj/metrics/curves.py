"""Average precision and ROC-AUC, per label, macro and micro, exact with ties as in scikit-learn.

They need all scores of a label at once. For a test set that does not fit use :mod:`mlj.metrics.binned`,
which is approximate and says so in its names. A NaN score ranks below every number.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from mlj._checks import is_bool, same_shape
from mlj.metrics.counts import ratio
from mlj.metrics.ordering import Sweep, sweep
from mlj.types import Array, Labels, Mask, Scalar, Scores


class PerLabel(NamedTuple):
    """One value per label, and for which labels it is defined."""

    values: Array
    """``[L]``; 0 where undefined."""
    defined: Array
    """Bool ``[L]``."""


class Runs(NamedTuple):
    """What each run of tied scores adds, down the descending order; 0 but at the last entry of a run."""

    hits: Array
    """Present entries in the run, float32."""
    misses: Array
    """Absent entries in the run, float32."""
    hits_above: Array
    """Present entries in this run and above it."""
    misses_above: Array
    """Absent entries in this run and above it."""


def runs(found: Sweep) -> Runs:
    """Read the runs of tied scores off a sweep, ``[..., M]`` each."""

    hits, predicted = (jnp.where(found.last, x, 0) for x in (found.hits, found.predicted))
    # the count of entries above a run is also the place of the run before it, where its hits can be read
    above = lax.cummax(predicted, axis=predicted.ndim - 1)
    above = jnp.concatenate([jnp.zeros_like(above[..., :1]), above[..., :-1]], axis=-1)
    hits_before = jnp.take_along_axis(found.hits, jnp.maximum(above - 1, 0), axis=-1)
    hits_before = jnp.where(found.last & (above > 0), hits_before, 0)
    in_run = jnp.where(found.last, predicted - above, 0)
    new = hits - hits_before
    return Runs(*(x.astype(jnp.float32) for x in (new, in_run - new, hits, predicted - hits)))


def average_precision_of(found: Runs) -> Array:
    """Return the average precision along the last axis; 0 where nothing is present."""
    precision = ratio(found.hits_above, found.hits_above + found.misses_above)
    return ratio(jnp.sum(found.hits * precision, axis=-1), jnp.sum(found.hits, axis=-1))


def roc_auc_of(found: Runs) -> Array:
    """Return the area under the ROC curve along the last axis; 0 where one class is missing."""
    positives, negatives = jnp.sum(found.hits, axis=-1), jnp.sum(found.misses, axis=-1)
    # shares, not pair counts: their number passes 2^24 soon
    above = ratio(found.misses_above - 0.5 * found.misses, negatives[..., None])
    wrong = ratio(jnp.sum(found.hits * above, axis=-1), positives)
    return jnp.where((positives > 0) & (negatives > 0), 1 - wrong, 0)


def _label_runs(scores: Scores, labels: Labels, where: Mask | None) -> Runs:
    same_shape("curve", scores=scores, labels=labels, where=where)
    is_bool("curve", "where", where)
    return runs(sweep(scores.T, labels.T, None if where is None else where.T))


def _flat_runs(scores: Scores, labels: Labels, where: Mask | None) -> Runs:
    same_shape("curve", scores=scores, labels=labels, where=where)
    is_bool("curve", "where", where)
    return runs(sweep(*(None if x is None else x.ravel() for x in (scores, labels, where))))


def macro_of(found: PerLabel, empty: Scalar = 0.0) -> Array:
    """Return the mean over the labels where the value is defined, ``empty`` if there is none."""
    return ratio(jnp.sum(jnp.where(found.defined, found.values, 0)), jnp.sum(found.defined), empty)


@jax.jit
def label_average_precision(scores: Scores, labels: Labels, *, where: Mask | None = None) -> PerLabel:
    r"""Average precision of each label.

    .. math::
        AP_j = \sum_t (R_t - R_{t-1}) P_t

    with precision and recall of the cuts between different scores t, without interpolation; tied scores form
    one cut. A label without a positive is undefined; one without a negative has the value 1.

    Args:
        scores: Scores ``[N, L]``.
        labels: Multi-hot truth ``[N, L]``.
        where: Observed entries ``[N, L]``, bool.

    Returns:
        The values and where they are defined, ``[L]`` each.

    >>> found = label_average_precision(jnp.array([[3.0, 1.0], [2.0, 1.0]]), jnp.array([[1, 0], [0, 0]]))
    >>> found.values.tolist(), found.defined.tolist()
    ([1.0, 0.0], [True, False])
    """
    found = _label_runs(scores, labels, where)
    return PerLabel(average_precision_of(found), jnp.sum(found.hits, axis=-1) > 0)


@jax.jit
def label_roc_auc(scores: Scores, labels: Labels, *, where: Mask | None = None) -> PerLabel:
    r"""Area under the ROC curve of each label.

    .. math::
        AUC_j = \frac{1}{P_j N_j} \sum_{n: y_{nj} = 1} \sum_{m: y_{mj} = 0} [s_{nj} > s_{mj}] + \tfrac12
        [s_{nj} = s_{mj}]

    A label without a positive or without a negative is undefined.

    Args:
        scores: Scores ``[N, L]``.
        labels: Multi-hot truth ``[N, L]``.
        where: Observed entries ``[N, L]``, bool.

    Returns:
        The values and where they are defined, ``[L]`` each.

    >>> label_roc_auc(jnp.array([[3.0], [2.0], [2.0]]), jnp.array([[0], [1], [0]])).values.tolist()
    [0.25]
    """
    found = _label_runs(scores, labels, where)
    both = (jnp.sum(found.hits, axis=-1) > 0) & (jnp.sum(found.misses, axis=-1) > 0)
    return PerLabel(roc_auc_of(found), both)


@jax.jit
def macro_average_precision(
    scores: Scores, labels: Labels, *, where: Mask | None = None, empty: Scalar = 0.0
) -> Array:
    """Mean of :func:`label_average_precision` over the labels with a positive; also called mAP.

    Labels without a positive are skipped; ``evaluate_scores`` reports how many. ``empty`` if all are.

    >>> macro_average_precision(jnp.array([[3.0, 1.0], [2.0, 1.0]]), jnp.array([[1, 0], [0, 0]])).item()
    1.0
    """
    return macro_of(label_average_precision(scores, labels, where=where), empty)


@jax.jit
def macro_roc_auc(scores: Scores, labels: Labels, *, where: Mask | None = None, empty: Scalar = 0.0) -> Array:
    """Mean of :func:`label_roc_auc` over the labels with both a positive and a negative.

    The others are skipped; ``evaluate_scores`` reports how many. ``empty`` if all are.

    >>> macro_roc_auc(jnp.array([[3.0, 1.0], [2.0, 1.0]]), jnp.array([[1, 0], [0, 0]])).item()
    1.0
    """
    return macro_of(label_roc_auc(scores, labels, where=where), empty)


@jax.jit
def micro_average_precision(
    scores: Scores, labels: Labels, *, where: Mask | None = None, empty: Scalar = 0.0
) -> Array:
    """Average precision of all observed entries as one list; ``empty`` if none is present.

    Scores of different labels are compared, so it rewards scores that are calibrated across labels.

    >>> micro_average_precision(jnp.array([[3.0, 1.0]]), jnp.array([[0, 1]])).item()
    0.5
    """
    found = _flat_runs(scores, labels, where)
    return jnp.where(jnp.sum(found.hits) > 0, average_precision_of(found), empty)


@jax.jit
def micro_roc_auc(scores: Scores, labels: Labels, *, where: Mask | None = None, empty: Scalar = 0.0) -> Array:
    """Area under the ROC curve of all observed entries as one list; ``empty`` if a class is missing.

    >>> micro_roc_auc(jnp.array([[3.0, 1.0]]), jnp.array([[1, 0]])).item()
    1.0
    """
    found = _flat_runs(scores, labels, where)
    both = (jnp.sum(found.hits) > 0) & (jnp.sum(found.misses) > 0)
    return jnp.where(both, roc_auc_of(found), empty)
