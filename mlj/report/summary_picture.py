"""One picture of a comparison for a README: the dots and, in the same rows, the decision rules."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from mlj.report import style
from mlj.report.dots import ROW, dots_on, name_rows, name_width
from mlj.report.findings import of_dots
from mlj.report.matrix import HEADS, matrix_on
from mlj.report.reading import Results, decided_metric, leading_metric, metric_title, used_rules
from mlj.report.table import rows
from mlj.report.words import shorten

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH, DPI = 11.5, 140
"""Inches and dots per inch: 1610 pixels."""


def summary_figure(results: Results, path: str | os.PathLike[str]) -> None:
    """Write one PNG, 1610 pixels wide: every loss on test rows at the left, every rule at the right.

    The same results give the same bytes with the same matplotlib. An error on the way leaves the file that
    was there before, or none.

    Args:
        results: What ``mlj.comparison.summarise`` returns, or the same read back from results.json.
        path: The file to write; its folder is made if need be.

    Raises:
        OSError: If the folder cannot be made or written to.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with style.drawing():
            draw_summary(results).savefig(temporary, format="png", dpi=DPI, metadata={"Software": None})
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def draw_summary(results: Results) -> Figure:
    """Return the figure; rows are ordered by the leading metric on validation rows, floors last."""
    metric, beside = leading_metric(results), decided_metric(results)
    table = sorted(rows(results, metric), key=lambda row: row["floor"])
    left, height = name_width(table), ROW * (len(table) + 1.25)
    figure = style.new_figure(WIDTH, height + HEADS + 0.95)
    rules = used_rules(results) if beside else []
    cells = min(0.42 * len(rules), 5.6)
    # Names of rules lean to the right, so the last one needs room beyond its column.
    middle = WIDTH - left - cells - (1.45 if rules else 0.3)
    axes = style.place_axes(figure, left, 0.55, middle - 0.1, height)
    dots_on(axes, results, metric, table)
    axes.set_ylim(len(table) + 0.75, -0.5)
    axes.set_xlabel(f"{metric_title(results, metric)} on test rows\n(mean ± sd over seeds)")
    name_rows(axes, table)
    if rules:
        grid = style.place_axes(figure, left + middle + 0.1, 0.55, cells, height)
        by_rule = {row["contender"]: row for row in rows(results, beside)}
        matrix_on(grid, results, beside, [by_rule[row["contender"]] for row in table], rules)
        text = f"{metric_title(results, beside)} by decision rule; last line: median of the losses"
        figure.text(
            (left + middle + 0.1) / WIDTH, 0.28 / figure.get_figheight(), text, fontsize=8.5, va="center"
        )
    top = height + HEADS + 0.95
    title = f"{results['data']['name']}: {of_dots(results, metric).split('. ')[0].rstrip('.')}"
    figure.text(0.2 / WIDTH, 1 - 0.22 / top, shorten(title, 110), fontsize=12, fontweight="bold", va="center")
    style.family_key(figure, results, 0.2, top - 0.5)
    figure.text(
        0.2 / WIDTH,
        1 - 0.72 / top,
        _KEY if rules else _DOTS,
        fontsize=7.5,
        color=style.SOFT,
        va="top",
        linespacing=1.5,
    )
    return figure


_DOTS = (
    "Rows in the order of validation (grey ticks). Small dots: seeds.\n"
    "Full: cannot be told from the chosen loss (bold); hollow: can\n"
    "(paired t over seeds, Holm-corrected p < .05)."
)
_KEY = _DOTS + "\nFrame: the rule chosen on validation rows."
