"""A trained model measured on rows with known labels, in bounded memory."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mlj.comparison.saved import Judged, SavedModel
from mlj.data import DataError
from mlj.data.batches import Batch
from mlj.metrics import METRICS
from mlj.runs.applying import judge_batches
from mlj.runs.reporting import EXCERPT, excerpt, report


class _Column:
    """Rows of one array, kept on disk as they come."""

    def __init__(self, folder: Path, name: str, dtype: Any, width: int):
        self._path, self._dtype, self._width = folder / name, np.dtype(dtype), width
        self._path.touch()

    def append(self, rows: np.ndarray) -> None:
        """Add rows ``[n, width]``."""
        with self._path.open("ab") as stream:
            stream.write(np.ascontiguousarray(rows, self._dtype).tobytes())

    def array(self) -> np.ndarray:
        """Return all rows, read from disk when they are looked at."""
        if not self._path.stat().st_size:
            return np.zeros((0, self._width), self._dtype)
        return np.memmap(self._path, self._dtype, "r").reshape(-1, self._width)


def evaluate_batches(
    model: SavedModel,
    batches: Iterable[Batch],
    out: Path,
    *,
    name: str,
    part: str = "test",
    more: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Measure a model on rows with labels and write ``evaluation.json`` and ``report.html`` to a folder.

    What the model says of the rows is kept on disk meanwhile, beside the result: 10 bytes for each row and
    label. The result appears when it is complete.

    Args:
        model: From :func:`mlj.runs.applying.open_run`.
        batches: Rows with labels.
        out: The folder, which is made.
        name: What the rows are called.
        part: Which part of the data they are.
        more: Further entries of the JSON.

    Returns:
        What is in ``evaluation.json``.

    Raises:
        DataError: If the rows have no labels, or there are none.
    """
    out.mkdir(parents=True, exist_ok=True)
    width = len(model.label_names)
    kinds = {"scores": "f4", "probs": "f4", "predictions": "?", "labels": "u1", "where": "?"}
    with _empty_removed(out), tempfile.TemporaryDirectory(prefix=".judged-", dir=out) as folder:
        columns = {key: _Column(Path(folder), key, kind, width) for key, kind in kinds.items()}
        if model.reader is not None:
            columns["texts"] = _Column(Path(folder), "texts", f"S{4 * EXCERPT}", 1)
        masked = False
        for batch, judged in judge_batches(model, iter(batches)):
            if batch.labels is None:
                raise DataError("holds no labels to measure against", name)
            masked |= batch.where is not None
            _append(columns, batch, judged)
        arrays = {key: column.array() for key, column in columns.items()}
        if not len(arrays["labels"]):
            raise DataError("holds no rows", name)
        metric = model.info["metric"]
        return report(
            model,
            Judged(arrays["scores"], arrays["probs"], arrays["predictions"] if model.decides else None),
            arrays["labels"],
            arrays["where"] if masked else None,
            out,
            part=part,
            name=name,
            rows=range(len(arrays["labels"])),
            metric=metric if METRICS[metric].needs == "predictions" else "micro_f1",
            more=dict(more or {}),
            texts=_Excerpts(arrays["texts"]) if "texts" in arrays else None,
        )


class _Excerpts:
    """The beginnings of texts, read from disk when they are looked at."""

    def __init__(self, rows: np.ndarray):
        self._rows = rows

    def __getitem__(self, row: int) -> str:
        return self._rows[row, 0].decode()


@contextlib.contextmanager
def _empty_removed(folder: Path) -> Iterator[None]:
    """After an error, remove the folder and the one around it if nothing is in them."""
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):
            folder.rmdir()
            folder.parent.rmdir()
        raise


def _append(columns: dict[str, _Column], batch: Batch, judged: Judged) -> None:
    shape = judged.probs.shape
    columns["scores"].append(judged.scores)
    columns["probs"].append(judged.probs)
    columns["predictions"].append(np.zeros(shape, bool) if judged.predictions is None else judged.predictions)
    columns["labels"].append(batch.labels.toarray())
    if "texts" in columns:
        excerpts = [[excerpt(text).encode(errors="replace")] for text in batch.features]
        columns["texts"].append(np.array(excerpts, np.bytes_))
    columns["where"].append(np.ones(shape, bool) if batch.where is None else batch.where)
