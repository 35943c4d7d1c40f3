"""Sums over all pairs of a present and an absent label, without an ``[L, L]`` buffer.

Each present label is compared with all absent ones, block by block, in O(k L) for the largest ``k`` of the
batch. What can be read off one sorted list instead is sorted as soon as a row has many present labels.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import NamedTuple, TypeAlias

import jax
import jax.numpy as jnp

from mlj.losses._inputs import Sets
from mlj.losses.ranking.chunks import chunk_size, over_chunks, padded, put_chunk, with_leading_axes
from mlj.losses.ranking.present_blocks import BLOCK, block_size, sum_over_present
from mlj.losses.ranking.present_list import list_present
from mlj.numerics import bound_logits
from mlj.types import Array

MANY = 128
"""Present labels of a row beyond which sorting is faster than comparing."""

Curve: TypeAlias = Callable[[Array], Array]


class PairCost(NamedTuple):
    """What a pair costs as a function of ``gap = s_absent - s_present``, and its derivatives.

    ``curves`` returns the cost and its slope, which vanish for far negative gaps. ``bend`` is the slope's
    slope, None if that is constant in pieces. ``rate``: what multiplies all pairs of a present label, held
    constant, as a function of how many absent labels are above it by a gap of more than -1. ``in_order``: the
    same total from one sort, if possible.
    """

    curves: Callable[[Array], tuple[Array, Array]]
    bend: Curve | None
    rate: Curve | None = None
    in_order: Callable[[Array, Array, Array, Array], tuple[Array, Array]] | None = None


def read_pairs(sample: Sets, reach: int = 2) -> tuple[Array, Array, Array, Array]:
    """Return bounded logits, the weights of present and of absent labels, and a surcharge for each sample.

    The bound is the largest number over ``reach``. The surcharge is +inf where an infinite logit makes a pair
    hopeless, NaN where a logit is NaN, and 0 for all others.
    """
    s, present, absent = sample.logits, sample.present, sample.absent
    hopeless = jnp.any((absent & (s == jnp.inf)) | (present & (s == -jnp.inf)), axis=-1)
    surcharge = jnp.where(hopeless & sample.has_pairs(), jnp.inf, 0)
    surcharge = jnp.where(jnp.any(jnp.isnan(s), axis=-1), jnp.nan, surcharge)
    weights = (jax.lax.stop_gradient(sample.member_weights(members)) for members in (present, absent))
    return bound_logits(s, reach), *weights, surcharge


def _rivals_of(s: Array, absent: Array) -> Array:
    # What is not absent stands so low that it costs nothing in any pair.
    return jnp.where(absent != 0, s, -jnp.finfo(s.dtype).max / 2)


def _raised(value: Array, own: Array) -> Array:
    return jnp.where(value != 0, own, jnp.finfo(own.dtype).max / 2)


def _rated(pair: PairCost, value: Array, gap: Array, absent: Array) -> Array:
    if pair.rate is None:
        return value
    above = jnp.sum((gap > -1) & (absent != 0)[..., None, :], axis=-1)
    return value * pair.rate(above.astype(value.dtype))


def _over_others(weights: Array, terms: Array) -> Array:
    # As a product of matrices it is two to four times as fast on a CPU as a sum of products.
    return jnp.einsum("...l,...kl->...k", weights, terms, precision="highest")


def _all_rated(pair: PairCost, value: Array, own: Array, s: Array, absent: Array, size: int) -> Array:
    """Return the values times the rates, which only a pass over all labels can tell."""
    if pair.rate is None:
        return value

    def count(above: Array, _: Array | int, s: Array, absent: Array) -> Array:
        higher = (s[..., None, :] - own[..., :, None] > -1) & (absent != 0)[..., None, :]
        return above + jnp.sum(higher, axis=-1)

    above = over_chunks(count, jnp.zeros(value.shape, jnp.int32), (s, absent), size)
    return value * pair.rate(above.astype(value.dtype))


def _compared(
    pair: PairCost, most: int | None, s: Array, present: Array, absent: Array, count: Array
) -> tuple[Array, Array]:
    """Return the total over ``count`` and its slope in the logits."""
    labels = s.shape[-1]
    size = chunk_size(labels, block_size(labels, most) * math.prod(s.shape[:-1]))
    arrays = padded(s, size), padded(absent, size)

    def compare(value: Array, own: Array) -> tuple[Array, Array, Array]:
        own = _raised(value, own)
        value = _all_rated(pair, value, own, *arrays, size)

        def step(carry: tuple[Array, ...], start: Array | int, s: Array, absent: Array) -> tuple[Array, ...]:
            cost, slope, back = carry
            terms, steep = pair.curves(_rivals_of(s, absent)[..., None, :] - own[..., :, None])
            pull = jnp.einsum("...k,...kl->...l", value, steep, precision="highest") * absent
            # Shares of the average, so that no partial sum exceeds the largest term.
            cost = cost + _over_others(absent / count[..., None], terms)
            return cost, put_chunk(slope, start, pull), back + _over_others(absent, steep)

        zero = jnp.zeros_like(value), jnp.zeros_like(arrays[0]), jnp.zeros_like(value)
        cost, slope, back = over_chunks(step, zero, arrays, size)
        return jnp.sum(value * cost, axis=-1), slope[..., :labels], -value * back

    cost, slope = sum_over_present(compare, present, (s,), most)
    return cost, slope / count[..., None]


def _compared_or_sorted(
    pair: PairCost, most: int | None, s: Array, present: Array, absent: Array, count: Array
) -> tuple[Array, Array]:
    @with_leading_axes
    def total(s: Array, present: Array, absent: Array, count: Array) -> tuple[Array, Array]:
        return _at_once(pair, most, s, present, absent, count)

    return total(s, present, absent, count)


def _at_once(
    pair: PairCost, most: int | None, s: Array, present: Array, absent: Array, count: Array
) -> tuple[Array, Array]:
    if pair.in_order is None or s.shape[-1] <= MANY:
        return _compared(pair, most, s, present, absent, count)
    many = jnp.max(jnp.sum(present != 0, axis=-1)) > MANY
    found = _compared(pair, most, s, jnp.where(many, 0, present), absent, count)

    def sort(round: Array, _: tuple[Array, Array]) -> tuple[Array, Array]:
        # Adding the number of the round, 0, keeps the compiler from moving the sort out of the loop.
        return pair.in_order(s + round.astype(s.dtype), present, absent, count)

    # A loop of one round or none, since under vmap a choice would do both.
    return jax.lax.fori_loop(0, many.astype(jnp.int32), sort, found)


def _bent(
    pair: PairCost, most: int | None, s: Array, present: Array, absent: Array, count: Array, way: Array
) -> Array:
    """Return how the slope changes when the logits go a way: a linear map that JAX can transpose."""
    if pair.bend is None:
        return jnp.zeros_like(s)
    others = _rivals_of(s, absent)
    size = s.shape[-1] if most is None else min(most, s.shape[-1])
    order = list_present(present != 0).nth(jnp.arange(size))
    value = jnp.take_along_axis(present, order, axis=-1, mode="fill", fill_value=0)

    @jax.checkpoint
    def block(pull: Array, some: tuple[Array, Array]) -> tuple[Array, Array]:
        value, order = some
        own, own_way = (jnp.take_along_axis(array, order, axis=-1, mode="clip") for array in (s, way))
        gap = others[..., None, :] - _raised(value, own)[..., :, None]
        weight = _rated(pair, value, gap, absent)[..., :, None] * absent[..., None, :] * pair.bend(gap)
        bend = weight * (way[..., None, :] - own_way[..., :, None])
        return pull + jnp.sum(bend, axis=-2), -jnp.sum(bend, axis=-1)

    pull, back = jax.lax.scan(block, jnp.zeros_like(s), (_in_blocks(value), _in_blocks(order)))
    back = jnp.moveaxis(back, 0, -2).reshape(*s.shape[:-1], -1)[..., :size]
    # Gathered, since a scatter whose indices are not known to differ cannot be transposed.
    rank = jnp.cumsum(present != 0, axis=-1) - 1
    mine = jnp.take_along_axis(back, jnp.maximum(rank, 0), axis=-1, mode="clip")
    return (pull + jnp.where((present != 0) & (rank < size), mine, 0)) / count[..., None]


def _in_blocks(array: Array) -> Array:
    padded = jnp.pad(array, [(0, 0)] * (array.ndim - 1) + [(0, -array.shape[-1] % BLOCK)])
    return jnp.moveaxis(padded.reshape(*array.shape[:-1], -1, BLOCK), -2, 0)


@partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def _total_and_slope(
    pair: PairCost, most: int | None, s: Array, present: Array, absent: Array, count: Array
) -> tuple[Array, Array]:
    return _compared_or_sorted(pair, most, s, present, absent, count)


@_total_and_slope.defjvp
def _total_and_slope_jvp(pair, most, primals, tangents):
    total, slope = _total_and_slope(pair, most, *primals)
    bend = _bent(pair, most, *primals, tangents[0])
    return (total, slope), (jnp.sum(slope * tangents[0], axis=-1), bend)


@partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def pair_total(
    pair: PairCost, most: int | None, s: Array, present: Array, absent: Array, count: Array
) -> Array:
    """Return the sum over all pairs, each times the weights of both labels, over ``count``.

    Args:
        pair: What a pair costs.
        most: Upper bound of the number of present labels in a row, or None; what is beyond is left out.
        s: Finite logits ``[..., L]``.
        present: Weights of the present labels ``[..., L]``, 0 for all others; constants.
        absent: Weights of the absent labels, likewise.
        count: What the sum is divided by, ``[...]``.
    """
    return _compared_or_sorted(pair, most, s, present, absent, count)[0]


@pair_total.defjvp
def _pair_total_jvp(pair, most, primals, tangents):
    total, slope = _total_and_slope(pair, most, *primals)
    return total, jnp.sum(slope * tangents[0], axis=-1)
