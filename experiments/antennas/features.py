"""What a network is shown of a channel: numbers that the phases of the antennas do not change."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp

from mlj.types import Array, Scalar


class Described(NamedTuple):
    """A channel as a graph of its antennas; a pytree."""

    nodes: Array
    """``[N, m, 2]``"""
    pairs: Array
    """``[N, m, m, 2]``, 0 on the diagonal."""


@partial(jax.jit, static_argnames="k")
def describe(gram: Array, *, k: int, snr: Scalar) -> Described:
    r"""Describe channels by the logarithms that the capacity is made of.

    With :math:`A = I + \tfrac{\rho}{k} H^H H`, the capacity of one antenna is :math:`\log A_{ii}`, and that
    of two is the sum of theirs and :math:`\log(1 - |A_{ij}|^2 / A_{ii} A_{jj})`, the loss by their likeness.
    The same numbers of :math:`A^{-1}` say the like of what is left when one or two of all antennas fall away.

    Args:
        gram: ``H^H H``, complex ``[N, m, m]``.
        k: Antennas that will be chosen.
        snr: The signal-to-noise ratio rho, not in decibels.
    """
    whole = snr / k * gram + jnp.eye(gram.shape[-1])[None]
    both = [_logarithms(matrix) for matrix in (whole, jnp.linalg.inv(whole))]
    return Described(*(jnp.stack(parts, axis=-1) for parts in zip(*both)))


def _logarithms(matrix: Array) -> tuple[Array, Array]:
    own = jnp.diagonal(matrix, axis1=1, axis2=2).real
    likeness = jnp.abs(matrix) ** 2 / (own[:, :, None] * own[:, None, :])
    others = ~jnp.eye(matrix.shape[-1], dtype=bool)[None]
    return jnp.log(own), jnp.log1p(-jnp.where(jnp.broadcast_to(others, likeness.shape), likeness, 0))
