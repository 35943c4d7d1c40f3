"""Random channels and how much they carry through a choice of their antennas."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp

from mlj.types import Array, Predictions, Scalar


def check_choice(k: int, num_antennas: int) -> int:
    """Return k, or raise ``ValueError`` unless k of the antennas can be chosen.

    >>> check_choice(9, 8)
    Traceback (most recent call last):
        ...
    ValueError: k must be 1 to 8, the number of antennas, got 9
    """
    if not 1 <= k <= num_antennas:
        raise ValueError(f"k must be 1 to {num_antennas}, the number of antennas, got {k}")
    return k


@partial(jax.jit, static_argnums=(1, 2, 3))
def draw_grams(key: Array, number: int, num_receivers: int, num_antennas: int) -> Array:
    """Draw channels of independent complex normals of variance 1 and return what the choice depends on.

    Args:
        key: Randomness.
        number: How many channels.
        num_receivers: Antennas of the receiver, all of them in use.
        num_antennas: Antennas to choose from, ``m``.

    Returns:
        The Gram matrices ``H^H H`` of channels ``H [num_receivers, m]``, complex64 ``[number, m, m]``.
    """
    parts = jax.random.normal(key, (2, number, num_receivers, num_antennas)) / jnp.sqrt(2)
    channels = parts[0] + 1j * parts[1]
    return jnp.einsum("nri,nrj->nij", channels.conj(), channels)


def log2_det(rows: list[list[Array]]) -> Array:
    """Return log2 of the determinant of positive definite matrices, given entry by entry.

    Args:
        rows: ``rows[i][j] [...]`` for ``j <= i``, the lower triangle.

    Returns:
        ``[...]``, real. With entries apart, everything is one pass over the leading axes.
    """
    rows = [list(row) for row in rows]
    total = jnp.zeros(rows[0][0].shape)
    for p in range(len(rows)):
        pivot = rows[p][p].real
        total += jnp.log2(pivot)
        for i in range(p + 1, len(rows)):
            share = rows[i][p] / pivot
            for j in range(p + 1, i + 1):
                rows[i][j] = rows[i][j] - share * rows[j][p].conj()
    return total


def capacity_of_places(gram_last: Array, places: Array, snr: Scalar) -> Array:
    """Return the capacity of choices that all samples share.

    Args:
        gram_last: Gram matrices with the samples last, ``[m, m, N]``.
        places: The chosen antennas ``[S, k]``.
        snr: Signal over noise, shared out over the chosen antennas.

    Returns:
        Bits per use, ``[S, N]``.
    """
    k = places.shape[1]

    def entry(i: int, j: int) -> Array:
        value = snr / k * gram_last[places[:, i], places[:, j]]
        return value + 1 if i == j else value

    return log2_det([[entry(i, j) for j in range(i + 1)] for i in range(k)])


@partial(jax.jit, static_argnames="k")
def capacity(gram: Array, chosen: Predictions, *, k: int, snr: Scalar) -> Array:
    r"""Return what each channel carries when only the chosen antennas send, with the power shared equally.

    .. math:: C(S) = \log_2 \det\bigl(I + \tfrac{\rho}{k} H_S^{} H_S^H\bigr)

    Args:
        gram: ``H^H H``, complex ``[N, m, m]``.
        chosen: Multi-hot ``[N, m]``, bool, with k antennas each.
        k: Number of chosen antennas.
        snr: The signal-to-noise ratio rho, not in decibels.

    Returns:
        Bits per use of the channel, ``[N]``.

    Raises:
        ValueError: If k is not in 1..m.

    >>> capacity(jnp.eye(2)[None] + 0j, jnp.array([[True, False]]), k=1, snr=3.0).item()
    2.0
    """
    check_choice(k, gram.shape[-1])
    places = jax.lax.top_k(chosen.astype(jnp.int32), k)[1]

    def of_one(gram: Array, places: Array) -> Array:
        return capacity_of_places(gram[..., None], places[None], snr)[0, 0]

    return jax.vmap(of_one)(gram, places)
