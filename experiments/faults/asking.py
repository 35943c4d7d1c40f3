"""Runs that are asked to stop by SIGTERM or SIGINT, and what they do then."""

from __future__ import annotations

import random
import signal
import time
from pathlib import Path
from typing import NamedTuple

from faults.case import Case, digest
from faults.child import Child, Setting, run_to_end
from faults.kills import TRIES, Undisturbed, wait_for_moment

ASKING = (signal.SIGTERM, signal.SIGINT)


class Asked(NamedTuple):
    """One trial."""

    signal: str
    where: str
    seconds: float
    """From the signal to the end of the process."""
    status: int
    wanted: int
    """The exit status that the signal should lead to."""
    step: int | None
    """The step of the newest whole checkpoint; None if there was none."""
    same: bool
    """Whether the run that went on left the same bits."""


def ask_all(case: Case, whole: Undisturbed, work: Path, *, trials: int, seed: int) -> list[Asked]:
    """Ask runs to stop, one after the other: of five, one compiles, two save and two are anywhere."""
    work.mkdir(parents=True, exist_ok=True)
    found = []
    for number in range(trials):
        chance = random.Random(f"{seed} asked {number}")
        how = (_compiling, _saving, _training, _saving, _training)[number % 5]
        for attempt in range(TRIES):
            out = work / f"asked-{number}-{attempt}"
            child, where = how(case, whole, out, chance)
            asked = None if where is None else ask(child, ASKING[number % 2])
            if asked is not None and asked[1] != 0:
                break
            child.end()
        else:
            raise RuntimeError(f"no signal of {TRIES} came before the end of training")
        found.append(go_on(case, whole, out, where, ASKING[number % 2], *asked))
    return found


def _compiling(case: Case, whole: Undisturbed, out: Path, chance: random.Random):
    # Without the compiled programs, so that it does compile: from here to the first save is nothing else.
    child = Child(case.command(out), out.with_suffix(".txt"))
    ready = child.wait_until("noting")
    time.sleep(chance.uniform(0.2, 1.5))
    return child, "while it compiles" if ready else None


def _saving(case: Case, whole: Undisturbed, out: Path, chance: random.Random):
    point = whole.draw_point(chance, model=0.0)
    child = Child(case.command(out), out.with_suffix(".txt"), Setting(hold=point, cache=whole.cache))
    held = child.wait_until("held")
    return child, f"inside save {point.number}, {child.messages[-1][1][-1]}" if held else None


def _training(case: Case, whole: Undisturbed, out: Path, chance: random.Random):
    saves = [when for when, message in whole.messages if message[:2] == ("saved", "checkpoint")]
    child = Child(case.command(out), out.with_suffix(".txt"), Setting(cache=whole.cache))
    wait_for_moment(child, whole, chance.uniform(saves[0], saves[-1]))
    return child, child.where()


def ask(child: Child, number: signal.Signals) -> tuple[float, int] | None:
    """Send a signal; return how long the process took to end, and its exit status; None if it has ended."""
    began = time.monotonic()
    if not child.signal(number):
        return None
    status = child.end()
    return time.monotonic() - began, status


def go_on(
    case: Case,
    whole: Undisturbed,
    out: Path,
    where: str,
    number: signal.Signals,
    seconds: float,
    status: int,
) -> Asked:
    """Go on with the run that was asked to stop at ``where``, until it is done."""
    from mlj.storage import Checkpoints

    state = Checkpoints(out / "checkpoints").restore()
    run_to_end(case.command(out), out.with_suffix(".txt"), Setting(cache=whole.cache))
    step = None if state is None else state.step
    return Asked(number.name, where, seconds, status, 128 + number, step, digest(out) == whole.digest)
