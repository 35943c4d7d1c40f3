"""Rows of ``index value`` pairs, gathered into one CSR matrix with every row's line remembered."""

from __future__ import annotations

import math
import re
from array import array
from collections.abc import Sequence
from os import PathLike

import numpy as np
import scipy.sparse as sp

from mlj.data.errors import DataError

_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?", re.ASCII)
_INDEX = re.compile(r"[-+]?\d+", re.ASCII)
_MOST_DIGITS = 1000
_FARTHEST = 2**62
LARGEST = float(np.finfo(np.float32).max)
"""Features are float32: a value beyond this would turn into infinity."""
MOST_COLUMNS = 100_000_000
"""A matrix wider than this is refused: it comes from a mistyped index or header."""


def number(text: str, what: str, file: str | PathLike[str], line: int) -> float:
    """Return ``text`` as a number that float32 holds, or raise a :class:`DataError` that names ``what``."""
    if not _NUMBER.fullmatch(text):
        kind = "finite" if text.lstrip("+-").lower() in ("nan", "inf", "infinity") else "a number"
        raise DataError(f"{what} is {text!r}, which is not {kind}", file, line)
    value = float(text)
    if math.fabs(value) > LARGEST:
        raise DataError(f"{what} is {text}, which does not fit into float32", file, line)
    return value


def integer(text: str, what: str, file: str | PathLike[str], line: int) -> int:
    """Return ``text`` as an integer, or raise a :class:`DataError` that names ``what``."""
    if not _INDEX.fullmatch(text):
        raise DataError(f"{what} is {text!r}, which is not an integer", file, line)
    if len(text) > _MOST_DIGITS:
        raise DataError(f"{what} is {text!r}, which is far too large", file, line)
    return int(text)


def check_width(width: int, what: str, file: str | PathLike[str], line: int | None = None) -> None:
    """Raise a :class:`DataError` if a matrix would have more than :data:`MOST_COLUMNS` columns.

    >>> check_width(5000, "features", "data.txt")
    """
    if width > MOST_COLUMNS:
        raise DataError(f"{width} {what} are declared; at most {MOST_COLUMNS} are read", file, line)


class SparseRows:
    """Collects rows of indices and values; :meth:`matrix` checks them all at once.

    Args:
        file: The file the rows come from, for messages.
        what: What an index stands for, for messages: ``'feature'``, ``'label'`` or ``'attribute'``.
        base: The number that the first index is written as.
    """

    def __init__(self, file: str | PathLike[str], what: str, base: int = 0):
        self.file, self.what, self.base = file, what, base
        self.columns = array("q")
        self.values = array("d")
        self.ends = array("q", [0])
        self.lines = array("q")

    def add(self, columns: Sequence[int], values: Sequence[float] | None, line: int) -> None:
        """Append one row; no values means that all are 1."""
        try:
            self.columns.extend(array("q", columns))
        except OverflowError:
            self.columns.extend(max(-_FARTHEST, min(column, _FARTHEST)) for column in columns)
        if values is not None:
            self.values.extend(array("d", values))
        self.ends.append(len(self.columns))
        self.lines.append(line)

    def matrix(self, width: int | None, largest: float = LARGEST) -> sp.csr_array:
        """Return sorted float64 CSR ``[N, width]``; a width of None is as wide as the largest index needs.

        Raises:
            DataError: If an index is below the base, at or beyond the width or repeated in its row, or a
                value is too large in magnitude.
        """
        columns = self._checked_columns(width)
        width = int(columns.max(initial=-1)) + 1 if width is None else width
        values = np.array(self.values) if len(self.values) else np.ones(len(columns))
        self._refuse(
            np.abs(values) > largest, lambda at: f"{self._index(columns[at])} does not fit into float32"
        )
        matrix = sp.csr_array((values, columns, np.array(self.ends)), shape=(len(self.lines), width))
        matrix.sort_indices()
        twice = np.flatnonzero(matrix.indices[1:] == matrix.indices[:-1]) + 1
        twice = twice[~np.isin(twice, matrix.indptr)]
        if len(twice):
            line = self.lines[np.searchsorted(matrix.indptr, twice[0], side="right") - 1]
            raise DataError(
                f"{self._index(matrix.indices[twice[0]])} stands twice in the row", self.file, line
            )
        return matrix

    def _checked_columns(self, width: int | None) -> np.ndarray:
        columns = np.array(self.columns, np.int64) - self.base
        rule = f"indices begin at {self.base}"
        self._refuse(columns < 0, lambda at: f"{self._index(columns[at])}: {rule}")
        last = (MOST_COLUMNS if width is None else width) - 1
        self._refuse(
            columns > last,
            lambda at: f"{self._index(columns[at])} is beyond the last one, {last + self.base} ({rule})",
        )
        return columns

    def _index(self, column: int) -> str:
        return f"{self.what} index {column + self.base}"

    def _refuse(self, wrong: np.ndarray, reason) -> None:
        if wrong.any():
            entry = int(np.flatnonzero(wrong)[0])
            row = int(np.searchsorted(self.ends, entry, side="right")) - 1
            raise DataError(reason(entry), self.file, self.lines[row])
