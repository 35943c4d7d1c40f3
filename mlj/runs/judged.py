"""Rows that a model has judged, taken from large arrays a block at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

BLOCK = 1 << 21
"""Entries that are looked at together."""


class JudgedRows(NamedTuple):
    """Arrays ``[N, L]``, or the same of a block of rows."""

    scores: Any
    probs: Any
    predictions: Any
    """Bool; None if nothing was decided."""
    labels: Any
    where: Any
    """Bool; None if everything was observed."""

    def take(self, *index: Any) -> JudgedRows:
        """Return some rows, or rows and columns, as NumPy arrays with labels as bool and nothing missing."""
        scores, probs, predictions, labels, where = (
            None if array is None else np.asarray(array[index]) for array in self
        )
        seen = np.ones(labels.shape, bool) if where is None else where
        decided = np.zeros(labels.shape, bool) if predictions is None else predictions & seen
        scores, probs = (np.where(seen, array, 0) for array in (scores, probs))
        return JudgedRows(scores, probs, decided, (labels > 0.5) & seen, seen)

    def errors(self) -> tuple[np.ndarray, np.ndarray]:
        """Return what a block missed, and what it added."""
        return self.labels & ~self.predictions, self.predictions & ~self.labels & self.where

    def padded(self, shape: tuple[int, int]) -> JudgedRows:
        """Return the block filled up to a shape with unobserved entries: one shape, one program."""
        more = [(0, wanted - have) for wanted, have in zip(shape, self.labels.shape)]
        return JudgedRows(*(np.pad(array, more) for array in self))


def row_blocks(given: JudgedRows, groups: int = 1) -> Iterator[tuple[int, int, JudgedRows]]:
    """Yield the group, the first row and the block; row n belongs to group ``n % groups``.

    Args:
        given: The rows.
        groups: How many groups; a block holds every ``groups``-th row from its first on.

    >>> some = np.zeros((3, 1))
    >>> rows = JudgedRows(some, some, None, some, None)
    >>> [(group, start, len(block.labels)) for group, start, block in row_blocks(rows, groups=2)]
    [(0, 0, 2), (1, 1, 1)]
    """
    total, length = given.labels.shape
    size = max(1, min(BLOCK // length, -(-total // groups)))
    for group in range(groups):
        for start in range(group, max(total, 1), size * groups):
            yield group, start, given.take(slice(start, min(start + size * groups, total), groups))
