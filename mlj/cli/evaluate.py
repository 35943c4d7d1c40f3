"""``mlj evaluate``: how good a trained model is on rows with known labels."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import tyro
from rich.console import Console
from rich.table import Table

from mlj.cli.reading import Reading

SHOWN = ("subset_accuracy", "hamming_loss", "samples_f1", "micro_f1", "macro_f1")
"""Metrics that are printed; the rest is in the page."""


@dataclass(frozen=True)
class Evaluate:
    """Measure a model on a test file; writes a page and all numbers to RUN/evaluations."""

    run: tyro.conf.Positional[Path]
    """The folder of a run of mlj train or mlj compare."""
    test: str
    """The rows with their labels: a file of any format, or a packed data set."""
    name: str | None = None
    """What to call the result; the file's name if left out."""
    reading: tyro.conf.OmitArgPrefixes[Reading] = field(default_factory=Reading)


def run(arguments: list[str]) -> int:
    """Evaluate, print and write."""
    command = tyro.cli(Evaluate, args=arguments, prog="mlj evaluate")
    from mlj.data.streams import plain_name
    from mlj.runs.applying import batches_for, open_run, options_for
    from mlj.runs.evaluating import evaluate_batches
    from mlj.storage import output_folder

    model, trained = open_run(command.run)
    name = command.name or Path(plain_name(command.test)).stem
    folder = output_folder(command.run / "evaluations", name)
    console = Console(highlight=False)
    if (folder / "evaluation.json").exists():
        console.print(
            f"{name} was scored before: what was chosen after that is not tested by it", soft_wrap=True
        )
    reading = options_for(model, command.test, trained, command.reading.given())
    with console.status("judging …"):
        found = evaluate_batches(
            model, batches_for(model, command.test, reading, with_labels=True), folder, name=name
        )
    table = Table("metric", "value", box=None)
    for metric in dict.fromkeys((found["metric"], *SHOWN)):
        entry = found["metrics"].get(metric)
        if entry is not None and entry["value"] is not None:
            table.add_row(entry["title"], f"{entry['value']:.4f}")
    decided = f"decided by {found['rule']['title']}" if found["rule"] else "no decision"
    console.print(f"{name}: {found['data']['rows'][found['part']]} rows, {decided}")
    console.print(table)
    console.print(f"{folder / 'report.html'} and evaluation.json written")
    return 0
