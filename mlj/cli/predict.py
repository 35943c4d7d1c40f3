"""``mlj predict``: what a trained model says of new rows."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

import tyro
from rich.console import Console

from mlj.cli.reading import Reading


@dataclass(frozen=True)
class Predict:
    """Write labels and probabilities for the rows of a file of any size, in bounded memory."""

    run: tyro.conf.Positional[Path]
    """The folder of a run of mlj train or mlj compare."""
    file: tyro.conf.Positional[str]
    """The rows: a file of any format, with labels or without, or a packed data set."""
    out: Path
    """Where to: NAME.csv, NAME.jsonl or NAME.parquet."""
    top: int | None = None
    """Write only the probabilities of this many labels a row, the most probable ones."""
    ids: str | None = None
    """CSV: a column with names of the rows, which is copied."""
    reading: tyro.conf.OmitArgPrefixes[Reading] = field(default_factory=Reading)


def run(arguments: list[str]) -> int:
    """Predict and write."""
    command = tyro.cli(Predict, args=arguments, prog="mlj predict")
    from mlj.runs.applying import open_run, options_for, predict_file

    model, trained = open_run(command.run)
    console, began = Console(highlight=False), time.monotonic()
    try:
        with console.status("reading …") as status:
            rows = predict_file(
                model,
                command.file,
                command.out,
                options_for(model, command.file, trained, command.reading.given()),
                top=command.top,
                ids=command.ids,
                tell=lambda done: status.update(
                    f"{done} rows, {done / (time.monotonic() - began):.0f} a second"
                ),
            )
    except ImportError as error:  # an optional package, which the message says how to get
        raise ValueError(str(error)) from error
    console.print(
        f"{command.out}: {rows} rows, decided by {model.info['rule_name']}, "
        f"in {time.monotonic() - began:.1f} s"
    )
    return 0
