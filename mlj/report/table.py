"""The rows that the terminal, the page and the figures share."""

from __future__ import annotations

from typing import Any

from mlj.report.reading import Results, best_rule, deviation_of, is_floor, mean_of, merit, series


def rows(results: Results, metric: str) -> list[dict[str, Any]]:
    """Return one row per contender and floor, each with its rule for the metric, best on validation first.

    The order is that of the validation mean and never looks at test rows; ties keep the order of the
    results, and rows without a finite value come last.

    Args:
        results: What ``mlj.comparison.summarise`` returns.
        metric: A name in ``results["metrics"]``.

    Returns:
        Dictionaries with ``contender``, ``family`` (None for floors), ``rule`` (None if no decision enters
        the metric), ``learning_rate``, ``validation``, ``test``, ``sd`` (of the test values over seeds),
        ``p`` (corrected, against the chosen contender; None for that one), ``floor``, ``chosen`` and
        ``test_seeds``. Missing numbers are None, in ``test_seeds`` NaN.

    Raises:
        ValueError: If the metric is unknown.

    >>> def contender(values):
    ...     parts = {"validation": {"auc": values}, "test": {"auc": values}}
    ...     return parts | {"floor": False, "family": "binary", "rules": {}}
    >>> results = {
    ...     "metrics": {"auc": {"title": "AUC", "greater_is_better": True, "needs": "scores"}},
    ...     "contenders": {"a": contender([0.5, 0.7]), "b": contender([0.8, 0.8])},
    ...     "chosen": {"auc": {"contender": "b"}},
    ...     "tests": {"auc": {"p": {"a": 0.2}, "rules": {"a": None, "b": None}}},
    ... }
    >>> [(row["contender"], row["test"], row["p"], row["chosen"]) for row in rows(results, "auc")]
    [('b', 0.8, None, True), ('a', 0.6, 0.2, False)]
    """
    if metric not in results["metrics"]:
        raise ValueError(f"unknown metric {metric!r}; known: {', '.join(results['metrics'])}")
    found = [_row(results, name, metric) for name in results["contenders"]]
    return sorted(found, key=lambda row: merit(results, metric, row["validation"]), reverse=True)


def _row(results: Results, name: str, metric: str) -> dict[str, Any]:
    entry = results["contenders"][name]
    rule = best_rule(results, name, metric)
    test = series(results, name, rule, metric, "test")
    return {
        "contender": name,
        "family": entry.get("family"),
        "rule": rule,
        "learning_rate": entry.get("learning_rate"),
        "validation": mean_of(series(results, name, rule, metric, "validation")),
        "test": mean_of(test),
        "sd": deviation_of(test),
        "p": results["tests"].get(metric, {}).get("p", {}).get(name),
        "floor": is_floor(results, name),
        "chosen": results["chosen"].get(metric, {}).get("contender") == name,
        "test_seeds": test.tolist(),
    }


def told_apart(row: dict[str, Any]) -> bool:
    """Say whether the test found a difference between this row and the chosen one."""
    return not row["chosen"] and row["p"] is not None and row["p"] < 0.05


def compared(results: Results, metric: str) -> tuple[int, int]:
    """Return how many other contenders cannot be told from the chosen one, and how many were tested."""
    others = [row for row in rows(results, metric) if not row["floor"] and not row["chosen"]]
    tested = [row for row in others if row["p"] is not None]
    return sum(not told_apart(row) for row in tested), len(tested)
