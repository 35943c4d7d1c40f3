"""What a run says of itself: evaluation.json and report.html."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import jax
import numpy as np

from mlj.comparison.saved import Judged, SavedModel
from mlj.data import TextDataset
from mlj.decision import LabelThresholds, ProbThreshold, Threshold, platt_probs
from mlj.report import write_run_report
from mlj.runs.decide import titles_of
from mlj.runs.evidence import evidence_of
from mlj.runs.feed import AnyDataset
from mlj.runs.train import Run
from mlj.storage import write_file

FORMAT = "mlj-run-1"
EXCERPT = 160
"""Characters of a text that are shown."""


class Texts(Protocol):
    """Texts by what their rows are called."""

    def __getitem__(self, row: int, /) -> str:
        """Return a text, or its beginning."""


def report_validation(run: Run, dataset: AnyDataset | TextDataset, out: Path) -> dict[str, Any]:
    """Write what the run's model does on its validation rows, and return it."""
    rows = dataset.rows(run.division.validation)
    facts, titles = run.facts, titles_of(run.model.approach)
    more = {
        "curve": {
            "train": list(facts.train_curve),
            "validation": [run.config.metric_of(value) for value in facts.validation_curve],
            "best_epoch": facts.best_epoch,
        },
        "rules": [
            {"name": name, "title": titles[name], "value": value if np.isfinite(value) else None}
            for name, value in run.decision.values.items()
        ],
    }
    return report(
        run.model,
        run.validation,
        rows.labels,
        rows.where,
        out,
        part="validation",
        name=dataset.name,
        rows=run.division.validation.tolist(),
        metric=run.decision.metric,
        more=more,
        texts=dataset.texts if isinstance(dataset, TextDataset) else None,
    )


def report(
    model: SavedModel,
    judged: Judged,
    labels: np.ndarray,
    where: np.ndarray | None,
    out: Path,
    *,
    part: str,
    name: str,
    rows: Sequence[int],
    metric: str,
    more: dict[str, Any],
    texts: Texts | None = None,
) -> dict[str, Any]:
    """Measure what a model said of rows, write the numbers and the page, and return the numbers.

    ``texts`` are those of the rows, by what the rows are called: the worst mistakes are shown with theirs.
    """
    found = evidence_of(
        judged.scores,
        judged.probs,
        judged.predictions,
        labels,
        where,
        label_names=model.label_names,
        thresholds=thresholds_of(model),
        rows=rows,
    )
    for mistake in found["mistakes"] if texts is not None else ():
        mistake["text"] = excerpt(texts[mistake["row"]])
    rule = model.info["rule_name"]
    evaluation = {
        "format": FORMAT,
        "name": name,
        "part": part,
        "contender": model.info["contender"],
        "metric": metric,
        "rule": rule and {"name": rule, "title": titles_of(model.approach)[rule]},
        "config": {key: model.info[key] for key in ("model", "model_options", "contender", "metric")},
        "data": {
            "rows": {part: len(labels)},
            "features": len(model.info["feature_names"]),
            "labels": len(model.label_names),
        },
        "versions": model.info["versions"],
        **more,
        **found,
    }
    write_file(out / "evaluation.json", json.dumps(evaluation, allow_nan=False).encode())
    write_run_report(evaluation, out / "report.html")
    return evaluation


def excerpt(text: str) -> str:
    """Return the beginning of a text in one line.

    >>> excerpt("how\\n thick ?"), len(excerpt("word " * 99))
    ('how thick ?', 160)
    """
    line = " ".join(text[: 20 * EXCERPT].split())
    return line if len(line) <= EXCERPT else f"{line[: EXCERPT - 1]}…"


def thresholds_of(model: SavedModel) -> np.ndarray | None:
    """Return the probability ``[L]`` that each label has to pass, or None if the decision knows none."""
    match model.rule:
        case Threshold(threshold) | LabelThresholds(threshold):
            probs = platt_probs(model.platt, threshold)
        case ProbThreshold(threshold):
            probs = threshold
        case _:
            return None
    return np.broadcast_to(np.asarray(jax.device_get(probs)), len(model.label_names))
