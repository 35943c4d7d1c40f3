"""From outputs to evidence: every decision rule fitted on validation rows, and all metrics of each."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from mlj.approaches import COHERENT_LINK, SHARED_MASS
from mlj.decision import DECISIONS, apply, fit_platt, platt_probs
from mlj.metrics import count, evaluate_probs, evaluate_scores, per_label, summarise
from mlj.types import Array

FOLDS = 5
"""Folds of the validation rows over which a rule is fitted and judged when rules are compared."""

ONE_THRESHOLD = ("zero", "global_threshold", "cardinality_threshold")
"""Rules that put one threshold on the scores of all labels."""


class Scored(NamedTuple):
    """Scores of one contender and the truth; the leading axis of the arrays is the seed."""

    scores: Array
    """``[S, N, L]``"""
    log_count: Array | None
    """``[S, N]``"""
    labels: Array
    """``[S, N, L]``"""
    where: Array
    """``[S, N, L]``, bool"""


def padded(scored: Scored, rows: int) -> Scored:
    """Return ``scored`` with unobserved rows up to ``rows``, which count nowhere.

    Validation and test rows of one shape are measured by one compiled program.
    """

    def longer(array: Array) -> Array:
        return jnp.pad(array, [(0, 0), (0, rows - array.shape[1])] + [(0, 0)] * (array.ndim - 2))

    return jax.tree.map(longer, scored)


class RuleEvidence(NamedTuple):
    """What one decision rule gives on one contender's scores, for every seed."""

    rule: Any
    """The rules fitted on all validation rows, stacked; None for a decoder of the approach."""
    validation: dict[str, np.ndarray]
    """Metrics ``[S]`` on validation rows that the rule was not fitted on."""
    test: dict[str, np.ndarray]
    """Metrics ``[S]`` on the test rows."""
    label_f1: np.ndarray
    """F1 of each label on the test rows ``[S, L]``."""


def fold_of_rows(count: int, seeds: int) -> np.ndarray:
    """Return which fold each validation row belongs to, ``[S, count]``: equal sizes, drawn for each seed."""
    rows = np.arange(count) % FOLDS
    return np.stack([np.random.default_rng(seed).permutation(rows) for seed in range(seeds)])


@partial(jax.jit, static_argnames=("name", "metric"))
def _decide(name: str, metric: str, validation: Scored, test: Scored, folds: Array):
    """Return the rule fitted on all validation rows, its decisions on held-out rows and on test rows."""
    fit = DECISIONS[name].fit

    def one_seed(seed: tuple[Scored, Scored, Array]):
        validation, test, folds = seed

        def without(fold: Array):
            seen = validation.where & (folds != fold)[:, None]
            platt = fit_platt(validation.scores, validation.labels, seen)
            rule = fit(
                validation.scores,
                validation.labels,
                where=seen,
                metric=metric,
                probs=platt_probs(platt, validation.scores),
                log_count=validation.log_count,
            )
            return platt, rule

        platts, rules = jax.lax.map(without, jnp.arange(FOLDS + 1))

        def decide(fold: Array | int, scored: Scored) -> Array:
            platt, rule = jax.tree.map(lambda leaf: leaf[fold], (platts, rules))
            return apply(
                rule, scored.scores, probs=platt_probs(platt, scored.scores), log_count=scored.log_count
            )

        every = jax.lax.map(lambda fold: decide(fold, validation), jnp.arange(FOLDS))
        held_out = every[folds, jnp.arange(len(folds))]
        return jax.tree.map(lambda leaf: leaf[FOLDS], rules), held_out, decide(FOLDS, test)

    return jax.lax.map(one_seed, (validation, test, folds))


@jax.jit
def _measure_predictions(decided: Scored):
    """Measure decisions that stand in the place of scores."""

    def one_seed(seed: Scored):
        counts = count(seed.scores, seed.labels, where=seed.where)
        return summarise(counts), per_label(counts)["f1"]

    return jax.lax.map(one_seed, decided)


def judge_rule(name: str, metric: str, validation: Scored, test: Scored, folds: np.ndarray) -> RuleEvidence:
    """Fit one rule on validation rows and measure it on rows it has not seen.

    On validation rows it is cross-fitted: rows of a fold are decided by a rule fitted on the other folds, so
    that a rule with many numbers to fit is not judged by the rows that it fitted. On test rows the rule
    fitted on all validation rows decides.

    Args:
        name: A name in :data:`mlj.decision.DECISIONS`.
        metric: The F measure that it is tuned for.
        validation: Scores of models that have not seen these rows.
        test: Scores on the test rows.
        folds: From :func:`fold_of_rows`.
    """
    if "log_count" not in DECISIONS[name].needs:  # one program for all contenders, with a count or without
        validation, test = validation._replace(log_count=None), test._replace(log_count=None)
    rule, held_out, decided = _decide(name, metric, validation, test, folds)
    return _evidence(rule, held_out, decided, validation, test)


def judge_sets(held_out: np.ndarray, decided: np.ndarray, validation: Scored, test: Scored) -> RuleEvidence:
    """Measure labelsets that an approach decided on by itself, on rows that it has not seen.

    Args:
        held_out: Bool ``[S, V, L]`` for the validation rows.
        decided: Bool ``[S, T, L]`` for the test rows.
        validation: The truth of the validation rows.
        test: The truth of the test rows.
    """
    return _evidence(None, jnp.asarray(held_out), jnp.asarray(decided), validation, test)


def _evidence(rule: Any, held_out: Array, decided: Array, validation: Scored, test: Scored) -> RuleEvidence:
    rows = max(held_out.shape[1], decided.shape[1])
    on_validation, _ = _measure_predictions(
        padded(validation._replace(scores=held_out, log_count=None), rows)
    )
    on_test, each_label = _measure_predictions(padded(test._replace(scores=decided, log_count=None), rows))
    return RuleEvidence(*jax.device_get((rule, on_validation, on_test, each_label)))


@jax.jit
def _measure_scores(fitted_on: Scored, measured: Scored, inverse_propensities: Array):
    def one_seed(seed: tuple[Scored, Scored]):
        fitted_on, measured = seed
        platt = fit_platt(fitted_on.scores, fitted_on.labels, fitted_on.where)
        probs = platt_probs(platt, measured.scores)
        return platt, {
            **evaluate_scores(
                measured.scores,
                measured.labels,
                where=measured.where,
                inverse_propensities=inverse_propensities,
            ),
            **evaluate_probs(probs, measured.labels, where=measured.where),
        }

    return jax.lax.map(one_seed, (fitted_on, measured))


def measure_scores(fitted_on: Scored, measured: Scored, inverse_propensities: np.ndarray):
    """Return the logistic curves, and the metrics ``[S]`` of scores and of their probabilities."""
    return jax.device_get(_measure_scores(fitted_on, measured, inverse_propensities))


def rules_for(link: str, log_count: Array | None) -> tuple[str, ...]:
    """Return the decision rules that apply to scores of this origin.

    A rule of the count needs one. ``zero`` belongs to losses whose logits have a level: the log of a
    softmax is never above 0, whatever the sample. Coherent scores are decided by one threshold for all
    labels, which gives a label together with all labels above it; other rules would part them.
    """
    if link == COHERENT_LINK:
        return ONE_THRESHOLD
    left_out = {"zero"} if link in SHARED_MASS else set()
    return tuple(
        name
        for name, rule in DECISIONS.items()
        if name not in left_out and (log_count is not None or "log_count" not in rule.needs)
    )
