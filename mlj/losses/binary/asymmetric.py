"""Focal losses that treat present and absent labels differently.

All are means over the observed labels; ``p = sigmoid(s)``. Scores are not probabilities: tune the threshold.
"""

from __future__ import annotations

from collections.abc import Callable

import jax

from mlj.label_terms import finished_slope
from mlj.losses._inputs import read_terms, scalars
from mlj.losses._powers import power, sigmoid_power
from mlj.losses.binary._shifted import plus_shifted_infinite, shifted_power_and_cost
from mlj.numerics import bound_logits, sigmoid_pair, softplus_pair
from mlj.types import Array, Labels, Logits, Mask, PerSample, Scalar, Weights


@jax.jit
def asymmetric_focal(
    logits: Logits,
    labels: Labels,
    *,
    gamma_pos: Scalar = 0.0,
    gamma_neg: Scalar = 4.0,
    weights: Weights | None = None,
    where: Mask | None = None,
) -> PerSample:
    r"""Focal cross-entropy with separate focusing for present and absent labels.

    .. math::
        \ell(s, y) = -\frac{1}{L} \sum_{j=1}^{L}
            y_j (1 - p_j)^{\gamma_+} \log p_j + (1 - y_j)\, p_j^{\gamma_-} \log(1 - p_j)

    ``gamma_pos = gamma_neg = 0`` is :func:`sigmoid_cross_entropy`; equal gammas are :func:`sigmoid_focal` on
    hard labels. Raising ``gamma_neg`` quietens the easy absent labels, which outnumber the present ones
    wherever label density is low. Scores are not probabilities: tune the threshold.

    Value and gradient are finite for every ``gamma >= 0`` and ``|s| <= finfo.max``; a label that is far wrong
    pulls as in cross-entropy.

    Args:
        logits: Scores ``[..., L]`` before the sigmoid.
        labels: Targets ``[..., L]``, bool, integer or soft in [0, 1].
        gamma_pos: Focusing exponent of present labels, at least 0.
        gamma_neg: Focusing exponent of absent labels, at least 0.
        weights: Multipliers ``[..., L]`` of the label terms; they do not enter the divisor.
        where: Bool ``[..., L]``, True where the label was observed; the others count as deleted.

    Returns:
        The cost of each sample ``[...]``, float32 or wider.

    Raises:
        TypeError: If ``logits`` are not floating-point or ``where`` is not bool.
        ValueError: If two shapes differ or a hyper-parameter is not a scalar.

    Reference:
        Ridnik, Ben-Baruch, Zamir, Noy, Friedman, Protter, Zelnik-Manor, *Asymmetric Loss for Multi-Label
        Classification*, ICCV 2021, without its probability shift. The official code sums over labels.

    >>> import jax.numpy as jnp
    >>> asymmetric_focal(jnp.array([0.0, 0.0]), jnp.array([1, 0]), gamma_neg=1.0).item()
    0.5198603868484497
    """
    scalars("asymmetric_focal", gamma_pos=gamma_pos, gamma_neg=gamma_neg)
    sample = read_terms("asymmetric_focal", logits, labels, weights, where)
    terms = finished_slope(_focal, sample.logits, sample.labels, gamma_pos, gamma_neg)
    return sample.mean(sample.plus_infinite(terms))


def _focal(s: Array, y: Array, gamma_pos: Scalar, gamma_neg: Scalar) -> Array:
    s = bound_logits(s, 1)
    (p, other), (absent, present) = sigmoid_pair(s), softplus_pair(s)
    absent *= power(p, gamma_neg, otherwise=lambda: sigmoid_power(s, gamma_neg))
    present *= power(other, gamma_pos, otherwise=lambda: sigmoid_power(-s, gamma_pos))
    return y * present + (1 - y) * absent


def _held(s: Array, y: Array, gamma_pos: Scalar, gamma_neg: Scalar, shift: Scalar) -> Array:
    return _shifted(s, y, gamma_pos, gamma_neg, shift, hold=jax.lax.stop_gradient)


def _shifted(
    s: Array,
    y: Array,
    gamma_pos: Scalar,
    gamma_neg: Scalar,
    shift: Scalar,
    hold: Callable[[Array], Array] = lambda focus: focus,
) -> Array:
    s = bound_logits(s, 1)
    easy = power(sigmoid_pair(s)[1], gamma_pos, otherwise=lambda: sigmoid_power(-s, gamma_pos))
    present = hold(easy) * softplus_pair(s)[1]
    focus, cost = shifted_power_and_cost(s, gamma_neg, shift)
    return y * present + (1 - y) * (hold(focus) * cost)


@jax.jit
def asymmetric_focal_shifted(
    logits: Logits,
    labels: Labels,
    *,
    gamma_pos: Scalar = 0.0,
    gamma_neg: Scalar = 4.0,
    shift: Scalar = 0.05,
    weights: Weights | None = None,
    where: Mask | None = None,
) -> PerSample:
    r"""Asymmetric focal loss (ASL) that ignores absent labels of small probability.

    With :math:`q_j = \max(p_j - m, 0)` for the shift :math:`m`,

    .. math::
        \ell(s, y) = -\frac{1}{L} \sum_{j=1}^{L}
            y_j (1 - p_j)^{\gamma_+} \log p_j + (1 - y_j)\, q_j^{\gamma_-} \log(1 - q_j).

    ``shift = 0`` is exactly :func:`asymmetric_focal`. An absent label with ``p <= shift`` costs nothing and
    teaches nothing. Scores are not probabilities: tune the threshold.

    Value and gradient are finite for every ``gamma >= 0`` and ``|s| <= finfo.max``; a present label that is
    far wrong pulls as in cross-entropy. By its definition the gradient dies for an absent label that is far
    wrong: its cost saturates at ``(1 - m)^gamma_neg * -log(m)``. There is a kink at ``p = m``.

    Args:
        logits: Scores ``[..., L]`` before the sigmoid.
        labels: Targets ``[..., L]``, bool, integer or soft in [0, 1].
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
        Ridnik, Ben-Baruch, Zamir, Noy, Friedman, Protter, Zelnik-Manor, *Asymmetric Loss for Multi-Label
        Classification*, ICCV 2021, with the defaults of the paper (the official code has ``gamma_pos=1``,
        sums over labels, and clips the logarithms, which silences the present labels that are most wrong).

    >>> import jax.numpy as jnp
    >>> asymmetric_focal_shifted(jnp.array([-4.0]), jnp.array([0])).item()
    0.0
    """
    scalars("asymmetric_focal_shifted", gamma_pos=gamma_pos, gamma_neg=gamma_neg, shift=shift)
    sample = read_terms("asymmetric_focal_shifted", logits, labels, weights, where)
    terms = finished_slope(_shifted, sample.logits, sample.labels, gamma_pos, gamma_neg, shift)
    return sample.mean(plus_shifted_infinite(sample, terms, shift))


@jax.jit
def asymmetric_focal_shifted_detached(
    logits: Logits,
    labels: Labels,
    *,
    gamma_pos: Scalar = 0.0,
    gamma_neg: Scalar = 4.0,
    shift: Scalar = 0.05,
    weights: Weights | None = None,
    where: Mask | None = None,
) -> PerSample:
    r"""Asymmetric focal loss whose focusing weights are held constant.

    With :math:`q_j = \max(p_j - m, 0)` for the shift :math:`m`, and no gradient through :math:`[\cdot]`,

    .. math::
        \ell(s, y) = -\frac{1}{L} \sum_{j=1}^{L}
            y_j [(1 - p_j)^{\gamma_+}] \log p_j + (1 - y_j) [q_j^{\gamma_-}] \log(1 - q_j).

    Its value is that of :func:`asymmetric_focal_shifted`; its gradient is that of cross-entropy times the
    focusing weights. An absent label with ``p <= shift`` costs nothing and teaches nothing. Scores are not
    probabilities: tune the threshold.

    Value and gradient are finite for every ``gamma >= 0`` and ``|s| <= finfo.max``; a present label that is
    far wrong pulls as in cross-entropy. By its definition the gradient dies for an absent label that is far
    wrong.

    Args:
        logits: Scores ``[..., L]`` before the sigmoid.
        labels: Targets ``[..., L]``, bool, integer or soft in [0, 1].
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
        Ridnik, Ben-Baruch, Zamir, Noy, Friedman, Protter, Zelnik-Manor, *Asymmetric Loss for Multi-Label
        Classification*, ICCV 2021, as the official ``AsymmetricLoss`` trains it by default (with
        ``gamma_pos=1`` and a sum over labels); its ``AsymmetricLossOptimized`` lets the gradient through.

    >>> import jax.numpy as jnp
    >>> asymmetric_focal_shifted_detached(jnp.array([-4.0, 0.0]), jnp.array([0, 1])).item()
    0.3465735912322998
    """
    scalars("asymmetric_focal_shifted_detached", gamma_pos=gamma_pos, gamma_neg=gamma_neg, shift=shift)
    sample = read_terms("asymmetric_focal_shifted_detached", logits, labels, weights, where)
    terms = finished_slope(_held, sample.logits, sample.labels, gamma_pos, gamma_neg, shift)
    return sample.mean(plus_shifted_infinite(sample, terms, shift))
