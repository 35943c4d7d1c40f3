"""A source as a data set: a file read whole, or a folder that stays on disk."""

from __future__ import annotations

from dataclasses import fields

from mlj.cli.source import Source
from mlj.data import Dataset, DiskDataset, TextDataset, is_disk


def open_data(source: Source) -> Dataset | DiskDataset | TextDataset:
    """Return the data set or the texts of a source; a folder written by ``mlj pack`` is not read into memory.

    Raises:
        DataError: If the file or folder is wrong.
        ValueError: If an option does not belong to the format.
    """
    if not is_disk(source.data):
        return source.read()
    given = [
        field.name
        for field in fields(source)
        if getattr(source, field.name) not in (None, field.default, source.data)
    ]
    if given:
        raise ValueError(f"{source.data} is a packed data set, which knows its parts: leave {given[0]} out")
    return DiskDataset(source.data)


def size_of(dataset: Dataset | DiskDataset | TextDataset) -> str:
    """Return the name and the sizes of a data set in words.

    >>> import numpy as np
    >>> size_of(TextDataset(["wet salt"], np.eye(1, dtype=int), label_names=["sea"], name="coast"))
    'coast: 1 texts, 1 labels'
    """
    if isinstance(dataset, TextDataset):
        return f"{dataset.name}: {dataset.num_samples} texts, {dataset.num_labels} labels"
    return (
        f"{dataset.name}: {dataset.num_samples} samples, {dataset.num_features} features, "
        f"{dataset.num_labels} labels"
    )
