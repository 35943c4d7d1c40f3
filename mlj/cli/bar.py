"""The progress bar of a training run."""

from __future__ import annotations

from datetime import timedelta

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from mlj.runs.config import TrainConfig
from mlj.runs.loop import Progress as Told


class TrainingBar:
    """A bar over all passes, with the objective, the validation metric and the longest time that is left."""

    def __init__(self, console: Console, config: TrainConfig):
        """Show nothing yet."""
        self._config, self._began = config, None
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            TimeElapsedColumn(),
            TextColumn("{task.fields[said]}"),
            console=console,
            transient=True,
        )
        self._task = self._progress.add_task("compiling", total=config.max_epochs, said="")

    def __enter__(self) -> TrainingBar:
        """Start to draw."""
        self._progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Stop drawing."""
        self._progress.stop()

    def tell(self, told: Told) -> None:
        """Show where the run is."""
        epochs = self._config.max_epochs
        done = told.facts.epoch + told.facts.step / told.steps
        if self._began is None:  # compiling, and what an earlier process did, say nothing of the pace
            self._began = (done, told.seconds)
        first, since = self._began
        left = ""
        if done > first:
            pace = (told.seconds - since) / (done - first)
            left = f", at most {timedelta(seconds=round(pace * (epochs - done)))} left"
        value, best = "", self._config.metric_of(told.facts.best_value)
        if best is not None:
            last = self._config.metric_of(told.facts.validation_curve[-1])
            shown = "undefined" if last is None else f"{last:.4f}"
            value = f", {self._config.metric} {shown} (best {best:.4f})"
        self._progress.update(
            self._task,
            completed=done,
            description=f"pass {min(told.facts.epoch + 1, epochs)} of {epochs}",
            said=f"objective {told.objective:.4f}{value}{left}",
        )
