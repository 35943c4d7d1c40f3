"""Powers of a sigmoid, and other functions of a logit that several losses are made of.

Each has the right value and slope on the whole real line, at plus and minus infinity, and passes NaN on.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp

from mlj.numerics import (
    along,
    atanh_rest,
    binary_cross_entropy,
    bound_logits,
    sigmoid_pair,
    softplus,
    softplus_tail,
)
from mlj.types import Array, Scalar


@jax.custom_jvp
def softplus_excess(x: Array) -> Array:
    """Return ``softplus(x) - sigmoid(x)``, which is ``p^2 / 2 + p^3 / 3 + ...`` for ``p = sigmoid(x)``.

    Far below zero, where the two nearly cancel, it keeps its relative accuracy; its slope is ``p^2``.

    >>> softplus_excess(jnp.array([-20.0, 0.0])).tolist()
    [2.124177272364483e-18, 0.1931471824645996]
    """
    p = sigmoid_pair(x)[0]
    series = x < 0.6
    t = jnp.where(series, p / (2 - p), 0)
    # p = 2 t / (1 + t), so that -log(1 - p) - p = 2 atanh(t) - p = p t + 2 (atanh(t) - t).
    return jnp.where(series, p * t + atanh_rest(t), softplus(x) - p)


@softplus_excess.defjvp
def _softplus_excess_jvp(primals, tangents):
    (x,), (dx,) = primals, tangents
    p = sigmoid_pair(x)[0]
    return softplus_excess(x), p * p * dx


def _halves(x: Array, cleared: int | None = None) -> tuple[Array, Array]:
    # x = high + low; by default with so few digits in high that a product of two such is exact. The compiler
    # cannot see through the bits, and so cannot simplify what is computed of the rest.
    half, bits = (12, jnp.uint32) if jnp.finfo(x.dtype).bits == 32 else (27, jnp.uint64)
    cleared = half if cleared is None else cleared
    whole = jax.lax.bitcast_convert_type(x, bits)
    high = jax.lax.bitcast_convert_type((whole >> cleared) << cleared, x.dtype)
    return high, x - high


MULTIPLIED = (0, 1, 2, 3, 4)
"""Exponents for which a power is made by multiplication, if they are known when the loss is traced."""


def power(base: Array, exponent: Scalar, *, otherwise: Callable[[], Array]) -> Array:
    """Return ``base ** exponent`` as a product if the exponent is a small whole number, else ``otherwise()``.

    Only an exponent that is a Python number counts, as a default is one: a traced exponent has no value yet.
    """
    if not isinstance(exponent, (int, float)) or exponent not in MULTIPLIED:
        return otherwise()
    square = base * base
    return (jnp.ones_like(base), base, square, square * base, square * square)[int(exponent)]


def sigmoid_power(x: Array, exponent: Scalar) -> Array:
    """Return ``sigmoid(x) ** exponent`` for an exponent of at least 0, accurate also where it is tiny.

    The slope is ``exponent * power * sigmoid(-x)`` at every order, without a power of a vanishing number.

    >>> print(*(f"{value:.5g}" for value in sigmoid_power(jnp.array([-60.0, 0.0, -jnp.inf]), 0.5)))
    9.3576e-14 0.70711 0
    """

    def otherwise() -> Array:
        return _sigmoid_power(x, jnp.asarray(exponent).astype(x.dtype))

    return power(sigmoid_pair(x)[0], exponent, otherwise=otherwise)


@jax.custom_jvp
def _sigmoid_power(x: Array, exponent: Array) -> Array:
    # The absolute error of k becomes the relative error of exp(k), which is 80 roundings where k = -80: so
    # k = -exponent * softplus(-x) is kept as an exact product and a small rest.
    low, tail = jnp.minimum(x, 0), softplus_tail(x)
    log_p = jnp.maximum(low - tail, jnp.finfo(x.dtype).min)
    lost = jnp.where((x < 0) & (x > -1000), (low - log_p) - tail, 0)
    (high, rest), (times, times_rest) = _halves(log_p), _halves(exponent)
    small = jnp.clip(times * rest + times_rest * log_p + exponent * lost, -1, 1)
    series = jnp.ones_like(small)
    for n in (5, 4, 3, 2, 1):
        series = 1 + small / n * series
    return jnp.exp(times * high) * series


def _sigmoid_power_jvp(primals, tangents):
    (x, exponent), (dx, dexponent) = primals, tangents
    value = _sigmoid_power(x, exponent)
    slope = along(exponent * value * sigmoid_pair(x)[1], dx)
    # The cost of a higher exponent is log(p) p^k, which is 0 at p = 0 as well.
    bounded = jnp.maximum(-softplus(-x), jnp.finfo(x.dtype).min)
    return value, slope + along(bounded * value, dexponent)


_sigmoid_power.defjvp(_sigmoid_power_jvp, symbolic_zeros=True)


def focal_softplus(x: Array, exponent: Scalar) -> Array:
    """Return ``sigmoid(x) ** exponent * softplus(x)``: what an absent label costs.

    At ``-x`` it is what a present label costs. Infinite ``x`` must have been bounded before, since the power
    may vanish where the cost is infinite.
    """
    return sigmoid_power(x, exponent) * softplus(x)


def at_difference(
    f: Callable[[Array], Array],
    s: Array,
    shift: Array | Scalar,
    scale: Scalar = 1.0,
    *,
    rate: Callable[[Array], Array],
) -> Array:
    """Return ``f(scale * (s - shift))`` without the rounding of its argument.

    Where ``f`` falls like ``exp(rate x)``, the absolute rounding of its argument is the relative error of the
    result. Here ``f`` is taken at the rounded argument and moved along its fall, as a factor, which does not
    underflow. Arguments are bounded to finite numbers.

    Args:
        f: An elementwise function.
        s: Finite numbers.
        shift: What is taken off them.
        scale: What the difference is multiplied by.
        rate: From the argument to the rate at which ``f`` falls there, 0 where it does not fall.
    """
    shift = jnp.broadcast_to(jnp.asarray(shift).astype(s.dtype), s.shape)
    argument, rest = _difference(s, shift, jnp.asarray(scale).astype(s.dtype))
    return f(argument) * (1 + jax.lax.stop_gradient(rate(argument) * rest))


def focal_at_difference(s: Array, shift: Array | Scalar, scale: Scalar, exponent: Scalar) -> Array:
    """Return :func:`focal_softplus` at ``scale * (s - shift)`` without the rounding of its argument."""

    def rate(x: Array) -> Array:
        return jnp.where(x < 0, exponent + 1, 0)

    return at_difference(lambda x: focal_softplus(x, exponent), s, shift, scale, rate=rate)


def cross_entropy_at_difference(s: Array, shift: Array | Scalar, labels: Array) -> Array:
    """Return the binary cross-entropy at ``s - shift`` without the rounding of its argument."""

    def rate(x: Array) -> Array:
        return jnp.where((labels == 0) & (x < 0), 1, jnp.where((labels == 1) & (x > 0), -1, 0))

    return at_difference(lambda x: binary_cross_entropy(x, labels), s, shift, rate=rate)


@jax.custom_jvp
def _difference(s: Array, shift: Array, scale: Array) -> tuple[Array, Array]:
    # scale * (s - shift) as it is rounded, and what the rounding takes away.
    apart = s - shift
    argument = scale * apart
    (most, last), (known, digit) = _halves(apart, 1), _halves(argument, 1)
    lost = ((s - most) - shift) - last
    (times, times_rest), (high, low) = _halves(scale), _halves(apart)
    rest = ((times * high - known) - digit) + (times * low + times_rest * apart) + scale * lost
    # Far out nothing is left to correct, and what overflowed must not make a NaN.
    return bound_logits(argument, 1), jnp.where(jnp.abs(argument) < 1000, rest, 0)


@_difference.defjvp
def _difference_jvp(primals, tangents):
    (s, shift, scale), (ds, dshift, dscale) = primals, tangents
    found = _difference(s, shift, scale)
    slope = scale * (ds - dshift) + (s - shift) * dscale
    return found, (slope, jnp.zeros_like(found[1]))
