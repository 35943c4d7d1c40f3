"""``mlj export``: a run's model as one program for CPU, CUDA and TPU."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tyro


@dataclass(frozen=True)
class Export:
    """Write the model of a run as a folder that is used without the code it was built from."""

    run: tyro.conf.Positional[Path]
    """The folder of a run of mlj train, or of mlj compare."""
    out: Path | None = None
    """The folder to write; RUN/exported if left out. An older export there is replaced as a whole."""


def run(arguments: list[str]) -> int:
    """Export, and say what was written."""
    command = tyro.cli(Export, args=arguments, prog="mlj export")
    from mlj.exported.names import FACTS
    from mlj.runs.exporting import export_run
    from mlj.storage import read_folder, unpack_json

    folder = export_run(command.run, command.out)
    files = read_folder(folder)
    facts = unpack_json(files[FACTS])
    inputs = ", ".join(f"{one['name']} [{', '.join(map(str, one['shape']))}]" for one in facts["inputs"])
    print(f"{folder}: takes {inputs}; runs on {', '.join(facts['platforms'])}")
    for platform, reason in facts["not_lowered"].items():
        print(f"not for {platform}: {reason}")
    for name, content in files.items():
        print(f"  {name:20} {len(content):>12,} bytes")
    return 0
