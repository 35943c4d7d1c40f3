"""Sums over present labels, each compared with all others, without an ``[L, L]`` buffer."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

import jax
import jax.numpy as jnp

from mlj.losses.ranking.present_list import list_present
from mlj.types import Array, Mask

BLOCK = 8
"""How many present labels are compared with all others at a time."""

Compare: TypeAlias = Callable[..., tuple[Array, Array, Array]]
"""From the arrays of some labels ``[..., K]`` to their cost ``[...]``, its slope in all labels ``[..., L]``
and its slope in those labels themselves ``[..., K]``."""


def check_max_present(function: str, max_present: int | None) -> None:
    """Raise ``ValueError`` unless ``max_present`` is None or a positive integer."""
    if max_present is not None and (not isinstance(max_present, int) or max_present < 1):
        raise ValueError(f"{function}: max_present must be a positive integer, got {max_present!r}")


def crowded(present: Mask, max_present: int | None) -> Array:
    """Return NaN for each row of more than ``max_present`` present labels, else 0, as ``[..., 1]``."""
    count = jnp.sum(present, axis=-1, keepdims=True)
    return jnp.where(count > (present.shape[-1] if max_present is None else max_present), jnp.nan, 0)


def _some(
    compare: Compare, value: Array, arrays: tuple[Array, ...], order: Array
) -> tuple[Array, Array, Array]:
    # An index beyond the last label is compared without value, as a possible label, so that no NaN arises.
    worth = jnp.take_along_axis(value, order, axis=-1, mode="fill", fill_value=0)
    return compare(worth, *(jnp.take_along_axis(array, order, axis=-1, mode="clip") for array in arrays))


def _add_at(slope: Array, order: Array, found: Array) -> Array:
    """Add slopes ``[..., K]`` of some labels to those of all; an index beyond the last is left out."""
    lead = math.prod(slope.shape[:-1])
    row = jax.lax.broadcasted_iota(jnp.int32, (lead, order.shape[-1]), 0)
    flat = (
        slope.reshape(lead, -1).at[row, order.reshape(row.shape)].add(found.reshape(row.shape), mode="drop")
    )
    return flat.reshape(slope.shape)


def block_size(labels: int, max_present: int | None) -> int:
    """Return how many present labels are compared at a time: what is known to be enough, at most a block.

    >>> block_size(100, None), block_size(100, 5), block_size(100, 10), block_size(3, None)
    (8, 5, 5, 3)
    """
    most = labels if max_present is None else min(max_present, labels)
    return min(BLOCK, most) if max_present is None else -(-most // -(-most // BLOCK))


def _first(compare: Compare, value: Array, arrays: tuple[Array, ...], size: int) -> tuple[Array, Array]:
    order = list_present(value != 0).nth(jnp.arange(size))
    cost, slope, own = _some(compare, value, arrays, order)
    return cost, _add_at(slope, order, own)


def _blocks(
    compare: Compare, value: Array, arrays: tuple[Array, ...], size: int, max_present: int | None
) -> tuple[Array, Array]:
    listed = list_present(value != 0)

    def block(i: Array, carry: tuple[Array, Array]) -> tuple[Array, Array]:
        cost, slope = carry
        ranks = i * size + jnp.arange(size)
        order = listed.nth(ranks)
        if max_present is not None:
            order = jnp.where(ranks < max_present, order, value.shape[-1])
        more, steeper, found = _some(compare, value, arrays, order)
        return cost + more, _add_at(slope + steeper, order, found)

    longest = jnp.max(listed.ends[..., -1]) if max_present is None else max_present
    zero = jnp.zeros(value.shape[:-1], value.dtype), jnp.zeros_like(value)
    return jax.lax.fori_loop(0, (longest + size - 1) // size, block, zero)


def sum_over_present(
    compare: Compare, value: Array, arrays: tuple[Array, ...], max_present: int | None
) -> tuple[Array, Array]:
    """Return the summed cost of the labels whose ``value`` is not 0, and its slope.

    The labels are gone through block by block, in O(L) memory for a sample: ``max_present`` of them, or until
    the last row's last one.

    Args:
        compare: Called as ``compare(value, *arrays)`` for some labels at a time, also for some of value 0.
        value: What the cost of each label is multiplied by, ``[..., L]``.
        arrays: What else is known of a label, each ``[..., L]``.
        max_present: The most labels of a row whose value is not 0; what is beyond is left out.
    """
    labels = value.shape[-1]
    if labels <= BLOCK and (max_present is None or max_present >= labels):
        cost, slope, own = compare(value, *arrays)
        return cost, slope + own
    size = block_size(labels, max_present)
    if max_present is not None and max_present <= size:
        return _first(compare, value, arrays, size)
    return _blocks(compare, value, arrays, size, None if max_present is None else min(max_present, labels))
