"""``mlj`` in a process of its own, which is forked from one that has imported everything already."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import resource
import signal
import sys
import time
from dataclasses import dataclass
from functools import cache
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext
from pathlib import Path

from faults.watch import Point, Watch
from mlj.cli import main, train  # noqa: F401  (what is imported here is imported once for all children)
from mlj.runs import reporting  # noqa: F401


@dataclass(frozen=True)
class Setting:
    """What differs between children."""

    hold: Point | None = None
    """Where in a save to wait until a signal was sent."""
    cache: Path | None = None
    """Where compiled programs are read from; nothing is written there unless ``fill``."""
    fill: bool = False
    """Whether compiled programs are written to the cache."""
    devices: int = 1
    """CPU devices that JAX sees."""
    cores: int | None = None
    """Cores that the process may use; all if None."""
    largest_file: int | None = None
    """Bytes from which a file cannot grow."""


def _work(arguments: list[str], said: Path, setting: Setting, pipe: Connection) -> None:
    """Run ``mlj``; all that it prints goes to the file ``said``."""
    descriptor = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    for number in (1, 2):
        os.dup2(descriptor, number)
    # As in a terminal; what is started in the background may inherit that it is ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    _settle(setting)
    Watch(pipe, setting.hold).install()
    pipe.send(("began",))
    sys.exit(main(arguments))


def _settle(setting: Setting) -> None:
    import jax

    if setting.devices > 1:
        os.environ["XLA_FLAGS"] = f"--xla_force_host_platform_device_count={setting.devices}"
    if setting.cores is not None:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: setting.cores])
    if setting.cache is not None:
        jax.config.update("jax_compilation_cache_dir", str(setting.cache))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0 if setting.fill else 1e9)
        jax.config.update("jax_persistent_cache_min_entry_size_bytes", 0)
    if setting.largest_file is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (setting.largest_file, resource.RLIM_INFINITY))


@cache
def _server() -> BaseContext:
    """Start the process that the children are forked from."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["faults.child"])
    # It finds this package by the environment alone, which is nobody else's business.
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(Path(__file__).parents[1]), before]))
    try:
        forkserver.ensure_running()
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before
    return context


class Child:
    """A process that runs ``mlj`` and tells of its saves."""

    def __init__(self, arguments: list[str], said: Path, setting: Setting | None = None):
        """Start."""
        self._said = said
        self.messages: list[tuple[float, tuple]] = []
        self._pipe, theirs = _server().Pipe()
        self.process = _server().Process(
            target=_work, args=(arguments, said, setting or Setting(), theirs), daemon=True
        )
        self._began = time.monotonic()
        self.process.start()
        theirs.close()

    def next_message(self) -> tuple | None:
        """Wait for what the process tells next; None if it ended."""
        try:
            message = self._pipe.recv()
        except (EOFError, OSError):
            return None
        self.messages.append((time.monotonic() - self._began, message))
        return message

    def wait_until(self, *beginning: object) -> bool:
        """Wait for a message that begins so; False if the process ended first."""
        while (message := self.next_message()) is not None:
            if message[: len(beginning)] == beginning:
                return True
        return False

    def where(self) -> str:
        """Say how many saves the process has told of by now."""
        while self._pipe.poll() and self.next_message() is not None:
            pass
        saves = sum(message[0] == "saved" for _, message in self.messages)
        return f"after {saves} saves" if saves else "before the first save"

    def signal(self, number: int) -> bool:
        """Send a signal, and let the process go on if it waits; False if it has ended already."""
        if not self.process.is_alive():
            return False
        os.kill(self.process.pid, number)
        with contextlib.suppress(OSError):
            self._pipe.send("go on")
        return True

    def end(self) -> int:
        """Wait for the end, and return the exit status, or less than 0 the signal that ended it."""
        while self.next_message() is not None:
            pass
        self.process.join()
        self._pipe.close()
        return self.process.exitcode

    def output(self) -> str:
        """Return what the process printed."""
        return self._said.read_text(encoding="utf-8", errors="replace")


def run_to_end(arguments: list[str], said: Path, setting: Setting | None = None) -> Child:
    """Run ``mlj`` until it is done.

    Raises:
        RuntimeError: If it fails.
    """
    child = Child(arguments, said, setting)
    if (status := child.end()) != 0:
        raise RuntimeError(f"mlj {' '.join(arguments)} ended with {status}: {child.output()}")
    return child
