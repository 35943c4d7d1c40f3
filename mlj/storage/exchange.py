"""Putting a folder in the place of another one."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

from mlj.storage.atomic import discard, to_disk
from mlj.storage.unfinished import READ, beside, hold

HERE = -100
SWAP = 2


def put_in_place(new: Path, target: Path) -> None:
    """Rename ``new`` to ``target``, in one step even where something stands there, and make it last.

    Where the system cannot swap two names, the old one is first set aside under a name from which
    :func:`mlj.storage.unfinished.settle` brings it back if the process is killed before the new one arrives.
    """
    if not os.path.lexists(target):
        new.rename(target)
        to_disk(target.parent)
    elif swap(new, target):
        to_disk(target.parent)
        discard(new)
    else:
        _set_aside_and_rename(new, target)


def swap(one: Path, other: Path) -> bool:
    """Exchange two names of one file system in one step; False where that cannot be done."""
    if sys.platform != "linux":
        return False
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    return rename is not None and rename(HERE, os.fsencode(one), HERE, os.fsencode(other), SWAP) == 0


def _set_aside_and_rename(new: Path, target: Path) -> None:
    aside = beside(target, "old")
    descriptor = None if target.is_symlink() else os.open(target, READ)
    try:
        if descriptor is not None:
            hold(descriptor)
        target.rename(aside)
        try:
            new.rename(target)
        except OSError:
            aside.rename(target)
            raise
        to_disk(target.parent)
        discard(aside)
    finally:
        if descriptor is not None:
            os.close(descriptor)
