"""Reliability diagram: how often a label is present when its probability is said to be so and so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mlj.report import style
from mlj.report.reading import (
    LOGISTIC,
    PRIOR,
    REFERENCE,
    Results,
    leading_metric,
    mean_of,
    numbers,
    series,
)
from mlj.report.words import number, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ERROR = "expected_calibration_error"
FEW = 20
"""Bins with fewer probabilities are too noisy for the line and stand beside it."""


def shown(results: Results) -> list[str]:
    """Return who is drawn: the chosen for the leading metric, that for calibration, a reference, a floor."""
    chosen = results["chosen"]
    wanted = [chosen[metric]["contender"] for metric in (leading_metric(results), ERROR) if metric in chosen]
    wanted += [REFERENCE, LOGISTIC if LOGISTIC in results["contenders"] else PRIOR]
    known = [name for name in dict.fromkeys(wanted) if name in results["contenders"]]
    return [name for name in known if "reliability" in results["contenders"][name]]


def tones(results: Results, names: list[str]) -> dict[str, str]:
    """Return a colour for each name: that of its family, or a spare one where two share a family."""
    colours, spare = style.family_colours(results), iter(("#882255", "#44AA99", "#7A7A22", "#AA4499"))
    found: dict[str, str] = {}
    for name in names:
        own = colours[results["contenders"][name].get("family")]
        found[name] = own if own not in found.values() else next(spare)
    return found


def draw_reliability(results: Results) -> Figure:
    """Return the figure: the diagram and, below it, how many probabilities each bin holds."""
    figure = style.new_figure(9.4, 5.35)
    above = style.place_axes(figure, 0.95, 1.6, 5.6, 3.6)
    below = style.place_axes(figure, 0.95, 0.5, 5.6, 0.95)
    above.plot([0, 1], [0, 1], "-", lw=0.8, color=style.FAINT, zorder=0)
    names = shown(results)
    ends = []
    for (name, tone), mark in zip(tones(results, names).items(), "os^D"):
        x, y, most = _one(above, below, results, name, tone, mark)
        ends.append((x, y, name, tone, most))
    for axes in (above, below):
        axes.set_xlim(0, 1)
        axes.grid(axis="both" if axes is above else "x")
    above.set_ylim(0, 1)
    above.tick_params(labelbottom=False)
    above.set_ylabel("Share of labels present")
    _count_axis(below, max((end[4] for end in ends), default=1.0))
    below.set_ylabel("Count (log)")
    below.set_xlabel("Probability said, on test rows (15 equal bins, all labels and seeds)")
    _name(above, results, ends)
    return figure


def _one(above: Axes, below: Axes, results: Results, name: str, tone: str, mark: str) -> tuple[float, ...]:
    """Draw one contender; return the end of its line and the largest count."""
    kept = results["contenders"][name]["reliability"]
    said, present, held = (numbers(kept[key]) for key in ("prob", "present", "count"))
    used = (held > 0) & np.isfinite(said) & np.isfinite(present)
    firm = used & (held >= FEW)
    thin = used & ~firm
    above.plot(said[thin], present[thin], mark, ms=3, mfc="white", mec=tone, mew=0.7, alpha=0.6)
    above.plot(said[firm], present[firm], "-", lw=1.3, color=tone, marker=mark, ms=4.5, mec="white", mew=0.5)
    edges = np.linspace(0, 1, len(held) + 1)
    below.stairs(np.where(held > 0, held, np.nan), edges, lw=1.3, color=tone, baseline=None)
    end = firm if firm.any() else used
    if not end.any():
        return 1.0, 0.5, 1.0
    return float(said[end][-1]), float(present[end][-1]), float(held.max())


def _count_axis(axes: Axes, most: float) -> None:
    axes.set_yscale("log")
    top = int(np.ceil(np.log10(max(most, 10))))
    powers = [10**power for power in range(0, top + 1, 1 if top < 4 else 2)]
    axes.set_yticks(powers, [f"{power:,}" for power in powers])
    axes.set_yticks([], minor=True)
    axes.set_ylim(0.7, 10 ** (top + 0.1))


def _name(axes: Axes, results: Results, ends: list[tuple[float, float, str, str, float]]) -> None:
    """Name each line at the right, in its colour, with how far its probabilities are off."""
    places = style.spread([end[1] for end in ends], 0.12, 0.06, 0.96)
    for place, (x, y, name, tone, _) in zip(places, ends):
        error = (
            number(mean_of(series(results, name, None, ERROR, "test")))
            if ERROR in results["metrics"]
            else "–"
        )
        axes.plot([x, 1.03], [y, place], "-", lw=0.5, color=style.HAIR, clip_on=False, zorder=0)
        axes.text(
            1.04, place + 0.007, shorten(name, 34), color=tone, fontsize=8.5, va="bottom", clip_on=False
        )
        text = f"calibration error {error}"
        axes.text(1.04, place - 0.007, text, color=style.SOFT, fontsize=7.5, va="top", clip_on=False)
