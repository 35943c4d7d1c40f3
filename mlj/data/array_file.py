"""Arrays in ``.npy`` files, read and written a few rows at a time.

Rows are read with plain reads at an offset and not through a memory map: what was read is not counted as
memory of the process, and a file that is cut off while it is in use is an error and does not end the process.
"""

from __future__ import annotations

import math
import os
import tokenize
import warnings
import weakref
from os import PathLike
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from mlj.data.errors import DataError
from mlj.data.streams import open_file

_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
_WRONG_HEADER = (
    ValueError,
    TypeError,
    SyntaxError,
    tokenize.TokenError,
    EOFError,
    OverflowError,
    RecursionError,
    MemoryError,
)


_PAGE = 4096


class Header(NamedTuple):
    """What the beginning of an ``.npy`` file says."""

    shape: tuple[int, ...]
    """The sizes."""
    fortran: bool
    """Whether the first index runs fastest."""
    dtype: np.dtype
    """The type of a value."""

    @property
    def num_bytes(self) -> int:
        """The number of bytes behind the header."""
        return math.prod(self.shape) * self.dtype.itemsize


def read_header(stream: BinaryIO, kinds: str = "biuf") -> Header:
    """Return the header of an ``.npy`` stream, which then stands at the first value.

    Args:
        stream: Where the file begins.
        kinds: The kinds of values that are wanted, as NumPy calls them: numbers, unless more are named.

    Raises:
        DataError: If it is no such header, a size is negative, or the values are Python objects.

    >>> import io
    >>> stream = io.BytesIO()
    >>> np.save(stream, np.zeros((2, 3), np.float32))
    >>> _ = stream.seek(0)
    >>> read_header(stream).shape
    (2, 3)
    """
    try:
        version = np.lib.format.read_magic(stream)
        if version not in _HEADERS:
            raise DataError(f"is an NPY file of version {version[0]}.{version[1]}, known are 1.0 and 2.0")
        with warnings.catch_warnings():
            # A header of old names of types is read, and is no reason to warn.
            warnings.simplefilter("ignore")
            header = Header(*_HEADERS[version](stream))
    except DataError:
        raise
    except _WRONG_HEADER as error:
        raise DataError(f"is not an NPY file: {str(error)[:200]}") from error
    if header.dtype.hasobject:
        raise DataError("holds pickled Python objects, which are never loaded")
    if header.dtype.kind not in kinds:
        raise DataError(f"holds {header.dtype} values; numbers{' or text' * ('U' in kinds)} are wanted")
    if any(type(size) is not int or size < 0 for size in header.shape):
        raise DataError(f"the header says shape {header.shape}, which no array has")
    return header


class ArrayFile:
    """The rows of an ``.npy`` file, read when they are asked for.

    Args:
        path: The file.

    Raises:
        DataError: If there is no such file, it is no array of numbers, or it has another size than its header
            says.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "x.npy"
    >>> np.save(path, np.arange(6.0).reshape(3, 2))
    >>> array = ArrayFile(path)
    >>> array.shape, array.read(1, 3).tolist(), array.take(np.array([0, 2])).tolist()
    ((3, 2), [[2.0, 3.0], [4.0, 5.0]], [[0.0, 1.0], [4.0, 5.0]])
    """

    def __init__(self, path: str | PathLike[str]):
        self.path = Path(path)
        try:
            with open_file(path) as stream:
                header = read_header(stream)
                self._offset = stream.tell()
                size = os.fstat(stream.fileno()).st_size
                self._descriptor = os.dup(stream.fileno())
        except OSError as error:
            raise DataError(f"cannot be opened: {error.strerror or error}", path) from error
        except DataError as error:
            raise DataError(error.reason, path) from error
        weakref.finalize(self, os.close, self._descriptor)
        self.shape, self.fortran, self.dtype = header
        if not self.shape:
            raise DataError("holds one number, not an array", path)
        if size != self._offset + header.num_bytes:
            raise DataError(
                f"holds {size - self._offset} bytes of values, {self.dtype} {list(self.shape)} takes "
                f"{header.num_bytes}",
                path,
            )

    def __len__(self) -> int:
        return self.shape[0]

    def read(self, start: int, stop: int) -> np.ndarray:
        """Return the rows from ``start`` up to, not with, ``stop``."""
        if not 0 <= start <= stop <= len(self):
            raise DataError(f"rows {start} to {stop} are asked for, there are {len(self)}", self.path)
        rows = np.empty((stop - start, *self.shape[1:]), self.dtype)
        if self.fortran and len(self.shape) == 2:
            for column in range(self.shape[1]):
                values = np.empty(stop - start, self.dtype)
                self._fill(_as_bytes(values), (column * len(self) + start) * self.dtype.itemsize)
                rows[:, column] = values
        else:
            self._fill(_as_bytes(rows), start * math.prod(self.shape[1:]) * self.dtype.itemsize)
        return rows

    def take(self, index: np.ndarray) -> np.ndarray:
        """Return the rows that a strictly increasing ``index`` names."""
        return self.take_stretches(*runs(index))

    def take_stretches(self, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """Return the rows of several stretches ``[start, end)`` one behind the other.

        They rise and do not overlap. Those that are less than a page apart are read at once, which costs the
        disk nothing and saves most of the calls.
        """
        if self.fortran and len(self.shape) > 1:
            raise DataError("is stored column by column: its rows cannot be chosen one by one", self.path)
        if len(starts) and not (starts[0] >= 0 and ends[-1] <= len(self)):
            raise DataError(f"rows {starts[0]} to {ends[-1]} of {len(self)} are asked for", self.path)
        width = math.prod(self.shape[1:]) * self.dtype.itemsize
        apart = (starts[1:] - ends[:-1]) * width > _PAGE
        first, last = starts[np.append(True, apart)[: len(starts)]], ends[np.append(apart, True)[: len(ends)]]
        behind = np.cumsum(last - first)
        rows = np.empty((int(behind[-1]) if len(behind) else 0, *self.shape[1:]), self.dtype)
        view = _as_bytes(rows)
        for start, end, place in zip(first.tolist(), last.tolist(), behind.tolist()):
            self._fill(view[(place - end + start) * width : place * width], start * width)
        lengths = ends - starts
        if len(rows) == lengths.sum():
            return rows
        shift = (behind - last)[np.concatenate([[0], np.cumsum(apart)])]
        before = np.cumsum(lengths) - lengths
        return rows[np.repeat(starts + shift - before, lengths) + np.arange(lengths.sum())]

    def _fill(self, view: memoryview, start: int) -> None:
        offset = self._offset + start
        while view:
            count = os.preadv(self._descriptor, [view], offset)
            if count == len(view):
                return
            if not count:
                raise DataError("was cut off while it was read", self.path)
            view, offset = view[count:], offset + count


def runs(index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where each run of neighbours in a rising index begins, and behind which row it ends.

    >>> runs(np.array([3, 4, 5, 9]))
    (array([3, 9]), array([ 6, 10]))
    """
    breaks = np.diff(index) != 1
    return index[np.append(True, breaks)[: len(index)]], index[np.append(breaks, True)[: len(index)]] + 1


def _as_bytes(array: np.ndarray) -> memoryview:
    return memoryview(array.reshape(-1).view(np.uint8))


class ArrayWriter:
    """Writes an ``.npy`` file row by row, without knowing how many rows there will be.

    Args:
        path: The file to create.
        dtype: The type of a value.
        width: The number of columns; None for a list.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "x.npy"
    >>> writer = ArrayWriter(path, "<f4", 2)
    >>> writer.append(np.ones((1, 2)))
    >>> writer.append(np.zeros((2, 2)))
    >>> writer.close()
    >>> np.load(path).tolist()
    [[1.0, 1.0], [0.0, 0.0], [0.0, 0.0]]
    """

    def __init__(self, path: str | PathLike[str], dtype: str, width: int | None = None):
        self.dtype, self.rest = np.dtype(dtype), () if width is None else (width,)
        self.rows = 0
        self._stream = Path(path).open("xb")  # noqa: SIM115
        self._write_header()
        self._start = self._stream.tell()

    def append(self, array: np.ndarray) -> None:
        """Append rows."""
        array = np.ascontiguousarray(array, self.dtype)
        self._stream.write(_as_bytes(array))
        self.rows += len(array)

    def close(self) -> None:
        """Write how many rows there are into the header, and close the file."""
        with self._stream as stream:
            stream.seek(0)
            self._write_header()
            if stream.tell() != self._start:
                raise RuntimeError("the header of an array grew with its number of rows")

    def abandon(self) -> None:
        """Close the file without finishing it."""
        self._stream.close()

    def _write_header(self) -> None:
        # NumPy leaves room for the digits of the first size, so that the header keeps its length.
        facts = {
            "descr": np.lib.format.dtype_to_descr(self.dtype),
            "fortran_order": False,
            "shape": (self.rows, *self.rest),
        }
        np.lib.format.write_array_header_1_0(self._stream, facts)
