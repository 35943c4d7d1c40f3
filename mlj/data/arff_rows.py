"""The rows below ``@data``: a fast path for plain numbers, a careful one that can say what is wrong.

A line that the fast path does not understand is read again, token by token; a file of good lines pays nothing
for it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from os import PathLike

import numpy as np
import scipy.sparse as sp

from mlj.data.arff import Attribute, tokens
from mlj.data.errors import DataError
from mlj.data.sparse_rows import LARGEST, SparseRows, integer, number
from mlj.data.streams import decode

_DIGITS = b"0123456789+-.eE"
_NOT_PLAIN = set(b"'\"{}%")
_MOST_TOKENS = 8
_MARK, _WORD = "mark", "word"


class _Columns:
    """How to read the text of each column: as a number, or as a name to look up."""

    def __init__(self, attributes: tuple[Attribute, ...]):
        self.attributes = attributes
        self.numbers = [_as_numbers(attribute.values) for attribute in attributes]
        self.positions = [
            None if attribute.values is None or numbers is not None else _positions(attribute.values)
            for attribute, numbers in zip(attributes, self.numbers)
        ]
        self.plain = all(position is None for position in self.positions)

    def value(self, column: int, kind: str, text: str, path, line: int) -> float:
        if kind == _WORD and text == "?":
            return np.nan
        attribute = self.attributes[column]
        if self.positions[column] is not None:
            if text not in self.positions[column]:
                raise _undeclared(attribute, text, path, line)
            return self.positions[column][text]
        return number(text, f"attribute {attribute.name!r}", path, line)


def _as_numbers(values: tuple[str, ...] | None) -> np.ndarray | None:
    """Return the declared values as numbers, or None if one is not, or two would be the same number."""
    if values is None:
        return None
    try:
        numbers = np.array([float(value) for value in values])
    except ValueError:
        return None
    plain = all(set(value.encode()) <= set(_DIGITS) for value in values)
    return numbers if plain and len(np.unique(numbers)) == len(values) else None


def _positions(values: tuple[str, ...]) -> dict[str, int]:
    return {value: position for position, value in enumerate(values)}


def _undeclared(attribute: Attribute, text: str, path, line: int) -> DataError:
    shown = ",".join(attribute.values[:6]) + (",..." if len(attribute.values) > 6 else "")
    return DataError(f"attribute {attribute.name!r} is {text!r}; declared are {{{shown}}}", path, line)


def read_rows(
    path: str | PathLike[str],
    attributes: tuple[Attribute, ...],
    lines: list[bytes],
    start: int,
    encoding: str,
) -> tuple[np.ndarray | sp.csr_array, np.ndarray]:
    """Return the values ``[N, A]`` of the rows from ``lines[start]`` on, and the line number of each row."""
    columns = _Columns(attributes)
    rows = (at + 1 for at in range(start, len(lines)) if lines[at].strip()[:1] not in (b"", b"%"))
    numbers = np.fromiter(rows, np.int64)
    if not len(numbers):
        raise DataError("no rows after @data", path, start)
    if not lines[numbers[0] - 1].strip().startswith(b"{"):
        return _dense(columns, lines, numbers, path, encoding), numbers
    gathered = SparseRows(path, "attribute")
    for line in map(int, numbers):
        gathered.add(*_sparse_row(columns, lines[line - 1].strip(), path, line, encoding), line)
    matrix = gathered.matrix(len(attributes))
    entry_rows = np.repeat(np.arange(len(numbers)), np.diff(matrix.indptr))
    for column, declared, at in _grouped(columns, matrix.indices):
        matrix.data[at] = _as_positions(
            columns, column, declared, matrix.data[at], numbers[entry_rows[at]], path
        )
    return matrix, numbers


def _grouped(columns: _Columns, indices: np.ndarray):
    """Yield ``(column, declared numbers, entries)`` of each nominal column that has an entry."""
    order = np.argsort(indices, kind="stable")
    ends = np.searchsorted(indices[order], np.arange(len(columns.numbers) + 1))
    for column, declared in enumerate(columns.numbers):
        if declared is not None and ends[column] < ends[column + 1]:
            yield column, declared, order[ends[column] : ends[column + 1]]


def _dense(columns: _Columns, lines: list[bytes], numbers: np.ndarray, path, encoding: str) -> np.ndarray:
    width = len(columns.attributes)
    commas = b"," * (width - 1)
    if any(len(lines[line - 1]) < 2 * width - 1 for line in numbers):
        # A row is too short for its attributes: the first error is found before anything is allocated.
        for line in map(int, numbers):
            _dense_row(columns, lines[line - 1].strip(), path, line, encoding)
    matrix = np.empty((len(numbers), width))
    for at, line in enumerate(map(int, numbers)):
        text = lines[line - 1].strip()
        if columns.plain and text.translate(None, _DIGITS) == commas:
            try:
                matrix[at] = list(map(float, text.split(b",")))
                continue
            except ValueError:
                pass
        matrix[at] = _dense_row(columns, text, path, line, encoding)
    large = np.argwhere(np.abs(matrix) > LARGEST)
    if len(large):
        row, column = large[0]
        name = columns.attributes[column].name
        raise DataError(f"attribute {name!r} does not fit into float32", path, int(numbers[row]))
    for column, declared in enumerate(columns.numbers):
        if declared is not None:
            matrix[:, column] = _as_positions(columns, column, declared, matrix[:, column], numbers, path)
    return matrix


def _as_positions(
    columns: _Columns, column: int, declared: np.ndarray, values: np.ndarray, lines: np.ndarray, path
) -> np.ndarray:
    order = np.argsort(declared)
    places = np.minimum(np.searchsorted(declared[order], values), len(declared) - 1)
    positions = order[places].astype(float)
    gap = np.isnan(values)
    wrong = (declared[order][places] != values) & ~gap
    if wrong.any():
        first = np.flatnonzero(wrong)[0]
        raise _undeclared(columns.attributes[column], f"{values[first]:g}", path, int(lines[first]))
    positions[gap] = np.nan
    return positions


def _dense_row(columns: _Columns, text: bytes, path, line: int, encoding: str) -> list[float]:
    if text.startswith(b"{"):
        raise DataError("a sparse row {...} in a file of dense rows", path, line)
    width, count = len(columns.attributes), text.count(b",") + 1
    if count != width and not set(text) & _NOT_PLAIN:
        raise DataError(f"the row has {count} values for {width} attributes", path, line)
    found = _cells(tokens(decode(text, line, path, encoding), path, line), path, line)
    cells = list(itertools.islice(found, width))
    count = len(cells) + sum(1 for _ in found)
    if count != width:
        raise DataError(f"the row has {count} values for {width} attributes", path, line)
    for cell in cells:
        if len(cell) != 1:
            raise DataError(f"expected one value between commas, got {_shown(cell)}", path, line)
    return [columns.value(column, *cell[0], path, line) for column, cell in enumerate(cells)]


def _cells(found: Iterator[tuple[str, str]], path, line: int) -> Iterator[list[tuple[str, str]]]:
    """Yield the tokens between commas, the first few of each cell."""
    cell: list[tuple[str, str]] = []
    for kind, text in found:
        if kind != _MARK:
            if len(cell) < _MOST_TOKENS:
                cell.append((kind, text))
        elif text == ",":
            yield cell
            cell = []
        else:
            raise DataError(f"unexpected {text!r} in a row", path, line)
    yield cell


def _inside(found: Iterator[tuple[str, str]], path, line: int) -> Iterator[tuple[str, str]]:
    """Yield the tokens up to the brace that ends the row."""
    for token in found:
        if token == (_MARK, "}"):
            if next(found, None) is None:
                return
            break
        yield token
    raise DataError("the sparse row does not end with }", path, line)


def _shown(cell: list[tuple[str, str]]) -> str:
    return repr(" ".join(text for _, text in cell)) if cell else "nothing"


def _sparse_row(
    columns: _Columns, text: bytes, path, line: int, encoding: str
) -> tuple[list[int], list[float]]:
    if columns.plain and text.endswith(b"}"):
        inner = text[1:-1].strip().replace(b", ", b",")
        flat = inner.replace(b",", b" ").split(b" ") if inner else []
        if not len(flat) % 2 and inner.translate(None, _DIGITS) == (b" ," * (len(flat) // 2))[:-1]:
            try:
                return list(map(int, flat[::2])), list(map(float, flat[1::2]))
            except ValueError:
                pass
    return _careful_sparse_row(columns, decode(text, line, path, encoding), path, line)


def _careful_sparse_row(columns: _Columns, text: str, path, line: int) -> tuple[list[int], list[float]]:
    found = tokens(text, path, line)
    if next(found, None) != (_MARK, "{"):
        raise DataError("a dense row in a file of sparse rows {index value,...}", path, line)
    indices, values = [], []
    for at, cell in enumerate(cells := _cells(_inside(found, path, line), path, line)):
        if not cell and at == 0 and next(cells, None) is None:
            break
        if len(cell) != 2:
            raise DataError(f"expected 'index value' between commas, got {_shown(cell)}", path, line)
        column = integer(cell[0][1], "an attribute index", path, line)
        if not 0 <= column < len(columns.attributes):
            last = len(columns.attributes) - 1
            raise DataError(f"attribute index {column} is outside 0 to {last}", path, line)
        indices.append(column)
        values.append(columns.value(column, *cell[1], path, line))
    return indices, values
