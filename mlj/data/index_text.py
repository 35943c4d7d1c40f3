"""Sparse text with many labels: the XC repository's format, and LIBSVM's.

A row is ``label,label index:value index:value``; a row without labels begins with a space or with its first
pair.
"""

from __future__ import annotations

from os import PathLike

from mlj.data.combine import concatenate
from mlj.data.dataset import Dataset
from mlj.data.errors import DataError, in_file
from mlj.data.naming import bare_name
from mlj.data.sparse_rows import SparseRows, check_width, integer, number
from mlj.data.streams import decode, read_lines

_DIGITS = b"0123456789+-.eE"
_MOST_DIGITS = 1000


def read_xc(
    path: str | PathLike[str], *, test: str | PathLike[str] | None = None, name: str | None = None
) -> Dataset:
    """Read a file of the Extreme Classification repository.

    The first line is ``rows features labels``; indices begin at 0. A blank line below it is a row without
    labels and features, as far as the header counts rows.

    Args:
        path: The file, plain or compressed.
        test: A file with the test rows of the official split; it must have as many features and labels.
        name: What to call the data set; the name of the file if None.

    Raises:
        DataError: With file and line, if the header is wrong about the rows or declares more than
            :data:`mlj.data.sparse_rows.MOST_COLUMNS` columns, or an index is outside what it declares.
    """
    name = bare_name(path) if name is None else name

    def part(file: str | PathLike[str]) -> tuple[SparseRows, SparseRows, list[int]]:
        lines = read_lines(file)
        if not xc_header(lines[0]):
            raise DataError("the first line must be 'rows features labels', three integers", file, 1)
        num_rows, *widths = xc_header(lines[0])
        found = len(lines) - 1
        if found < num_rows or any(line.strip() for line in lines[1 + num_rows :]):
            raise DataError(f"the header says {num_rows} rows, the file has {found}", file, 1)
        for width, what in zip(widths, ("features", "labels")):
            check_width(width, what, file, 1)
        return *_rows(file, lines, range(1, 1 + num_rows), 0, 0, comments=False), widths

    features, labels, widths = part(path)
    dataset = _dataset(features, labels, *widths, name)
    if test is None:
        return dataset
    features, labels, test_widths = part(test)
    if test_widths != widths:
        raise DataError(f"the header says {test_widths} features and labels, that of train {widths}", test, 1)
    return concatenate(dataset, _dataset(features, labels, *widths, name))


def xc_header(line: bytes) -> tuple[int, ...]:
    """Return the three numbers of an XC header, or nothing if the line is no such header."""
    words = line.split()
    numbers = len(words) == 3 and all(word.isdigit() and len(word) <= _MOST_DIGITS for word in words)
    return tuple(map(int, words)) if numbers else ()


def read_libsvm(
    path: str | PathLike[str],
    *,
    label_base: int,
    feature_base: int,
    num_features: int | None = None,
    num_labels: int | None = None,
    test: str | PathLike[str] | None = None,
    name: str | None = None,
) -> Dataset:
    """Read LIBSVM text with several labels per row.

    Nothing in such a file tells whether its first index is 0 or 1, so both bases are required.

    Args:
        path: The file, plain or compressed.
        label_base: What the first label is written as, 0 or 1.
        feature_base: What the first feature is written as, 0 or 1.
        num_features: How many features there are; as many as the largest index of the files needs if None.
        num_labels: How many labels there are; likewise.
        test: A file with the test rows of the official split.
        name: What to call the data set; the name of the file if None.

    Raises:
        DataError: With file and line, if a row is not as the format says or an index is outside its bounds.
    """
    for option, base in (("label_base", label_base), ("feature_base", feature_base)):
        if base not in (0, 1):
            raise ValueError(f"{option} must be 0 or 1, got {base!r}")
    name = bare_name(path) if name is None else name
    parts = []
    for file in [path] if test is None else [path, test]:
        lines = read_lines(file)
        while lines and not lines[-1].strip():
            lines.pop()
        parts.append(_rows(file, lines, range(len(lines)), label_base, feature_base, comments=True))
    if num_features is None:
        num_features = max(features.matrix(None).shape[1] for features, _ in parts)
    if num_labels is None:
        num_labels = max(labels.matrix(None).shape[1] for _, labels in parts)
    datasets = [_dataset(features, labels, num_features, num_labels, name) for features, labels in parts]
    return datasets[0] if test is None else concatenate(*datasets)


def _dataset(
    features: SparseRows, labels: SparseRows, num_features: int, num_labels: int, name: str
) -> Dataset:
    matrices = features.matrix(num_features), labels.matrix(num_labels)
    with in_file(features.file):
        return Dataset(*matrices, name=name)


def _rows(
    path: str | PathLike[str],
    lines: list[bytes],
    rows: range,
    label_base: int,
    feature_base: int,
    *,
    comments: bool,
) -> tuple[SparseRows, SparseRows]:
    features = SparseRows(path, "feature", feature_base)
    labels = SparseRows(path, "label", label_base)
    for at in rows:
        present, rest = _split_labels(lines[at].partition(b"#")[0] if comments else lines[at])
        if comments and not present and not rest:
            raise DataError("a blank line between rows", path, at + 1)
        labels.add(_labels(present, path, at + 1), None, at + 1)
        features.add(*_pairs(rest, path, at + 1), at + 1)
    return features, labels


def _split_labels(line: bytes) -> tuple[bytes, bytes]:
    if line[:1].isspace():
        return b"", line.strip()
    head, _, rest = line.strip().partition(b" ")
    if b"\t" in head:
        head, _, tail = head.partition(b"\t")
        rest = tail + b" " + rest
    return (b"", line.strip()) if b":" in head else (head, rest.strip())


def _labels(text: bytes, path, line: int) -> list[int]:
    if text.replace(b",", b"").isdigit():
        try:
            return list(map(int, text.split(b",")))
        except ValueError:
            pass
    words = decode(text, line, path, "utf-8")
    return [integer(word, "a label", path, line) for word in words.split(",")] if words else []


def _pairs(text: bytes, path, line: int) -> tuple[list[int], list[float]]:
    flat = text.replace(b":", b" ").split(b" ") if text else []
    if not len(flat) % 2 and text.translate(None, _DIGITS) == (b": " * (len(flat) // 2))[:-1]:
        try:
            return list(map(int, flat[::2])), list(map(float, flat[1::2]))
        except ValueError:
            pass
    indices, values = [], []
    for word in decode(text, line, path, "utf-8").split():
        index, colon, value = word.partition(":")
        if not colon:
            raise DataError(f"expected index:value, got {word!r}", path, line)
        indices.append(integer(index, "a feature index", path, line))
        values.append(number(value, f"feature {index}", path, line))
    return indices, values
