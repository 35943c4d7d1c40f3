"""One immutable value for features, labels, what was observed, names, official split and hierarchy."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from mlj.data.describe import describe, fingerprint
from mlj.data.errors import DataError
from mlj.data.hierarchy import Hierarchy
from mlj.data.labels import label_matrix, padded_indices
from mlj.data.numbered import NumberedNames, numbered_names

Features = np.ndarray | sp.csr_array

PARTS = {"train": 0, "validation": 1, "test": 2}
"""The code of each part in ``Dataset.split``; -1 is a row that the split leaves out."""


@dataclass(frozen=True, init=False, eq=False, repr=False)
class Dataset:
    """Samples with features and labels; nothing in it can be changed.

    Labels are kept once, as a sparse matrix; ``labels`` and ``label_indices`` are made from it when first
    asked for. What stands where ``where`` is False is not looked at, and is stored as 0.

    Args:
        features: ``[N, D]``, dense or sparse; stored as float32, dense or CSR. All values are finite.
        labels: Zeros and ones ``[N, L]``, dense or sparse; or give ``label_indices``.
        label_indices: Lists of present labels ``[N, P]``, integers padded with ``L``.
        num_labels: ``L``, needed with ``label_indices`` unless ``label_names`` are given.
        where: Bool ``[N, L]``, True where the label was observed; None if all were.
        feature_names: ``D`` distinct names; ``feature_0`` and so on if None.
        label_names: ``L`` distinct names; ``label_0`` and so on if None.
        split: Official split ``[N]``: 0 train, 1 validation, 2 test, -1 unused; None if there is none.
        name: What to call the data set in reports.
        allow_missing: Let NaN stand for a missing feature value until :func:`mlj.data.fill_missing` fills it.
        hierarchy: Which labels lie above which, of these label names in this order; None if labels lie side
            by side. The labels must be closed upwards, see :meth:`Hierarchy.close`.

    Raises:
        DataError: If shapes disagree, a value is not finite, an observed label is neither 0 nor 1, a name
            repeats, or the hierarchy has other labels or a present label with an absent one above it.

    >>> data = Dataset(np.eye(3), np.array([[1, 0], [1, 1], [0, 0]]), label_names=("sea", "sky"))
    >>> data
    Dataset('data': 3 samples, 3 features, 2 labels)
    >>> data.label_indices.tolist()
    [[0, 2], [0, 1], [2, 2]]
    """

    features: Features
    label_matrix: sp.csr_array
    where: np.ndarray | None
    feature_names: tuple[str, ...]
    label_names: tuple[str, ...]
    split: np.ndarray | None
    name: str
    allow_missing: bool
    hierarchy: Hierarchy | None

    def __init__(
        self,
        features: Features,
        labels: np.ndarray | sp.sparray | None = None,
        *,
        label_indices: np.ndarray | None = None,
        num_labels: int | None = None,
        where: np.ndarray | None = None,
        feature_names: Sequence[str] | None = None,
        label_names: Sequence[str] | None = None,
        split: np.ndarray | None = None,
        name: str = "data",
        allow_missing: bool = False,
        hierarchy: Hierarchy | None = None,
    ):
        features = _as_features(features, allow_missing)
        if num_labels is None and label_names is not None and label_indices is not None:
            num_labels = len(label_names)
        where = None if where is None else _as_where(where)
        matrix = label_matrix(labels, label_indices, num_labels, where)
        if matrix.shape[0] != features.shape[0]:
            raise DataError(f"{features.shape[0]} rows of features but {matrix.shape[0]} rows of labels")
        self._store(
            features=features,
            label_matrix=matrix,
            where=None if where is None or where.all() else where,
            feature_names=_as_names("feature", feature_names, features.shape[1]),
            label_names=_as_names("label", label_names, matrix.shape[1]),
            split=None if split is None else _as_split(split, features.shape[0]),
            name=str(name),
            allow_missing=bool(allow_missing),
            hierarchy=hierarchy,
        )
        if hierarchy is not None:
            _check_hierarchy(self, hierarchy)

    def _store(self, **fields: object) -> None:
        for field, value in fields.items():
            object.__setattr__(self, field, _read_only(value))

    def __repr__(self) -> str:
        return (
            f"Dataset({self.name!r}: {self.num_samples} samples, {self.num_features} features, "
            f"{self.num_labels} labels)"
        )

    @property
    def num_samples(self) -> int:
        """The number of rows, ``N``."""
        return self.features.shape[0]

    @property
    def num_features(self) -> int:
        """The number of features, ``D``."""
        return self.features.shape[1]

    @property
    def num_labels(self) -> int:
        """The number of labels, ``L``."""
        return self.label_matrix.shape[1]

    @property
    def longest_row(self) -> int:
        """The most entries of a row: those of sparse features, or the number of features."""
        if not sp.issparse(self.features):
            return self.num_features
        return int(np.diff(self.features.indptr).max(initial=0))

    @property
    def has_missing_labels(self) -> bool:
        """Whether some label of some row was not observed."""
        return self.where is not None

    @functools.cached_property
    def labels(self) -> np.ndarray:
        """Multi-hot labels, uint8 ``[N, L]``; unobserved labels are 0."""
        return _read_only(self.label_matrix.toarray())

    @functools.cached_property
    def label_indices(self) -> np.ndarray:
        """The present labels of each row, int32 ``[N, P]``, padded with ``L``."""
        return _read_only(padded_indices(self.label_matrix))

    @functools.cached_property
    def sha256(self) -> str:
        """Fingerprint of everything but the data set's own name, 64 hexadecimal digits."""
        return fingerprint(self)

    def rows(self, index: np.ndarray | slice) -> Dataset:
        """Return the samples that ``index`` names (integers, a bool mask or a slice), in that order."""
        index = np.arange(self.num_samples)[index]
        return self._with(
            features=self.features[index],
            label_matrix=self.label_matrix[index],
            where=None if self.where is None else self.where[index],
            split=None if self.split is None else self.split[index],
        )

    def part(self, part: str) -> Dataset:
        """Return the ``'train'``, ``'validation'`` or ``'test'`` rows of the official split.

        Raises:
            DataError: If there is no official split, or no row in that part of it.
        """
        if part not in PARTS:
            raise DataError(f"unknown part {part!r}; known: {', '.join(PARTS)}")
        if self.split is None:
            raise DataError(f"{self.name} has no official split; make one with train_validation_test_split")
        index = np.flatnonzero(self.split == PARTS[part])
        if not len(index):
            raise DataError(f"the split of {self.name} has no {part} rows")
        return self.rows(index)._with(split=None, name=f"{self.name} ({part})")

    def replace(self, **changes: object) -> Dataset:
        """Return a copy with other constructor arguments, checked again.

        >>> Dataset(np.eye(2), np.eye(2)).replace(split=np.array([0, 2])).part("test").num_samples
        1
        """
        kept = {field: getattr(self, field) for field in self.__dataclass_fields__ if field != "label_matrix"}
        if "labels" not in changes and "label_indices" not in changes:
            kept["labels"] = self.label_matrix
        return Dataset(**{**kept, **changes})

    def describe(self) -> dict[str, object]:
        """Return the numbers that characterise the data, see :func:`mlj.data.describe.describe`."""
        return describe(self)

    def _with(self, **changes: object) -> Dataset:
        copy = object.__new__(Dataset)
        copy._store(**{field: getattr(self, field) for field in self.__dataclass_fields__} | changes)
        return copy


def _read_only(value):
    for array in (value.data, value.indices, value.indptr) if sp.issparse(value) else (value,):
        if isinstance(array, np.ndarray):
            array.flags.writeable = False
    return value


def _as_features(features: Features, allow_missing: bool) -> Features:
    with np.errstate(over="ignore"):
        if sp.issparse(features):
            if features.dtype.kind not in "fiub":
                raise DataError(f"features must be real numbers, got {features.dtype}")
            # Built from copies of the parts: the caller's matrix must stay writeable.
            features = sp.csr_array(features, dtype=np.float32, copy=True)
            before = features.nnz
            features.sum_duplicates()
            if features.nnz != before:
                raise DataError("the sparse features hold an entry twice")
            features.eliminate_zeros()
            values = features.data
        else:
            features = np.asarray(features)
            if features.dtype.kind not in "fiub":
                raise DataError(f"features must be real numbers, got {features.dtype}")
            owned = features.dtype == np.float32 and not features.flags.writeable
            features = features if owned else np.array(features, np.float32, order="C")
            values = features
    if features.ndim != 2:
        raise DataError(f"features must be [N, D], got {list(features.shape)}")
    _refuse_non_finite(features, values, allow_missing)
    return features


def _refuse_non_finite(features: Features, values: np.ndarray, allow_missing: bool) -> None:
    wrong = np.isinf(values) if allow_missing else ~np.isfinite(values)
    if not wrong.any():
        return
    if sp.issparse(features):
        entry = np.flatnonzero(wrong)[0]
        row, column = np.searchsorted(features.indptr, entry, side="right") - 1, features.indices[entry]
        value = values[entry]
    else:
        row, column = np.argwhere(wrong)[0]
        value = values[row, column]
    raise DataError(f"feature {column} of row {row} is {value} in float32; features are finite")


def _as_where(where: np.ndarray) -> np.ndarray:
    where = np.array(where)
    if where.dtype != np.bool_ or where.ndim != 2:
        raise DataError(f"where must be bool [N, L], got {where.dtype} {list(where.shape)}")
    return where


def _check_hierarchy(data: Dataset, hierarchy: Hierarchy) -> None:
    if hierarchy.label_names != data.label_names:
        raise DataError("the hierarchy has other labels than the data, or the same in another order")
    lost = sp.csr_array(hierarchy.close(data.label_matrix) > data.label_matrix)
    rows, columns = lost.nonzero()
    seen = np.ones(len(rows), bool) if data.where is None else data.where[rows, columns]
    if seen.any():
        row, column = rows[seen][0], columns[seen][0]
        raise DataError(
            f"row {row} has a label below {data.label_names[column]!r} without that label: "
            "close the labels upwards with Hierarchy.close"
        )


def _as_split(split: np.ndarray, num_samples: int) -> np.ndarray:
    split = np.array(split)
    if split.shape != (num_samples,):
        raise DataError(f"split must be [{num_samples}], got {list(split.shape)}")
    if split.dtype.kind not in "iuf" or not np.isin(split, (-1, *PARTS.values())).all():
        raise DataError("split holds 0 (train), 1 (validation), 2 (test) and -1 (unused), nothing else")
    return split.astype(np.int8)


def _as_names(kind: str, names: Sequence[str] | None, count: int) -> tuple[str, ...]:
    if names is None or (isinstance(names, NumberedNames) and names == numbered_names(kind, count)):
        return numbered_names(kind, count)
    names = tuple(str(name) for name in names)
    if len(names) != count:
        raise DataError(f"{len(names)} {kind} names for {count} {kind} columns")
    if len(set(names)) != count:
        seen: set[str] = set()
        twice = next(name for name in names if name in seen or seen.add(name))
        raise DataError(f"two {kind}s are named {twice!r}")
    if not "".join(names).isascii():
        _refuse_unwritable(kind, names)
    return names


def _refuse_unwritable(kind: str, names: tuple[str, ...]) -> None:
    for name in names:
        try:
            name.encode()
        except UnicodeEncodeError as error:
            raise DataError(f"the name of {kind} {name!r} holds half a character: {error.reason}") from error
