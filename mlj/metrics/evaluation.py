"""All metrics at once, by what they need: scores, predictions or probabilities.

Metrics of scores are computed once per score matrix, those of predictions once per decision. Each function is
jitted and may be mapped over leading axes: ``jax.vmap(lambda s: evaluate_scores(s, labels))(scores)``.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp

from mlj.metrics.averages import summarise
from mlj.metrics.counts import count, ratio
from mlj.metrics.curves import (
    flat_tally,
    label_auc_of,
    label_precision_of,
    label_tally,
    macro_of,
    value_of,
)
from mlj.metrics.probabilities import brier_of, calibration, log_loss_of, macro_calibration_error
from mlj.metrics.propensity import Attained, attained
from mlj.metrics.ranking import coverage_of, lrap_of, one_error_of, ranking_loss_of, sample_tally
from mlj.metrics.top_k import best_labels, ndcg_of, precision_of, presence, recall_of
from mlj.types import Array, Labels, Mask, Predictions, Probs, Scalar, Scores

KS = (1, 3, 5)


class RankingSums(NamedTuple):
    """Sums over samples of the per-sample metrics of scores; it adds over batches.

    A sample without an observed label is deleted.
    """

    samples: Array
    """Number of samples, int32."""
    sums: dict[str, Array]
    """Sum over samples of each per-sample metric, by name, float32."""
    attained: dict[str, Attained]
    """Gain and best gain of the propensity-scored metrics, by name."""


@partial(jax.jit, static_argnames="ks")
def count_ranking(
    scores: Scores,
    labels: Labels,
    *,
    where: Mask | None = None,
    ks: tuple[int, ...] = KS,
    inverse_propensities: Array | None = None,
) -> RankingSums:
    """Sum the per-sample metrics of scores over a batch.

    Arguments are those of :func:`evaluate_scores`.

    >>> count_ranking(jnp.array([[2.0, 1.0]]), jnp.array([[1, 0]]), ks=(1,)).sums["precision_at_1"].item()
    1.0
    """
    found = sample_tally(scores, labels, where)
    order = best_labels(scores, where, max(1, *ks))
    top = presence(labels, where, order)
    values = {
        "one_error": one_error_of(top, where),
        "coverage_error": coverage_of(found),
        "label_ranking_loss": ranking_loss_of(found),
        "label_ranking_average_precision": lrap_of(found),
    }
    for k in ks:
        values[f"precision_at_{k}"] = precision_of(top, k)
        values[f"recall_at_{k}"] = recall_of(top, found.present, k)
        values[f"ndcg_at_{k}"] = ndcg_of(top, found.present, k)
    kept = found.present + found.absent > 0
    sums = {name: jnp.sum(jnp.where(kept, value, 0)) for name, value in values.items()}
    gains = {}
    if inverse_propensities is not None:
        gains = attained(order, labels, where, inverse_propensities, ks)
    return RankingSums(jnp.sum(kept, dtype=jnp.int32), sums, gains)


def summarise_ranking(found: RankingSums) -> dict[str, Array]:
    """Return the metrics of a :class:`RankingSums`, by name."""
    means = {name: ratio(total, found.samples) for name, total in found.sums.items()}
    return means | {name: ratio(a.gain, a.best) for name, a in found.attained.items()}


@partial(jax.jit, static_argnames="ks")
def evaluate_scores(
    scores: Scores,
    labels: Labels,
    *,
    where: Mask | None = None,
    ks: tuple[int, ...] = KS,
    inverse_propensities: Array | None = None,
) -> dict[str, Array]:
    """Return every metric of scores, by name.

    Beside the names in :data:`mlj.metrics.METRICS` there are ``macro_average_precision_skipped`` and
    ``macro_roc_auc_skipped``: how many labels were left out because they lack a positive, or one of the
    classes.

    Args:
        scores: Scores ``[N, L]``.
        labels: Multi-hot truth ``[N, L]``.
        where: Observed entries ``[N, L]``, bool.
        ks: The k of the metrics at k; static.
        inverse_propensities: ``[L]``; without it the propensity-scored metrics are left out.

    Returns:
        Scalars by name.

    >>> found = evaluate_scores(jnp.array([[2.0, 1.0], [1.0, 2.0]]), jnp.array([[1, 0], [0, 1]]))
    >>> found["one_error"].item(), found["macro_roc_auc"].item(), found["macro_roc_auc_skipped"].item()
    (0.0, 1.0, 0)
    """
    found = summarise_ranking(
        count_ranking(scores, labels, where=where, ks=ks, inverse_propensities=inverse_propensities)
    )
    seen = jnp.ones(scores.shape[-1], bool) if where is None else jnp.any(where, axis=-2)

    columns, flat = label_tally(scores, labels, where), flat_tally(scores, labels, where)
    for name, of in (("average_precision", label_precision_of), ("roc_auc", label_auc_of)):
        values = of(columns)
        found[f"macro_{name}"] = macro_of(values)
        found[f"macro_{name}_skipped"] = jnp.sum(seen & ~values.defined)
        found[f"micro_{name}"] = value_of(of(flat))
    return found


@jax.jit
def evaluate_predictions(
    predictions: Predictions, labels: Labels, *, where: Mask | None = None, empty: Scalar = 0.0
) -> dict[str, Array]:
    """Return every metric of predictions, by name; see :func:`mlj.metrics.averages.summarise`.

    >>> evaluate_predictions(jnp.array([[True, False]]), jnp.array([[1, 0]]))["subset_accuracy"].item()
    1.0
    """
    return summarise(count(predictions, labels, where=where), empty=empty)


@partial(jax.jit, static_argnames="bins")
def evaluate_probs(
    probs: Probs, labels: Labels, *, where: Mask | None = None, bins: int = 15
) -> dict[str, Array]:
    """Return every metric of probabilities, by name.

    >>> sorted(evaluate_probs(jnp.array([[0.9, 0.2]]), jnp.array([[1, 0]])))
    ['brier', 'expected_calibration_error', 'log_loss']
    """
    found = calibration(probs, labels, where=where, bins=bins)
    return {
        "brier": brier_of(found),
        "log_loss": log_loss_of(found),
        "expected_calibration_error": macro_calibration_error(found),
    }


def evaluate(
    *,
    labels: Labels,
    scores: Scores | None = None,
    predictions: Predictions | None = None,
    probs: Probs | None = None,
    where: Mask | None = None,
    ks: tuple[int, ...] = KS,
    inverse_propensities: Array | None = None,
) -> dict[str, Array]:
    """Return every metric that the given arrays allow, by name.

    Scores are never taken for probabilities, nor probabilities for decisions: what is not given is not
    measured.

    Args:
        labels: Multi-hot truth ``[N, L]``.
        scores: Scores ``[N, L]``.
        predictions: Decisions ``[N, L]``, bool.
        probs: Probabilities ``[N, L]``.
        where: Observed entries ``[N, L]``, bool.
        ks: The k of the metrics at k; static.
        inverse_propensities: ``[L]``; without it the propensity-scored metrics are left out.

    Returns:
        Scalars by name.

    >>> labels = jnp.array([[1, 0]])
    >>> sorted(evaluate(labels=labels, predictions=jnp.array([[True, False]])))[:2]
    ['hamming_loss', 'labels_never_predicted']
    """
    found: dict[str, Array] = {}
    if scores is not None:
        found |= evaluate_scores(
            scores, labels, where=where, ks=ks, inverse_propensities=inverse_propensities
        )
    if predictions is not None:
        found |= evaluate_predictions(predictions, labels, where=where)
    if probs is not None:
        found |= evaluate_probs(probs, labels, where=where)
    return found
