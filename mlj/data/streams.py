"""Whole files as bytes or lines, through gzip, bzip2 and xz.

The compression is recognised by the first bytes of the file, never by its name.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from os import PathLike
from pathlib import Path

from mlj.data.errors import DataError

_MAGIC = ((b"\x1f\x8b", gzip.open, "gzip"), (b"BZh", bz2.open, "bzip2"), (b"\xfd7zXZ\x00", lzma.open, "xz"))
_SUFFIXES = (".gz", ".bz2", ".xz")


def read_bytes(path: str | PathLike[str]) -> bytes:
    """Return the content of a file, decompressed.

    Raises:
        DataError: If there is no such file, it is empty, or its compressed stream is cut off or damaged.
    """
    path = Path(path)
    try:
        with path.open("rb") as stream:
            start = stream.read(6)
    except OSError as error:
        raise DataError(f"cannot be opened: {error.strerror or error}", path) from error
    opener = next(((opener, kind) for magic, opener, kind in _MAGIC if start.startswith(magic)), None)
    content = path.read_bytes() if opener is None else _decompress(path, *opener)
    if not content.strip():
        raise DataError("the file is empty", path)
    return content


def _decompress(path: Path, opener, kind: str) -> bytes:
    try:
        with opener(path, "rb") as stream:
            return stream.read()
    except (EOFError, OSError, ValueError, zlib.error, lzma.LZMAError) as error:
        raise DataError(f"the {kind} stream is cut off or damaged ({error})", path) from error


def read_lines(path: str | PathLike[str]) -> list[bytes]:
    r"""Return the lines of a file, decompressed, without their ends (``\n``, ``\r\n`` or ``\r``)."""
    return read_bytes(path).removeprefix(b"\xef\xbb\xbf").splitlines()


def read_text(path: str | PathLike[str], encoding: str = "utf-8") -> str:
    """Return the text of a file, decompressed.

    Raises:
        DataError: If a line is not in ``encoding``.
    """
    content = read_bytes(path).removeprefix(b"\xef\xbb\xbf")
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(f"byte {content[error.start]:#04x} is not {encoding}", path, line) from error


def decode(line: bytes, number: int, path: str | PathLike[str], encoding: str) -> str:
    """Return one line as text, or raise a :class:`DataError` that names it."""
    try:
        return line.decode(encoding)
    except UnicodeDecodeError as error:
        raise DataError(f"byte {line[error.start]:#04x} is not {encoding}", path, number) from error


def plain_name(path: str | PathLike[str]) -> str:
    """Return the last part of a path without the suffix of a compression.

    >>> plain_name("data/yeast-train.arff.gz")
    'yeast-train.arff'
    """
    name = Path(path).name
    return next((name.removesuffix(end) for end in _SUFFIXES if name.lower().endswith(end)), name)
