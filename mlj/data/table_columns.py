"""The columns of a table and their roles: numbers, labels and hashed text."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp

from mlj.data.cells import Table
from mlj.data.columns import choose_columns
from mlj.data.errors import DataError
from mlj.data.missing import HOW_TO_FILL
from mlj.data.sparse_rows import LARGEST, number
from mlj.data.streams import refuse_growth
from mlj.data.text import hashed_ngrams

_LABEL_CELLS = {"0": 0, "0.0": 0, "false": 0, "1": 1, "1.0": 1, "true": 1}


def numeric_features(
    table: Table, columns: list[int], missing: Sequence[str], refuse_missing: bool
) -> tuple[np.ndarray, list[str]]:
    """Return the feature columns ``[N, D]`` with NaN for a missing cell, and their names."""
    features = np.empty((len(table.rows), len(columns)))
    for at, column in enumerate(columns):
        features[:, at] = _numbers(table, column, missing, refuse_missing)
    return features, [table.names[column] for column in columns]


def _numbers(table: Table, column: int, missing: Sequence[str], refuse_missing: bool) -> np.ndarray:
    cells = table.column(column)
    joined = "".join(cells)
    if joined.isascii() and "_" not in joined:
        try:
            values = np.array(list(map(float, cells)))
        except ValueError:
            pass
        else:
            if (np.abs(values) <= LARGEST).all():
                return values
    gaps, name = frozenset(missing), table.names[column]
    values = np.empty(len(cells))
    for at, (cell, line) in enumerate(zip(cells, table.lines)):
        if cell in gaps:
            if refuse_missing:
                raise DataError(f"feature {name!r} is missing ({cell!r}); {HOW_TO_FILL}", table.file, line)
            values[at] = np.nan
        else:
            values[at] = _number_or_advice(cell, name, table.file, line)
    return values


def _number_or_advice(cell: str, name: str, file, line: int) -> float:
    try:
        return number(cell, f"column {name!r}", file, line)
    except DataError as error:
        advice = f"leave the column out with ignore, or read it as text (ignore={name!r} or text={name!r})"
        reason = f"{error.reason}; {advice}" if error.reason.endswith("a number") else error.reason
        raise DataError(reason, file, line) from None


def label_table(table: Table, columns: list[int], missing: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return labels ``[N, L]`` and which were observed; cells are 0, 1, false, true or missing."""
    gaps = frozenset(missing)
    labels = np.zeros((len(table.rows), len(columns)), np.uint8)
    where = np.ones(labels.shape, bool)
    for at, column in enumerate(columns):
        for row, cell in enumerate(table.column(column)):
            value = _LABEL_CELLS.get(cell.lower())
            if value is not None:
                labels[row, at] = value
            elif cell in gaps:
                where[row, at] = False
            else:
                name = table.names[column]
                raise DataError(
                    f"label {name!r} is {cell!r}; a label is 0, 1 or missing", table.file, table.lines[row]
                )
    return labels, where


def listed_labels(
    table: Table, columns: list[int], separator: str, missing: Sequence[str]
) -> list[list[str] | None]:
    """Return the labels present in each row of the one label column; None where they were not observed."""
    if len(columns) != 1:
        names = ", ".join(table.names[column] for column in columns)
        raise DataError(
            f"with a separator the labels stand in one column, not in {names}", table.file, table.header_line
        )
    gaps = frozenset(missing) - {""}
    rows: list[list[str] | None] = []
    for cell, line in zip(table.column(columns[0]), table.lines):
        present = [label.strip() for label in cell.split(separator)] if cell else []
        if cell not in gaps and "" in present:
            raise DataError(f"an empty label in {cell!r}", table.file, line)
        if len(set(present)) != len(present):
            raise DataError(f"a label stands twice in {cell!r}", table.file, line)
        rows.append(None if cell in gaps else present)
    return rows


def with_text(features: np.ndarray, names: list[str], table: Table, columns: list[int]):
    """Return features and names with the hashed n-grams of the text columns behind them."""
    if not columns:
        return features, names
    blocks = [sp.csr_array(features)]
    for column in columns:
        block = hashed_ngrams(table.column(column))
        blocks.append(block)
        names = [*names, *(f"{table.names[column]}#{bucket}" for bucket in range(block.shape[1]))]
    return sp.csr_array(sp.hstack(blocks)), names


def column_roles(table: Table, labels, ignore, text) -> dict[str, list[int]]:
    """Return the columns of each role; features are those that the caller gave no other."""
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


def labels_found(tables: list[Table], chosen: list[dict], separator: str, missing) -> list[str]:
    """Return the labels that some row of some table lists, sorted."""
    found: set[str] = set()
    for table, roles in zip(tables, chosen):
        for present in listed_labels(table, roles["labels"], separator, missing):
            found.update(present or ())
    return sorted(found)


def observed_labels(
    table: Table, columns: list[int], separator: str | None, label_names, missing
) -> dict[str, object]:
    """Return ``labels`` ``[N, L]``, ``where`` they are observed (``None``: all) and the ``label_names``."""
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
