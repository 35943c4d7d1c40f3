"""The last few states of a run on disk, and the way back to the newest one that is whole."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from mlj.storage.arrays import pack_arrays, unpack_arrays
from mlj.storage.atomic import make_folder, named
from mlj.storage.errors import Damaged
from mlj.storage.folder import put_folder, read_folder
from mlj.storage.plain_json import pack_json, unpack_json
from mlj.storage.unfinished import beside, remove, settle

STEP = re.compile(r"step-([0-9]{12})")
LAST = 10**12 - 1
FORMAT = "mlj-checkpoint-1"
ARRAYS = "arrays.safetensors"
FACTS = "checkpoint.json"


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A state that was saved and came back bit for bit."""

    step: int
    arrays: dict[str, np.ndarray]
    facts: dict[str, Any]
    rejected: list[str]
    """The newer steps that are on disk and could not be trusted, newest first, each with the reason."""


class Checkpoints:
    """The newest states of one run, each in a folder of its own.

    A step is written beside its place, forced to the disk and put there by one rename, so a process may be
    killed at any moment. Older steps go only after the new one is on the disk, so at its largest the folder
    holds ``keep + 1`` states. Only one process may save at a time; see :class:`mlj.storage.RunLock`.

    Args:
        folder: Where the steps live. It is made at the first save.
        keep: How many states that are whole to keep, at least 1.

    Raises:
        ValueError: If ``keep`` is below 1.

    >>> import tempfile
    >>> checkpoints = Checkpoints(Path(tempfile.mkdtemp()) / "checkpoints", keep=2)
    >>> for step in (100, 200, 300):
    ...     path = checkpoints.save(step, {"w": np.full(3, step)}, {"best": step / 7})
    >>> path.name
    'step-000000000300'
    >>> checkpoints.steps()
    [200, 300]
    >>> state = checkpoints.restore()
    >>> state.step, state.arrays["w"].tolist(), state.facts["best"] == 300 / 7, state.rejected
    (300, [300, 300, 300], True, [])
    """

    def __init__(self, folder: str | PathLike[str], *, keep: int = 3):
        if type(keep) is not int or keep < 1:
            raise ValueError(f"keep is {keep!r}; wanted a whole number of at least 1")
        self.folder = Path(folder)
        self.keep = keep
        self._known: dict[int, bool] = {}
        settle(self.folder, _is_step)

    def steps(self) -> list[int]:
        """Return the steps that are on disk, whole or not, oldest first."""
        try:
            names = os.listdir(self.folder)
        except FileNotFoundError:
            return []
        return sorted(int(match[1]) for name in names if (match := STEP.fullmatch(name)))

    def save(self, step: int, arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any]) -> Path:
        """Save a state, then remove what is older than the newest ``keep`` whole ones.

        A step that is there already is replaced in one step, or left as it is if it holds the same.

        Args:
            step: The number of the step, from 0.
            arrays: Arrays by name: bool, integers, floats, bfloat16, of any shape.
            facts: What else belongs to the state, as JSON: numbers survive exactly, tuples become lists.

        Returns:
            The folder of this step.

        Raises:
            TypeError: If an array or a fact is of a type that would not come back.
            ValueError: If the step is out of range or a fact is not finite.
            OSError: If it cannot be written. It names the folder of the step; the earlier steps are intact.
        """
        if type(step) is not int or not 0 <= step <= LAST:
            raise ValueError(f"step is {step!r}; wanted a whole number from 0 to {LAST}")
        about = {"facts": facts, "format": FORMAT, "step": step}
        files = {ARRAYS: pack_arrays(arrays), FACTS: pack_json(about)}
        place = self._place(step)
        with named(place):
            make_folder(self.folder)
            settle(self.folder, _is_step)
            if not _holds(place, files):
                put_folder(place, files)
        self._known[step] = True
        self._remove_older(step)
        return place

    def restore(self) -> Checkpoint | None:
        """Return the newest state that is whole, or None if there is none on disk at all.

        Returns:
            The state, with the newer ones that were refused named in ``rejected``.

        Raises:
            Damaged: If there are states on disk and none of them can be trusted; it names them all.
        """
        rejected: list[str] = []
        settle(self.folder, _is_step)
        for step in reversed(self.steps()):
            try:
                arrays, facts = self._load(step)
            except Damaged as error:
                self._known[step] = False
                rejected.append(str(error))
            else:
                self._known[step] = True
                return Checkpoint(step=step, arrays=arrays, facts=facts, rejected=rejected)
        if rejected:
            raise Damaged(self.folder, f"has no checkpoint that is whole: {'; '.join(rejected)}")
        return None

    def _place(self, step: int) -> Path:
        return self.folder / f"step-{step:012d}"

    def _load(self, step: int) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        place = self._place(step)
        if place.is_symlink():
            raise Damaged(place, "is a link")
        files = read_folder(place)
        if files.keys() != {ARRAYS, FACTS}:
            raise Damaged(place, f"holds {', '.join(files) or 'nothing'}; wanted {ARRAYS} and {FACTS}")
        try:
            about = unpack_json(files[FACTS])
        except ValueError as error:
            raise Damaged(place / FACTS, f"is not JSON ({error})") from error
        match about:
            case {"facts": dict() as facts, "format": "mlj-checkpoint-1", "step": int() as stored}:
                if stored != step:
                    raise Damaged(place, f"is the state of step {stored}, under another name")
            case _:
                raise Damaged(place / FACTS, f"is not of the format {FORMAT!r}")
        try:
            return unpack_arrays(files[ARRAYS]), facts
        except ValueError as error:
            raise Damaged(place / ARRAYS, f"cannot be used: {error}") from error

    def _remove_older(self, saved: int) -> None:
        whole = 0
        for step in reversed(self.steps()):
            if whole >= self.keep and step != saved:
                self._remove(step)
            else:
                whole += self._is_whole(step)

    def _is_whole(self, step: int) -> bool:
        # Each step is read at most once for this: what this process wrote or restored it knows.
        if step not in self._known:
            try:
                self._load(step)
            except Damaged:
                self._known[step] = False
            else:
                self._known[step] = True
        return self._known[step]

    def _remove(self, step: int) -> None:
        # The new state is safe, so a failure here is no failure of the save; the next save tries again.
        with contextlib.suppress(OSError):
            aside = beside(self._place(step), "new")
            self._place(step).rename(aside)
            remove(aside)
        self._known.pop(step, None)


def _is_step(name: str) -> bool:
    return STEP.fullmatch(name) is not None


def _holds(place: Path, files: Mapping[str, bytes]) -> bool:
    if place.is_symlink() or not place.exists():
        return False
    try:
        return read_folder(place) == files
    except Damaged:
        return False
