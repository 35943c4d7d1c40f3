"""MEKA: one ARFF file whose relation says how many attributes are labels, and where train ends."""

from __future__ import annotations

import re
from os import PathLike

import numpy as np

from mlj.data.arff import ArffTable, read_arff_table
from mlj.data.arff_encode import encode
from mlj.data.combine import concatenate
from mlj.data.dataset import PARTS, Dataset
from mlj.data.errors import DataError, in_file
from mlj.data.missing import check_option, settle
from mlj.data.naming import bare_name

_LABELS = re.compile(r"(?:^|[\s:])-C\s+(-?\d{1,18})(?=[\s-]|$)", re.ASCII)
_SPLIT = re.compile(r"(?:^|[\s:])-split-number\s+(\d{1,18})(?=\s|$)", re.ASCII)


def read_meka_arff(
    arff: str | PathLike[str],
    *,
    test: str | PathLike[str] | None = None,
    missing_features: str = "error",
    encoding: str = "utf-8",
    name: str | None = None,
) -> Dataset:
    """Read a MEKA data set, dense or sparse.

    The relation holds ``-C n`` (the first ``n`` attributes are the labels) or ``-C -n`` (the last ``n`` are),
    and may hold ``-split-number m`` (the first ``m`` rows are train, the others test).

    Args:
        arff: The ARFF file, plain or compressed.
        test: An ARFF file with the test rows; then all rows of ``arff`` are train.
        missing_features: What a ``?`` in a feature becomes, see :func:`mlj.data.read_mulan_arff`.
        encoding: How the text is encoded.
        name: What to call the data set; the name of the file if None.

    Raises:
        DataError: With file and line, if the file is not what the format says.
    """
    check_option(missing_features)
    name = bare_name(arff) if name is None else name
    table = read_arff_table(arff, encoding)
    split = None if test is not None else _split(table)
    dataset = encode(table, label_columns(table), missing_features=missing_features, split=split, name=name)
    if test is not None:
        table = read_arff_table(test, encoding)
        held_out = encode(table, label_columns(table), missing_features=missing_features, name=name)
        with in_file(test):
            dataset = concatenate(dataset, held_out)
    with in_file(arff):
        return settle(dataset, missing_features)


def says_labels(relation: str) -> bool:
    """Return whether the name of a relation says how many labels there are, as MEKA writes it."""
    return _LABELS.search(relation) is not None


def says_split(relation: str) -> bool:
    """Return whether the name of a relation says how many rows are for training.

    >>> says_split("d: -C 2 -split-number 10"), says_split("d: -C 2")
    (True, False)
    """
    return _SPLIT.search(relation) is not None


def label_columns(table: ArffTable) -> list[int]:
    """Return the label columns that the relation's ``-C`` names."""
    counts = {int(count) for count in _LABELS.findall(table.relation)}
    where = table.file, table.relation_line or None
    if len(counts) != 1:
        found = " and ".join(f"-C {count}" for count in sorted(counts)) or "no -C"
        raise DataError(f"the relation must hold -C with the number of labels once, holds {found}", *where)
    (count,) = counts
    width = len(table.attributes)
    if not 0 < abs(count) <= width:
        raise DataError(f"-C {count} in a file of {width} attributes", *where)
    return list(range(count) if count > 0 else range(width + count, width))


def _split(table: ArffTable) -> np.ndarray | None:
    found = {int(rows) for rows in _SPLIT.findall(table.relation)}
    if not found:
        return None
    rows = len(table.lines)
    if len(found) > 1 or not 0 < min(found) < rows:
        wanted = f"once, between 1 and {rows - 1}"
        raise DataError(f"-split-number {sorted(found)} must stand {wanted}", table.file, table.relation_line)
    return np.where(np.arange(rows) < min(found), PARTS["train"], PARTS["test"])
