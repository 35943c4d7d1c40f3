"""The small run that everything is done to, and the fingerprint of its result."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Case:
    """A data set in a file, and the settings of a run on it."""

    data: Path
    """The file."""
    epochs: int
    """Passes, each with two checkpoints or more."""
    hidden: int = 8
    """Width of the hidden layer."""

    @property
    def settings(self) -> dict[str, Any]:
        """What differs from the usual settings: small, and a checkpoint after every stretch of steps."""
        return {
            "loss": "zlpr",
            "rule": "zero",
            "hidden": (self.hidden,),
            "batch_size": 16,
            "learning_rate": 0.01,
            "max_epochs": self.epochs,
            "patience": self.epochs,
            "checkpoint_seconds": 0.0,
        }

    def command(self, out: Path) -> list[str]:
        """Return the arguments of ``mlj`` for this run in this folder."""
        words = ["train", str(self.data), "--out", str(out)]
        for name, value in self.settings.items():
            words += [f"--{name.replace('_', '-')}", str(value[0] if isinstance(value, tuple) else value)]
        return words


def make_case(folder: Path, *, rows: int, epochs: int, seed: int = 0, wide: bool = False) -> Case:
    """Write a data set of six features and four labels to a folder, or a wide one of 300 and 100."""
    rng = np.random.default_rng(seed)
    width, count = (300, 100) if wide else (6, 4)
    features = rng.normal(size=(rows, width)).astype(np.float32)
    labels = features @ rng.normal(size=(width, count)) + rng.normal(size=(rows, count)) > 0
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / ("wide.npz" if wide else "small.npz")
    np.savez(path, features=features, labels=labels.astype(np.int8))
    return Case(path, epochs, 256 if wide else 8)


def digest(out: Path, *, log: bool = True) -> str:
    """Return the sha256 of all that a finished run leaves but times.

    That is the newest checkpoint (parameters, running average, optimizer state, best parameters, key, step
    and facts), the files of the model, the evaluation, and the log without its seconds unless it is left out.
    """
    from mlj.storage import Checkpoints, read_folder

    state = Checkpoints(out / "checkpoints").restore()
    found = hashlib.sha256(f"{state.step} {json.dumps(state.facts, sort_keys=True)}".encode())
    for name in sorted(state.arrays):
        found.update(name.encode() + state.arrays[name].tobytes())
    for name, content in read_folder(out / "model").items():
        found.update(name.encode() + content)
    if (out / "evaluation.json").exists():
        found.update((out / "evaluation.json").read_bytes())
    path = out / "log.jsonl"
    for line in path.read_text().splitlines() if log and path.exists() else []:
        entry = json.loads(line)
        entry.pop("seconds")
        found.update(json.dumps(entry, sort_keys=True).encode())
    return found.hexdigest()
