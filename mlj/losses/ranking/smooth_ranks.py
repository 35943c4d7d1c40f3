"""Ranking metrics on ranks that are sums of sigmoids."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import TypeAlias

import jax
import jax.numpy as jnp

from mlj.losses._inputs import Sets, read_sets, read_terms, scalars
from mlj.losses.ranking.gains import gain_shares, observed_count
from mlj.losses.ranking.present_blocks import check_max_present, crowded, sum_over_present
from mlj.numerics import bound_logits, ratio, sigmoid_pair
from mlj.types import Array, Labels, Logits, Mask, PerSample, Scalar, Weights

Worth: TypeAlias = Callable[[Array, Array | None], tuple[Array, Array]]
"""From ranks and from the number of present labels up to there to what a label is worth, and its slope."""


def _discount(rank: Array, _: Array | None) -> tuple[Array, Array]:
    log = jnp.log1p(rank)
    return math.log(2) / log, -math.log(2) / (log * log * (1 + rank))


def _precision(rank: Array, count: Array | None) -> tuple[Array, Array]:
    return count / rank, -count / (rank * rank)


def scaled_logits(s: Array, temperature: Scalar) -> Array:
    """Return ``s / temperature``, so bounded that differences are finite; infinite logits have slope 0."""
    largest = jnp.finfo(s.dtype).max
    return bound_logits(jnp.where(jnp.isinf(s), jnp.sign(s) * largest, s) / temperature, 2)


def _sum_worth(
    worth: Worth, x: Array, value: Array, rivals: Array, counted: Array | None, max_present: int | None
) -> tuple[Array, Array]:
    index = jax.lax.broadcasted_iota(jnp.int32, x.shape, x.ndim - 1)

    def compare(value: Array, own: Array, own_index: Array) -> tuple[Array, Array, Array]:
        gap = x[..., None, :] - own[..., :, None]
        other = index[..., None, :] != own_index[..., :, None]
        weight = jnp.where(other, rivals[..., None, :], 0)
        p, q = sigmoid_pair(gap)
        rank = 1 + jnp.sum(weight * p, axis=-1)
        count = None
        if counted is not None:
            count = 1 + jnp.sum(jnp.where(other & (gap >= 0), counted[..., None, :], 0), axis=-1)
        found, steep = worth(rank, count)
        slope = (value * steep)[..., None] * (weight * (p * q))
        return jnp.sum(value * found, axis=-1), jnp.sum(slope, axis=-2), -jnp.sum(slope, axis=-1)

    return sum_over_present(compare, value, (x, index), max_present)


@partial(jax.custom_jvp, nondiff_argnums=(0, 5))
def _total_worth(
    worth: Worth, x: Array, value: Array, rivals: Array, counted: Array | None, max_present: int | None
) -> Array:
    return _sum_worth(worth, x, value, rivals, counted, max_present)[0]


@_total_worth.defjvp
def _total_worth_jvp(worth, max_present, primals, tangents):
    total, slope = _sum_worth(worth, *primals, max_present)
    return total, jnp.sum(slope * tangents[0], axis=-1)


def _rivals(sample: Sets) -> Array:
    return jax.lax.stop_gradient(sample.member_weights(sample.present | sample.absent))


def not_a_number(s: Array) -> Array:
    """Return NaN for each row that holds one, else 0."""
    return jnp.where(jnp.any(jnp.isnan(s), axis=-1), jnp.nan, 0)


@partial(jax.jit, static_argnames=("max_present",))
def approx_ndcg(
    logits: Logits,
    labels: Labels,
    *,
    temperature: Scalar = 1.0,
    max_present: int | None = None,
    weights: Weights | None = None,
    where: Mask | None = None,
) -> PerSample:
    r"""One minus the discounted gain of a sample, over the largest possible, on smooth ranks.

    .. math::
        \ell(s, y) = 1 - \frac{\sum_i g_i / \log_2(1 + r_i)}{\sum_t g_{(t)} / \log_2(1 + t)}, \qquad
        r_i = 1 + \sum_{j \ne i} \sigma\bigl((s_j - s_i) / T\bigr), \quad g_i = 2^{y_i} - 1

    with :math:`g_{(t)}` the gains in descending order. As :math:`T` vanishes the cost becomes one minus the
    NDCG. At larger ``temperature`` even a perfect order costs something.

    A row whose labels all have the same gain, an empty or a full one for instance, costs 0: every order of it
    is perfect. Only labels with ``y > 0`` need a rank. They are compared with all labels block by block, in
    O(k L) time for the largest ``k`` of the batch and O(L) memory for a sample; ``max_present`` says
    beforehand how many labels that are, which spares some time.

    Value and gradient are finite for all logits, the infinite ones included. By its definition the gradient
    dies where score differences are large against the temperature, in the right order or in the wrong. For
    second derivatives differentiate forward over reverse, as ``jax.hessian`` does.

    Args:
        logits: Scores ``[..., L]``.
        labels: Targets ``[..., L]``, bool, integer or soft in [0, 1].
        temperature: The :math:`T` of the sigmoids.
        max_present: Upper bound of the number of labels with ``y > 0`` in a row, static. A row with more of
            them returns NaN, never a truncated sum.
        weights: Multipliers ``[..., L]``. The cost is read as the sum over labels of
            ``g_i (1 / sum(g) - 1 / (log2(1 + r_i) ideal))``; a weight multiplies a label's term, and its
            sigmoid in the ranks of the others, but not the ideal. Constants: no gradient flows into them.
        where: Bool ``[..., L]``, True where the label was observed; the others count as deleted.

    Returns:
        The cost of each sample ``[...]``, float32 or wider.

    Raises:
        TypeError: If ``logits`` are not floating-point or ``where`` is not bool.
        ValueError: If two shapes differ, ``temperature`` is not a scalar or ``max_present`` is not a positive
            integer.

    Reference:
        Qin, Liu, Li, *A general approximation framework for direct optimization of information retrieval
        measures*, Information Retrieval 2010. Rax and TensorFlow Ranking return minus the gain, 1 less than
        this; their temperatures are 1 and .1.

    >>> round(approx_ndcg(jnp.array([2.0, 0.0, 0.0]), jnp.array([0, 1, 0]), temperature=0.01).item(), 4)
    0.4467
    """
    scalars("approx_ndcg", temperature=temperature)
    check_max_present("approx_ndcg", max_present)
    sample = read_terms("approx_ndcg", logits, labels, weights, where)
    gains = gain_shares(sample)
    too_many = crowded(gains.value != 0, max_present)
    x = scaled_logits(sample.logits, temperature) + too_many
    total = _total_worth(_discount, x, gains.value, gains.member_weights, None, max_present)
    cost = jnp.where(gains.differ, jnp.sum(gains.mass, axis=-1) - total, 0)
    return cost + not_a_number(sample.logits + sample.labels + too_many)


@partial(jax.jit, static_argnames=("max_present",))
def approx_average_precision(
    logits: Logits,
    labels: Labels,
    *,
    temperature: Scalar = 1.0,
    max_present: int | None = None,
    weights: Weights | None = None,
    where: Mask | None = None,
) -> PerSample:
    r"""One minus the average precision of a sample, on smooth ranks.

    .. math::
        \ell(s, y) = 1 - \frac{1}{k} \sum_{i \in P} \frac{c_i}{r_i}, \qquad
        r_i = 1 + \sum_{j \ne i} \sigma\bigl((s_j - s_i) / T\bigr), \quad
        c_i = \#\{j \in P : s_j \ge s_i\}

    with the counts :math:`c` held constant in the gradient. As :math:`T` vanishes the cost becomes one minus
    the average precision, except that present labels of equal score are counted in full but ranked half above
    each other, so that they may cost less than 0.

    A row without present or without absent labels costs 0. Only present labels need a rank. They are compared
    with all labels block by block, in O(k L) time for the largest ``k`` of the batch and O(L) memory for a
    sample; ``max_present`` says beforehand how many labels that are, which spares some time.

    Value and gradient are finite for all logits, the infinite ones included. By its definition the gradient
    dies where score differences are large against the temperature, in the right order or in the wrong. For
    second derivatives differentiate forward over reverse, as ``jax.hessian`` does.

    Args:
        logits: Scores ``[..., L]``.
        labels: Multi-hot targets ``[..., L]``; a label is present where ``y > 0``.
        temperature: The :math:`T` of the sigmoids.
        max_present: Upper bound of the number of present labels in a row, static. A row with more of them
            returns NaN, never a truncated sum.
        weights: Multipliers ``[..., L]``. The cost is read as the mean over present labels of
            ``1 - c_i / r_i``; a weight multiplies a label's term, and how often it counts in the counts and
            ranks of the others, but not ``k``. Constants: no gradient flows into them.
        where: Bool ``[..., L]``, True where the label was observed; the others count as deleted.

    Returns:
        The cost of each sample ``[...]``, float32 or wider.

    Raises:
        TypeError: If ``logits`` are not floating-point or ``where`` is not bool.
        ValueError: If two shapes differ, ``temperature`` is not a scalar or ``max_present`` is not a positive
            integer.

    Reference:
        Qin, Liu, Li, *A general approximation framework for direct optimization of information retrieval
        measures*, Information Retrieval 2010, who smooth the counts too.

    >>> s, y = jnp.array([2.0, 1.0, 0.0]), jnp.array([0, 1, 1])
    >>> round(approx_average_precision(s, y, temperature=0.01).item(), 4)
    0.4167
    """
    scalars("approx_average_precision", temperature=temperature)
    check_max_present("approx_average_precision", max_present)
    sample = read_sets("approx_average_precision", logits, labels, weights, where)
    present = jax.lax.stop_gradient(sample.member_weights(sample.present))
    value = ratio(present, observed_count(labels, where, present.dtype)[..., None])
    too_many = crowded(sample.present, max_present)
    x = scaled_logits(sample.logits, temperature) + too_many
    total = _total_worth(_precision, x, value, _rivals(sample), present, max_present)
    cost = jnp.where(sample.has_pairs(), jnp.sum(value, axis=-1) - total, 0)
    return cost + not_a_number(sample.logits + too_many)


@jax.jit
def approx_reciprocal_rank(
    logits: Logits,
    labels: Labels,
    *,
    temperature: Scalar = 1.0,
    weights: Weights | None = None,
    where: Mask | None = None,
) -> PerSample:
    r"""One minus the reciprocal smooth rank of the best present label of a sample.

    .. math::
        \ell(s, y) = 1 - \max_{i \in P} \frac{1}{r_i}, \qquad
        r_i = 1 + \sum_{j \ne i} \sigma\bigl((s_j - s_i) / T\bigr)

    The best present label is the one of the highest score, the first of them on a tie: only its rank is
    needed, in O(L). As :math:`T` vanishes the cost becomes one minus the reciprocal rank. A row without
    present or without absent labels costs 0.

    Value and gradient are finite for all logits, the infinite ones included. By its definition the gradient
    dies where score differences are large against the temperature, in the right order or in the wrong.

    Args:
        logits: Scores ``[..., L]``.
        labels: Multi-hot targets ``[..., L]``; a label is present where ``y > 0``.
        temperature: The :math:`T` of the sigmoids.
        weights: Multipliers ``[..., L]`` of the cost of the best label, and of a label's sigmoid in its rank.
        where: Bool ``[..., L]``, True where the label was observed; the others count as deleted.

    Returns:
        The cost of each sample ``[...]``, float32 or wider.

    Raises:
        TypeError: If ``logits`` are not floating-point or ``where`` is not bool.
        ValueError: If two shapes differ or ``temperature`` is not a scalar.

    Reference:
        Qin, Liu, Li, *A general approximation framework for direct optimization of information retrieval
        measures*, Information Retrieval 2010. Rax's ``approx_mrr`` returns 1 less; TensorFlow Ranking
        averages ``1 / r_i`` over all present labels.

    >>> s, y = jnp.array([2.0, 1.0, 0.0]), jnp.array([0, 1, 1])
    >>> round(approx_reciprocal_rank(s, y, temperature=0.01).item(), 4)
    0.5
    """
    scalars("approx_reciprocal_rank", temperature=temperature)
    sample = read_sets("approx_reciprocal_rank", logits, labels, weights, where)
    x = scaled_logits(sample.logits, temperature)
    best = jnp.argmax(jnp.where(sample.present, sample.logits, -jnp.inf), axis=-1, keepdims=True)
    # Present labels at -inf do not beat those that are not present in the line above.
    first = jnp.argmax(sample.present, axis=-1, keepdims=True)
    best = jnp.where(jnp.take_along_axis(sample.present, best, axis=-1), best, first)
    gap = x - jnp.take_along_axis(x, best, axis=-1)
    other = jax.lax.broadcasted_iota(best.dtype, x.shape, x.ndim - 1) != best
    ahead = jnp.sum(jnp.where(other, _rivals(sample) * sigmoid_pair(gap)[0], 0), axis=-1)
    weight = jnp.take_along_axis(sample.member_weights(sample.present), best, axis=-1)[..., 0]
    cost = jnp.where(sample.has_pairs(), weight * (ahead / (1 + ahead)), 0)
    return cost + not_a_number(sample.logits)
