"""Data sets of openml.org, for those who have a network."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from mlj.data.dataset import Dataset
from mlj.data.errors import DataError, in_file
from mlj.data.missing import HOW_TO_FILL, check_option, settle

_LABELS = {"false": 0, "0": 0, "0.0": 0, "true": 1, "1": 1, "1.0": 1}
_UNOBSERVED = ("?", "none", "nan")


def openml(
    name: str, *, version: int | str = "active", missing_features: str = "error", cache: str | None = None
) -> Dataset:
    """Fetch a multi-label data set by name, through scikit-learn.

    The labels are the default targets of the data set and must be 0 and 1, or FALSE and TRUE. Nominal
    features of more than two values become one column per value.

    Args:
        name: The name on openml.org, such as ``'scene'``.
        version: The version there.
        missing_features: What a missing feature becomes, see :func:`mlj.data.read_mulan_arff`.
        cache: The folder that keeps what was fetched; scikit-learn's own if None.

    Raises:
        DataError: If it cannot be fetched, or its targets are not labels.
    """
    from sklearn.datasets import fetch_openml

    check_option(missing_features)
    place = f"openml:{name}"
    try:
        fetched = fetch_openml(name, version=version, data_home=cache, as_frame=False, parser="liac-arff")
    except (OSError, ValueError) as error:
        raise DataError(f"cannot be fetched: {error}", place) from error
    with in_file(place):
        labels, where = _labels(np.asarray(fetched.target), list(fetched.target_names))
        features, feature_names = _features(
            fetched.data, list(fetched.feature_names), fetched.get("categories") or {}
        )
        values = features.data if sp.issparse(features) else features
        if missing_features == "error" and np.isnan(values).any():
            raise DataError(f"a feature is missing; {HOW_TO_FILL}")
        dataset = Dataset(
            features,
            labels,
            where=where,
            feature_names=feature_names,
            label_names=fetched.target_names,
            name=name,
            allow_missing=True,
        )
        return settle(dataset, missing_features)


def _labels(target: np.ndarray, names: list[str]) -> tuple[np.ndarray, np.ndarray]:
    target = target[:, None] if target.ndim == 1 else target
    if target.shape[1] != len(names):
        raise DataError(f"{target.shape[1]} target columns for {len(names)} target names")
    labels = np.zeros(target.shape, np.uint8)
    where = np.ones(target.shape, bool)
    for row, column in np.ndindex(target.shape):
        text = str(target[row, column]).lower()
        if text in _UNOBSERVED:
            where[row, column] = False
        elif text in _LABELS:
            labels[row, column] = _LABELS[text]
        else:
            raise DataError(
                f"target {names[column]!r} of row {row} is {text!r}, not a label (0, 1, FALSE or TRUE)"
            )
    return labels, where


def _features(data, names: list[str], categories: dict[str, list[str]]):
    wide = [column for column, name in enumerate(names) if len(categories.get(name) or ()) > 2]
    if not wide:
        return data, names
    plain = [column for column in range(len(names)) if column not in set(wide)]
    blocks, block_names = [sp.csr_array(data[:, plain])], [names[column] for column in plain]
    for column in wide:
        codes = data[:, [column]]
        codes = np.asarray(codes.toarray() if sp.issparse(codes) else codes, float)
        values = categories[names[column]]
        block = np.where(np.isnan(codes), np.nan, codes == np.arange(len(values)))
        blocks.append(sp.csr_array(block))
        block_names += [f"{names[column]}={value}" for value in values]
    stacked = sp.csr_array(sp.hstack(blocks))
    return (stacked if sp.issparse(data) else stacked.toarray()), block_names
