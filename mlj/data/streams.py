"""Whole files as bytes or lines, through gzip, bzip2 and xz, and how much a file may become.

The compression is recognised by the first bytes of the file, never by its name. A few bytes can unfold to
gigabytes, so content is unpacked piece by piece and refused as soon as it is out of all proportion: beyond
:data:`FREE_BYTES` it may be at most :data:`MOST_TIMES` times its file, never more than :data:`MOST_BYTES`.
Text of real data unfolds to 3 to 20 times its file. Who trusts a file that is refused sets the environment
variable ``MLJ_MAX_BYTES`` to the number of bytes that it may become; then that number alone is the rule.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import stat
import zlib
from collections.abc import Iterator
from os import PathLike
from pathlib import Path
from typing import BinaryIO

from mlj.data.errors import DataError

MOST_BYTES = 16 << 30
"""No file may become more bytes than this, unless ``MLJ_MAX_BYTES`` says so."""

MOST_TIMES = 200
"""How many times its own size a file may become."""

FREE_BYTES = 8 << 20
"""What every file may become, however small it is."""

NUL = "a NUL character: the file is damaged, or no text, or in an encoding that was not stated"
"""Why text with such a character is refused."""

_VARIABLE = "MLJ_MAX_BYTES"
_XZ_MEMORY = 256 << 20
_BLOCK = 1 << 18
_BOM = b"\xef\xbb\xbf"
_SUFFIXES = (".gz", ".bz2", ".xz")


def most_bytes(size: int, free: int = FREE_BYTES) -> int:
    """Return how many bytes a file of ``size`` bytes may become in memory.

    Args:
        size: The size of the file as it lies on the disk.
        free: What it may become however small it is.

    Raises:
        ValueError: If the environment variable ``MLJ_MAX_BYTES`` is no number of bytes.

    >>> most_bytes(100) == FREE_BYTES, most_bytes(10**6)
    (True, 200000000)
    """
    stated = os.environ.get(_VARIABLE, "")
    if not stated:
        return min(max(free, MOST_TIMES * size), MOST_BYTES)
    if not (stated.isascii() and stated.isdigit() and len(stated) < 20):
        raise ValueError(f"{_VARIABLE} must be a number of bytes, is {stated!r}")
    return int(stated)


def refuse_growth(
    num_bytes: int,
    what: str,
    path: str | PathLike[str],
    line: int | None = None,
    *,
    free: int = 1 << 28,
) -> None:
    """Raise a :class:`DataError` if ``num_bytes`` are more than the file may become.

    Args:
        num_bytes: How many bytes would be needed.
        what: What needs them, with its verb, for the message.
        path: The file that it comes from.
        line: The line that it comes from.
        free: What is allowed for every file, however small.

    >>> refuse_growth(10**6, "the labels take", __file__)
    """
    size = os.stat(path).st_size
    most = most_bytes(size, free)
    if num_bytes > most:
        raise DataError(
            f"{what} {num_bytes:,} bytes, and a file of {size:,} may become {most:,}; "
            f"if it is to be trusted, set the environment variable {_VARIABLE} to more",
            path,
            line,
        )


def pieces(path: str | PathLike[str]) -> Iterator[bytes]:
    """Yield the content of a file piece by piece, decompressed.

    Raises:
        DataError: If there is no such file, it is a folder, a pipe or a device, its compressed stream is cut
            off or damaged, or it becomes more bytes than :func:`most_bytes` allows.

    >>> next(pieces(__file__))[:3]
    b'\"\"\"'
    """
    trust = f"if it is to be trusted, set the environment variable {_VARIABLE} to more"
    with open_file(path) as file:
        size, total = os.fstat(file.fileno()).st_size, 0
        most = most_bytes(size)
        if size > most:
            raise DataError(f"has {size:,} bytes, more than the {most:,} that are read; {trust}", path)
        for piece in unpacked(file, path):
            total += len(piece)
            if total > most:
                bomb = f"becomes more than {most:,} bytes, from {size:,}: is it a decompression bomb?"
                raise DataError(f"{bomb} I{trust[1:]}", path)
            yield piece


def open_file(path: str | PathLike[str]) -> BinaryIO:
    """Return a file that is open for reading its bytes.

    Raises:
        DataError: If there is no such file, or it is a folder, a pipe or a device.

    >>> with open_file(__file__) as file:
    ...     file.read(3)
    b'\"\"\"'
    """
    # A pipe would block for ever when it is opened, so that the kind of the file is asked for first.
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISREG(mode):
            return open(path, "rb")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"cannot be opened: {reason}", path) from error
    kind = "Is a directory" if stat.S_ISDIR(mode) else "is a pipe, a socket or a device, not a file"
    raise DataError(f"cannot be opened: {kind}", path)


def unpacked(file: BinaryIO, path: str | PathLike[str]) -> Iterator[bytes]:
    """Yield the content of an open file piece by piece, decompressed, however much it is.

    Raises:
        DataError: If the compressed stream is cut off or damaged.
    """
    start = file.read(6)
    file.seek(0)
    kind, unpack = next(
        ((kind, unpack) for magic, kind, unpack in _KINDS if start.startswith(magic)), ("", _blocks)
    )
    try:
        yield from unpack(file)
    except (EOFError, OSError, ValueError, zlib.error, lzma.LZMAError) as error:
        what = f"the {kind} stream is cut off or damaged" if kind else "cannot be read"
        raise DataError(f"{what} ({error})", path) from error


def _blocks(stream: BinaryIO) -> Iterator[bytes]:
    return iter(lambda: stream.read(_BLOCK), b"")


def _gunzipped(file: BinaryIO) -> Iterator[bytes]:
    return _blocks(gzip.GzipFile(fileobj=file, mode="rb"))


def _bunzipped(file: BinaryIO) -> Iterator[bytes]:
    return _blocks(bz2.BZ2File(file))


def _unxzed(file: BinaryIO) -> Iterator[bytes]:
    # The head of a stream can ask for a dictionary of gigabytes, which lzma.open would allocate.
    waiting = file.read(_BLOCK)
    while waiting:
        stream = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)
        while not stream.eof:
            if stream.needs_input and not waiting and not (waiting := file.read(_BLOCK)):
                raise EOFError("Compressed file ended before the end-of-stream marker was reached")
            piece, waiting = stream.decompress(waiting, _BLOCK), b""
            if piece:
                yield piece
        waiting = (stream.unused_data or file.read(_BLOCK)).lstrip(b"\0")


_KINDS = (
    (b"\x1f\x8b", "gzip", _gunzipped),
    (b"BZh", "bzip2", _bunzipped),
    (b"\xfd7zXZ\x00", "xz", _unxzed),
)


def read_bytes(path: str | PathLike[str]) -> bytes:
    """Return the content of a file, decompressed.

    Raises:
        DataError: As :func:`pieces`, and if the file is empty.
    """
    content = io.BytesIO()
    for piece in pieces(path):
        content.write(piece)
    return _not_empty(content.getvalue(), path)


def read_start(path: str | PathLike[str], num_bytes: int) -> bytes:
    """Return about the first ``num_bytes`` of a file, decompressed, without a byte order mark.

    Raises:
        DataError: As :func:`pieces`, and if there is nothing in them.
    """
    start = b""
    for piece in pieces(path):
        start += piece
        if len(start) >= num_bytes:
            return start.removeprefix(_BOM)
    return _not_empty(start, path).removeprefix(_BOM)


def _not_empty(content: bytes, path: str | PathLike[str]) -> bytes:
    text = content.removeprefix(_BOM)
    if not text or text.isspace():
        raise DataError("the file is empty", path)
    return content


def read_lines(path: str | PathLike[str]) -> list[bytes]:
    r"""Return the lines of a file, decompressed, without their ends (``\n``, ``\r\n`` or ``\r``).

    Raises:
        DataError: As :func:`pieces`, and if the file is empty or holds a NUL byte.
    """
    content = read_bytes(path).removeprefix(_BOM)
    _refuse_nul(content, b"\0", path)
    return content.splitlines()


def read_text(path: str | PathLike[str], encoding: str = "utf-8") -> str:
    """Return the text of a file, decompressed, without a byte order mark.

    Raises:
        DataError: As :func:`pieces`, and if the file is empty, not in ``encoding`` or holds a NUL character.
        ValueError: If there is no such encoding.
    """
    content = read_bytes(path).removeprefix(_BOM)
    try:
        text = content.decode(encoding)
    except UnicodeError as error:
        at = getattr(error, "start", 0)
        raise DataError(_not_encoded(error, encoding), path, _line_at(content, at)) from error
    except LookupError as error:
        raise ValueError(f"unknown encoding {encoding!r}") from error
    _refuse_nul(text, "\0", path)
    return text.removeprefix("\ufeff")


def decode(line: bytes, number: int, path: str | PathLike[str], encoding: str) -> str:
    """Return one line as text.

    Raises:
        DataError: If it is not in ``encoding``; it names the line.
        ValueError: If there is no such encoding.
    """
    try:
        return line.decode(encoding)
    except UnicodeError as error:
        raise DataError(_not_encoded(error, encoding), path, number) from error
    except LookupError as error:
        raise ValueError(f"unknown encoding {encoding!r}") from error


def _not_encoded(error: UnicodeError, encoding: str) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"byte {error.object[error.start]:#04x} is not {encoding}"
    return f"is not {encoding}: {error}"


def _refuse_nul(content, nul, path: str | PathLike[str]) -> None:
    at = content.find(nul)
    if at >= 0:
        raise DataError(NUL, path, _line_at(content, at))


def _line_at(content, at: int) -> int:
    """Return the line of a position in bytes or text, counted from 1."""
    ends = ("\n", "\r", "\r\n") if isinstance(content, str) else (b"\n", b"\r", b"\r\n")
    feeds, returns, both = (content.count(end, 0, at) for end in ends)
    return feeds + returns - both + 1


def plain_name(path: str | PathLike[str]) -> str:
    """Return the last part of a path without the suffix of a compression.

    >>> plain_name("data/yeast-train.arff.gz")
    'yeast-train.arff'
    """
    name = Path(path).name
    return next((name.removesuffix(end) for end in _SUFFIXES if name.lower().endswith(end)), name)
