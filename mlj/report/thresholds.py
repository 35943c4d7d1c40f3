"""F1 on validation rows against the one threshold that decides, for all contenders."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mlj.report import style
from mlj.report.reading import (
    LOGISTIC,
    PRIOR,
    REFERENCE,
    Results,
    contenders,
    leading_metric,
    metric_title,
    numbers,
)
from mlj.report.reliability import tones
from mlj.report.words import number, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CURVES = ("micro_f1", "macro_f1")


def highlighted(results: Results) -> list[str]:
    """Return whose curves stand out: the chosen, the reference and the floors."""
    wanted = [results["chosen"][leading_metric(results)]["contender"], REFERENCE, LOGISTIC, PRIOR]
    return [name for name in dict.fromkeys(wanted) if name in results["contenders"]]


def curve(results: Results, name: str, metric: str) -> tuple[np.ndarray, np.ndarray]:
    """Return thresholds and F1 at each, without those that are missing."""
    kept = results["contenders"][name].get("threshold_curve", {})
    thresholds, values = numbers(kept.get("threshold")), numbers(kept.get(metric))
    if len(thresholds) != len(values):
        return np.array([]), np.array([])
    known = np.isfinite(values) & np.isfinite(thresholds)
    return thresholds[known], values[known]


def peak(results: Results, name: str, metric: str) -> tuple[float, float, float] | None:
    """Return the best threshold, F1 there and F1 at the threshold nearest to 0.5, or None without a curve."""
    thresholds, values = curve(results, name, metric)
    if not len(values):
        return None
    best = int(np.argmax(values))
    half = int(np.argmin(np.abs(thresholds - 0.5)))
    return float(thresholds[best]), float(values[best]), float(values[half])


def draw_thresholds(results: Results) -> Figure:
    """Return the figure: micro-F1 at the left, macro-F1 at the right."""
    figure = style.new_figure(9.4, 3.6)
    for index, metric in enumerate(CURVES):
        axes = style.place_axes(figure, 0.55 + index * 4.55, 0.5, 2.85, 2.75)
        _panel(axes, results, metric)
        axes.set_ylabel("F1 on validation rows" if index == 0 else "")
        axes.set_title(metric_title(results, metric) if metric in results["metrics"] else metric)
    return figure


def _panel(axes: Axes, results: Results, metric: str) -> None:
    colours, bold = style.family_colours(results), highlighted(results)
    for name in contenders(results):
        if name not in bold:
            colour = colours[results["contenders"][name].get("family")]
            axes.plot(*curve(results, name, metric), "-", lw=0.8, color=colour, alpha=0.4)
    axes.axvline(0.5, lw=0.8, ls=(0, (4, 3)), color=style.FAINT, zorder=0)
    ends = []
    for name, tone in tones(results, bold).items():
        thresholds, values = curve(results, name, metric)
        floor = results["contenders"][name]["floor"]
        axes.plot(thresholds, values, lw=1.6, ls=(0, (4, 2)) if floor else "-", color=tone, zorder=3)
        if len(values):
            top, best, _ = peak(results, name, metric)
            axes.plot([top], [best], "o", ms=5, mfc=tone, mec="white", mew=0.7, zorder=4)
            ends.append((float(values[-1]), name, f"{number(best)} at {top:.2f}", tone))
    axes.set_xlim(0, 1)
    axes.set_ylim(0, None)
    axes.grid(axis="y")
    axes.set_xlabel("Threshold on the probability")
    _name_ends(axes, ends)


def _name_ends(axes: Axes, ends: list[tuple[float, str, str, str]]) -> None:
    top = axes.get_ylim()[1]
    places = style.spread([end[0] for end in ends], 0.115 * top, 0.04 * top, top)
    for place, (value, name, best, tone) in zip(places, ends):
        axes.plot([0.98, 1.03], [value, place], "-", lw=0.5, color=style.HAIR, clip_on=False, zorder=0)
        axes.text(
            1.04, place + 0.008 * top, shorten(name, 22), color=tone, fontsize=7.5, va="bottom", clip_on=False
        )
        axes.text(
            1.04, place - 0.008 * top, f"best {best}", color=style.SOFT, fontsize=7.5, va="top", clip_on=False
        )
