"""A source as a data set: a file read whole, or a folder that stays on disk."""

from __future__ import annotations

from dataclasses import fields

from mlj.cli.source import Source
from mlj.data import Dataset, DiskDataset, is_disk


def open_data(source: Source) -> Dataset | DiskDataset:
    """Return the data set of a source; a folder written by ``mlj pack`` is not read into memory.

    Raises:
        DataError: If the file or folder is wrong.
        ValueError: If an option does not belong to the format.
    """
    if not is_disk(source.data):
        return source.load()
    given = [
        field.name
        for field in fields(source)
        if getattr(source, field.name) not in (None, field.default, source.data)
    ]
    if given:
        raise ValueError(f"{source.data} is a packed data set, which knows its parts: leave {given[0]} out")
    return DiskDataset(source.data)
