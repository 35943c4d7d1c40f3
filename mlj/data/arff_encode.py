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
    plain = [column for column in columns if _is_identity(table.attributes[column])]
    blocks = [table.matrix[:, plain]]
    names = [table.attributes[column].name for column in plain]
    places = [(column, 0) for column in plain]
    for column in columns:
        if not _is_identity(table.attributes[column]):
            block, block_names = _nominal(table, column)
            blocks.append(sp.csr_array(block) if sp.issparse(table.matrix) else block)
            names += block_names
            places += [(column, at) for at in range(len(block_names))]
    order = sorted(range(len(places)), key=places.__getitem__)
    names = [names[at] for at in order]
    if len(blocks) == 1:
        return blocks[0], names
    stacked = sp.csr_array(sp.hstack(blocks)) if sp.issparse(table.matrix) else np.hstack(blocks)
    return stacked[:, order], names


def _dense_column(table: ArffTable, column: int) -> np.ndarray:
    values = table.matrix[:, [column]]
    return (values.toarray() if sp.issparse(values) else values)[:, 0]


def _nominal(table: ArffTable, column: int) -> tuple[np.ndarray, list[str]]:
    attribute = table.attributes[column]
    positions = _dense_column(table, column)
    if attribute.values == ("1", "0"):
        return (1 - positions)[:, None], [attribute.name]
    shown = range(len(attribute.values)) if len(attribute.values) != 2 else [1]
    block = np.stack([(positions == at).astype(float) for at in shown], axis=1)
    block[np.isnan(positions)] = np.nan
    return block, [f"{attribute.name}={attribute.values[at]}" for at in shown]


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
