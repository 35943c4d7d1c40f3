"""Batches of sparse text, in the format of the XC repository and in LIBSVM's."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from os import PathLike

import numpy as np
import scipy.sparse as sp

from mlj.data.batch import Batch, Wanted, as_float32
from mlj.data.errors import DataError
from mlj.data.index_text import _rows as parsed_rows, xc_header
from mlj.data.line_stream import byte_lines
from mlj.data.sparse_rows import SparseRows, check_width


class NumberedLines:
    """Some lines out of the middle of a file, each at the place that it has in the file, from 0."""

    def __init__(self, first: int, lines: list[bytes]):
        self.first, self.lines = first, lines

    def __len__(self) -> int:
        return self.first + len(self.lines)

    def __getitem__(self, at: int) -> bytes:
        if at < self.first:
            raise IndexError(f"line {at} was read before")
        return self.lines[at - self.first]

    @property
    def places(self) -> range:
        """Where the lines stand."""
        return range(self.first, len(self))


def xc_batches(path: str | PathLike[str], wanted: Wanted) -> Iterator[Batch]:
    """Yield the rows of a file of the XC repository, see :func:`mlj.data.read_xc`."""
    lines = byte_lines(path)
    header = xc_header(next(lines))
    if not header:
        raise DataError("the first line must be 'rows features labels', three integers", path, 1)
    num_rows, *widths = header
    for kind, names, width in zip(("features", "labels"), (wanted.feature_names, wanted.label_names), widths):
        if names is not None and len(names) != width and (kind == "features" or wanted.with_labels):
            raise DataError(f"the header says {width} {kind}, the model has {len(names)}", path, 1)
        check_width(width, kind, path, 1)
    done = 0
    while done < num_rows:
        found = list(itertools.islice(lines, min(wanted.rows, num_rows - done)))
        if not found:
            raise DataError(f"the header says {num_rows} rows, the file has {done}", path, 1)
        block = NumberedLines(1 + done, found)
        features, labels = parsed_rows(path, block, block.places, 0, 0, comments=False)
        yield _batch(features, labels, done, widths[0], widths[1], wanted)
        done += len(found)
    if not num_rows or any(line.strip() for line in lines):
        found = "more" if num_rows else "none"
        raise DataError(f"the header says {num_rows} rows, the file has {found}", path, 1)


def libsvm_batches(
    path: str | PathLike[str],
    wanted: Wanted,
    *,
    label_base: int,
    feature_base: int,
    num_features: int | None = None,
    num_labels: int | None = None,
) -> Iterator[Batch]:
    """Yield the rows of LIBSVM text, see :func:`mlj.data.read_libsvm`.

    How many features there are must be known, from the model or as ``num_features``: rows that were not read
    yet could hold a larger index. Labels are given if it is known how many there are.
    """
    for option, base in (("label_base", label_base), ("feature_base", feature_base)):
        if base not in (0, 1):
            raise ValueError(f"{option} must be 0 or 1, got {base!r}")
    if wanted.feature_names is not None:
        num_features = len(wanted.feature_names)
    if wanted.label_names is not None:
        num_labels = len(wanted.label_names)
    if num_features is None:
        raise DataError("the rows do not say how many features there are: state num_features", path)
    num_labels = num_labels if wanted.with_labels else None
    done = number = 0
    for found in _without_blank_end(byte_lines(path), wanted.rows):
        block = NumberedLines(number, found)
        features, labels = parsed_rows(path, block, block.places, label_base, feature_base, comments=True)
        yield _batch(features, labels, done, num_features, num_labels, wanted)
        number += len(found)
        done += len(found)


def xc_sizes(path: str | PathLike[str]) -> tuple[int, int]:
    """Return how many features and labels the header of a file of the XC repository says there are."""
    header = xc_header(next(byte_lines(path)))
    if not header:
        raise DataError("the first line must be 'rows features labels', three integers", path, 1)
    for width, kind in zip(header[1:], ("features", "labels")):
        check_width(width, kind, path, 1)
    return header[1], header[2]


def libsvm_sizes(
    paths: Sequence[str | PathLike[str]], *, label_base: int, feature_base: int
) -> tuple[int, int]:
    """Return how many features and labels there are in files of LIBSVM text, which are read to their end."""
    sizes = np.zeros((1, 2), np.int64)
    for path in paths:
        number = 0
        for found in _without_blank_end(byte_lines(path), Wanted().rows):
            block = NumberedLines(number, found)
            rows = parsed_rows(path, block, block.places, label_base, feature_base, comments=True)
            sizes = np.maximum(sizes, [[part.matrix(None).shape[1] for part in rows]])
            number += len(found)
    num_features, num_labels = sizes[0].tolist()
    return num_features, num_labels


def _without_blank_end(lines: Iterator[bytes], rows: int) -> Iterator[list[bytes]]:
    """Yield so many lines at a time, without the blank ones that nothing follows."""
    block: list[bytes] = []
    blank: list[bytes] = []
    for line in lines:
        if not line.strip():
            # The first blank line is all that the error needs.
            blank = blank or [line]
            continue
        block += blank
        blank = []
        block.append(line)
        if len(block) >= rows:
            yield block
            block = []
    if block:
        yield block


def _batch(
    features: SparseRows, labels: SparseRows, first: int, width: int, num_labels: int | None, wanted: Wanted
) -> Batch:
    matrix = as_float32(features.matrix(width))
    if num_labels is None or not wanted.with_labels:
        return Batch(first, matrix)
    present = labels.matrix(num_labels)
    ones = np.ones(present.nnz, np.uint8)
    return Batch(first, matrix, sp.csr_array((ones, present.indices, present.indptr), present.shape))
