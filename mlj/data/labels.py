"""The two faces of multi-hot labels: a matrix of zeros and ones, and padded lists of present labels.

Both come from one canonical form, a sorted CSR matrix of ones without duplicates.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from mlj.data.errors import DataError


def label_matrix(
    labels: np.ndarray | sp.spmatrix | sp.sparray | None = None,
    label_indices: np.ndarray | None = None,
    num_labels: int | None = None,
    where: np.ndarray | None = None,
) -> sp.csr_array:
    """Return the canonical form, ``[N, L]`` CSR uint8, of labels given in either way.

    Args:
        labels: Zeros and ones ``[N, L]``, dense or sparse. What stands where ``where`` is False is not looked
            at.
        label_indices: Lists of present labels ``[N, P]``, padded with ``num_labels``; instead of ``labels``.
        num_labels: ``L``, needed with ``label_indices``.
        where: Bool ``[N, L]``, True where the label was observed.

    Raises:
        DataError: If an observed label is neither 0 nor 1, or an index is negative, too large or repeated.

    >>> label_matrix(label_indices=np.array([[0, 2], [1, 3]]), num_labels=3).toarray().tolist()
    [[1, 0, 1], [0, 1, 0]]
    """
    if (labels is None) == (label_indices is None):
        raise DataError("give labels or label_indices, and not both")
    if labels is None:
        if num_labels is None:
            raise DataError("label_indices need num_labels (or label_names): it is also the padding")
        matrix = _from_indices(np.asarray(label_indices), num_labels)
    elif sp.issparse(labels):
        matrix = _from_sparse(labels, where)
    else:
        matrix = _from_multi_hot(np.asarray(labels), where)
    if num_labels is not None and matrix.shape[1] != num_labels:
        raise DataError(f"labels have {matrix.shape[1]} columns, wanted {num_labels}")
    return matrix if where is None else _observed_only(matrix, where)


def _from_multi_hot(labels: np.ndarray, where: np.ndarray | None) -> sp.csr_array:
    if labels.ndim != 2:
        raise DataError(f"labels must be [N, L], got {list(labels.shape)}")
    if where is not None and where.shape != labels.shape:
        raise DataError(f"where must be {list(labels.shape)} as the labels are, got {list(where.shape)}")
    wrong = ~((labels == 0) | (labels == 1))
    if where is not None:
        wrong &= where
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        raise DataError(
            f"label {column} of row {row} is {labels[row, column]}; an observed label is 0 or 1 "
            "(mark unobserved ones with where)"
        )
    return sp.csr_array((labels == 1).astype(np.uint8))


def _from_sparse(labels: sp.spmatrix | sp.sparray, where: np.ndarray | None) -> sp.csr_array:
    matrix = sp.csr_array(labels, copy=True)
    before = matrix.nnz
    matrix.sum_duplicates()
    if matrix.nnz != before:
        raise DataError("the sparse labels hold an entry twice")
    wrong = ~((matrix.data == 0) | (matrix.data == 1))
    if wrong.any():
        rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
        if where is not None:
            wrong &= where[rows, matrix.indices]
        if wrong.any():
            first = np.flatnonzero(wrong)[0]
            raise DataError(
                f"label {matrix.indices[first]} of row {rows[first]} is {matrix.data[first]}, not 0 or 1"
            )
        matrix.data[~((matrix.data == 0) | (matrix.data == 1))] = 0
    matrix.eliminate_zeros()
    return matrix.astype(np.uint8)


def _from_indices(indices: np.ndarray, num_labels: int) -> sp.csr_array:
    if indices.ndim != 2 or not np.issubdtype(indices.dtype, np.integer):
        raise DataError(f"label_indices must be integers [N, P], got {indices.dtype} {list(indices.shape)}")
    if ((indices < 0) | (indices > num_labels)).any():
        row, slot = np.argwhere((indices < 0) | (indices > num_labels))[0]
        raise DataError(
            f"label index {indices[row, slot]} of row {row} is outside 0 to {num_labels} (the padding)"
        )
    ordered = np.sort(indices, axis=1)
    present = ordered < num_labels
    twice = (ordered[:, 1:] == ordered[:, :-1]) & present[:, 1:]
    if twice.any():
        row, slot = np.argwhere(twice)[0]
        raise DataError(f"label index {ordered[row, slot]} stands twice in row {row}")
    indptr = np.concatenate([[0], np.cumsum(present.sum(axis=1))])
    return from_parts(ordered[present], indptr, num_labels)


def from_parts(columns: np.ndarray, indptr: np.ndarray, num_labels: int) -> sp.csr_array:
    """Return the canonical matrix of sorted, checked label columns."""
    ones = np.ones(len(columns), np.uint8)
    return sp.csr_array((ones, columns, indptr), shape=(len(indptr) - 1, num_labels))


def _observed_only(matrix: sp.csr_array, where: np.ndarray) -> sp.csr_array:
    if where.shape != matrix.shape:
        raise DataError(f"where must be {list(matrix.shape)} as the labels are, got {list(where.shape)}")
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    keep = where[rows, matrix.indices]
    counts = np.bincount(rows[keep], minlength=matrix.shape[0])
    return from_parts(matrix.indices[keep], np.concatenate([[0], np.cumsum(counts)]), matrix.shape[1])


def padded_indices(matrix: sp.csr_array) -> np.ndarray:
    """Return the present labels of each row, int32 ``[N, P]``, padded with ``L``.

    >>> padded_indices(label_matrix(np.array([[1, 0, 1], [0, 0, 0]]))).tolist()
    [[0, 2], [3, 3]]
    """
    counts = np.diff(matrix.indptr)
    lists = np.full((matrix.shape[0], counts.max(initial=0)), matrix.shape[1], np.int32)
    lists[np.arange(lists.shape[1]) < counts[:, None]] = matrix.indices
    return lists
