"""What is learned from all training rows before the first step, in one pass and bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp

from mlj.data.dataset import Dataset
from mlj.data.describe import label_counts
from mlj.data.disk import DiskDataset
from mlj.data.errors import DataError
from mlj.data.scaling import Scaling

Source = Dataset | DiskDataset | Iterable[Dataset]
"""A data set in memory, on disk, or in pieces."""


def streamed_scaling(source: Source, rows: np.ndarray | None = None, *, batch: int = 4096) -> Scaling:
    r"""Learn the scaling that :func:`mlj.data.scaling.fit_scaling` learns, without all rows in memory.

    Means and sums of squared differences of two sets of rows are put together in float64,

    .. math::
        \mu = \mu_a + \delta \frac{n_b}{n}, \qquad
        M = M_a + M_b + \delta^2 \frac{n_a n_b}{n}, \qquad \delta = \mu_b - \mu_a,

    where all values are taken as differences to the first row, so that those far from 0 lose no digits.

    Args:
        source: A data set in memory, on disk, or in pieces.
        rows: The training rows, integers or a mask; all if None. Not with pieces.
        batch: How many rows are in memory at a time.

    Raises:
        DataError: If there are no rows.

    Reference:
        T. F. Chan, G. H. Golub, R. J. LeVeque, "Updating formulae and a pairwise algorithm for computing
        sample variances", COMPSTAT 1982; here with means in place of sums.

    >>> data = Dataset(np.array([[1.0, 5.0], [3.0, 5.0], [5.0, 5.0]]), np.eye(3))
    >>> scaling = streamed_scaling(data, batch=2)
    >>> scaling.shift.tolist(), scaling.scale.round(3).tolist()
    ([3.0, 5.0], [1.633, inf])
    """
    count, entries, mean, squares = 0, 0, 0.0, 0.0
    is_sparse, origin = False, None
    for piece in _pieces(source, rows, batch):
        features, more = piece.features, piece.num_samples
        is_sparse = sp.issparse(features)
        if is_sparse:
            entries += features.nnz
        elif more:
            origin = features[0].astype(np.float64) if origin is None else origin
            away = features - origin
            difference = away.mean(axis=0) - mean
            squares = squares + away.var(axis=0) * more
            squares = squares + difference**2 * (count * more / (count + more))
            mean = mean + difference * (more / (count + more))
        count += more
    if not count:
        raise DataError("there are no rows to learn a scaling from")
    if is_sparse:
        return Scaling(None, None, float(np.sqrt(max(entries / count, 1.0))))
    deviation = np.sqrt(squares / count)
    return Scaling(origin + mean, np.where(deviation > 0, deviation, np.inf), None)


class LabelCounts(NamedTuple):
    """How often each label was present, and observed, int64 ``[L]``."""

    present: np.ndarray
    observed: np.ndarray


def streamed_label_counts(
    source: Source, rows: np.ndarray | None = None, *, batch: int = 4096
) -> LabelCounts:
    """Count in how many rows each label is present, and in how many it was observed.

    The arguments and errors are those of :func:`streamed_scaling`.

    >>> counts = streamed_label_counts(Dataset(np.eye(3), np.array([[1, 0], [1, 1], [0, 0]])))
    >>> counts.present.tolist(), counts.observed.tolist()
    ([2, 1], [3, 3])
    """
    present, observed = np.int64(0), np.int64(0)
    for piece in _pieces(source, rows, batch):
        present = present + label_counts(piece.label_matrix)
        every = np.full(piece.num_labels, piece.num_samples)
        observed = observed + (every if piece.where is None else piece.where.sum(axis=0))
    if not np.shape(present):
        raise DataError("there are no rows to count labels in")
    return LabelCounts(present, observed)


def _pieces(source: Source, rows: np.ndarray | None, batch: int) -> Iterator[Dataset]:
    if batch < 1:
        raise ValueError(f"batch must be at least 1, got {batch}")
    if not isinstance(source, Dataset | DiskDataset):
        if rows is not None:
            raise ValueError("rows cannot be chosen from pieces: give the pieces of the training rows")
        yield from source
        return
    index = np.arange(source.num_samples)
    # In the order of the disk; neither a mean nor a count depends on it.
    index = index if rows is None else np.sort(index[np.asarray(rows)])
    for start in range(0, len(index), batch):
        yield source.rows(index[start : start + batch])
