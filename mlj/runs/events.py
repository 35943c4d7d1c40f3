"""TensorBoard event files of a run, if the package tensorboardX is there."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from mlj.runs.config import TrainConfig
from mlj.runs.loop import Progress


@contextlib.contextmanager
def writer(out: Path | None, config: TrainConfig) -> Iterator[Callable[[Progress], None]]:
    """Give a function that writes each finished pass to event files in ``out/events``; nothing if None.

    Raises:
        ValueError: If tensorboardX is not installed.
    """
    if out is None:
        yield lambda progress: None
        return
    try:
        from tensorboardX import SummaryWriter
    except ImportError:
        raise ValueError(
            "TensorBoard files need the package tensorboardX: pip install 'mlj[tensorboard]'"
        ) from None
    events = SummaryWriter(str(out / "events"))

    def write(progress: Progress) -> None:
        if not progress.measured:
            return
        facts = progress.facts
        validation = config.metric_of(facts.validation_curve[-1])
        values = {"objective": facts.train_curve[-1], f"validation/{config.metric}": validation}
        for name, value in values.items():
            if value is not None:
                events.add_scalar(name, value, facts.epoch * progress.steps)

    try:
        yield write
    finally:
        events.close()
