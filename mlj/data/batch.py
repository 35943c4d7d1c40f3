"""A few rows of a file on their way to a model: what they hold, and how their columns become the model's."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp

from mlj.data.errors import DataError
from mlj.data.missing import HOW_TO_FILL
from mlj.data.nearest import nearest

MissingFeatures = str | np.ndarray
"""What stands in for a missing feature: ``'error'``, ``'zero'``, ``'keep'`` (NaN), or a value per feature."""


class Batch(NamedTuple):
    """Rows that follow one another in a file."""

    first_row: int
    """Which row of the file the first one is, from 0."""
    features: np.ndarray | sp.csr_array | list[str]
    """Float32 ``[n, D]``, dense or CSR; or n texts."""
    labels: sp.csr_array | None = None
    """What the file says is present, uint8 CSR ``[n, L]``; None if it says nothing."""
    where: np.ndarray | None = None
    """Which labels the file speaks of, bool ``[n, L]``; None if of all."""
    ids: list[str] | None = None
    """The cells of the column of names of rows, if one was asked for."""

    @property
    def num_rows(self) -> int:
        """The number of rows, ``n``."""
        return len(self.features) if isinstance(self.features, list) else self.features.shape[0]


def check_missing_option(missing_features: MissingFeatures, num_features: int | None) -> None:
    """Raise ``ValueError`` unless the option is a known word or has a value for each feature."""
    if isinstance(missing_features, str):
        if missing_features not in ("error", "zero", "keep"):
            raise ValueError(
                "missing_features must be 'error', 'zero', 'keep' or an array with a value per feature "
                f"(the means of the training rows), got {missing_features!r}"
            )
    elif num_features is not None and np.shape(missing_features) != (num_features,):
        shape = list(np.shape(missing_features))
        raise ValueError(f"missing_features must be [{num_features}], a value per feature, got {shape}")


def as_float32(features: np.ndarray | sp.sparray) -> np.ndarray | sp.csr_array:
    """Return features as a :class:`mlj.data.Dataset` keeps them: float32, CSR without stored zeros."""
    with np.errstate(over="ignore"):
        if not sp.issparse(features):
            return np.ascontiguousarray(features, np.float32)
        features = sp.csr_array(features, dtype=np.float32)
    if not features.has_sorted_indices:
        features = features.sorted_indices()
    if (features.data == 0).any():
        # What came from a data set cannot be changed in place.
        features = features.copy()
        features.eliminate_zeros()
    return features


def settle_rows(
    features: np.ndarray | sp.csr_array,
    missing_features: MissingFeatures,
    names: Sequence[str] | None,
    file: str | PathLike[str],
    *,
    lines: Sequence[int] | None = None,
    first_row: int = 0,
) -> np.ndarray | sp.csr_array:
    """Return float32 features with the missing ones (NaN) filled.

    Args:
        features: Rows ``[n, D]``.
        missing_features: What stands in for a missing value.
        names: The names of the features, for messages; their numbers if None.
        file: Where they come from, for messages.
        lines: The line of each row; None if the file has no lines.
        first_row: Which row of the file the first one is, from 0.

    Raises:
        DataError: If a value is missing and ``'error'`` is what to do about it, or one is infinite.
    """
    features = as_float32(features)
    values = features.data if sp.issparse(features) else features
    if np.isfinite(values).all():
        return features
    word = missing_features if isinstance(missing_features, str) else None
    wrong = ~np.isfinite(values) if word == "error" else np.isinf(values)
    if wrong.any():
        row, column = (int(at[0]) for at in _places(features, wrong))
        name = str(column) if names is None else repr(names[column])
        value = values[wrong][0]
        reason = f"is missing; {HOW_TO_FILL}" if np.isnan(value) else f"is {value}; features are finite"
        if lines is None:
            raise DataError(f"feature {name} of row {first_row + row} {reason}", file)
        raise DataError(f"feature {name} {reason}", file, int(lines[row]))
    if word == "keep":
        return features
    features = features.copy()
    values = features.data if sp.issparse(features) else features
    gaps = np.isnan(values)
    _, columns = _places(features, gaps)
    values[gaps] = 0 if word == "zero" else np.asarray(missing_features, np.float32)[columns]
    return as_float32(features)


def _places(features: np.ndarray | sp.csr_array, wrong: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows and the columns of the marked values."""
    if not sp.issparse(features):
        return np.nonzero(wrong)
    entries = np.flatnonzero(wrong)
    return np.searchsorted(features.indptr, entries, side="right") - 1, features.indices[entries]


class Wanted(NamedTuple):
    """What a model wants from the rows of a file."""

    rows: int = 4096
    """How many rows a batch has."""
    feature_names: Sequence[str] | None = None
    """The features, in this order; those of the file if None."""
    label_names: Sequence[str] | None = None
    """The labels, in this order; those of the file if None."""
    with_labels: bool = True
    """Whether labels are looked at."""
    missing_features: MissingFeatures = "error"
    """What stands in for a missing feature."""
    ids: str | None = None
    """The column with the names of the rows."""


def chosen_columns(
    wanted: Sequence[str], found: Sequence[str], file, kind: str = "feature"
) -> np.ndarray | None:
    """Return where each wanted column stands among those found; None if they stand as they are wanted.

    Raises:
        DataError: That names a column which is absent, or one that was not wanted, and the nearest name.

    >>> chosen_columns(["b", "a"], ["a", "b"], "x.npz").tolist()
    [1, 0]
    """
    if wanted == found:
        return None
    place = {name: column for column, name in enumerate(found)}
    known = set(wanted)
    for name in wanted:
        if name not in place:
            others = [other for other in found if other not in known] or found
            raise DataError(f"{kind} {name!r} of the model is absent: {nearest(name, others)}", file)
    for name in found:
        if name not in known:
            raise DataError(f"{kind} {name!r} is none of the model's: {nearest(name, wanted)}", file)
    return np.array([place[name] for name in wanted], np.int64)
