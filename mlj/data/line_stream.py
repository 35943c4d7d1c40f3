"""Text of any size, line by line, through gzip, bzip2 and xz, with one line and a little more in memory.

Lines end, and are refused, as they are by :mod:`mlj.data.streams`, which reads whole files; but here a file
may be of any size, since it is never in memory.
"""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from os import PathLike

from mlj.data.errors import DataError
from mlj.data.streams import NUL, open_file, unpacked

LONGEST_LINE = 1 << 26
"""A line of more bytes than this is refused: a few bytes of gzip can unfold to a line without end."""

_BOM = b"\xef\xbb\xbf"


def blocks(path: str | PathLike[str]) -> Iterator[bytes]:
    """Yield the content of a file, decompressed, without a byte order mark, piece by piece.

    Raises:
        DataError: If there is no such file, it is empty or blank, or its compressed stream is cut off or
            damaged.
    """
    with open_file(path) as file:
        start = b""
        for block in unpacked(file, path):
            if start is None:
                yield block
                continue
            # Whether there is anything but white space is known before any of it is given.
            start += block
            content = start.removeprefix(_BOM)
            if content and not content.isspace():
                start = None
                yield content
            elif len(start) > LONGEST_LINE:
                raise DataError(f"begins with more than {LONGEST_LINE} bytes of white space", path)
        if start is not None:
            raise DataError("the file is empty", path)


def byte_lines(path: str | PathLike[str]) -> Iterator[bytes]:
    r"""Yield the lines of a file without their ends (``\n``, ``\r\n`` or ``\r``).

    Raises:
        DataError: As :func:`blocks`, and with the line, if one holds a NUL byte or is too long.

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "a.txt"
    >>> _ = path.write_bytes(b"one\r\n\rthree")
    >>> list(byte_lines(path))
    [b'one', b'', b'three']
    """
    for line in _lines(blocks(path), path, lambda block: block.splitlines(keepends=True), b"\n", b"\0"):
        yield line.rstrip(b"\r\n") if line.endswith((b"\n", b"\r")) else line


def text_lines(path: str | PathLike[str], encoding: str = "utf-8") -> Iterator[str]:
    r"""Yield the lines of a file as text, with their ends, as :func:`csv.reader` wants them.

    Raises:
        DataError: As :func:`blocks`, and with the line, if one is not in ``encoding``, holds a NUL character
            or is too long.
        ValueError: If there is no such encoding.

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "a.txt"
    >>> _ = path.write_bytes("één\r\ntwo".encode("utf-16"))
    >>> list(text_lines(path, "utf-16"))
    ['één\r\n', 'two']
    """
    yield from _lines(
        _decoded(path, encoding), path, lambda text: list(io.StringIO(text, newline="")), "\n", "\0"
    )


def _decoded(path: str | PathLike[str], encoding: str) -> Iterator[str]:
    try:
        decoder = codecs.getincrementaldecoder(encoding)()
    except LookupError as error:
        raise ValueError(f"unknown encoding {encoding!r}") from error
    line, first = 1, True
    for block in _with_end(blocks(path)):
        try:
            text = decoder.decode(block, not block)
        except UnicodeDecodeError as error:
            line += error.object.count(b"\n", 0, error.start)
            reason = f"byte {error.object[error.start]:#04x} is not {encoding}"
            raise DataError(reason, path, line) from error
        except UnicodeError as error:
            raise DataError(f"is not {encoding}: {error}", path, line) from error
        line += text.count("\n")
        if text:
            yield text.removeprefix("\ufeff") if first else text
            first = False


def _with_end(content: Iterator[bytes]) -> Iterator[bytes]:
    yield from content
    yield b""


def _lines(source, path, split, newline, nul):
    """Yield lines with their ends; a line or the two characters of its end may lie across two blocks."""
    nothing, returns = newline[:0], "\r" if newline == "\n" else b"\r"
    number, waiting, length = 0, [], 0
    for block in source:
        waiting.append(block)
        length += len(block)
        is_whole = newline in block or returns in block
        lines = split(nothing.join(waiting)) if is_whole else []
        if is_whole:
            # What does not end with a line feed may go on: a carriage return may be half of an end.
            waiting = [] if lines[-1].endswith(newline) else [lines.pop()]
            length = sum(map(len, waiting))
        if nul in block:
            wrong = next((at for at, line in enumerate(lines) if nul in line), len(lines))
            raise DataError(NUL, path, number + wrong + 1)
        if length > LONGEST_LINE:
            raise DataError(f"the line is longer than {LONGEST_LINE} bytes", path, number + len(lines) + 1)
        number += len(lines)
        yield from lines
    yield from split(nothing.join(waiting)) if waiting else ()
