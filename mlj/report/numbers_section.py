"""Every number of the comparison, folded away at the end of the page."""

from __future__ import annotations

import numpy as np

from mlj.report.elements import Html, join, table, tag
from mlj.report.label_f1 import chosen_pairs, describe_pair, label_f1, reference_pair
from mlj.report.reading import (
    Results,
    contenders,
    deviation_of,
    is_decided,
    leading_metric,
    mean_of,
    metric_title,
    numbers,
    rule_title,
    series,
)
from mlj.report.sections import arrow_title, named
from mlj.report.table import rows
from mlj.report.words import count, number, with_deviation

MOST_LABELS = 200
"""Labels in the table of labels; results.json has all."""


def all_numbers(results: Results) -> Html:
    """Return the folded tables: metrics by loss and rule, metrics without a rule, learning rates, labels."""
    order = [
        row["contender"]
        for row in sorted(rows(results, leading_metric(results)), key=lambda row: row["floor"])
    ]
    return join(
        (
            _folded(
                "All metrics that a decision enters, by loss and decision rule (test mean ± sd)",
                _decided(results, order),
            ),
            _folded(
                "All metrics of scores and probabilities, by loss (test mean ± sd)",
                _undecided(results, order),
            ),
            _folded("Learning rates: the validation value of each, mean over seeds", _rates(results)),
            _folded("Labels", _labels(results)),
        )
    )


def _folded(title: str, content: Html) -> Html:
    return tag("details", tag("summary", title), content)


def _said(results: Results, name: str, rule: str | None, metric: str) -> str:
    values = series(results, name, rule, metric, "test")
    return with_deviation(mean_of(values), deviation_of(values))


def _decided(results: Results, order: list[str]) -> Html:
    metrics = [metric for metric in results["metrics"] if is_decided(results, metric)]
    lines = (
        [name, rule_title(results, rule), *(_said(results, name, rule, metric) for metric in metrics)]
        for name in order
        for rule in results["contenders"][name]["rules"]
    )
    return table(
        ["Loss", "Rule", *(arrow_title(results, metric) for metric in metrics)], lines, class_="all", names=2
    )


def _undecided(results: Results, order: list[str]) -> Html:
    metrics = [metric for metric in results["metrics"] if not is_decided(results, metric)]
    lines = ([name, *(_said(results, name, None, metric) for metric in metrics)] for name in order)
    return table(["Loss", *(arrow_title(results, metric) for metric in metrics)], lines, class_="all")


def _rates(results: Results) -> Html:
    rates = [str(rate) for rate in results["protocol"]["learning_rates"]]
    sign = 1 if results["metrics"][leading_metric(results)]["greater_is_better"] else -1
    lines = []
    for name in contenders(results):
        entry = results["contenders"][name]
        means = [mean_of(numbers(entry.get("grid", {}).get(rate))) for rate in rates]
        chosen = str(entry.get("learning_rate"))
        cells = [number(None if mean is None else sign * mean) for mean in means]
        cells = [tag("b", cell) if rate == chosen else cell for rate, cell in zip(rates, cells)]
        epochs = ", ".join(map(str, entry.get("best_epochs") or [])) or "–"
        lines.append(
            [named(results, name), entry.get("source") or "–", *cells, epochs, f"{entry['seconds']:.1f}"]
        )
    title = metric_title(results, leading_metric(results))
    heads = [
        "Loss",
        "Source",
        *(f"{title} at {rate}" for rate in rates),
        "Best epoch of each seed",
        "Seconds",
    ]
    return table(heads, lines, names=2)


def _labels(results: Results) -> Html:
    counts, names = numbers(results["data"]["label_counts"]), results["data"]["labels"]
    pairs = [*chosen_pairs(results).values(), reference_pair(results)]
    pairs = [pair for pair in pairs if pair is not None]
    columns = [label_f1(results, pair) for pair in pairs]
    order = np.argsort(-counts, kind="stable")[:MOST_LABELS]
    lines = (
        [names[i], f"{counts[i]:,.0f}", *(number(float(column[i])) for column in columns)] for i in order
    )
    heads = ["Label", "Rows learned from", *(f"F1: {describe_pair(results, pair)}" for pair in pairs)]
    left_out = len(names) - len(order)
    note = (
        f"The {len(order)} most frequent; {count(left_out, 'label')} more in results.json."
        if left_out > 0
        else ""
    )
    return join((tag("p", note, class_="legend") if note else "", table(heads, lines)))
