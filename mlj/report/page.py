"""The report: one HTML page with everything inside, written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from mlj.report import findings, sections
from mlj.report.document import caption, document, plot, sections_of, write_document
from mlj.report.dots import draw_dots
from mlj.report.elements import Html, join, tabs, tag
from mlj.report.label_f1 import FEW, chosen_pairs, draw_label_f1
from mlj.report.learning import draw_learning, families
from mlj.report.matrix import draw_matrix
from mlj.report.numbers_section import all_numbers
from mlj.report.reading import Results, headline_metrics, is_decided, leading_metric, metric_title
from mlj.report.reliability import draw_reliability, shown
from mlj.report.thresholds import draw_thresholds
from mlj.report.words import count

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def write_report(results: Results, path: str | os.PathLike[str]) -> None:
    """Write the report of a comparison as one HTML file that needs nothing else, not even a network.

    The same results give the same bytes. An error on the way leaves the file that was there before, or none.

    Args:
        results: What ``mlj.comparison.summarise`` returns, or the same read back from results.json.
        path: The file to write; its folder is made if need be.

    Raises:
        OSError: If the folder cannot be made or written to.
    """
    write_document(lambda: page(results), path)


def page(results: Results) -> str:
    """Return the text of the page."""
    title = f"Which loss suits {results['data']['name']}?"
    return document(title, [_header(results), *_sections(results)])


def _header(results: Results) -> Html:
    protocol, data = results["protocol"], results["data"]
    size = (
        f"{count(data['pool']['rows'] + data['test']['rows'], 'row')}, "
        f"{count(data['pool']['features'], 'feature')}, {count(len(data['labels']), 'label')}; "
        f"{count(len(sections.contenders(results)), 'loss', 'losses')} × "
        f"{count(len(protocol['learning_rates']), 'learning rate')} × "
        f"{count(len(protocol['seeds']), 'seed')}"
    )
    return tag(
        "header",
        tag("h1", f"Which loss, output and decision rule suit {data['name']}?"),
        tag("p", size, class_="size"),
        tag("p", results["verdict"], class_="verdict"),
    )


def _sections(results: Results) -> list[Html]:
    parts = [
        ("use", "What to use", sections.what_to_use(results)),
        ("losses", "Losses", sections.losses(results)),
        ("figures", "Figures", join(_figures(results))),
        ("data", "Data", sections.data(results)),
        ("protocol", "Protocol", sections.protocol_section(results)),
        ("failures", "Failures", sections.failures(results)),
        ("versions", "Versions and machine", sections.versions(results)),
        ("numbers", "All numbers", all_numbers(results)),
    ]
    return sections_of(parts)


def _figures(results: Results) -> list[Html]:
    """Return the figures that there are numbers for, counted from 1."""
    metrics = headline_metrics(results)
    decided = [metric for metric in metrics if is_decided(results, metric)]
    parts = [_by_metric(results, "dots", metrics, draw_dots, findings.of_dots, _DOTS)]
    if decided:
        parts.append(_by_metric(results, "rules", decided, draw_matrix, findings.of_matrix, _MATRIX))
    if chosen_pairs(results):
        many = _MANY if len(results["data"]["labels"]) > FEW else ""
        parts.append(
            _one("labels", lambda: draw_label_f1(results), findings.of_labels(results), _LABELS + many)
        )
    if shown(results):
        parts.append(
            _one(
                "reliability",
                lambda: draw_reliability(results),
                findings.of_reliability(results),
                _RELIABILITY,
            )
        )
    parts.append(
        _one("thresholds", lambda: draw_thresholds(results), findings.of_thresholds(results), _THRESHOLDS)
    )
    if families(results):
        at = " at its best single threshold" if is_decided(results, leading_metric(results)) else ""
        text = _LEARNING.format(metric=metric_title(results, leading_metric(results)) + at)
        parts.append(_one("learning", lambda: draw_learning(results), findings.of_learning(results), text))
    return [_numbered(index, *part) for index, part in enumerate(parts, start=1)]


def _numbered(index: int, key: str, content: Callable[[str], Html]) -> Html:
    return tag("figure", content(f"Figure {index}. "), id=key)


def _one(key: str, draw: Callable[[], Figure], finding: str, text: str) -> tuple[str, Callable[[str], Html]]:
    return key, lambda number: join((plot(draw, key, finding), caption(number, finding, text)))


def _by_metric(
    results: Results, key: str, metrics: list[str], draw, finding, text: str
) -> tuple[str, Callable[[str], Html]]:
    """Return a figure with a panel for each metric, of which the reader picks one."""

    def content(number: str) -> Html:
        panels = []
        for index, metric in enumerate(metrics):
            said = finding(results, metric)
            drawn = plot(lambda metric=metric: draw(results, metric), f"{key}{index}", said)
            panels.append(join((drawn, caption(number, said, text))))
        return tabs(f"{key}-metric", [metric_title(results, metric) for metric in metrics], panels)

    return key, content


_DOTS = (
    "Large dots with bars are the mean ± sd over seeds on test rows, small dots the seeds, grey ticks the "
    "validation mean, by which the rows are ordered. Full dots cannot be told from the chosen loss (bold) "
    "at a Holm-corrected level of .05; hollow ones can. Dashed lines are the floors. At the right, the "
    "decision rule that was chosen on validation rows."
)
_MATRIX = (
    "Test means over seeds; darker is better, the worst tenth of the cells shares the palest colour. A "
    "frame marks the rule that was chosen for the loss on validation rows, the thick one the choice "
    "overall. A dot: the rule does not apply. The last line is the median of the losses, floors left out."
)
_LABELS = (
    "Each label is a pair of dots at its number of rows: what was chosen (full) and the reference (hollow). "
    "F1 is the mean over seeds."
)
_MANY = (
    " With so many labels, small dots are labels, slightly scattered sideways, and lines their mean over "
    "labels of like count."
)
_RELIABILITY = (
    "On the diagonal, a label that is given probability p is present in a share p of cases. Bins hold all "
    "labels and seeds; below, how many each bin holds; bins with fewer than 20 are hollow and off the "
    "line. Calibration error is the mean gap as the metric of "
    "that name measures it."
)
_THRESHOLDS = (
    "Mean over seeds on validation rows, one threshold on the probability for all labels; dots mark the "
    "best threshold. Thin lines are the other losses in the colours of their families, dashed lines the "
    "floors."
)
_LEARNING = (
    "Validation {metric} after each epoch at the chosen learning rate, mean over seeds; a run that has "
    "stopped keeps its last value. Grey: the losses of the other families. All panels share one scale."
)
