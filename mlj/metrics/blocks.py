"""A function of many rows, worked out one block of rows after another, so that its memory has a bound.

What a metric holds beside its arguments then depends on the block, not on the number of samples or labels.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import jax
import jax.numpy as jnp
from jax import lax

from mlj.types import Array, Mask

Tree = TypeVar("Tree")

ENTRIES = 1 << 19
"""Entries in a block on CPU, unless the rows are very long: what stays in the cache."""

ENTRIES_ON_ACCELERATORS = 1 << 24
"""Entries in a block elsewhere: what keeps a large device busy."""


def in_blocks(function: Callable[[Array | int, int], Tree], count: int, length: int, least: int = 1) -> Tree:
    """Return what ``function(start, size)`` gives for all rows, calling it for one block of rows at a time.

    The last block is moved up to end with the last row, so that all are of one size.

    Args:
        function: Takes the first row of a block and the number of its rows; returns arrays ``[size, ...]``.
        count: Number of rows.
        length: Entries in a row.
        least: Rows in a block, however long they are.

    Returns:
        The arrays of all blocks, ``[count, ...]`` each.

    >>> rows = jnp.arange(6.0).reshape(3, 2)
    >>> in_blocks(lambda start, size: lax.dynamic_slice_in_dim(rows, start, size).sum(-1), 3, 2).tolist()
    [1.0, 5.0, 9.0]
    """
    entries = ENTRIES if jax.default_backend() == "cpu" else ENTRIES_ON_ACCELERATORS
    size = max(least, entries // max(1, length))
    if count <= size:
        return function(0, count)

    def step(number: Array, found: Tree) -> Tree:
        start = jnp.minimum(number * size, count - size)
        block = function(start, size)
        return jax.tree.map(
            lambda all_, new: lax.dynamic_update_slice_in_dim(all_, new, start, 0), found, block
        )

    shapes = jax.eval_shape(lambda: function(0, size))
    empty = jax.tree.map(lambda x: jnp.zeros((count, *x.shape[1:]), x.dtype), shapes)
    return lax.fori_loop(0, -(-count // size), step, empty)


def slices(
    arrays: tuple[Array | Mask | None, ...], start: Array | int, size: int, axis: int
) -> list[Array | None]:
    """Return the same rows or columns of several arrays; None stays None."""
    return [None if x is None else lax.dynamic_slice_in_dim(x, start, size, axis) for x in arrays]


def once(wanted: Array, function: Callable[[], Tree], otherwise: Tree) -> Tree:
    """Return ``function()`` if ``wanted``, else ``otherwise``, without the cost of what is not wanted.

    A ``lax.cond`` does so too, but not under ``vmap``, where it runs both branches. This loop of one turn
    runs only if some member wants it.

    >>> once(jnp.array(False), lambda: jnp.ones(2), jnp.zeros(2)).tolist()
    [0.0, 0.0]
    """

    def turn(_: tuple[Array, Tree]) -> tuple[Array, Tree]:
        return jnp.zeros_like(wanted), function()

    return lax.while_loop(lambda state: state[0], turn, (wanted, otherwise))[1]
