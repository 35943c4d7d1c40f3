"""Predictions as text: a table for people, or JSON lines for programs."""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
from collections.abc import Iterator, Sequence

import numpy as np

SEPARATORS = (";", "|", "/", ",", "~", "^")
"""What may stand between the labels in one cell, the first that no name contains."""

_FORMULA = re.compile(r"'*[=+\-@\t\r]")


def cell(text: str) -> str:
    """Return text that a spreadsheet takes for text: a formula's first sign gets an apostrophe before it.

    >>> cell("=1+1"), cell("'=1"), cell("salt-free"), cell("'quoted'")
    ("'=1+1", "''=1", 'salt-free', "'quoted'")
    """
    return f"'{text}" if _FORMULA.match(text) else text


def separator_for(names: Sequence[str]) -> str | None:
    """Return the separator of :data:`SEPARATORS` that no name contains, or None.

    >>> separator_for(["salt; fine", "sky"])
    '|'
    """
    return next((mark for mark in SEPARATORS if not any(mark in name for name in names)), None)


def largest(probs: np.ndarray, count: int) -> np.ndarray:
    """Return the columns of the largest values of each row ``[n, count]``, the largest first.

    Of equal values the one in the first column comes first.

    >>> largest(np.array([[0.1, 0.7, 0.7, 0.2]]), 3).tolist()
    [[1, 2, 3]]
    """
    width = probs.shape[1]
    if count >= width:
        return np.argsort(-probs, axis=1, kind="stable")
    least = np.partition(probs, width - count, axis=1)[:, width - count]
    among = probs >= least[:, None]
    tied = np.flatnonzero(among.sum(axis=1) != count)
    among[tied] = False
    columns = np.empty((len(probs), count), np.int64)
    clear = np.ones(len(probs), bool)
    clear[tied] = False
    columns[clear] = np.nonzero(among)[1].reshape(-1, count)
    columns[tied] = np.argsort(-probs[tied], axis=1, kind="stable")[:, :count]
    values = np.take_along_axis(probs, columns, axis=1)
    return np.take_along_axis(columns, np.argsort(-values, axis=1, kind="stable"), axis=1)


def decided(predictions: np.ndarray, names: Sequence[str]) -> Iterator[list[str]]:
    """Yield the names of the labels that each row was decided to have."""
    rows, columns = np.nonzero(predictions)
    chosen = [names[column] for column in columns.tolist()]
    ends = np.cumsum(np.bincount(rows, minlength=len(predictions))).tolist()
    for start, end in itertools.pairwise([0, *ends]):
        yield chosen[start:end]


class CsvText:
    """Rows of a table, see :class:`mlj.data.PredictionWriter`."""

    def __init__(self, label_names: Sequence[str], top: int | None, with_ids: bool):
        self.names, self.top, self.with_ids = tuple(label_names), top, with_ids
        mark = separator_for(self.names)
        self.separator = SEPARATORS[0] if mark is None else mark
        self.in_list = self.names
        if mark is None:
            self.in_list = [re.sub(r"([;\\])", r"\\\1", name) for name in self.names]
        self.cells = [_quoted(name) for name in self.names]
        # Lists of names that need no quotes need none, and asking the csv module takes most of the time.
        safe = mark not in (None, ",") and all(_quoted(name) == name for name in self.names)
        self.as_cell = str if safe else _quoted
        self.numbers = ",".join(["%.9g"] * len(self.names))

    def header(self) -> str:
        """Return the first line."""
        first = ["row", "id", "labels"] if self.with_ids else ["row", "labels"]
        if self.top is None:
            return ",".join([*first, *self.cells]) + "\n"
        pairs = [f"label_{rank},prob_{rank}" for rank in range(1, self.top + 1)]
        return ",".join([*first, *pairs]) + "\n"

    def rows(
        self, first_row: int, probs: np.ndarray, predictions: np.ndarray, ids: Sequence[str] | None
    ) -> str:
        """Return the lines of some rows."""
        lists = (self.as_cell(self.separator.join(names)) for names in decided(predictions, self.in_list))
        if ids is not None:
            lists = (f"{_quoted(name)},{labels}" for name, labels in zip(ids, lists))
        numbers = self._all(probs) if self.top is None else self._top(probs)
        lines = (
            f"{row},{labels},{rest}\n" for row, (labels, rest) in enumerate(zip(lists, numbers), first_row)
        )
        return "".join(lines)

    def _all(self, probs: np.ndarray) -> Iterator[str]:
        return (self.numbers % tuple(row) for row in probs.tolist())

    def _top(self, probs: np.ndarray) -> Iterator[str]:
        columns = largest(probs, self.top)
        values = np.take_along_axis(probs, columns, axis=1).tolist()
        for chosen, row in zip(columns.tolist(), values):
            yield ",".join([f"{self.cells[column]},{value:.9g}" for column, value in zip(chosen, row)])


def _quoted(text: str) -> str:
    """Return a cell as it stands in the file."""
    line = io.StringIO()
    # The second cell keeps an empty first one from being quoted; line ends are quoted because they end lines.
    csv.writer(line, lineterminator="\r\n").writerow([cell(str(text)), ""])
    return line.getvalue().removesuffix(",\r\n")


class JsonText:
    """Rows as JSON, see :class:`mlj.data.PredictionWriter`."""

    def __init__(self, label_names: Sequence[str], top: int | None, with_ids: bool):
        self.top = top
        self.names = [json.dumps(str(name), ensure_ascii=False) for name in label_names]
        self.numbers = ", ".join([f"{name.replace('%', '%%')}: %.9g" for name in self.names])

    def header(self) -> str:
        """Return nothing: every line says what it holds."""
        return ""

    def rows(
        self, first_row: int, probs: np.ndarray, predictions: np.ndarray, ids: Sequence[str] | None
    ) -> str:
        """Return the lines of some rows."""
        numbers = self._all(probs) if self.top is None else self._top(probs)
        named = (f', "id": {json.dumps(str(name), ensure_ascii=False)}' for name in ids or ())
        parts = zip(
            named if ids is not None else itertools.repeat(""), decided(predictions, self.names), numbers
        )
        return "".join(
            f'{{"row": {row}{name}, "labels": [{", ".join(labels)}], "probs": {{{rest}}}}}\n'
            for row, (name, labels, rest) in enumerate(parts, first_row)
        )

    def _all(self, probs: np.ndarray) -> Iterator[str]:
        return (self.numbers % tuple(row) for row in probs.tolist())

    def _top(self, probs: np.ndarray) -> Iterator[str]:
        columns = largest(probs, self.top)
        values = np.take_along_axis(probs, columns, axis=1).tolist()
        for chosen, row in zip(columns.tolist(), values):
            yield ", ".join([f"{self.names[column]}: {value:.9g}" for column, value in zip(chosen, row)])
