"""A trained model applied to a file of any size, a batch of rows at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mlj.comparison.saved import Judged, SavedModel, load_chosen
from mlj.data import (
    BUILT_IN,
    TEXT_BATCH_FORMATS,
    TEXT_FOLDERS,
    DataError,
    load,
    read_text_batches,
    text_batch_format,
    text_batch_options,
)
from mlj.data.batches import Batch, batch_format, batch_options, read_batches
from mlj.data.predictions import PredictionWriter
from mlj.runs.config import read_config

READING = ("labels", "format", "separator", "delimiter", "ignore", "text", "label_base", "feature_base")
"""Options of a reader that hold for new files as they did for the training file."""
ROWS = 4096
"""Rows that are in memory at a time."""


def open_run(run: Path) -> tuple[SavedModel, dict[str, Any]]:
    """Return the model of a run, and how its data was read.

    Args:
        run: The folder of a training run or of a comparison, or the folder of a model itself.

    Raises:
        Damaged: If a file of the model is not as it was written.
        OSError: If there is none.
        ValueError: If what is there is no model.
    """
    folder = run / "model" if (run / "model").is_dir() else run
    if not (folder / "model.json").is_file():
        what = "holds no finished model" if run.is_dir() else "is no folder"
        raise ValueError(f"{run} {what}: mlj train or mlj compare write one")
    saved: Mapping[str, Any] = {}
    if (run / "config.json").is_file():
        saved = read_config(run / "config.json")[1].get("source") or {}
    return load_chosen(folder), {
        name: saved[name] for name in (*READING, "missing_features") if saved.get(name) is not None
    }


def options_for(
    model: SavedModel, path: str, trained: Mapping[str, Any], given: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the options of the reader of a file: those of the training file that apply to its format, and
    over them those that are given.

    Raises:
        DataError: If the format can be told neither from the file nor from the training file.
        ValueError: If the model reads texts and the format holds none, or the other way round.
    """
    if model.reader is not None:
        return _text_options(path, trained, given)
    if given.get("format") in TEXT_BATCH_FORMATS:
        raise ValueError(f"the model takes features, and the format {given['format']} holds texts")
    if not Path(path).exists() and path in BUILT_IN:
        return dict(given)
    try:
        kind = given.get("format") or batch_format(path)
    except DataError:
        if "format" not in trained:
            raise
        kind = trained["format"]
    able = {*batch_options(kind), "missing_features"}
    return {name: value for name, value in trained.items() if name in able} | {"format": kind} | dict(given)


def _text_options(path: str, trained: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    kind = given.get("format")
    if kind is None:
        of_folders = trained.get("format") in TEXT_FOLDERS
        kind = trained["format"] if of_folders and Path(path).is_dir() else text_batch_format(path)
    if kind not in TEXT_BATCH_FORMATS:
        raise ValueError(
            f"the model reads texts, and the format {kind} holds features: "
            f"take {'|'.join(TEXT_BATCH_FORMATS)}"
        )
    # Formats mean different things by the same word: labels are columns of a table, and a choice of topics.
    able = text_batch_options(kind) if kind == trained.get("format") else ()
    return {name: value for name, value in trained.items() if name in able} | {"format": kind} | dict(given)


def batches_for(
    model: SavedModel, path: str, reading: Mapping[str, Any], *, with_labels: bool, ids: str | None = None
) -> Iterator[Batch]:
    """Yield the rows of a file with the model's features in its order, or texts, and labels if asked for.

    Args:
        model: Whose features and labels.
        path: A file, a packed data set, or the name of a built-in one.
        reading: From :func:`options_for`; ``missing_features`` may be ``'mean'``, that of the training rows.
        with_labels: Whether the file's labels are wanted.
        ids: The column of a table that names the rows.

    Raises:
        DataError: If the file is wrong or does not have the model's features.
        ValueError: If an option is not one of the reader's.
    """
    if model.reader is None and not Path(path).exists() and path in BUILT_IN:
        data = load(path)
        for start in range(0, data.num_samples, ROWS):
            part = data.rows(slice(start, start + ROWS))
            yield Batch(start, part.features, part.label_matrix if with_labels else None, part.where)
        return
    options = dict(reading)
    if model.reader is not None:
        yield from read_text_batches(
            path, rows=ROWS, label_names=model.label_names, with_labels=with_labels, ids=ids, **options
        )
        return
    if options.get("missing_features") == "mean":
        options["missing_features"] = _means(model)
    yield from read_batches(
        path,
        rows=ROWS,
        feature_names=model.info["feature_names"],
        label_names=model.label_names,
        with_labels=with_labels,
        ids=ids,
        **options,
    )


def _means(model: SavedModel) -> Any:
    means = model.info.get("feature_means")
    return "error" if means is None else np.asarray(means, np.float32)


def judge_batches(model: SavedModel, batches: Iterator[Batch]) -> Iterator[tuple[Batch, Judged]]:
    """Yield each batch with what the model says of its rows."""
    for batch in batches:
        yield batch, model.judge(batch.features)


def predict_file(
    model: SavedModel,
    path: str,
    out: Path,
    reading: Mapping[str, Any],
    *,
    top: int | None = None,
    ids: str | None = None,
    tell: Any = lambda rows: None,
) -> int:
    """Write what a model predicts for the rows of a file, and return their number.

    In memory are the model and :data:`ROWS` rows, whatever the file's size.

    Args:
        model: From :func:`open_run`.
        path: The file.
        out: Where to: ``.csv``, ``.jsonl`` or ``.parquet``; it appears when all is written.
        reading: Options of the reader.
        top: Write only this many probabilities a row.
        ids: A column of a table with names of the rows, which is copied.
        tell: Called with the number of rows so far.

    Raises:
        DataError: If the file is wrong, or ``out`` cannot be written.
        ValueError: If the model holds no decision.
    """
    if not model.decides:
        raise ValueError(f"the model was chosen for {model.info['metric']} and holds no decision")
    done = 0
    with PredictionWriter(out, model.label_names, top=top) as writer:
        found = batches_for(model, path, reading, with_labels=False, ids=ids)
        for batch, judged in judge_batches(model, found):
            writer.write(batch.first_row, judged.probs, judged.predictions, ids=batch.ids)
            done += batch.num_rows
            tell(done)
    return done
