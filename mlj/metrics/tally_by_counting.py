"""The tally of columns in which few entries are present: no sort, only comparisons.

The keys of the present entries are picked from each column into a short list. Against these every entry is
compared once, and they against each other: that is how many entries and how many present ones stand above or
tie. It is plain elementwise work over many columns at once, proportional to the longest list.
"""

from __future__ import annotations

import jax.numpy as jnp
from jax import lax

from mlj.metrics.ordering import keys
from mlj.metrics.tally import Tally
from mlj.types import Array, Labels, Mask, Scores

MOST = 512
"""Present entries in a column up to which counting is quicker than a sort; no more are counted."""
SLOTS = 64
"""Present entries of each column that are dealt with at once."""
WORD = 32


def tally_by_counting(scores: Scores, labels: Labels, where: Mask | None = None) -> Tally:
    """Tally each column, ``[M, C]`` to ``[C]``, if no more than :data:`MOST` entries of it are present.

    >>> tally_by_counting(jnp.array([[3.0], [2.0], [1.0]]), jnp.array([[1], [0], [1]])).above.tolist()
    [1.0]
    """
    length, columns = scores.shape
    found = keys(scores, where)
    present = labels > 0.5 if where is None else (labels > 0.5) & where
    seen = jnp.full((columns,), length, jnp.int32)
    seen = seen if where is None else jnp.sum(where, axis=0, dtype=jnp.int32)
    words, until = _words(present)
    number = until[-1]
    batches = -(-jnp.minimum(jnp.max(number), MOST) // SLOTS)
    # filled up with unobserved entries, which stand above nothing
    found = jnp.pad(found, ((0, -length % SLOTS), (0, 0)), constant_values=jnp.iinfo(found.dtype).max)

    def pick(batch: Array, lists: tuple[Array, ...]) -> tuple[Array, ...]:
        own = _picked(found, words, until, batch)
        new = (own, *_standing(found, own, found.shape[0] // SLOTS))
        return tuple(lax.dynamic_update_slice_in_dim(old, x, batch * SLOTS, 0) for old, x in zip(lists, new))

    counts = jnp.zeros((MOST, columns), jnp.int32)
    lists = (jnp.full((MOST, columns), jnp.iinfo(found.dtype).max, found.dtype), counts, counts)
    lists = lax.fori_loop(0, batches, pick, lists)
    precision, above, tied, depth = _sums(lists, batches)
    return Tally(number, seen - number, precision, above, tied, depth)


def _words(present: Array) -> tuple[Array, Array]:
    """Return the truth of each 32 entries as bits ``[W, C]``, and how many are present up to there."""
    length, columns = present.shape
    present = jnp.pad(present, ((0, -length % WORD), (0, 0))).reshape(-1, WORD, columns)
    words = sum(present[:, bit].astype(jnp.uint32) << bit for bit in range(WORD))
    return words, jnp.cumsum(_bits(words), axis=0, dtype=jnp.int32)


def _bits(words: Array) -> Array:
    return lax.population_count(words).astype(jnp.int32)


def _picked(found: Array, words: Array, until: Array, batch: Array) -> Array:
    """Return the keys of a batch of present entries of each column, ``[SLOTS, C]``; the largest if none."""
    shape = (SLOTS, words.shape[1])
    slot = batch * SLOTS + lax.broadcasted_iota(jnp.int32, shape, 0)
    column = lax.broadcasted_iota(jnp.int32, shape, 1)

    def passed(word: Array, number: Array) -> Array:
        return number + (lax.dynamic_slice_in_dim(until, word, 1, 0) <= slot)

    number = lax.fori_loop(0, words.shape[0], passed, jnp.zeros(shape, jnp.int32), unroll=8)
    number = jnp.minimum(number, words.shape[0] - 1)
    word = words[number, column]
    rank = slot - (until[number, column] - _bits(word))
    place = number * WORD
    # down to the bit of that rank, halving the word
    for width in (16, 8, 4, 2, 1):
        low = _bits(word & ((1 << width) - 1))
        beyond = rank >= low
        rank, place = rank - jnp.where(beyond, low, 0), place + jnp.where(beyond, width, 0)
        word = jnp.where(beyond, word >> width, word)
    own = found[jnp.minimum(place, found.shape[0] - 1), column]
    return jnp.where(slot < until[-1:], own, jnp.iinfo(found.dtype).max)


def _standing(entries: Array, own: Array, batches: Array | int) -> tuple[Array, Array]:
    """Return how many entries of each column, from the first batches of it, stand above or tie, and above."""

    def compare(batch: Array, counts: tuple[Array, Array]) -> tuple[Array, Array]:
        rows = lax.dynamic_slice_in_dim(entries, batch * SLOTS, SLOTS, 0)
        rows = [jnp.broadcast_to(rows[n : n + 1], own.shape) for n in range(SLOTS)]
        ends, starts = counts
        return (
            ends + sum((row <= own).astype(jnp.int32) for row in rows),
            starts + sum((row < own).astype(jnp.int32) for row in rows),
        )

    none = jnp.zeros(own.shape, jnp.int32)
    return lax.fori_loop(0, batches, compare, (none, none))


def _sums(lists: tuple[Array, ...], batches: Array) -> tuple[Array, Array, Array, Array]:
    """Return the sums of a :class:`Tally` over the present entries: precision, above, tied and depth."""
    picked = lists[0]

    def add(batch: Array, sums: tuple[Array, ...]) -> tuple[Array, ...]:
        own, ends, starts = (lax.dynamic_slice_in_dim(x, batch * SLOTS, SLOTS, 0) for x in lists)
        hits, hits_above = _standing(picked, own, batches)
        real = own < jnp.iinfo(own.dtype).max
        absent, tied = ends - hits, (ends - starts) - (hits - hits_above)
        terms = (hits / jnp.maximum(ends, 1), absent, tied)
        *totals, depth = sums
        totals = [
            total + jnp.sum(jnp.where(real, term.astype(jnp.float32), 0), axis=0)
            for total, term in zip(totals, terms)
        ]
        return *totals, jnp.maximum(depth, jnp.max(jnp.where(real, ends, 0), axis=0))

    none = jnp.zeros(picked.shape[1], jnp.float32)
    return lax.fori_loop(0, batches, add, (none, none, none, none.astype(jnp.int32)))
