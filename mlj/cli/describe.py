"""``mlj describe``: what is in a data set."""

from __future__ import annotations

import json
from dataclasses import dataclass

import tyro

from mlj.cli.source import Source


@dataclass(frozen=True)
class Describe:
    """Say what is in a data set."""

    source: tyro.conf.OmitArgPrefixes[Source]
    json: bool = False
    """Print JSON."""


def run(arguments: list[str]) -> int:
    """Print the description."""
    command = tyro.cli(Describe, args=arguments, prog="mlj describe")
    dataset = command.source.read()
    facts = dataset.describe()
    if command.json:
        print(json.dumps(facts))
        return 0
    print(f"{dataset.name}")
    for name, value in facts.items():
        print(f"  {name.replace('_', ' '):32} {_short(value)}")
    return 0


def _short(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list | tuple | dict) and len(value) > 8:
        return f"{len(value)} values (see --json)"
    return str(value)
