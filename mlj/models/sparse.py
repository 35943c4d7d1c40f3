"""Sparse feature rows and their product with a dense kernel."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from mlj.types import Array


class SparseRows(NamedTuple):
    """Rows of a sparse matrix, each padded to the same number of entries; a pytree.

    ``indices [..., P]`` are column numbers and ``values [..., P]`` what stands there. A row's entries come
    first; its padding has the column number D, one past the last, and the value 0.
    """

    indices: Array
    values: Array


def _longest(rows: SparseRows, num_features: int) -> Array:
    used = jnp.any(rows.indices < num_features, axis=tuple(range(rows.indices.ndim - 1)))
    return jnp.sum(used)


@jax.custom_vjp
def sparse_matmul(rows: SparseRows, kernel: Array) -> Array:
    """Multiply sparse rows by a dense kernel without making them dense.

    It gathers the kernel's rows one column of padded entries at a time, as many as the longest row of the
    batch has, so the time is proportional to the batch's entries and the memory to the result. The gradient
    scatters into the rows of the kernel that were touched; features have none.

    Args:
        rows: Indices and values ``[B, P]``.
        kernel: ``[D, H]``.

    Returns:
        The product ``[B, H]``.

    Example:
        >>> rows = SparseRows(jnp.array([[0, 2], [1, 3]]), jnp.array([[1.0, 2.0], [3.0, 0.0]]))
        >>> sparse_matmul(rows, jnp.eye(3)).tolist()
        [[1.0, 0.0, 2.0], [0.0, 3.0, 0.0]]
    """

    def add(column, total):
        gathered = kernel.at[rows.indices[:, column]].get(mode="fill", fill_value=0)
        return total + rows.values[:, column, None] * gathered

    start = jnp.zeros((rows.indices.shape[0], kernel.shape[1]), kernel.dtype)
    return jax.lax.fori_loop(0, _longest(rows, kernel.shape[0]), add, start)


def _forward(rows, kernel):
    return sparse_matmul(rows, kernel), (rows, kernel)


def _backward(saved, cotangent):
    rows, kernel = saved

    def add(column, total):
        update = rows.values[:, column, None] * cotangent
        return total.at[rows.indices[:, column]].add(update, mode="drop")

    longest = _longest(rows, kernel.shape[0])
    return None, jax.lax.fori_loop(0, longest, add, jnp.zeros_like(kernel))


sparse_matmul.defvjp(_forward, _backward)
