"""Putting a new file or folder in its place as a whole, or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from os import PathLike
from pathlib import Path

from mlj.data.errors import DataError


@contextlib.contextmanager
def new_file(path: str | PathLike[str]) -> Iterator[Path]:
    """Give the path of a temporary file beside ``path``, which takes its name when the block ends.

    If the block raises, the temporary file is removed and what stood at ``path`` stays.

    Raises:
        DataError: If the folder does not exist or cannot be written to.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "numbers.txt"
    >>> with new_file(path) as beside:
    ...     _ = beside.write_text("1 2 3")
    >>> path.read_text(), len(list(path.parent.iterdir()))
    ('1 2 3', 1)
    """
    path = Path(os.path.abspath(path))
    if path.is_dir():
        raise DataError("is a folder, not a file to write", path)
    beside = _beside(path)
    try:
        _refuse_unwritable(path, lambda: beside.touch(exist_ok=False))
        yield beside
        flush(beside)
        os.replace(beside, path)
        flush(path.parent)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def new_folder(path: str | PathLike[str], *, replace: bool = False) -> Iterator[Path]:
    """Give the path of a temporary folder beside ``path``, which takes its name when the block ends.

    If the block raises, the temporary folder is removed and what stood at ``path`` stays.

    Args:
        path: Where the folder goes.
        replace: Whether a folder that is there already is replaced; if not, only an empty one is.

    Raises:
        DataError: If something is there already, or the folder around it cannot be written to.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "numbers"
    >>> with new_folder(path) as beside:
    ...     _ = (beside / "one.txt").write_text("1")
    >>> (path / "one.txt").read_text()
    '1'
    """
    path = Path(os.path.abspath(path))
    if path.exists() and not path.is_dir():
        raise DataError("is a file, not a folder to write", path)
    if not replace and path.is_dir() and any(path.iterdir()):
        raise DataError("the folder is there already and is not empty", path)
    beside = _beside(path)
    try:
        _refuse_unwritable(path, beside.mkdir)
        yield beside
        for file in (*beside.iterdir(), beside):
            flush(file)
        _take_place(beside, path)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise


def _take_place(beside: Path, path: Path) -> None:
    former = _beside(path)
    if path.is_dir():
        os.rename(path, former)
    try:
        os.rename(beside, path)
    except BaseException:
        if former.is_dir():
            os.rename(former, path)
        raise
    flush(path.parent)
    shutil.rmtree(former, ignore_errors=True)


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name[:100]}.{secrets.token_hex(6)}.part")


def _refuse_unwritable(path: Path, create) -> None:
    try:
        create()
    except OSError as error:
        raise DataError(f"cannot be written: {error.strerror or error}", path) from error


def flush(path: Path) -> None:
    """Wait until a file or a folder is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
