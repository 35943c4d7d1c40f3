"""What to know about a data set before learning from it, and a fingerprint of its content."""

from __future__ import annotations

import hashlib
import itertools
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp

if TYPE_CHECKING:
    from mlj.data.dataset import Dataset

_TRAIN, _TEST = 0, 2


def describe(dataset: Dataset) -> dict[str, object]:
    r"""Return the characteristics of a data set; only observed labels count.

    With :math:`n_l` the number of rows in which label ``l`` is observed and present,

    .. math::
        \mathrm{IRLbl}(l) = \frac{\max_k n_k}{n_l}, \qquad
        \mathrm{MeanIR} = \text{mean of } \mathrm{IRLbl}(l) \text{ over the labels with } n_l > 0.

    Labels that are never present have no IRLbl (None) and are counted in ``labels_never_positive``.

    Returns:
        A dictionary of plain numbers, lists and strings:

        - ``name``, ``rows``, ``features``, ``labels``, ``sha256``
        - ``parts``: rows of each part of the official split, or None
        - ``feature_density``: share of feature values that are not 0
        - ``cardinality``: present labels per row; ``density``: share of the observed labels that are present
        - ``distinct_labelsets``: distinct sets of present labels
        - ``label_counts``, ``irlbl``: per label; ``mean_irlbl`` (MeanIR), ``max_irlbl``
        - ``empty_rows``: rows without a present label; ``unobserved_rows``: rows without an observed one
        - ``labels_never_positive``, ``labels_never_positive_in_train`` (None without a split)
        - ``unobserved``: share of the labels that were not observed
        - ``test_rows_in_train``: test rows whose features also stand in train (None without a split)
        - ``duplicated_rows``, ``duplicated_train_rows``: rows whose features stand in an earlier row (of
        train)

    >>> from mlj.data import Dataset
    >>> facts = Dataset(np.eye(3), np.array([[1, 0], [1, 1], [0, 0]])).describe()
    >>> facts["cardinality"], facts["density"], facts["irlbl"], facts["distinct_labelsets"]
    (1.0, 0.5, [1.0, 2.0], 3)
    """
    labels, where = dataset.label_matrix, dataset.where
    rows, width = labels.shape
    observed = rows * width if where is None else int(where.sum())
    return {
        "name": dataset.name,
        "rows": rows,
        "features": dataset.num_features,
        "labels": width,
        "sha256": dataset.sha256,
        "parts": _part_sizes(dataset.split),
        "feature_density": _share(_count_nonzero(dataset.features), rows * dataset.num_features),
        "cardinality": _share(labels.nnz, rows),
        "density": _share(labels.nnz, observed),
        "distinct_labelsets": len(set(row_keys(labels))),
        **_imbalance(labels),
        "empty_rows": int((np.diff(labels.indptr) == 0).sum()),
        "unobserved_rows": 0 if where is None else int((~where.any(axis=1)).sum()),
        "labels_never_positive_in_train": _never_positive_in_train(dataset),
        "unobserved": 0.0 if where is None else _share(rows * width - observed, rows * width),
        **_duplicates(dataset),
    }


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _count_nonzero(features) -> int:
    return int(features.nnz if sp.issparse(features) else np.count_nonzero(features))


def _part_sizes(split: np.ndarray | None) -> dict[str, int] | None:
    codes = {"train": _TRAIN, "validation": 1, "test": _TEST, "unused": -1}
    return None if split is None else {part: int((split == code).sum()) for part, code in codes.items()}


def label_counts(labels: sp.csr_array) -> np.ndarray:
    """Return the number of rows in which each label is present, int64 ``[L]``."""
    return np.bincount(labels.indices, minlength=labels.shape[1])


def _imbalance(labels: sp.csr_array) -> dict[str, object]:
    counts = label_counts(labels)
    most = counts.max(initial=0)
    present = most / counts[counts > 0]
    return {
        "label_counts": counts.tolist(),
        "irlbl": [float(most / count) if count else None for count in counts],
        "mean_irlbl": float(present.mean()) if present.size else None,
        "max_irlbl": float(present.max()) if present.size else None,
        "labels_never_positive": int((counts == 0).sum()),
    }


def _never_positive_in_train(dataset: Dataset) -> int | None:
    if dataset.split is None:
        return None
    return int((label_counts(dataset.label_matrix[np.flatnonzero(dataset.split == _TRAIN)]) == 0).sum())


def row_keys(matrix: np.ndarray | sp.csr_array) -> list[bytes]:
    """Return one key per row: two keys are equal exactly if the rows are.

    Sparse rows are compared by their stored entries, which a :class:`mlj.data.Dataset` keeps sorted and
    non-zero.
    """
    if sp.issparse(matrix):
        ends, columns, values = matrix.indptr.tolist(), matrix.indices.astype(np.int64), matrix.data
        rows = [slice(start, end) for start, end in itertools.pairwise(ends)]
        return [columns[row].tobytes() + values[row].tobytes() for row in rows]
    return [row.tobytes() for row in _without_minus_zero(matrix)]


def _without_minus_zero(matrix: np.ndarray) -> np.ndarray:
    # -0.0 equals 0.0, but their bytes differ; the sum of the two is 0.0.
    return matrix + np.zeros(1, matrix.dtype)


def _duplicates(dataset: Dataset) -> dict[str, int | None]:
    keys = row_keys(dataset.features)
    facts: dict[str, int | None] = {"duplicated_rows": len(keys) - len(set(keys))}
    if dataset.split is None:
        return facts | {"duplicated_train_rows": None, "test_rows_in_train": None}
    parts = dataset.split.tolist()
    train = [key for key, part in zip(keys, parts) if part == _TRAIN]
    known = set(train)
    return facts | {
        "duplicated_train_rows": len(train) - len(known),
        "test_rows_in_train": sum(part == _TEST and key in known for key, part in zip(keys, parts)),
    }


def fingerprint(dataset: Dataset) -> str:
    """Return the sha256 of features, labels, mask, split, names and hierarchy, the same on every machine."""
    digest = hashlib.sha256()

    def add(title: str, array: np.ndarray | None, dtype: str = "<i8") -> None:
        shape = "none" if array is None else "x".join(map(str, array.shape))
        digest.update(f"|{title}:{shape}|".encode())
        if array is not None:
            digest.update(np.ascontiguousarray(array, dtype))

    for title, matrix in (("features", dataset.features), ("labels", dataset.label_matrix)):
        digest.update(f"|{title}:{matrix.shape}|".encode())
        if sp.issparse(matrix):
            add("indptr", matrix.indptr)
            add("indices", matrix.indices)
            add("data", matrix.data, "<f4")
        else:
            add("values", _without_minus_zero(matrix), "<f4")
    add("where", None if dataset.where is None else np.packbits(dataset.where), "u1")
    add("split", dataset.split, "i1")
    for names in (dataset.feature_names, dataset.label_names):
        for name in names:
            encoded = name.encode()
            digest.update(f"|{len(encoded)}:".encode() + encoded)
    if dataset.hierarchy is not None:
        add("hierarchy", np.packbits(dataset.hierarchy.descendants), "u1")
    return digest.hexdigest()
