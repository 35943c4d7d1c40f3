"""Thresholds that predict as many labels as there are: label cardinality and label priors matched (PCut)."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp

from mlj.decision.options import average_of, check
from mlj.decision.rules import LabelThresholds, Threshold
from mlj.metrics.ordering import packed_sweep, scores_of
from mlj.types import Array, Labels, Mask, PerSample, Probs, Scores


def _cut_at(scores: Array, labels: Array, where: Array | None, share: Array | None) -> Array:
    """Return along the last axis the threshold whose number of predictions is nearest to the wanted one."""
    found = packed_sweep(scores, labels, where)
    seen = found.predicted[..., -1:].astype(jnp.float32)
    wanted = found.hits[..., -1:].astype(jnp.float32) if share is None else share[..., None] * seen
    distance = jnp.where(found.cut, jnp.abs(found.predicted - wanted), jnp.inf)
    at = jnp.argmin(distance, axis=-1)[..., None]
    # predicting nothing is the cut above the highest score
    highest = jnp.where(seen > 0, scores_of(found.keys[..., :1] & ~1), 0)
    none = wanted <= jnp.take_along_axis(distance, at, axis=-1)
    return jnp.where(none, highest, jnp.take_along_axis(found.thresholds, at, axis=-1))[..., 0]


@partial(jax.jit, static_argnames="metric")
def cardinality_threshold(
    scores: Scores,
    labels: Labels,
    *,
    where: Mask | None = None,
    metric: str = "micro_f1",
    probs: Probs | None = None,
    log_count: PerSample | None = None,
    density: Array | None = None,
) -> Threshold:
    """Fit the one threshold that predicts as many labels as are present.

    Among the cuts between different scores it is the one whose number of predicted entries is nearest to the
    number of present ones, fewer in a tie; so the label cardinality of the predictions is that of the truth.
    Only the number of present labels is learned from the truth, not which they are: it cannot overfit, and
    knows no metric.

    Args:
        scores: Scores ``[N, L]`` of validation samples.
        labels: Multi-hot truth ``[N, L]``.
        where: Observed entries ``[N, L]``, bool.
        metric: Checked and not used.
        probs: Not used.
        log_count: Not used.
        density: Scalar share of present entries to match, such as that of the training part; None takes it
            from ``labels``.

    Returns:
        The :class:`Threshold`.

    Reference:
        Read, Pfahringer, Holmes, Frank, Classifier chains for multi-label classification, Machine Learning
        2011.

    >>> scores, labels = jnp.array([[3.0, 1.0], [2.0, 0.0]]), jnp.array([[1, 0], [0, 1]])
    >>> cardinality_threshold(scores, labels).threshold.item()
    1.5
    """
    check("cardinality_threshold", scores, labels, where)
    average_of(metric)
    return Threshold(_cut_at(*(None if x is None else x.ravel() for x in (scores, labels, where)), density))


@partial(jax.jit, static_argnames="metric")
def proportional_thresholds(
    scores: Scores,
    labels: Labels,
    *,
    where: Mask | None = None,
    metric: str = "micro_f1",
    probs: Probs | None = None,
    log_count: PerSample | None = None,
    priors: Array | None = None,
) -> LabelThresholds:
    """Fit per label the threshold that predicts the label as often as it is present (PCut).

    PCut hands a label to the fixed share of test samples that score highest, which needs the whole test part
    at once. Here the score that parts this share on the validation samples becomes the threshold, so that a
    sample is decided on its own. A label with prior 0 gets its highest score, above which nothing was seen.

    Args:
        scores: Scores ``[N, L]`` of validation samples.
        labels: Multi-hot truth ``[N, L]``.
        where: Observed entries ``[N, L]``, bool.
        metric: Checked and not used.
        probs: Not used.
        log_count: Not used.
        priors: Shares ``[L]`` to match, such as those of the training part; None takes them from ``labels``.

    Returns:
        The :class:`LabelThresholds`.

    Reference:
        Yang, A study of thresholding strategies for text categorization, SIGIR 2001.

    >>> scores = jnp.array([[3.0, 1.0], [2.0, 0.5], [1.0, 0.0]])
    >>> proportional_thresholds(scores, jnp.array([[0, 0], [1, 1], [0, 1]])).thresholds.tolist()
    [2.5, 0.25]
    """
    check("proportional_thresholds", scores, labels, where)
    average_of(metric)
    return LabelThresholds(_cut_at(scores.T, labels.T, None if where is None else where.T, priors))
