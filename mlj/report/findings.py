"""What the figures show, in sentences that are computed from the numbers."""

from __future__ import annotations

import numpy as np

from mlj.report.label_f1 import Pair, chosen_pairs, label_f1, reference_pair
from mlj.report.learning import families
from mlj.report.matrix import rule_medians
from mlj.report.reading import (
    LOGISTIC,
    Results,
    contenders,
    leading_metric,
    mean_of,
    merit,
    metric_title,
    numbers,
    rule_title,
    series,
)
from mlj.report.reliability import ERROR, shown
from mlj.report.table import compared, rows
from mlj.report.thresholds import CURVES, peak
from mlj.report.words import count, listed, number


def of_dots(results: Results, metric: str) -> str:
    """Say how many contenders cannot be told from the chosen one, and how many a floor beats."""
    table = [row for row in rows(results, metric) if not row["floor"]]
    title = metric_title(results, metric)
    best = next((row for row in table if row["chosen"]), None)
    alike, tested = compared(results, metric)
    if best is None:
        return f"{title} of {count(len(table), 'loss', 'losses')}."
    if not tested:
        said = f"{best['contender']} reaches a {title} of {number(best['test'])}."
    else:
        those = f"{alike} of the other {tested} losses" if tested > 1 else f"{alike} of 1 other loss"
        said = f"{those} cannot be told from {best['contender']} by {title}."
    floor = next((row for row in rows(results, metric) if row["contender"] == LOGISTIC), None)
    if floor and floor["test"] is not None:
        below = sum(
            merit(results, metric, row["test"]) < merit(results, metric, floor["test"]) for row in table
        )
        said += f" Logistic regression for each label does better than {below or 'none'} of them."
    return said


def of_matrix(results: Results, metric: str) -> str:
    """Say what the rule is worth on average, and the loss."""
    title, medians = metric_title(results, metric), rule_medians(results, metric)
    own = [row["test"] for row in rows(results, metric) if not row["floor"] and row["test"] is not None]
    if len(medians) < 2 or not own:
        return f"{title} of every loss under every decision rule."
    order = sorted(medians, key=lambda rule: merit(results, metric, medians[rule]))
    worst, best = order[0], order[-1]
    said = (
        f"For the median loss, the rules give a {title} from {number(medians[worst])} "
        f"({rule_title(results, worst)}) to {number(medians[best])} ({rule_title(results, best)})"
    )
    if len(own) < 2:
        return said + "."
    return (
        said + f"; the losses, each under its own chosen rule, from {number(min(own))} to {number(max(own))}."
    )


def of_labels(results: Results) -> str:
    """Say how many labels gain over the reference, and how much the rarer half does."""
    reference, said = reference_pair(results), []
    counts = numbers(results["data"]["label_counts"])
    for metric, pair in chosen_pairs(results).items():
        gains = _gains(results, pair, reference)
        if gains is None:
            continue
        rare = gains[(counts <= np.median(counts)) & np.isfinite(gains)]
        known = gains[np.isfinite(gains)]
        if known.size and rare.size:
            said.append(
                f"the choice for {metric_title(results, metric)} lifts {int((known > 0.005).sum())} of "
                f"{count(known.size, 'label')} (mean {known.mean():+.3f}, rarer half {rare.mean():+.3f})"
            )
    if not said or reference is None:
        return "F1 of each label against how often it occurs."
    return f"Against {reference.contender} under “{rule_title(results, reference.rule)}”, {listed(said)}."


def _gains(results: Results, pair: Pair, reference: Pair | None) -> np.ndarray | None:
    if reference is None:
        return None
    return label_f1(results, pair) - label_f1(results, reference)


def of_reliability(results: Results) -> str:
    """Say whose probabilities are nearest to the truth, of those drawn."""
    found = {name: mean_of(series(results, name, None, ERROR, "test")) for name in shown(results)}
    found = {name: value for name, value in found.items() if value is not None}
    if not found:
        return "Probabilities against the share of labels present."
    best = min(found, key=found.get)
    others = [f"{name} by {number(value)}" for name, value in found.items() if name != best]
    said = f"The probabilities of {best} are off by {number(found[best])} on average"
    return f"{said}; those of {listed(others)}." if others else f"{said}."


def of_thresholds(results: Results) -> str:
    """Say where the best threshold of the chosen contender lies, and what leaving 0.5 is worth."""
    name = results["chosen"][leading_metric(results)]["contender"]
    said = []
    for metric in CURVES:
        found = peak(results, name, metric)
        if found and metric in results["metrics"]:
            top, best, half = found
            said.append(
                f"{metric_title(results, metric)} from {number(half)} to {number(best)} (threshold "
                f"{top:.2f} instead of 0.5)"
            )
    if not said:
        return "F1 against the threshold."
    return f"One better threshold on the probabilities of {name} lifts its validation {listed(said)}."


def of_learning(results: Results) -> str:
    """Say when runs are at their best, and how many are so only at the end."""
    names = [name for members in families(results).values() for name in members]
    epochs = [epoch for name in names for epoch in results["contenders"][name].get("best_epochs") or []]
    limit = results["protocol"]["max_epochs"]
    if not epochs:
        return "The validation metric after every epoch."
    late = sum(epoch >= limit for epoch in epochs)
    said = f"Half of the {len(epochs)} chosen runs are best by epoch {int(np.median(epochs))} of {limit}"
    return (
        f"{said}; {late} are best at the last one and may gain from a longer budget." if late else f"{said}."
    )


def of_learning_rates(results: Results) -> str:
    """Say how many contenders chose a rate at the edge of the grid, which a wider grid may serve better."""
    rates = results["protocol"]["learning_rates"]
    own = [results["contenders"][name].get("learning_rate") for name in contenders(results)]
    highest, lowest = sum(rate == max(rates) for rate in own), sum(rate == min(rates) for rate in own)
    if len(rates) < 2:
        return "Every loss was trained with the one rate."
    return (
        f"{highest} of {len(own)} chose the largest rate of the grid and {lowest} the smallest; "
        "those may gain from a wider grid."
    )
