"""The tables of the experiment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mlj.comparison.statistics import paired_p_values

METRICS = {
    "subset_accuracy": ("subset accuracy", 1),
    "samples_f1": ("example-F1", 1),
    "micro_f1": ("micro-F1", 1),
    "macro_f1": ("macro-F1", 1),
    "hamming_loss": ("Hamming loss", -1),
}
"""What is shown, and whether larger is better."""

SIGNIFICANT = 0.05


def table(found: Mapping[str, dict[str, Any]], reference: str) -> str:
    """Return one data set's table: a row for each approach, ``reference`` first.

    Args:
        found: Results by approach: for each metric ``rule``, ``validation`` and ``test`` (one number for each
            seed), and ``seconds``; or ``refused``, a reason in words.
        reference: The approach that all are compared with.
    """
    able = {name: entry for name, entry in found.items() if "refused" not in entry}
    marks = {metric: _marks(able, metric, sign, reference) for metric, (_, sign) in METRICS.items()}
    lines = [
        f"| approach | {' | '.join(title for title, _ in METRICS.values())} | seconds |",
        f"|---|{'---|' * len(METRICS)}---|",
    ]
    for name in [reference, *(name for name in able if name != reference)]:
        cells = [_cell(able[name][metric], marks[metric][name]) for metric in METRICS]
        lines.append(f"| {name} | {' | '.join(cells)} | {able[name]['seconds']:.0f} |")
    refused = [f"{name} ({entry['refused']})" for name, entry in found.items() if "refused" in entry]
    failed = [name for name, entry in able.items() if entry["failures"]]
    said = "\n".join(lines) + "\n\n" + finding(able, marks, reference)
    said += f" Not run: {'; '.join(refused)}." if refused else ""
    return said + (f" Some runs were not finite: {', '.join(failed)}." if failed else "")


def _marks(found: Mapping[str, dict], metric: str, sign: int, reference: str) -> dict[str, str]:
    values = {name: np.array(entry[metric]["test"]) for name, entry in found.items()}
    p = paired_p_values(values, reference)
    marks = {reference: ""}
    for name in p:
        better = sign * (values[name].mean() - values[reference].mean())
        marks[name] = "" if not p[name] < SIGNIFICANT else "▲" if better > 0 else "▼"
    return marks


def _cell(entry: dict[str, Any], mark: str) -> str:
    test = np.array(entry["test"])
    return f"{test.mean():.3f} ± {test.std(ddof=1):.3f}{mark}"


def finding(found: Mapping[str, dict], marks: Mapping[str, Mapping[str, str]], reference: str) -> str:
    """Return in a few words which approaches are better and worse than the reference, metric by metric."""
    said = []
    for metric, (title, _) in METRICS.items():
        better = [name for name in found if marks[metric][name] == "▲"]
        worse = sum(mark == "▼" for mark in marks[metric].values())
        who = f"better: {', '.join(better)}" if better else "none is better"
        said.append(f"{title}: {who}; {worse} of {len(found) - 1} worse.")
    return f"Against {reference}, " + " ".join(said)
