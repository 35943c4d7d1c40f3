"""The sections of the page that hold tables and words."""

from __future__ import annotations

from typing import Any

from mlj.report import protocol, style
from mlj.report.elements import Cell, Html, facts, join, table, tabs, tag
from mlj.report.reading import (
    Results,
    best_rule,
    contenders,
    deviation_of,
    floors,
    headline_metrics,
    is_decided,
    leading_metric,
    mean_of,
    merit,
    metric_title,
    rule_title,
    series,
)
from mlj.report.table import compared, rows
from mlj.report.words import count, number, p_value, short, with_deviation


def arrow_title(results: Results, metric: str) -> str:
    """Return the metric's title with an arrow that points to the better side."""
    arrow = "↑" if results["metrics"][metric]["greater_is_better"] else "↓"
    return f"{metric_title(results, metric)}\u00a0{arrow}"


def named(results: Results, name: str) -> Html:
    """Return a contender's name after a dot in the colour of its family."""
    family = results["contenders"][name].get("family")
    colour = style.family_colours(results)[family]
    return join(
        (tag("i", "●", class_="dot", style=f"color:{colour}", title=family or "floor"), tag("span", name))
    )


def what_to_use(results: Results) -> Html:
    """Return the choice for each headline metric."""
    lines = []
    for metric in headline_metrics(results):
        chosen = results["chosen"][metric]
        alike, tested = compared(results, metric)
        best_floor = max(
            (row for row in rows(results, metric) if row["floor"]),
            key=lambda row: merit(results, metric, row["validation"]),
            default=None,
        )
        floor = Cell(number(best_floor["test"]), title=best_floor["contender"]) if best_floor else "–"
        lines.append(
            [
                Cell(arrow_title(results, metric), "lead" if metric == leading_metric(results) else None),
                named(results, chosen["contender"]),
                rule_title(results, chosen["rule"]),
                number(chosen["validation"]),
                with_deviation(chosen["test"], chosen["test_sd"]),
                floor,
                f"{alike} of {tested}" if tested else "–",
            ]
        )
    heads = (
        "For",
        "use the loss",
        "decided by",
        "Validation",
        "Test, mean ± sd",
        "Best floor, test",
        "Cannot be told from it",
    )
    return table(heads, lines, class_="use", names=3)


def losses(results: Results) -> Html:
    """Return all losses by headline metric: each with its own rule, or all at one."""
    leading = leading_metric(results)
    own = join(
        (
            tag("p", _LEGEND, class_="legend"),
            _losses_table(results, lambda name, metric: best_rule(results, name, metric), tested=True),
        )
    )
    if not is_decided(results, leading):
        return own
    title = metric_title(results, leading)
    one = join(
        (
            tag(
                "p",
                f"Every column at the one rule that was chosen for {title}. " + _LEGEND_ONE,
                class_="legend",
            ),
            _losses_table(
                results,
                lambda name, metric: (
                    best_rule(results, name, leading) if is_decided(results, metric) else None
                ),
                tested=False,
            ),
        )
    )
    return tabs("losses", ("Each metric with its own rule", f"One rule, chosen for {title}"), (own, one))


_LEGEND = (
    "Test means over seeds ± sd, each loss with the rule that was best for that metric on validation rows "
    "(hover for it); rows in the order of validation. Bold: chosen on validation rows. ≈: cannot be told "
    "from the chosen (Holm-corrected p ≥ .05). A click on a head sorts."
)
_LEGEND_ONE = (
    "Bold: best on validation rows under this restriction. The tests belong to the other table; ≈ stands "
    "only where both tables hold the same values."
)


def _losses_table(results: Results, rule_of, *, tested: bool) -> Html:
    leading, metrics = leading_metric(results), headline_metrics(results)
    ordered = sorted(rows(results, leading), key=lambda row: row["floor"])
    bold = {metric: _best_on_validation(results, metric, rule_of) for metric in metrics}
    by_metric = {metric: {row["contender"]: row for row in rows(results, metric)} for metric in metrics}
    lines = []
    for row in ordered:
        name = row["contender"]
        line = [Cell(named(results, name), "floor" if row["floor"] else None)]
        if not tested:
            line.append(rule_title(results, row["rule"]))
        rate = row["learning_rate"]
        line += ["–" if rate is None else f"{rate:g}", short(row["validation"])]
        line += [_value(results, by_metric[m][name], rule_of(name, m), m, bold[m] == name) for m in metrics]
        lines.append([*line, *([p_value(row["p"])] if tested else [])])
    title = metric_title(results, leading)
    heads = ["Loss", *([] if tested else ["Rule"]), "Rate", f"Validation {title}"]
    heads += [arrow_title(results, metric) for metric in metrics] + ([f"p, {title}"] if tested else [])
    return table(heads, lines, class_="losses", names=1 if tested else 2)


def _best_on_validation(results: Results, metric: str, rule_of) -> str | None:
    def value(name: str) -> float:
        return merit(
            results, metric, mean_of(series(results, name, rule_of(name, metric), metric, "validation"))
        )

    return max(contenders(results), key=value, default=None)


def _value(results: Results, row: dict[str, Any], rule: str | None, metric: str, bold: bool) -> Cell:
    """Return a test value; the test's mark only where the value is the one that was tested."""
    values = series(results, row["contender"], rule, metric, "test")
    mean, deviation = mean_of(values), deviation_of(values)
    alike = rule == row["rule"] and row["p"] is not None and row["p"] >= 0.05
    alike = alike and not row["floor"] and not row["chosen"]
    spread = "" if deviation is None else tag("small", f" ±{short(deviation)}")
    content = join((short(mean), spread, tag("sup", "≈") if alike else ""))
    hint = None if rule is None else rule_title(results, rule)
    return Cell(content, "best" if bold else "alike" if alike else None, hint)


def data(results: Results) -> Html:
    """Return what the data set is like: the rows that were learned from, and the test rows."""
    parts = [results["data"][part] for part in ("pool", "test")]

    def line(title: str, key: str, write=lambda value: f"{value:,}") -> list[object]:
        return [title, *("–" if part.get(key) is None else write(part[key]) for part in parts)]

    lines = [
        line("Rows", "rows"),
        line("Features", "features"),
        line("Labels", "labels"),
        line("Feature values that are not 0", "feature_density", _percent),
        line("Label cardinality (present labels per row)", "cardinality", number),
        line("Label density (share of observed labels that are present)", "density", _percent),
        line("Distinct labelsets", "distinct_labelsets"),
        line("MeanIR (most frequent label’s count over a label’s, mean)", "mean_irlbl", number),
        line("Largest such ratio", "max_irlbl", number),
        line("Labels never present", "labels_never_positive"),
        line("Rows without a present label", "empty_rows"),
        line("Labels not observed", "unobserved", _percent),
        line("Rows that repeat an earlier row of the part", "duplicated_rows"),
        [
            "Test rows whose features also stand among those learned from",
            "",
            _whole(results["data"].get("repeated_in_test")),
        ],
        ["sha256", *(tag("code", part.get("sha256") or "–", class_="hash") for part in parts)],
    ]
    return table(("", "Learned from", "Test"), lines, class_="data")


def _percent(value: float) -> str:
    return f"{100 * value:.3g} %"


def _whole(value: int | None) -> str:
    return "–" if value is None else f"{value:,}"


def protocol_section(results: Results) -> Html:
    """Return the protocol in sentences."""
    return join(tag("p", tag("b", title), f" {text}") for title, text in protocol.paragraphs(results))


def failures(results: Results) -> Html:
    """Return which runs stopped on numbers that were not finite, and which contenders have none."""
    failed = results.get("failed") or {}
    found = {name: results["contenders"][name].get("failures") or [] for name in contenders(results)}
    runs = [(name, run) for name, members in (found | dict(failed)).items() for run in members]
    if not failed and not runs:
        return tag("p", "None: every run of every loss stayed finite.")
    parts: list[Html] = []
    if failed:
        names = join((tag("code", name) for name in failed), ", ")
        parts.append(
            tag(
                "p", tag("b", "No learning rate of these stayed finite; they stand in no table: "), names, "."
            )
        )
    if runs:
        parts.append(
            tag(
                "p", f"{count(len(runs), 'run')} stopped at a number that was not finite; the others went on."
            )
        )
        lines = [
            [
                name,
                f"{run['learning_rate']:g}",
                run["seed"],
                _whole(run["step"]),
                "final" if run.get("final") else "selection",
            ]
            for name, run in runs
        ]
        parts.append(table(("Loss", "Learning rate", "Seed", "Step", "Training"), lines))
    return join(parts)


def versions(results: Results) -> Html:
    """Return with what and where the numbers were made."""
    machine = results.get("machine") or {}
    pairs: list[tuple[str, object]] = [("Made", results.get("created") or "–")]
    if results.get("seconds") is not None:
        pairs.append(("Took", f"{results['seconds']:,.0f} s"))
    pairs.append(("Machine", machine.get("platform") or "–"))
    pairs.append(("Devices", ", ".join(machine.get("devices") or ["–"])))
    pairs.append(
        ("Versions", ", ".join(f"{name} {version}" for name, version in results["versions"].items()))
    )
    pairs.append(("Floors", ", ".join(floors(results)) or "–"))
    pairs.append(("Format", results.get("format") or "–"))
    return facts(pairs)
