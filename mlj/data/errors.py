"""The one error of this package: what is wrong with the data, and where."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from os import PathLike, fspath

_LONGEST = 1200


class DataError(ValueError):
    """Data that cannot be used as it is, with the file and the line if there is one.

    Args:
        reason: What came and what was wanted. What data brought into it cannot disturb who reads it: it is
            shortened in the middle if it is very long, and what is not printable is escaped.
        file: The file that holds it.
        line: The line in that file (after decompression), counted from 1.

    >>> raise DataError("label 'x' is not a column", "data.csv", 1)
    Traceback (most recent call last):
        ...
    mlj.data.errors.DataError: data.csv:1: label 'x' is not a column
    """

    def __init__(self, reason: str, file: str | PathLike[str] | None = None, line: int | None = None):
        self.reason = _shown(reason)
        self.file = None if file is None else fspath(file)
        self.line = line
        place = ":".join(str(part) for part in (self.file, line) if part is not None)
        super().__init__(f"{place}: {self.reason}" if place else self.reason)

    def __reduce__(self):
        return DataError, (self.reason, self.file, self.line)


def _shown(reason: str) -> str:
    if len(reason) > _LONGEST:
        reason = f"{reason[: _LONGEST // 2]} ... {reason[-_LONGEST // 4 :]}"
    if reason.isprintable():
        return reason
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in reason
    )


@contextlib.contextmanager
def in_file(file: str | PathLike[str]) -> Iterator[None]:
    """Name ``file`` in every :class:`DataError` that is raised inside without a file.

    >>> with in_file("data.npz"):
    ...     raise DataError("no array 'labels'")
    Traceback (most recent call last):
        ...
    mlj.data.errors.DataError: data.npz: no array 'labels'
    """
    try:
        yield
    except DataError as error:
        if error.file is not None:
            raise
        raise DataError(error.reason, file, error.line) from error
