"""The look of all figures, and how one becomes SVG text for the page.

matplotlib is imported when the first figure is drawn, not with this module.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mlj.report.reading import Results
from mlj.report.words import shorten

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK, SOFT, FAINT, HAIR = "#1a1a1a", "#666666", "#9a9a9a", "#dddddd"
_FAMILIES = {  # told apart with every kind of colour vision; after Okabe and Ito, and Tol
    "binary": "#0072B2",
    "ranking": "#D55E00",
    "softmax": "#009E73",
    "counts": "#C2619A",
    "overlap": "#C98500",
    "divergence": "#3A9BD9",
    "partial": "#332288",
}
_SPARE = ("#882255", "#7A7A22", "#44AA99", "#AA4499", "#117733", "#6B4C2A")
_RC = {
    "axes.axisbelow": True,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.labelsize": 8.5,
    "axes.linewidth": 0.6,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 9.5,
    "axes.unicode_minus": True,
    "font.family": "DejaVu Sans",
    "font.size": 8.5,
    "grid.color": HAIR,
    "grid.linewidth": 0.5,
    "path.simplify": True,
    "svg.fonttype": "none",
    "svg.hashsalt": "mlj",
    "text.color": INK,
    "text.parse_math": False,
    "text.usetex": False,
    "xtick.color": SOFT,
    "xtick.labelsize": 8,
    "xtick.major.size": 3,
    "xtick.major.width": 0.6,
    "ytick.color": SOFT,
    "ytick.labelsize": 8,
    "ytick.major.size": 3,
    "ytick.major.width": 0.6,
}


def family_colours(results: Results) -> dict[str | None, str]:
    """Return one colour per loss family, the same in every figure; known families keep it in every report."""
    spare = iter(_SPARE * 20)
    found: dict[str | None, str] = {None: SOFT}
    for entry in results["contenders"].values():
        family = entry.get("family")
        if family not in found:
            found[family] = _FAMILIES.get(family) or next(spare)
    return found


@contextmanager
def drawing() -> Iterator[None]:
    """Use the look of the figures inside the block, whatever the caller has set up."""
    import matplotlib

    with matplotlib.rc_context(), warnings.catch_warnings():
        # Names in scripts that the layout font lacks are drawn by the browser with a font that has them.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_RC)
        yield


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of that size in inches, free of any window system."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), facecolor="white")


def place_axes(figure: Figure, left: float, bottom: float, width: float, height: float, **options):
    """Add axes at a place that is given in inches, so that text keeps its room at every figure size."""
    wide, high = figure.get_size_inches()
    return figure.add_axes((left / wide, bottom / high, width / wide, height / high), **options)


def family_key(figure: Figure, results: Results, left: float, bottom: float) -> None:
    """Write the families that occur in a line, each in its colour, at a place in inches."""
    wide, high = figure.get_size_inches()
    for family, colour in family_colours(results).items():
        if family is not None:
            text = f"● {shorten(family, 16)}"
            figure.text(left / wide, bottom / high, text, color=colour, fontsize=8.5, va="center")
            left += 0.12 + 0.078 * len(text)


def svg_of(draw: Callable[[], Figure], key: str, title: str) -> str:
    """Return a figure as an ``<svg>`` element for the page: the same bytes for the same numbers.

    Args:
        draw: Makes the figure.
        key: Keeps the ids of this figure apart from those of others on the page.
        title: What a screen reader says; must be escaped.
    """
    with drawing():
        buffer = io.StringIO()
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        draw().savefig(buffer, format="svg", metadata=nothing)
    text = buffer.getvalue()
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->|<defs>\s*<style.*?</style>\s*</defs>", "", text, flags=re.DOTALL)
    used = set(re.findall(r"(?:url\(#|href=\"#)([\w-]+)", text))
    text = re.sub(r' id="([^"]*)"', lambda m: f' id="{key}-{m[1]}"' if m[1] in used else "", text)
    text = re.sub(r"(url\(#|href=\"#)", rf"\g<1>{key}-", text)
    text = re.sub(r"<g>\s*</g>", "", re.sub(r"\s*\n\s*", "\n", text))
    text = re.sub(r"<[^>]*>", lambda m: _tighten(m[0]), text)
    return re.sub(
        r'<svg [^>]*?width="([\d.]+)pt"[^>]*?>',
        lambda m: _opening(m, title),
        text,
        count=1,
    ).strip()


def _tighten(tag: str) -> str:
    """Return a tag without digits, spaces and attributes that change no pixel."""
    tag = re.sub(r' transform="rotate\(-0 [^"]*"', "", tag.replace("'DejaVu Sans'", "sans-serif"))
    tag = re.sub(r"(\.\d\d)\d+", r"\1", tag.replace("xlink:href", "href"))
    return re.sub(r"([:;]) ", r"\1", re.sub(r"\s+", " ", tag)).replace(' "', '"')


def _opening(found: re.Match[str], title: str) -> str:
    box = re.search(r'viewBox="([^"]*)"', found[0])
    width = float(found[1]) * 96 / 72
    return (
        f'<svg class="plot" viewBox="{box[1]}" style="width:{width:.0f}px" role="img" aria-label="{title}">'
    )


def spread(places: list[float], gap: float, low: float, high: float) -> list[float]:
    """Move places apart until neighbours are ``gap`` apart, in order, as near to where they were as may be.

    If there is no room for all between ``low`` and ``high`` they are spaced evenly.

    >>> spread([0.0, 0.1, 5.0], 1.0, 0.0, 10.0)
    [0.0, 1.0, 5.0]
    """
    order = sorted(range(len(places)), key=lambda index: places[index])
    if not order:
        return []
    gap = min(gap, (high - low) / max(len(order) - 1, 1))
    moved = [min(max(places[index], low), high) for index in order]
    for index in range(1, len(moved)):
        moved[index] = max(moved[index], moved[index - 1] + gap)
    excess = high
    for index in reversed(range(len(moved))):
        moved[index] = min(moved[index], excess)
        excess = moved[index] - gap
    result = [0.0] * len(places)
    for index, place in zip(order, moved):
        result[index] = place
    return result
