"""From the best parameters to a model that decides: the rule is chosen on validation rows."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from mlj.approaches import APPROACHES, Approach
from mlj.comparison.evaluate import Scored, fold_of_rows, judge_rule, judge_sets, rules_for
from mlj.decision import AVERAGES, DECISIONS, PlattScaling, Rule, fit_platt
from mlj.metrics import METRICS
from mlj.runs.config import TrainConfig
from mlj.types import Array


class Decision(NamedTuple):
    """How a model decides, and how every other rule would have done."""

    name: str
    """The rule or decoder that was chosen."""
    rule: Rule | None
    """Fitted on all validation rows; None for a decoder."""
    platt: PlattScaling
    """The logistic curve that gives probabilities."""
    values: dict[str, float]
    """The metric of every rule and decoder on validation rows that it was not fitted on."""
    metric: str
    """Which metric that is: the run's, or micro-F1 if that needs no decision."""


def titles_of(approach: Approach) -> dict[str, str]:
    """Return what each rule and each decoder of the approach is called."""
    return {name: rule.title for name, rule in DECISIONS.items()} | {
        name: decoder.title for name, decoder in approach.decoders.items()
    }


def choose_decision(
    config: TrainConfig,
    approach: Approach,
    outputs: Any,
    sets: dict[str, np.ndarray],
    labels: Array,
    where: Array | None,
) -> Decision:
    """Judge every rule that applies on validation rows and take the best, or the one that was asked for.

    Args:
        config: The run's settings.
        approach: What was trained.
        outputs: Of the validation rows.
        sets: What each decoder decides on them, bool ``[V, L]``.
        labels: ``[V, L]``.
        where: What was observed, or None.

    Raises:
        ValueError: If the rule that was asked for does not apply to the approach.
    """
    scores, log_count = approach.scores(outputs)
    observed = jnp.ones(labels.shape, bool) if where is None else where
    held = jax.tree.map(lambda leaf: leaf[None], Scored(scores, log_count, labels, observed))
    folds = jnp.asarray(fold_of_rows(len(labels), 1))
    metric = config.metric if METRICS[config.metric].needs == "predictions" else "micro_f1"
    applicable = rules_for(APPROACHES[config.contender].link, log_count)
    if config.rule is not None and config.rule not in (*applicable, *sets):
        known = ", ".join((*applicable, *sets))
        raise ValueError(f"the rule {config.rule!r} does not apply to {config.contender}; these do: {known}")
    asked = (*applicable, *sets) if config.rule is None else (config.rule,)
    tuned = metric if metric in AVERAGES else "micro_f1"
    found = {
        name: judge_sets(sets[name][None], sets[name][None], held, held)
        if name in sets
        else judge_rule(name, tuned, held, held, folds)
        for name in asked
    }
    sign = 1 if METRICS[metric].greater_is_better else -1
    values = {name: float(evidence.validation[metric][0]) for name, evidence in found.items()}
    best = max(values, key=lambda name: np.nan_to_num(sign * values[name], nan=-np.inf))
    rule = found[best].rule
    platt = fit_platt(scores, labels, observed)
    chosen = None if rule is None else jax.tree.map(lambda leaf: jnp.asarray(leaf[0]), rule)
    return Decision(best, chosen, platt, values, metric)
