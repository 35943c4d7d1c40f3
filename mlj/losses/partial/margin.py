"""Focal losses that ask a margin of present labels, and correct unknown labels that look present."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from mlj.label_terms import finished_slope
from mlj.losses._inputs import read_terms, scalars
from mlj.losses._powers import focal_at_difference, focal_softplus
from mlj.numerics import bound_logits
from mlj.types import Array, Labels, Logits, Mask, PerSample, Scalar, Weights


def _focal_margin(s: Array, y: Array, margin: Scalar, gamma: Scalar) -> Array:
    s = bound_logits(s, 1)
    return y * focal_at_difference(s, margin, -1.0, gamma) + (1 - y) * focal_softplus(s, gamma)


@jax.jit
def focal_margin(
    logits: Logits,
    labels: Labels,
    *,
    margin: Scalar = 1.0,
    gamma: Scalar = 2.0,
    weights: Weights | None = None,
    where: Mask | None = None,
) -> PerSample:
    r"""Focal cross-entropy with a margin that present labels have to clear.

    With :math:`p_j = \sigma(s_j)` and :math:`p'_j = \sigma(s_j - m)` for the margin :math:`m`,

    .. math::
        \ell(s, y) = -\frac{1}{L} \sum_{j=1}^{L}
            y_j (1 - p'_j)^\gamma \log p'_j + (1 - y_j)\, p_j^\gamma \log(1 - p_j).

    ``margin = 0`` is :func:`mlj.losses.sigmoid_focal` on hard labels. It is what :func:`splc` is trained with
    before its correction is switched on. Scores are not probabilities: tune the threshold.

    Value and gradient are finite for every ``gamma >= 0`` and ``|s| <= finfo.max``; a wrong label pulls with
    ``1 / L``.

    Args:
        logits: Scores ``[..., L]`` before the sigmoid.
        labels: Targets ``[..., L]``: 1 seen present, 0 unknown; bool, integer or soft in [0, 1].
        margin: What is taken off the logit of a present label.
        gamma: Focusing exponent, at least 0.
        weights: Multipliers ``[..., L]`` of the label terms; they do not enter the divisor.
        where: Bool ``[..., L]``, True where the label was observed; the others count as deleted.

    Returns:
        The cost of each sample ``[...]``, float32 or wider.

    Raises:
        TypeError: If ``logits`` are not floating-point or ``where`` is not bool.
        ValueError: If two shapes differ or a hyper-parameter is not a scalar.

    Reference:
        Zhang, Cheng, Huang, Wen, Feng, Li, Guo, *Simple and Robust Loss Design for Multi-Label Learning with
        Missing Labels*, arXiv 2112.07368. The official code sums over labels.

    >>> focal_margin(jnp.array([1.0]), jnp.array([1])).item()
    0.1732867956161499
    """
    scalars("focal_margin", margin=margin, gamma=gamma)
    sample = read_terms("focal_margin", logits, labels, weights, where)
    terms = finished_slope(_focal_margin, sample.logits, sample.labels, margin, gamma)
    return sample.mean(sample.plus_infinite(terms))


def _corrected(s: Array, y: Array, tau: Scalar, margin: Scalar, gamma: Scalar) -> Array:
    s = bound_logits(s, 1)
    believed = s > jnp.log(tau) - jnp.log1p(-jnp.asarray(tau, s.dtype))
    unknown = focal_softplus(jnp.where(believed, -s, s), gamma)
    return y * focal_at_difference(s, margin, -1.0, gamma) + (1 - y) * unknown


@jax.jit
def splc(
    logits: Logits,
    labels: Labels,
    *,
    tau: Scalar = 0.6,
    margin: Scalar = 1.0,
    gamma: Scalar = 2.0,
    weights: Weights | None = None,
    where: Mask | None = None,
) -> PerSample:
    r"""Self-paced loss correction: an unknown label that looks present enough is taken for present.

    With :math:`p_j = \sigma(s_j)` and :math:`p'_j = \sigma(s_j - m)` for the margin :math:`m`,

    .. math::
        \ell(s, y) = -\frac{1}{L} \sum_{j=1}^{L} y_j (1 - p'_j)^\gamma \log p'_j + (1 - y_j) \begin{cases}
            (1 - p_j)^\gamma \log p_j & p_j > \tau \\ p_j^\gamma \log(1 - p_j) & \text{otherwise.} \end{cases}

    The correction is a jump and has no slope of its own; a corrected label has no margin. Train with
    :func:`focal_margin` at first (one epoch in the official code), with this loss afterwards. Scores are not
    probabilities: tune the threshold.

    Value and gradient are finite for every ``gamma >= 0`` and ``|s| <= finfo.max``; a present label that is
    far wrong pulls with ``1 / L``. By its purpose the gradient dies for an unknown label of high score.

    Args:
        logits: Scores ``[..., L]`` before the sigmoid.
        labels: Targets ``[..., L]``: 1 seen present, 0 unknown; bool, integer or soft in [0, 1].
        tau: Probability above which an unknown label is taken for present, in (0, 1); .65 where three
            quarters of the labels are marked.
        margin: What is taken off the logit of a present label.
        gamma: Focusing exponent, at least 0.
        weights: Multipliers ``[..., L]`` of the label terms; they do not enter the divisor.
        where: Bool ``[..., L]``, True where the label was observed; the others count as deleted.

    Returns:
        The cost of each sample ``[...]``, float32 or wider.

    Raises:
        TypeError: If ``logits`` are not floating-point or ``where`` is not bool.
        ValueError: If two shapes differ or a hyper-parameter is not a scalar.

    Reference:
        Zhang, Cheng, Huang, Wen, Feng, Li, Guo, *Simple and Robust Loss Design for Multi-Label Learning with
        Missing Labels*, arXiv 2112.07368. The official code sums over labels.

    >>> splc(jnp.array([jnp.inf]), jnp.array([0])).item()
    0.0
    """
    scalars("splc", tau=tau, margin=margin, gamma=gamma)
    sample = read_terms("splc", logits, labels, weights, where)
    terms = finished_slope(_corrected, sample.logits, sample.labels, tau, margin, gamma)
    return sample.mean(sample.plus_infinite(terms, absent=False))
