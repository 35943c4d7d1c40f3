"""One file, whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from os import PathLike
from pathlib import Path

from mlj.storage.unfinished import begin, remove, settle


def write_file(path: str | PathLike[str], content: bytes) -> None:
    """Write a file so that after a crash at any moment it holds its old content or the new one, whole.

    The content goes to a temporary file in the same folder, to the disk, and then in place by one rename. A
    link at ``path`` is replaced, not followed. When this returns, the file survives a loss of power.

    Args:
        path: The file; its folder must exist.
        content: All of its bytes.

    Raises:
        TypeError: If the content is not bytes.
        OSError: If it cannot be written (no room, no permission). It names ``path``; the old file is intact.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "history.jsonl"
    >>> write_file(path, b"{}")
    >>> path.read_bytes()
    b'{}'
    """
    if not isinstance(content, bytes):
        raise TypeError(f"the content of {os.fspath(path)!r} is {type(content).__name__}; wanted bytes")
    with named(Path(path)), new_file(path) as beside:
        beside.write_bytes(content)


@contextlib.contextmanager
def new_file(path: str | PathLike[str]) -> Iterator[Path]:
    """Give the path of a temporary file, which takes the place of ``path`` when the block ends.

    It is for what is too large to be held in memory: see :func:`write_file` for what holds after a crash. If
    the block raises, the temporary file is removed and what stood at ``path`` stays. The block must write to
    the file that is there, not rename another one to it, and close it.

    Args:
        path: The file; its folder must exist.

    Raises:
        OSError: If it cannot be written. It names ``path``.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "numbers.txt"
    >>> with new_file(path) as beside:
    ...     _ = beside.write_text("1 2 3")
    >>> path.read_text(), len(list(path.parent.iterdir()))
    ('1 2 3', 1)
    """
    path = Path(path)
    with named(path):
        settle(path.parent, lambda target: target == path.name)
        place, descriptor = begin(path, folder=False)
    try:
        yield place
        with named(path):
            os.fsync(descriptor)
            # Before the file is closed, and with it the lock that marks it as being written.
            os.replace(place, path)
            to_disk(path.parent)
    except BaseException:
        discard(place)
        raise
    finally:
        os.close(descriptor)


def write_new(path: Path, content: bytes) -> None:
    """Write a file that is not there yet, as far as the disk."""
    with open(path, "xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, as far as the disk; one that is there already is left alone."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        to_disk(folder.parent)


def to_disk(folder: Path) -> None:
    """Force the names in a folder to the disk, where the file system can do that."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)


def discard(place: Path) -> None:
    """Remove something half written, as far as that can be done while another error is on its way."""
    with contextlib.suppress(OSError):
        remove(place)


@contextlib.contextmanager
def named(path: Path) -> Iterator[None]:
    """Make every :class:`OSError` inside name ``path``: the system names a temporary file, or none."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error
