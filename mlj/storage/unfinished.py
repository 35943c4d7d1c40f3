"""What is being written and is not in place yet, and what a killed process left of it.

Everything new is first written beside its place, under a name that begins with a dot and ends with the
process and a random word. The writer keeps a lock of the kernel on it, so that a later process can tell a
write that goes on from one that was cut: process numbers alone cannot, as they are used again, and each
container counts its own.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path

NAME = re.compile(r"\.(?P<target>.+)\.(?P<pid>[1-9][0-9]{0,9})\.[0-9a-f]{16}\.(?P<kind>new|old)", re.DOTALL)
ATTEMPTS = 100
READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def beside(target: Path, kind: str) -> Path:
    """Return a fresh temporary path beside ``target`` of the kind ``"new"`` or ``"old"``."""
    return target.with_name(f".{target.name}.{os.getpid()}.{secrets.token_hex(8)}.{kind}")


def begin(target: Path, *, folder: bool) -> tuple[Path, int]:
    """Make a new file or folder beside ``target`` and hold it; return its path and its open descriptor."""
    for _ in range(ATTEMPTS):
        place = beside(target, "new")
        descriptor = _new_folder(place) if folder else os.open(place, CREATE, 0o666)
        if descriptor is None:
            continue
        # Another process may have taken it for a left-over between its making and its locking.
        if hold(descriptor) != "busy" and _is_at(place, descriptor):
            return place, descriptor
        os.close(descriptor)
    raise OSError(errno.EAGAIN, "another process keeps removing the temporary file", str(target))


def hold(descriptor: int) -> str:
    """Lock an open file or folder without waiting.

    Returns:
        ``"held"``, ``"busy"`` if another one holds it, or ``"unknown"`` where the file system has no locks.
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return "busy"
    except OSError:
        return "unknown"
    return "held"


def settle(folder: Path, is_ours: Callable[[str], bool]) -> None:
    """Finish or remove what killed processes left in ``folder`` of targets whose name ``is_ours``.

    A replaced version that was set aside goes back if its place is empty, as its replacement never arrived.
    What cannot be removed stays: it is in nobody's way but takes room.
    """
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return
    for name in names:
        match = NAME.fullmatch(name)
        if match is None or not is_ours(match["target"]):
            continue
        try:
            descriptor = os.open(folder / name, READ)
        except OSError:
            continue
        try:
            state = hold(descriptor)
            if state == "held" or (state == "unknown" and not _is_running(int(match["pid"]))):
                _settle_one(folder / name, folder / match["target"], match["kind"])
        except OSError:
            continue
        finally:
            os.close(descriptor)


def remove(path: Path) -> None:
    """Remove a file, a link (not what it leads to) or a folder with all it holds."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _new_folder(place: Path) -> int | None:
    place.mkdir()
    try:
        return os.open(place, READ)
    except FileNotFoundError:
        return None
    except BaseException:
        place.rmdir()
        raise


def _settle_one(path: Path, target: Path, kind: str) -> None:
    if kind == "old" and not os.path.lexists(target):
        path.rename(target)
    else:
        remove(path)


def _is_at(place: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.stat(place, follow_symlinks=False), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True
