"""Learning curves on validation rows, a panel for each family of losses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mlj.report import style
from mlj.report.reading import Results, contenders, leading_metric, metric_title, numbers
from mlj.report.words import number, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = 3


def mean_curve(results: Results, name: str) -> np.ndarray:
    """Return the validation metric after each epoch, the mean over seeds.

    A run that has stopped keeps its last value. The sign of metrics that are better when small, which was
    turned for training, is turned back.
    """
    metric = leading_metric(results)
    sign = 1 if results["metrics"][metric]["greater_is_better"] else -1
    runs = [held_last(numbers(run)) for run in results["contenders"][name].get("validation_curve") or []]
    runs = [run for run in runs if np.isfinite(run).any()]
    return sign * np.mean(runs, axis=0) if runs else np.array([])


def held_last(run: np.ndarray) -> np.ndarray:
    """Return the run with every missing value replaced by the last one before it.

    >>> held_last(np.array([1.0, 2.0, np.nan])).tolist()
    [1.0, 2.0, 2.0]
    """
    if not run.size:
        return run
    last = np.maximum.accumulate(np.where(np.isfinite(run), np.arange(len(run)), 0))
    return run[last]


def families(results: Results) -> dict[str, list[str]]:
    """Return the contenders that have a curve, by family."""
    found: dict[str, list[str]] = {}
    for name in contenders(results):
        if mean_curve(results, name).size:
            found.setdefault(results["contenders"][name].get("family") or "other", []).append(name)
    return found


def draw_learning(results: Results) -> Figure:
    """Return the figure: small multiples with the curves of the other families in grey behind."""
    panels = families(results)
    lines = -(-len(panels) // COLUMNS)
    figure = style.new_figure(9.4, 0.35 + 2.15 * max(lines, 1))
    curves = {name: mean_curve(results, name) for names in panels.values() for name in names}
    limits = _limits(results, list(curves.values()))
    for index, (family, names) in enumerate(panels.items()):
        row, column = divmod(index, COLUMNS)
        bottom = 0.5 + 2.15 * (lines - 1 - row)
        axes = style.place_axes(figure, 0.6 + column * 3.0, bottom, 1.4, 1.45)
        for name, values in curves.items():
            if name not in names:
                axes.plot(*_thinned(values, 25), "-", lw=0.5, color=style.HAIR, zorder=0)
        _family(axes, results, names, curves, limits)
        axes.set_title(
            shorten(family, 16),
            color=style.family_colours(results).get(family, style.SOFT),
            fontweight="bold",
        )
        if row == lines - 1 or index + COLUMNS >= len(panels):
            axes.set_xlabel("Epoch")
        if column == 0:
            axes.set_ylabel(metric_title(results, leading_metric(results)))
    return figure


def _thinned(values: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Return epochs and values, at most so many and always the first and the last."""
    kept = np.unique(np.linspace(0, len(values) - 1, min(most, len(values))).round().astype(int))
    return kept + 1, values[kept]


def _limits(results: Results, curves: list[np.ndarray]) -> tuple[float, float]:
    """Return limits that show how each curve ends; beginnings far from there may lie outside."""
    if not curves:
        return 0.0, 1.0
    ends = np.array([values[-1] for values in curves])
    everything = np.concatenate(curves)
    low, high = float(everything.min()), float(everything.max())
    greater = results["metrics"][leading_metric(results)]["greater_is_better"]
    usual = np.quantile(ends, 0.15 if greater else 0.85)
    reach = max(2.2 * abs((high if greater else low) - float(usual)), 0.05 * float(np.abs(ends).max()), 1e-3)
    if greater:
        low = max(low, high - reach)
    else:
        high = min(high, low + reach)
    margin = 0.04 * (high - low) or 0.01  # all curves may be one and the same value
    return low - margin, high + margin


def _family(axes: Axes, results: Results, names: list[str], curves, limits: tuple[float, float]) -> None:
    from matplotlib.colors import to_rgb
    from matplotlib.ticker import MaxNLocator

    own = np.array(to_rgb(style.family_colours(results)[results["contenders"][names[0]].get("family")]))
    low, high = limits
    order = sorted(names, key=lambda name: -curves[name][-1])
    ends = [float(np.clip(curves[name][-1], low, high)) for name in order]
    places = style.spread(ends, 0.115 * (high - low), low, high + 0.1 * (high - low))
    for index, (name, end, place) in enumerate(zip(order, ends, places)):
        share = 0.0 if len(order) == 1 else 0.5 * index / (len(order) - 1)
        tone = tuple(own * (1 - share) + share * np.array([0.45, 0.45, 0.45]))
        values = curves[name]
        axes.plot(*_thinned(values, 100), "-", lw=1.2, color=tone, zorder=3 - share)
        last, outside = (
            len(values),
            "" if end == values[-1] else f" {'▾' if end == low else '▴'} {number(values[-1])}",
        )
        axes.plot([last, last * 1.05], [end, place], "-", lw=0.5, color=tone, clip_on=False)
        axes.text(
            last * 1.06,
            place,
            shorten(name, 32) + outside,
            color=tone,
            fontsize=6.5,
            va="center",
            clip_on=False,
        )
    axes.set_xlim(1, max(len(curves[names[0]]), 2))
    axes.set_ylim(low, high)
    axes.xaxis.set_major_locator(MaxNLocator(3, integer=True))
    axes.grid(axis="y")
