"""One threshold per label, chosen together for the micro-F measure of all of them."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
from jax import lax

from mlj.decision.one_threshold import best_threshold_f1
from mlj.decision.options import average_of, check
from mlj.decision.per_label import label_sweep, pick, shrink
from mlj.decision.rules import LabelThresholds
from mlj.types import Labels, Mask, PerSample, Probs, Scalar, Scores

_ROUNDS = 8


@partial(jax.jit, static_argnames="metric")
def micro_label_thresholds(
    scores: Scores,
    labels: Labels,
    *,
    where: Mask | None = None,
    metric: str = "micro_f1",
    probs: Probs | None = None,
    log_count: PerSample | None = None,
    beta: Scalar = 1.0,
    strength: Scalar = 20.0,
) -> LabelThresholds:
    r"""Fit the thresholds per label whose micro-F measure together is largest, and shrink them.

    Micro-F is a ratio of sums over labels,
    :math:`F = (1+\beta^2) \sum_j tp_j / \sum_j (pp_j + \beta^2 P_j)`. Such a ratio is maximised by
    Dinkelbach's iteration: given the value :math:`\lambda` so far, every label on its own takes the cut of
    largest :math:`(1+\beta^2) tp_j - \lambda\, pp_j`, and the new ratio is the next :math:`\lambda`. It
    grows in every round and reaches the joint maximum over all thresholds faster than linearly; 8 rounds are
    done, where 2 or 3 were enough on every data set tried. The result is then shrunk toward the global
    threshold as in :mod:`mlj.decision.per_label`; ``strength = 0`` keeps the exact maximiser. A label that
    is best never predicted gets the larger of its highest score and the global threshold.

    Args are those of :func:`label_thresholds`; ``metric`` does not matter, this rule is for micro-F.

    Reference:
        Dinkelbach, On nonlinear fractional programming, Management Science 1967.

    >>> scores = jnp.array([[3.0, 1.0], [2.0, 0.5], [1.0, 0.0]])
    >>> labels = jnp.array([[1, 1], [1, 0], [0, 0]])
    >>> micro_label_thresholds(scores, labels, strength=0.0).thresholds.tolist()
    [1.5, 0.75]
    """
    check("micro_label_thresholds", scores, labels, where)
    average_of(metric)
    near, value = best_threshold_f1(scores, labels, where, "micro", beta)
    found = label_sweep(scores, labels, where, near)
    hits, predicted = (x.astype(jnp.float32) for x in (found.hits, found.predicted))
    square = jnp.asarray(beta, jnp.float32) ** 2
    positives = hits[:, -1]

    def gains(ratio):
        return (1 + square) * hits - ratio * predicted

    def best_gain(ratio):
        thresholds, at = pick(found, gains(ratio), near)
        gain = jnp.take_along_axis(gains(ratio), at[:, None], axis=-1)[:, 0]
        return thresholds, at, gain > 0

    def improve(_, ratio):
        _, at, used = best_gain(ratio)
        tp, pp = (
            jnp.sum(jnp.where(used, jnp.take_along_axis(x, at[:, None], axis=-1)[:, 0], 0))
            for x in (hits, predicted)
        )
        return (1 + square) * tp / jnp.maximum(square * jnp.sum(positives) + pp, 1)

    thresholds, _, used = best_gain(lax.fori_loop(0, _ROUNDS, improve, value))
    seen = scores if where is None else jnp.where(where, scores, -jnp.inf)
    highest = jnp.max(seen, axis=0, initial=-jnp.inf)
    thresholds = jnp.where(used | (positives == 0), thresholds, jnp.maximum(highest, near))
    return LabelThresholds(shrink(thresholds, positives, near, strength))
