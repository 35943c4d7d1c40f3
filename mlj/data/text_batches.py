"""Texts of a file, a few at a time, with the labels that a model knows.

>>> import tempfile
>>> path = Path(tempfile.mkdtemp()) / "kitchen.txt"
>>> _ = path.write_text("__label__sauce how thick ?\\nwhy flat ?\\n__label__bread dry\\n")
>>> for batch in read_text_batches(path, rows=2, label_names=("bread", "sauce")):
...     print(batch.first_row, batch.features, batch.labels.toarray().tolist())
0 ['how thick ?', 'why flat ?'] [[0, 1], [0, 0]]
2 ['dry'] [[1, 0]]
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from os import PathLike
from pathlib import Path
from types import MappingProxyType

import numpy as np
import scipy.sparse as sp

from mlj.data.batch import Batch, Wanted, chosen_columns
from mlj.data.batches_csv import csv_text_batches
from mlj.data.errors import DataError
from mlj.data.fasttext import fasttext_row
from mlj.data.goemotions import read_goemotions
from mlj.data.line_stream import byte_lines
from mlj.data.nearest import nearest
from mlj.data.reuters import read_reuters
from mlj.data.streams import decode, plain_name
from mlj.data.text_dataset import TextDataset

TEXT_FOLDERS = MappingProxyType({"goemotions": read_goemotions, "reuters": read_reuters})
"""The formats that are folders, which are read whole."""
_TABLES = (".csv", ".tsv", ".tab")


def read_text_batches(
    path: str | PathLike[str],
    *,
    rows: int = 4096,
    label_names: Sequence[str],
    with_labels: bool = True,
    ids: str | None = None,
    format: str | None = None,
    **options: object,
) -> Iterator[Batch]:
    """Yield the texts of a file, ``rows`` at a time, in their order; the features of a batch are a list.

    ==============  ==========================================================================================
    ``fasttext``    lines of text, with labels before them or without, see :func:`mlj.data.read_fasttext`
    ``csv-text``    a table with columns of text, see :func:`mlj.data.batches_csv.csv_text_batches`
    ``goemotions``  the folder, whole; its test part where labels are wanted
    ``reuters``     the folder, whole; its test part where labels are wanted
    ==============  ==========================================================================================

    Args:
        path: The file or folder, plain or compressed.
        rows: How many texts a batch has.
        label_names: The labels of the model, in its order.
        with_labels: Whether labels are looked at; if not, they are ignored, and may be unknown ones.
        ids: A column of a table with names of the rows, for :attr:`Batch.ids`.
        format: One of :data:`TEXT_BATCH_FORMATS`; if None, told by :func:`text_batch_format`.
        **options: Passed on to the reader of the format.

    Raises:
        DataError: If the file is not what its format says, or has a label that the model does not know.
        ValueError: If an option is not one of the reader's.
    """
    if rows < 1:
        raise ValueError(f"rows must be at least 1, got {rows}")
    kind = text_batch_format(path) if format is None else format
    if kind not in TEXT_BATCH_FORMATS:
        raise ValueError(f"unknown format of texts {kind!r}: known are {', '.join(TEXT_BATCH_FORMATS)}")
    if ids is not None and kind != "csv-text":
        raise ValueError(f"only a table has a column of names of rows (ids), not the format {kind}")
    known = text_batch_options(kind)
    for option in options:
        if option not in known:
            hint = nearest(option, known) if known else "it has none"
            raise ValueError(f"the format {kind} has no option {option!r}: {hint}")
    wanted = Wanted(rows, None, tuple(label_names), with_labels, ids=ids)
    if kind in TEXT_FOLDERS:
        return _dataset_batches(TEXT_FOLDERS[kind](path, **options), wanted, path)
    return _READERS[kind](path, wanted, **options)


def text_batch_options(format: str) -> tuple[str, ...]:
    """Return the options that :func:`read_text_batches` takes for a format, besides its own.

    >>> text_batch_options("fasttext"), text_batch_options("reuters")
    (('prefix',), ('labels',))
    """
    names = inspect.signature(TEXT_FOLDERS.get(format) or _READERS[format]).parameters
    return tuple(name for name in names if name not in ("path", "folder", "wanted", "name"))


def text_batch_format(path: str | PathLike[str]) -> str:
    """Return the format of a file of texts, by its name: a table by its suffix, any other has a text a line.

    Raises:
        DataError: If it is a folder, whose format must be stated.
    """
    if Path(path).is_dir():
        raise DataError(f"is a folder; state format={'|'.join(TEXT_FOLDERS)}", path)
    return "csv-text" if Path(plain_name(path)).suffix.lower() in _TABLES else "fasttext"


def _fasttext_batches(
    path: str | PathLike[str], wanted: Wanted, *, prefix: str = "__label__"
) -> Iterator[Batch]:
    place = {name: column for column, name in enumerate(wanted.label_names)}
    texts: list[str] = []
    present: list[list[int]] = []
    done, blank, labelled = 0, None, False
    for number, raw in enumerate(byte_lines(path), start=1):
        line = decode(raw, number, path, "utf-8")
        if not line.strip():  # blank lines may stand at the end
            blank = blank or number
            continue
        if blank is not None:
            raise DataError("the line is empty", path, blank)
        text, labels = fasttext_row(line, prefix, path, number)
        texts.append(text)
        labelled |= bool(labels)
        if wanted.with_labels:
            present.append([_known(place, label, wanted, path, number) for label in labels])
        if len(texts) == wanted.rows:
            yield Batch(done, texts, _multi_hot(present, wanted))
            done, texts, present = done + len(texts), [], []
    if wanted.with_labels and not labelled:
        raise DataError(f"no line begins with {prefix}: the file has no labels", path)
    if texts:
        yield Batch(done, texts, _multi_hot(present, wanted))


def _known(place: dict[str, int], label: str, wanted: Wanted, path, number: int) -> int:
    if label not in place:
        reason = f"label {label!r} is none of the model's: {nearest(label, wanted.label_names)}"
        raise DataError(reason, path, number)
    return place[label]


def _multi_hot(present: list[list[int]], wanted: Wanted) -> sp.csr_array | None:
    if not wanted.with_labels:
        return None
    columns = np.array([column for row in present for column in row], np.int32)
    ends = np.cumsum([0, *map(len, present)])
    matrix = sp.csr_array(
        (np.ones(len(columns), np.uint8), columns, ends), shape=(len(present), len(wanted.label_names))
    )
    matrix.sort_indices()
    return matrix


def _dataset_batches(dataset: TextDataset, wanted: Wanted, path) -> Iterator[Batch]:
    if wanted.with_labels:
        order = chosen_columns(list(wanted.label_names), list(dataset.label_names), path, "label")
        if dataset.split is not None and (dataset.split == 2).any():
            dataset = dataset.rows(dataset.split == 2)
        labels = dataset.label_matrix if order is None else dataset.label_matrix[:, order]
    for start in range(0, dataset.num_samples, wanted.rows):
        rows = slice(start, start + wanted.rows)
        yield Batch(start, list(dataset.texts[rows]), labels[rows] if wanted.with_labels else None)


_READERS = MappingProxyType({"fasttext": _fasttext_batches, "csv-text": csv_text_batches})
TEXT_BATCH_FORMATS = (*_READERS, *TEXT_FOLDERS)
"""The formats that :func:`read_text_batches` can be told to read."""
