"""Kill a write at each of its calls of the system in turn, and see what a reader finds afterwards.

Run as ``python cut_everywhere.py step|same-step|folder|file swap|set-aside FOLDER``; prints how many cuts
there were and how many of them left the old state, and fails if anything else than the old or the new one was
found.
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
from pathlib import Path

import numpy as np
from stored_states import assert_is_state, state_of

from mlj.storage import Checkpoints, exchange, read_folder, write_file, write_folder

CALLS = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.listdir", "fcntl.flock", "os.truncate"}
OLD, NEW = {"a": b"old", "b": b"older"}, {"b": b"new", "c": b"newer"}


def _save(folder: Path, step: int) -> None:
    Checkpoints(folder, keep=1).save(step, *state_of(step))


def _found_step(folder: Path) -> bool:
    state = Checkpoints(folder, keep=1).restore()
    assert_is_state(state, state.step)
    assert state.rejected == []
    assert state.step in (1, 2)
    return state.step == 2


def _save_other(folder: Path) -> None:
    Checkpoints(folder).save(1, {"w": np.zeros(3)}, {"old": True})


def _found_same_step(folder: Path) -> bool:
    state = Checkpoints(folder).restore()
    assert state.rejected == []
    if state.facts == {"old": True}:
        return False
    assert_is_state(state, 1)
    return True


def _found_folder(folder: Path) -> bool:
    found = read_folder(folder / "model")
    assert found in (OLD, NEW)
    return found == NEW


def _found_file(folder: Path) -> bool:
    found = (folder / "file").read_bytes()
    assert found in (b"old", b"new" * 1000)
    return found != b"old"


WRITES = {
    "step": (lambda folder: _save(folder, 1), lambda folder: _save(folder, 2), _found_step),
    "same-step": (_save_other, lambda folder: _save(folder, 1), _found_same_step),
    "folder": (
        lambda folder: write_folder(folder / "model", OLD),
        lambda folder: write_folder(folder / "model", NEW),
        _found_folder,
    ),
    "file": (
        lambda folder: write_file(folder / "file", b"old"),
        lambda folder: write_file(folder / "file", b"new" * 1000),
        _found_file,
    ),
}


def _cut(write, folder: Path, at: int) -> bool:
    """Write in a process of its own that is killed before its call number ``at``; tell whether it was."""
    child = os.fork()
    if child == 0:
        calls = itertools.count()

        def hook(event: str, arguments: tuple) -> None:
            if event in CALLS and next(calls) == at:
                os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)
        write(folder)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in (0, -signal.SIGKILL), status
    return status != 0


def main(what: str, how: str, root: Path) -> None:
    # A kill loses nothing that the kernel has been given, so waiting for the disk would only take time.
    os.fsync = lambda descriptor: None
    if how == "set-aside":
        exchange.swap = lambda one, other: False
    prepare, write, found_new = WRITES[what]
    kept_old = 0
    for at in itertools.count():
        folder = root / str(at)
        folder.mkdir()
        prepare(folder)
        was_cut = _cut(write, folder, at)
        kept_old += not found_new(folder)
        # The next write works as if nothing had happened, and leaves nothing of the one that was cut.
        write(folder)
        assert found_new(folder)
        assert len(os.listdir(folder)) == 1, os.listdir(folder)
        if not was_cut:
            break
    print(at, kept_old)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
