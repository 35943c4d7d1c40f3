"""One pass over the labels, some of them at a time, so that what is formed for each fits the caches."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import wraps
from typing import TypeAlias, TypeVar

import jax
import jax.numpy as jnp
from jax.custom_batching import custom_vmap

from mlj.types import Array

CELLS = 1 << 18
"""How many numbers an array of some labels may hold: 1 MiB in float32, about the cache of a core."""

LEAST = 128
"""The fewest labels at a time."""

T = TypeVar("T")
Step: TypeAlias = Callable[..., T]
"""Called as ``step(carry, start, *some)`` with the number of the first label and arrays of some labels."""


def chunk_size(labels: int, others: int) -> int:
    """Return how many labels to take at a time if each goes with so many numbers, the last chunk nearly full.

    >>> chunk_size(131072, 128), chunk_size(7, 128)
    (2048, 7)
    """
    most = max(CELLS // max(others, 1), LEAST)
    if labels <= most:
        return labels
    size = math.ceil(labels / math.ceil(labels / most))
    return math.ceil(size / 16) * 16


def padded(array: Array, size: int, value: float = 0.0) -> Array:
    """Append labels of such a value, up to a multiple of ``size``."""
    rest = -array.shape[-1] % size
    if not rest:
        return array
    return jnp.pad(array, [(0, 0)] * (array.ndim - 1) + [(0, rest)], constant_values=value)


def over_chunks(step: Step[T], carry: T, arrays: tuple[Array, ...], size: int) -> T:
    """Pass a carry through all chunks of arrays ``[..., L]``, where ``size`` divides ``L``."""
    rounds = arrays[0].shape[-1] // size
    if rounds == 1:
        return step(carry, 0, *arrays)

    def one(i: Array, carry: T) -> T:
        some = (jax.lax.dynamic_slice_in_dim(array, i * size, size, axis=-1) for array in arrays)
        return step(carry, i * size, *some)

    return jax.lax.fori_loop(0, rounds, one, carry)


def put_chunk(whole: Array, start: Array | int, some: Array) -> Array:
    """Write a chunk into an array ``[..., L]``."""
    return jax.lax.dynamic_update_slice_in_dim(whole, some, start, axis=-1)


def with_leading_axes(function: Callable[..., T]) -> Callable[..., T]:
    """Let ``jax.vmap`` call a function of arrays ``[..., L]`` once, with one more leading axis.

    Mapped one by one, a loop whose length depends on the sample would copy its carry in every round, and a
    chunk would be chosen as if there were one sample. All that the function returns must have a leading axis.
    """

    @wraps(function)
    def call(*arrays: Array) -> T:
        mapped = custom_vmap(function)

        @mapped.def_vmap
        def _batched(size: int, given: list[bool], *arrays: Array) -> tuple[T, object]:
            whole = (
                array if has else jnp.broadcast_to(array, (size, *array.shape))
                for array, has in zip(arrays, given)
            )
            found = call(*whole)
            return found, jax.tree.map(lambda _: True, found)

        return mapped(*arrays)

    return call
