"""From parsed ARFF columns to features and labels.

A number stays a number. A nominal attribute of values 0 and 1 is that number; of two other values it is 1 for
the second declared one; of more it becomes one column per value, named ``attribute=value``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp

from mlj.data.arff import ArffTable, Attribute
from mlj.data.dataset import Dataset
from mlj.data.errors import DataError, in_file
from mlj.data.missing import HOW_TO_FILL
from mlj.data.streams import refuse_growth


def encode(
    table: ArffTable,
    label_columns: Sequence[int],
    *,
    missing_features: str,
    split: np.ndarray | None = None,
    name: str,
) -> Dataset:
    """Return the data set of a table whose labels stand in the given columns, in their order.

    Missing features are NaN in the result, unless ``missing_features`` is ``'error'``.
    """
    columns = np.array(sorted(label_columns), np.int64)
    others = np.setdiff1d(np.arange(len(table.attributes)), columns)
    if not len(columns):
        raise DataError("no attribute is a label", table.file)
    if missing_features == "error":
        _refuse_missing(table, others)
    features, feature_names = _features(table, others)
    labels, where = _labels(table, columns)
    with in_file(table.file):
        return Dataset(
            features,
            labels,
            where=where,
            feature_names=feature_names,
            label_names=[table.attributes[column].name for column in columns],
            split=split,
            name=name,
            allow_missing=True,
        )


def _refuse_missing(table: ArffTable, columns: np.ndarray) -> None:
    if sp.issparse(table.matrix):
        entries = np.flatnonzero(np.isnan(table.matrix.data) & np.isin(table.matrix.indices, columns))
        rows = np.searchsorted(table.matrix.indptr, entries[:1], side="right") - 1
        cells = list(zip(rows, table.matrix.indices[entries[:1]]))
    else:
        cells = [(row, columns[at]) for row, at in np.argwhere(np.isnan(table.matrix[:, columns]))[:1]]
    for row, column in cells:
        name = table.attributes[column].name
        raise DataError(f"feature {name!r} is missing (?); {HOW_TO_FILL}", table.file, int(table.lines[row]))


def _is_identity(attribute: Attribute) -> bool:
    return attribute.values in (None, ("0", "1"), ("0",))


def _features(table: ArffTable, columns: np.ndarray):
    """Return the features as float32 and their names; what is nominal has one column for each shown value."""
    shown = [_shown_values(table.attributes[column]) for column in columns]
    names = [
        _column_name(table.attributes[column], at) for column, values in zip(columns, shown) for at in values
    ]
    widths = np.array([len(values) for values in shown], np.int64)
    firsts = np.cumsum(widths) - widths
    plain = np.array([_is_identity(table.attributes[column]) for column in columns], bool)
    if plain.all():
        return table.matrix[:, columns], names
    rows = len(table.lines)
    refuse_growth(4 * rows * int(widths[~plain].sum()), "the nominal attributes take", table.file)
    if sp.issparse(table.matrix):
        return _sparse_features(table, columns, shown, firsts, plain, len(names)), names
    features = np.empty((rows, len(names)), np.float32)
    features[:, firsts[plain]] = table.matrix[:, columns[plain]]
    for column, values, first in zip(columns[~plain], np.array(shown, object)[~plain], firsts[~plain]):
        block = features[:, first : first + len(values)]
        _fill(block, table.attributes[column], values, table.matrix[:, column])
    features.flags.writeable = False
    return features, names


def _sparse_features(table: ArffTable, columns, shown, firsts, plain, width: int) -> sp.csr_array:
    by_column = sp.csc_array(table.matrix)
    blocks = [sp.coo_array(table.matrix[:, columns[plain]])]
    places = [firsts[plain][blocks[0].coords[1]]]
    for at in np.flatnonzero(~plain):
        block = np.empty((len(table.lines), len(shown[at])), np.float32)
        _fill(block, table.attributes[columns[at]], shown[at], by_column[:, [columns[at]]].toarray()[:, 0])
        blocks.append(sp.coo_array(block))
        places.append(firsts[at] + blocks[-1].coords[1])
    coords = np.concatenate([block.coords[0] for block in blocks]), np.concatenate(places)
    values = np.concatenate([block.data for block in blocks])
    return sp.csr_array((values, coords), shape=(len(table.lines), width))


def _shown_values(attribute: Attribute) -> range:
    """Return the positions of the values that have a column: all, or the second of two."""
    if attribute.values is None or len(attribute.values) < 2 or attribute.values == ("1", "0"):
        return range(1)
    return range(1, 2) if len(attribute.values) == 2 else range(len(attribute.values))


def _column_name(attribute: Attribute, at: int) -> str:
    plain = _is_identity(attribute) or attribute.values == ("1", "0")
    return attribute.name if plain else f"{attribute.name}={attribute.values[at]}"


def _fill(block: np.ndarray, attribute: Attribute, shown: range, positions: np.ndarray) -> None:
    if attribute.values == ("1", "0"):
        block[:, 0] = 1 - positions
        return
    for at, position in enumerate(shown):
        block[:, at] = positions == position
    block[np.isnan(positions)] = np.nan


def _labels(table: ArffTable, columns: np.ndarray):
    flipped = []
    for at, column in enumerate(columns):
        attribute = table.attributes[column]
        if attribute.values is not None and set(attribute.values) != {"0", "1"}:
            raise DataError(
                f"label {attribute.name!r} must be declared {{0,1}}, is {{{','.join(attribute.values)}}}",
                table.file,
                attribute.line,
            )
        if attribute.values == ("1", "0"):
            flipped.append(at)
    matrix = table.matrix[:, columns]
    if sp.issparse(matrix) and not flipped and not np.isnan(matrix.data).any():
        _check_binary(table, columns, matrix)
        return matrix, None
    if sp.issparse(matrix):
        refuse_growth(8 * matrix.shape[0] * matrix.shape[1], "the labels take", table.file)
    dense = matrix.toarray() if sp.issparse(matrix) else matrix.copy()
    dense[:, flipped] = 1 - dense[:, flipped]
    where = ~np.isnan(dense)
    _check_binary(table, columns, dense)
    return dense, None if where.all() else where


def _check_binary(table: ArffTable, columns: np.ndarray, labels) -> None:
    values = labels.data if sp.issparse(labels) else labels
    wrong = ~((values == 0) | (values == 1) | np.isnan(values))
    if not wrong.any():
        return
    if sp.issparse(labels):
        entry = np.flatnonzero(wrong)[0]
        row, at, value = (
            np.searchsorted(labels.indptr, entry, side="right") - 1,
            labels.indices[entry],
            values[entry],
        )
    else:
        row, at = np.argwhere(wrong)[0]
        value = labels[row, at]
    name = table.attributes[columns[at]].name
    raise DataError(f"label {name!r} is {value:g}; a label is 0, 1 or ?", table.file, int(table.lines[row]))
