"""Average precision and ROC-AUC, per label, macro and micro, exact with ties as in scikit-learn.

They need all scores of a label at once. For a test set that does not fit use :mod:`mlj.metrics.binned`,
which is approximate and says so in its names. A NaN score ranks below every number. Beside their arguments
the metrics per label and macro hold one block of sorted labels, however many there are; micro holds all
entries sorted.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from mlj._checks import is_bool, same_shape
from mlj.metrics.counts import ratio
from mlj.metrics.tallies import column_tally, row_tally
from mlj.metrics.tally import Tally, average_precision_of, has_both, roc_auc_of
from mlj.types import Array, Labels, Mask, Scalar, Scores


class PerLabel(NamedTuple):
    """One value per label, and for which labels it is defined."""

    values: Array
    """``[L]``; 0 where undefined."""
    defined: Array
    """Bool ``[L]``."""


def _checked(scores: Scores, labels: Labels, where: Mask | None) -> None:
    same_shape("curve", scores=scores, labels=labels, where=where)
    is_bool("curve", "where", where)


def label_tally(scores: Scores, labels: Labels, where: Mask | None) -> Tally:
    """Return the tally of each label over the samples, ``[L]``, after checking the shapes."""
    _checked(scores, labels, where)
    return column_tally(scores, labels, where)


def flat_tally(scores: Scores, labels: Labels, where: Mask | None) -> Tally:
    """Return the tally of all entries as one list, ``[]``, after checking the shapes."""
    _checked(scores, labels, where)
    return row_tally(*(None if x is None else x.ravel() for x in (scores, labels, where)))


def label_precision_of(found: Tally) -> PerLabel:
    """Return the average precision of each tally, defined where an entry is present."""
    return PerLabel(average_precision_of(found), found.present > 0)


def label_auc_of(found: Tally) -> PerLabel:
    """Return the ROC-AUC of each tally, defined where it has both classes."""
    return PerLabel(roc_auc_of(found), has_both(found))


def value_of(found: PerLabel, empty: Scalar = 0.0) -> Array:
    """Return the value where it is defined, else ``empty``."""
    return jnp.where(found.defined, found.values, empty)


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
    return label_precision_of(label_tally(scores, labels, where))


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
    return label_auc_of(label_tally(scores, labels, where))


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
    return value_of(label_precision_of(flat_tally(scores, labels, where)), empty)


@jax.jit
def micro_roc_auc(scores: Scores, labels: Labels, *, where: Mask | None = None, empty: Scalar = 0.0) -> Array:
    """Area under the ROC curve of all observed entries as one list; ``empty`` if a class is missing.

    >>> micro_roc_auc(jnp.array([[3.0, 1.0]]), jnp.array([[1, 0]])).item()
    1.0
    """
    return value_of(label_auc_of(flat_tally(scores, labels, where)), empty)
