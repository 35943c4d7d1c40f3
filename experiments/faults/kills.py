"""Runs that are killed at random moments, gone on with, and compared with the one that was not."""

from __future__ import annotations

import bisect
import random
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from faults.case import Case, digest
from faults.child import Child, Setting, run_to_end
from faults.watch import Point

TRIES = 20


@dataclass
class Undisturbed:
    """The run that all others are compared with."""

    digest: str
    cache: Path
    """Holds the compiled programs."""
    messages: list[tuple[float, tuple]] = field(repr=False)

    @property
    def points(self) -> list[Point]:
        """Every call of the system in every save."""
        saves = [message[1:] for _, message in self.messages if message[0] == "saved"]
        return [Point(kind, number, call) for kind, number, calls in saves for call in range(calls)]

    @property
    def seconds(self) -> float:
        """When its model was in place; what follows is the report."""
        return self.messages[-1][0]

    def draw_point(self, chance: random.Random, model: float = 0.2) -> Point:
        """Return a random call of a random save, with this chance in that of the model."""
        kind = "model" if chance.random() < model else "checkpoint"
        return chance.choice([point for point in self.points if point.kind == kind])


class Killed(NamedTuple):
    """One trial."""

    where: str
    step: int | None
    """The step of the newest whole checkpoint after the kill; None if there was none."""
    same: bool
    """Whether the run that went on left the same bits."""


def undisturbed(case: Case, work: Path) -> Undisturbed:
    """Run twice, compiling and with the compiled programs, and see that both leave the same bits."""
    cache = work / "compiled"
    run_to_end(case.command(work / "first"), work / "first.txt", Setting(cache=cache, fill=True))
    child = run_to_end(case.command(work / "whole"), work / "whole.txt", Setting(cache=cache))
    if digest(work / "first") != digest(work / "whole"):
        raise RuntimeError("two undisturbed runs differ, so nothing can be compared with them")
    return Undisturbed(digest(work / "whole"), cache, child.messages)


def kill_all(
    case: Case, whole: Undisturbed, work: Path, *, kills: int, seed: int, at_once: int
) -> list[Killed]:
    """Kill half of the runs inside a save and half at any moment; each goes on until it is done."""

    work.mkdir(parents=True, exist_ok=True)

    def one(number: int) -> Killed:
        chance = random.Random(f"{seed} {number}")
        for attempt in range(TRIES):
            out = work / f"killed-{number}-{attempt}"
            if number % 2:
                where = kill_in_save(case, whole, out, chance)
            else:
                where = kill_at_moment(case, whole, out, chance)
            if where is not None:
                return go_on(case, whole, out, where)
        raise RuntimeError(f"no kill of {TRIES} came before the end of its run")

    with ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(one, range(kills)))


def kill_in_save(case: Case, whole: Undisturbed, out: Path, chance: random.Random) -> str | None:
    """Kill a run at a random call of the system in a random save; None if it never came there."""
    point = whole.draw_point(chance)
    child = Child(case.command(out), out.with_suffix(".txt"), Setting(hold=point, cache=whole.cache))
    if not child.wait_until("held"):
        child.end()
        return None
    event = child.messages[-1][1][-1]
    child.signal(signal.SIGKILL)
    return f"{point.kind} save {point.number}, {event}" if child.end() == -signal.SIGKILL else None


def kill_at_moment(case: Case, whole: Undisturbed, out: Path, chance: random.Random) -> str | None:
    """Kill a run at a moment that is drawn from the time that the undisturbed one took."""
    child = Child(case.command(out), out.with_suffix(".txt"), Setting(cache=whole.cache))
    wait_for_moment(child, whole, chance.uniform(0, whole.seconds))
    where = child.where()
    child.signal(signal.SIGKILL)
    return where if child.end() == -signal.SIGKILL else None


def wait_for_moment(child: Child, whole: Undisturbed, moment: float) -> None:
    """Wait as long after the same message as the moment was in the undisturbed run."""
    times = [when for when, _ in whole.messages]
    index = bisect.bisect_right(times, moment)
    for _ in range(index):
        child.next_message()
    time.sleep(moment - times[index - 1] if index else moment)


def go_on(case: Case, whole: Undisturbed, out: Path, where: str) -> Killed:
    """Go on with the run that was killed at ``where``, until it is done."""
    from mlj.storage import Checkpoints

    state = Checkpoints(out / "checkpoints").restore()
    run_to_end(case.command(out), out.with_suffix(".txt"), Setting(cache=whole.cache))
    return Killed(where, None if state is None else state.step, digest(out) == whole.digest)
