"""Asymmetric focal losses with a polynomial in place of, or beside, the logarithm.

All are means over the observed labels; ``p = sigmoid(s)``. Scores are not probabilities: tune the threshold.
"""

from __future__ import annotations

import jax

from mlj.label_terms import finished_slope
from mlj.losses._inputs import read_terms, scalars
from mlj.losses._powers import sigmoid_power, softplus_excess
from mlj.losses.binary._shifted import plus_shifted_infinite, shifted_power_and_cost
from mlj.numerics import bound_logits, sigmoid_pair
from mlj.types import Array, Labels, Logits, Mask, PerSample, Scalar, Weights


def _present_cost(s: Array) -> Array:
    # -log p - (1 - p) + 1.25 (1 - p)^2: the first coefficient of the Taylor series is 0, the second 1.75.
    absent = sigmoid_pair(s)[1]
    return softplus_excess(-s) + 1.25 * absent * absent


def _attached(s: Array, y: Array, gamma_pos: Scalar, gamma_neg: Scalar, shift: Scalar) -> Array:
    s = bound_logits(s, 1)
    focus, cost = shifted_power_and_cost(s, gamma_neg, shift)
    return y * sigmoid_power(-s, gamma_pos) * _present_cost(s) + (1 - y) * (focus * cost)


def _detached(s: Array, y: Array, gamma_pos: Scalar, gamma_neg: Scalar, shift: Scalar) -> Array:
    s, hold = bound_logits(s, 1), jax.lax.stop_gradient
    focus, cost = shifted_power_and_cost(s, gamma_neg, shift)
    return y * hold(sigmoid_power(-s, gamma_pos)) * _present_cost(s) + (1 - y) * (hold(focus) * cost)


def _robust(s: Array, y: Array, gamma_pos: Scalar, gamma_neg: Scalar, shift: Scalar, lam: Scalar) -> Array:
    s = bound_logits(s, 1)
    p, other = sigmoid_pair(s)
    focus, cost = shifted_power_and_cost(s, gamma_neg, shift)
    # One factor after the other: their product is small where the cost of an unshifted label is not.
    hill = ((lam - 1) + other) * p * p * ((lam - 1) + jax.nn.relu(p - shift))
    return y * sigmoid_power(-s, gamma_pos) * _present_cost(s) + (1 - y) * (focus * hill) * cost


@jax.jit
def asymmetric_polynomial(
    logits: Logits,
    labels: Labels,
    *,
    gamma_pos: Scalar = 0.0,
    gamma_neg: Scalar = 4.0,
    shift: Scalar = 0.05,
    weights: Weights | None = None,
    where: Mask | None = None,
) -> PerSample:
    r"""Asymmetric polynomial loss (APL): a Taylor series with two coefficients changed for present labels.

    With :math:`q_j = \max(p_j - m, 0)` for the shift :math:`m`,

    .. math::
        \ell(s, y) = \frac{1}{L} \sum_{j=1}^{L}
            y_j (1 - p_j)^{\gamma_+} \left[ -\log p_j - (1 - p_j) + \tfrac{5}{4} (1 - p_j)^2 \right]
            - (1 - y_j)\, q_j^{\gamma_-} \log(1 - q_j).

    The powers 1 and 2 of ``1 - p`` have the coefficients 0 and 7/4 in place of 1 and 1/2. An absent label
    with ``p <= shift`` costs nothing and teaches nothing.

    Value and gradient are finite for every ``gamma >= 0`` and ``|s| <= finfo.max``; a present label that is
    far wrong pulls with ``1 / L``. By its definition the gradient dies for an absent label that is far wrong.

    Args:
        logits: Scores ``[..., L]`` before the sigmoid.
        labels: Targets ``[..., L]``, hard: bool, or 0 and 1.
        gamma_pos: Focusing exponent of present labels, at least 0.
        gamma_neg: Focusing exponent of absent labels, at least 0.
        shift: Probability taken off absent labels, 0 or from 1e-6 up to 1.
        weights: Multipliers ``[..., L]`` of the label terms; they do not enter the divisor.
        where: Bool ``[..., L]``, True where the label was observed; the others count as deleted.

    Returns:
        The cost of each sample ``[...]``, float32 or wider.

    Raises:
        TypeError: If ``logits`` are not floating-point or ``where`` is not bool.
        ValueError: If two shapes differ or a hyper-parameter is not a scalar.

    Reference:
        Huang, Qi, Wang, Lin, *Asymmetric Polynomial Loss for Multi-Label Classification*, ICASSP 2023, arXiv
        2304.05361. The constants are those of the official code, which sums over labels, holds the focusing
        weights constant (:func:`asymmetric_polynomial_detached`) and clips the logarithms.

    >>> import jax.numpy as jnp
    >>> asymmetric_polynomial(jnp.array([0.0]), jnp.array([1])).item()
    0.5056471824645996
    """
    scalars("asymmetric_polynomial", gamma_pos=gamma_pos, gamma_neg=gamma_neg, shift=shift)
    sample = read_terms("asymmetric_polynomial", logits, labels, weights, where)
    terms = finished_slope(_attached, sample.logits, sample.labels, gamma_pos, gamma_neg, shift)
    return sample.mean(plus_shifted_infinite(sample, terms, shift))


@jax.jit
def asymmetric_polynomial_detached(
    logits: Logits,
    labels: Labels,
    *,
    gamma_pos: Scalar = 0.0,
    gamma_neg: Scalar = 4.0,
    shift: Scalar = 0.05,
    weights: Weights | None = None,
    where: Mask | None = None,
) -> PerSample:
    r"""Asymmetric polynomial loss whose focusing weights are held constant.

    With :math:`q_j = \max(p_j - m, 0)` for the shift :math:`m`, and no gradient through :math:`\{\cdot\}`,

    .. math::
        \ell(s, y) = \frac{1}{L} \sum_{j=1}^{L}
            y_j \{(1 - p_j)^{\gamma_+}\} \left[ -\log p_j - (1 - p_j) + \tfrac{5}{4} (1 - p_j)^2 \right]
            - (1 - y_j) \{q_j^{\gamma_-}\} \log(1 - q_j).

    Its value is that of :func:`asymmetric_polynomial`.

    Value and gradient are finite for every ``gamma >= 0`` and ``|s| <= finfo.max``; a present label that is
    far wrong pulls with ``1 / L``. By its definition the gradient dies for an absent label that is far wrong.

    Args:
        logits: Scores ``[..., L]`` before the sigmoid.
        labels: Targets ``[..., L]``, hard: bool, or 0 and 1.
        gamma_pos: Focusing exponent of present labels, at least 0.
        gamma_neg: Focusing exponent of absent labels, at least 0.
        shift: Probability taken off absent labels, 0 or from 1e-6 up to 1.
        weights: Multipliers ``[..., L]`` of the label terms; they do not enter the divisor.
        where: Bool ``[..., L]``, True where the label was observed; the others count as deleted.

    Returns:
        The cost of each sample ``[...]``, float32 or wider.

    Raises:
        TypeError: If ``logits`` are not floating-point or ``where`` is not bool.
        ValueError: If two shapes differ or a hyper-parameter is not a scalar.

    Reference:
        Huang, Qi, Wang, Lin, *Asymmetric Polynomial Loss for Multi-Label Classification*, ICASSP 2023, arXiv
        2304.05361, as the official code trains it by default (with a sum over labels).

    >>> import jax.numpy as jnp
    >>> asymmetric_polynomial_detached(jnp.array([0.0]), jnp.array([1])).item()
    0.5056471824645996
    """
    scalars("asymmetric_polynomial_detached", gamma_pos=gamma_pos, gamma_neg=gamma_neg, shift=shift)
    sample = read_terms("asymmetric_polynomial_detached", logits, labels, weights, where)
    terms = finished_slope(_detached, sample.logits, sample.labels, gamma_pos, gamma_neg, shift)
    return sample.mean(plus_shifted_infinite(sample, terms, shift))


@jax.jit
def robust_asymmetric(
    logits: Logits,
    labels: Labels,
    *,
    gamma_pos: Scalar = 0.0,
    gamma_neg: Scalar = 4.0,
    shift: Scalar = 0.05,
    lam: Scalar = 1.5,
    weights: Weights | None = None,
    where: Mask | None = None,
) -> PerSample:
    r"""Robust asymmetric loss (RAL): the asymmetric polynomial loss with a hill on absent labels.

    With :math:`q_j = \max(p_j - m, 0)` for the shift :math:`m`,

    .. math::
        \ell(s, y) = \frac{1}{L} \sum_{j=1}^{L}
            y_j (1 - p_j)^{\gamma_+} \left[ -\log p_j - (1 - p_j) + \tfrac{5}{4} (1 - p_j)^2 \right]
            - (1 - y_j)\, q_j^{\gamma_-} \log(1 - q_j)\, (\lambda - p_j)\, p_j^2\, (\lambda - 1 + q_j).

    An absent label with ``p <= shift`` costs nothing and teaches nothing.

    Value and gradient are finite for every ``gamma >= 0``, ``lam >= 1`` and ``|s| <= finfo.max``; a present
    label that is far wrong pulls with ``1 / L``. By its definition the gradient dies for an absent label that
    is far wrong.

    Args:
        logits: Scores ``[..., L]`` before the sigmoid.
        labels: Targets ``[..., L]``, hard: bool, or 0 and 1.
        gamma_pos: Focusing exponent of present labels, at least 0.
        gamma_neg: Focusing exponent of absent labels, at least 0.
        shift: Probability taken off absent labels, 0 or from 1e-6 up to 1.
        lam: Height of the hill, at least 1.
        weights: Multipliers ``[..., L]`` of the label terms; they do not enter the divisor.
        where: Bool ``[..., L]``, True where the label was observed; the others count as deleted.

    Returns:
        The cost of each sample ``[...]``, float32 or wider.

    Raises:
        TypeError: If ``logits`` are not floating-point or ``where`` is not bool.
        ValueError: If two shapes differ or a hyper-parameter is not a scalar.

    Reference:
        Park, Park, Kim, Ryu, *Robust Asymmetric Loss for Multi-Label Long-Tailed Learning*, ICCV Workshops
        2023. The formula is that of the published code, which sums over labels; the paper was not at hand.

    >>> import jax.numpy as jnp
    >>> round(robust_asymmetric(jnp.array([4.0]), jnp.array([0])).item(), 4)
    1.4511
    """
    scalars("robust_asymmetric", gamma_pos=gamma_pos, gamma_neg=gamma_neg, shift=shift, lam=lam)
    sample = read_terms("robust_asymmetric", logits, labels, weights, where)
    terms = finished_slope(_robust, sample.logits, sample.labels, gamma_pos, gamma_neg, shift, lam)
    return sample.mean(plus_shifted_infinite(sample, terms, shift))
