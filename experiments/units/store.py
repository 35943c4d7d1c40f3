"""One JSON file for each unit of work that is done."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

NOT_SETTINGS = frozenset({"out", "work", "data_dir"})
"""Fields of a configuration that no result depends on: what was read is told by its fingerprint."""
PACKAGES = ("mlj", "jax", "flax", "optax", "numpy", "scikit-learn")


def _say(text: str) -> None:
    print(text, flush=True)


class Units:
    """Runs units of work, keeps what each gives, and tells how far it is.

    A kept result is used again if its settings and the versions of the packages are the same; changes of the
    code itself are not seen: delete the folder to measure anew.
    """

    def __init__(self, folder: Path | None, total: int, tell: Callable[[str], None] = _say):
        """Say where results are kept (nowhere if None) and how many units there will be."""
        self._folder, self._total, self._tell = folder, total, tell
        self._done, self._worked, self._seconds = 0, 0, 0.0

    def run(self, name: str, settings: dict[str, Any], work: Callable[[], Any]) -> Any:
        """Return the kept result of this unit, or do the work and keep what it returns.

        Args:
            name: What the unit is called; letters, digits and ``-_.`` in the file's name.
            settings: All that the result depends on, with the fingerprint of data that were read from files,
                as JSON can hold it.
            work: Gives the result, as JSON can hold it; tuples become lists.
        """
        key = json.dumps(
            {"settings": settings, "versions": {p: version(p) for p in PACKAGES}}, sort_keys=True, default=str
        )
        path = None if self._folder is None else self._folder / f"{_plain(name)}.json"
        self._done += 1
        kept = _read(path, key)
        if kept is not None:
            self._tell(f"{self._done}/{self._total} {name}: kept from an earlier run")
            return kept
        began = time.monotonic()
        result = work()
        took = time.monotonic() - began
        if path is not None:
            _write(path, {"key": key, "result": result})
        self._worked, self._seconds = self._worked + 1, self._seconds + took
        left = (self._total - self._done) * self._seconds / self._worked
        self._tell(f"{self._done}/{self._total} {name}: {took:.0f} s, about {left / 60:.0f} min left")
        return json.loads(json.dumps(result))


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
