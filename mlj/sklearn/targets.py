"""What the estimator is told to learn: multi-hot labels, or a vector of two classes."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from sklearn.utils.multiclass import check_classification_targets, type_of_target

_HINT = "a list of labelsets becomes multi-hot by sklearn.preprocessing.MultiLabelBinarizer"


class Target(NamedTuple):
    """Labels as :class:`mlj.data.Dataset` takes them, and how predictions are given back."""

    labels: np.ndarray | sp.csr_array
    """``[N, L]``"""
    where: np.ndarray | None
    """Bool ``[N, L]``, False where the label is NaN; None if there is no NaN."""
    classes: np.ndarray
    """The two classes of a vector; the numbers of the labels of a matrix."""
    dtype: np.dtype
    """Of the multi-hot labels that came."""
    form: str
    """``vector``, ``matrix`` or ``sparse``, as it came."""


def read_target(y: Any) -> Target:
    """Return what ``y`` says of every sample.

    Args:
        y: Multi-hot ``[N, L]``, dense or sparse, of zeros and ones, and NaN where a label was not observed;
            or a vector ``[N]`` of two classes, the greater of which is the one label.

    Raises:
        ValueError: If it is anything else.

    >>> target = read_target([[1, 0], [0, 1]])
    >>> target.form, target.classes.tolist()
    ('matrix', [0, 1])
    >>> read_target(["no", "yes", "no"]).labels.ravel().tolist()
    [0, 1, 0]
    """
    if sp.issparse(y):
        return _read_sparse(sp.csr_array(y, copy=True))
    _refuse_labelsets(y)
    array = np.asarray(y)
    _refuse_labelsets(array)
    if array.ndim == 1:
        return _read_vector(array)
    if array.ndim != 2:
        raise ValueError(f"y must be multi-hot [N, L], or a vector [N], got {list(array.shape)}")
    return _read_matrix(array)


def _refuse_labelsets(y: Any) -> None:
    """Raise ``ValueError`` for rows that are collections of labels."""
    if not isinstance(y, list | tuple) and not (isinstance(y, np.ndarray) and y.dtype == object):
        return
    if isinstance(y, np.ndarray) and y.ndim != 1:
        return
    sizes = {len(row) if isinstance(row, list | tuple | np.ndarray) and np.ndim(row) else None for row in y}
    if any(isinstance(row, set | frozenset) for row in y) or len(sizes) > 1:
        raise ValueError(f"y must be multi-hot [N, L], got a list of labelsets: {_HINT}")


def _read_vector(array: np.ndarray) -> Target:
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ValueError("a vector y holds two classes, got NaN or inf: only a multi-hot y can have gaps")
    check_classification_targets(array)
    kind = type_of_target(array, input_name="y")
    if kind != "binary":
        raise ValueError(
            f"Only binary classification is supported. The type of the target is {kind}: a vector has two "
            "classes here; sklearn.preprocessing.LabelBinarizer gives each of more its own column"
        )
    classes, codes = np.unique(array, return_inverse=True)
    if len(classes) < 2:
        raise ValueError(f"y has one class only, {classes.tolist()}: there is nothing to tell apart")
    return Target(codes.reshape(-1, 1).astype(np.uint8), None, classes, array.dtype, "vector")


def _read_matrix(array: np.ndarray) -> Target:
    if not array.shape[1]:
        raise ValueError(f"y has no labels: wanted [N, L] with L > 0, got {list(array.shape)}")
    if array.dtype == object:
        try:
            array = array.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise ValueError(f"y must hold 0, 1 or NaN, and {_HINT}: {error}") from error
    if array.dtype.kind not in "biuf":
        raise ValueError(f"y must hold numbers 0, 1 or NaN, got {array.dtype}; {_HINT}")
    unknown = np.isnan(array)
    _refuse_values(array, ~((array == 0) | (array == 1) | unknown), lambda wrong: np.argwhere(wrong)[0])
    where = ~unknown if unknown.any() else None
    return Target(array, where, np.arange(array.shape[1]), array.dtype, "matrix")


def _read_sparse(matrix: sp.csr_array) -> Target:
    if not matrix.shape[1]:
        raise ValueError(f"y has no labels: wanted [N, L] with L > 0, got {list(matrix.shape)}")
    matrix.sum_duplicates()
    if matrix.dtype.kind not in "biuf":
        raise ValueError(f"y must hold numbers 0, 1 or NaN, got {matrix.dtype}")
    values, unknown = matrix.data, np.isnan(matrix.data)
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    _refuse_values(
        values,
        ~((values == 0) | (values == 1) | unknown),
        lambda wrong: (rows[wrong][0], matrix.indices[wrong][0]),
    )
    where = None
    if unknown.any():
        where = np.ones(matrix.shape, bool)
        where[rows[unknown], matrix.indices[unknown]] = False
    return Target(matrix, where, np.arange(matrix.shape[1]), matrix.dtype, "sparse")


def _refuse_values(values: np.ndarray, wrong: np.ndarray, place_of) -> None:
    if wrong.any():
        row, label = place_of(wrong)
        raise ValueError(
            f"y must hold 0, 1, or NaN for what was not observed; label {label} of row {row} is "
            f"{values[wrong][0]}; {_HINT}"
        )
