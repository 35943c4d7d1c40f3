"""Numbers out of the results of a comparison: values over seeds, their mean and spread, and what was chosen.

A value that was not finite is None in the results and NaN here; a mean over seeds with a NaN is None.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np

from mlj.report.words import MISSING, clean

Results: TypeAlias = Mapping[str, Any]
"""What ``mlj.comparison.summarise`` returns, or the same read back from results.json."""

PRIOR = "prior_only"
LOGISTIC = "logistic_one_vs_rest"
REFERENCE = "sigmoid_cross_entropy"
"""The loss that others are shown against where one has to be picked."""


def numbers(values: Any) -> np.ndarray:
    """Return a list of numbers and Nones as a float array, NaN for None.

    >>> numbers([1, None]).tolist()
    [1.0, nan]
    """
    return np.array([] if values is None else values, dtype=float)


def series(results: Results, name: str, rule: str | None, metric: str, part: str) -> np.ndarray:
    """Return a metric over the seeds ``[S]``, empty if it was not measured.

    Args:
        results: The results.
        name: A contender or floor.
        rule: A decision rule, or None for metrics that no decision enters.
        metric: A metric.
        part: ``validation`` or ``test``.
    """
    entry = results["contenders"][name]
    measured = entry if rule is None else entry["rules"].get(rule, {})
    return numbers(measured.get(part, {}).get(metric))


def mean_of(values: np.ndarray) -> float | None:
    """Return the mean, or None if there are no values or one of them is NaN."""
    return None if values.size == 0 or np.isnan(values).any() else float(values.mean())


def deviation_of(values: np.ndarray) -> float | None:
    """Return the standard deviation over seeds (n - 1), or None if it is undefined."""
    return None if values.size < 2 or np.isnan(values).any() else float(values.std(ddof=1))


def is_decided(results: Results, metric: str) -> bool:
    """Say whether a decision rule enters the metric."""
    return results["metrics"][metric]["needs"] == "predictions"


def merit(results: Results, metric: str, value: float | None) -> float:
    """Return a number that is larger the better the value, -inf for a missing one."""
    if value is None or np.isnan(value):
        return float("-inf")
    return value if results["metrics"][metric]["greater_is_better"] else -value


def best_rule(results: Results, name: str, metric: str) -> str | None:
    """Return the rule chosen for this contender and metric on validation rows; None where none enters."""
    if not is_decided(results, metric):
        return None
    stored = results["tests"].get(metric, {}).get("rules", {}).get(name)
    rules = results["contenders"][name]["rules"]
    if stored in rules:
        return stored
    return max(
        rules,
        key=lambda rule: merit(results, metric, mean_of(series(results, name, rule, metric, "validation"))),
        default=None,
    )


def is_floor(results: Results, name: str) -> bool:
    """Say whether the name is one of the rows that every loss should beat."""
    return bool(results["contenders"][name]["floor"])


def contenders(results: Results) -> list[str]:
    """Return the names of all contenders, floors left out."""
    return [name for name in results["contenders"] if not is_floor(results, name)]


def floors(results: Results) -> list[str]:
    """Return the names of the floors."""
    return [name for name in results["contenders"] if is_floor(results, name)]


def leading_metric(results: Results) -> str:
    """Return the metric that led the comparison."""
    return results["protocol"]["metric"]


def headline_metrics(results: Results) -> list[str]:
    """Return the metrics that a contender was chosen for, the leading one first."""
    leading = leading_metric(results)
    return [leading, *(name for name in results["chosen"] if name != leading)]


def decided_metric(results: Results) -> str | None:
    """Return the first headline metric that a decision enters, the leading one if it is such, or None."""
    return next((name for name in headline_metrics(results) if is_decided(results, name)), None)


def metric_title(results: Results, metric: str) -> str:
    """Return how the metric is called in text."""
    return clean(results["metrics"][metric]["title"])


def rule_title(results: Results, rule: str | None) -> str:
    """Return how the rule is called in text, a dash for None."""
    return MISSING if rule is None else clean(results["rules"].get(rule, rule))


def used_rules(results: Results) -> list[str]:
    """Return the rules that at least one contender or floor has, in the order of the results."""
    found = {rule for entry in results["contenders"].values() for rule in entry["rules"]}
    known = [rule for rule in results["rules"] if rule in found]
    return known + sorted(found.difference(known))
