"""Pairs of samples within each label, and tables that remember a number for each label and sample."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import jax
import jax.numpy as jnp

from mlj._checks import has_shape
from mlj.losses.batch._inputs import Batch, bounded_root, padded
from mlj.types import Array, Scalar

CELLS = 1 << 18
"""How many pairs of samples are compared at a time, or those of one label if they are more."""

T = TypeVar("T")


def squared_hinges(s: Array, margin: Scalar) -> Array:
    """Return ``[m - (s_i - s_j)]+^2`` for each label of ``s [L, B]`` and two samples, ``[L, B, B]``."""
    return jnp.square(jax.nn.relu(margin - (s[:, :, None] - s[:, None, :])))


def over_labels(function: Callable[..., T], *arrays: Array) -> T:
    """Return what a function of ``[L, ...]`` arrays does, called for a block of labels at a time.

    What it returns has an entry for each label. Backwards, blocks are computed again, so that nothing of the
    size of all pairs ``[L, B, B]`` is ever kept.
    """
    labels, samples = arrays[0].shape
    size = min(max(CELLS // samples**2, 1), labels)
    if size == labels:
        return function(*arrays)
    rest = -labels % size

    def blocks(array: Array) -> Array:
        # Labels of which nothing is observed fill the last block.
        filled = jnp.pad(array, [(0, rest)] + [(0, 0)] * (array.ndim - 1))
        return filled.reshape(-1, size, *array.shape[1:])

    found = jax.lax.map(lambda some: jax.checkpoint(function)(*some), tuple(map(blocks, arrays)))
    return jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:])[:labels], found)


def roots(batch: Batch) -> Array:
    """Return logits ``[L, B]`` of which the square of a difference is finite."""
    return bounded_root(batch.logits).T


def sample_numbers(function: str, index: Array, batch: Batch, samples: int) -> Array:
    """Return the sample numbers ``[B]``, or raise an error unless they are integers of that shape."""
    has_shape(function, "index", index, (samples,))
    index = jnp.asarray(index)
    if not jnp.issubdtype(index.dtype, jnp.integer):
        raise TypeError(f"{function}: index must be integer, got {index.dtype}")
    return padded(index)


def recall(function: str, name: str, table: Array, index: Array, batch: Batch) -> Array:
    """Return what a table ``[L, N]`` holds for the samples of the batch, ``[L, B]``, without gradient."""
    if jnp.ndim(table) != 2 or jnp.shape(table)[0] != batch.logits.shape[1]:
        wanted = f"[{batch.logits.shape[1]}, N]"
        raise ValueError(f"{function}: {name} must be {wanted}, got {list(jnp.shape(table))}")
    return jax.lax.stop_gradient(table[:, index]).astype(batch.logits.dtype)


def remember(table: Array, index: Array, values: Array, changed: Array) -> Array:
    """Return the table with new values ``[L, B]`` where ``changed``; all else keeps its bits."""
    table = jax.lax.stop_gradient(table)
    values = jax.lax.stop_gradient(values).astype(table.dtype)
    return table.at[:, index].set(jnp.where(changed, values, table[:, index]))
