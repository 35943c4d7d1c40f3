"""A process that says where in a save it is, and waits at a chosen point to be killed there."""

from __future__ import annotations

import io
import itertools
import os
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

from mlj.cli.signals import Signals
from mlj.comparison import saved
from mlj.storage import Checkpoints, atomic

CALLS = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.listdir", "fcntl.flock"}


class Point(NamedTuple):
    """A place inside a save."""

    kind: str
    """``checkpoint`` or ``model``."""
    number: int
    """Which save of its kind, from 0."""
    call: int
    """Which call of the system in it, from 0: opening, half a write, fsync, rename and so on."""


class Watch:
    """Counts the saves of this process and the calls of the system in each of them."""

    def __init__(self, pipe: Connection, hold: Point | None):
        """Say nothing yet."""
        self._pipe, self._hold = pipe, hold
        self._inside: tuple[str, int] | None = None
        self._calls = itertools.count()
        self._numbers = {kind: itertools.count() for kind in ("checkpoint", "model")}

    def install(self) -> None:
        """Watch every save of this process from now on; for a process that does nothing else."""
        Checkpoints.save = self._watched("checkpoint", Checkpoints.save)
        saved.write_folder = self._watched("model", saved.write_folder)
        self._fsync, os.fsync = os.fsync, self._synced
        atomic.open = self._opened
        sys.addaudithook(lambda event, arguments: self._at(event) if event in CALLS else None)
        enter = Signals.__enter__

        def noting(signals: Signals) -> Signals:
            found = enter(signals)
            self._pipe.send(("noting",))
            return found

        Signals.__enter__ = noting

    def _watched(self, kind: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def save(*arguments: Any) -> Any:
            self._inside, self._calls = (kind, next(self._numbers[kind])), itertools.count()
            found = function(*arguments)
            inside, self._inside = self._inside, None
            self._pipe.send(("saved", *inside, next(self._calls)))
            return found

        return save

    def _at(self, event: str) -> None:
        if self._inside is None:
            return
        here = Point(*self._inside, next(self._calls))
        if here == self._hold:
            self._hold = None
            self._pipe.send(("held", *here, event))
            self._pipe.recv()

    def _synced(self, descriptor: int) -> None:
        self._at("os.fsync")
        self._fsync(descriptor)

    def _opened(self, path: Any, mode: str) -> io.BufferedWriter:
        watch = self

        class Halves(io.BufferedWriter):
            """Writes in two halves, so that the process can be killed between them."""

            def write(self, content: bytes) -> int:
                half = len(content) // 2
                first = super().write(content[:half])
                self.flush()
                watch._at("half a write")
                return first + super().write(content[half:])

        return Halves(io.FileIO(path, mode.replace("b", "")))
