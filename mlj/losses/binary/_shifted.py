"""Absent labels whose probability is lowered by a shift, as several losses have them."""

from __future__ import annotations

import jax.numpy as jnp

from mlj.losses._inputs import Terms
from mlj.losses._powers import power, sigmoid_power
from mlj.numerics import sigmoid_pair, softplus
from mlj.types import Array, Scalar


def shifted_power_and_cost(s: Array, gamma: Scalar, shift: Scalar) -> tuple[Array, Array]:
    """Return ``q ** gamma`` and ``-log(1 - q)`` for ``q = max(p - shift, 0)``; both 0 where ``p <= shift``.

    A shift of 0 is no limit of the others, where ``log(1 - p + shift)`` would round: its form is selected.
    """
    if isinstance(shift, (int, float)):
        return _by_known_shift(s, gamma, shift) if shift > 0 else (sigmoid_power(s, gamma), softplus(s))
    p, other = sigmoid_pair(s)
    shifted = jnp.asarray(shift) > 0
    alive = ~(p <= shift)
    rest = jnp.where(alive & shifted, p - shift, 0.5)
    # Above one half, 1 - (p - shift) loses its digits to cancellation while (1 - p) + shift keeps them.
    high = p > 0.5
    near_one = jnp.log(jnp.where(high, other + jnp.where(shifted, shift, 0.5), 1))
    cost = -jnp.where(high, near_one, jnp.log1p(-jnp.where(high, 0, rest)))
    focus = jnp.where(shifted, jnp.exp(gamma * jnp.log(rest)), sigmoid_power(s, gamma))
    alive |= ~shifted
    return jnp.where(alive, focus, 0), jnp.where(alive, jnp.where(shifted, cost, softplus(s)), 0)


def _by_known_shift(s: Array, gamma: Scalar, shift: float) -> tuple[Array, Array]:
    p, other = sigmoid_pair(s)
    dead = p <= shift
    q = jnp.where(dead, 0.5, p - shift)
    # Above one half, 1 - (p - shift) loses its digits to cancellation, (1 - p) + shift keeps them. Below,
    # what is rounded off 1 - q is put back along the slope of the logarithm.
    high = p > 0.5
    rest = jnp.where(high, other + shift, 1 - q)
    lost = jnp.where(high, 0, (1 - rest) - q)
    cost = -jnp.log(rest) - lost * (1 + q)
    focus = power(q, gamma, otherwise=lambda: jnp.exp(gamma * jnp.log(q)))
    return jnp.where(dead, 0, focus), jnp.where(dead, 0, cost)


def plus_shifted_infinite(sample: Terms, terms: Array, shift: Scalar) -> Array:
    """Add +inf where an infinite logit contradicts its label; a shifted absent label has a finite limit."""
    unbounded = (sample.logits == jnp.inf) & (sample.labels < 1) & (jnp.asarray(shift) == 0)
    return sample.plus_infinite(terms, absent=False) + jnp.where(unbounded, jnp.inf, 0)
