"""A program that is run to its end while its memory is watched."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

EVERY = 0.02


class Measured(NamedTuple):
    """What one process took."""

    seconds: float
    peak: int
    """Bytes of its memory at the most, pages of files that it maps included (``VmHWM``)."""
    own: int
    """Of these its own, at the most, seen every 20 ms (``RssAnon``)."""
    output: str


def measure(arguments: list[str], said: Path) -> Measured:
    """Run Python with these arguments.

    Raises:
        RuntimeError: If it fails.
    """
    began, peak, own = time.monotonic(), 0, 0
    with said.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            stdout=stream,
            stderr=subprocess.STDOUT,
            env=os.environ | {"JAX_PLATFORMS": "cpu"},
        )
        while process.poll() is None:
            status = Path(f"/proc/{process.pid}/status")
            # Of the last look before the end, which may come in between: the high-water mark stays.
            text = status.read_text() if status.exists() else ""
            peak, own = max(peak, _bytes(text, "VmHWM")), max(own, _bytes(text, "RssAnon"))
            time.sleep(EVERY)
    output = said.read_text(encoding="utf-8", errors="replace")
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(arguments)} ended with {process.returncode}: {output}")
    return Measured(time.monotonic() - began, peak, own, output)


def _bytes(text: str, name: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+) kB", text, re.MULTILINE)
    return 1024 * int(found[1]) if found else 0
