"""The yeast data, from a file inside the installed ``river`` package."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np

from mlj.data.dataset import PARTS, Dataset
from mlj.data.errors import DataError
from mlj.data.table import read_csv

_TRAIN_ROWS, _TEST_ROWS = 1500, 917


def yeast() -> Dataset:
    """Return yeast: 2417 genes, 103 numbers each, 14 functional labels, with its official split.

    The file is read from the installed ``river`` package, which is not imported. There the 917 official test
    rows stand before the 1500 train rows; here train comes first, as in the original files.

    Raises:
        DataError: If ``river`` is not installed, or its file is not the one that is known.

    Reference:
        Elisseeff and Weston, "A kernel method for multi-labelled classification", NIPS 2001.

    >>> data = yeast()
    >>> data
    Dataset('yeast': 2417 samples, 103 features, 14 labels)
    >>> round(data.describe()["cardinality"], 3)
    4.237
    """
    dataset = read_csv(yeast_file(), "Class*", name="yeast")
    if dataset.label_matrix.shape != (_TRAIN_ROWS + _TEST_ROWS, 14) or dataset.num_features != 103:
        raise DataError(f"is not the yeast data that is known: {dataset}", yeast_file())
    order = np.roll(np.arange(_TRAIN_ROWS + _TEST_ROWS), -_TEST_ROWS)
    split = np.repeat([PARTS["train"], PARTS["test"]], [_TRAIN_ROWS, _TEST_ROWS])
    return dataset.rows(order).replace(split=split)


def yeast_file() -> Path:
    """Return the path of yeast in the installed ``river`` package, found without importing it."""
    found = importlib.util.find_spec("river")
    for folder in (found.submodule_search_locations or ()) if found else ():
        path = Path(folder, "datasets", "yeast.csv.gz")
        if path.is_file():
            return path
    raise DataError("yeast comes with the package 'river', which is not installed: pip install river")
