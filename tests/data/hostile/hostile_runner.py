"""Reads files in a process of its own that may take 512 MB more memory than it has at its start.

Standard input holds the cases as JSON, standard output gets one line of JSON for each.
"""

from __future__ import annotations

import contextlib
import json
import re
import resource
import signal
import sys
import time
import warnings
from pathlib import Path

import mlj.data
from mlj.data.array_file import ArrayFile
from mlj.data.mulan import read_label_names

STATUS = Path("/proc/self/status")
MEMORY = 512 << 20
SECONDS = 60
READERS = {
    name.removeprefix("read_"): getattr(mlj.data, name)
    for name in dir(mlj.data)
    if name.startswith("read_") or name == "load"
}
READERS |= {"xml": read_label_names, "npy": ArrayFile}


def kilobytes(field: str) -> int:
    """Return a field of what the kernel says about this process, or its highest use of memory."""
    found = re.search(rf"{field}:\s+(\d+)", STATUS.read_text()) if STATUS.exists() else None
    return int(found[1]) if found else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def forget_the_highest_use() -> None:
    """Let the kernel begin anew, where it can: where not, a case is charged for those before it too."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def outcome(case: dict) -> dict:
    """Read one file and say what came of it."""
    forget_the_highest_use()
    before, start = kilobytes("VmRSS"), time.process_time()
    signal.alarm(SECONDS)
    try:
        READERS[case["reader"]](case["path"], **case["options"])
        found = {"error": None}
    except BaseException as error:
        found = {
            "error": type(error).__name__,
            "text": str(error),
            "file": getattr(error, "file", None),
            "line": getattr(error, "line", None),
        }
    signal.alarm(0)
    megabytes = (kilobytes("VmHWM") - before) / 1024
    return {"name": case["name"], "seconds": time.process_time() - start, "megabytes": megabytes, **found}


def hangs(*_: object) -> None:
    """Say that a case takes too long."""
    raise TimeoutError(f"took more than {SECONDS} s")


if __name__ == "__main__":
    cases = json.load(sys.stdin)
    warnings.simplefilter("error")
    signal.signal(signal.SIGALRM, hangs)
    most = kilobytes("VmSize") * 1024 + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    for one in cases:
        print(json.dumps(outcome(one)), flush=True)
