"""The page that the text experiment writes."""

from __future__ import annotations

import os
import platform
from typing import Any

import jax
import numpy as np

from texts.recipes import SOURCES

_NAMES = {"micro_f1": "micro-F1", "macro_f1": "macro-F1", "precision_at_1": "P@1"}


def page(
    found: dict[str, dict[str, dict[str, Any]]], max_rows: int | None = None, max_epochs: int | None = None
) -> str:
    """Return the tables of all data sets as Markdown, with the limits of a quick run if there were any."""
    lines = [
        "# Texts without pretrained weights",
        "",
        "Official test parts. Thresholds, decision rule and passes are chosen on validation rows; mean and "
        "standard deviation of the seeds. For each of micro-F1 and macro-F1 the rule that is best for it on "
        "validation rows decides, and its name is given; `and` is the other measure under the same rule. "
        "Subset accuracy is that of the rule for micro-F1.",
        "",
        *_limits(max_rows, max_epochs),
        f"jax {jax.__version__}, {jax.device_count()} CPU devices, {platform.machine()}, load "
        f"{os.getloadavg()[0]:.1f} at the end; seconds are those of all seeds, with compiling.",
    ]
    for name, contenders in found.items():
        lines += [
            "",
            f"## {name}",
            "",
            " ".join(filter(None, (_goals(name, next(iter(contenders.values()))), SOURCES[name].remark))),
            "",
            *_table(contenders),
        ]
    return "\n".join(lines) + "\n"


def _limits(max_rows: int | None, max_epochs: int | None) -> list[str]:
    limits = [f"at most {max_rows} rows of each part"] if max_rows is not None else []
    limits += [f"at most {max_epochs} passes"] if max_epochs is not None else []
    return [f"A QUICK RUN of {' and '.join(limits)}: not what the recipes give.", ""] if limits else []


def reached(found: dict[str, Any], metric: str) -> float:
    """Return the mean over the seeds of a metric, under the rule that was chosen for it."""
    return float(np.mean(found[metric] if metric in found else found["decisions"][metric][metric]))


def _goals(name: str, first: dict[str, Any]) -> str:
    said = []
    for metric, goal in SOURCES[name].goals.items():
        value = reached(first, metric)
        said.append(
            f"{_NAMES[metric]} at least {goal:.2f}: {'met' if value >= goal else 'missed'}, {value:.4f}"
        )
    return f"Goals, for the first row: {'; '.join(said)}."


def _table(contenders: dict[str, dict[str, Any]]) -> list[str]:
    lines = [
        "| model | seeds | micro-F1 | and macro | rule | macro-F1 | and micro | rule | subset accuracy | P@1 "
        "| LRAP | passes | seconds |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for title, one in contenders.items():
        micro, macro = one["decisions"]["micro_f1"], one["decisions"]["macro_f1"]
        cells = [
            title,
            str(len(one["epochs"])),
            *(_spread(micro[metric]) for metric in ("micro_f1", "macro_f1")),
            f"`{micro['rule']}`",
            *(_spread(macro[metric]) for metric in ("macro_f1", "micro_f1")),
            f"`{macro['rule']}`",
            _spread(micro["subset_accuracy"]),
            _spread(one["precision_at_1"]),
            _spread(one["ranking_average_precision"]),
            f"{np.mean(one['epochs']):.1f}",
            f"{one['seconds']:.0f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _spread(values: list[float]) -> str:
    return f"{np.mean(values):.4f} ± {np.std(values):.4f}" if len(values) > 1 else f"{np.mean(values):.4f}"
