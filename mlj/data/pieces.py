"""The rows of a file as data sets of a few rows each, so that a file of any size can be written to disk.

>>> import tempfile
>>> folder = Path(tempfile.mkdtemp())
>>> _ = (folder / "birds.csv").write_text("wings,weight,flies\\n2,0.5,1\\n2,5,1\\n0,9,0\\n")
>>> for piece in read_pieces(folder / "birds.csv", most_rows=2, labels="flies"):
...     print(piece, piece.labels.tolist())
Dataset('birds': 2 samples, 2 features, 1 labels) [[1], [1]]
Dataset('birds': 1 samples, 2 features, 1 labels) [[0]]
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from mlj.data.batches import Batch, batch_format, batch_options, read_batches
from mlj.data.batches_arff import arff_columns
from mlj.data.batches_arrays import npz_columns
from mlj.data.batches_csv import csv_columns
from mlj.data.batches_index import libsvm_sizes, xc_sizes
from mlj.data.dataset import PARTS, Dataset
from mlj.data.errors import DataError, in_file
from mlj.data.load import load
from mlj.data.naming import bare_name
from mlj.data.numbered import numbered_names

File = str | PathLike[str]
MOST_CELLS = 1 << 17
"""Values of a dense piece at the most, where a row does not have more; as text each takes some 60 bytes."""


class _Columns(NamedTuple):
    """What the columns of all pieces are called, and the reader's options that belong to them."""

    features: Sequence[str]
    labels: Sequence[str]
    options: Mapping[str, Any]
    split: np.ndarray | None = None
    """The official split ``[N]``, where the file holds it."""


def read_pieces(
    path: File, *, test: File | None = None, most_rows: int = 4096, format: str | None = None, **options: Any
) -> Iterator[Dataset]:
    """Yield what :func:`mlj.data.load` reads of a file, some rows at a time, for :func:`mlj.data.write_disk`.

    In memory are the rows of a piece and one line. What labels there are in a column that lists them, and how
    many columns LIBSVM text has, is found by reading the file once before. Read whole, as a single piece, are
    data that are built in, hierarchical ARFF, MEKA's with a split in the relation, and NPZ with CSR features
    or a choice of rows.

    Args:
        path: The file.
        test: A file with the test rows of the official split.
        most_rows: How many rows a piece has; of dense rows fewer, if they would have more than 131,072
            values.
        format: The format, to overrule the name of the file.
        **options: Those of the reader, as :func:`mlj.data.load` takes them.

    Raises:
        DataError: If the file is wrong, when the first piece, or the piece with the wrong row, is asked for.
        ValueError: If an option is not one of the reader's.
    """
    if most_rows < 1:
        raise ValueError(f"most_rows must be at least 1, got {most_rows}")
    kind = format
    if kind is None and Path(path).is_file():
        kind = batch_format(path)
    columns = None
    if kind in _COLUMNS and set(options) <= {*batch_options(kind), "missing_features"}:
        columns = _COLUMNS[kind](path, test, options)
    if columns is None:
        more = {"test": test, "format": format}
        yield load(path, **options, **{name: value for name, value in more.items() if value is not None})
        return
    dense = kind in ("csv", "arff", "npz")
    room = MOST_CELLS // max(len(columns.features) + len(columns.labels), 1) if dense else most_rows
    for file, code in ((path, PARTS["train"]), (test, PARTS["test"])):
        if file is None:
            continue
        for batch in read_batches(
            file,
            rows=max(min(most_rows, room), 1),
            format=kind,
            feature_names=columns.features,
            label_names=columns.labels,
            **columns.options,
        ):
            split = columns.split if test is None else np.broadcast_to(code, batch.first_row + batch.num_rows)
            yield _piece(batch, columns, file, bare_name(path), split)


def _piece(batch: Batch, columns: _Columns, file: File, name: str, split: np.ndarray | None) -> Dataset:
    if batch.labels is None:
        raise DataError("holds no labels", file)
    with in_file(file):
        return Dataset(
            batch.features,
            batch.labels,
            where=batch.where,
            feature_names=columns.features,
            label_names=columns.labels,
            split=None if split is None else split[batch.first_row : batch.first_row + batch.num_rows],
            name=name,
            allow_missing=True,
        )


def _csv(path: File, test: File | None, options: Mapping[str, Any]) -> _Columns:
    if options.get("labels") is None:
        raise DataError(
            "which columns are labels? Give labels='a,b', 'first:12', 'last:12' or 'Class*'", path
        )
    features, labels = csv_columns([path] if test is None else [path, test], **_without_fill(options))
    kept = {name: value for name, value in options.items() if name != "text"}
    return _Columns(features, labels, kept)


def _arff(path: File, test: File | None, options: Mapping[str, Any]) -> _Columns | None:
    found = arff_columns(path, **_without_fill(options))
    if found.splits and test is None:
        return None
    return _Columns(found.features, found.labels, options)


def _without_fill(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name != "missing_features"}


def _libsvm(path: File, test: File | None, options: Mapping[str, Any]) -> _Columns | None:
    if {"label_base", "feature_base"} != set(options) - {"missing_features"}:
        return None  # where it is read whole, it is said what is wanted
    sizes = libsvm_sizes([path] if test is None else [path, test], **_without_fill(options))
    return _numbered(*sizes, options)


def _xc(path: File, test: File | None, options: Mapping[str, Any]) -> _Columns:
    return _numbered(*xc_sizes(path), options)


def _npz(path: File, test: File | None, options: Mapping[str, Any]) -> _Columns | None:
    split = options.get("split")
    if "rows_key" in options or (test is not None and split is not None):
        return None
    found = npz_columns(path, split=split, with_split=test is None)
    return None if found is None else _Columns(found.features, found.labels, {}, found.split)


def _numbered(num_features: int, num_labels: int, options: Mapping[str, Any]) -> _Columns:
    return _Columns(numbered_names("feature", num_features), numbered_names("label", num_labels), options)


_COLUMNS: Mapping[str, Callable[[File, File | None, Mapping[str, Any]], _Columns | None]] = MappingProxyType(
    {"arff": _arff, "csv": _csv, "libsvm": _libsvm, "npz": _npz, "xc": _xc}
)
