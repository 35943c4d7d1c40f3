"""What is among the k labels of highest score: precision, recall and nDCG.

Of equal scores the label of lowest index comes first, and a NaN score ranks below every number. ``k`` is
static. An unobserved label counts as deleted; where fewer than k labels are left, the missing places are
wrong ones.
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
from jax import lax

from mlj._checks import is_bool, same_shape
from mlj.metrics.counts import ratio
from mlj.metrics.ordering import keys
from mlj.types import Array, Labels, Mask, PerSample, Scalar, Scores


def best_labels(scores: Scores, where: Mask | None, k: int) -> Array:
    """Return the indices of the k highest scores, best first, ``[..., min(k, L)]``.

    >>> best_labels(jnp.array([1.0, 3.0, 3.0]), None, 2).tolist()
    [1, 2]
    """
    if not isinstance(k, int) or k < 1:
        raise ValueError(f"top k: k must be an integer of at least 1, got {k!r}")
    return lax.top_k(~keys(scores, where), min(k, scores.shape[-1]))[1]


def _found(name: str, scores: Scores, labels: Labels, where: Mask | None, k: int) -> tuple[Array, Array]:
    """Return which of the top k labels are present, ``[..., k]``, and how many are, ``[...]``."""
    same_shape(name, scores=scores, labels=labels, where=where)
    is_bool(name, "where", where)
    present = ((labels > 0.5) if where is None else (labels > 0.5) & where).astype(jnp.float32)
    top = jnp.take_along_axis(present, best_labels(scores, where, k), axis=-1)
    return top, jnp.sum(present, axis=-1)


def rank_discounts(k: int) -> Array:
    """Return ``1 / log2(1 + r)`` for the ranks r = 1..k."""
    return 1 / jnp.log2(jnp.arange(2, k + 2, dtype=jnp.float32))


def ideal_gain(positives: Array, k: int) -> Array:
    """Return the discounted gain at k of a perfect ranking of so many present labels."""
    gains = jnp.concatenate([jnp.zeros(1), jnp.cumsum(rank_discounts(k))])
    return gains[jnp.minimum(positives.astype(jnp.int32), k)]


def precision_of(top: Array, k: int) -> PerSample:
    """Return precision at k from the truth of the labels in descending order, ``[..., >= min(k, L)]``."""
    return jnp.sum(top[..., :k], axis=-1) / k


def recall_of(top: Array, positives: Array, k: int, empty: Scalar = 0.0) -> PerSample:
    """Return recall at k, see :func:`precision_of`."""
    return ratio(jnp.sum(top[..., :k], axis=-1), positives, empty)


def ndcg_of(top: Array, positives: Array, k: int, empty: Scalar = 0.0) -> PerSample:
    """Return nDCG at k, see :func:`precision_of`."""
    top = top[..., :k].astype(jnp.float32)
    places = top.shape[-1]
    return ratio(top @ rank_discounts(places), ideal_gain(positives, places), empty)


@partial(jax.jit, static_argnames="k")
def precision_at_k(scores: Scores, labels: Labels, *, k: int = 1, where: Mask | None = None) -> PerSample:
    r"""Share of the k labels of highest score that are present.

    .. math::
        \frac{1}{k} |\{\text{top } k\} \cap Y|

    The divisor is always k, so a sample with fewer than k present labels cannot reach 1.

    >>> precision_at_k(jnp.array([[3.0, 2.0, 1.0]]), jnp.array([[1, 0, 1]]), k=2).tolist()
    [0.5]
    """
    top, _ = _found("precision_at_k", scores, labels, where, k)
    return precision_of(top, k)


@partial(jax.jit, static_argnames="k")
def recall_at_k(
    scores: Scores, labels: Labels, *, k: int = 1, where: Mask | None = None, empty: Scalar = 0.0
) -> PerSample:
    r"""Share of the present labels that are among the k of highest score.

    .. math::
        \frac{1}{|Y|} |\{\text{top } k\} \cap Y|

    It is ``empty`` for a sample without present labels.

    >>> recall_at_k(jnp.array([[3.0, 2.0, 1.0]]), jnp.array([[1, 0, 1]]), k=2).tolist()
    [0.5]
    """
    top, positives = _found("recall_at_k", scores, labels, where, k)
    return recall_of(top, positives, k, empty)


@partial(jax.jit, static_argnames="k")
def ndcg_at_k(
    scores: Scores, labels: Labels, *, k: int = 1, where: Mask | None = None, empty: Scalar = 0.0
) -> PerSample:
    r"""Discounted gain of the k labels of highest score over that of a perfect ranking.

    .. math::
        \frac{\sum_{r=1}^{k} y_{(r)} / \log_2(1 + r)}{\sum_{r=1}^{\min(k, |Y|)} 1 / \log_2(1 + r)}

    with :math:`y_{(r)}` the truth of the label at rank r. It is ``empty`` for a sample without present
    labels. scikit-learn averages over the orders of tied scores; here the lowest index comes first.

    >>> ndcg_at_k(jnp.array([[3.0, 2.0, 1.0]]), jnp.array([[1, 0, 0]]), k=3).tolist()
    [1.0]
    """
    top, positives = _found("ndcg_at_k", scores, labels, where, k)
    return ndcg_of(top, positives, k, empty)
