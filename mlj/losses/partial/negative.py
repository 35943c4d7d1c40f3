"""Cross-entropies that take an unknown label for absent, fully, weakly or almost.

All are means over the observed labels. They learn the probability that a label is *marked*.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from mlj.label_terms import finished_slope
from mlj.losses._inputs import read_terms, scalars
from mlj.losses.binary.smoothing import smooth_labels
from mlj.numerics import binary_cross_entropy, bound_logits, softplus_pair
from mlj.types import Array, Labels, Logits, Mask, PerSample, Scalar, Weights


@jax.jit
def assume_negative(
    logits: Logits, labels: Labels, *, weights: Weights | None = None, where: Mask | None = None
) -> PerSample:
    r"""Cross-entropy that takes every unknown label for absent (AN).

    .. math::
        \ell(s, y) = \frac{1}{L} \sum_{j=1}^{L}
            y_j \log(1 + e^{-s_j}) + (1 - y_j) \log(1 + e^{s_j})

    It is :func:`mlj.losses.sigmoid_cross_entropy` under the name that it has where present labels are
    missing: the baseline that every other loss here is meant to beat.

    Value and gradient are finite for every ``|s| <= finfo.max``; a wrong label always pulls with ``1 / L``.
    An infinite logit costs 0 if it agrees with its label and infinity (with slope ``1 / L``) if not.

    Args:
        logits: Scores ``[..., L]`` before the sigmoid.
        labels: Targets ``[..., L]``: 1 seen present, 0 unknown; bool, integer or soft in [0, 1].
        weights: Multipliers ``[..., L]`` of the label terms; they do not enter the divisor.
        where: Bool ``[..., L]``, True where the label was observed; the others count as deleted.

    Returns:
        The cost of each sample ``[...]``, float32 or wider.

    Raises:
        TypeError: If ``logits`` are not floating-point or ``where`` is not bool.
        ValueError: If two shapes differ.

    Reference:
        Cole, Mac Aodha, Lorieul, Perona, Morris, Jojic, *Multi-Label Learning from Single Positive Labels*,
        CVPR 2021.

    >>> assume_negative(jnp.array([0.0, -jnp.inf]), jnp.array([1, 0])).item()
    0.3465735912322998
    """
    sample = read_terms("assume_negative", logits, labels, weights, where)
    return sample.mean(binary_cross_entropy(sample.logits, sample.labels))


def _weak(s: Array, y: Array, share: Array) -> Array:
    absent, present = softplus_pair(bound_logits(s, 1))
    return y * present + (1 - y) * (absent * share)


@jax.jit
def weak_assume_negative(
    logits: Logits, labels: Labels, *, weights: Weights | None = None, where: Mask | None = None
) -> PerSample:
    r"""Cross-entropy in which all unknown labels together weigh about as much as one present label (WAN).

    .. math::
        \ell(s, y) = \frac{1}{L} \sum_{j=1}^{L}
            y_j \log(1 + e^{-s_j}) + \frac{1 - y_j}{L - 1} \log(1 + e^{s_j})

    It is meant for samples with a single marked label. With one label only, the weight is 1.

    Value and gradient are finite for every ``|s| <= finfo.max``; a wrong label always pulls, with ``1 / L``
    or ``1 / (L (L - 1))``.

    Args:
        logits: Scores ``[..., L]`` before the sigmoid.
        labels: Targets ``[..., L]``: 1 seen present, 0 unknown; bool, integer or soft in [0, 1].
        weights: Multipliers ``[..., L]`` of the label terms; they do not enter the divisor.
        where: Bool ``[..., L]``, True where the label was observed; the others count as deleted.

    Returns:
        The cost of each sample ``[...]``, float32 or wider.

    Raises:
        TypeError: If ``logits`` are not floating-point or ``where`` is not bool.
        ValueError: If two shapes differ.

    Reference:
        Cole, Mac Aodha, Lorieul, Perona, Morris, Jojic, *Multi-Label Learning from Single Positive Labels*,
        CVPR 2021, with the scale of its code. That adds 1e-5 in the logarithm, this does not.

    >>> weak_assume_negative(jnp.zeros(3), jnp.array([1, 0, 0])).item()
    0.4620981216430664
    """
    sample = read_terms("weak_assume_negative", logits, labels, weights, where)
    width = sample.logits.shape[-1] if where is None else jnp.sum(where, axis=-1, keepdims=True)
    terms = finished_slope(_weak, sample.logits, sample.labels, 1 / jnp.maximum(width - 1, 1))
    return sample.mean(sample.plus_infinite(terms))


@jax.jit
def assume_negative_smoothed(
    logits: Logits,
    labels: Labels,
    *,
    smoothing: Scalar = 0.1,
    weights: Weights | None = None,
    where: Mask | None = None,
) -> PerSample:
    r"""Cross-entropy that takes an unknown label for almost absent (AN-LS).

    With :math:`y'_j = (1 - \epsilon)\, y_j + \epsilon\, (1 - y_j)`,

    .. math::
        \ell(s, y) = \frac{1}{L} \sum_{j=1}^{L}
            y'_j \log(1 + e^{-s_j}) + (1 - y'_j) \log(1 + e^{s_j}).

    ``smoothing = 0`` is :func:`assume_negative`. It is the target of :func:`mlj.losses.smooth_labels` with
    twice the smoothing.

    Value and gradient are finite for every ``|s| <= finfo.max``. No infinite logit agrees with a smoothed
    label: it costs infinity, with a finite slope.

    Args:
        logits: Scores ``[..., L]`` before the sigmoid.
        labels: Targets ``[..., L]``: 1 seen present, 0 unknown; bool, integer or soft in [0, 1].
        smoothing: Target of an unknown label, and what a present one lacks, in [0, 1].
        weights: Multipliers ``[..., L]`` of the label terms; they do not enter the divisor.
        where: Bool ``[..., L]``, True where the label was observed; the others count as deleted.

    Returns:
        The cost of each sample ``[...]``, float32 or wider.

    Raises:
        TypeError: If ``logits`` are not floating-point or ``where`` is not bool.
        ValueError: If two shapes differ or a hyper-parameter is not a scalar.

    Reference:
        Cole, Mac Aodha, Lorieul, Perona, Morris, Jojic, *Multi-Label Learning from Single Positive Labels*,
        CVPR 2021.

    >>> assume_negative_smoothed(jnp.array([0.0, 10.0]), jnp.array([1, 1])).item()
    0.8465961217880249
    """
    scalars("assume_negative_smoothed", smoothing=smoothing)
    sample = read_terms("assume_negative_smoothed", logits, labels, weights, where)
    targets = smooth_labels(sample.labels, smoothing=2 * smoothing)
    return sample.mean(binary_cross_entropy(sample.logits, targets))
