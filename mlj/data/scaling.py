"""Bringing features to a scale that networks train well on."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy.sparse as sp


class Scaling(NamedTuple):
    """How features are scaled, learned by :func:`fit_scaling`.

    Dense features: ``(x - shift) / scale`` per column. Sparse rows, whose zeros must stay zeros: each row is
    brought to the length ``row_length``.
    """

    shift: np.ndarray | None
    scale: np.ndarray | None
    row_length: float | None


def fit_scaling(features: np.ndarray | sp.csr_array) -> Scaling:
    """Learn the scaling from training rows ``[N, D]``.

    Dense columns get mean 0 and variance 1, constant columns become 0. Sparse rows get the length
    ``sqrt(m)``, m the mean number of entries of a row, so that a binary row of average length stays as it is.
    """
    if sp.issparse(features):
        return Scaling(None, None, float(np.sqrt(max(features.nnz / features.shape[0], 1.0))))
    mean = features.mean(axis=0, dtype=np.float64)
    deviation = features.std(axis=0, dtype=np.float64)
    return Scaling(mean, np.where(deviation > 0, deviation, np.inf), None)


def apply_scaling(scaling: Scaling, features: np.ndarray | sp.csr_array) -> np.ndarray | sp.csr_array:
    """Scale features ``[N, D]`` and return them as float32; a sparse row without entries stays empty.

    Raises:
        ValueError: If the scaling was learned from dense features and these are sparse, or the other way
        round.

    >>> x = np.array([[1.0, 5.0], [3.0, 5.0]])
    >>> apply_scaling(fit_scaling(x), x).tolist()
    [[-1.0, 0.0], [1.0, 0.0]]
    """
    if sp.issparse(features) != (scaling.row_length is not None):
        raise ValueError(
            "apply_scaling: the scaling was learned from features of the other kind (dense, sparse)"
        )
    if not sp.issparse(features):
        return ((features - scaling.shift) / scaling.scale).astype(np.float32)
    squares = sp.csr_array(
        (features.data.astype(np.float64) ** 2, features.indices, features.indptr), features.shape
    )
    lengths = np.sqrt(np.asarray(squares.sum(axis=1)).ravel())
    factors = np.divide(scaling.row_length, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    data = features.data * np.repeat(factors, np.diff(features.indptr))
    return sp.csr_array((data.astype(np.float32), features.indices, features.indptr), features.shape)
