"""Batches of arrays: a data set on disk, ``.npy``, and the members of ``.npz``."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from os import PathLike
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
import scipy.sparse as sp

from mlj.data.array_file import ArrayFile, Header, read_header
from mlj.data.arrays import read_npz, text_names
from mlj.data.batch import Batch, Wanted, chosen_columns, settle_rows
from mlj.data.dataset import Dataset
from mlj.data.disk import DiskDataset
from mlj.data.errors import DataError, in_file
from mlj.data.labels import label_matrix
from mlj.data.npz_members import stored_array
from mlj.data.numbered import numbered_names
from mlj.data.streams import refuse_growth

_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    KeyError,
    NotImplementedError,
    RuntimeError,
)


def dataset_batches(
    data: Dataset | DiskDataset, wanted: Wanted, file: str | PathLike[str]
) -> Iterator[Batch]:
    """Yield the rows of a data set, in memory or on disk, with the columns that the model wants."""
    feature_order = None
    if wanted.feature_names is not None:
        feature_order = chosen_columns(wanted.feature_names, data.feature_names, file)
    label_order = None
    if wanted.label_names is not None and wanted.with_labels and data.num_labels:
        label_order = chosen_columns(wanted.label_names, data.label_names, file, "label")
    names = data.feature_names if wanted.feature_names is None else wanted.feature_names
    for start in range(0, data.num_samples, wanted.rows):
        part = data.rows(slice(start, start + wanted.rows))
        features = part.features if feature_order is None else part.features[:, feature_order]
        features = settle_rows(features, wanted.missing_features, names, file, first_row=start)
        labels, where = part.label_matrix, part.where
        if label_order is not None:
            labels = labels[:, label_order]
            where = None if where is None else where[:, label_order]
        known = wanted.with_labels and data.num_labels
        yield Batch(start, features, labels, where) if known else Batch(start, features)


def npy_batches(path: str | PathLike[str], wanted: Wanted) -> Iterator[Batch]:
    """Yield the rows of an ``.npy`` file of features ``[N, D]``, in the order of the model's features."""
    array = ArrayFile(path)
    _check_shape(array, wanted, path)
    for start in range(0, len(array), wanted.rows):
        rows = array.read(start, min(start + wanted.rows, len(array)))
        features = settle_rows(rows, wanted.missing_features, wanted.feature_names, path, first_row=start)
        yield Batch(start, features)


def npz_batches(
    path: str | PathLike[str], wanted: Wanted, *, split: str | None = None, rows_key: str | None = None
) -> Iterator[Batch]:
    """Yield the rows of an ``.npz`` file, see :func:`mlj.data.read_npz`; its labels may be absent.

    Dense arrays, stored or deflated, are read row by row. CSR features, arrays in the order of Fortran, files
    inside another compression and a choice of rows need the whole file in memory.
    """
    with Path(path).open("rb") as stream:
        is_zip = stream.read(2) == b"PK"
    try:
        if is_zip and rows_key is None and split is None and (members := _members(path, wanted)) is not None:
            yield from _streamed(path, wanted, *members)
            return
    except _DAMAGED as error:
        raise DataError(f"cannot be read as NPZ: {error}", path) from error
    yield from dataset_batches(read_npz(path, split=split, rows=rows_key), wanted, path)


class NpzColumns(NamedTuple):
    """What an NPZ file says of its columns and rows."""

    features: Sequence[str]
    labels: Sequence[str]
    split: np.ndarray | None


def npz_columns(path: str | PathLike[str], *, split: str | None, with_split: bool) -> NpzColumns | None:
    """Return the names of features and labels, and the official split; None if rows cannot be streamed.

    Args:
        path: The file.
        split: The array that holds the official split; ``'split'`` if None and there.
        with_split: Whether a split is looked for where none is named.

    Raises:
        DataError: If the file is no NPZ file, or there is no such array.
    """
    with Path(path).open("rb") as stream:
        if stream.read(2) != b"PK":
            return None
    try:
        found = _members(path, Wanted())
        with zipfile.ZipFile(path) as archive:
            members = set(archive.namelist())
    except _DAMAGED as error:
        raise DataError(f"cannot be read as NPZ: {error}", path) from error
    if found is None or "labels" not in found[0]:
        return None
    names = [
        _stored_names(path, kind)
        if f"{kind}_names.npy" in members
        else numbered_names(kind, found[0][f"{kind}s"].shape[1])
        for kind in ("feature", "label")
    ]
    if split is None and with_split and "split.npy" in members:
        split = "split"
    codes = None if split is None else stored_array(path, split)
    rows = found[0]["features"].shape[0]
    if codes is not None and codes.shape != (rows,):
        raise DataError(f"split must be [{rows}], a code per row, is {list(codes.shape)}", path)
    return NpzColumns(*names, codes)


def _members(path, wanted: Wanted) -> tuple[dict[str, Header], np.ndarray | None, np.ndarray | None] | None:
    """Return the headers of the members, and where the columns stand; None if rows cannot be streamed."""
    with zipfile.ZipFile(path) as archive, in_file(path):
        names = set(archive.namelist())
        if "features.npy" not in names:
            return None
        headers = {}
        for key in ("features", *(("labels", "where") if wanted.with_labels else ())):
            if f"{key}.npy" in names:
                with archive.open(f"{key}.npy") as stream:
                    headers[key] = read_header(stream)
    if any(header.fortran for header in headers.values()):
        return None
    _check_shape(headers["features"], wanted, path, named="feature_names.npy" in names)
    for key in ("labels", "where") if "labels" in headers else ():
        _check_labels(headers, key, path)
    orders = [
        _order(path, kind, names, wanted_names)
        for kind, wanted_names in (
            ("feature", wanted.feature_names),
            ("label", wanted.label_names if "labels" in headers else None),
        )
    ]
    if "labels" in headers and wanted.label_names is not None:
        width = headers["labels"].shape[1]
        if width != len(wanted.label_names):
            raise DataError(f"labels have {width} columns, the model has {len(wanted.label_names)}", path)
    return headers, *orders


def _order(path, kind: str, members: set[str], wanted_names: tuple[str, ...] | None) -> np.ndarray | None:
    if wanted_names is None or f"{kind}_names.npy" not in members:
        return None
    return chosen_columns(wanted_names, _stored_names(path, kind), path, kind)


def _stored_names(path, kind: str) -> list[str]:
    key = f"{kind}_names"
    with in_file(path):
        return text_names(stored_array(path, key), key)


def _check_shape(header: Header | ArrayFile, wanted: Wanted, path, *, named: bool = False) -> None:
    shape = header.shape
    if len(shape) != 2:
        raise DataError(f"features must be [N, D], are {list(shape)}", path)
    if not shape[0]:
        raise DataError("there are no rows", path)
    if wanted.feature_names is not None and not named and shape[1] != len(wanted.feature_names):
        raise DataError(f"there are {shape[1]} features, the model has {len(wanted.feature_names)}", path)


def _check_labels(headers: dict[str, Header], key: str, path) -> None:
    labels, rows = headers["labels"], headers["features"].shape[0]
    if len(labels.shape) != 2 or labels.shape[0] != rows:
        raise DataError(f"labels must be [{rows}, L] as there are rows, are {list(labels.shape)}", path)
    if key == "where" and key in headers:
        where = headers[key]
        if where.shape != labels.shape or where.dtype != np.bool_:
            reason = f"where must be bool {list(labels.shape)}, is {where.dtype} {list(where.shape)}"
            raise DataError(reason, path)


def _streamed(
    path,
    wanted: Wanted,
    headers: dict[str, Header],
    feature_order: np.ndarray | None,
    label_order: np.ndarray | None,
) -> Iterator[Batch]:
    num_rows = headers["features"].shape[0]
    for key, header in headers.items():
        one = header._replace(shape=(min(wanted.rows, num_rows), *header.shape[1:]))
        refuse_growth(one.num_bytes, f"a batch of array {key!r} takes", path)
    with zipfile.ZipFile(path) as archive, ExitStack() as open_members, in_file(path):
        streams = {}
        for key in headers:
            streams[key] = open_members.enter_context(archive.open(f"{key}.npy"))
            read_header(streams[key])
        for start in range(0, num_rows, wanted.rows):
            count = min(wanted.rows, num_rows - start)
            found = {key: _rows(streams[key], headers[key], count, key) for key in headers}
            features = found["features"]
            features = features if feature_order is None else features[:, feature_order]
            features = settle_rows(
                features, wanted.missing_features, wanted.feature_names, path, first_row=start
            )
            yield Batch(start, features, *_observed(found, label_order, start))
        for key, stream in streams.items():
            # Reading to the end is what makes the archive compare its checksum.
            if stream.read(1):
                raise DataError(f"array {key!r} holds more values than its header says")


def _rows(stream: BinaryIO, header: Header, count: int, key: str) -> np.ndarray:
    shape = (count, *header.shape[1:])
    wanted = header._replace(shape=shape).num_bytes
    content = bytearray()
    while len(content) < wanted and (more := stream.read(wanted - len(content))):
        content += more
    if len(content) != wanted:
        raise DataError(f"array {key!r} holds fewer values than its header says")
    return np.frombuffer(content, header.dtype).reshape(shape)


def _observed(
    found: dict[str, np.ndarray], order: np.ndarray | None, first_row: int
) -> tuple[sp.csr_array | None, np.ndarray | None]:
    if "labels" not in found:
        return None, None
    labels, where = found["labels"], found.get("where")
    if labels.dtype.kind in "if" and (labels == -1).any():
        where = labels != -1 if where is None else where & (labels != -1)
    if order is not None:
        labels = labels[:, order]
        where = None if where is None else where[:, order]
    try:
        matrix = label_matrix(labels, where=where)
    except DataError as error:
        raise DataError(f"{error.reason} (rows are counted from row {first_row})") from error
    return matrix, None if where is None or where.all() else where
