"""One process at a time in a run's folder."""

from __future__ import annotations

import datetime
import os
from os import PathLike
from pathlib import Path

from mlj.storage.atomic import make_folder, named
from mlj.storage.plain_json import pack_json, unpack_json
from mlj.storage.unfinished import hold

LOCK = "run.lock"


class RunLocked(OSError):
    """Another process, or another place in this one, works in the folder.

    Args:
        folder: The folder.
        pid: The number of the process that holds it, if it could be read.
        since: When it took the folder, if that could be read.

    >>> raise RunLocked("runs/yeast", 4711, "2026-01-31T08:00:00+00:00")
    Traceback (most recent call last):
        ...
    mlj.storage.lock.RunLocked: 'runs/yeast' is in use by process 4711 since 2026-01-31T08:00:00+00:00; wait
    until it ends, or choose another folder
    """

    def __init__(self, folder: str | PathLike[str], pid: int | None = None, since: str | None = None):
        self.folder = os.fspath(folder)
        self.pid = pid
        self.since = since
        holder = "another process" if pid is None else f"process {pid} since {since}"
        super().__init__(
            f"{self.folder!r} is in use by {holder}; wait until it ends, or choose another folder"
        )

    def __reduce__(self):
        return RunLocked, (self.folder, self.pid, self.since)


class RunLock:
    """Hold a folder while a ``with`` block runs, so that no second process writes to it.

    The lock belongs to the kernel: it is gone the moment the process ends, however it ends, so none ever has
    to be removed by hand. The file ``run.lock`` in the folder stays; it only tells who holds it. A process
    that was forked inside the block shares the lock until it ends too.

    Args:
        folder: The folder; it is made if it is not there.

    >>> import tempfile
    >>> folder = tempfile.mkdtemp()
    >>> with RunLock(folder):
    ...     try:
    ...         RunLock(folder).__enter__()
    ...     except RunLocked as error:
    ...         print(error.pid == os.getpid())
    True
    """

    def __init__(self, folder: str | PathLike[str]):
        self.folder = Path(folder)
        self._descriptor: int | None = None

    def __enter__(self) -> RunLock:
        """Take the folder, or raise at once.

        Raises:
            RunLocked: If it is held, by another process or by this one.
            OSError: If the folder cannot be made or written, or its file system has no locks.
        """
        with named(self.folder / LOCK):
            make_folder(self.folder)
            descriptor = os.open(
                self.folder / LOCK,
                os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC,
                0o666,
            )
        try:
            self._take(descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor
        return self

    def __exit__(self, *error: object) -> None:
        """Give the folder back."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _take(self, descriptor: int) -> None:
        state = hold(descriptor)
        if state == "busy":
            raise RunLocked(self.folder, *_holder(descriptor))
        if state == "unknown":
            raise OSError(
                f"{str(self.folder)!r} is on a file system without locks; choose a folder on another one"
            )
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        with named(self.folder / LOCK):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, pack_json({"pid": os.getpid(), "since": now}), 0)


def _holder(descriptor: int) -> tuple[int | None, str | None]:
    try:
        match unpack_json(os.pread(descriptor, 1024, 0)):
            case {"pid": int() as pid, "since": str() as since}:
                return pid, since
    except (OSError, ValueError):
        pass
    return None, None
