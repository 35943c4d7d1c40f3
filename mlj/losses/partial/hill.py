"""The Hill loss, which forgives confident "false" positives."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from mlj.label_terms import finished_slope
from mlj.losses._inputs import read_terms, scalars
from mlj.losses._powers import focal_at_difference
from mlj.numerics import bound_logits, sigmoid_pair
from mlj.types import Array, Labels, Logits, Mask, PerSample, Scalar, Weights


@jax.custom_jvp
def _forgiving(s: Array, lam: Array) -> Array:
    p, other = sigmoid_pair(s)
    return ((lam - 1) + other) * p * p


@_forgiving.defjvp
def _forgiving_jvp(primals, tangents):
    (s, lam), (ds, dlam) = primals, tangents
    p, other = sigmoid_pair(s)
    # Written out, since the product rule cancels where lam = 1.5 lets go of a confident label.
    slope = ((2 * lam - 3) + 3 * other) * p * p * other
    return _forgiving(s, lam), slope * ds + p * p * dlam


def _hill(s: Array, y: Array, lam: Scalar, margin: Scalar, gamma: Scalar) -> Array:
    s = bound_logits(s, 1)
    absent = _forgiving(s, jnp.asarray(lam).astype(s.dtype))
    return y * focal_at_difference(s, margin, -1.0, gamma) + (1 - y) * absent


@jax.jit
def hill(
    logits: Logits,
    labels: Labels,
    *,
    lam: Scalar = 1.5,
    margin: Scalar = 1.0,
    gamma: Scalar = 2.0,
    weights: Weights | None = None,
    where: Mask | None = None,
) -> PerSample:
    r"""Hill loss: a confident "false" positive is forgiven, since it may be an unmarked present label.

    With :math:`p_j = \sigma(s_j)` and :math:`p'_j = \sigma(s_j - m)` for the margin :math:`m`,

    .. math::
        \ell(s, y) = \frac{1}{L} \sum_{j=1}^{L}
            -y_j (1 - p'_j)^\gamma \log p'_j + (1 - y_j) (\lambda - p_j)\, p_j^2.

    ``margin = gamma = 0`` leaves cross-entropy on present labels. Scores are not probabilities: tune the
    threshold.

    Value and gradient are finite for every ``|s| <= finfo.max``; a present label that is far wrong pulls with
    ``1 / L``. By its purpose the gradient dies for an absent label that is far wrong.

    Args:
        logits: Scores ``[..., L]`` before the sigmoid.
        labels: Targets ``[..., L]``: 1 seen present, 0 unknown; bool, integer or soft in [0, 1].
        lam: Height of the hill; 1.5 puts the slope's zero at ``p = 1``.
        margin: What is taken off the logit of a present label.
        gamma: Focusing exponent of present labels, at least 0.
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

    >>> hill(jnp.array([jnp.inf]), jnp.array([0])).item()
    0.5
    """
    scalars("hill", lam=lam, margin=margin, gamma=gamma)
    sample = read_terms("hill", logits, labels, weights, where)
    terms = finished_slope(_hill, sample.logits, sample.labels, lam, margin, gamma)
    return sample.mean(sample.plus_infinite(terms, absent=False))
