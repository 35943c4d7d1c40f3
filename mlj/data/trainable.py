"""What a data set must have before anything can be learned from it."""

from __future__ import annotations

import numpy as np

from mlj.data.dataset import PARTS, Dataset
from mlj.data.describe import label_counts
from mlj.data.errors import DataError
from mlj.data.missing import has_missing


def check_trainable(dataset: Dataset) -> Dataset:
    """Return the data set if its training rows can teach something.

    The training rows are those of the official split, or all if there is none.

    Raises:
        DataError: If there are no features, a feature is still missing, no label was observed, no label is
            ever present, or every label is constant.

    >>> check_trainable(Dataset(np.eye(2), np.zeros((2, 1))))
    Traceback (most recent call last):
        ...
    mlj.data.errors.DataError: data: all 2 training rows are unlabelled
    """
    train = dataset if dataset.split is None else dataset.rows(dataset.split == PARTS["train"])
    rows = train.num_samples
    observed = np.full(train.num_labels, rows) if train.where is None else train.where.sum(axis=0)
    counts = label_counts(train.label_matrix)
    reason = None
    if not train.num_features:
        reason = "there are no features"
    elif not rows:
        reason = "there are no training rows"
    elif has_missing(dataset):
        reason = "features are missing (NaN): fill them with fill_missing"
    elif not observed.any():
        reason = f"no label was observed in any of the {rows} training rows"
    elif not counts.any():
        reason = f"all {rows} training rows are unlabelled"
    elif not ((counts > 0) & (counts < observed)).any():
        reason = f"every label is constant over the {rows} training rows: there is one class only"
    if reason is not None:
        raise DataError(reason, dataset.name)
    return dataset
