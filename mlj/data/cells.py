"""CSV and TSV as rows of cells: whole files, or some rows at a time."""

from __future__ import annotations

import csv
import re
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from mlj.data.errors import DataError
from mlj.data.line_stream import text_lines
from mlj.data.streams import plain_name, read_text

MISSING = ("", "?", "NA", "N/A", "NaN", "nan", "null", "None")
"""The cells that :func:`mlj.data.read_csv` takes for a missing value, unless told otherwise."""

LONGEST_CELL = 1 << 22
"""A cell of more characters is refused: behind a quote that is never closed, all rows are one cell."""

# Lines as the csv module wants them; a stream of the text would take four times its memory.
_LINE = re.compile(r"[^\r\n]*(?:\r\n?|\n)|[^\r\n]+")
_DELIMITERS = {".csv": ",", ".tsv": "\t", ".tab": "\t"}


@dataclass(frozen=True)
class Dialect:
    """How the cells of a file are written; the options are those of :func:`mlj.data.read_csv`."""

    delimiter: str | None = None
    quote: str | None = '"'
    header: bool = True
    encoding: str = "utf-8"


@dataclass(frozen=True)
class Table:
    """The cells of a file, row by row, with the line on which each row ends."""

    file: str | PathLike[str]
    names: tuple[str, ...]
    rows: list[list[str]]
    lines: Sequence[int]
    header_line: int | None

    def column(self, at: int) -> list[str]:
        """Return the cells of one column, without the spaces around them."""
        return [row[at].strip() for row in self.rows]


def read_table(path: str | PathLike[str], dialect: Dialect) -> Table:
    """Return the cells of a delimited file; rows of another width than the first are refused."""
    content = read_text(path, dialect.encoding)
    return next(_tables((line[0] for line in _LINE.finditer(content)), path, dialect, None))


def read_tables(path: str | PathLike[str], dialect: Dialect, rows: int) -> Iterator[Table]:
    """Yield the rows of a file as tables of so many rows, each with the line on which it ends."""
    return _tables(text_lines(path, dialect.encoding), path, dialect, rows)


def _tables(lines: Iterable[str], path, dialect: Dialect, rows: int | None) -> Iterator[Table]:
    reader = _csv_reader(lines, path, dialect)
    names: tuple[str, ...] = ()
    header_line, done = None, False
    found: list[list[str]] = []
    ends, begins = array("q"), 1
    try:
        for row in _checked_rows(reader, path, "the header" if dialect.header else "the first row"):
            begins = reader.line_num + 1
            if not names:
                names = _names(row, dialect.header, path, reader.line_num)
                header_line = reader.line_num if dialect.header else None
                if dialect.header:
                    continue
            found.append(row)
            ends.append(reader.line_num)
            if len(found) == rows:
                yield Table(path, names, found, ends, header_line)
                found, ends, done = [], array("q"), True
    except csv.Error as error:
        where = f", in the row that begins on line {begins}" if begins < reader.line_num else ""
        raise DataError(f"is not a table: {error}{where}", path, reader.line_num) from error
    if found:
        yield Table(path, names, found, ends, header_line)
    elif not done:
        raise DataError("a header and no rows" if names else "the file is empty", path, header_line)


def _csv_reader(lines: Iterable[str], path, dialect: Dialect):
    # The limit is one for all readers of the process, and too low for long documents; it is only ever raised.
    csv.field_size_limit(max(csv.field_size_limit(), LONGEST_CELL))
    delimiter = _delimiter(path) if dialect.delimiter is None else dialect.delimiter
    if dialect.quote is None:
        return csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE, strict=True)
    return csv.reader(lines, delimiter=delimiter, quotechar=dialect.quote, strict=True)


def _checked_rows(reader, path, first: str) -> Iterator[list[str]]:
    """Yield the rows, of one width; blank lines may stand at the end."""
    blank = width = 0
    for row in reader:
        if not row:
            blank = blank or reader.line_num
            continue
        if blank:
            raise DataError("a blank line between rows", path, blank)
        width = width or len(row)
        if len(row) != width:
            raise DataError(f"the row has {len(row)} cells, {first} has {width}", path, reader.line_num)
        yield row


def _delimiter(path: str | PathLike[str]) -> str:
    suffix = Path(plain_name(path)).suffix.lower()
    if suffix not in _DELIMITERS:
        raise DataError(
            f"the suffix {suffix!r} does not tell what stands between cells; state delimiter=", path
        )
    return _DELIMITERS[suffix]


def _names(row: list[str], header: bool, path, line: int) -> tuple[str, ...]:
    if not header:
        return tuple(f"column_{at}" for at in range(len(row)))
    names: dict[str, int] = {}
    for at, cell in enumerate(row):
        name = cell.strip()
        if not name:
            raise DataError(f"column {at + 1} has no name", path, line)
        if name in names:
            raise DataError(f"two columns are named {name!r}", path, line)
        names[name] = at
    return tuple(names)
