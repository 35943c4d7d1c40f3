"""From outputs to evidence: every decision rule fitted on validation rows, and all metrics of each."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from mlj.decision import DECISIONS, apply
from mlj.decision.platt import fit_platt, platt_probs
from mlj.metrics import evaluate_predictions, evaluate_probs, evaluate_scores
from mlj.types import Array

FOLDS = 5
"""Folds of the validation rows over which a rule is fitted and judged when rules are compared."""


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


class RuleEvidence(NamedTuple):
    """What one decision rule gives on one contender's scores, for every seed."""

    rule: Any
    """The rules fitted on all validation rows, stacked."""
    validation: dict[str, np.ndarray]
    """Metrics ``[S]`` on validation rows that the rule was not fitted on."""
    test: dict[str, np.ndarray]
    """Metrics ``[S]`` on the test rows."""
    label_f1: np.ndarray
    """F1 of each label on the test rows ``[S, L]``."""


def fold_of_rows(count: int, seeds: int) -> np.ndarray:
    """Return which fold each validation row belongs to, ``[S, count]``: equal sizes, drawn anew for each seed."""
    rows = np.arange(count) % FOLDS
    return np.stack([np.random.default_rng(seed).permutation(rows) for seed in range(seeds)])


def _decide(fit, metric: str, fitted: Scored, seen: Array, scores: Array, log_count: Array | None):
    """Fit a rule for one seed on what is ``seen`` of ``fitted`` and decide on ``scores``."""
    platt = fit_platt(fitted.scores, fitted.labels, seen)
    probs = platt_probs(platt, fitted.scores)
    rule = fit(
        fitted.scores, fitted.labels, where=seen, metric=metric, probs=probs, log_count=fitted.log_count
    )
    return rule, apply(rule, scores, probs=platt_probs(platt, scores), log_count=log_count)


@partial(jax.jit, static_argnames=("name", "metric"))
def _judge_rule(name: str, metric: str, validation: Scored, test: Scored, folds: Array):
    fit = DECISIONS[name].fit

    def one_seed(seed: tuple[Scored, Scored, Array]):
        validation, test, folds = seed
        decide = partial(_decide, fit, metric, validation)

        def held_out(fold: Array) -> Array:
            seen = validation.where & (folds != fold)[:, None]
            return decide(seen, validation.scores, validation.log_count)[1]

        every = jax.lax.map(held_out, jnp.arange(FOLDS))
        crossed = every[folds, jnp.arange(len(folds))]
        rule, decided = decide(validation.where, test.scores, test.log_count)
        return (
            rule,
            evaluate_predictions(crossed, validation.labels, where=validation.where),
            evaluate_predictions(decided, test.labels, where=test.where),
            _label_f1(decided, test.labels, test.where),
        )

    return jax.lax.map(one_seed, (validation, test, folds))


def _label_f1(predictions: Array, labels: Array, where: Array) -> Array:
    present, predicted = (labels > 0) & where, predictions & where
    hits = jnp.sum(present & predicted, axis=0)
    sizes = jnp.sum(present, axis=0) + jnp.sum(predicted, axis=0)
    return jnp.where(sizes > 0, 2 * hits / jnp.maximum(sizes, 1), 0)


def judge_rule(name: str, metric: str, validation: Scored, test: Scored, folds: np.ndarray) -> RuleEvidence:
    """Fit one rule on validation rows and measure it on rows it has not seen.

    On validation rows it is cross-fitted: rows of a fold are decided by a rule fitted on the other folds, so
    that a rule with many numbers to fit is not judged by the rows that it fitted. On test rows the rule fitted on all
    validation rows decides.

    Args:
        name: A name in :data:`mlj.decision.DECISIONS`.
        metric: The F measure that it is tuned for.
        validation: Scores of models that have not seen these rows.
        test: Scores on the test rows.
        folds: From :func:`fold_of_rows`.
    """
    rule, on_validation, on_test, label_f1 = jax.device_get(_judge_rule(name, metric, validation, test, folds))
    return RuleEvidence(rule, on_validation, on_test, label_f1)


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
    """Return the logistic curves and the metrics ``[S]`` of scores and of the probabilities they are mapped to."""
    return jax.device_get(_measure_scores(fitted_on, measured, inverse_propensities))


def rules_for(log_count: Array | None) -> tuple[str, ...]:
    """Return the decision rules that apply: all, without those of a count where there is none."""
    return tuple(name for name, rule in DECISIONS.items() if log_count is not None or "log_count" not in rule.needs)
