"""``mlj pack``: a data set as a folder that need not fit in memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tyro

from mlj.cli.source import Source


@dataclass(frozen=True)
class Pack:
    """Write a data set as a folder of arrays, which mlj train reads from disk as it goes.

    The file may be larger than the memory: it is read, and written, some rows at a time.
    """

    source: tyro.conf.OmitArgPrefixes[Source]
    out: Path
    """The folder."""


def run(arguments: list[str]) -> int:
    """Read and write."""
    command = tyro.cli(Pack, args=arguments, prog="mlj pack")
    from mlj.data import write_disk

    packed = write_disk(command.source.pieces(), command.out)
    print(
        f"{command.out}: {packed.num_samples} samples, {packed.num_features} features, "
        f"{packed.num_labels} labels"
    )
    return 0
