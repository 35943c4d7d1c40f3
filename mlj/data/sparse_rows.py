"""Rows of ``index value`` pairs, gathered into one CSR matrix with every row's line remembered."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from os import PathLike

import numpy as np
import scipy.sparse as sp

from mlj.data.errors import DataError

_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?", re.ASCII)
_INDEX = re.compile(r"[-+]?\d+", re.ASCII)
LARGEST = float(np.finfo(np.float32).max)
"""Features are float32: a value beyond this would turn into infinity."""


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
    return int(text)


class SparseRows:
    """Collects rows of indices and values; :meth:`matrix` checks them all at once.

    Args:
        file: The file the rows come from, for messages.
        what: What an index stands for, for messages: ``'feature'``, ``'label'`` or ``'attribute'``.
        base: The number that the first index is written as.
    """

    def __init__(self, file: str | PathLike[str], what: str, base: int = 0):
        self.file, self.what, self.base = file, what, base
        self.columns: list[int] = []
        self.values: list[float] = []
        self.ends: list[int] = [0]
        self.lines: list[int] = []

    def add(self, columns: Sequence[int], values: Sequence[float] | None, line: int) -> None:
        """Append one row; no values means that all are 1."""
        self.columns.extend(columns)
        if values is not None:
            self.values.extend(values)
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
        values = np.array(self.values) if self.values else np.ones(len(columns))
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
        try:
            columns = np.array(self.columns, np.int64) - self.base
        except OverflowError:
            columns = np.array([min(column, 2**62) for column in self.columns], np.int64) - self.base
        rule = f"indices begin at {self.base}"
        self._refuse(columns < 0, lambda at: f"{self._index(columns[at])}: {rule}")
        last = np.iinfo(np.int32).max - 1 if width is None else width - 1
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
