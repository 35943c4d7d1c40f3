"""Cross-entropies of every label that fade on easy ones, and their polynomial relatives.

All are means over the observed labels; ``p = sigmoid(s)``. Predict ``s > 0``.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from mlj.label_terms import finished_slope
from mlj.losses._inputs import read_terms, scalars
from mlj.losses._powers import power, sigmoid_power, softplus_excess
from mlj.numerics import along, binary_cross_entropy, bound_logits, sigmoid_pair
from mlj.types import Array, Labels, Logits, Mask, PerSample, Scalar, Weights


def _miss_power(s: Array, y: Array, gamma: Scalar) -> Array:
    # (1 - p_t) ** gamma with 1 - p_t = y (1 - p) + (1 - y) p.
    p, other = sigmoid_pair(s)

    def otherwise() -> Array:
        return _power_of_miss(s, y, jnp.asarray(gamma).astype(s.dtype))

    return power(y * other + (1 - y) * p, gamma, otherwise=otherwise)


@jax.custom_jvp
def _power_of_miss(s: Array, y: Array, gamma: Array) -> Array:
    hard = (y == 0) | (y == 1)
    miss = jnp.where(hard, 0.5, y * jax.nn.sigmoid(-s) + (1 - y) * jax.nn.sigmoid(s))
    return jnp.where(hard, sigmoid_power(jnp.where(y == 1, -s, s), gamma), jnp.exp(gamma * jnp.log(miss)))


def _power_of_miss_jvp(primals, tangents):
    (s, y, gamma), (ds, dy, dgamma) = primals, tangents
    value, (p, q) = _power_of_miss(s, y, gamma), sigmoid_pair(s)
    miss = y * q + (1 - y) * p
    safe = jnp.where(miss == 0, 1, miss)
    # The slope over gamma times the value; on a hard label miss cancels, which spares it its underflow.
    steep = jnp.where(y == 1, -p, jnp.where(y == 0, q, (1 - 2 * y) * p * q / safe))
    slope = along(gamma * value * steep, ds) + along(gamma * value * (q - p) / safe, dy)
    return value, slope + along(value * jnp.log(safe), dgamma)


_power_of_miss.defjvp(_power_of_miss_jvp, symbolic_zeros=True)


def _side_weight(y: Array, alpha: Scalar | None) -> Array | float:
    return 1.0 if alpha is None else alpha * y + (1 - alpha) * (1 - y)


def _focal(s: Array, y: Array, gamma: Scalar, alpha: Scalar | None) -> Array:
    s = bound_logits(s, 1)
    return _side_weight(y, alpha) * (_miss_power(s, y, gamma) * binary_cross_entropy(s, y))


@jax.jit
def sigmoid_focal(
    logits: Logits,
    labels: Labels,
    *,
    gamma: Scalar = 2.0,
    alpha: Scalar | None = None,
    weights: Weights | None = None,
    where: Mask | None = None,
) -> PerSample:
    r"""Cross-entropy that fades on labels which are already right.

    With :math:`p^t_j = y_j p_j + (1 - y_j)(1 - p_j)`,

    .. math::
        \ell(s, y) = \frac{1}{L} \sum_{j=1}^{L} \alpha_j (1 - p^t_j)^\gamma \, \mathrm{bce}(s_j, y_j),
        \qquad \alpha_j = \alpha y_j + (1 - \alpha)(1 - y_j).

    ``gamma = 0`` is :func:`sigmoid_cross_entropy`; a larger ``gamma`` quietens easy labels more. ``alpha``
    weighs present labels against absent ones, ``None`` leaves both at 1. Probabilities come out shrunk
    towards one half; the threshold ``s > 0`` stays right for ``alpha`` None or .5.

    Value and gradient are finite for every ``gamma >= 0`` and ``|s| <= finfo.max``, and on hard labels they
    keep their relative accuracy where ``1 - p_t`` vanishes; a label that is far wrong pulls as in
    cross-entropy.

    Args:
        logits: Scores ``[..., L]`` before the sigmoid.
        labels: Targets ``[..., L]``, bool, integer or soft in [0, 1].
        gamma: Focusing exponent, at least 0.
        alpha: Weight of present labels in [0, 1], absent ones get ``1 - alpha``; or None.
        weights: Multipliers ``[..., L]`` of the label terms; they do not enter the divisor.
        where: Bool ``[..., L]``, True where the label was observed; the others count as deleted.

    Returns:
        The cost of each sample ``[...]``, float32 or wider.

    Raises:
        TypeError: If ``logits`` are not floating-point or ``where`` is not bool.
        ValueError: If two shapes differ or a hyper-parameter is not a scalar.

    Reference:
        Lin, Goyal, Girshick, He, Dollar, *Focal Loss for Dense Object Detection*, ICCV 2017, eq. 4 and 5;
        soft labels follow the linear ``p_t`` above.

    >>> sigmoid_focal(jnp.array([0.0]), jnp.array([1]), gamma=2.0).item()
    0.1732867956161499
    """
    scalars("sigmoid_focal", gamma=gamma, alpha=alpha)
    sample = read_terms("sigmoid_focal", logits, labels, weights, where)
    terms = finished_slope(_focal, sample.logits, sample.labels, gamma, alpha)
    return sample.mean(sample.plus_infinite(terms))


def _poly1(s: Array, y: Array, epsilon: Scalar, gamma: Scalar, alpha: Scalar | None) -> Array:
    s = bound_logits(s, 1)
    return _miss_power(s, y, gamma) * _polynomial(s, y, _side_weight(y, alpha), epsilon)


def _polynomial(s: Array, y: Array, weight: Array | float, epsilon: Scalar) -> Array:
    # weight * bce + epsilon * (1 - p_t). For epsilon < 0 the two nearly cancel on a label that is right, and
    # bce - (1 - p_t) comes as a whole.
    p, q = sigmoid_pair(s)
    if isinstance(epsilon, (int, float)) and epsilon >= 0:
        return weight * binary_cross_entropy(s, y) + epsilon * (y * q + (1 - y) * p)
    up, down = jnp.maximum(epsilon, 0), jnp.minimum(epsilon, 0)
    excess = y * softplus_excess(-s) + (1 - y) * softplus_excess(s)
    return (weight + down) * binary_cross_entropy(s, y) - down * excess + up * (y * q + (1 - y) * p)


@jax.jit
def poly1_sigmoid(
    logits: Logits,
    labels: Labels,
    *,
    epsilon: Scalar = 1.0,
    weights: Weights | None = None,
    where: Mask | None = None,
) -> PerSample:
    r"""Binary cross-entropy with its first Taylor coefficient changed.

    With :math:`p^t_j = y_j p_j + (1 - y_j)(1 - p_j)`,

    .. math::
        \ell(s, y) = \frac{1}{L} \sum_{j=1}^{L} \mathrm{bce}(s_j, y_j) + \epsilon (1 - p^t_j).

    ``epsilon = 0`` is :func:`sigmoid_cross_entropy`; below -1 the gradient changes its sign.

    Value and gradient are finite for every ``|s| <= finfo.max``; a wrong label pulls with ``1 / L``. An
    infinite logit costs 0 if it agrees with its label and infinity (with slope ``1 / L``) if not.

    Args:
        logits: Scores ``[..., L]`` before the sigmoid.
        labels: Targets ``[..., L]``, bool, integer or soft in [0, 1].
        epsilon: What is added to the first coefficient, at least -1.
        weights: Multipliers ``[..., L]`` of the label terms; they do not enter the divisor.
        where: Bool ``[..., L]``, True where the label was observed; the others count as deleted.

    Returns:
        The cost of each sample ``[...]``, float32 or wider.

    Raises:
        TypeError: If ``logits`` are not floating-point or ``where`` is not bool.
        ValueError: If two shapes differ or a hyper-parameter is not a scalar.

    Reference:
        Leng, Tan, Liu, Cubuk, Shi, Cheng, Anguelov, *PolyLoss*, ICLR 2022, applied to each label's sigmoid.

    >>> poly1_sigmoid(jnp.array([0.0]), jnp.array([1]), epsilon=1.0).item()
    1.1931471824645996
    """
    scalars("poly1_sigmoid", epsilon=epsilon)
    sample = read_terms("poly1_sigmoid", logits, labels, weights, where)
    terms = finished_slope(_poly1, sample.logits, sample.labels, epsilon, 0, None)
    return sample.mean(sample.plus_infinite(terms))


@jax.jit
def poly1_focal(
    logits: Logits,
    labels: Labels,
    *,
    epsilon: Scalar = 1.0,
    gamma: Scalar = 2.0,
    alpha: Scalar | None = None,
    weights: Weights | None = None,
    where: Mask | None = None,
) -> PerSample:
    r"""Focal cross-entropy with its first polynomial coefficient changed.

    With :math:`p^t_j = y_j p_j + (1 - y_j)(1 - p_j)`,

    .. math::
        \ell(s, y) = \frac{1}{L} \sum_{j=1}^{L} \alpha_j (1 - p^t_j)^\gamma \, \mathrm{bce}(s_j, y_j)
            + \epsilon (1 - p^t_j)^{\gamma + 1}, \qquad \alpha_j = \alpha y_j + (1 - \alpha)(1 - y_j).

    ``epsilon = 0`` is :func:`sigmoid_focal`, ``gamma = 0`` without ``alpha`` is :func:`poly1_sigmoid`.
    ``alpha`` weighs the focal term alone.

    Value and gradient are finite for every ``gamma >= 0`` and ``|s| <= finfo.max``; a label that is far wrong
    pulls as in focal cross-entropy.

    Args:
        logits: Scores ``[..., L]`` before the sigmoid.
        labels: Targets ``[..., L]``, bool, integer or soft in [0, 1].
        epsilon: What is added to the first coefficient, at least -1 (times ``alpha``).
        gamma: Focusing exponent, at least 0.
        alpha: Weight of present labels in [0, 1], absent ones get ``1 - alpha``; or None.
        weights: Multipliers ``[..., L]`` of the label terms; they do not enter the divisor.
        where: Bool ``[..., L]``, True where the label was observed; the others count as deleted.

    Returns:
        The cost of each sample ``[...]``, float32 or wider.

    Raises:
        TypeError: If ``logits`` are not floating-point or ``where`` is not bool.
        ValueError: If two shapes differ or a hyper-parameter is not a scalar.

    Reference:
        Leng, Tan, Liu, Cubuk, Shi, Cheng, Anguelov, *PolyLoss*, ICLR 2022, applied to each label's sigmoid.
        The paper was not at hand for the place of ``alpha``: public code has it on the focal term (as here),
        timm on both terms.

    >>> poly1_focal(jnp.array([0.0]), jnp.array([1]), epsilon=2.0).item()
    0.4232867956161499
    """
    scalars("poly1_focal", epsilon=epsilon, gamma=gamma, alpha=alpha)
    sample = read_terms("poly1_focal", logits, labels, weights, where)
    terms = finished_slope(_poly1, sample.logits, sample.labels, epsilon, gamma, alpha)
    return sample.mean(sample.plus_infinite(terms))
