"""Text in the format of fastText: the labels of a line, then its words."""

from __future__ import annotations

from collections import Counter
from os import PathLike

import numpy as np

from mlj.data.errors import DataError
from mlj.data.naming import bare_name
from mlj.data.streams import decode, read_lines
from mlj.data.text_dataset import TextDataset, from_label_lists


def read_fasttext(
    path: str | PathLike[str],
    *,
    test: str | PathLike[str] | None = None,
    prefix: str = "__label__",
    name: str | None = None,
) -> TextDataset:
    """Read lines of ``__label__x __label__y text``.

    The labels are those of both files, in alphabetical order, so that a label that only the test part has
    keeps its column. A line may have no label.

    Args:
        path: The file, plain or compressed, UTF-8.
        test: A file with the test rows of the official split.
        prefix: What every label begins with.
        name: What to call the data set; the name of the file if None.

    Raises:
        DataError: With file and line, if a line is empty, a label has no name, stands twice in its line or
            stands behind the text, or a file has no label at all.
        ValueError: If ``prefix`` is empty or holds a space, since every word or none would be a label.

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "kitchen.txt"
    >>> _ = path.write_text("__label__sauce __label__cheese how thick ?\\n__label__bread why flat ?\\n")
    >>> data = read_fasttext(path)
    >>> data.texts, data.label_names, data.labels.tolist()
    (('how thick ?', 'why flat ?'), ('bread', 'cheese', 'sauce'), [[0, 1, 1], [1, 0, 0]])
    """
    if prefix.split() != [prefix]:
        raise ValueError(f"read_fasttext: prefix must be a word, got {prefix!r}")
    parts = [_part(file, prefix) for file in ([path] if test is None else [path, test])]
    lists = [labels for _, part_lists in parts for labels in part_lists]
    codes = np.repeat([0, 2][: len(parts)], [len(texts) for texts, _ in parts])
    return from_label_lists(
        [text for texts, _ in parts for text in texts],
        lists,
        sorted({label for labels in lists for label in labels}),
        split=None if test is None else codes,
        name=bare_name(path) if name is None else name,
    )


def _part(path: str | PathLike[str], prefix: str) -> tuple[list[str], list[list[str]]]:
    lines = read_lines(path)
    while lines and not lines[-1].strip():
        lines.pop()
    texts, lists = [], []
    for number, line in enumerate(lines, start=1):
        text, labels = fasttext_row(decode(line, number, path, "utf-8"), prefix, path, number)
        texts.append(text)
        lists.append(labels)
    if not any(lists):
        raise DataError(f"no line begins with {prefix}: the file has no labels", path)
    return texts, lists


def fasttext_row(line: str, prefix: str, path: str | PathLike[str], number: int) -> tuple[str, list[str]]:
    """Return the text and the labels of a line.

    Raises:
        DataError: As :func:`read_fasttext`.

    >>> fasttext_row("__label__bread why flat ?", "__label__", "d.txt", 1)
    ('why flat ?', ['bread'])
    """
    words = line.split()
    if not words:
        raise DataError("the line is empty", path, number)
    count = next((at for at, word in enumerate(words) if not word.startswith(prefix)), len(words))
    labels = [word.removeprefix(prefix) for word in words[:count]]
    if "" in labels:
        raise DataError(f"a label is {prefix!r} without a name", path, number)
    if len(set(labels)) < len(labels):
        twice = next(label for label, times in Counter(labels).items() if times > 1)
        raise DataError(f"label {twice!r} stands twice in the line", path, number)
    late = next((word for word in words[count:] if word.startswith(prefix)), None)
    if late is not None:
        raise DataError(f"{late} stands behind the text; labels come first", path, number)
    return " ".join(words[count:]), labels
