"""Predictions as a file for people or programs: CSV, JSON lines or Parquet, written a few rows at a time."""

from __future__ import annotations

import contextlib
import gzip
import operator
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Protocol

import numpy as np

from mlj.data.errors import DataError
from mlj.data.in_place import new_file
from mlj.data.nearest import nearest
from mlj.data.prediction_text import CsvText, JsonText
from mlj.data.streams import plain_name

PREDICTION_FORMATS = ("csv", "jsonl", "parquet")
"""The formats that :class:`PredictionWriter` writes."""

_TEXT = MappingProxyType({"csv": CsvText, "jsonl": JsonText})
_TEXT_ROWS = 512


class Rows(Protocol):
    """Somewhere that rows are appended to."""

    def append(
        self, first_row: int, probs: np.ndarray, predictions: np.ndarray, ids: Sequence[str] | None
    ) -> None:
        """Append rows."""

    def close(self) -> None:
        """Finish the file."""


class PredictionWriter:
    r"""Writes predictions, to be used in a ``with`` block.

    The file appears when the block ends. If it ends with an error or Ctrl-C, no file appears, and what stood
    there before stays. In memory is what one call of :meth:`write` is given, and its text.

    ========  ===============================================================================================
    csv       ``row,labels,<label>,<label>...``: the number of the row, the labels decided for, and the
              probability of each label. With ``top=2``: ``row,labels,label_1,prob_1,label_2,prob_2``
    jsonl     ``{"row": 0, "labels": ["sea"], "probs": {"sea": 0.9, "sky": 0.2}}``, a line a row; with
              ``top`` those of ``top`` labels, the most probable one first
    parquet   ``row``, ``labels`` (list of text) and ``probs`` (list of float32, in the order of
              ``label_names`` in the metadata of the file); with ``top`` also ``top_labels``, and ``probs``
              are theirs
    ========  ===============================================================================================

    With ids there is a column ``id`` behind ``row``. Probabilities have 9 significant digits, which give back
    each float32 exactly. Of equally probable labels the one that comes first in ``label_names`` is the first.

    In CSV, the labels in one cell are separated by the first of ``;  |  /  ,  ~  ^`` that is in no name of
    a label; if each is in some, by ``;``, with a backslash before every ``;`` and ``\`` of a name. A cell of
    text that begins with ``=``, ``+``, ``-``, ``@``, a tab or a carriage return, which a spreadsheet would
    take for a formula, gets an apostrophe before it, as does one with apostrophes before such a sign: to read
    it back, take one away. Numbers never get one.

    Args:
        path: The file; a CSV or JSON lines file with ``.gz`` behind its name is compressed.
        label_names: The ``L`` labels.
        format: ``'csv'``, ``'jsonl'`` or ``'parquet'``; by the suffix if None.
        top: Write only this many probabilities a row, the largest; all if None. All probabilities of a
            million rows and a thousand labels are 10 GB of text.

    Raises:
        ValueError: If the format cannot be told or is unknown, or ``top`` is less than 1.
        ImportError: If Parquet is asked for and pyarrow is not installed.
        DataError: When the block is entered, if the folder cannot be written to.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "predictions.csv"
    >>> with PredictionWriter(path, ["sea", "=sky"]) as out:
    ...     out.write(0, np.array([[0.5, 0.25], [1.0, 0.75]]), np.array([[True, False], [True, True]]))
    >>> print(path.read_text())
    row,labels,sea,'=sky
    0,sea,0.5,0.25
    1,sea;=sky,1,0.75
    """

    def __init__(
        self,
        path: str | PathLike[str],
        label_names: Sequence[str],
        *,
        format: str | None = None,
        top: int | None = None,
    ):
        self.path = Path(path)
        self.label_names = tuple(label_names)
        self.format = prediction_format(path) if format is None else format
        if self.format not in PREDICTION_FORMATS:
            raise ValueError(f"unknown format {format!r}: known are {', '.join(PREDICTION_FORMATS)}")
        if top is not None and operator.index(top) < 1:
            raise ValueError(f"top must be at least 1, got {top}")
        self.top = None if top is None else min(operator.index(top), len(self.label_names))
        if self.format == "parquet":
            _refuse_without_pyarrow()
        self._next_row = 0
        self._with_ids: bool | None = None
        self._stack = contextlib.ExitStack()
        self._beside: Path | None = None
        self._rows: Rows | None = None

    def __enter__(self) -> PredictionWriter:
        self._beside = self._stack.enter_context(new_file(self.path))
        return self

    def write(
        self,
        first_row: int,
        probs: np.ndarray,
        predictions: np.ndarray,
        ids: Sequence[str] | None = None,
    ) -> None:
        """Append rows.

        Args:
            first_row: The number of the first one; the others follow on it.
            probs: ``[n, L]``, finite.
            predictions: The labels decided for, bool ``[n, L]``.
            ids: ``n`` names of the rows; given with every call or with none.

        Raises:
            TypeError: If ``predictions`` are not bool.
            ValueError: If a shape is wrong, a probability is not finite, or rows go backwards.
            DataError: If the disk is full.
        """
        if self._beside is None:
            raise RuntimeError("a PredictionWriter writes in a with block")
        probs, predictions = np.asarray(probs), np.asarray(predictions)
        self._check(first_row, probs, predictions, ids)
        try:
            if self._rows is None:
                self._rows = self._open(ids is not None)
            self._rows.append(first_row, probs, predictions, ids)
        except OSError as error:
            raise DataError(f"cannot be written: {error.strerror or error}", self.path) from error
        self._next_row = first_row + len(probs)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None and self._rows is None:
                self._rows = self._open(False)
        except BaseException as failure:
            self._stack.__exit__(type(failure), failure, failure.__traceback__)
            raise
        finally:
            self._beside = None
        try:
            self._stack.__exit__(kind, error, trace)
        except OSError as failure:
            raise DataError(f"cannot be written: {failure.strerror or failure}", self.path) from failure

    def _check(self, first_row: int, probs: np.ndarray, predictions: np.ndarray, ids) -> None:
        labels = len(self.label_names)
        if probs.ndim != 2 or probs.shape[1] != labels:
            raise ValueError(f"probs must be [n, {labels}], got {list(probs.shape)}")
        if predictions.shape != probs.shape:
            raise ValueError(f"predictions must be {list(probs.shape)}, got {list(predictions.shape)}")
        if predictions.dtype != np.bool_:
            raise TypeError(f"predictions must be bool, got {predictions.dtype}")
        if probs.dtype.kind != "f":
            raise TypeError(f"probs must be floats, got {probs.dtype}")
        if not np.isfinite(probs).all():
            row, label = np.argwhere(~np.isfinite(probs))[0]
            name = self.label_names[label]
            raise ValueError(f"the probability of {name!r} in row {first_row + row} is {probs[row, label]}")
        if first_row < self._next_row:
            raise ValueError(f"row {first_row} was written already, the next one is {self._next_row}")
        if ids is not None and len(ids) != len(probs):
            raise ValueError(f"{len(ids)} ids for {len(probs)} rows")
        if self._with_ids not in (None, ids is not None):
            raise ValueError("ids are given with every call or with none")
        self._with_ids = ids is not None

    def _open(self, with_ids: bool) -> Rows:
        if self.format == "parquet":
            from mlj.data.prediction_parquet import ParquetRows

            rows = ParquetRows(self._beside, self.label_names, self.top, with_ids)
        else:
            text = _TEXT[self.format](self.label_names, self.top, with_ids)
            rows = _TextRows(self._beside, text, self.path.suffix.lower() == ".gz")
        self._stack.callback(rows.close)
        return rows


class _TextRows:
    """A text file, compressed or not."""

    def __init__(self, path: Path, text: CsvText | JsonText, compressed: bool):
        self._text = text
        self._raw = path.open("wb")
        # Without the time and the name in it, the same predictions are the same bytes.
        self._stream = gzip.GzipFile("", "wb", 6, self._raw, mtime=0) if compressed else self._raw
        try:
            self._stream.write(text.header().encode())
        except BaseException:
            # The compressor too: one that is left open writes to the closed file when it is collected.
            with contextlib.suppress(OSError):
                self.close()
            raise

    def append(self, first_row, probs, predictions, ids) -> None:
        # A number as a Python object takes eight times its room: a few rows at a time.
        for start in range(0, len(probs), _TEXT_ROWS):
            part = slice(start, start + _TEXT_ROWS)
            names = None if ids is None else ids[part]
            text = self._text.rows(first_row + start, probs[part], predictions[part], names)
            self._stream.write(text.encode())

    def close(self) -> None:
        try:
            self._stream.close()
        finally:
            self._raw.close()


def prediction_format(path: str | PathLike[str]) -> str:
    """Return the format that the name of a file asks for.

    Raises:
        ValueError: If its suffix is none of a format.

    >>> prediction_format("out/predictions.jsonl.gz")
    'jsonl'
    """
    suffix = Path(plain_name(path)).suffix.lower().removeprefix(".")
    if suffix not in PREDICTION_FORMATS:
        raise ValueError(
            f"{Path(path).name!r} is the name of no format: {nearest(suffix, PREDICTION_FORMATS)}"
        )
    if Path(path).suffix.lower() in (".bz2", ".xz") or (
        suffix == "parquet" and plain_name(path) != Path(path).name
    ):
        raise ValueError(f"{Path(path).name!r}: only CSV and JSON lines are compressed, and with gzip (.gz)")
    return suffix


def _refuse_without_pyarrow() -> None:
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError as error:
        raise ImportError(
            "writing Parquet needs pyarrow: pip install 'mlj[parquet]', or write .csv or .jsonl"
        ) from error
