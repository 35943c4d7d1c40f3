"""Losses that ask each logit for a margin and are content beyond it.

All are means over the observed labels, with :math:`t = 2 y - 1`. Predict ``s > 0``.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from mlj.label_terms import finished_slope
from mlj.losses._inputs import read_terms
from mlj.numerics import bound_logits
from mlj.types import Array, Labels, Logits, Mask, PerSample, Weights


@jax.jit
def hinge(
    logits: Logits, labels: Labels, *, weights: Weights | None = None, where: Mask | None = None
) -> PerSample:
    r"""Hinge loss of every label: linear up to a margin of 1, then nothing.

    .. math::
        \ell(s, y) = \frac{1}{L} \sum_{j=1}^{L} \max(0,\, 1 - t_j s_j), \qquad t_j = 2 y_j - 1

    The threshold ``s > 0`` is consistent; the scores estimate no probability.

    Value and gradient are finite for every ``|s| <= finfo.max``. By its definition the gradient is 0 beyond
    the margin on the right side; a wrong label always pulls with ``1 / L``.

    Args:
        logits: Scores ``[..., L]``.
        labels: Targets ``[..., L]``, hard: bool, or 0 and 1.
        weights: Multipliers ``[..., L]`` of the label terms; they do not enter the divisor.
        where: Bool ``[..., L]``, True where the label was observed; the others count as deleted.

    Returns:
        The cost of each sample ``[...]``, float32 or wider.

    Raises:
        TypeError: If ``logits`` are not floating-point or ``where`` is not bool.
        ValueError: If two shapes differ.

    Reference:
        The loss of a linear support vector machine for each label, which extreme classifiers call one versus
        all (Babbar and Schoelkopf, *DiSMEC*, WSDM 2017, with the square). Linear solvers sum over labels.

    >>> hinge(jnp.array([0.5, -3.0]), jnp.array([1, 0])).item()
    0.25
    """
    sample = read_terms("hinge", logits, labels, weights, where)
    return sample.mean(jnp.maximum(1 - (2 * sample.labels - 1) * sample.logits, 0))


def _squared(s: Array, y: Array) -> Array:
    # So bounded, an infinite logit costs infinity and pulls with a finite slope.
    bounded = bound_logits(s, jnp.finfo(s.dtype).max ** 0.5 / 1000)
    short = jnp.maximum(1 - (2 * y - 1) * bounded, 0)
    return short * short


@jax.jit
def squared_hinge(
    logits: Logits, labels: Labels, *, weights: Weights | None = None, where: Mask | None = None
) -> PerSample:
    r"""Squared hinge loss of every label.

    .. math::
        \ell(s, y) = \frac{1}{L} \sum_{j=1}^{L} \max(0,\, 1 - t_j s_j)^2, \qquad t_j = 2 y_j - 1

    It is proper with the link :math:`P(y_j = 1 \mid x) = \min(1, \max(0, (s_j + 1) / 2))`.

    Value and gradient are finite for every ``|s| <= sqrt(finfo.max / L)``, and an infinite logit has a finite
    slope. By its definition the gradient is 0 beyond the margin on the right side.

    Args:
        logits: Scores ``[..., L]``.
        labels: Targets ``[..., L]``, hard: bool, or 0 and 1.
        weights: Multipliers ``[..., L]`` of the label terms; they do not enter the divisor.
        where: Bool ``[..., L]``, True where the label was observed; the others count as deleted.

    Returns:
        The cost of each sample ``[...]``, float32 or wider.

    Raises:
        TypeError: If ``logits`` are not floating-point or ``where`` is not bool.
        ValueError: If two shapes differ.

    Reference:
        Babbar, Schoelkopf, *DiSMEC: Distributed Sparse Machines for Extreme Multi-label Classification*, WSDM
        2017; the default of LibMultiLabel's and PECOS' linear models, which sum over labels.

    >>> squared_hinge(jnp.array([0.5, -3.0]), jnp.array([1, 0])).item()
    0.125
    """
    sample = read_terms("squared_hinge", logits, labels, weights, where)
    return sample.mean(finished_slope(_squared, sample.logits, sample.labels))


def _huber(s: Array, y: Array) -> Array:
    right = (2 * y - 1) * bound_logits(s, 1)
    far = right < -1
    short = jnp.maximum(1 - jnp.where(far, 0, right), 0)
    return jnp.where(far, -4 * right, short * short)


@jax.jit
def modified_huber(
    logits: Logits, labels: Labels, *, weights: Weights | None = None, where: Mask | None = None
) -> PerSample:
    r"""Squared hinge loss that goes on linearly where a label is far wrong.

    .. math::
        \ell(s, y) = \frac{1}{L} \sum_{j=1}^{L} \begin{cases}
            \max(0,\, 1 - t_j s_j)^2 & t_j s_j \ge -1 \\ -4\, t_j s_j & \text{otherwise,} \end{cases}
        \qquad t_j = 2 y_j - 1

    It is proper with the link :math:`P(y_j = 1 \mid x) = \min(1, \max(0, (s_j + 1) / 2))`, and an outlier
    pulls with no more than ``4 / L``.

    Value and gradient are finite for every ``|s| <= finfo.max / 4``. By its definition the gradient is 0
    beyond the margin on the right side.

    Args:
        logits: Scores ``[..., L]``.
        labels: Targets ``[..., L]``, hard: bool, or 0 and 1.
        weights: Multipliers ``[..., L]`` of the label terms; they do not enter the divisor.
        where: Bool ``[..., L]``, True where the label was observed; the others count as deleted.

    Returns:
        The cost of each sample ``[...]``, float32 or wider.

    Raises:
        TypeError: If ``logits`` are not floating-point or ``where`` is not bool.
        ValueError: If two shapes differ.

    Reference:
        Zhang, *Solving Large Scale Linear Prediction Problems Using Stochastic Gradient Descent Algorithms*,
        ICML 2004; ``modified_huber`` of scikit-learn's ``SGDClassifier``, one for each label.

    >>> modified_huber(jnp.array([-2.0, 0.5]), jnp.array([1, 1])).item()
    4.125
    """
    sample = read_terms("modified_huber", logits, labels, weights, where)
    return sample.mean(finished_slope(_huber, sample.logits, sample.labels))


def _half_square(x: Array) -> Array:
    # (x + 1)^2 / 4 between -1 and 1, 0 below and x above.
    inside = jnp.clip(x, -1, 1) + 1
    return inside * inside / 4 + jnp.maximum(x - 1, 0)


def _sparse(s: Array, y: Array) -> Array:
    s = bound_logits(s, 1)
    return y * _half_square(-s) + (1 - y) * _half_square(s)


@jax.jit
def binary_sparsemax(
    logits: Logits, labels: Labels, *, weights: Weights | None = None, where: Mask | None = None
) -> PerSample:
    r"""Sparsemax loss of every label against its complement: probabilities of exactly 0 and 1 can be reached.

    .. math::
        \ell(s, y) = \frac{1}{L} \sum_{j=1}^{L} y_j\, h(-s_j) + (1 - y_j)\, h(s_j), \qquad
        h(x) = \begin{cases} 0 & x \le -1 \\ (x + 1)^2 / 4 & -1 < x < 1 \\ x & x \ge 1 \end{cases}

    It is proper with the link :math:`p_j = \min(1, \max(0, (s_j + 1) / 2))`; its slope is ``(p - y) / L``.

    Value and gradient are finite for every ``|s| <= finfo.max``. By its definition the gradient is exactly 0
    beyond the margin on the right side; a wrong label far off pulls with ``1 / L``.

    Args:
        logits: Scores ``[..., L]``.
        labels: Targets ``[..., L]``, bool, integer or soft in [0, 1].
        weights: Multipliers ``[..., L]`` of the label terms; they do not enter the divisor.
        where: Bool ``[..., L]``, True where the label was observed; the others count as deleted.

    Returns:
        The cost of each sample ``[...]``, float32 or wider.

    Raises:
        TypeError: If ``logits`` are not floating-point or ``where`` is not bool.
        ValueError: If two shapes differ.

    Reference:
        Blondel, Martins, Niculae, *Learning with Fenchel-Young Losses*, JMLR 2020, for two outcomes; optax'
        ``sparsemax_loss`` before any mean.

    >>> binary_sparsemax(jnp.array([0.0, 4.0]), jnp.array([1, 1])).item()
    0.125
    """
    sample = read_terms("binary_sparsemax", logits, labels, weights, where)
    terms = finished_slope(_sparse, sample.logits, sample.labels)
    return sample.mean(sample.plus_infinite(terms))
