"""Times of several contenders in one process, and the goals that their ratios are held against."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple


class Times(NamedTuple):
    """Seconds of one call."""

    median: float
    least: float


class Goal(NamedTuple):
    """A number that was measured and the bound that it should keep to.

    ``least`` asks for ``found >= bound``, else ``found <= bound``.
    """

    text: str
    found: float
    bound: float
    least: bool = True

    @property
    def met(self) -> bool:
        """Whether the number keeps to its bound; one that is not a number does not."""
        return self.found >= self.bound if self.least else self.found <= self.bound


def interleaved(contenders: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, Times]:
    """Time calls that wait for their result, each contender once a round, in an order that rotates.

    Every contender is called once before the first round, which compiles and warms it. A result is freed
    before the next call, so that all find the same memory.
    """
    names = list(contenders)
    for name in names:
        contenders[name]()
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(rounds):
        shift = turn % len(names)
        for name in names[shift:] + names[:shift]:
            start = time.perf_counter()
            contenders[name]()
            seconds[name].append(time.perf_counter() - start)
    return {name: Times(statistics.median(some), min(some)) for name, some in seconds.items()}


def judged(goals: Sequence[Goal]) -> str:
    """Return the goals as a Markdown table."""
    lines = ["| goal | found | bound | met |", "|---|---:|---:|---|"]
    for goal in goals:
        bound = f"{'at least' if goal.least else 'at most'} {goal.bound:g}"
        lines.append(f"| {goal.text} | {goal.found:.3g} | {bound} | {'yes' if goal.met else 'no'} |")
    return "\n".join(lines) + "\n"
