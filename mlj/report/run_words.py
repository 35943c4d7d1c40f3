"""What one run found, in sentences that are computed from its numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from mlj.report.elements import Cell, Html, join, tag
from mlj.report.run_figures import learning_curves, reliability_points, threshold_curves
from mlj.report.words import clean, count, number, shorten

LONG = 48
"""Longer names are cut where they stand, and whole on hovering."""


def name_of(name: object, length: int = LONG) -> Html:
    """Return a name from the data, kept apart from the writing direction around it.

    >>> name_of("a<b"), name_of("abcdef", 4)
    ('<bdi>a&lt;b</bdi>', '<bdi title="abcdef">abc…</bdi>')
    """
    whole = clean(name)
    return tag("bdi", shorten(whole, length), title=whole if len(whole) > length else None)


def names_of(names: Iterable[str], most: int = 8) -> Html:
    """Return names with commas between, the first of them if there are many.

    >>> names_of(["a", "b", "c"], most=2)
    '<bdi>a</bdi>, <bdi>b</bdi> and 1 more'
    """
    names = list(names)
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return join((join((name_of(name) for name in names[:most]), ", "), more)) if names else Html("–")


def percent(part: float | None, whole: float = 1) -> str:
    """Return a share in per cent.

    >>> percent(1, 8), percent(None), percent(1, 1), percent(99_999, 100_000)
    ('12.5 %', '–', '100 %', '99.999 %')
    """
    if part is None or not whole:
        return "–"
    share = 100 * part / whole
    return f"{share:.{3 if 0.1 <= share < 99.5 else 5}g} %"


def part_of(evidence: Mapping[str, Any]) -> str:
    """Return which rows were judged, in a word."""
    return clean(evidence.get("part") or "")


def rows_of(evidence: Mapping[str, Any]) -> str:
    """Return the number of judged rows with their part, ``917 test rows``."""
    rows = (evidence.get("judged") or {}).get("rows")
    return (
        f"{part_of(evidence)} rows".strip()
        if rows is None
        else count(rows, f"{part_of(evidence)} row".strip())
    )


def leading(evidence: Mapping[str, Any]) -> dict[str, Any]:
    """Return the metric that led the run; its title is its name and its value None if it was not measured."""
    name = evidence["metric"]
    return evidence.get("metrics", {}).get(name) or {"title": name, "value": None, "greater_is_better": True}


def verdict(evidence: Mapping[str, Any]) -> Html:
    """Return what was found, in one sentence."""
    metric, rule = leading(evidence), evidence.get("rule")
    decided = join((", decided by “", name_of(rule["title"]), "”,")) if rule else ""
    said = (tag("bdi", shorten(evidence["contender"], LONG)), decided)
    title = shorten(metric["title"], LONG)
    if metric["value"] is None:
        return join((*said, f" was judged on {rows_of(evidence)}; {title} is undefined there."))
    value = tag("b", number(metric["value"]))
    better = "" if metric["greater_is_better"] else " (smaller is better)"
    return join((*said, f" reaches a {title} of ", value, f"{better} on {rows_of(evidence)}."))


def findings(evidence: Mapping[str, Any]) -> list[Html]:
    """Return how sure that is and what else stands out, a sentence each."""
    made = (_spread, _whole_rows, _best_and_weakest, _quiet_labels, _calibrated)
    return [sentence for make in made if (sentence := make(evidence)) is not None]


def _spread(evidence: Mapping[str, Any]) -> Html | None:
    metric = leading(evidence)
    value, error = metric["value"], metric.get("standard_error")
    chosen = (
        " The same rows also chose the epoch and the decision: expect a little less of new ones."
        if part_of(evidence) == "validation"
        else ""
    )
    if value is None or error is None:
        return join((chosen.strip(),)) if chosen else None
    low, high = (number(value + side * 1.96 * error) for side in (-1, 1))
    said = (
        f"Other {rows_of(evidence)} of the same kind would give between {low} and {high} in 95 of 100 cases"
    )
    return join((said, f" (standard error {number(error)}, over rows only, not over trainings).", chosen))


def _whole_rows(evidence: Mapping[str, Any]) -> Html | None:
    judged = evidence.get("judged") or {}
    rows = judged.get("rows")
    if not rows or "exact" not in judged:
        return None
    said = f"In {percent(judged['exact'], rows)} of the rows every label is right"
    empty, truly = judged["without_predicted"], judged["without_present"]
    said += f"; {percent(empty, rows)} get no label at all" if empty else "; every row gets a label"
    said += f" ({percent(truly, rows)} have none)." if empty or truly else "."
    mean = [f"{judged[key]:.2f}" for key in ("predicted_cardinality", "cardinality")]
    return join((said, f" A row gets {mean[0]} labels on average and has {mean[1]}."))


def _best_and_weakest(evidence: Mapping[str, Any]) -> Html | None:
    known = [label for label in evidence["labels"] if label["f1"] is not None and label["present"]]
    if len(known) < 2:
        return None
    order = sorted(known, key=lambda label: label["f1"])
    worst, best = order[0], order[-1]
    return join(
        (
            "Best is ", name_of(best["name"]), f" with an F1 of {number(best['f1'])} (present in ",
            f"{best['present']:,}), weakest ", name_of(worst["name"]), f" with {number(worst['f1'])} ",
            f"(in {worst['present']:,}); half of the labels are above ",
            f"{number(float(np.median([label['f1'] for label in known])))}.",
        )
    )  # fmt: skip


def _quiet_labels(evidence: Mapping[str, Any]) -> Html | None:
    labels = evidence["labels"]
    silent = [label["name"] for label in labels if label["predicted"] == 0 and label["present"]]
    absent = sum(not label["present"] for label in labels)
    if not silent and not absent:
        return None
    parts = []
    if silent:
        parts += [
            f"{count(len(silent), 'label')} never predicted though present: ",
            names_of(silent, 4),
            ". ",
        ]
    if absent:
        verb = "is" if absent == 1 else "are"
        parts.append(f"{count(absent, 'label')} {verb} never present here: nothing can be said of recall.")
    return join(parts)


def _calibrated(evidence: Mapping[str, Any]) -> Html | None:
    kept = evidence.get("reliability") or {}
    error = kept.get("expected_calibration_error")
    if error is None:
        return None
    said = f"Probabilities are off by {number(error)} on average (calibration error, mean over labels); "
    return join((said, f"Brier score {number(kept.get('brier'))}."))


def of_thresholds(evidence: Mapping[str, Any]) -> str:
    """Say which single threshold would be best, and what the half would give."""
    found = threshold_curves(evidence).get("micro_f1")
    if found is None:
        return "What one threshold for all labels would give."
    thresholds, values = found
    best, half = int(np.argmax(values)), int(np.argmin(np.abs(thresholds - 0.5)))
    said = f"With one threshold for all labels, micro F1 is best at {thresholds[best]:.2f}"
    return f"{said} ({number(values[best])}); at {thresholds[half]:.2f} it is {number(values[half])}."


def of_reliability(evidence: Mapping[str, Any]) -> str:
    """Say where probability and truth are furthest apart."""
    said, present, held = reliability_points(evidence)
    firm = held >= 20
    if not firm.any():
        return "Too few rows to hold probabilities against what was there."
    gaps = np.abs(said[firm] - present[firm])
    worst = int(np.argmax(gaps))
    told, so = (f"{100 * values[firm][worst]:.0f} %" for values in (said, present))
    return f"Furthest off: labels said to be present with {told} are so in {so} of the cases."


def of_learning(evidence: Mapping[str, Any]) -> str:
    """Say which epoch was kept."""
    curves = learning_curves(evidence)
    epochs = max(len(values) for values in curves.values())
    best = evidence["curve"].get("best_epoch")
    return f"Trained for {count(epochs, 'epoch')}." if best is None else f"Epoch {best} of {epochs} was kept."


def bar(value: float | None) -> Cell:
    """Return a cell with a number in [0, 1] over a bar of that length.

    >>> bar(0.25).content
    '<span class="bar" style="--share:25%">0.250</span>'
    """
    if value is None or not np.isfinite(value):
        return Cell(number(None))
    width = f"--share:{100 * min(max(value, 0), 1):.3g}%"
    return Cell(tag("span", f"{value:.3f}", class_="bar", style=width))
