"""CSV and TSV: named columns, some of which are labels."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np

from mlj.data.columns import choose_columns
from mlj.data.combine import concatenate
from mlj.data.dataset import Dataset
from mlj.data.errors import DataError, in_file
from mlj.data.missing import check_option, settle
from mlj.data.naming import bare_name
from mlj.data.streams import plain_name, read_text
from mlj.data.table_columns import label_table, listed_labels, numeric_features, with_text

MISSING = ("", "?", "NA", "N/A", "NaN", "nan", "null", "None")
"""The cells that :func:`read_csv` takes for a missing value, unless told otherwise."""

_DELIMITERS = {".csv": ",", ".tsv": "\t", ".tab": "\t"}


@dataclass(frozen=True)
class Table:
    """The cells of a file, row by row, with the line on which each row ends."""

    file: str | PathLike[str]
    names: tuple[str, ...]
    rows: list[list[str]]
    lines: list[int]
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
    reader = csv.reader(io.StringIO(content, newline=""), **options)
    try:
        found = [(reader.line_num, row) for row in reader]
    except csv.Error as error:
        raise DataError(f"is not a table: {error}", path, reader.line_num) from error
    while not found[-1][1]:
        found.pop()
    lines, rows = map(list, zip(*found))
    _check_widths(path, lines, rows, "the header" if header else "the first row")
    names = (
        tuple(cell.strip() for cell in rows[0])
        if header
        else tuple(f"column_{at}" for at in range(len(rows[0])))
    )
    _check_names(names, path, lines[0])
    table = Table(path, names, rows[header:], lines[header:], lines[0] if header else None)
    if not table.rows:
        raise DataError("a header and no rows", path, lines[0])
    return table


def _check_widths(path, lines: list[int], rows: list[list[str]], first: str) -> None:
    for line, row in zip(lines, rows):
        if not row:
            raise DataError("a blank line between rows", path, line)
        if len(row) != len(rows[0]):
            raise DataError(f"the row has {len(row)} cells, {first} has {len(rows[0])}", path, line)


def _delimiter(path: str | PathLike[str]) -> str:
    suffix = Path(plain_name(path)).suffix.lower()
    if suffix not in _DELIMITERS:
        raise DataError(
            f"the suffix {suffix!r} does not tell what stands between cells; state delimiter=", path
        )
    return _DELIMITERS[suffix]


def _check_names(names: tuple[str, ...], path, line: int) -> None:
    for at, name in enumerate(names):
        if not name:
            raise DataError(f"column {at + 1} has no name", path, line)
        if name in names[:at]:
            raise DataError(f"two columns are named {name!r}", path, line)


def _roles(table: Table, labels, ignore, text) -> dict[str, list[int]]:
    roles: dict[str, list[int]] = {}
    for role, chosen in (("labels", labels), ("ignore", ignore), ("text", text)):
        try:
            roles[role] = choose_columns(table.names, chosen, role.removesuffix("s")) if chosen else []
        except DataError as error:
            raise DataError(error.reason, table.file, table.header_line) from error
    taken = [column for columns in roles.values() for column in columns]
    for column in taken:
        if taken.count(column) > 1:
            used = " and ".join(role for role, columns in roles.items() if column in columns)
            raise DataError(
                f"column {table.names[column]!r} is named in {used}", table.file, table.header_line
            )
    if not roles["labels"]:
        raise DataError("no label column is named: give labels=", table.file, table.header_line)
    roles["features"] = [column for column in range(len(table.names)) if column not in set(taken)]
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
    labels = np.zeros((len(rows), len(place)), np.uint8)
    where = np.ones(labels.shape, bool)
    for at, present in enumerate(rows):
        if present is None:
            where[at] = False
            continue
        for label in present:
            if label not in place:
                raise DataError(f"label {label!r} is not one of label_names", table.file, table.lines[at])
            labels[at, place[label]] = 1
    return {"labels": labels, "where": where, "label_names": list(label_names)}
