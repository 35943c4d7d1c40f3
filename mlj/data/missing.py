"""Missing feature values: refused unless the caller states what stands in for them."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from mlj.data.dataset import PARTS, Dataset
from mlj.data.errors import DataError

MISSING_FEATURES = ("error", "mean", "zero", "keep")
"""What a reader can do with a missing feature value, see :func:`fill_missing`."""

HOW_TO_FILL = (
    "state what stands in for it: missing_features='mean' (of the training rows), 'zero', or 'keep' "
    "(NaN, to be filled by fill_missing once the training rows are known)"
)


def check_option(missing_features: str) -> None:
    """Raise ``ValueError`` unless the option is one of :data:`MISSING_FEATURES`."""
    if missing_features not in MISSING_FEATURES:
        raise ValueError(
            f"missing_features must be one of {', '.join(MISSING_FEATURES)}, got {missing_features!r}"
        )


def settle(dataset: Dataset, missing_features: str) -> Dataset:
    """Apply a reader's ``missing_features`` option to what it has read with NaN for a missing value."""
    if missing_features == "keep" and has_missing(dataset):
        return dataset
    if missing_features in ("mean", "zero") and has_missing(dataset):
        return fill_missing(dataset, missing_features)
    return dataset.replace(allow_missing=False)


def has_missing(dataset: Dataset) -> bool:
    """Return whether a feature value is NaN."""
    values = dataset.features.data if sp.issparse(dataset.features) else dataset.features
    return bool(np.isnan(values).any())


def fill_missing(dataset: Dataset, how: str, rows: np.ndarray | None = None) -> Dataset:
    """Return the data set with NaN features filled.

    Args:
        dataset: What a reader returned with ``missing_features='keep'``.
        how: ``'zero'``, or ``'mean'``: the mean of the feature over the training rows in which it is known.
        rows: The training rows; those of the official split if None. A mean is never learned from other rows.

    Raises:
        DataError: If a mean is asked for and the training rows are not known, or know no value of a feature.

    >>> data = Dataset(np.array([[1.0], [3.0], [np.nan]]), np.eye(3), allow_missing=True)
    >>> fill_missing(data, "mean", rows=np.array([0, 1])).features.tolist()
    [[1.0], [3.0], [2.0]]
    """
    if how not in ("mean", "zero"):
        raise ValueError(f"how must be 'mean' or 'zero', got {how!r}")
    features = dataset.features.copy()
    sparse = sp.issparse(features)
    gaps = np.flatnonzero(np.isnan(features.data)) if sparse else np.nonzero(np.isnan(features))
    values = features.data if sparse else features
    if how == "zero":
        values[gaps] = 0
    else:
        means = feature_means(dataset, rows)
        columns = features.indices[gaps] if sparse else gaps[1]
        unknown = columns[np.isnan(means[columns])]
        if len(unknown):
            name = dataset.feature_names[unknown[0]]
            raise DataError(f"feature {name!r} is missing in every training row: it has no mean")
        values[gaps] = means[columns]
    return dataset.replace(features=features, allow_missing=False)


def feature_means(dataset: Dataset, rows: np.ndarray | None = None) -> np.ndarray:
    """Return the mean of each feature ``[D]`` over the training rows in which it is known; NaN if in none.

    Args:
        dataset: With NaN for a missing value.
        rows: The training rows; those of the official split if None.

    Raises:
        DataError: If the training rows are not known.
    """
    if rows is None:
        if dataset.split is None:
            raise DataError(
                "a mean is learned from training rows, and this data has no official split: give a test "
                "file, or read with missing_features='keep' and call fill_missing with rows, or use 'zero'"
            )
        rows = np.flatnonzero(dataset.split == PARTS["train"])
    known = sp.csr_array(dataset.features[rows], dtype=np.float64)
    gaps = np.isnan(known.data)
    counts = known.shape[0] - np.bincount(known.indices[gaps], minlength=known.shape[1])
    sums = np.bincount(known.indices, np.where(gaps, 0, known.data), minlength=known.shape[1])
    return np.divide(sums, counts, out=np.full(len(sums), np.nan), where=counts > 0)
