"""F1 of each label against how often it occurs, for what was chosen and for a plain reference."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mlj.report import style
from mlj.report.reading import (
    LOGISTIC,
    PRIOR,
    REFERENCE,
    Results,
    decided_metric,
    headline_metrics,
    is_decided,
    metric_title,
    numbers,
    rule_title,
)
from mlj.report.words import shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FEW = 200
"""Up to so many labels each has its own line; with more, points are one picture with their running mean."""


class Pair(NamedTuple):
    """A contender and the rule that decides on its scores."""

    contender: str
    rule: str


def chosen_pairs(results: Results) -> dict[str, Pair]:
    """Return what was chosen for the leading decided metric and for macro-F1; one entry if they agree."""
    wanted = [decided_metric(results), "macro_f1"]
    found: dict[str, Pair] = {}
    for metric in headline_metrics(results):
        if metric in wanted and is_decided(results, metric):
            chosen = results["chosen"][metric]
            pair = Pair(chosen["contender"], chosen["rule"])
            if pair not in found.values() and label_f1(results, pair) is not None:
                found[metric] = pair
    return found


def label_f1(results: Results, pair: Pair) -> np.ndarray | None:
    """Return the test F1 of each label ``[L]``, the mean over seeds, or None if there is none."""
    rule = results["contenders"].get(pair.contender, {}).get("rules", {}).get(pair.rule)
    return None if rule is None else numbers(rule["label_f1"])


def reference_pair(results: Results) -> Pair | None:
    """Return the plainest way: cross-entropy decided at score 0, or a floor if it was not compared."""
    taken = set(chosen_pairs(results).values())
    plain = [Pair(name, "zero") for name in (REFERENCE, LOGISTIC, PRIOR)]
    return next((pair for pair in plain if pair not in taken and label_f1(results, pair) is not None), None)


def describe_pair(results: Results, pair: Pair) -> str:
    """Return a pair in words."""
    return f"{pair.contender}, {rule_title(results, pair.rule)}"


def draw_label_f1(results: Results) -> Figure:
    """Return the figure: one panel for each choice, with the same reference in both."""
    pairs = chosen_pairs(results)
    reference = reference_pair(results)
    figure = style.new_figure(9.4, 3.7)
    width = 8.2 if len(pairs) < 2 else 4.1
    counts = numbers(results["data"]["label_counts"])
    for index, (metric, pair) in enumerate(pairs.items()):
        axes = style.place_axes(figure, 0.6 + index * 4.6, 0.5, width, 2.6)
        _panel(axes, results, counts, pair, reference, with_y=index == 0)
        axes.set_title(f"Chosen for {metric_title(results, metric)}", pad=24)
    return figure


def _panel(
    axes: Axes, results: Results, counts: np.ndarray, pair: Pair, reference: Pair | None, *, with_y: bool
) -> None:
    places = np.maximum(counts, 0.5)
    ours = label_f1(results, pair)
    theirs = None if reference is None else label_f1(results, reference)
    colour = style.family_colours(results)[results["contenders"][pair.contender].get("family")]
    draw = _each_label if len(counts) <= FEW else _many_labels
    draw(axes, places, ours, theirs, colour)
    if len(counts) <= FEW and theirs is not None:
        _name_largest_gains(axes, places, ours, theirs, results["data"]["labels"])
    axes.set_xscale("log")
    axes.set_xlim(places.min() / 1.35, places.max() * 1.35)
    axes.set_ylim(-0.03, 1.03)
    _tick_counts(axes, places)
    axes.grid(axis="y")
    axes.set_xlabel("Rows with the label among those learned from (log scale)")
    if with_y:
        axes.set_ylabel("F1 of the label on test rows")
    _key(axes, results, pair, reference, colour)


def _each_label(axes: Axes, places, ours, theirs, colour: str) -> None:
    if theirs is not None:
        known = np.isfinite(ours) & np.isfinite(theirs)
        ends = np.stack([theirs[known], ours[known]])
        axes.plot(np.tile(places[known], (2, 1)), ends, "-", lw=0.9, color=style.FAINT, zorder=1)
        axes.plot(places, theirs, "o", ms=4.2, mfc="white", mec=style.SOFT, mew=1.0, zorder=2)
    axes.plot(places, ours, "o", ms=5, mfc=colour, mec="white", mew=0.5, zorder=3)


def _many_labels(axes: Axes, places, ours, theirs, colour: str) -> None:
    rng = np.random.default_rng(0)
    moved = places * np.exp(rng.uniform(-0.04, 0.04, len(places)))  # equal counts would hide one another
    if theirs is not None:
        axes.plot(
            moved, theirs, ".", ms=2, color=style.FAINT, alpha=0.5, mec="none", rasterized=True, zorder=1
        )
    axes.plot(moved, ours, ".", ms=2.5, color=colour, alpha=0.5, mec="none", rasterized=True, zorder=2)
    for values, tone, order in ((theirs, style.SOFT, 3), (ours, colour, 4)):
        if values is not None:
            axes.plot(*binned_mean(places, values), "-", lw=3.4, color="white", zorder=order)
            axes.plot(*binned_mean(places, values), "-", lw=2, color=tone, zorder=order)


def binned_mean(places: np.ndarray, values: np.ndarray, bins: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Return the geometric mean place and the mean value of groups of equal width in log count.

    >>> found = binned_mean(np.array([1.0, 1.0, 100.0]), np.array([0.0, 1.0, 0.5]), bins=2)
    >>> [part.tolist() for part in found]
    [[1.0, 100.0], [0.5, 0.5]]
    """
    logs = np.log(places)
    edges = np.linspace(logs.min(), logs.max(), bins + 1)[1:-1]
    group = np.searchsorted(edges, logs, side="right")
    known = np.isfinite(values)
    groups = [known & (group == index) for index in range(bins)]
    groups = [members for members in groups if members.any()]
    return (
        np.round(np.exp([logs[members].mean() for members in groups]), 9),
        np.array([values[members].mean() for members in groups]),
    )


def _name_largest_gains(axes: Axes, places, ours, theirs, names: list[str]) -> None:
    """Name the labels that moved most, each only where no other name stands yet."""
    gains = np.where(np.isfinite(ours) & np.isfinite(theirs), ours - theirs, 0.0)
    across = np.log(places) / max(np.log(places.max() / places.min()), 1e-9)
    taken: list[tuple[float, float]] = []
    for label in np.argsort(-np.abs(gains), kind="stable"):
        spot = (float(across[label]), float(ours[label]))
        crowded = any(abs(spot[0] - x) < 0.16 and abs(spot[1] - y) < 0.06 for x, y in taken)
        if len(taken) == 5 or abs(gains[label]) < 0.03 or crowded:
            continue
        taken.append(spot)
        axes.annotate(
            shorten(names[label], 18), (places[label], ours[label]), textcoords="offset points",
            xytext=(6, 0), va="center", fontsize=7.5, color=style.SOFT, zorder=5,
        )  # fmt: skip


def _tick_counts(axes: Axes, places: np.ndarray) -> None:
    low, high = places.min(), places.max()
    steps = [0.5, *(base * 10**power for power in range(8) for base in (1, 2, 5))]
    ticks = [step for step in steps if low / 1.3 <= step <= high * 1.3 and (step != 0.5 or low == 0.5)]
    if len(ticks) > 8:
        ticks = [tick for tick in ticks if tick == 0.5 or np.log10(tick).is_integer()]
    if len(ticks) < 3:
        ticks = sorted({low, high})
    axes.set_xticks(ticks, ["0" if tick == 0.5 else f"{tick:,.0f}" for tick in ticks])
    axes.set_xticks([], minor=True)


def _key(axes: Axes, results: Results, pair: Pair, reference: Pair | None, colour: str) -> None:
    lines = [("●", shorten(describe_pair(results, pair), 60), colour)]
    if reference is not None:
        lines.append(("○", shorten(describe_pair(results, reference), 60), style.SOFT))
    for level, (mark, text, tone) in enumerate(lines):
        axes.annotate(
            f"{mark} {text}", (0, 1), xycoords="axes fraction", textcoords="offset points",
            xytext=(0, 14 - 11 * level), fontsize=8, color=tone, va="bottom",
        )  # fmt: skip
