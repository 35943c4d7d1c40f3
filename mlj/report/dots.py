"""Test mean, deviation and every seed of each contender, in the order of validation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mlj.report import style
from mlj.report.reading import Results, metric_title, rule_title
from mlj.report.table import rows, told_apart
from mlj.report.words import shorten, with_deviation

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW = 0.215
"""Height of a row in inches."""


def draw_dots(results: Results, metric: str) -> Figure:
    """Return the figure of one metric: a row per contender, the floors as dashed lines."""
    table = [row for row in rows(results, metric) if not row["floor"]]
    height = ROW * len(table)
    figure = style.new_figure(9.4, height + 1.2)
    left = name_width(table)
    axes = style.place_axes(figure, left, 0.5, 9.4 - left - 3.1, height)
    dots_on(axes, results, metric, table)
    name_rows(axes, table)
    _say_values(axes, results, table)
    style.family_key(figure, results, left, height + 1.0)
    return figure


def name_width(table: list[dict[str, Any]]) -> float:
    """Return the room in inches that the names of the rows need."""
    return 0.25 + 0.075 * max((len(shorten(row["contender"], 34)) for row in table), default=10)


def dots_on(axes: Axes, results: Results, metric: str, table: list[dict[str, Any]]) -> None:
    """Draw the rows of ``table`` from the top down.

    A full dot cannot be told from the chosen contender, a hollow one can; small dots are seeds, the grey tick
    is the validation mean.
    """
    colours = style.family_colours(results)
    for place, row in enumerate(table):
        colour = colours[row["family"]]
        seeds = np.array(row["test_seeds"], float)
        axes.plot(seeds, np.full(len(seeds), place), "o", ms=2.6, mfc=colour, mec="none", alpha=0.4, zorder=2)
        if row["validation"] is not None:
            axes.plot([row["validation"]], [place], "|", ms=6, mew=1.0, color=style.FAINT, zorder=1)
        if row["test"] is None:
            continue
        if row["sd"] is not None:
            ends = [row["test"] - row["sd"], row["test"] + row["sd"]]
            axes.plot(ends, [place, place], "-", lw=1.4, color=colour, solid_capstyle="butt", zorder=3)
        fill = "white" if told_apart(row) else colour
        axes.plot([row["test"]], [place], "o", ms=5.6, mfc=fill, mec=colour, mew=1.3, zorder=4)
    axes.set_ylim(len(table) - 0.4, -0.6)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x")
    arrow = "higher" if results["metrics"][metric]["greater_is_better"] else "lower"
    axes.set_xlabel(f"{metric_title(results, metric)} on test rows, mean ± sd over seeds ({arrow} is better)")
    _limit(axes, table)
    _draw_floors(axes, results, metric, len(table))


def _limit(axes: Axes, table: list[dict[str, Any]]) -> None:
    """Show all rows, unless a few far-off ones would press the rest into a corner."""
    parts = [[*row["test_seeds"], row["validation"], row["test"]] for row in table]
    means = np.array([row["test"] for row in table if row["test"] is not None], float)
    values = np.array([value for part in parts for value in part if value is not None], float)
    values = values[np.isfinite(values)]
    if values.size == 0:
        return
    low, high = float(values.min()), float(values.max())
    first, middle, third = np.quantile(means, (0.25, 0.5, 0.75)) if means.size else (low, low, high)
    reach = max(8 * (third - first), 0.02 * abs(middle))
    low, high = max(low, middle - reach), min(high, middle + reach)
    margin = 0.06 * (high - low) or 0.01
    axes.set_xlim(low - margin, high + margin)
    for place, row in enumerate(table):
        if row["test"] is not None and not low - margin <= row["test"] <= high + margin:
            _point_outside(axes, place, row["test"], row["test"] < low)


def _point_outside(axes: Axes, place: float, value: float, at_left: bool) -> None:
    where = axes.get_yaxis_transform()
    text = f"◂ {value:.3f}" if at_left else f"{value:.3f} ▸"
    axes.text(
        0.005 if at_left else 0.995, place, text, transform=where, fontsize=7.5, color=style.SOFT,
        ha="left" if at_left else "right", va="center",
    )  # fmt: skip


def _draw_floors(axes: Axes, results: Results, metric: str, rows_drawn: int) -> None:
    """Draw each floor as a dashed line named above the rows, or at the edge with an arrow if far off."""
    found = [row for row in rows(results, metric) if row["floor"] and row["test"] is not None]
    low, high = axes.get_xlim()
    width = high - low
    reach = 0.6 * width if rows_drawn > 3 else np.inf
    near = [row["test"] for row in found if low - reach < row["test"] < high + reach]
    low, high = (
        min([low, *(value - 0.03 * width for value in near)]),
        max([high, *(v + 0.03 * width for v in near)]),
    )
    axes.set_xlim(low, high)
    for level, row in enumerate(sorted(found, key=lambda row: row["test"])):
        share = (row["test"] - low) / (high - low)
        if 0 <= share <= 1:
            axes.axvline(row["test"], ls=(0, (4, 3)), lw=0.9, color=style.SOFT, zorder=0)
        side = "left" if share < 0.5 else "right"
        text = f"◂ {row['contender']} {row['test']:.3f}" if share < 0 else row["contender"]
        text = f"{row['contender']} {row['test']:.3f} ▸" if share > 1 else text
        axes.annotate(
            text, (min(max(share, 0), 1), 1), xycoords="axes fraction", textcoords="offset points",
            xytext=(0, 3 + 10 * level), ha=side, fontsize=7.5, color=style.SOFT,
        )  # fmt: skip


def name_rows(axes: Axes, table: list[dict[str, Any]]) -> None:
    """Write the name of each row at its left; the chosen one in bold."""
    for place, row in enumerate(table):
        axes.text(
            -0.012, place, shorten(row["contender"], 34), transform=axes.get_yaxis_transform(),
            ha="right", va="center", fontsize=8.5, fontweight="bold" if row["chosen"] else "normal",
            color=style.SOFT if row["floor"] else style.INK,
        )  # fmt: skip


def _say_values(axes: Axes, results: Results, table: list[dict[str, Any]]) -> None:
    where = axes.get_yaxis_transform()
    for place, row in enumerate(table):
        bold = "bold" if row["chosen"] else "normal"
        axes.text(
            1.02, place, with_deviation(row["test"], row["sd"]), transform=where, va="center", fontweight=bold
        )
        if row["rule"] is not None:
            axes.annotate(
                rule_title(results, row["rule"]), (1.02, place), xycoords=where, textcoords="offset points",
                xytext=(80, 0), va="center", fontsize=7.5, color=style.SOFT,
            )  # fmt: skip
