"""New files and folders of data, put in place as a whole, with errors that speak of data."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from os import PathLike
from pathlib import Path

from mlj.data.errors import DataError


@contextlib.contextmanager
def new_file(path: str | PathLike[str]) -> Iterator[Path]:
    """Do what :func:`mlj.storage.new_file` does.

    Raises:
        DataError: If the folder does not exist or cannot be written to.
    """
    from mlj import storage

    if Path(path).is_dir():
        raise DataError("is a folder, not a file to write", path)
    with contextlib.ExitStack() as stack:
        yield _begun(stack, storage.new_file(path), path)


@contextlib.contextmanager
def new_folder(path: str | PathLike[str], *, replace: bool = False) -> Iterator[Path]:
    """Do what :func:`mlj.storage.new_folder` does.

    Raises:
        DataError: If something is there already, or the folder around it cannot be written to.
    """
    from mlj import storage

    with contextlib.ExitStack() as stack:
        yield _begun(stack, storage.new_folder(path, replace=replace), path)


def _begun(
    stack: contextlib.ExitStack,
    writing: contextlib.AbstractContextManager[Path],
    path: str | PathLike[str],
) -> Path:
    try:
        return stack.enter_context(writing)
    except FileExistsError as error:
        raise DataError(error.strerror, path) from error
    except OSError as error:
        raise DataError(f"cannot be written: {error.strerror or error}", path) from error
