"""The tally of any rows: sort them once, and pass the sorted entries in lanes.

The sorted entries are cut into lanes that are passed together, step by step, so that a long row is as quick
as many short ones; a first pass tells each lane what came before it.
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jax import lax

from mlj.metrics.ordering import packed_order
from mlj.metrics.tally import Tally
from mlj.types import Array, Labels, Mask, Scores

STEPS = 512
"""Entries in a lane."""


class _Open(NamedTuple):
    """The run that is being read: its key, and the counts where it starts and so far."""

    key: Array
    hits: Array
    start_hits: Array
    start_rank: Array


def tally_by_sorting(scores: Scores, labels: Labels, where: Mask | None = None) -> Tally:
    """Tally each row, ``[R, M]`` to ``[R]``, from one integer sort.

    >>> tally_by_sorting(jnp.array([[3.0, 2.0, 1.0]]), jnp.array([[1, 0, 1]])).above.tolist()
    [1.0]
    """
    rows, length = scores.shape
    # one entry more than there are, whose key is new, closes the last run
    steps = min(STEPS, length + 1)
    lanes = -(-(length + 1) // steps)
    order = packed_order(scores, labels, where, length=lanes * steps)
    order = order.reshape(rows, lanes, steps)
    first = jnp.full_like(order[:, :1, 0], jnp.iinfo(order.dtype).min)
    before = jnp.concatenate([first, order[:, :-1, -1]], axis=1) >> 1
    steps_first = jnp.moveaxis(order, -1, 0)
    seen = jnp.full((rows,), length, jnp.int32) if where is None else jnp.sum(where, axis=-1, dtype=jnp.int32)
    opened = _opened(steps_first, before)
    ranks = jnp.broadcast_to(steps * jnp.arange(lanes, dtype=jnp.int32)[None, :], (rows, lanes))
    precision, above, tied, depth, hits = _closed(steps_first, opened, ranks)
    present = hits[:, -1]
    sums = (jnp.sum(x, axis=-1) for x in (precision, above, tied))
    return Tally(present, seen - present, *sums, jnp.max(depth, axis=-1))


def _opened(steps_first: Array, before: Array) -> _Open:
    """Return the run that is open where each lane starts, ``[R, W]``."""
    steps, _, lanes = steps_first.shape
    zeros = jnp.zeros(before.shape, jnp.int32)
    if lanes == 1:
        return _Open(before, zeros, zeros, zeros)

    def step(state: tuple[_Open, Array], entry: Array) -> tuple[tuple[_Open, Array], None]:
        run, rank = state
        new, hits = (entry >> 1) != run.key, run.hits + _hit(entry)
        starts = (jnp.where(new, *x) for x in ((run.hits, run.start_hits), (rank, run.start_rank)))
        return (_Open(entry >> 1, hits, *starts), rank + 1), None

    # -1: no run starts in this lane
    (run, _), _ = lax.scan(step, (_Open(before, zeros, zeros - 1, zeros - 1), jnp.int32(0)), steps_first)
    hits = _shifted(jnp.cumsum(run.hits, axis=-1, dtype=jnp.int32))
    places = steps * jnp.arange(lanes, dtype=jnp.int32)[None, :]
    starts = (
        _shifted(lax.cummax(jnp.where(run.start_rank < 0, 0, x), axis=1))
        for x in (hits + run.start_hits, places + run.start_rank)
    )
    return _Open(before, hits, *starts)


def _closed(steps_first: Array, opened: _Open, ranks: Array) -> tuple[Array, ...]:
    """Return precision, above, tied, depth and hits of each lane, ``[R, W]``, the runs closed in it."""

    def step(state: tuple, entry: Array) -> tuple[tuple, None]:
        run, sums, depth, rank = state
        new = (entry >> 1) != run.key
        present = jnp.where(new, run.hits - run.start_hits, 0)
        h, hits, absent_above, absent = (
            x.astype(jnp.float32)
            for x in (present, run.hits, rank - run.hits, rank - run.start_rank - present)
        )
        terms = (h * (hits / jnp.maximum(rank, 1)), h * absent_above, h * absent)
        sums = tuple(_compensated(*pair, term) for pair, term in zip(sums, terms))
        depth = jnp.where(present > 0, rank, depth)
        starts = (jnp.where(new, *x) for x in ((run.hits, run.start_hits), (rank, run.start_rank)))
        return (_Open(entry >> 1, run.hits + _hit(entry), *starts), sums, depth, rank + 1), None

    zero = jnp.zeros(ranks.shape, jnp.float32)
    start = (opened, ((zero, zero),) * 3, jnp.zeros_like(ranks), ranks)
    (run, sums, depth, _), _ = lax.scan(step, start, steps_first)
    return *(total for total, _ in sums), depth, run.hits


def _hit(entry: Array) -> Array:
    return (1 - (entry & 1)).astype(jnp.int32)


def _shifted(x: Array) -> Array:
    return jnp.concatenate([jnp.zeros_like(x[:, :1]), x[:, :-1]], axis=1)


def _compensated(total: Array, lost: Array, term: Array) -> tuple[Array, Array]:
    # Kahan's sum: a plain one over the many terms of a lane would lose three digits of the seven
    term = term - lost
    new = total + term
    return new, (new - total) - term
