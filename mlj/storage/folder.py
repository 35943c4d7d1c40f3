"""A folder of files, put in place as a whole and checked to the last bit when it is read."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator, Mapping
from os import PathLike
from pathlib import Path

from mlj.storage.atomic import discard, named, to_disk, write_new
from mlj.storage.errors import Damaged
from mlj.storage.exchange import put_in_place
from mlj.storage.manifest import (
    LONGEST,
    MANIFEST,
    Entry,
    check_names,
    entry_of,
    read_manifest,
    write_manifest,
)
from mlj.storage.unfinished import READ, begin, settle


def write_folder(folder: str | PathLike[str], files: Mapping[str, bytes]) -> None:
    """Write a folder so that after a crash at any moment it is as before or complete.

    Beside the files it gets a ``manifest.json`` with the size and sha256 of each, and of the list itself. An
    older folder of this kind at the same path is replaced in one step, with everything in it. A folder that
    holds anything and has no manifest was not made here and is left alone.

    Args:
        folder: The folder; the one that holds it must exist.
        files: The content of each file by name. Names are flat: no separators.

    Raises:
        TypeError: If a content is not bytes.
        ValueError: If a name would leave the folder, differs from another one only in upper and lower case,
            or is ``manifest.json``.
        FileExistsError: If something else stands at ``folder``.
        OSError: If it cannot be written (no room, no permission). It names ``folder``; nothing half written
            stays behind, and an older folder is intact.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp()) / "model"
    >>> write_folder(folder, {"names.txt": b"cat dog"})
    >>> sorted(path.name for path in folder.iterdir())
    ['manifest.json', 'names.txt']
    >>> read_folder(folder)
    {'names.txt': b'cat dog'}
    """
    folder = Path(folder)
    settle(folder.parent, lambda target: target == folder.name)
    if os.path.lexists(folder) and not _may_be_replaced(folder):
        raise FileExistsError(
            errno.EEXIST, f"is there already and has no {MANIFEST}, so it is not replaced", str(folder)
        )
    put_folder(folder, files)


def put_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Do what :func:`write_folder` does, whatever stands at ``folder``."""
    check_names(list(files))
    for name, content in files.items():
        if not isinstance(content, bytes):
            raise TypeError(f"the content of {name!r} is {type(content).__name__}; wanted bytes")
    manifest = write_manifest({name: entry_of(content) for name, content in files.items()})
    with named(folder), _staged(folder) as place:
        for name, content in files.items():
            write_new(place / name, content)
        write_new(place / MANIFEST, manifest)


@contextlib.contextmanager
def new_folder(folder: str | PathLike[str], *, replace: bool = False) -> Iterator[Path]:
    """Give the path of a temporary folder, which takes the place of ``folder`` when the block ends.

    It is for files that are too large to be held in memory: what holds after a crash is said at
    :func:`write_folder`, but there is no manifest. If the block raises, the temporary folder is removed and
    what stood at ``folder`` stays.

    Args:
        folder: The folder; the one that holds it must exist.
        replace: Whether a folder that holds something is replaced, with everything in it.

    Raises:
        FileExistsError: If something stands at ``folder`` that is not to be replaced.
        OSError: If it cannot be written. It names ``folder``.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp()) / "numbers"
    >>> with new_folder(folder) as beside:
    ...     _ = (beside / "one.txt").write_text("1")
    >>> (folder / "one.txt").read_text()
    '1'
    """
    folder = Path(folder)
    settle(folder.parent, lambda target: target == folder.name)
    if os.path.lexists(folder) and not folder.is_dir():
        raise FileExistsError(errno.EEXIST, "is a file, not a folder to write", str(folder))
    if not replace and folder.is_dir() and any(folder.iterdir()):
        raise FileExistsError(errno.EEXIST, "the folder is there already and is not empty", str(folder))
    with _staged(folder) as place:
        yield place
        with named(folder):
            for file in place.iterdir():
                _flush(file)


@contextlib.contextmanager
def _staged(folder: Path) -> Iterator[Path]:
    """Give a folder whose files the block brings to the disk, and put it in place after that."""
    with named(folder):
        place, descriptor = begin(folder, folder=True)
    try:
        yield place
        with named(folder):
            to_disk(place)
            put_in_place(place, folder)
    except BaseException:
        discard(place)
        raise
    finally:
        os.close(descriptor)


def _flush(file: Path) -> None:
    with open(file, "rb") as opened:
        os.fsync(opened.fileno())


def read_folder(folder: str | PathLike[str]) -> dict[str, bytes]:
    """Read a folder that :func:`write_folder` made, and return nothing of it unless all of it is right.

    Only the files that the manifest names are opened. Whatever else lies in the folder is never read, so a
    file that someone dropped there does no harm.

    Args:
        folder: The folder. The path may lead through links; the files themselves may not be links.

    Returns:
        The content of each file by name, in sorted order, without the manifest.

    Raises:
        Damaged: If the folder, its manifest or a file is missing or cannot be read, has another size or
            sha256, is a link, or has a name that would leave the folder. It names the file.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp()) / "model"
    >>> write_folder(folder, {"names.txt": b"cat dog"})
    >>> _ = (folder / "names.txt").write_bytes(b"dog cat")
    >>> try:
    ...     read_folder(folder)
    ... except Damaged as error:
    ...     print(error.reason)
    does not have the sha256 that its manifest names
    """
    folder = Path(folder)
    if not os.path.lexists(folder):
        settle(folder.parent, lambda target: target == folder.name)
    if not folder.is_dir():
        raise Damaged(folder, "is not a folder" if os.path.lexists(folder) else "is missing")
    try:
        entries = read_manifest(_read(folder / MANIFEST, None))
    except Damaged:
        raise
    except ValueError as error:
        raise Damaged(folder / MANIFEST, str(error)) from error
    return {name: _read(folder / name, entry) for name, entry in entries.items()}


def _read(path: Path, entry: Entry | None) -> bytes:
    descriptor, size = _open_file(path)
    with os.fdopen(descriptor, "rb") as file:
        if entry is None and size > LONGEST:
            raise Damaged(path, f"has {size} bytes; wanted at most {LONGEST}")
        if entry is not None and size != entry.size:
            raise Damaged(path, f"has {size} bytes; its manifest names {entry.size}")
        try:
            content = file.read(size)
        except OSError as error:
            raise Damaged(path, f"cannot be read ({error.strerror})") from error
    if entry is not None and entry_of(content) != entry:
        raise Damaged(path, "does not have the sha256 that its manifest names")
    return content


def _open_file(path: Path) -> tuple[int, int]:
    """Return a descriptor and the size of a file that is a file: no link, no folder, no pipe to wait on."""
    try:
        descriptor = os.open(path, READ)
    except FileNotFoundError as error:
        raise Damaged(path, "is missing") from error
    except OSError as error:
        reason = "is a link" if error.errno == errno.ELOOP else f"cannot be opened ({error.strerror})"
        raise Damaged(path, reason) from error
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        os.close(descriptor)
        raise Damaged(path, "is not a file")
    return descriptor, found.st_size


def _may_be_replaced(folder: Path) -> bool:
    if folder.is_symlink() or not folder.is_dir():
        return False
    return os.path.lexists(folder / MANIFEST) or not any(folder.iterdir())
