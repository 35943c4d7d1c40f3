"""The figures of one run: what each threshold would give, how far probabilities hold, how it learned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from mlj.report import style
from mlj.report.reading import numbers
from mlj.report.reliability import FEW
from mlj.report.words import number, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CURVES = {
    "micro_f1": ("Micro F1", "#0072B2", "-"),
    "macro_f1": ("Macro F1", "#D55E00", "-"),
    "precision": ("Precision", style.SOFT, (0, (4, 2))),
    "recall": ("Recall", style.SOFT, (0, (1, 1.5))),
}
"""Title, colour and dashes of what is drawn against the threshold."""
_OURS, _OTHER = "#0072B2", "#D55E00"


def threshold_curves(evidence: Mapping[str, Any]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return thresholds and values of each curve that has any.

    >>> kept = {"thresholds": [0.2, 0.5], "micro_f1": [0.4, None], "macro_f1": [None, None]}
    >>> {name: value.tolist() for name, (_, value) in threshold_curves({"threshold_curve": kept}).items()}
    {'micro_f1': [0.4]}
    """
    kept = evidence.get("threshold_curve") or {}
    thresholds = numbers(kept.get("thresholds"))
    found = {}
    for name in CURVES:
        values = numbers(kept.get(name))
        if len(values) == len(thresholds) and np.isfinite(values).any():
            known = np.isfinite(values)
            found[name] = (thresholds[known], values[known])
    return found


def draw_thresholds(evidence: Mapping[str, Any]) -> Figure:
    """Return the figure: micro and macro F1, precision and recall against one threshold for all labels."""
    figure = style.new_figure(9.4, 3.9)
    axes = style.place_axes(figure, 0.6, 0.75, 6.6, 3.0)
    ends = []
    for name, (thresholds, values) in threshold_curves(evidence).items():
        title, tone, dashes = CURVES[name]
        axes.plot(thresholds, values, ls=dashes, lw=1.7 if "f1" in name else 1.1, color=tone, zorder=3)
        note = ""
        if "f1" in name:
            best = int(np.argmax(values))
            axes.plot(
                thresholds[best : best + 1], values[best : best + 1], "o", ms=5.5, color=tone, mec="white"
            )
            note = f"best {number(values[best])} at {thresholds[best]:.2f}"
        ends.append((float(thresholds[-1]), float(values[-1]), title, note, tone))
    own = [label.get("threshold") for label in evidence.get("labels", ())]
    own = np.array([value for value in own if value is not None and 0 <= value <= 1])
    axes.plot(own, np.full(len(own), -0.035), "|", ms=9, mew=1, color=style.INK, alpha=0.55, clip_on=False)
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="Threshold on the probability")
    axes.tick_params(axis="x", pad=9 if len(own) else 3)
    axes.grid(axis="y")
    _name_ends(axes, ends)
    return figure


def _name_ends(axes: Axes, ends: list[tuple[float, float, str, str, str]]) -> None:
    places = style.spread([end[1] for end in ends], 0.13, 0.04, 0.98)
    for place, (x, y, title, note, tone) in zip(places, ends):
        axes.plot([x, 1.03], [y, place], "-", lw=0.5, color=style.HAIR, clip_on=False, zorder=0)
        high = "bottom" if note else "center"
        axes.text(1.04, place, title, color=tone, fontsize=8.5, va=high, clip_on=False)
        axes.text(1.04, place - 0.012, note, color=style.SOFT, fontsize=7.5, va="top", clip_on=False)


def reliability_points(evidence: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return probability, share present and count of the bins that hold something.

    >>> kept = {"prob": [0.1, None], "present": [0.2, None], "count": [30, 0]}
    >>> [part.tolist() for part in reliability_points({"reliability": kept})]
    [[0.1], [0.2], [30.0]]
    """
    kept = evidence.get("reliability") or {}
    said, present, held = (numbers(kept.get(name)) for name in ("prob", "present", "count"))
    used = (held > 0) & np.isfinite(said) & np.isfinite(present)
    return said[used], present[used], held[used]


def draw_reliability(evidence: Mapping[str, Any]) -> Figure:
    """Return the figure: the diagram and, below it, how many probabilities each bin holds."""
    figure = style.new_figure(9.4, 5.2)
    above = style.place_axes(figure, 0.95, 1.6, 5.6, 3.45)
    below = style.place_axes(figure, 0.95, 0.5, 5.6, 0.95)
    said, present, held = reliability_points(evidence)
    bins = len(evidence["reliability"]["count"])
    above.plot([0, 1], [0, 1], "-", lw=0.8, color=style.FAINT, zorder=0)
    firm = held >= FEW
    spread = 1.96 * np.sqrt(present * (1 - present) / np.maximum(held, 1))
    above.errorbar(said[firm], present[firm], spread[firm], fmt="none", lw=0.9, color=_OURS, alpha=0.6)
    above.plot(said[firm], present[firm], "-o", lw=1.4, ms=5, color=_OURS, mec="white", mew=0.6)
    above.plot(said[~firm], present[~firm], "o", ms=4, mfc="white", mec=_OURS, mew=0.8)
    places = (np.minimum(np.floor(said * bins), bins - 1) + 0.5) / bins
    below.bar(places, held, 0.9 / bins, bottom=0.5, color=_OURS, alpha=0.55, lw=0)
    below.set_yscale("log")
    top = int(np.ceil(np.log10(max(held.max(initial=1), 10))))
    powers = [10**power for power in range(0, top + 1, 1 if top < 4 else 2)]
    below.set_yticks(powers, [f"{power:,}" for power in powers])
    below.set_yticks([], minor=True)
    below.set_ylim(0.7, 10 ** (top + 0.1))
    above.set(xlim=(0, 1), ylim=(0, 1), ylabel="Share of labels present")
    above.grid(axis="both")
    above.tick_params(labelbottom=False)
    below.set(xlim=(0, 1), ylabel="Count (log)", xlabel=f"Probability said ({bins} equal bins, all labels)")
    for place, text in ((0.14, "below the line:\nsaid too often"), (0.9, "above the line:\nsaid too seldom")):
        above.text(1.04, place, text, color=style.SOFT, fontsize=8, va="center", clip_on=False)
    return figure


def learning_curves(evidence: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return the curves that have a finite number, by part.

    >>> {k: v.tolist() for k, v in learning_curves({"curve": {"train": [], "validation": [0.5]}}).items()}
    {'validation': [0.5]}
    """
    kept = evidence.get("curve") or {}
    found = {part: numbers(kept.get(part)) for part in ("train", "validation")}
    return {part: values for part, values in found.items() if np.isfinite(values).any()}


def draw_learning(evidence: Mapping[str, Any], title: str) -> Figure:
    """Return the figure: the training objective at the left, the validation metric at the right.

    Args:
        evidence: The evidence.
        title: What the validation metric is called.
    """
    curves = learning_curves(evidence)
    figure = style.new_figure(9.4, 3.3)
    names = {"train": "Objective on training rows", "validation": f"{shorten(title, 40)} on validation rows"}
    tones = {"train": _OTHER, "validation": _OURS}
    best = evidence["curve"].get("best_epoch")
    for index, (part, values) in enumerate(curves.items()):
        axes = style.place_axes(figure, 0.65 + index * 4.55, 0.5, 3.7, 2.4)
        epochs = np.arange(1, len(values) + 1)
        few = "o" if len(values) < 3 else ""
        axes.plot(epochs, values, marker=few, ls="-", lw=1.5, ms=4, color=tones[part])
        _mark_best(axes, values, best, tones[part])
        axes.set_title(names[part])
        axes.set_xlabel("Epoch")
        axes.set_xlim(1, max(len(values), 2))
        axes.locator_params(axis="x", integer=True, nbins=6)
        axes.grid(axis="y")
    return figure


def _mark_best(axes: Axes, values: np.ndarray, best: int | None, tone: str) -> None:
    if best is None or not 1 <= best <= len(values):
        return
    axes.axvline(best, lw=0.8, ls=(0, (4, 3)), color=style.FAINT, zorder=0)
    value = values[best - 1]
    if np.isfinite(value):
        axes.plot([best], [value], "o", ms=5.5, color=tone, mec="white", clip_on=False, zorder=4)
        text = f"{number(value)}\nepoch {best}"
        side = -6 if best > len(values) / 2 else 6
        low = value < np.mean(axes.get_ylim())
        axes.annotate(
            text, (best, value), textcoords="offset points", xytext=(side, 10 if low else -10), fontsize=7.5,
            color=style.SOFT, ha="right" if side < 0 else "left", va="bottom" if low else "top",
        )  # fmt: skip
