"""Where decisions go wrong: the rows that cost most, and the labels that are taken for one another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mlj.metrics import Counts
from mlj.runs.judged import JudgedRows, row_blocks

WIDE = 2048
"""Labels on either side of the confusions: those with the most errors."""


def mistakes_of(
    given: JudgedRows, worst: np.ndarray, names: list[str], rows: Sequence[int] | None
) -> list[dict[str, Any]]:
    """Name what was missed and added in rows, each with its surprise; most sure of the wrong first.

    Args:
        given: The rows.
        worst: Surprise and number of some rows ``[K, 2]``.
        names: The L names of the labels.
        rows: What the rows are called; None for their numbers.

    >>> rows = JudgedRows(*(np.array([[value]]) for value in (0.3, 0.3, False, 1)), None)
    >>> mistakes_of(rows, np.array([[1.2, 0]]), ["cat"], None)
    [{'row': 0, 'missed': ['cat'], 'added': [], 'present': ['cat'], 'surprise': 1.2}]
    """
    found = []
    for surprise, number in worst:
        row = given.take(slice(int(number), int(number) + 1))
        order = np.argsort(row.probs[0], kind="stable")
        missed, added = (error[0] for error in row.errors())
        found.append(
            {
                "row": int(number) if rows is None else int(rows[int(number)]),
                "missed": [names[label] for label in order if missed[label]],
                "added": [names[label] for label in order[::-1] if added[label]],
                "present": [name for name, here in zip(names, row.labels[0]) if here],
                "surprise": float(surprise) if np.isfinite(surprise) else None,
            }
        )
    return found


def confusions_of(given: JudgedRows, counts: Counts, names: list[str], most: int) -> list[dict[str, Any]]:
    """Count the rows in which one label was missed and another wrongly added, most frequent pair first.

    Only pairs of the :data:`WIDE` labels that were missed most often and the :data:`WIDE` that were added
    most often are counted: a pair cannot be more frequent than either error.

    Args:
        given: The rows.
        counts: Their counts, of which ``fn`` and ``fp`` are used for the choice and ``expected``.
        names: The L names of the labels.
        most: How many pairs are kept.

    Returns:
        Dictionaries with ``missed``, ``added``, ``count``, and ``expected``: the count if the two errors were
        independent, their rates multiplied by the rows in which both labels were observed.

    >>> from mlj.metrics import count
    >>> given = JudgedRows(*[np.array([[0.3, 0.6]])] * 2, np.array([[False, True]]), np.array([[1, 0]]), None)
    >>> confusions_of(given, count(given.predictions, given.labels), ["cat", "dog"], 5)
    [{'missed': 'cat', 'added': 'dog', 'count': 1, 'expected': 1.0}]
    """
    counts = Counts(*(np.asarray(part) for part in counts))
    missed, added = (np.sort(np.argsort(-errors, kind="stable")[:WIDE]) for errors in (counts.fn, counts.fp))
    found = np.zeros((len(missed), len(added)), np.int64)
    for _, _, block in row_blocks(given):
        left, right = (error[:, kept] for error, kept in zip(block.errors(), (missed, added)))
        both = left.any(axis=1) & right.any(axis=1)
        # float32 products go through BLAS and are exact: a block has fewer than 2^24 rows
        found += (left[both].astype(np.float32).T @ right[both].astype(np.float32)).astype(np.int64)
    order = np.argsort(-found, axis=None, kind="stable")[:most]
    pairs = [(i, j) for i, j in zip(*np.unravel_index(order, found.shape)) if found[i, j]]
    left, right = (np.array(side, int) for side in (zip(*pairs) if pairs else ((), ())))
    together = _seen_together(given, missed[left], added[right])
    seen = np.maximum(counts.tp + counts.fp + counts.fn + counts.tn, 1)
    rates = (counts.fn / seen)[missed[left]] * (counts.fp / seen)[added[right]]
    return [
        {
            "missed": names[missed[i]],
            "added": names[added[j]],
            "count": int(found[i, j]),
            "expected": float(rate * number),
        }
        for (i, j), rate, number in zip(pairs, rates, together)
    ]


def _seen_together(given: JudgedRows, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Count the rows in which both labels of each pair were observed."""
    if given.where is None:
        return np.full(len(first), given.labels.shape[0])
    found = np.zeros(len(first), np.int64)
    for _, _, block in row_blocks(given):
        found += np.sum(block.where[:, first] & block.where[:, second], axis=0)
    return found
