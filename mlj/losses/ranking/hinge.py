"""Losses that want each present label above each absent one by a margin of 1.

A row without such pairs costs 0 and teaches nothing. Scores only rank. ``k`` is the number of observed
present labels, ``n`` of the absent ones. Weights are constants: no gradient flows into them. A pair whose
scores differ by exactly the margin is satisfied.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from mlj.losses._inputs import read_sets
from mlj.losses.ranking.pairs import PairCost, pair_total, read_pairs
from mlj.losses.ranking.sorted_pairs import sorted_hinge, sorted_squared_hinge
from mlj.types import Array, Labels, Logits, Mask, PerSample, Weights


def _hinge(gap: Array) -> Array:
    return jnp.where(gap <= -1, 0, 1 + gap)


def _violated(gap: Array) -> Array:
    return jnp.where(gap <= -1, 0, 1).astype(gap.dtype)


def _hinge_and_slope(gap: Array) -> tuple[Array, Array]:
    return _hinge(gap), _violated(gap)


def _square_and_slope(gap: Array) -> tuple[Array, Array]:
    return jnp.square(_hinge(gap)), 2 * _hinge(gap)


def _harmonic_over_rank(rank: Array) -> Array:
    """Return ``(1 + 1/2 + ... + 1/r) / r``, and 0 for 0."""
    harmonic = jax.scipy.special.digamma(rank + 1) + jnp.euler_gamma
    return jnp.where(rank == 0, 0, harmonic / jnp.maximum(rank, 1))


def _sorted_warp(s: Array, present: Array, absent: Array, count: Array) -> tuple[Array, Array]:
    return sorted_hinge(s, present, absent, count, rate=_harmonic_over_rank)


HINGE = PairCost(_hinge_and_slope, None, in_order=sorted_hinge)
SQUARED = PairCost(_square_and_slope, lambda gap: 2 * _violated(gap), None, sorted_squared_hinge)
WARP = PairCost(_hinge_and_slope, None, _harmonic_over_rank, _sorted_warp)


@jax.jit
def pairwise_hinge(
    logits: Logits, labels: Labels, *, weights: Weights | None = None, where: Mask | None = None
) -> PerSample:
    r"""Average hinge over all pairs of a present and an absent label.

    .. math::
        \ell(s, y) = \frac{1}{k n} \sum_{i \in P} \sum_{j \in N} [1 + s_j - s_i]_+

    Times ``k n / L`` it is PyTorch's ``MultiLabelMarginLoss``.

    Rows of few present labels are compared in O(k L), others sorted in O(L log L). The value is a sum of
    non-negative terms and the gradient the exact count of violated pairs over ``k n``. Both are finite for
    every ``|s| <= finfo.max / L``; a wrong pair pulls with ``1 / (k n)`` however far it is wrong. An absent
    label at +inf or a present one at -inf costs +inf.

    Args:
        logits: Scores ``[..., L]``.
        labels: Multi-hot targets ``[..., L]``; a label is present where ``y > 0``.
        weights: Multipliers ``[..., L]``; a pair counts ``w_i w_j`` times and the divisor stays ``k n``.
        where: Bool ``[..., L]``, True where the label was observed; the others count as deleted.

    Returns:
        The cost of each sample ``[...]``, float32 or wider.

    Raises:
        TypeError: If ``logits`` are not floating-point or ``where`` is not bool.
        ValueError: If two shapes differ.

    Reference:
        Crammer, Singer, *A Family of Additive Online Algorithms for Category Ranking*, JMLR 2003; Rax's
        ``pairwise_hinge_loss`` averages over the pairs of a whole batch.

    >>> pairwise_hinge(jnp.array([0.5, 0.0, -3.0]), jnp.array([1, 0, 0])).item()
    0.25
    """
    sample = read_sets("pairwise_hinge", logits, labels, weights, where)
    s, present, absent, surcharge = read_pairs(sample)
    return pair_total(HINGE, None, s, present, absent, sample.pair_count) + surcharge


@jax.jit
def multilabel_margin(
    logits: Logits, labels: Labels, *, weights: Weights | None = None, where: Mask | None = None
) -> PerSample:
    r"""Hinge over all pairs of a present and an absent label, over the number of labels.

    .. math::
        \ell(s, y) = \frac{1}{L} \sum_{i \in P} \sum_{j \in N} [1 + s_j - s_i]_+

    with ``L`` the number of observed labels: PyTorch's ``MultiLabelMarginLoss``, and :func:`pairwise_hinge`
    times ``k n / L``, so that rows of many present labels weigh more.

    Value and gradient are finite for every ``|s| <= finfo.max / L``; a wrong pair pulls with ``1 / L``
    however far it is wrong. An absent label at +inf or a present one at -inf costs +inf.

    Args:
        logits: Scores ``[..., L]``.
        labels: Multi-hot targets ``[..., L]``; a label is present where ``y > 0``.
        weights: Multipliers ``[..., L]``; a pair counts ``w_i w_j`` times and the divisor stays ``L``.
        where: Bool ``[..., L]``, True where the label was observed; the others count as deleted.

    Returns:
        The cost of each sample ``[...]``, float32 or wider.

    Raises:
        TypeError: If ``logits`` are not floating-point or ``where`` is not bool.
        ValueError: If two shapes differ.

    Reference:
        Crammer, Singer, *A Family of Additive Online Algorithms for Category Ranking*, JMLR 2003, with the
        divisor of PyTorch, which takes lists of present labels and no mask.

    >>> multilabel_margin(jnp.array([0.5, 0.0, -3.0, -3.0]), jnp.array([1, 0, 0, 0])).item()
    0.125
    """
    sample = read_sets("multilabel_margin", logits, labels, weights, where)
    s, present, absent, surcharge = read_pairs(sample)
    if where is None:
        count = jnp.full(s.shape[:-1], s.shape[-1], s.dtype)
    else:
        count = jnp.maximum(jnp.sum(where, axis=-1), 1).astype(s.dtype)
    return pair_total(HINGE, None, s, present, absent, count) + surcharge


@jax.jit
def pairwise_squared_hinge(
    logits: Logits, labels: Labels, *, weights: Weights | None = None, where: Mask | None = None
) -> PerSample:
    r"""Average squared hinge over all pairs of a present and an absent label.

    .. math::
        \ell(s, y) = \frac{1}{k n} \sum_{i \in P} \sum_{j \in N} [1 + s_j - s_i]_+^2

    Rows of few present labels are compared in O(k L), others sorted in O(L log L). Either way value and
    gradient are sums of terms of one sign, so that nothing cancels. Both are finite for every
    ``|s| <= sqrt(finfo.max / L) / 2``, the gradient far beyond; a pair pulls the harder the farther it is
    wrong. An absent label at +inf or a present one at -inf costs +inf.

    Args:
        logits: Scores ``[..., L]``.
        labels: Multi-hot targets ``[..., L]``; a label is present where ``y > 0``.
        weights: Multipliers ``[..., L]``; a pair counts ``w_i w_j`` times and the divisor stays ``k n``.
        where: Bool ``[..., L]``, True where the label was observed; the others count as deleted.

    Returns:
        The cost of each sample ``[...]``, float32 or wider.

    Raises:
        TypeError: If ``logits`` are not floating-point or ``where`` is not bool.
        ValueError: If two shapes differ.

    Reference:
        The square of the hinge in Crammer, Singer, *A Family of Additive Online Algorithms for Category
        Ranking*, JMLR 2003, as in large-margin ranking with L2 losses.

    >>> pairwise_squared_hinge(jnp.array([0.5, 0.0, -3.0]), jnp.array([1, 0, 0])).item()
    0.125
    """
    sample = read_sets("pairwise_squared_hinge", logits, labels, weights, where)
    # The slope adds up twice as many differences as there are labels.
    s, present, absent, surcharge = read_pairs(sample, 4 * jnp.shape(logits)[-1])
    return pair_total(SQUARED, None, s, present, absent, sample.pair_count) + surcharge


@jax.jit
def warp(
    logits: Logits, labels: Labels, *, weights: Weights | None = None, where: Mask | None = None
) -> PerSample:
    r"""Weighted approximate-rank pairwise loss: a hinge that minds the top of the list most.

    With :math:`r_i` the number of absent labels that violate the margin of a present one,

    .. math::
        \ell(s, y) = \sum_{i \in P} \frac{H(r_i)}{r_i} \sum_{j \in N} [1 + s_j - s_i]_+, \qquad
        r_i = \#\{j \in N : s_j > s_i - 1\}, \quad H(r) = 1 + \tfrac12 + \dots + \tfrac1r

    with the factor :math:`H(r_i) / r_i` held constant in the gradient. Where at most one absent label
    violates the margin of each present one, it is the sum of all hinges.

    Rows of few present labels are compared in O(k L), others sorted in O(L log L). Value and gradient are
    finite for every ``|s| <= finfo.max / (2 L log L)``; a present label below all absent ones is pulled with
    ``H(n)`` in all. An absent label at +inf or a present one at -inf costs +inf. The value jumps where a
    rank changes while others are violated.

    Args:
        logits: Scores ``[..., L]``.
        labels: Multi-hot targets ``[..., L]``; a label is present where ``y > 0``.
        weights: Multipliers ``[..., L]``; a pair counts ``w_i w_j`` times.
            They do not change the rank, except that a label of weight 0 is not counted.
        where: Bool ``[..., L]``, True where the label was observed; the others count as deleted.

    Returns:
        The cost of each sample ``[...]``, float32 or wider.

    Raises:
        TypeError: If ``logits`` are not floating-point or ``where`` is not bool.
        ValueError: If two shapes differ.

    Reference:
        Weston, Bengio, Usunier, *WSABIE*, IJCAI 2011; Gong, Jia, Leung, Toshev, Ioffe, arXiv 1312.4894. They
        draw absent labels until one violates and estimate the rank from the number of draws; here the rank
        is exact and all violating labels take part.

    >>> warp(jnp.array([0.5, 0.0, -0.25]), jnp.array([1, 0, 0])).item()
    0.5625
    """
    sample = read_sets("warp", logits, labels, weights, where)
    s, present, absent, surcharge = read_pairs(sample)
    return pair_total(WARP, None, s, present, absent, jnp.ones_like(surcharge)) + surcharge
