"""Pairs of labels, weighed by what exchanging them would change in the discounted gain."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp

from mlj.losses._inputs import Sets, read_sets, scalars
from mlj.losses.ranking.gains import ideal_sum, observed_count
from mlj.losses.ranking.pairs import read_pairs
from mlj.losses.ranking.present_blocks import check_max_present, crowded, sum_over_present
from mlj.numerics import bound_logits, softplus
from mlj.types import Array, Labels, Logits, Mask, PerSample, Scalar, Weights


def _places(sample: Sets) -> Array:
    """Return each label's place in the order of the scores, from 1; ties go by label number."""
    member = sample.present | sample.absent
    index = jax.lax.broadcasted_iota(jnp.int32, member.shape, member.ndim - 1)
    key = jax.lax.stop_gradient(-sample.logits)
    _, _, order = jax.lax.sort((~member, key, index), dimension=-1, num_keys=2)
    places = jnp.put_along_axis(jnp.zeros_like(index), order, index + 1, axis=-1, inplace=False)
    return places.astype(sample.logits.dtype)


def _by_distance(own: Array, other: Array) -> Array:
    # The difference of two discounts, written so that it does not cancel far down the list.
    gap = jnp.maximum(jnp.abs(own - other), 1)
    return jnp.log1p(1 / (1 + gap)) / (jnp.log1p(gap) * jnp.log1p(1 + gap))


def _by_discount(own: Array, other: Array) -> Array:
    change = jnp.log1p(jnp.abs(own - other) / (1 + jnp.minimum(own, other)))
    return change / (jnp.log1p(own) * jnp.log1p(other))


def _sum_pairs(
    change: Callable[[Array, Array], Array],
    s: Array,
    value: Array,
    absent: Array,
    place: Array,
    most: int | None,
) -> tuple[Array, Array]:
    def compare(value: Array, own: Array, own_place: Array) -> tuple[Array, Array, Array]:
        gap = s[..., None, :] - own[..., :, None]
        pair = value[..., None] * absent[..., None, :]
        pair *= change(own_place[..., :, None], place[..., None, :])
        slope = pair * jax.nn.sigmoid(gap)
        cost = jnp.sum(pair * softplus(gap), axis=(-2, -1))
        return cost, jnp.sum(slope, axis=-2), -jnp.sum(slope, axis=-1)

    return sum_over_present(compare, value, (s, place), most)


@partial(jax.custom_jvp, nondiff_argnums=(0, 5))
def _total(
    change: Callable[[Array, Array], Array],
    s: Array,
    value: Array,
    absent: Array,
    place: Array,
    most: int | None,
) -> Array:
    return _sum_pairs(change, s, value, absent, place, most)[0]


@_total.defjvp
def _total_jvp(change, most, primals, tangents):
    total, slope = _sum_pairs(change, *primals, most)
    return total, jnp.sum(slope * tangents[0], axis=-1)


def _weighed_pairs(
    change: Callable[[Array, Array], Array], sample: Sets, count: Array, sigma: Scalar, most: int | None
) -> PerSample:
    s, present, absent, surcharge = read_pairs(sample)
    value = present / ideal_sum(count, s.shape[-1])[..., None]
    x = bound_logits(sigma * s, 2) + crowded(sample.present, most)
    return _total(change, x, value, absent, _places(sample), most) + surcharge


@partial(jax.jit, static_argnames=("max_present",))
def lambda_ndcg(
    logits: Logits,
    labels: Labels,
    *,
    sigma: Scalar = 1.0,
    max_present: int | None = None,
    weights: Weights | None = None,
    where: Mask | None = None,
) -> PerSample:
    r"""NDCG-Loss2: logistic pairs, weighed by the distance of their places in the list.

    .. math::
        \ell(s, y) = \sum_{i \in P} \sum_{j \in N} w_{ij} \log_2\bigl(1 + e^{\sigma (s_j - s_i)}\bigr), \qquad
        w_{ij} = \frac{D(|\rho_i - \rho_j|) - D(|\rho_i - \rho_j| + 1)}{\sum_{t \le k} D(t)}

    with the discounts :math:`D(t) = 1 / \log_2(1 + t)` and the places :math:`\rho` of the labels in
    descending order of their scores, from 1, held constant in the gradient. The cost bounds one minus the
    NDCG from above. It jumps where two labels change places. Labels of equal score take their places by
    label number.

    A row without present or without absent labels costs 0. The present labels are compared with all others
    block by block, in O(k L) time for the largest ``k`` of the batch and O(L) memory for a sample;
    ``max_present`` says beforehand how many labels that are, which spares some time.

    Value and gradient are finite for every ``|s| <= finfo.max / (2 L)`` at ``sigma`` up to 1; a wrong pair
    pulls with ``w_ij sigma / log(2)`` however far it is wrong. An absent label at +inf or a present one at
    -inf costs +inf. For second derivatives differentiate forward over reverse, as ``jax.hessian`` does.

    Args:
        logits: Scores ``[..., L]``.
        labels: Multi-hot targets ``[..., L]``; a label is present where ``y > 0``.
        sigma: Steepness of the logistic.
        max_present: Upper bound of the number of present labels in a row, static. A row with more of them
            returns NaN, never a truncated sum.
        weights: Multipliers ``[..., L]``; a pair counts ``w_i w_j`` times and the divisor stays. A label of
            weight 0 takes no place in the list. Constants: no gradient flows into them.
        where: Bool ``[..., L]``, True where the label was observed; the others count as deleted.

    Returns:
        The cost of each sample ``[...]``, float32 or wider.

    Raises:
        TypeError: If ``logits`` are not floating-point or ``where`` is not bool.
        ValueError: If two shapes differ, ``sigma`` is not a scalar or ``max_present`` is not a positive
            integer.

    Reference:
        Wang, Li, Golbandi, Bendersky, Najork, *The LambdaLoss Framework for Ranking Metric Optimization*,
        CIKM 2018. allRank clamps differences and sigmoids, which leaves far-off pairs without gradient;
        TensorFlow Ranking multiplies by ``L``.

    >>> round(lambda_ndcg(jnp.array([1.0, 0.0, 0.0]), jnp.array([0, 1, 0])).item(), 4)
    1.0683
    """
    scalars("lambda_ndcg", sigma=sigma)
    check_max_present("lambda_ndcg", max_present)
    sample = read_sets("lambda_ndcg", logits, labels, weights, where)
    count = observed_count(labels, where, sample.logits.dtype)
    return _weighed_pairs(_by_distance, sample, count, sigma, max_present)


@partial(jax.jit, static_argnames=("max_present",))
def lambda_rank(
    logits: Logits,
    labels: Labels,
    *,
    sigma: Scalar = 1.0,
    max_present: int | None = None,
    weights: Weights | None = None,
    where: Mask | None = None,
) -> PerSample:
    r"""LambdaRank: logistic pairs, weighed by what exchanging their places would change in the NDCG.

    .. math::
        \ell(s, y) = \sum_{i \in P} \sum_{j \in N} w_{ij} \log_2\bigl(1 + e^{\sigma (s_j - s_i)}\bigr), \qquad
        w_{ij} = \frac{|D(\rho_i) - D(\rho_j)|}{\sum_{t \le k} D(t)}

    with the discounts :math:`D(t) = 1 / \log_2(1 + t)` and the places :math:`\rho` of the labels in
    descending order of their scores, from 1, held constant in the gradient. The cost jumps where two labels
    change places. Labels of equal score take their places by label number.

    A row without present or without absent labels costs 0. The present labels are compared with all others
    block by block, in O(k L) time for the largest ``k`` of the batch and O(L) memory for a sample;
    ``max_present`` says beforehand how many labels that are, which spares some time.

    Value and gradient are finite for every ``|s| <= finfo.max / (2 L)`` at ``sigma`` up to 1; a wrong pair
    pulls with ``w_ij sigma / log(2)`` however far it is wrong. An absent label at +inf or a present one at
    -inf costs +inf. For second derivatives differentiate forward over reverse, as ``jax.hessian`` does.

    Args:
        logits: Scores ``[..., L]``.
        labels: Multi-hot targets ``[..., L]``; a label is present where ``y > 0``.
        sigma: Steepness of the logistic.
        max_present: Upper bound of the number of present labels in a row, static. A row with more of them
            returns NaN, never a truncated sum.
        weights: Multipliers ``[..., L]``; a pair counts ``w_i w_j`` times and the divisor stays. A label of
            weight 0 takes no place in the list. Constants: no gradient flows into them.
        where: Bool ``[..., L]``, True where the label was observed; the others count as deleted.

    Returns:
        The cost of each sample ``[...]``, float32 or wider.

    Raises:
        TypeError: If ``logits`` are not floating-point or ``where`` is not bool.
        ValueError: If two shapes differ, ``sigma`` is not a scalar or ``max_present`` is not a positive
            integer.

    Reference:
        Burges, Ragno, Le, *Learning to Rank with Nonsmooth Cost Functions*, NIPS 2006, as a loss in Wang et
        al., *The LambdaLoss Framework for Ranking Metric Optimization*, CIKM 2018. allRank clamps differences
        and sigmoids, which leaves far-off pairs without gradient; TensorFlow Ranking multiplies by ``L``.

    >>> round(lambda_rank(jnp.array([1.0, 0.0, 0.0]), jnp.array([0, 1, 0])).item(), 4)
    0.8302
    """
    scalars("lambda_rank", sigma=sigma)
    check_max_present("lambda_rank", max_present)
    sample = read_sets("lambda_rank", logits, labels, weights, where)
    count = observed_count(labels, where, sample.logits.dtype)
    return _weighed_pairs(_by_discount, sample, count, sigma, max_present)
