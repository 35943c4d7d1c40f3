"""Every contender under every decision rule: a table that is coloured by value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mlj.report import style
from mlj.report.dots import name_rows, name_width
from mlj.report.reading import Results, is_floor, mean_of, numbers, rule_title, series, used_rules
from mlj.report.table import rows
from mlj.report.words import short, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW, COLUMN, HEADS = 0.2, 0.44, 1.75


def rule_medians(results: Results, metric: str) -> dict[str, float]:
    """Return the median test value over contenders of each rule that all of them have.

    The median, because a rule such as "score > 0" is senseless for the losses whose scores are never above 0.
    """
    names = [name for name in results["contenders"] if not is_floor(results, name)]
    found = {}
    for rule in used_rules(results):
        if all(rule in results["contenders"][name]["rules"] for name in names):
            means = [mean_of(series(results, name, rule, metric, "test")) for name in names]
            known = [mean for mean in means if mean is not None]
            if known:
                found[rule] = float(np.median(known))
    return found


def draw_matrix(results: Results, metric: str) -> Figure:
    """Return the figure of one metric: contenders in the order of validation, floors, the median."""
    table = sorted(rows(results, metric), key=lambda row: row["floor"])
    rules = used_rules(results)
    left, width, height = name_width(table), COLUMN * len(rules), ROW * (len(table) + 1.25)
    figure = style.new_figure(left + width + 1.35, height + HEADS + 0.1)
    axes = style.place_axes(figure, left, 0.05, width, height)
    matrix_on(axes, results, metric, table, rules)
    name_rows(axes, table)
    axes.text(
        -0.012, len(table) + 0.25, "median of the losses", transform=axes.get_yaxis_transform(),
        ha="right", va="center", fontsize=8.5, color=style.SOFT,
    )  # fmt: skip
    return figure


def matrix_on(
    axes: Axes, results: Results, metric: str, table: list[dict[str, Any]], rules: list[str]
) -> None:
    """Draw the rows of ``table`` from the top down; a frame marks the rule chosen on validation rows."""
    names = [row["contender"] for row in table]
    means = [[mean_of(series(results, name, rule, metric, "test")) for rule in rules] for name in names]
    values = np.array([numbers(line) for line in means], float)
    values = values.reshape(len(names), len(rules))
    shade = _shading(
        values[[not row["floor"] for row in table]], results["metrics"][metric]["greater_is_better"]
    )
    medians = rule_medians(results, metric)
    cells = [(column, place, value) for place, line in enumerate(values) for column, value in enumerate(line)]
    cells += [
        (column, len(names) + 0.25, medians.get(rule, float("nan"))) for column, rule in enumerate(rules)
    ]
    _fill(axes, cells, shade)
    for place, row in enumerate(table):
        if row["rule"] in rules:
            _frame(axes, rules.index(row["rule"]), place, strong=row["chosen"])
    axes.set_xlim(0, len(rules))
    axes.set_ylim(len(names) + 0.75, -0.5)
    axes.axis("off")
    _name_rules(axes, results, rules)


def _shading(values: np.ndarray, greater_is_better: bool):
    """Return a function from a value to its colour; the worst tenth shares the palest."""
    from matplotlib import colormaps

    known = values[np.isfinite(values)]
    low, high = (0.0, 1.0) if known.size == 0 else (float(known.min()), float(known.max()))
    if known.size:
        low, high = (
            (float(np.quantile(known, 0.1)), high)
            if greater_is_better
            else (low, float(np.quantile(known, 0.9)))
        )
    colours = colormaps["YlGnBu"]

    def shade(value: float) -> tuple[float, float, float]:
        share = 0.5 if high <= low else min(max((value - low) / (high - low), 0.0), 1.0)
        share = share if greater_is_better else 1.0 - share
        return colours(0.02 + 0.66 * share**2)[:3]

    return shade


def _fill(axes: Axes, cells: list[tuple[int, float, float]], shade) -> None:
    """Draw cells given as column, place and value; a dot where there is no value."""
    from matplotlib.collections import PolyCollection

    known = [cell for cell in cells if np.isfinite(cell[2])]
    corners = [[(x, y - 0.5), (x + 1, y - 0.5), (x + 1, y + 0.5), (x, y + 0.5)] for x, y, _ in known]
    colours = [shade(value) for _, _, value in known]
    axes.add_collection(
        PolyCollection(corners, facecolors=colours, edgecolors="white", linewidths=0.8), autolim=False
    )
    for (column, place, value), (red, green, blue) in zip(known, colours):
        ink = "white" if 0.30 * red + 0.59 * green + 0.11 * blue < 0.56 else style.INK
        axes.text(
            column + 0.5, place, short(value), ha="center", va="center_baseline", fontsize=7.5, color=ink
        )
    for column, place, value in cells:
        if not np.isfinite(value):
            axes.text(column + 0.5, place, "·", ha="center", va="center", fontsize=7.5, color=style.FAINT)


def _frame(axes: Axes, column: float, place: float, *, strong: bool) -> None:
    from matplotlib.patches import Rectangle

    axes.add_patch(
        Rectangle(
            (column + 0.03, place - 0.45),
            0.94,
            0.9,
            fill=False,
            zorder=3,
            ec="#D55E00" if strong else style.INK,
            lw=2.0 if strong else 0.9,
        )
    )


def _name_rules(axes: Axes, results: Results, rules: list[str]) -> None:
    for column, rule in enumerate(rules):
        axes.annotate(
            shorten(rule_title(results, rule), 40), (column + 0.5, -0.5), textcoords="offset points",
            xytext=(0, 4), rotation=42, rotation_mode="anchor", ha="left", va="center", fontsize=8,
            annotation_clip=False,
        )  # fmt: skip
