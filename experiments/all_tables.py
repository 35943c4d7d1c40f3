"""Measure the tables of all experiments again, and tell how long each took.

Command: ``make experiments``, or ``python experiments/all_tables.py --data-dir $DATA``. Each experiment is a
process of its own, and goes on where it was interrupted. The result is ``all_tables.md``, beside the page of
each experiment.

Experiments that train one model after the other share the cores out among them; then comes the one that has
so many models that it spreads them over all cores itself.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple

from timing.page import machine
from units import KEPT

from mlj._checks import lookup

FOLDER = Path(__file__).parent
EXPERIMENTS = {
    **dict.fromkeys(("text", "antenna_selection", "hierarchy", "count_heads", "multi_output"), "share"),
    "joint_models": "all",
}
"""Which cores each takes: a share of them, beside others, or all, after those. The longest come first."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """What is measured."""

    data_dir: Path | None = None
    """Folder of the downloaded data sets; the environment's MLJ_DATA_DIR if None."""
    experiments: tuple[str, ...] = tuple(EXPERIMENTS)
    """Names in EXPERIMENTS."""
    out: Path | None = FOLDER / "all_tables.md"
    """Where the times go; nowhere if None."""


class Ran(NamedTuple):
    """How one experiment went."""

    name: str
    cores: int
    """How many it had."""
    minutes: float
    kept: int
    """Units of its work that an earlier run had finished."""
    exit_code: int


def run(config: Config) -> list[Ran]:
    """Return how each experiment went, after all have ended.

    Raises:
        ValueError: If an experiment is unknown.
    """
    from mlj.training import own_cores

    taken = {name: lookup("experiment", name, EXPERIMENTS) for name in config.experiments}
    environment = dict(os.environ)
    if config.data_dir is not None:
        environment["MLJ_DATA_DIR"] = str(config.data_dir)
    began = time.monotonic()
    ran = _run_at_once([name for name in EXPERIMENTS if taken.get(name) == "share"], own_cores(), environment)
    for name in EXPERIMENTS:
        if taken.get(name) == "all":
            ran += _run_at_once([name], 1, environment)
    text = _page(ran, (time.monotonic() - began) / 60)
    print(text)
    if config.out is not None:
        config.out.write_text(text, encoding="utf-8")
    return ran


def _run_at_once(names: Sequence[str], shares: int, environment: dict[str, str]) -> list[Ran]:
    """Run so many experiments at a time, each on its share of the cores."""
    shares = max(min(shares, len(names)), 1)
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    free: SimpleQueue[list[int]] = SimpleQueue()
    for number in range(shares):
        free.put(cores[number::shares])

    def run_one(name: str) -> Ran:
        share = free.get()
        try:
            return _run(name, share, environment)
        finally:
            free.put(share)

    with ThreadPoolExecutor(shares) as pool:
        return list(pool.map(run_one, names))


def _run(name: str, cores: Sequence[int], environment: dict[str, str]) -> Ran:
    kept, began = 0, time.monotonic()
    command = [sys.executable, "-u", str(FOLDER / f"{name}.py")]
    piped = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen(command, env=environment, **piped) as process:
        if cores:
            os.sched_setaffinity(process.pid, cores)
        for line in process.stdout or ():
            kept += line.rstrip().endswith(KEPT)
            print(f"{name}: {line}", end="", flush=True)
    return Ran(name, len(cores), (time.monotonic() - began) / 60, kept, process.returncode)


def _page(ran: Sequence[Ran], minutes: float) -> str:
    rows = [
        f"| `{one.name}.py` | {one.cores or 'any'} | {one.minutes:.0f} | {one.kept} | "
        f"{f'failed with {one.exit_code}' if one.exit_code else 'measured'} |"
        for one in ran
    ]
    return "\n".join(
        [
            "# How long all tables take",
            "",
            "Written by `all_tables.py`. Experiments with a share of the cores ran beside one another; units "
            "kept from an earlier run were not measured again.",
            "",
            "| experiment | cores | minutes | units kept | |",
            "|---|---|---|---|---|",
            *rows,
            f"| all | | {minutes:.0f} | {sum(one.kept for one in ran)} | |",
            "",
            machine("flax", "optax"),
            "",
        ]
    )


if __name__ == "__main__":
    import tyro

    sys.exit(any(one.exit_code for one in run(tyro.cli(Config))))
