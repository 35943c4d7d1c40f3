"""Divergences between the labels and the sigmoids, read as two pseudo-distributions.

Any non-negative labels are allowed, whatever their sum. These are sums over the labels, not means, and
their scores are not probabilities: tune the threshold.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from mlj.label_terms import finished_slope
from mlj.losses._inputs import read_terms, scalars
from mlj.numerics import bound_logits, log_sigmoid, sigmoid_pair
from mlj.types import Array, Labels, Logits, Mask, PerSample, Scalar, Weights


def _excess(target: Array, s: Array) -> Array:
    # P - Q without cancellation for a present label that is nearly right.
    p, other = sigmoid_pair(s)
    return jnp.where(target > 0.5, (target - 1) + other, target - p)


def _divergence(target: Array, s: Array) -> Array:
    return _excess(target, s) * (jnp.log(target) - log_sigmoid(s))


def _log_odds(eps: Scalar, s: Array) -> Array:
    return jnp.log(jnp.asarray(eps, s.dtype)) - jnp.log1p(-jnp.asarray(eps, s.dtype))


def _live(s: Array, y: Array, eps: Scalar) -> Array:
    settled = (y < eps) & (s <= _log_odds(eps, s))
    return jnp.where(settled, 0, _divergence(jnp.maximum(y, eps), s))


def _clipped(s: Array, y: Array, eps: Scalar) -> Array:
    bound = _log_odds(eps, s)
    return _divergence(jnp.maximum(y, eps), jnp.where(s <= bound, bound, s))


@jax.jit
def jeffreys_divergence(
    logits: Logits,
    labels: Labels,
    *,
    eps: Scalar = 1e-7,
    weights: Weights | None = None,
    where: Mask | None = None,
) -> PerSample:
    r"""Symmetric Kullback-Leibler divergence between labels and sigmoids, live on missed labels.

    With :math:`P_j = \max(y_j, \epsilon)` and :math:`Q_j = \sigma(s_j)`,

    .. math::
        \ell(s, y) = \sum_{j=1}^{L} (P_j - Q_j)(\log P_j - \log Q_j),

    where a term is 0 if :math:`y_j < \epsilon` and :math:`Q_j \le \epsilon`. It equals
    :func:`clipped_jeffreys_divergence` unless a present label has ``Q < eps``: there this one keeps growing,
    with slope ``-P``, and the clipped one stands still.

    Value and gradient are finite for every ``|s| <= finfo.max / L``. By its definition the gradient dies for
    an absent label that is far wrong: its cost saturates at ``log(1 / eps)``.

    Args:
        logits: Scores ``[..., L]`` before the sigmoid.
        labels: Targets ``[..., L]``, bool, integer or any non-negative number.
        eps: What stands for 0 in the target, above 0.
        weights: Multipliers ``[..., L]`` of the label terms.
        where: Bool ``[..., L]``, True where the label was observed; the others count as deleted.

    Returns:
        The cost of each sample ``[...]``, float32 or wider.

    Raises:
        TypeError: If ``logits`` are not floating-point or ``where`` is not bool.
        ValueError: If two shapes differ or a hyper-parameter is not a scalar.

    Reference:
        Proposed as ``abs_KL_div`` in question 207794 of stats.stackexchange.com; the absolute values there
        are redundant. Only the clipping differs, see above.

    >>> jeffreys_divergence(jnp.array([0.0, -jnp.inf]), jnp.array([1, 0])).item()
    0.3465735912322998
    """
    scalars("jeffreys_divergence", eps=eps)
    sample = read_terms("jeffreys_divergence", logits, labels, weights, where)
    bounded = bound_logits(sample.logits, sample.logits.shape[-1])
    term = finished_slope(_live, bounded, sample.labels, eps)
    unbounded = (sample.logits == -jnp.inf) & (sample.labels >= eps)
    return sample.sum(term + jnp.where(unbounded, jnp.inf, 0))


@jax.jit
def clipped_jeffreys_divergence(
    logits: Logits,
    labels: Labels,
    *,
    eps: Scalar = 1e-7,
    weights: Weights | None = None,
    where: Mask | None = None,
) -> PerSample:
    r"""Symmetric Kullback-Leibler divergence as it was published, clipped on both sides.

    With :math:`P_j = \max(y_j, \epsilon)` and :math:`Q_j = \max(\sigma(s_j), \epsilon)`,

    .. math::
        \ell(s, y) = \sum_{j=1}^{L} (P_j - Q_j)(\log P_j - \log Q_j).

    It is here for comparison. By its definition the gradient dies for a present label with ``Q < eps``, the
    most wrong one there is, and for an absent label that is far wrong; train with
    :func:`jeffreys_divergence` or :func:`mlj.losses.sigmoid_cross_entropy` instead.

    Value and gradient are finite for all logits, the infinite ones included.

    Args:
        logits: Scores ``[..., L]`` before the sigmoid.
        labels: Targets ``[..., L]``, bool, integer or any non-negative number.
        eps: Lower bound of target and prediction, above 0.
        weights: Multipliers ``[..., L]`` of the label terms.
        where: Bool ``[..., L]``, True where the label was observed; the others count as deleted.

    Returns:
        The cost of each sample ``[...]``, float32 or wider.

    Raises:
        TypeError: If ``logits`` are not floating-point or ``where`` is not bool.
        ValueError: If two shapes differ or a hyper-parameter is not a scalar.

    Reference:
        ``abs_KL_div`` in question 207794 of stats.stackexchange.com, with Keras' epsilon.

    >>> round(clipped_jeffreys_divergence(jnp.array([-jnp.inf]), jnp.array([1])).item(), 3)
    16.118
    """
    scalars("clipped_jeffreys_divergence", eps=eps)
    sample = read_terms("clipped_jeffreys_divergence", logits, labels, weights, where)
    return sample.sum(finished_slope(_clipped, sample.logits, sample.labels, eps))
