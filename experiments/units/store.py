"""One JSON file for each unit of work that is done."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import asdict
from importlib.metadata import version
from multiprocessing import get_context
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

NOT_SETTINGS = frozenset({"out", "work", "data_dir"})
"""Fields of a configuration that no result depends on: what was read is told by its fingerprint."""
KEPT = "kept from an earlier run"
"""How the line ends that tells of a unit that was not worked on again."""
PACKAGES = ("mlj", "jax", "flax", "optax", "numpy", "scikit-learn")


def _say(text: str) -> None:
    print(text, flush=True)


class Unit(NamedTuple):
    """One unit of work."""

    name: str
    """What it is called; letters, digits and ``-_.`` in its file's name."""
    settings: dict[str, Any]
    """All that the result depends on, with the fingerprint of data that were read from files, as JSON can
    hold it."""
    work: Callable[[], Any]
    """Gives the result, as JSON can hold it; tuples become lists."""


class Units:
    """Runs units of work, keeps what each gives, and tells how far it is.

    A kept result is used again if its settings and the versions of the packages are the same; changes of the
    code itself are not seen: delete the folder to measure anew.
    """

    def __init__(self, folder: Path | None, total: int, tell: Callable[[str], None] = _say):
        """Say where results are kept (nowhere if None) and how many units there will be."""
        self._folder, self._total, self._tell = folder, total, tell
        self._done, self._worked, self._began = 0, 0, time.monotonic()
        self._lock = Lock()

    def run(self, name: str, settings: dict[str, Any], work: Callable[[], Any]) -> Any:
        """Return the kept result of this :class:`Unit`, or do the work and keep what it returns."""
        unit = Unit(name, settings, work)
        kept = self._kept(unit)
        return self._done_with(unit, *_timed(work)) if kept is None else kept

    def run_all(self, units: Sequence[Unit], processes: int) -> Iterator[Any]:
        """Yield the results of units in their order, so many of them worked on at a time.

        Each is kept as soon as it is done. If one fails, those that were not begun are dropped. Each process
        has cores of its own, where the system can give them: small operations that are spread over cores
        which are not free cost up to half as much again.

        Args:
            units: Their ``work`` can be sent to another process.
            processes: How many; 1 for this one alone.
        """
        if processes == 1:
            yield from (self.run(*unit) for unit in units)
            return
        context = get_context("spawn")
        shared = {"initializer": _take_cores, "initargs": (context.Value("i", 0), processes)}
        with ProcessPoolExecutor(processes, context, **shared) as pool:
            try:
                for found in [self._submit(unit, pool) for unit in units]:
                    yield found.result() if isinstance(found, Future) else found
            finally:
                pool.shutdown(cancel_futures=True)

    def _submit(self, unit: Unit, pool: ProcessPoolExecutor) -> Any:
        kept = self._kept(unit)
        if kept is not None:
            return kept
        finished: Future = Future()

        def finish(worked: Future) -> None:
            try:
                finished.set_result(self._done_with(unit, *worked.result()))
            except BaseException as error:  # it is raised again where the result is asked for
                finished.set_exception(error)

        pool.submit(_timed, unit.work).add_done_callback(finish)
        return finished

    def _kept(self, unit: Unit) -> Any:
        kept = _read(self._path(unit), _key(unit))
        if kept is not None:
            self._done += 1
            self._tell(f"{self._done}/{self._total} {unit.name}: {KEPT}")
        return kept

    def _done_with(self, unit: Unit, result: Any, took: float) -> Any:
        """Keep a result, and tell how long it took and how long the rest may take."""
        with self._lock:
            path = self._path(unit)
            if path is not None:
                _write(path, {"key": _key(unit), "result": result})
            self._done, self._worked = self._done + 1, self._worked + 1
            left = (self._total - self._done) * (time.monotonic() - self._began) / self._worked
            self._tell(
                f"{self._done}/{self._total} {unit.name}: {took:.0f} s, about {left / 60:.0f} min left"
            )
        return json.loads(json.dumps(result))

    def _path(self, unit: Unit) -> Path | None:
        return None if self._folder is None else self._folder / f"{_plain(unit.name)}.json"


def _take_cores(taken: Synchronized[int], processes: int) -> None:
    """Keep this process to its share of the cores that it may use; ``taken`` counts the processes."""
    with taken.get_lock():
        number = taken.value % processes
        taken.value += 1
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, cores[number::processes] or cores)


def _timed(work: Callable[[], Any]) -> tuple[Any, float]:
    began = time.monotonic()
    return work(), time.monotonic() - began


def _key(unit: Unit) -> str:
    """Return all that a kept result must have been made with to be used again."""
    made_with = {"settings": unit.settings, "versions": {p: version(p) for p in PACKAGES}}
    return json.dumps(made_with, sort_keys=True, default=str)


def settings_of(config: Any) -> dict[str, Any]:
    """Return the fields of a configuration that results depend on."""
    return {name: value for name, value in asdict(config).items() if name not in NOT_SETTINGS}


def _plain(name: str) -> str:
    kept = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in name)
    return kept if kept == name else f"{kept}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _read(path: Path | None, key: str) -> Any:
    if path is None or not path.exists():
        return None
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError):
        return None
    return kept["result"] if isinstance(kept, dict) and kept.get("key") == key else None


def _write(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        new.write_text(json.dumps(content), encoding="utf-8")
        os.replace(new, path)
    finally:
        new.unlink(missing_ok=True)
