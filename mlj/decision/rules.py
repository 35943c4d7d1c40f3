"""What a fitted decision is, and how it turns scores into multi-hot predictions.

A rule is a ``NamedTuple`` of arrays: it passes through ``jit``, a ``vmap`` over models stacks it, and
:func:`mlj.decision.to_json` writes it beside the model. It is fitted on validation samples by the functions
in :data:`mlj.decision.DECISIONS` and applied by :func:`apply`.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import jax
import jax.numpy as jnp

from mlj._checks import same_shape
from mlj.decision.f1_optimal import f1_optimal_sets
from mlj.decision.k_best import top_k_sets
from mlj.types import Array, PerSample, Predictions, Probs, Scores


class Threshold(NamedTuple):
    """Predict every label with ``score > threshold``."""

    threshold: Array
    """Scalar."""


class ProbThreshold(NamedTuple):
    """Predict every label with ``prob > threshold``."""

    threshold: Array
    """Scalar."""


class LabelThresholds(NamedTuple):
    """Predict label j where ``score_j > thresholds_j`` (SCut)."""

    thresholds: Array
    """One per label, ``[L]``."""


class TopK(NamedTuple):
    """Predict the k labels of highest score in every sample (RCut); of equal scores the lowest index wins."""

    k: Array
    """Int32 scalar."""


class CountTopK(NamedTuple):
    """Predict the top k labels with ``k = round(exp(log_count))``, between 0 and L: each sample has its own
    k."""


class ExpectedF1(NamedTuple):
    """Predict the labelset of largest expected F1 if labels are independent given the sample."""


Rule: TypeAlias = Threshold | ProbThreshold | LabelThresholds | TopK | CountTopK | ExpectedF1


@jax.jit
def apply(
    rule: Rule, scores: Scores, *, probs: Probs | None = None, log_count: PerSample | None = None
) -> Predictions:
    """Turn scores into multi-hot predictions by a fitted rule.

    A NaN score is never above a threshold and ranks last. Rules that were fitted for several models in one
    ``vmap`` are applied in one: ``jax.vmap(apply)(rules, scores)``.

    Args:
        rule: A fitted rule.
        scores: Scores ``[N, L]``.
        probs: Probabilities ``[N, L]``, for :class:`ProbThreshold` and :class:`ExpectedF1`.
        log_count: Log of the predicted number of labels ``[N]``, for :class:`CountTopK`.

    Returns:
        Predictions ``[N, L]``, bool.

    Raises:
        TypeError: If ``rule`` is no rule.
        ValueError: If the rule needs ``probs`` or ``log_count`` and it is missing, or shapes differ.

    >>> apply(TopK(jnp.array(1)), jnp.array([[0.1, 2.0, 2.0]])).tolist()
    [[False, True, False]]
    """
    same_shape("apply", scores=scores, probs=probs)
    match rule:
        case Threshold(threshold):
            return scores > threshold
        case ProbThreshold(threshold):
            return _given("probs", probs, rule) > threshold
        case LabelThresholds(thresholds):
            if thresholds.shape != scores.shape[-1:]:
                raise ValueError(
                    f"apply: scores {list(scores.shape)} need {scores.shape[-1]} thresholds, "
                    f"the rule has {list(thresholds.shape)}"
                )
            return scores > jnp.broadcast_to(thresholds, scores.shape)
        case TopK(k):
            return top_k_sets(scores, jnp.broadcast_to(k, scores.shape[:-1]))
        case CountTopK():
            same_shape("apply", sample=scores[..., 0], log_count=_given("log_count", log_count, rule))
            return top_k_sets(scores, counted_k(log_count, scores.shape[-1]))
        case ExpectedF1():
            return f1_optimal_sets(_given("probs", probs, rule))
    raise TypeError(f"apply: {type(rule).__name__} is not a decision rule")


def counted_k(log_count: PerSample, num_labels: int) -> Array:
    """Return ``round(exp(log_count))`` as int32 in ``0..num_labels``; NaN gives 0.

    >>> counted_k(jnp.log(jnp.array([2.6, 0.2, 90.0])), 5).tolist()
    [3, 0, 5]
    """
    wanted = jnp.round(jnp.exp(log_count))
    return jnp.clip(jnp.where(jnp.isnan(wanted), 0, wanted), 0, num_labels).astype(jnp.int32)


def _given(name: str, array: Array | None, rule: Rule) -> Array:
    if array is None:
        raise ValueError(f"apply: {type(rule).__name__} needs {name}")
    return array
