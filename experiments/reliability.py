"""What does a run survive: kills, signals, damaged files, full disks, hard numbers, more data than memory?

Command: ``python experiments/reliability.py``, or some of it with ``--sections kills signals``. Cost: about
half an hour on two quiet cores and 9 GB of disk, most of it for the last section. The result, with every
figure, is ``reliability.md``; the exit status is 1 if a promise was broken.

Every run is ``mlj train`` itself, in a process of its own, on a data set so small that it takes a few seconds
and saves after every stretch of steps. A run that was disturbed is called again with the same command until
it is done, and all that it leaves is compared with what the undisturbed one left, bit for bit.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from timing.page import machine, write_section

HERE = Path(__file__).with_suffix(".md")
TITLE = """# What a run survives

Each section was written in one run by `experiments/reliability.py`, which says what it did; the sections can
be measured one by one (`--sections kills`). A number that a promise was broken with is shown as it is.
"""


@dataclass(frozen=True, kw_only=True)
class Config:
    """What is done to runs."""

    sections: tuple[str, ...] = ("kills", "signals", "damage", "numerics", "determinism", "load")
    """Which of the sections are measured."""
    seed: int = 0
    """Draws the moments, the bits and the data."""
    rows: int = 400
    """Samples of the small run."""
    epochs: int = 80
    """Passes of the small run; each has two checkpoints or more."""
    kills: int = 30
    """Runs that are killed, every second one inside a save."""
    asked: int = 10
    """Runs that get a signal."""
    at_once: int = 2
    """Killed runs at a time."""
    flips: int = 200
    """Bits of the newest checkpoint that are flipped, one at a time."""
    settings_flips: int = 60
    """Bits of ``config.json`` that are flipped, one at a time."""
    payload: int = 1 << 18
    """Numbers of the payload that is compared with orbax."""
    payload_flips: int = 60
    """Bits of it that are flipped."""
    contenders: tuple[str, ...] = (
        "sigmoid_cross_entropy",
        "sigmoid_focal",
        "asymmetric_focal",
        "hill",
        "squared_hinge",
        "soft_dice",
        "zlpr",
        "lsep",
        "pairwise_logistic",
        "softmax_cross_entropy",
        "conditional_bernoulli",
        "softmax_count_mse:softplus",
        "classifier_chain",
        "label_powerset",
    )
    """Losses of every family, and joint models, that are trained on hard numbers."""
    hard_rows: int = 200
    """Samples of hard numbers."""
    hard_epochs: int = 3
    """Passes over them."""
    lanes: int = 8
    """Runs in one vmapped sweep."""
    predicted: tuple[int, ...] = (50_000, 1_000_000)
    """Rows that are predicted."""
    predicted_features: int = 1000
    """Their features."""
    predicted_labels: int = 1000
    """Labels of the model that predicts."""
    trained: tuple[tuple[int, int, int], ...] = (
        (100_000, 100, 50),
        (1_000_000, 100, 50),
        (1_000_000, 1000, 50),
    )
    """Rows, features and labels of the data sets that are trained from disk."""
    packed: tuple[tuple[int, int, int], ...] = ((100_000, 100, 50), (1_000_000, 100, 50))
    """Rows, features and labels of the tables that are packed."""
    work: Path | None = None
    """Where runs and data are made, in a folder that is removed; where the system keeps such if None."""
    out: Path | None = HERE
    """The page whose sections are written; nowhere if None."""


class Section(NamedTuple):
    """What one section found."""

    heading: str
    text: str
    broken: int
    """How often a promise was broken."""


def run(config: Config) -> dict[str, Any]:
    """Return for every section how often a promise was broken, after writing it down.

    Raises:
        ValueError: If there is no such section.
    """
    from mlj._checks import lookup

    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    for name in config.sections:
        lookup("section", name, SECTIONS)
    found = {}
    for name in config.sections:
        began = time.monotonic()
        with _folder(config) as work:
            section = SECTIONS[name](config, work)
        took = f"Measured in {time.monotonic() - began:.0f} s. {machine('flax', 'optax')}"
        text = f"{section.text}\n\n{took}"
        print(f"## {section.heading}\n\n{text}\n", flush=True)
        if config.out is not None:
            write_section(section.heading, text, config.out, TITLE)
        found[name] = section.broken
    return {"broken": found}


@contextmanager
def _folder(config: Config):
    with tempfile.TemporaryDirectory(prefix="mlj-reliability-", dir=config.work) as folder:
        yield Path(folder)


def _whole(config: Config, work: Path):
    from faults.case import make_case
    from faults.kills import undisturbed

    case = make_case(work, rows=config.rows, epochs=config.epochs, seed=config.seed)
    return case, undisturbed(case, work)


def _kills(config: Config, work: Path) -> Section:
    from faults.kills import kill_all
    from faults.telling import kills_text

    case, whole = _whole(config, work)
    found = kill_all(case, whole, work, kills=config.kills, seed=config.seed, at_once=config.at_once)
    return Section("1. Killed", kills_text(found, whole), sum(not one.same for one in found))


def _signals(config: Config, work: Path) -> Section:
    from faults.asking import ask_all
    from faults.telling import signals_text

    case, whole = _whole(config, work)
    found = ask_all(case, whole, work, trials=config.asked, seed=config.seed)
    broken = sum(not one.same or one.status != one.wanted for one in found)
    return Section("2. Asked to stop", signals_text(found), broken)


def _damage(config: Config, work: Path) -> Section:
    from faults import damage, room
    from faults.telling import Damages, damage_text

    case, whole = _whole(config, work)
    finished, seed = work / "finished", config.seed
    damage.train_here(case, finished)
    found = Damages(
        flips=damage.flip_bits(
            case, shutil.copytree(finished, work / "flipped"), flips=config.flips, seed=seed
        ),
        harmed=damage.harm_all(case, finished, work / "harmed"),
        settings=damage.flip_settings(
            case, finished, work / "changed", flips=config.settings_flips, seed=seed
        ),
        payload=damage.flip_payload(
            work / "payload", size=config.payload, flips=config.payload_flips, seed=seed
        ),
        hindered=room.hinder_all(case, whole, work),
    )
    return Section("3. Damaged", damage_text(found), found.broken)


def _numerics(config: Config, work: Path) -> Section:
    from faults.hardship import endure_all
    from faults.telling import numerics_text

    found = endure_all(config.contenders, work, rows=config.hard_rows, epochs=config.hard_epochs)
    broken = sum(one.outcome not in ("finite", "stopped") for one in found)
    return Section("4. Hard numbers", numerics_text(found), broken)


def _determinism(config: Config, work: Path) -> Section:
    from faults.case import make_case
    from faults.sameness import compare_all
    from faults.telling import sameness_text

    # Every stretch of it is a run of its own.
    case = make_case(work, rows=config.rows, epochs=min(config.epochs, 5), seed=config.seed)
    found = compare_all(case, work, lanes=config.lanes)
    return Section(
        "5. The same bits", sameness_text(found), sum(one.promised and not one.same for one in found)
    )


def _load(config: Config, work: Path) -> Section:
    from faults.load import pack_table, predict_many, train_from_disk
    from faults.telling import MOST, load_text

    found = predict_many(
        work / "predict", config.predicted, config.predicted_features, config.predicted_labels
    )
    found += [pack_table(work / "pack", *shape) for shape in config.packed]
    found += [train_from_disk(work / "train", *shape) for shape in config.trained]
    return Section(
        "6. More data than memory", load_text(found), sum(one.measured.peak > MOST for one in found)
    )


SECTIONS: dict[str, Callable[[Config, Path], Section]] = {
    "kills": _kills,
    "signals": _signals,
    "damage": _damage,
    "numerics": _numerics,
    "determinism": _determinism,
    "load": _load,
}


if __name__ == "__main__":
    import sys

    import tyro

    sys.exit(any(run(tyro.cli(Config))["broken"].values()))
