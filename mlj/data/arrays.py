"""NPZ: arrays by name, never pickled objects."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from os import PathLike

import numpy as np
import scipy.sparse as sp

from mlj.data.combine import concatenate
from mlj.data.dataset import Dataset
from mlj.data.errors import DataError, in_file
from mlj.data.naming import bare_name
from mlj.data.nearest import nearest
from mlj.data.npz_members import NpzMembers
from mlj.data.sparse_rows import check_width


def read_npz(
    path: str | PathLike[str],
    *,
    split: str | None = None,
    rows: str | None = None,
    test: str | PathLike[str] | None = None,
    name: str | None = None,
) -> Dataset:
    """Read the arrays of an NPZ file.

    =====================================  =============================================================
    ``features``                           numbers ``[N, D]``; or, instead of it, the four below
    ``data, indices, indptr, shape``       the CSR parts of the features; all ones without ``data``
    ``labels``                             ``[N, L]``: 1 present, 0 absent, -1 unobserved
    ``where``                              bool ``[N, L]``, True where observed; optional
    ``feature_names``, ``label_names``     text; optional
    ``split``                              the official split ``[N]``: 0, 1, 2, -1 unused; optional
    =====================================  =============================================================

    Args:
        path: The file.
        split: The array that holds the official split, such as ``'scaffold_split'``; ``'split'`` if None and
            there.
        rows: A bool array ``[N]`` of the rows to keep, such as ``'valid'``; every row is kept if None.
        test: A file with the test rows; then no split is read and all rows of ``path`` are train.
        name: What to call the data set; the name of the file if None.

    An array that is not asked for is not read. What the file unfolds to is bounded as in
    :mod:`mlj.data.streams`, with 128 MiB for every file, since arrays of zeros may be very small.

    Raises:
        DataError: If an array is absent, has another shape or type than it must, holds pickled objects or
            other bytes than its header says, or the file holds anything but arrays with distinct plain names.
    """
    name = bare_name(path) if name is None else name
    if test is not None and split is not None:
        raise DataError("give a split or a test file, and not both", path)
    dataset = _read(path, split, rows, test is None, name)
    if test is None:
        return dataset
    with in_file(test):
        return concatenate(dataset, _read(test, None, rows, False, name))


def _read(path, split: str | None, rows: str | None, with_split: bool, name: str) -> Dataset:
    arrays = NpzMembers(path)
    with in_file(path):
        features = _features(arrays)
        labels, where = _labels(arrays)
        if split is None and with_split and "split" in arrays:
            split = "split"
        dataset = Dataset(
            features,
            labels,
            where=where,
            feature_names=_names(arrays, "feature_names"),
            label_names=_names(arrays, "label_names"),
            split=None if split is None else _get(arrays, split),
            name=name,
        )
        return dataset if rows is None else dataset.rows(_row_mask(arrays, rows, dataset.num_samples))


def _get(arrays: Mapping[str, np.ndarray], key: str) -> np.ndarray:
    if key not in arrays:
        raise DataError(f"no array {key!r}: {nearest(key, arrays)}")
    return arrays[key]


def _features(arrays: Mapping[str, np.ndarray]) -> np.ndarray | sp.csr_array:
    if "features" in arrays:
        return _real(arrays, "features")
    if "indptr" not in arrays:
        raise DataError(
            f"no array 'features', nor CSR parts ('indices', 'indptr', 'shape'); holds {', '.join(arrays)}"
        )
    indptr, indices, shape = (_integers(arrays, key) for key in ("indptr", "indices", "shape"))
    if shape.shape != (2,) or (shape < 0).any():
        raise DataError(f"shape must be two sizes [N, D], is {shape.tolist()}")
    num_rows, width = shape.tolist()
    check_width(width, "features", None)
    if (
        len(indptr) != num_rows + 1
        or indptr[0] != 0
        or indptr[-1] != len(indices)
        # Not by their differences, which may be too large for the type and change their sign.
        or (indptr[1:] < indptr[:-1]).any()
    ):
        raise DataError(
            f"indptr must rise from 0 to {len(indices)} (the number of indices) in {num_rows + 1} steps"
        )
    data = _real(arrays, "data") if "data" in arrays else np.ones(len(indices), np.float32)
    if data.shape != indices.shape:
        raise DataError(f"data must be {list(indices.shape)} as indices are, is {list(data.shape)}")
    if data.dtype != np.float32:
        # What SciPy does not take: half precision and the other order of bytes.
        with np.errstate(over="ignore"):
            data = data.astype(np.float64)
    wrong = np.flatnonzero((indices < 0) | (indices >= width))
    if len(wrong):
        row = np.searchsorted(indptr, wrong[0], side="right") - 1
        raise DataError(f"feature index {indices[wrong[0]]} of row {row} is outside 0 to {width - 1}")
    return sp.csr_array((data, indices, indptr), shape=(num_rows, width))


def _real(arrays: Mapping[str, np.ndarray], key: str) -> np.ndarray:
    array = _get(arrays, key)
    if array.dtype.kind not in "biuf":
        raise DataError(f"{key} must be real numbers, is {array.dtype}")
    return array


def _integers(arrays: Mapping[str, np.ndarray], key: str) -> np.ndarray:
    array = _get(arrays, key)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise DataError(f"{key} must be a list of integers, is {array.dtype} {list(array.shape)}")
    return array.astype(np.int64)


def _labels(arrays: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray | None]:
    labels = _get(arrays, "labels")
    if labels.ndim != 2 or labels.dtype.kind not in "iufb":
        raise DataError(f"labels must be numbers [N, L], are {labels.dtype} {list(labels.shape)}")
    where = arrays.get("where")
    if where is not None and (where.shape != labels.shape or where.dtype != np.bool_):
        raise DataError(f"where must be bool {list(labels.shape)}, is {where.dtype} {list(where.shape)}")
    if labels.dtype.kind != "u" and labels.dtype.kind != "b" and (labels == -1).any():
        observed = labels != -1
        where = observed if where is None else where & observed
    return labels, where


def _names(arrays: Mapping[str, np.ndarray], key: str) -> list[str] | None:
    return text_names(arrays[key], key) if key in arrays else None


def text_names(names: np.ndarray, key: str) -> list[str]:
    """Return the names that an array of text holds.

    Args:
        names: The array, as it was read.
        key: What it is called, for messages.

    Raises:
        DataError: If it is no list of text.

    >>> text_names(np.array([b"sea", b"sky"]), "label_names")
    ['sea', 'sky']
    """
    if names.ndim != 1 or names.dtype.kind not in "US":
        raise DataError(f"{key} must be a list of text, is {names.dtype} {list(names.shape)}")
    # NumPy fails with no ordinary error when it makes strings of what is no character.
    native = np.ascontiguousarray(names.astype(names.dtype.newbyteorder("=")))
    if native.dtype.kind == "U" and (native.view(np.uint32) > sys.maxunicode).any():
        raise DataError(f"{key} holds what is no text: a character beyond the last one")
    try:
        return [name.decode() if isinstance(name, bytes) else name for name in names.tolist()]
    except ValueError as error:
        raise DataError(f"{key} holds what is no text: {error}") from error


def _row_mask(arrays: Mapping[str, np.ndarray], key: str, num_rows: int) -> np.ndarray:
    mask = _get(arrays, key)
    if mask.shape != (num_rows,) or mask.dtype != np.bool_:
        raise DataError(f"{key} must be bool [{num_rows}], is {mask.dtype} {list(mask.shape)}")
    return mask
