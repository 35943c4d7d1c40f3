r"""One threshold per label (SCut), shrunk toward the global one where validation positives are few.

The threshold that is best for a label on few positives is mostly chance: on enron it loses half of the
micro-F1. Let :math:`t_j` be that threshold, :math:`t` the global one, and :math:`P_j` the observed positives
of the label:

.. math::
    \theta_j = \frac{P_j}{P_j + m}\, t_j + \frac{m}{P_j + m}\, t

The strength m is a number of positives: a label that has m of them goes half way. The mean is taken in the
units of the scores, so give logits rather than probabilities. A label without a positive takes the global
threshold.
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
from jax import lax

from mlj.decision.one_threshold import best_threshold_f1, f_curve
from mlj.decision.options import average_of, check
from mlj.decision.rules import LabelThresholds
from mlj.metrics.averages import macro, micro, samples
from mlj.metrics.counts import count
from mlj.metrics.ordering import Sweep, packed_sweep
from mlj.types import Array, Labels, Mask, PerSample, Probs, Scalar, Scores

FOLDS = 5
STRENGTHS = (0.0, 2.0, 5.0, 10.0, 20.0, 40.0, 80.0, jnp.inf)
_ALLOWED_LOSS = 0.005
_AVERAGES = {"micro": micro, "macro": macro, "samples": samples}


def label_sweep(scores: Scores, labels: Labels, where: Mask | None, near: Array) -> Sweep:
    """Return the sweep of every label over its samples, ``[L, N]``, with ``near`` where it makes the cut."""
    found = packed_sweep(scores.T, labels.T, None if where is None else where.T)
    above = near < scores.T
    above = jnp.sum(above if where is None else above & where.T, axis=-1, keepdims=True)
    return found._replace(thresholds=jnp.where(found.predicted == above, near, found.thresholds))


def pick(found: Sweep, values: Array, near: Array) -> tuple[Array, Array]:
    """Return for each label its best threshold ``[L]`` and the position of that cut ``[L]``.

    Of cuts of equal value the one nearest to ``near`` wins; a label without a cut or a positive gets
    ``near``.
    """
    values = jnp.where(found.cut, values, -jnp.inf)
    best = values == jnp.max(values, axis=-1, keepdims=True)
    at = jnp.argmin(jnp.where(best & found.cut, jnp.abs(found.thresholds - near), jnp.inf), axis=-1)
    thresholds = jnp.take_along_axis(found.thresholds, at[:, None], axis=-1)[:, 0]
    usable = jnp.any(found.cut, axis=-1) & (found.hits[:, -1] > 0)
    return jnp.where(usable, thresholds, near), at


def shrink(thresholds: Array, positives: Array, near: Array, strength: Scalar) -> Array:
    """Move the thresholds of labels with few positives toward ``near``; without a positive, all the way.

    >>> shrink(jnp.array([2.0, 2.0]), jnp.array([10, 0]), jnp.array(0.0), 10.0).tolist()
    [1.0, 0.0]
    """
    positives = positives.astype(jnp.float32)
    weight = jnp.where(positives > 0, positives / (positives + strength), 0)
    return near + weight * (thresholds - near)


def _fit(scores, labels, where, metric, beta):
    """Return the global threshold, the best threshold of each label and its number of positives."""
    near, _ = best_threshold_f1(scores, labels, where, average_of(metric), beta)
    found = label_sweep(scores, labels, where, near)
    thresholds, _ = pick(found, f_curve(found, beta), near)
    return near, thresholds, found.hits[:, -1]


@partial(jax.jit, static_argnames="metric")
def label_thresholds(
    scores: Scores,
    labels: Labels,
    *,
    where: Mask | None = None,
    metric: str = "micro_f1",
    probs: Probs | None = None,
    log_count: PerSample | None = None,
    beta: Scalar = 1.0,
    strength: Scalar = 40.0,
) -> LabelThresholds:
    """Fit one threshold per label to the F measure of the label, and shrink it toward the global one.

    The threshold of a label is exactly optimal on its samples, from one sort, O(N log N), before it is
    shrunk by the formula of :mod:`mlj.decision.per_label`. ``strength = 0`` is plain SCut, which overfits
    labels with few positives; ``strength = inf`` is :func:`global_threshold`. The default is the
    median of what cross-validation inside the validation parts of enron and bibtex picks, 20 to 80
    (:func:`tuned_label_thresholds`): macro-F1 rises over the global threshold, at a cost in micro-F1 well
    below 0.01.

    Args:
        scores: Logits ``[N, L]`` of validation samples.
        labels: Multi-hot truth ``[N, L]``.
        where: Observed entries ``[N, L]``, bool.
        metric: What the global threshold is tuned for; static. The labels are tuned for their own F measure.
        probs: Not used.
        log_count: Not used.
        beta: Weight of recall; 1 is F1.
        strength: Positives at which a label is half way between its own threshold and the global one.

    Returns:
        The :class:`LabelThresholds`.

    >>> scores = jnp.array([[3.0, 1.0], [2.0, 0.5], [1.0, 0.0]])
    >>> labels = jnp.array([[1, 1], [1, 0], [0, 0]])
    >>> label_thresholds(scores, labels, strength=0.0).thresholds.tolist()
    [1.5, 0.75]
    """
    check("label_thresholds", scores, labels, where)
    near, thresholds, positives = _fit(scores, labels, where, metric, beta)
    return LabelThresholds(shrink(thresholds, positives, near, strength))


@partial(jax.jit, static_argnames="metric")
def naive_label_thresholds(
    scores: Scores,
    labels: Labels,
    *,
    where: Mask | None = None,
    metric: str = "micro_f1",
    probs: Probs | None = None,
    log_count: PerSample | None = None,
    beta: Scalar = 1.0,
) -> LabelThresholds:
    """Fit one threshold per label without shrinkage: plain SCut, the rule that overfits rare labels.

    It is :func:`label_thresholds` with ``strength = 0``, kept as what the others are compared with.

    >>> naive_label_thresholds(jnp.array([[3.0], [1.0]]), jnp.array([[1], [0]])).thresholds.tolist()
    [2.0]
    """
    return label_thresholds(scores, labels, where=where, metric=metric, beta=beta, strength=0.0)


def _held_out(scores, labels, where, metric, beta) -> tuple[Array, Array]:
    """Return metric and macro-F1 of every strength on samples that its thresholds did not see."""
    fold = jnp.arange(scores.shape[0]) % FOLDS
    seen = jnp.ones(scores.shape, bool) if where is None else where

    def fit_without(k):
        return _fit(scores, labels, seen & (fold != k)[:, None], metric, beta)

    near, thresholds, positives = lax.map(fit_without, jnp.arange(FOLDS))

    def measure(strength):
        shrunk = shrink(thresholds, positives, near[:, None], strength)
        counts = count(scores > shrunk[fold], labels, where=where)
        return _AVERAGES[average_of(metric)](counts)["f1"], macro(counts)["f1"]

    return lax.map(measure, jnp.array(STRENGTHS))


@partial(jax.jit, static_argnames="metric")
def tuned_label_thresholds(
    scores: Scores,
    labels: Labels,
    *,
    where: Mask | None = None,
    metric: str = "micro_f1",
    probs: Probs | None = None,
    log_count: PerSample | None = None,
    beta: Scalar = 1.0,
) -> LabelThresholds:
    """Fit shrunk thresholds per label, with the strength chosen by cross-validation on the same samples.

    Row i is held out in fold ``i mod 5``; every strength in ``STRENGTHS`` predicts each row with thresholds
    that did not see it. Of the strengths that lose at most 0.005 of the metric (F1 in its average) to the
    global threshold, the one of largest macro-F1 is taken, the strongest of equals; then all rows are fitted
    with it. Rows that are sorted by anything should be shuffled first.

    On some hundred validation samples the choice is itself noisy; :func:`label_thresholds` with its fixed
    strength varies less. Args and returns are those of that function.

    >>> tuned_label_thresholds(jnp.array([[3.0], [1.0]]), jnp.array([[1], [0]])).thresholds.tolist()
    [2.0]
    """
    check("tuned_label_thresholds", scores, labels, where)
    values, macros = _held_out(scores, labels, where, metric, beta)
    allowed = values >= values[-1] - _ALLOWED_LOSS
    best = len(STRENGTHS) - 1 - jnp.argmax(jnp.where(allowed, macros, -1.0)[::-1])
    near, thresholds, positives = _fit(scores, labels, where, metric, beta)
    return LabelThresholds(shrink(thresholds, positives, near, jnp.array(STRENGTHS)[best]))
