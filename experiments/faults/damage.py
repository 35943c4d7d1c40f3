"""Damage to the files of a run, and who notices."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from faults.case import Case, digest


def _garble(path: Path) -> None:
    path.write_bytes(random.Random(path.name).randbytes(path.stat().st_size))


HARMS: dict[str, Callable[[Path], Any]] = {
    "truncated to half": lambda path: os.truncate(path, path.stat().st_size // 2),
    "truncated by a byte": lambda path: os.truncate(path, path.stat().st_size - 1),
    "emptied": lambda path: os.truncate(path, 0),
    "deleted": lambda path: path.unlink(),
    "garbled": _garble,
}


class Harmed(NamedTuple):
    """One trial with a whole run."""

    file: str
    harm: str
    outcome: str
    """``same bits``, ``refused``, or what went wrong."""
    said: str
    """What the user was told."""


def flip(path: Path, bit: int) -> None:
    """Turn over one bit of a file."""
    with path.open("r+b", buffering=0) as stream:
        stream.seek(bit // 8)
        (byte,) = stream.read(1)
        stream.seek(bit // 8)
        stream.write(bytes([byte ^ 1 << bit % 8]))


def flip_bits(case: Case, run: Path, *, flips: int, seed: int) -> dict[str, dict[str, int]]:
    """Flip one bit of the newest checkpoint at a time, and restore as a run does that goes on.

    Args:
        case: What was trained.
        run: Where it is; its log is cut to the checkpoint that comes back.
        flips: How many bits, dealt round to the files.
        seed: Draws them.

    Returns:
        For each file how many flips there were, how many led to the checkpoint before it with a reason that
        names the file, and how many to anything else.
    """
    from mlj.data import load
    from mlj.runs import TrainConfig
    from mlj.runs.snapshot import arrays_of, facts_of
    from mlj.runs.train import _Keeper, _Setting
    from mlj.storage import Checkpoints

    data, config = load(case.data), TrainConfig(**case.settings)
    loop = _Setting(data, config).loop

    def restored() -> tuple[str, list[str]]:
        said: list[str] = []
        position = _Keeper(run, loop, config, data.sha256, said.append).position()
        found = hashlib.sha256(json.dumps(facts_of(position), sort_keys=True).encode())
        for name, array in sorted(arrays_of(position, loop.key).items()):
            found.update(name.encode() + array.tobytes())
        return found.hexdigest(), [line for line in said if line.startswith("refused")]

    newest = run / "checkpoints" / f"step-{Checkpoints(run / 'checkpoints').steps()[-1]:012d}"
    aside = newest.with_name("aside")
    newest.rename(aside)
    before = restored()[0]
    aside.rename(newest)
    if restored()[0] == before:
        raise RuntimeError("the last two checkpoints are alike, so no flip could be seen")
    chance, files = random.Random(seed), sorted(newest.iterdir())
    found = {path.name: {"flips": 0, "noticed": 0, "wrong": 0} for path in files}
    for number in range(flips):
        path = files[number % len(files)]
        bit = chance.randrange(8 * path.stat().st_size)
        flip(path, bit)
        try:
            state, said = restored()
        except ValueError as error:
            state, said = "nothing came back", [str(error)]
        right = state == before and len(said) == 1 and str(path) in said[0]
        flip(path, bit)
        found[path.name]["flips"] += 1
        found[path.name]["noticed" if right else "wrong"] += 1
    return found


def harm_all(
    case: Case, run: Path, work: Path, wanted_files: Callable[[Path], bool] = lambda path: True
) -> list[Harmed]:
    """Harm every file of a finished run in every way, and go on with it each time.

    Older checkpoints are left as they are, and so are empty files and those that are not wanted.
    """
    files = [path for path in sorted(run.rglob("*")) if path.is_file() and path.stat().st_size]
    files = [path for path in files if wanted_files(path)]
    newest = sorted((run / "checkpoints").iterdir())[-1]
    found, wanted = [], (digest(run), digest(run, log=False))
    for path in files:
        if path.parent.parent.name == "checkpoints" and path.parent != newest:
            continue
        for harm, do in HARMS.items():
            shutil.rmtree(work, ignore_errors=True)
            shutil.copytree(run, work)
            do(work / path.relative_to(run))
            outcome, said = go_on(case, work, *wanted)
            found.append(Harmed(str(path.relative_to(run)), harm, outcome, said))
    return found


def train_here(case: Case, out: Path, say: Callable[[str], None] = lambda said: None) -> None:
    """Train in this process, and write what ``mlj train`` writes, but for the evaluation."""
    from mlj.data import load
    from mlj.runs import TrainConfig, train

    train(load(case.data), TrainConfig(**case.settings), out, say=say)


def go_on(case: Case, out: Path, wanted: str, bare: str) -> tuple[str, str]:
    """Go on with a run, and return what came of it and what the user was told.

    Args:
        case: The run.
        out: Where it is.
        wanted: The digest that it should come to.
        bare: The same without the log.
    """
    said: list[str] = []
    try:
        train_here(case, out, said.append)
    except (OSError, ValueError) as error:
        return "refused", str(error)
    if digest(out) == wanted:
        outcome = "same bits"
    else:
        outcome = "same bits, another log" if digest(out, log=False) == bare else "other bits"
    return outcome, "; ".join(line for line in said if not line.startswith("goes on"))


def flip_settings(case: Case, run: Path, work: Path, *, flips: int, seed: int) -> dict[str, int]:
    """Flip one bit of ``config.json`` at a time, and go on with the run by the settings found there."""
    from mlj.data import load
    from mlj.runs import TrainConfig, read_config, train

    dataset, wanted = load(case.data), digest(run)
    chance, counted = random.Random(seed), {"refused": 0, "same bits": 0, "other bits": 0}
    for _ in range(flips):
        shutil.rmtree(work, ignore_errors=True)
        shutil.copytree(run, work)
        path = work / "config.json"
        flip(path, chance.randrange(8 * path.stat().st_size))
        try:
            config: TrainConfig = read_config(path)[0]
            train(dataset, config, work)
        except (OSError, ValueError):
            counted["refused"] += 1
        else:
            counted["same bits" if digest(work) == wanted else "other bits"] += 1
    return counted


def flip_payload(work: Path, *, size: int, flips: int, seed: int) -> dict[str, dict[str, int]]:
    """Save random numbers with this library and with orbax, if it is installed, and flip bits of the payload.

    Args:
        work: A folder for both.
        size: Numbers, of four bytes.
        flips: Bits, one at a time, of the largest file.
        seed: Draws the numbers and the bits.
    """
    from mlj.storage import Checkpoints, Damaged

    numbers = np.random.default_rng(seed).normal(size=size).astype(np.float32)
    ours = Checkpoints(work / "ours")
    ours.save(1, {"numbers": numbers}, {})
    counts = {
        "mlj": _flipped(
            work / "ours", lambda: ours.restore().arrays["numbers"], numbers, flips, seed, (Damaged,)
        )
    }
    if find_spec("orbax") is None or find_spec("orbax.checkpoint") is None:
        return counts
    import logging

    import orbax.checkpoint as orbax

    logging.getLogger("absl").setLevel(logging.ERROR)
    keeper, place = orbax.PyTreeCheckpointer(), (work / "orbax").absolute()
    keeper.save(place, {"numbers": numbers})
    counts["orbax"] = _flipped(
        place, lambda: np.asarray(keeper.restore(place)["numbers"]), numbers, flips, seed, (Exception,)
    )
    return counts


def _flipped(
    folder: Path,
    restore: Callable[[], np.ndarray],
    wanted: np.ndarray,
    flips: int,
    seed: int,
    noticing: tuple[type[Exception], ...],
) -> dict[str, int]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    largest = max(files, key=lambda path: path.stat().st_size)
    chance, counted = random.Random(seed), {"refused": 0, "same bits": 0, "silently wrong": 0}
    for _ in range(flips):
        bit = chance.randrange(8 * largest.stat().st_size)
        flip(largest, bit)
        try:
            found = restore()
        except noticing:
            counted["refused"] += 1
        else:
            counted["same bits" if found.tobytes() == wanted.tobytes() else "silently wrong"] += 1
        flip(largest, bit)
    return counted
