"""Which rows teach the estimator and which choose, also where there are few."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import scipy.sparse as sp

from mlj.data import PARTS, Dataset
from mlj.runs import TrainConfig
from mlj.runs.feed import divide

LARGEST_BATCH = 128
FEWEST_STEPS = 8


def with_validation(dataset: Dataset, config: TrainConfig) -> Dataset:
    """Return the data set with its validation rows named.

    They are held out as by :func:`mlj.runs.train`, but their number is rounded down, so that the parts of a
    cross-validation, which differ by a row, have as many and share compiled programs. If those rows, or the
    ones that are left, have no label that is present in one row and absent in another, nothing can be chosen
    on them, or learned: then every row stands in the data set twice, to learn from and to choose on.

    >>> data = Dataset(np.eye(90), np.arange(90).reshape(-1, 1) % 2)
    >>> int(with_validation(data, TrainConfig()).split.sum()), round(90 * TrainConfig().validation_share)
    (18, 18)
    >>> few = Dataset(np.eye(3), np.array([[1], [0], [0]]))
    >>> with_validation(few, TrainConfig()).split.tolist()
    [0, 0, 0, 1, 1, 1]
    """
    held = min(round(dataset.num_samples * config.validation_share), config.max_validation_rows)
    held = _rounded_down(held)
    if not 0 < held < dataset.num_samples:
        return _twice(dataset)
    division = divide(dataset, replace(config, validation_share=held / dataset.num_samples))
    parts = (division.train, division.validation)
    if not all(_parts_something(dataset, rows) for rows in parts):
        return _twice(dataset)
    split = np.full(dataset.num_samples, PARTS["train"])
    split[division.validation] = PARTS["validation"]
    return dataset.replace(split=split)


def usual_batch_size(dataset: Dataset) -> int:
    """Return the largest power of two up to 128 that leaves eight steps to a pass over the training rows.

    >>> data = Dataset(np.eye(100), np.arange(100).reshape(-1, 1) % 2)
    >>> usual_batch_size(with_validation(data, TrainConfig()))
    8
    """
    rows = int(np.count_nonzero(dataset.split == PARTS["train"])) // FEWEST_STEPS
    return min(1 << max(rows.bit_length() - 1, 0), LARGEST_BATCH)


def _rounded_down(number: int) -> int:
    """Return the number with its four leading binary digits, the others 0: less than an eighth smaller."""
    dropped = max(number.bit_length() - 4, 0)
    return number >> dropped << dropped


def _parts_something(dataset: Dataset, rows: np.ndarray) -> bool:
    """Return whether a label is present in one of these rows and absent in another."""
    present = dataset.label_matrix[rows].sum(axis=0)
    observed = len(rows) if dataset.where is None else dataset.where[rows].sum(axis=0)
    return bool(((present > 0) & (present < observed)).any())


def _twice(dataset: Dataset) -> Dataset:
    stack = sp.vstack if sp.issparse(dataset.features) else np.concatenate
    return dataset.replace(
        features=stack([dataset.features] * 2),
        labels=sp.vstack([dataset.label_matrix] * 2),
        where=None if dataset.where is None else np.concatenate([dataset.where] * 2),
        split=np.repeat([PARTS["train"], PARTS["validation"]], dataset.num_samples),
    )
