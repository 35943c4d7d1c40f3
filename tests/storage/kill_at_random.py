"""Kill a process that saves without end, at random moments, and see what a reader finds each time.

Run as ``python kill_at_random.py KILLS SEED FOLDER``; prints how many of the kills fell inside a save, and
fails if anything else than a wholly saved state was found, or an older one than the last that was said to be
safe.
"""

from __future__ import annotations

import itertools
import os
import random
import signal
import sys
import time

import numpy as np
from stored_states import assert_same_arrays, state_of

from mlj.storage import Checkpoint, Checkpoints

SIZE = 50_000


def _save_for_ever(folder: str, first: int, pipe: int) -> None:
    checkpoints = Checkpoints(folder, keep=2)
    for step in itertools.count(first):
        arrays, facts = state_of(step)
        checkpoints.save(step, {**arrays, "large": np.full(SIZE, step)}, facts)
        os.write(pipe, f"{step}\n".encode())


def _run_and_kill(folder: str, first: int, delay: float) -> int:
    """Save from step ``first`` on, be killed ``delay`` s after that is safe; return the last step said."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        _save_for_ever(folder, first, writing)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        said = [pipe.readline()]
        time.sleep(delay)
        os.kill(child, signal.SIGKILL)
        said += pipe.readlines()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    return int(said[-1])


def _check(state: Checkpoint, said: int) -> None:
    # The next one may be there too, if the kill fell between its save and its word.
    assert said <= state.step <= said + 1
    assert state.rejected == []
    arrays, facts = state_of(state.step)
    assert state.arrays.pop("large").tolist() == [state.step] * SIZE
    assert_same_arrays(state.arrays, arrays)
    assert state.facts == facts


def main(kills: int, seed: int, folder: str) -> None:
    chance = random.Random(seed)
    first = inside = 0
    for _ in range(kills):
        said = _run_and_kill(folder, first, chance.uniform(0, 0.1))
        inside += any(name.startswith(".") for name in os.listdir(folder))
        state = Checkpoints(folder, keep=2).restore()
        _check(state, said)
        # A kill between a save and its tidying up leaves one more than the two that are kept.
        assert len(os.listdir(folder)) <= 3
        first = state.step + 1
    print(inside)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
