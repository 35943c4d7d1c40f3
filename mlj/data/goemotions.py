"""GoEmotions, as the tab-separated files of its authors."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

import numpy as np
import scipy.sparse as sp

from mlj.data.dataset import PARTS
from mlj.data.errors import DataError
from mlj.data.sparse_rows import SparseRows, integer
from mlj.data.streams import decode, read_lines
from mlj.data.text_dataset import TextDataset

_FILES = {"train": "train.tsv", "dev": "dev.tsv", "test": "test.tsv"}
_CODES = {"train": PARTS["train"], "dev": PARTS["validation"], "test": PARTS["test"]}


def read_goemotions(folder: str | PathLike[str], *, name: str = "goemotions") -> TextDataset:
    """Read ``train.tsv``, ``dev.tsv``, ``test.tsv`` and ``labels.txt``; the part dev is for validation.

    A row is the text, the numbers of its labels from 0, parted by commas, and an identifier; quotation marks
    mean nothing.

    Args:
        folder: Holds the four files, plain or with the suffix ``.gz``, UTF-8.
        name: What to call the data set.

    Raises:
        DataError: With file and line, if a file is not there, a name in ``labels.txt`` is empty or stands
            there twice, a row has not three columns, or a label is no number, is not in ``labels.txt`` or
            stands twice in its row.

    Reference:
        Demszky, Movshovitz-Attias, Ko, Cowen, Nemade and Ravi, "GoEmotions: a dataset of fine-grained
        emotions", ACL 2020.

    >>> import pathlib, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> _ = (folder / "labels.txt").write_text("joy\\ngrief\\n")
    >>> for part in ("train", "dev", "test"):
    ...     _ = (folder / f"{part}.tsv").write_text("so glad\\t0\\tid1\\nall of it\\t0,1\\tid2\\n")
    >>> data = read_goemotions(folder)
    >>> data.texts[:2], data.labels[:2].tolist(), data.split.tolist()
    (('so glad', 'all of it'), [[1, 0], [1, 1]], [0, 0, 1, 1, 2, 2])
    """
    names = _names(_existing(Path(folder), "labels.txt"))
    texts, matrices, split = [], [], []
    for part, file_name in _FILES.items():
        part_texts, matrix = _part(_existing(Path(folder), file_name), len(names))
        texts += part_texts
        matrices.append(matrix)
        split += [_CODES[part]] * len(part_texts)
    return TextDataset(texts, sp.vstack(matrices), label_names=names, split=np.array(split), name=name)


def _existing(folder: Path, file: str) -> Path:
    found = next((path for path in (folder / file, folder / f"{file}.gz") if path.is_file()), None)
    if found is None:
        raise DataError(f"there is neither {file} nor {file}.gz in this folder", folder)
    return found


def _names(file: Path) -> list[str]:
    lines: dict[str, int] = {}
    for number, line in enumerate(read_lines(file), start=1):
        name = decode(line, number, file, "utf-8").strip()
        if not name:
            raise DataError("the line is empty; it is the name of a label", file, number)
        if name in lines:
            raise DataError(f"two labels are named {name!r}, the first in line {lines[name]}", file, number)
        lines[name] = number
    return list(lines)


def _part(file: Path, num_labels: int) -> tuple[list[str], sp.csr_array]:
    texts, labels = [], SparseRows(file, "label")
    for number, line in enumerate(read_lines(file), start=1):
        columns = decode(line, number, file, "utf-8").split("\t")
        if len(columns) != 3:
            raise DataError(
                f"the row has {len(columns)} columns; it is text, labels and identifier, parted by tabs",
                file,
                number,
            )
        texts.append(columns[0])
        labels.add([integer(word, "a label", file, number) for word in columns[1].split(",")], None, number)
    return texts, labels.matrix(num_labels)
