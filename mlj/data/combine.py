"""Putting files that belong together into one data set."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from mlj.data.dataset import PARTS, Dataset
from mlj.data.errors import DataError


def concatenate(
    train: Dataset, test: Dataset, validation: Dataset | None = None, *, name: str | None = None
) -> Dataset:
    """Stack the files of an official split; columns are matched by name and take the order of ``train``.

    Returns:
        The rows of ``train``, then of ``validation``, then of ``test``, with ``split`` telling which is
        which.

    Raises:
        DataError: If a part has a feature or a label that another has not.

    >>> one, two = Dataset(np.eye(2), np.eye(2)), Dataset(np.ones((1, 2)), np.ones((1, 2)))
    >>> concatenate(one, two).split.tolist()
    [0, 0, 2]
    """
    given = {"train": train, "validation": validation, "test": test}
    parts = {part: dataset for part, dataset in given.items() if dataset is not None}
    aligned = [_aligned(part, dataset, train) for part, dataset in parts.items()]
    features = [dataset.features for dataset in aligned]
    stack = sp.vstack if any(sp.issparse(matrix) for matrix in features) else np.vstack
    return Dataset(
        sp.csr_array(stack(features)) if stack is sp.vstack else stack(features),
        sp.csr_array(sp.vstack([dataset.label_matrix for dataset in aligned])),
        where=_stacked_where(aligned),
        feature_names=train.feature_names,
        label_names=train.label_names,
        split=np.repeat([PARTS[part] for part in parts], [dataset.num_samples for dataset in aligned]),
        name=train.name if name is None else name,
        allow_missing=any(dataset.allow_missing for dataset in aligned),
        hierarchy=train.hierarchy,
    )


def _aligned(part: str, dataset: Dataset, train: Dataset) -> Dataset:
    if dataset.feature_names == train.feature_names and dataset.label_names == train.label_names:
        return dataset
    features = _order("feature", part, dataset.feature_names, train.feature_names)
    labels = _order("label", part, dataset.label_names, train.label_names)
    return dataset.replace(
        features=dataset.features[:, features],
        labels=dataset.label_matrix[:, labels],
        where=None if dataset.where is None else dataset.where[:, labels],
        feature_names=train.feature_names,
        label_names=train.label_names,
        hierarchy=None,
    )


def _order(kind: str, part: str, came: tuple[str, ...], wanted: tuple[str, ...]) -> np.ndarray:
    for name in sorted(set(came) ^ set(wanted))[:1]:
        there, absent = (part, "train") if name in came else ("train", part)
        raise DataError(f"the {there} part has the {kind} {name!r}, the {absent} part has not")
    place = {name: column for column, name in enumerate(came)}
    return np.array([place[name] for name in wanted], np.int64)


def _stacked_where(parts: list[Dataset]) -> np.ndarray | None:
    if all(part.where is None for part in parts):
        return None
    return np.vstack(
        [np.ones(part.label_matrix.shape, bool) if part.where is None else part.where for part in parts]
    )
