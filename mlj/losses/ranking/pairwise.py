"""Averages over all pairs of a present and an absent label of a smooth function of their scores.

A row without such pairs costs 0 and teaches nothing. Scores only rank. ``k`` is the number of observed
present labels, ``n`` of the absent ones. Weights are constants: no gradient flows into them.
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp

from mlj.losses._inputs import read_sets
from mlj.losses.ranking.pairs import PairCost, pair_total, read_pairs
from mlj.losses.ranking.present_blocks import check_max_present, crowded
from mlj.numerics import log_one_plus
from mlj.types import Array, Labels, Logits, Mask, PerSample, Weights


def _shared_exp(gap: Array) -> Array:
    # Cost and slope would each compute it again, were they free to.
    return jax.lax.optimization_barrier(jnp.exp(-jnp.abs(gap)))


def _softplus_and_slope(gap: Array) -> tuple[Array, Array]:
    e = _shared_exp(gap)
    return jnp.maximum(gap, 0) + log_one_plus(e), jnp.where(gap >= 0, 1, e) / (1 + e)


def _sigmoid_slope(x: Array) -> Array:
    return jax.nn.sigmoid(x) * jax.nn.sigmoid(-x)


def _sigmoid_and_slope(gap: Array) -> tuple[Array, Array]:
    e = _shared_exp(gap)
    return jnp.where(gap >= 0, 1, e) / (1 + e), e / jnp.square(1 + e)


def _sigmoid_bend(x: Array) -> Array:
    return -_sigmoid_slope(x) * jnp.tanh(x / 2)


LOGISTIC = PairCost(_softplus_and_slope, _sigmoid_slope)
ZERO_ONE = PairCost(_sigmoid_and_slope, _sigmoid_bend)


@partial(jax.jit, static_argnames=("max_present",))
def pairwise_logistic(
    logits: Logits,
    labels: Labels,
    *,
    max_present: int | None = None,
    weights: Weights | None = None,
    where: Mask | None = None,
) -> PerSample:
    r"""Average logistic loss over all pairs of a present and an absent label.

    .. math::
        \ell(s, y) = \frac{1}{k n} \sum_{i \in P} \sum_{j \in N} \log(1 + e^{s_j - s_i})

    The sum does not factor. The present labels are gathered and compared with all others block by block, in
    O(k L) time for the largest ``k`` of the batch and O(L) memory for a sample. ``max_present`` says
    beforehand how many labels that are, which spares some time. Second derivatives, in forward and reverse
    mode, take O(L) memory and O(L^2) time, or O(K L) if ``max_present`` is given.

    Value and gradient are finite for every ``|s| <= finfo.max / L``; a wrong pair pulls with ``1 / (k n)``.
    An absent label at +inf or a present one at -inf costs +inf.

    Args:
        logits: Scores ``[..., L]``.
        labels: Multi-hot targets ``[..., L]``; a label is present where ``y > 0``.
        max_present: Upper bound of the number of present labels in a row, static. A row with more of them
            returns NaN, never a truncated sum.
        weights: Multipliers ``[..., L]``; a pair counts ``w_i w_j`` times and the divisor stays ``k n``.
        where: Bool ``[..., L]``, True where the label was observed; the others count as deleted.

    Returns:
        The cost of each sample ``[...]``, float32 or wider.

    Raises:
        TypeError: If ``logits`` are not floating-point or ``where`` is not bool.
        ValueError: If two shapes differ or ``max_present`` is not a positive integer.

    Reference:
        Burges et al., *Learning to Rank using Gradient Descent*, ICML 2005; Rax's ``pairwise_logistic_loss``
        averages over the pairs of a whole batch.

    >>> round(pairwise_logistic(jnp.zeros(3), jnp.array([1, 0, 0])).item(), 4)
    0.6931
    """
    check_max_present("pairwise_logistic", max_present)
    sample = read_sets("pairwise_logistic", logits, labels, weights, where)
    s, present, absent, surcharge = read_pairs(sample)
    # Added, not selected, so that the slope of a crowded row is not a number either.
    s += crowded(sample.present, max_present)
    return pair_total(LOGISTIC, max_present, s, present, absent, sample.pair_count) + surcharge


@partial(jax.jit, static_argnames=("max_present",))
def pairwise_soft_zero_one(
    logits: Logits,
    labels: Labels,
    *,
    max_present: int | None = None,
    weights: Weights | None = None,
    where: Mask | None = None,
) -> PerSample:
    r"""Smooth share of wrongly ordered pairs of a present and an absent label.

    .. math::
        \ell(s, y) = \frac{1}{k n} \sum_{i \in P} \sum_{j \in N} \sigma(s_j - s_i)

    At a large scale of the logits it is the label ranking loss of the metrics. It is bounded by 1 and
    **dies**: a pair that is far wrong has gradient 0, by definition.

    Computed like :func:`pairwise_logistic`, in O(k L) time and O(L) memory. Value and gradient are finite for
    all logits, the infinite ones included.

    Args:
        logits: Scores ``[..., L]``.
        labels: Multi-hot targets ``[..., L]``; a label is present where ``y > 0``.
        max_present: Upper bound of the number of present labels in a row, static. A row with more of them
            returns NaN, never a truncated sum.
        weights: Multipliers ``[..., L]``; a pair counts ``w_i w_j`` times and the divisor stays ``k n``.
        where: Bool ``[..., L]``, True where the label was observed; the others count as deleted.

    Returns:
        The cost of each sample ``[...]``, float32 or wider.

    Raises:
        TypeError: If ``logits`` are not floating-point or ``where`` is not bool.
        ValueError: If two shapes differ or ``max_present`` is not a positive integer.

    Reference:
        Rax's ``pairwise_soft_zero_one_loss``, which averages over the pairs of a whole batch; the smooth area
        under the curve of Yan, Dodier, Mozer, Wolniewicz, ICML 2003, for one sample.

    >>> pairwise_soft_zero_one(jnp.zeros(3), jnp.array([1, 0, 0])).item()
    0.5
    """
    check_max_present("pairwise_soft_zero_one", max_present)
    sample = read_sets("pairwise_soft_zero_one", logits, labels, weights, where)
    s, present, absent, surcharge = read_pairs(sample)
    s += crowded(sample.present, max_present)
    # A hopeless pair costs 1, and only what is not a number goes on.
    missing = jnp.where(jnp.isnan(surcharge), jnp.nan, 0)
    return pair_total(ZERO_ONE, max_present, s, present, absent, sample.pair_count) + missing
