"""Stable primitives that every loss is built from.

Each has the right value and slope on the whole real line, at plus and minus infinity, and passes NaN on.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax.custom_derivatives import SymbolicZero

from mlj.types import Array, Labels, Logits, Mask, Scalar


def along(slope: Array, tangent: Array | SymbolicZero) -> Array | float:
    """Return ``slope * tangent``, but 0 for the symbolic zero of what nobody differentiates, not 0 * inf."""
    return 0.0 if isinstance(tangent, SymbolicZero) else slope * tangent


def atanh_rest(t: Array) -> Array:
    """Return ``2 (atanh(t) - t)`` for ``0 <= t <= 0.48`` by its series, whose terms are all positive."""
    square, terms = t * t, 10 if jnp.finfo(t.dtype).bits <= 32 else 24
    series = jnp.zeros_like(t)
    for n in range(terms, 0, -1):
        series = 1 / (2 * n + 1) + square * series
    return 2 * t * square * series


def softplus_tail(x: Array) -> Array:
    """Return ``log(1 + exp(-|x|))``, what softplus has beyond ``max(x, 0)``."""
    return log_one_plus(jnp.exp(-jnp.abs(x)))


def log_one_plus(e: Array) -> Array:
    """Return ``log(1 + e)`` for ``0 <= e <= 1``."""
    if jnp.finfo(e.dtype).bits > 32:
        return jnp.log1p(e)
    # The minimax polynomial of (e - log(1 + e)) / e^2 on [0, 1] for the relative error of the result, 6e-9:
    # without a division or a branch, and with less rounding than log1p.
    rest = jnp.full_like(e, _TAIL[-1])
    for coefficient in _TAIL[-2::-1]:
        rest = rest * e + coefficient
    return e - e * e * rest


_TAIL = (
    0.49999932764,
    -0.333305113322,
    0.249585875431,
    -0.196954011453,
    0.153553979936,
    -0.106805582735,
    0.0576644703461,
    -0.0202045981939,
    0.00331847534157,
)


@jax.custom_jvp
def softplus(x: Array) -> Array:
    """Return ``log(1 + exp(x))`` without overflow; its slope is the sigmoid at every order.

    >>> softplus(jnp.array([-jnp.inf, 0.0, 1e30])).tolist()
    [0.0, 0.6931471824645996, 1.0000000150474662e+30]
    """
    return jnp.maximum(x, 0) + softplus_tail(x)


@softplus.defjvp
def _softplus_jvp(primals, tangents):
    (x,), (dx,) = primals, tangents
    return softplus(x), sigmoid_pair(x)[0] * dx


@jax.custom_jvp
def softplus_pair(x: Array) -> tuple[Array, Array]:
    """Return ``(softplus(x), softplus(-x))``, that is ``-log(1 - p)`` and ``-log p``, for one logarithm."""
    tail = softplus_tail(x)
    return jnp.maximum(x, 0) + tail, jnp.maximum(-x, 0) + tail


@softplus_pair.defjvp
def _softplus_pair_jvp(primals, tangents):
    (x,), (dx,) = primals, tangents
    p, other = sigmoid_pair(x)
    return softplus_pair(x), (p * dx, -other * dx)


@jax.custom_jvp
def sigmoid_pair(x: Array) -> tuple[Array, Array]:
    """Return ``(sigmoid(x), sigmoid(-x))``, that is ``p`` and ``1 - p``, and slopes, exact in both tails."""
    e = jnp.exp(-jnp.abs(x))
    likely = 1 / (1 + e)
    # It is e * likely, with less rounding.
    unlikely = e - e * (e * likely)
    up = x > 0
    return jnp.where(up, likely, unlikely), jnp.where(up, unlikely, likely)


@sigmoid_pair.defjvp
def _sigmoid_pair_jvp(primals, tangents):
    (x,), (dx,) = primals, tangents
    p, other = sigmoid_pair(x)
    return (p, other), (p * other * dx, -p * other * dx)


def log_sigmoid(x: Array) -> Array:
    """Return ``log(sigmoid(x))`` as ``-softplus(-x)``."""
    return -softplus(-x)


def log_softplus(x: Array) -> Array:
    """Return ``log(softplus(x))``, which is ``x`` far below zero and ``log(x)`` far above.

    >>> log_softplus(jnp.array([-1e30, 1.0])).tolist()
    [-1.0000000150474662e+30, 0.2725139260292053]
    """
    low = x < -20
    return jnp.where(low, x, jnp.log(softplus(jnp.where(low, -20, x))))


def binary_cross_entropy(logits: Logits, labels: Labels) -> Array:
    """Return ``y softplus(-s) + (1 - y) softplus(s)`` for each entry, with one exp and one log.

    A logit that is infinite and agrees with a hard label costs 0, one that disagrees costs infinity with
    the one-sided limit of the slope. Slopes of hard labels keep their relative accuracy in both tails.
    """
    return _binary_cross_entropy(logits, jnp.asarray(labels).astype(logits.dtype))


@jax.custom_jvp
def _binary_cross_entropy(logits: Array, labels: Array) -> Array:
    size = jnp.abs(logits)
    wrong = jnp.where(logits > 0, 1 - labels, labels)
    return jnp.where(wrong == 0, 0, wrong * size) + softplus_tail(size)


def _binary_cross_entropy_jvp(primals, tangents):
    (s, y), (ds, dy) = primals, tangents
    p, other = sigmoid_pair(s)
    # It is p - y. So written, a hard label leaves one product, which has all its digits.
    slope = (1 - y) * p - y * other
    return _binary_cross_entropy(s, y), along(slope, ds) + along(-s, dy)


_binary_cross_entropy.defjvp(_binary_cross_entropy_jvp, symbolic_zeros=True)


def _shares(x: Array, top: Array) -> Array:
    top = top[..., None]
    reachable = jnp.where(x == top, 0, x - top)
    return jnp.where(x == -jnp.inf, 0, jnp.exp(reachable))


@jax.custom_jvp
def softmax(x: Array) -> Array:
    """Return the softmax over the last axis; -inf entries get 0, a row of nothing but -inf gets zeros.

    Several entries of +inf share the mass equally.
    """
    shares = _shares(x, jnp.max(x, axis=-1))
    total = jnp.sum(shares, axis=-1, keepdims=True)
    return shares / jnp.where(total == 0, 1, total)


@softmax.defjvp
def _softmax_jvp(primals, tangents):
    (x,), (dx,) = primals, tangents
    p = softmax(x)
    return p, p * (dx - jnp.sum(p * dx, axis=-1, keepdims=True))


def logsumexp(x: Array, where: Mask | None = None, weights: Array | None = None) -> Array:
    """Return ``log(sum(w exp(x)))`` over the last axis, restricted to ``where``.

    The empty set gives -inf with slope 0. Entries of +inf give +inf and share the slope by their weights.

    >>> logsumexp(jnp.array([0.0, jnp.nan]), jnp.array([True, False])).item()
    0.0
    """
    top, rest = logsumexp_parts(x, where, weights)
    return top + rest


def logsumexp_parts(x: Array, where: Mask | None = None, weights: Array | None = None) -> tuple[Array, Array]:
    """Return ``max(x)`` and ``log(sum(w exp(x - max(x))))``, which add up to the log-sum-exp.

    Sums of log-sum-exps whose large maxima cancel lose no digits if the maxima are added first. The slope of
    the sum of both parts is right; it all lies in the second.
    """
    return _logsumexp_parts(x if where is None else jnp.where(where, x, -jnp.inf), weights)


@jax.custom_jvp
def _logsumexp_parts(x: Array, weights: Array | None) -> tuple[Array, Array]:
    top = jnp.max(x, axis=-1)
    shares = _shares(x, top)
    return top, jnp.log(jnp.sum(shares if weights is None else weights * shares, axis=-1))


def _logsumexp_parts_jvp(primals, tangents):
    (x, weights), (dx, dweights) = primals, tangents
    top, rest = _logsumexp_parts(x, weights)
    shares = _shares(x, top)
    whole = shares if weights is None else weights * shares
    slope = along(whole, dx)
    if weights is not None:
        slope += along(shares, dweights)
    total = jnp.sum(whole, axis=-1)
    drest = jnp.sum(jnp.broadcast_to(slope, x.shape) / jnp.where(total == 0, 1, total)[..., None], axis=-1)
    return (top, rest), (jnp.zeros_like(top), drest)


_logsumexp_parts.defjvp(_logsumexp_parts_jvp, symbolic_zeros=True)


@jax.custom_jvp
def below_top(x: Array) -> Array:
    """Return ``x - max(x)`` over the last axis with the slope of ``x``, for what a shift does not change.

    Entries of +inf become 0 and leave all finite ones at -inf; entries of -inf stay.

    >>> below_top(jnp.array([jnp.inf, 3.0, jnp.inf])).tolist()
    [0.0, -inf, 0.0]
    """
    top = jnp.max(x, axis=-1, keepdims=True)
    # Every comparison with NaN is false, so that a NaN takes the difference and passes.
    return jnp.where(x == -jnp.inf, -jnp.inf, jnp.where(x == top, 0, x - top))


@below_top.defjvp
def _below_top_jvp(primals, tangents):
    return below_top(*primals), tangents[0]


@jax.custom_jvp
def softmax_terms(x: Array, mass: Array) -> Array:
    """Return the terms ``mass_j (logsumexp(x) - x_j)`` of a cross-entropy over the last axis.

    A term without mass is 0 even where its logit is -inf; one with mass is then +inf, and the slope of the
    sum of all terms stays ``sum(mass) softmax(x) - mass``.
    """
    top = jnp.max(x, axis=-1, keepdims=True)
    below = jnp.where(x == top, 0, x - top)
    total = jnp.sum(jnp.where(x == -jnp.inf, 0, jnp.exp(below)), axis=-1, keepdims=True)
    nll = jnp.where(x == -jnp.inf, jnp.inf, jnp.log(jnp.where(total == 0, 1, total)) - below)
    return jnp.where(nll == jnp.inf, jnp.where(mass > 0, jnp.inf, 0), mass * nll)


def _softmax_terms_jvp(primals, tangents):
    (x, mass), (dx, dmass) = primals, tangents
    terms = softmax_terms(x, mass)
    slope = 0.0
    if not isinstance(dx, SymbolicZero):
        slope = mass * (jnp.sum(softmax(x) * dx, axis=-1, keepdims=True) - dx)
    if not isinstance(dmass, SymbolicZero):
        slope += softmax_terms(x, jnp.ones_like(mass)) * dmass
    return terms, slope


softmax_terms.defjvp(_softmax_terms_jvp, symbolic_zeros=True)


@jax.custom_jvp
def set_sum(a: Array, b: Array) -> Array:
    """Return ``a + b``, and +inf if either is +inf, even when the other is -inf."""
    return jnp.where((a == jnp.inf) | (b == jnp.inf), jnp.inf, a + b)


@set_sum.defjvp
def _set_sum_jvp(primals, tangents):
    return set_sum(*primals), tangents[0] + tangents[1]


@jax.custom_jvp
def ratio(part: Array, whole: Array) -> Array:
    """Return ``part / whole``, and 0 with slope 0 where ``whole`` is 0."""
    return jnp.where(whole == 0, 0, part / jnp.where(whole == 0, 1, whole))


@ratio.defjvp
def _ratio_jvp(primals, tangents):
    (part, whole), (dpart, dwhole) = primals, tangents
    value = ratio(part, whole)
    # Squaring a small denominator, as the quotient rule is usually written, would underflow.
    slope = (dpart - value * dwhole) / jnp.where(whole == 0, 1, whole)
    return value, jnp.where(whole == 0, 0, slope)


@jax.custom_jvp
def bound_logits(logits: Logits, count: Scalar) -> Array:
    """Clip to plus and minus ``finfo.max / count``, with the slope of the identity.

    It makes a product of an unbounded logit and a vanishing factor finite without killing its slope. The
    bound lies lower by one rounding for each entry of the last axis, so that the shares of so many terms in a
    mean add up to a finite number in any order.
    """
    limits = jnp.finfo(logits.dtype)
    entries = logits.shape[-1] if logits.ndim else 1
    bound = (1 - float(limits.eps) * min(entries + 1, 1 / 16 / float(limits.eps))) * limits.max
    bound /= jnp.maximum(count, 1)
    return jnp.clip(logits, -bound, bound)


@bound_logits.defjvp
def _bound_logits_jvp(primals, tangents):
    return bound_logits(*primals), tangents[0]
