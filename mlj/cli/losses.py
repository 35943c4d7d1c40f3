"""``mlj losses``: the catalogue."""

from __future__ import annotations

import inspect
from dataclasses import dataclass

import tyro

from mlj.losses import LOSS_INFO, get_loss


@dataclass(frozen=True)
class Losses:
    """List the losses, or explain one."""

    name: tyro.conf.Positional[str | None] = None
    """Which one; all if left out."""


def run(arguments: list[str]) -> int:
    """Print a table, or the documentation of one loss."""
    name = tyro.cli(Losses, args=arguments, prog="mlj losses").name
    if name is not None:
        loss = get_loss(name)
        print(f"{name}{inspect.signature(loss)}\n\n{inspect.getdoc(loss)}")
        return 0
    from rich.console import Console
    from rich.table import Table

    table = Table("loss", "family", "labels", "link", "calibration", "cost in L", "source", box=None)
    for name, info in LOSS_INFO.items():
        labels = ", ".join(info.labels)
        table.add_row(name, info.family, labels, info.link, info.calibration, info.cost, info.source)
    Console(width=160).print(table)
    return 0
