"""The tables on the page of one run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from mlj.report.elements import Cell, Html, facts, join, table, tag
from mlj.report.run_words import bar, leading, name_of, names_of, percent
from mlj.report.words import clean, count, number, plain, shorten

SEEN = 200
"""Labels that are seen at a time."""
HELD = 5000
"""Labels that the page holds, the most frequent ones if there are more."""
_TILES = (
    "micro_f1", "macro_f1", "samples_f1", "subset_accuracy", "hamming_loss",
    "macro_average_precision", "label_ranking_average_precision",
)  # fmt: skip


def tiles(evidence: Mapping[str, Any]) -> Html:
    """Return the leading metric and some others, large."""
    metrics = evidence.get("metrics", {})
    names = [name for name in dict.fromkeys((evidence["metric"], *_TILES)) if name in metrics][:6]
    return tag("dl", *(_tile(metrics[name]) for name in names), class_="tiles")


def _tile(metric: Mapping[str, Any]) -> Html:
    arrow = "↑" if metric["greater_is_better"] else "↓"
    error = metric.get("standard_error")
    spread = tag("small", f"± {number(error)}") if error is not None else ""
    return tag(
        "div",
        tag("dt", f"{shorten(metric['title'], 40)} {arrow}"),
        tag("dd", number(metric["value"]), spread),
    )


def label_table(evidence: Mapping[str, Any]) -> Html:
    """Return how every label was decided, the most frequent first."""
    labels = sorted(evidence["labels"], key=lambda label: -label["present"])
    kept = labels[:HELD]
    lines = (
        [
            name_of(label["name"]),
            f"{label['present']:,}",
            "–" if label["predicted"] is None else f"{label['predicted']:,}",
            number(label["threshold"]),
            *(bar(label[key]) for key in ("precision", "recall", "f1", "average_precision")),
        ]
        for label in kept
    )
    heads = ("Label", "Present", "Predicted", "Threshold", "Precision", "Recall", "F1", "Average precision")
    said = [
        "A click on a head sorts. A dash: undefined, as recall where nothing is present, or no threshold. "
    ]
    if len(kept) > SEEN:
        said.append(f"Of {len(kept):,} labels the first {SEEN} in the chosen order are shown. ")
    if len(labels) > len(kept):
        said.append(f"The {len(labels) - len(kept):,} least frequent labels are left out of this page. ")
    made = table(
        heads, lines, class_="labels", title=f"How {count(len(kept), 'label')} were decided", most=SEEN,
        seek="Label contains" if len(kept) > 10 else None,
    )  # fmt: skip
    return join((tag("p", "".join(said), class_="legend"), made))


def mistake_table(evidence: Mapping[str, Any]) -> Html:
    """Return the rows whose labels were the greatest surprise to the model."""
    found = evidence.get("mistakes") or []
    if not found:
        return tag("p", "None.")
    texts = ["Text"] if any("text" in mistake for mistake in found) else []
    lines = [
        [
            str(mistake["row"]),
            *(mistake.get("text", "") for _ in texts),
            Cell(names_of(mistake["missed"]), "missed"),
            Cell(names_of(mistake["added"]), "added"),
            Cell(names_of(mistake["present"]), "present"),
            "∞" if mistake["surprise"] is None else f"{mistake['surprise']:.1f}",
        ]
        for mistake in found
    ]
    legend = (
        "Rows with a wrong decision that the model found least likely: surprise is the negative "
        "log-likelihood of all labels of the row, in nats. Rows are counted from 0. Within a row, what the "
        "model was surest of stands first."
    )
    heads = ("Row", *texts, "Missed", "Wrongly added", "In truth present", "Surprise")
    title = f"The {count(len(lines), 'worst row')}"
    made = table(heads, lines, class_="mistakes", names=4 + len(texts), title=title)
    return join((tag("p", legend, class_="legend"), made))


def confusion_table(evidence: Mapping[str, Any]) -> Html:
    """Return which labels were taken for which."""
    found = evidence.get("confusions") or []
    if not found:
        return tag("p", "No row misses one label and wrongly adds another.")
    lines = [
        [
            name_of(pair["missed"]),
            name_of(pair["added"]),
            f"{pair['count']:,}",
            f"{pair['expected']:,.1f}",
            f"{pair['count'] / pair['expected']:.1f} ×" if pair["expected"] > 0 else "–",
        ]
        for pair in found
    ]
    legend = (
        "Rows in which the first label was missed and the second wrongly added, and how many there would be "
        "if the two errors had nothing to do with each other. A ratio well above 1: one is taken for the "
        "other."
    )
    heads = ("Missed", "Wrongly added", "Rows", "If independent", "Ratio")
    title = f"The {count(len(lines), 'most frequent pair')} of errors"
    return join(
        (tag("p", legend, class_="legend"), table(heads, lines, names=2, class_="confusions", title=title))
    )


def rule_table(evidence: Mapping[str, Any]) -> Html:
    """Return what each decision rule reaches on validation rows, the best first."""
    metric, chosen = leading(evidence), (evidence.get("rule") or {}).get("name")
    sign = -1 if metric["greater_is_better"] else 1
    known = [rule for rule in evidence["rules"] if rule["value"] is not None]
    missing = [rule for rule in evidence["rules"] if rule["value"] is None]
    lines = []
    for rule in sorted(known, key=lambda rule: sign * rule["value"]) + missing:
        here = rule["name"] == chosen
        title = join((name_of(rule["title"]), " (chosen)")) if here else name_of(rule["title"])
        value = bar(rule["value"]) if metric["greater_is_better"] else Cell(number(rule["value"]))
        lines.append([Cell(title, "lead" if here else None), Cell(value.content, "best" if here else None)])
    title = f"Decision rules on validation rows, by {shorten(metric['title'], 40)}"
    return table(("Rule", shorten(metric["title"], 40)), lines, class_="rules", title=title)


def metric_table(evidence: Mapping[str, Any]) -> Html:
    """Return every metric."""
    lines = []
    for metric in evidence.get("metrics", {}).values():
        skipped = metric.get("skipped")
        note = f"without {count(skipped, 'label')} where it is undefined" if skipped else ""
        lines.append(
            [
                shorten(metric["title"], 60),
                "larger" if metric["greater_is_better"] else "smaller",
                number(metric["value"]),
                number(metric.get("standard_error")),
                Cell(note, "name"),
            ]
        )
    heads = ("Metric", "Better", "Value", "Standard error", "")
    return table(heads, lines, names=2, class_="metrics", title="All metrics")


def data_facts(evidence: Mapping[str, Any]) -> Html:
    """Return what is said of the data, and of the rows that were judged."""
    judged = {f"judged {key}": value for key, value in (evidence.get("judged") or {}).items()}
    return _fact_list({**(evidence.get("data") or {}), **judged})


def setting_facts(evidence: Mapping[str, Any]) -> Html:
    """Return the settings and the versions."""
    parts = [tag("h3", "Settings"), _fact_list(evidence.get("config") or {})]
    parts += [tag("h3", "Versions"), _fact_list(evidence.get("versions") or {})]
    return join(parts)


def _fact_list(values: Mapping[str, Any]) -> Html:
    found = list(_flat(values))
    return facts(found) if found else tag("p", "–")


def _flat(values: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Html]]:
    """Yield names and what they are, those of mappings within after the name of the mapping."""
    for key, value in values.items():
        name = f"{before}{shorten(clean(key).replace('_', ' '), 60)}"
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{name} · ")
        else:
            yield name, name_of(_written(value), 200)


def _written(value: Any) -> str:
    if value is None or value == {} or value == []:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return plain(value)
    if isinstance(value, (list, tuple)) and not any(isinstance(part, (list, dict)) for part in value):
        return ", ".join(_written(part) for part in value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def size_line(evidence: Mapping[str, Any]) -> str:
    """Return the sizes in a line."""
    judged, labels = evidence.get("judged") or {}, evidence["labels"]
    parts = [count(len(labels), "label")]
    if judged.get("cardinality") is not None:
        parts.append(f"{judged['cardinality']:.2f} present per row")
        density = judged["cardinality"] / max(len(labels), 1)
        parts.append(f"label density {percent(density)}")
    rows = (evidence.get("data") or {}).get("rows")
    if isinstance(rows, Mapping):
        parts += [f"{plain(value)} {clean(part)} rows" for part, value in rows.items() if value is not None]
    elif isinstance(rows, int):
        parts.append(count(rows, "row"))
    return "; ".join(parts)
