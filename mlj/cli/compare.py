"""``mlj compare``: which loss, output and decision rule suit a data set."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
import tyro
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from mlj.cli.opening import size_of
from mlj.cli.source import Source
from mlj.comparison.config import CompareConfig


@dataclass(frozen=True)
class Compare:
    """Find out which loss, output and decision rule suit a data set.

    Every loss is trained with the same grid of learning rates and the same budget; every choice is made on
    validation rows; the test part is scored once. Writes results.json, report.html and the chosen model.
    """

    source: tyro.conf.OmitArgPrefixes[Source]
    config: tyro.conf.OmitArgPrefixes[CompareConfig]


def run(arguments: list[str]) -> int:
    """Compare, print and write."""
    command = tyro.cli(Compare, args=arguments, prog="mlj compare")
    console = Console(highlight=False)
    began = time.monotonic()
    dataset = command.source.read()
    out = command.config.out or Path("runs") / (dataset.name or "data")
    console.print(size_of(dataset))

    from mlj.training import use_cores

    use_cores()
    from mlj.comparison import choose_contenders, compare, save_chosen, summarise, write_results

    names = choose_contenders(command.config.losses, command.config.approaches)
    number = len(names) * len(command.config.for_each_model()) + 2
    with Board(console, command.config.metric, number) as board:
        outcome = compare(dataset, command.config, tell=board.tell)
    results = summarise(outcome)
    write_results(results, out / "results.json")
    save_chosen(outcome, results, out / "model")
    from mlj.report import write_report

    write_report(results, out / "report.html")
    print_results(console, results)
    console.print(f"\n{results['verdict']}\n")
    console.print(
        f"{out / 'report.html'}, results.json and model/ written in {time.monotonic() - began:.0f} s"
    )
    return 0


class Board:
    """A progress bar with a line for every contender that is done."""

    def __init__(self, console: Console, metric: str, total: int):
        """Show nothing yet."""
        self._metric, self._seconds, self._last = metric, [], time.monotonic()
        self._progress = Progress(
            TextColumn("[progress.description]{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[eta]}"),
            console=console,
            transient=True,
        )
        self._task = self._progress.add_task("compiling", total=total, eta="measuring the first …")
        heads = f"{'loss':36} {'rate':>8} {'epochs':>7}  {'validation ' + metric:>24}  rule"
        console.print(heads, style="bold", soft_wrap=True)

    def __enter__(self) -> Board:
        """Start to draw."""
        self._progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Stop drawing."""
        self._progress.stop()

    def tell(self, event) -> None:
        """Print the line of what is done and say when the rest will be."""
        now = time.monotonic()
        self._seconds.append(now - self._last)
        self._last = now
        self._progress.console.print(self._line(event), soft_wrap=True)
        # The first contenders also compile what all share; the median forgets them soon.
        usual = self._seconds[1:] or self._seconds
        left = timedelta(seconds=round(statistics.median(usual) * (event.total - event.done)))
        self._progress.update(
            self._task,
            completed=event.done,
            description="training",
            eta=f"about {left} left" if len(self._seconds) > 2 else "measuring …",
        )

    def _line(self, event) -> str:
        from mlj.comparison.summary import best_rule
        from mlj.comparison.train import Failed

        if isinstance(event.found, Failed):
            steps = sorted({failure["step"] for failure in event.found.failures})
            return f"{event.name:36} failed: not finite at step {', '.join(map(str, steps[:5]))}"
        rule, values, _ = best_rule(event.found, self._metric)
        trained = event.found.trained
        rate = f"{trained.learning_rate:g}" if trained else ""
        epochs = f"{np.mean(trained.best_epochs):.0f}" if trained else ""
        spread = f"{values.mean():.4f} ± {values.std(ddof=1):.4f}"
        note = f"  ({len(trained.failures)} runs not finite)" if trained and trained.failures else ""
        return f"{event.name:36} {rate:>8} {epochs:>7}  {spread:>24}  {rule or ''}{note}"


def print_results(console: Console, results: dict) -> None:
    """Print the contenders, best on validation first, and what was chosen for each metric."""
    from mlj.report import rows

    metric = results["protocol"]["metric"]
    title = results["metrics"][metric]["title"]
    table = Table("loss", "rule", box=None, title=f"\n{title}, sorted by validation", title_justify="left")
    for head in ("validation", "test", "p"):
        table.add_column(head, justify="right")
    for row in rows(results, metric):
        test = f"{_number(row['test'])} ± {_number(row['sd'])}"
        table.add_row(
            row["contender"], row["rule"] or "", _number(row["validation"]), test, _number(row["p"], 3)
        )
    console.print(table)
    table = Table(
        "metric",
        "loss",
        "rule",
        box=None,
        title="\nChosen on validation for each metric",
        title_justify="left",
    )
    for head in ("validation", "test"):
        table.add_column(head, justify="right")
    for name, best in results["chosen"].items():
        test = f"{_number(best['test'])} ± {_number(best['test_sd'])}"
        table.add_row(
            results["metrics"][name]["title"],
            best["contender"],
            best["rule"] or "",
            _number(best["validation"]),
            test,
        )
    console.print(table)


def _number(value: float | None, digits: int = 4) -> str:
    return "" if value is None else f"{value:.{digits}f}"
