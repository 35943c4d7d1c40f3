"""Scores in descending order: the sorted sweep from which ranks, curves and thresholds are read.

A float sort is several times slower than an integer one on CPU, so scores are sorted as the integers whose
order is theirs. Zeros and subnormal numbers tie, a NaN score ranks below every number, unobserved entries
come last.
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jax import lax

from mlj.metrics.blocks import once
from mlj.types import Array, Labels, Mask, Scores


class Sweep(NamedTuple):
    """Entries by descending score along the last axis: what each cut of the order predicts.

    A cut below position ``i`` predicts the entries ``0..i``. It can be made by a threshold only where
    ``cut`` is True: at the last entry of a run of equal scores.
    """

    keys: Array
    """The sorted integers; :func:`scores_of` gives the scores."""
    labels: Array
    """Int32, 1 where the entry is present; 0 for unobserved ones."""
    indices: Array | None
    """Where the entry stood before it was sorted, int32; None for a packed sweep."""
    last: Array
    """True at the last observed entry of each run of equal scores."""
    cut: Array
    """True where ``score > thresholds`` makes this cut: at ``last``, but for -inf and NaN scores."""
    thresholds: Array
    """Midway between this score and the next smaller one, and just below the smallest."""
    hits: Array
    """Present entries up to here, int32."""
    predicted: Array
    """Observed entries up to here, int32."""


def keys(scores: Scores, where: Mask | None = None) -> Array:
    """Return integers that ascend as the scores descend, the unobserved entries last.

    >>> jnp.argsort(keys(jnp.array([-0.0, 3.0, 0.0, -jnp.inf, jnp.nan]))).tolist()
    [1, 0, 2, 3, 4]
    """
    scores = scores.astype(jnp.promote_types(scores.dtype, jnp.float32))
    kind = jnp.int64 if scores.dtype == jnp.float64 else jnp.int32
    largest = jnp.iinfo(kind).max
    # CPUs and accelerators may compare subnormal numbers as zero, so they tie with zero here too
    flushed = jnp.where(jnp.abs(scores) < jnp.finfo(scores.dtype).tiny, 0, scores)
    bits = lax.bitcast_convert_type(flushed, kind)
    descending = ~jnp.where(bits < 0, bits ^ largest, bits)
    descending = jnp.where(jnp.isnan(scores), largest - 3, descending)
    return descending if where is None else jnp.where(where, descending, largest)


def scores_of(keys: Array) -> Array:
    """Return the scores that :func:`keys` came from; both zeros are +0, unobserved entries NaN."""
    ascending = ~keys
    bits = jnp.where(ascending < 0, ascending ^ jnp.iinfo(keys.dtype).max, ascending)
    return lax.bitcast_convert_type(bits, jnp.float64 if keys.dtype == jnp.int64 else jnp.float32)


def sweep(scores: Scores, labels: Labels, where: Mask | None = None) -> Sweep:
    """Sort along the last axis and count present entries down the order; equal scores keep their order.

    >>> found = sweep(jnp.array([0.25, 0.75, 0.75]), jnp.array([1, 1, 0]))
    >>> found.hits.tolist(), found.cut.tolist(), found.thresholds.tolist()[1]
    ([1, 1, 2], [False, True, True], 0.5)
    """
    # place and label travel in one integer: every further array makes the sort slower
    places = lax.broadcasted_iota(jnp.int32, scores.shape, scores.ndim - 1)
    carried = 2 * places + _present(labels, where)
    order, carried = lax.sort((keys(scores, where), carried), num_keys=1, is_stable=True)
    return _swept(order, order, carried & 1, carried >> 1)


def packed_sweep(scores: Scores, labels: Labels, where: Mask | None = None) -> Sweep:
    """Do as :func:`sweep`, several times faster, and never cut between two scores one rounding step apart.

    The label rides in the lowest bit of the integer, so that one array is sorted, not two. Scores that differ
    in that bit only count as tied; whatever is said of a cut that remains is exact.
    """
    packed = (keys(scores, where) & ~1) | (1 - _present(labels, where))
    order = lax.sort(packed, is_stable=False)
    return _swept(order & ~1, order | 1, 1 - (order & 1), None)


def packed_order(scores: Scores, labels: Labels, where: Mask | None = None, *, length: int = 0) -> Array:
    """Return the entries in descending order as integers ``2 place + absent``; equal scores share a place.

    One integer sort does it, label and all, and unlike in :func:`packed_sweep` no two scores are taken for
    one. The label finds room because only the binades between the least and the greatest finite magnitude
    are numbered; where these are more than 127, a slower sort of keys and labels takes over.

    Args:
        scores: Scores ``[..., M]``.
        labels: Multi-hot truth ``[..., M]``.
        where: Observed entries ``[..., M]``, bool.
        length: Fill up with unobserved entries to this length.

    Returns:
        Integers ``[..., max(M, length)]`` in ascending order; unobserved entries hold the largest there is.

    >>> order = packed_order(jnp.array([2.0, 3.0, 2.0]), jnp.array([0, 1, 1]))
    >>> (order & 1).tolist(), (order >> 1).tolist()[1:]
    ([0, 0, 1], [-1, -1])
    """
    scores = scores.astype(jnp.promote_types(scores.dtype, jnp.float32))
    absent = 1 - _present(labels, where)
    narrow, fits = _narrow_keys(scores, where)
    fill = [(0, 0)] * (scores.ndim - 1) + [(0, max(0, length - scores.shape[-1]))]

    def filled(entries: Array) -> Array:
        return jnp.pad(entries, fill, constant_values=jnp.iinfo(entries.dtype).max)

    def wide() -> Array:
        order, flags = lax.sort((filled(keys(scores, where)), filled(absent)), num_keys=1, is_stable=False)
        new = jnp.concatenate([jnp.zeros_like(order[..., :1]), order[..., 1:] != order[..., :-1]], axis=-1)
        places = 2 * jnp.cumsum(new, axis=-1, dtype=order.dtype) + flags.astype(order.dtype)
        return jnp.where(observed(order), places, jnp.iinfo(order.dtype).max)

    quick = lax.sort(filled(2 * narrow + absent.astype(narrow.dtype)), is_stable=False)
    return once(~fits, wide, quick)


def _narrow_keys(scores: Array, where: Mask | None) -> tuple[Array, Array]:
    """Return :func:`keys` in one bit less, and whether the scores leave that bit."""
    kind = jnp.int64 if scores.dtype == jnp.float64 else jnp.int32
    largest = jnp.iinfo(kind).max
    least, infinite = (
        lax.bitcast_convert_type(jnp.array(x, scores.dtype), kind)
        for x in (jnp.finfo(scores.dtype).tiny, jnp.inf)
    )
    bits = lax.bitcast_convert_type(scores, kind)
    size = bits & largest
    size = jnp.where(size < least, 0, size)
    counted = (size > 0) & (size < infinite)
    counted = counted if where is None else counted & where
    high = jnp.max(size, where=counted, initial=0)
    low = jnp.minimum(jnp.min(size, where=counted, initial=largest), high + 1)
    place = jnp.where(size == 0, 0, jnp.minimum(size, high + 1) - low + 1)
    place = jnp.where(bits < 0, place, -place)
    last = largest // 2
    place = jnp.where(jnp.isnan(scores), last - 1, place)
    return place if where is None else jnp.where(where, place, last), high - low + 2 < last - 1


def _present(labels: Labels, where: Mask | None) -> Array:
    present = labels > 0.5
    return (present if where is None else present & where).astype(jnp.int32)


def cuts(order: Array, smallest: Array) -> tuple[Array, Array, Array]:
    """Return where runs of equal keys end, where a threshold can cut, and the threshold that does it.

    Args:
        order: Sorted keys ``[..., M]``; equal keys are one run of tied scores.
        smallest: Key of the least score that each run may hold: ``order`` itself, or ``order | 1`` if the
            lowest bit carried something else.

    Returns:
        ``last`` and ``cut`` (bool) and ``thresholds``, each ``[..., M]``.
    """
    following = jnp.concatenate([order[..., 1:], jnp.full_like(order[..., :1], _unobserved(order))], axis=-1)
    last = (order != following) & observed(order)
    upper = scores_of(smallest)
    return last, last & (upper > -jnp.inf), _between(upper, scores_of(following))


def observed(keys: Array) -> Array:
    """Return True for the keys of observed entries."""
    return keys < _unobserved(keys)


def _unobserved(keys: Array) -> int:
    return jnp.iinfo(keys.dtype).max - 1


def _swept(order: Array, smallest: Array, flags: Array, indices: Array | None) -> Sweep:
    ranks = lax.broadcasted_iota(jnp.int32, order.shape, order.ndim - 1) + 1
    seen = jnp.sum(observed(order), axis=-1, keepdims=True, dtype=jnp.int32)
    hits = jnp.cumsum(flags, axis=-1)
    return Sweep(order, flags, indices, *cuts(order, smallest), hits, jnp.minimum(ranks, seen))


def _between(upper: Array, lower: Array) -> Array:
    """Return t with ``lower <= t < upper``, finite; just below ``upper`` where ``lower`` is not finite."""
    limits = jnp.finfo(upper.dtype)
    step = jnp.maximum(4 * limits.eps * jnp.abs(upper), limits.tiny)
    below = jnp.where(upper == jnp.inf, limits.max, jnp.maximum(upper - step, limits.min))
    middle = 0.5 * upper + 0.5 * lower
    middle = jnp.where(middle < upper, middle, lower)
    return jnp.where(jnp.isfinite(lower), middle, below)
