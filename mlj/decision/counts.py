"""Rules that fix how many labels a sample gets: one k for all (RCut), a predicted count, or the set of best
F1."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp

from mlj.decision.k_best import f_of_every_k
from mlj.decision.options import average_of, check
from mlj.decision.rules import CountTopK, ExpectedF1, TopK
from mlj.metrics.counts import ratio
from mlj.types import Labels, Mask, PerSample, Probs, Scalar, Scores


@partial(jax.jit, static_argnames=("metric", "limit"))
def top_k(
    scores: Scores,
    labels: Labels,
    *,
    where: Mask | None = None,
    metric: str = "micro_f1",
    probs: Probs | None = None,
    log_count: PerSample | None = None,
    beta: Scalar = 1.0,
    limit: int = 64,
) -> TopK:
    """Fit the k for which predicting the top k labels of every sample has the largest F measure (RCut).

    Every k from 1 to ``min(L, limit)`` is tried; the smallest of equals wins. Ranks run over all labels,
    observed or not, since so they do when the rule is applied; only observed entries are counted. For a k of
    your own, write ``TopK(jnp.array(3))``.

    Args:
        scores: Scores ``[N, L]`` of validation samples.
        labels: Multi-hot truth ``[N, L]``.
        where: Observed entries ``[N, L]``, bool.
        metric: The F measure; static.
        probs: Not used.
        log_count: Not used.
        beta: Weight of recall; 1 is F1.
        limit: Largest k tried; static.

    Returns:
        The :class:`TopK`.

    >>> top_k(jnp.array([[3.0, 2.0, 1.0], [1.0, 2.0, 3.0]]), jnp.array([[1, 1, 0], [0, 1, 1]])).k.item()
    2
    """
    check("top_k", scores, labels, where)
    limit = min(limit, scores.shape[1])
    values = f_of_every_k(scores, labels, where, average_of(metric), beta, limit)
    return TopK(jnp.argmax(values).astype(jnp.int32) + 1)


@partial(jax.jit, static_argnames="metric")
def cardinality_top_k(
    scores: Scores,
    labels: Labels,
    *,
    where: Mask | None = None,
    metric: str = "micro_f1",
    probs: Probs | None = None,
    log_count: PerSample | None = None,
) -> TopK:
    """Predict the top k labels with k the rounded label cardinality, at least 1.

    With unobserved entries the cardinality is L times the share of present entries among the observed ones.

    >>> cardinality_top_k(jnp.zeros((2, 3)), jnp.array([[1, 1, 0], [1, 1, 1]])).k.item()
    2
    """
    check("cardinality_top_k", scores, labels, where)
    average_of(metric)
    seen = jnp.ones(scores.shape, bool) if where is None else where
    density = ratio(jnp.sum((labels > 0.5) & seen), jnp.sum(seen))
    return TopK(jnp.clip(jnp.round(density * scores.shape[1]), 1, scores.shape[1]).astype(jnp.int32))


@partial(jax.jit, static_argnames="metric")
def count_head(
    scores: Scores,
    labels: Labels,
    *,
    where: Mask | None = None,
    metric: str = "micro_f1",
    probs: Probs | None = None,
    log_count: PerSample | None = None,
) -> CountTopK:
    """Predict the top k labels of each sample with the k that a count head predicts. Nothing is fitted.

    ``k = round(exp(log_count))``, between 0 and L; ``log_count`` is given to :func:`apply`.

    >>> from mlj.decision.rules import apply
    >>> rule = count_head(jnp.zeros((1, 3)), jnp.zeros((1, 3)))
    >>> apply(rule, jnp.array([[0.0, 2.0, 1.0]]), log_count=jnp.log(jnp.array([2.2]))).tolist()
    [[False, True, True]]
    """
    check("count_head", scores, labels, where)
    average_of(metric)
    return CountTopK()


@partial(jax.jit, static_argnames="metric")
def expected_f1(
    scores: Scores,
    labels: Labels,
    *,
    where: Mask | None = None,
    metric: str = "micro_f1",
    probs: Probs | None = None,
    log_count: PerSample | None = None,
) -> ExpectedF1:
    """Predict the labelset of largest expected F1 from probabilities. Nothing is fitted.

    See :func:`mlj.decision.f1_optimal.f1_optimal_sets`; ``probs`` are given to :func:`apply`. It aims at
    samples-F1.

    >>> from mlj.decision.rules import apply
    >>> rule = expected_f1(jnp.zeros((1, 2)), jnp.zeros((1, 2)))
    >>> apply(rule, jnp.zeros((1, 2)), probs=jnp.array([[0.9, 0.1]])).tolist()
    [[True, False]]
    """
    check("expected_f1", scores, labels, where)
    average_of(metric)
    return ExpectedF1()
