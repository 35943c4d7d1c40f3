"""Probabilities from any scores: one logistic curve for all labels, fitted on validation samples."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from mlj.decision.options import check
from mlj.types import Array, Labels, Mask, Probs, Scores

_ROUNDS = 30
_RIDGE = 1e-4


class PlattScaling(NamedTuple):
    """``P(y = 1) = sigmoid(slope * score + intercept)``, the same for every label."""

    slope: Array
    intercept: Array


@jax.jit
def fit_platt(scores: Scores, labels: Labels, where: Mask | None = None) -> PlattScaling:
    r"""Fit the two numbers of a logistic curve to observed labels.

    With scores standardised to z, it minimises by Newton's method

    .. math::
        \frac{1}{n} \sum \log(1 + e^{-(2y - 1)(a z + b)}) + \frac{10^{-4}}{2} (a^2 + b^2),

    over all observed entries with a finite score. The small ridge keeps the curve finite on scores that
    part the labels perfectly. Two numbers cannot overfit; what they cannot do is mend a label whose scores
    are off by more than the others'.

    Args:
        scores: Validation scores ``[N, L]``.
        labels: Multi-hot truth ``[N, L]``.
        where: Observed entries ``[N, L]``, bool.

    Returns:
        The curve, on the scale of the scores. Without observed entries the slope is 0.

    Reference:
        Platt, "Probabilistic outputs for support vector machines", Advances in Large Margin Classifiers,
        1999; the targets are the labels themselves, without his smoothing.

    >>> curve = fit_platt(jnp.array([[-2.0, -1.0, 1.0, 2.0]]), jnp.array([[0, 1, 0, 1]]))
    >>> bool(curve.slope > 0), round(float(curve.intercept), 3)
    (True, 0.0)
    """
    check("fit_platt", scores, labels, where)
    scores = jnp.asarray(scores, jnp.float32)
    seen = jnp.isfinite(scores) if where is None else jnp.isfinite(scores) & where
    count = jnp.maximum(jnp.sum(seen), 1)

    def mean(values: Array) -> Array:
        return jnp.sum(jnp.where(seen, values, 0) / count)

    center = mean(scores)
    spread = jnp.sqrt(mean((scores - center) ** 2))
    z = jnp.where(seen & (spread > 0), (scores - center) / jnp.where(spread > 0, spread, 1), 0)
    truth = jnp.asarray(labels, jnp.float32)

    def newton(_, ab: Array) -> Array:
        p = jax.nn.sigmoid(ab[0] * z + ab[1])
        miss, bend = p - truth, p * (1 - p)
        slope = jnp.array([mean(miss * z), mean(miss)]) + _RIDGE * ab
        cross = mean(bend * z)
        hessian = jnp.array([[mean(bend * z * z), cross], [cross, mean(bend)]]) + _RIDGE * jnp.eye(2)
        move = jnp.linalg.solve(hessian, slope)
        return ab - move * jnp.minimum(1.0, 2.0 / jnp.maximum(jnp.max(jnp.abs(move)), 1e-9))

    a, b = jax.lax.fori_loop(0, _ROUNDS, newton, jnp.zeros(2))
    slope = jnp.where(spread > 0, a / jnp.where(spread > 0, spread, 1), 0)
    return PlattScaling(slope, b - slope * center)


def platt_probs(scaling: PlattScaling, scores: Scores) -> Probs:
    """Return the probabilities ``[..., L]`` of scores ``[..., L]``; a score of -inf has probability 0.

    >>> platt_probs(PlattScaling(jnp.array(1.0), jnp.array(0.0)), jnp.array([0.0, -jnp.inf])).tolist()
    [0.5, 0.0]
    """
    finite = jnp.where(jnp.isneginf(scores), 0, scores)
    return jnp.where(jnp.isneginf(scores), 0, jax.nn.sigmoid(scaling.slope * finite + scaling.intercept))
