"""Disks without room, folders that cannot be written to, and two processes in one folder."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from faults.case import Case, digest
from faults.child import Child, Setting, run_to_end
from faults.kills import Undisturbed
from faults.watch import Point


class Hindered(NamedTuple):
    """One trial."""

    what: str
    status: int
    said: str
    """The last line that the process printed."""
    saved: int
    """Checkpoints that were whole afterwards."""
    damaged: int
    """Checkpoints that were not."""
    same: bool
    """Whether the run that went on, without the hindrance, left the same bits."""


def hinder_all(case: Case, whole: Undisturbed, work: Path) -> list[Hindered]:
    """Hinder one run after the other."""
    work.mkdir(parents=True, exist_ok=True)
    return [
        *_full_disk(case, whole, work),
        _largest_file(case, whole, work / "limited"),
        *_read_only(case, whole, work),
        _second(case, whole, work / "twice"),
    ]


def _judged(what: str, status: int, child: Child, case: Case, whole: Undisturbed, out: Path) -> Hindered:
    from mlj.storage import Checkpoints

    steps = len(Checkpoints(out / "checkpoints").steps())
    state = Checkpoints(out / "checkpoints").restore()
    damaged = 0 if state is None else len(state.rejected)
    said = child.output().strip().splitlines()[-1].replace(str(out), "RUN")
    return Hindered(what, status, said, steps - damaged, damaged, _goes_on(case, whole, out))


def _goes_on(case: Case, whole: Undisturbed, out: Path) -> bool:
    run_to_end(case.command(out), _said(out), Setting(cache=whole.cache))
    return digest(out) == whole.digest


def _said(out: Path) -> Path:
    return out.parent / f"{out.name}.txt"


def _full_disk(case: Case, whole: Undisturbed, work: Path) -> list[Hindered]:
    """Train on a file system of a few pages; where none may be mounted there is no such trial."""
    one = sum(path.stat().st_size + 4096 for path in (whole.cache.parent / "whole/checkpoints").glob("*0/*"))
    with _small_disk(work / "disk", one) as disk:
        if disk is None:
            return []
        out, said = disk / "run", work / "full.txt"
        child = Child(case.command(out), said, Setting(cache=whole.cache))
        status = child.end()
        subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
        return [_judged("a full disk", status, child, case, whole, out)]


@contextlib.contextmanager
def _small_disk(place: Path, size: int) -> Iterator[Path | None]:
    place.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)]
    try:
        made = os.geteuid() == 0 and subprocess.run(mount, capture_output=True).returncode == 0
    except FileNotFoundError:
        made = False
    try:
        yield place if made else None
    finally:
        if made:
            subprocess.run(["umount", str(place)], check=True)


def _largest_file(case: Case, whole: Undisturbed, out: Path) -> Hindered:
    """Stop the growth of files in the middle of the arrays: the log is shorter than they are."""
    newest = sorted((whole.cache.parent / "whole/checkpoints").iterdir())[-1]
    limit = (newest / "arrays.safetensors").stat().st_size // 2
    child = Child(case.command(out), _said(out), Setting(cache=whole.cache, largest_file=limit))
    return _judged("files that cannot grow", child.end(), child, case, whole, out)


def _read_only(case: Case, whole: Undisturbed, work: Path) -> list[Hindered]:
    """Stop a run after a few checkpoints, take the right to write away, and go on.

    Permissions do not bind the superuser, who mounts a disk and makes that one read-only.
    """
    with _small_disk(work / "kept", 1 << 26) as disk:
        if disk is None and os.geteuid() == 0:
            return []
        out = (disk or work) / "read-only"
        _stopped(case, whole, out)
        _writable(disk, out, False)
        try:
            child = Child(case.command(out), work / "read-only.txt", Setting(cache=whole.cache))
            status = child.end()
        finally:
            _writable(disk, out, True)
        return [_judged("a folder that cannot be written to", status, child, case, whole, out)]


def _writable(disk: Path | None, out: Path, yes: bool) -> None:
    if disk is not None:
        subprocess.run(["mount", "-o", f"remount,{'rw' if yes else 'ro'}", str(disk)], check=True)
        return
    for folder in (out / "checkpoints", out):
        folder.chmod(0o755 if yes else 0o555)


def _stopped(case: Case, whole: Undisturbed, out: Path) -> None:
    setting = Setting(cache=whole.cache, hold=Point("checkpoint", 4, 1))
    child = Child(case.command(out), _said(out), setting)
    if child.wait_until("held"):
        child.signal(signal.SIGTERM)
    child.end()


def _second(case: Case, whole: Undisturbed, out: Path) -> Hindered:
    """Start a second process in the folder of one that is saving; the first one then goes on."""
    setting = Setting(cache=whole.cache, hold=Point("checkpoint", 4, 1))
    first = Child(case.command(out), _said(out), setting)
    first.wait_until("held")
    second = Child(case.command(out), out.parent / "second.txt", Setting(cache=whole.cache))
    status = second.end()
    first.signal(signal.SIGTERM)
    first.end()
    return _judged("a second process", status, second, case, whole, out)
