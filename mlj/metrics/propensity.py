"""Precision and nDCG at k in which a rare label counts more, over the best attainable.

Rare labels are often present and not noted, so that a hit on one is worth its inverse propensity
(:func:`mlj.weighting.inverse_propensities`). Ties and unobserved labels are treated as in
:mod:`mlj.metrics.top_k`.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from mlj._checks import has_shape, is_bool, same_shape
from mlj.metrics.counts import ratio
from mlj.metrics.top_k import best_labels, ideal_gain, rank_discounts
from mlj.types import Array, Labels, Mask, Scalar, Scores


class Attained(NamedTuple):
    """A gain and the best gain possible, summed over samples; their ratio is the metric."""

    gain: Array
    """Sum over samples of the gain of the ranking."""
    best: Array
    """Sum over samples of the gain of the best ranking."""


def attained(
    top: Array,
    labels: Labels,
    where: Mask | None,
    inverse_propensities: Array,
    ks: tuple[int, ...],
) -> dict[str, Attained]:
    """Return the gains of ``psp_at_k`` and ``psndcg_at_k`` by name, for every k in ``ks``.

    Args:
        top: Indices of the labels in descending order of their score, ``[N, max(ks) or L]``.
        labels: Multi-hot truth ``[N, L]``.
        where: Observed entries ``[N, L]``, bool.
        inverse_propensities: ``[L]``.
        ks: Static.

    Returns:
        The sums over N.
    """
    has_shape("propensity", "inverse_propensities", inverse_propensities, labels.shape[-1:])
    present = (labels > 0.5) if where is None else (labels > 0.5) & where
    gains = jnp.where(present, jnp.broadcast_to(inverse_propensities, present.shape), 0.0)
    # where the truth is a constant of the program, the compiler would search it itself, for a minute
    gains = lax.optimization_barrier(gains)
    best, reached = (
        jnp.take_along_axis(gains, order, axis=-1) for order in (best_labels(gains, None, top.shape[-1]), top)
    )
    positives = jnp.sum(present, axis=-1)
    found = {}
    for k in ks:
        here, there = reached[..., :k], best[..., :k]
        discounts = rank_discounts(here.shape[-1])
        ideal = ideal_gain(positives, here.shape[-1])
        found[f"psp_at_{k}"] = Attained(jnp.sum(here) / k, jnp.sum(there) / k)
        found[f"psndcg_at_{k}"] = Attained(
            jnp.sum(ratio(here @ discounts, ideal)), jnp.sum(ratio(there @ discounts, ideal))
        )
    return found


def _ratio_at(
    name: str,
    scores: Scores,
    labels: Labels,
    where: Mask | None,
    inverse_propensities: Array,
    k: int,
    empty: Scalar,
) -> Array:
    same_shape(name, scores=scores, labels=labels, where=where)
    is_bool(name, "where", where)
    found = attained(best_labels(scores, where, k), labels, where, inverse_propensities, (k,))[f"{name}_{k}"]
    return ratio(found.gain, found.best, empty)


@partial(jax.jit, static_argnames="k")
def psp_at_k(
    scores: Scores,
    labels: Labels,
    *,
    inverse_propensities: Array,
    k: int = 1,
    where: Mask | None = None,
    empty: Scalar = 0.0,
) -> Array:
    r"""Propensity-scored precision at k, over the best attainable; rare labels count more.

    .. math::
        \frac{\sum_n \sum_{j \in \text{top } k} y_{nj} / p_j}
             {\sum_n \max_{|S| = k} \sum_{j \in S} y_{nj} / p_j}

    One ratio for the whole test part, as in the tables of the extreme classification repository; not a mean
    over samples.

    Args:
        scores: Scores ``[N, L]``.
        labels: Multi-hot truth ``[N, L]``.
        inverse_propensities: ``[L]``, from :func:`mlj.weighting.inverse_propensities` on the training part.
        k: How many labels; static.
        where: Observed entries ``[N, L]``, bool.
        empty: Value if nothing is present.

    Returns:
        A scalar.

    Reference:
        Jain, Prabhu, Varma, Extreme multi-label loss functions for recommendation, tagging, ranking and other
        missing label applications, KDD 2016.

    >>> scores, labels = jnp.array([[3.0, 2.0, 1.0]]), jnp.array([[1, 0, 1]])
    >>> psp_at_k(scores, labels, inverse_propensities=jnp.array([1.0, 1.0, 4.0])).item()
    0.25
    """
    return _ratio_at("psp_at", scores, labels, where, inverse_propensities, k, empty)


@partial(jax.jit, static_argnames="k")
def psndcg_at_k(
    scores: Scores,
    labels: Labels,
    *,
    inverse_propensities: Array,
    k: int = 1,
    where: Mask | None = None,
    empty: Scalar = 0.0,
) -> Array:
    r"""Propensity-scored nDCG at k, over the best attainable.

    .. math::
        \frac{\sum_n \frac{1}{I_n} \sum_{r=1}^{k} \frac{y_{n(r)}}{p_{(r)} \log_2(1 + r)}}
             {\sum_n \frac{1}{I_n} \max_{\text{order}} \sum_{r=1}^{k} \frac{y_{n(r)}}{p_{(r)} \log_2(1 + r)}},
        \qquad I_n = \sum_{r=1}^{\min(k, |Y_n|)} \frac{1}{\log_2(1 + r)}

    One ratio for the whole test part; samples without present labels add nothing. Arguments as in
    :func:`psp_at_k`. Some codes leave out :math:`I_n`; for k = 1 both are :func:`psp_at_k`.

    >>> scores, labels = jnp.array([[3.0, 2.0, 1.0]]), jnp.array([[1, 0, 1]])
    >>> psndcg_at_k(scores, labels, inverse_propensities=jnp.array([1.0, 1.0, 4.0])).item()
    0.25
    """
    return _ratio_at("psndcg_at", scores, labels, where, inverse_propensities, k, empty)
