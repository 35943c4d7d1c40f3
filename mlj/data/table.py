"""CSV and TSV: named columns, some of which are labels."""

from __future__ import annotations

import csv
import re
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np
import scipy.sparse as sp

from mlj.data.columns import choose_columns
from mlj.data.combine import concatenate
from mlj.data.dataset import Dataset
from mlj.data.errors import DataError, in_file
from mlj.data.missing import check_option, settle
from mlj.data.naming import bare_name
from mlj.data.streams import plain_name, read_text, refuse_growth
from mlj.data.table_columns import label_table, listed_labels, numeric_features, with_text

MISSING = ("", "?", "NA", "N/A", "NaN", "nan", "null", "None")
"""The cells that :func:`read_csv` takes for a missing value, unless told otherwise."""

# Lines as the csv module wants them; a stream of the text would take four times its memory.
_LINE = re.compile(r"[^\r\n]*(?:\r\n?|\n)|[^\r\n]+")
_DELIMITERS = {".csv": ",", ".tsv": "\t", ".tab": "\t"}


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


def read_csv(
    path: str | PathLike[str],
    labels: str | Sequence[str],
    *,
    separator: str | None = None,
    label_names: Sequence[str] | None = None,
    test: str | PathLike[str] | None = None,
    ignore: str | Sequence[str] = (),
    text: str | Sequence[str] = (),
    missing: Sequence[str] = MISSING,
    missing_features: str = "error",
    delimiter: str | None = None,
    quote: str | None = '"',
    header: bool = True,
    encoding: str = "utf-8",
    name: str | None = None,
) -> Dataset:
    """Read a table of numbers whose label columns the caller names.

    Every column that is neither a label, nor ignored, nor text is a feature and must hold numbers.

    Args:
        path: The file, plain or compressed.
        labels: The label columns, which hold 0 and 1 (or ``false`` and ``true``): names, ``'first:12'``,
            ``'last:12'`` or a pattern such as ``'Class*'``, see :func:`mlj.data.columns.choose_columns`.
        separator: If given, ``labels`` is ONE column of present labels with this between them, as in
            ``sea;sky``. An empty cell is then an empty labelset.
        label_names: With ``separator``, the labels that there are; those found, sorted, if None.
        test: A file with the test rows of the official split; its columns are matched by name.
        ignore: Columns to leave out, named as ``labels`` are.
        text: Columns of text, each of which becomes hashed character n-grams
            (:func:`mlj.data.text.hashed_ngrams`).
        missing: The cells that mean a missing value. A missing label is an unobserved label.
        missing_features: What a missing feature becomes, see :func:`mlj.data.read_mulan_arff`.
        delimiter: What stands between cells; by the suffix if None: a comma for ``.csv``, a tab for ``.tsv``.
        quote: The quote character, None for none.
        header: Whether the first line holds the names; if not, they are ``column_0`` and so on.
        encoding: How the text is encoded.
        name: What to call the data set; the name of the file if None.

    Raises:
        DataError: With file and line, for a ragged row, a column that is absent or named twice, or a cell
            that is neither a number nor missing.
    """
    check_option(missing_features)
    name = bare_name(path) if name is None else name
    paths = [path] if test is None else [path, test]
    tables = [read_table(file, delimiter, quote, header, encoding) for file in paths]
    chosen = [_roles(table, labels, ignore, text) for table in tables]
    if separator is not None and label_names is None:
        label_names = _found_labels(tables, chosen, separator, missing)
    parts = []
    for table, roles in zip(tables, chosen):
        observed = _labels(table, roles["labels"], separator, label_names, missing)
        features, names = numeric_features(table, roles["features"], missing, missing_features == "error")
        features, names = with_text(features, names, table, roles["text"])
        with in_file(table.file):
            parts.append(Dataset(features, feature_names=names, name=name, allow_missing=True, **observed))
    with in_file(paths[-1]):
        return settle(parts[0] if test is None else concatenate(*parts), missing_features)


def read_table(
    path: str | PathLike[str], delimiter: str | None, quote: str | None, header: bool, encoding: str
) -> Table:
    """Return the cells of a delimited file; rows of another width than the first are refused."""
    content = read_text(path, encoding)
    options = {"delimiter": _delimiter(path) if delimiter is None else delimiter, "strict": True}
    options |= {"quoting": csv.QUOTE_NONE} if quote is None else {"quotechar": quote}
    reader = csv.reader((line[0] for line in _LINE.finditer(content)), **options)
    lines, rows = array("q"), []
    first = "the header" if header else "the first row"
    names: tuple[str, ...] = ()
    try:
        for row in _checked_rows(reader, path, first):
            if not rows:
                names = _names(row, header, path, reader.line_num)
            lines.append(reader.line_num)
            rows.append(row)
    except csv.Error as error:
        raise DataError(f"is not a table: {error}", path, reader.line_num) from error
    if not rows:
        raise DataError("the file is empty", path)
    table = Table(path, names, rows[header:], lines[header:], lines[0] if header else None)
    if not table.rows:
        raise DataError("a header and no rows", path, lines[0])
    return table


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


def _roles(table: Table, labels, ignore, text) -> dict[str, list[int]]:
    roles: dict[str, list[int]] = {}
    for role, chosen in (("labels", labels), ("ignore", ignore), ("text", text)):
        try:
            roles[role] = choose_columns(table.names, chosen, role.removesuffix("s")) if chosen else []
        except DataError as error:
            raise DataError(error.reason, table.file, table.header_line) from error
    taken = Counter(column for columns in roles.values() for column in columns)
    for column, times in taken.items():
        if times > 1:
            used = " and ".join(role for role, columns in roles.items() if column in columns)
            raise DataError(
                f"column {table.names[column]!r} is named in {used}", table.file, table.header_line
            )
    if not roles["labels"]:
        raise DataError("no label column is named: give labels=", table.file, table.header_line)
    roles["features"] = [column for column in range(len(table.names)) if column not in taken]
    return roles


def _found_labels(tables: list[Table], chosen: list[dict], separator: str, missing) -> list[str]:
    found: set[str] = set()
    for table, roles in zip(tables, chosen):
        for present in listed_labels(table, roles["labels"], separator, missing):
            found.update(present or ())
    return sorted(found)


def _labels(
    table: Table, columns: list[int], separator: str | None, label_names, missing
) -> dict[str, object]:
    if separator is None:
        labels, where = label_table(table, columns, missing)
        return {"labels": labels, "where": where, "label_names": [table.names[column] for column in columns]}
    place = {label: at for at, label in enumerate(label_names)}
    if not place:
        raise DataError("no row has a label", table.file, table.header_line)
    rows = listed_labels(table, columns, separator, missing)
    columns, ends = array("q"), array("q", [0])
    for at, present in enumerate(rows):
        for label in present or ():
            if label not in place:
                raise DataError(f"label {label!r} is not one of label_names", table.file, table.lines[at])
            columns.append(place[label])
        ends.append(len(columns))
    shape = len(rows), len(place)
    parts = np.ones(len(columns), np.uint8), np.array(columns, np.int64), np.array(ends, np.int64)
    where, unobserved = None, [at for at, present in enumerate(rows) if present is None]
    if unobserved:
        refuse_growth(shape[0] * shape[1], "which labels are observed takes", table.file)
        where = np.ones(shape, bool)
        where[unobserved] = False
    return {"labels": sp.csr_array(parts, shape=shape), "where": where, "label_names": list(label_names)}
