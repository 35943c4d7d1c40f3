"""The page of one run: what a trained model got right and wrong, in one file that needs nothing else."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from mlj.report import run_figures, run_sections, run_words
from mlj.report.document import caption, document, plot, sections_of, write_document
from mlj.report.elements import Html, join, tag

FORMAT = "mlj-run-1"
"""What the evidence must call itself."""


def write_run_report(evidence: Mapping[str, Any], path: str | os.PathLike[str]) -> None:
    """Write the report of one trained model as one HTML file that needs nothing else, not even a network.

    The same evidence gives the same bytes. An error on the way leaves what was there before, or nothing.

    Args:
        evidence: ``format`` (``"mlj-run-1"``), ``name`` of the data, ``part`` (``"validation"`` or
            ``"test"``), ``contender``, ``metric`` (a name in ``metrics``), ``rule`` (``name`` and ``title``,
            or None), and all that ``mlj.runs.evidence.evidence_of`` returns. May be left out: ``config``,
            ``data``, ``versions``, ``curve`` (``train`` and ``validation`` after each epoch, ``best_epoch``
            counted from 1), ``rules`` (``name``, ``title`` and ``value`` of each on validation rows),
            ``judged``, ``threshold_curve``, ``reliability``, ``mistakes``, ``confusions``.
        path: The file to write; its folder is made if need be.

    Raises:
        ValueError: If the evidence is of another format.
        OSError: If the folder cannot be made or written to.
    """
    write_document(lambda: run_page(evidence), path)


def run_page(evidence: Mapping[str, Any]) -> str:
    """Return the text of the page.

    Raises:
        ValueError: If the evidence is of another format.
    """
    if evidence.get("format") != FORMAT:
        raise ValueError(f"wanted evidence of format {FORMAT!r}, got {evidence.get('format')!r}")
    title = f"{run_words.clean(evidence['name'])[:80]}: {run_words.clean(evidence['contender'])[:80]}"
    return document(title, [_header(evidence), *_sections(evidence)], ("page.css", "run.css"))


def _header(evidence: Mapping[str, Any]) -> Html:
    found = run_words.findings(evidence)
    name, contender = (run_words.name_of(evidence[key], 60) for key in ("name", "contender"))
    return tag(
        "header",
        tag("h1", name, ": ", contender, f" on {run_words.part_of(evidence)} rows"),
        tag("p", run_sections.size_line(evidence), class_="size"),
        tag("p", run_words.verdict(evidence), class_="verdict"),
        tag("ul", *(tag("li", sentence) for sentence in found), class_="findings") if found else "",
        run_sections.tiles(evidence),
    )


def _sections(evidence: Mapping[str, Any]) -> list[Html]:
    parts = [("labels", "Labels", run_sections.label_table(evidence))]
    figures = _figures(evidence)
    if figures:
        parts.append(("figures", "Figures", join(figures)))
    parts.append(("mistakes", "Worst mistakes", run_sections.mistake_table(evidence)))
    parts.append(("confusions", "Confusions", run_sections.confusion_table(evidence)))
    if evidence.get("rules"):
        parts.append(("rules", "Decision rules", run_sections.rule_table(evidence)))
    parts.append(("numbers", "All numbers", run_sections.metric_table(evidence)))
    parts.append(("data", "Data", run_sections.data_facts(evidence)))
    parts.append(("settings", "Settings and versions", run_sections.setting_facts(evidence)))
    return sections_of(parts)


def _figures(evidence: Mapping[str, Any]) -> list[Html]:
    """Return the figures that there are numbers for, counted from 1."""
    parts = []
    if run_figures.threshold_curves(evidence):
        said = run_words.of_thresholds(evidence)
        parts.append(("thresholds", lambda: run_figures.draw_thresholds(evidence), said, _THRESHOLDS))
    if len(run_figures.reliability_points(evidence)[0]):
        said = run_words.of_reliability(evidence)
        parts.append(("reliability", lambda: run_figures.draw_reliability(evidence), said, _RELIABILITY))
    if run_figures.learning_curves(evidence):
        title = run_words.leading(evidence)["title"]
        said = run_words.of_learning(evidence)
        parts.append(("learning", lambda: run_figures.draw_learning(evidence, title), said, _LEARNING))
    return [
        tag("figure", plot(draw, key, said), caption(f"Figure {index}. ", said, text), id=key)
        for index, (key, draw, said, text) in enumerate(parts, start=1)
    ]


_THRESHOLDS = (
    "Measured on these rows, every label with the same threshold on its probability; dots mark the best. "
    "Ticks below the axis, where there are any, are the thresholds in use."
)
_RELIABILITY = (
    "On the diagonal, a label that is given probability p is present in a share p of cases. Bars span 95 %, "
    "taking entries as independent; bins with fewer than 20 are hollow and off the line. Below, how many "
    "each bin holds."
)
_LEARNING = (
    "The dashed line marks the epoch whose parameters were kept. The two scales differ: at the left what was "
    "minimised, at the right the metric that the epoch was chosen by."
)
