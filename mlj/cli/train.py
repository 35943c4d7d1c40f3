"""``mlj train``: one model for real, kept in a folder, stopped and gone on with at will."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

import tyro
from rich.console import Console

from mlj.cli.bar import TrainingBar
from mlj.cli.signals import Signals
from mlj.cli.source import Source
from mlj.runs.config import TrainConfig, read_config


@dataclass(frozen=True)
class Train:
    """Train one model on a data set and keep it with its decision.

    Called again with the same settings and folder, it goes on where it was. To repeat a run bit for bit:
    mlj train --config RUN/config.json --out OTHER.
    """

    source: tyro.conf.OmitArgPrefixes[Source]
    config: tyro.conf.OmitArgPrefixes[TrainConfig]
    out: Path | None = None
    """The run's folder; runs/NAME-LOSS if left out."""
    tensorboard: bool = False
    """Also write TensorBoard event files (needs the package tensorboardX)."""


@dataclass(frozen=True)
class Again:
    """Go on with a run, or repeat it bit for bit in another folder."""

    config: Path
    """The config.json of a run."""
    out: Path | None = None
    """The folder to repeat it in; the run's own, to go on with it, if left out."""
    data: str | None = None
    """Where the data is now, if it was moved."""
    tensorboard: bool = False
    """Also write TensorBoard event files (needs the package tensorboardX)."""


def run(arguments: list[str]) -> int:
    """Train, and write the run's folder."""
    if any(word == "--config" or word.startswith("--config=") for word in arguments):
        command = tyro.cli(Again, args=arguments, prog="mlj train")
        config, saved = read_config(command.config)
        source = _source_of(saved, command)
        out = command.out or command.config.parent
    else:
        command = tyro.cli(Train, args=arguments, prog="mlj train")
        config, source, out = command.config, command.source, command.out
    return _train(source, config, out, tensorboard=command.tensorboard)


def _source_of(saved: dict, command: Again) -> Source:
    known = {field.name for field in fields(Source)}
    given = saved.get("source")
    if not isinstance(given, dict) or not set(given) <= known or "data" not in given:
        raise ValueError(
            f"{command.config}: the run's data came from Python and cannot be read again from here"
        )
    source = Source(**given)
    return source if command.data is None else replace(source, data=command.data)


def _train(source: Source, config: TrainConfig, out: Path | None, *, tensorboard: bool) -> int:
    from mlj.cli.opening import open_data, size_of
    from mlj.storage import output_folder

    dataset = open_data(source)
    if out is None:
        out = output_folder("runs", f"{dataset.name}-{config.contender}".replace(":", "-"))
    console = Console(highlight=False)
    console.print(f"{size_of(dataset)}; {config.contender} into {out}")
    from mlj.runs import Stopped, train
    from mlj.runs.events import writer

    with Signals() as signals, writer(out if tensorboard else None, config) as write:
        try:
            with TrainingBar(console, config) as bar:

                def tell(progress) -> None:
                    bar.tell(progress)
                    write(progress)

                found = train(
                    dataset,
                    config,
                    out,
                    source=asdict(source),
                    tell=tell,
                    say=lambda said: console.print(said, soft_wrap=True),
                    stop=signals.asked,
                )
        except Stopped as stopped:
            print(
                f"mlj train: {stopped} by {signals.came.name}; saved. To go on: "
                f"mlj train --config {out / 'config.json'}",
                file=sys.stderr,
            )
            return signals.exit_status
    _tell_found(console, config, found, dataset, out)
    return 0


def _tell_found(console: Console, config: TrainConfig, found, dataset, out: Path) -> None:
    from mlj.runs.reporting import report_validation

    report_validation(found, dataset, out)
    decision, rows = found.decision, len(found.division.validation)
    console.print(
        f"best of {found.facts.epoch} passes: {found.facts.best_epoch}; decided by {decision.name}: "
        f"{decision.metric} {decision.values[decision.name]:.4f} on {rows} validation rows (cross-fitted)",
        soft_wrap=True,
    )
    if found.facts.failed_step is not None:
        console.print(
            f"the numbers stopped being finite at step {found.facts.failed_step}; "
            "the best parameters before it were kept"
        )
    console.print(f"{out / 'report.html'}, evaluation.json, log.jsonl and model/ written")
