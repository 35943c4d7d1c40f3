"""Label sequences as they are written down: lists of names or numbers, checked and padded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mlj.data.errors import DataError
from mlj.data.nearest import nearest


class SequenceTargets(NamedTuple):
    """Label sequences of one length, ready to train a decoder on."""

    targets: np.ndarray
    """Label numbers ``[N, T]``, int32; the end symbol and all padding after it have the number L."""
    where: np.ndarray
    """Bool ``[N, T]``, True up to the end symbol."""


def sequence_targets(
    sequences: Sequence[Sequence[str] | Sequence[int]],
    *,
    label_names: Sequence[str] | None = None,
    num_labels: int | None = None,
    steps: int | None = None,
) -> SequenceTargets:
    """Turn lists of labels, each in the order in which it is to be emitted, into padded targets.

    Args:
        sequences: One list of labels for each sample: names, or numbers from 0. A list may be empty.
        label_names: The names of labels 0 to L - 1; needed for names.
        num_labels: L; needed without ``label_names``.
        steps: Length T of the targets; that of the longest list and its end symbol if None.

    Returns:
        ``targets [N, T]`` and ``where [N, T]``, as :func:`mlj.losses.sequence.label_sequences` makes them
        from multi-hot labels.

    Raises:
        ValueError: If neither ``label_names`` nor ``num_labels`` is given, they differ, or ``steps`` is less
            than 1.
        DataError: If two of ``label_names`` are the same; if a label is unknown or stands twice in a list, or
            a list is too long for ``steps``: the message names the row, the label and its place, all from 0.

    >>> sequence_targets([["sad", "calm"], []], label_names=["calm", "sad"]).targets.tolist()
    [[1, 0, 2], [2, 2, 2]]
    >>> sequence_targets([[0], [1, 0, 1]], num_labels=2)
    Traceback (most recent call last):
        ...
    mlj.data.errors.DataError: row 1: label 1 at place 2 stands already at place 0
    """
    names = None if label_names is None else list(label_names)
    if names is None and num_labels is None:
        raise ValueError("sequence_targets: give label_names or num_labels")
    if names is not None and num_labels not in (None, len(names)):
        raise ValueError(f"sequence_targets: {len(names)} label_names, but num_labels is {num_labels}")
    size = num_labels if names is None else len(names)
    numbers = {} if names is None else {name: number for number, name in enumerate(names)}
    if names is not None and len(numbers) != size:
        twice = next(name for number, name in enumerate(names) if numbers[name] != number)
        raise DataError(f"two labels are named {twice!r}")
    if steps is not None and steps < 1:
        raise ValueError(f"sequence_targets: steps must be at least 1, got {steps}")
    rows = [_numbers(row, sequence, numbers, size) for row, sequence in enumerate(sequences)]
    length = max(map(len, rows), default=0) + 1 if steps is None else steps
    targets = np.full((len(rows), length), size, np.int32)
    for row, labels in enumerate(rows):
        if len(labels) >= length:
            raise DataError(
                f"row {row}: {len(labels)} labels and the end symbol need {len(labels) + 1} steps, "
                f"there are {length}"
            )
        targets[row, : len(labels)] = labels
    count = np.array([len(labels) for labels in rows])
    return SequenceTargets(targets, np.arange(length)[None, :] <= count[:, None])


def _numbers(row: int, sequence: Sequence, numbers: dict[str, int], size: int) -> list[int]:
    """Return the label numbers of one list, each known and only once."""
    if isinstance(sequence, str):
        raise DataError(f"row {row}: wanted a list of labels, got the string {sequence!r}")
    places: dict[int, int] = {}
    for place, label in enumerate(sequence):
        number = _number(row, place, label, numbers, size)
        if number in places:
            raise DataError(
                f"row {row}: label {label!r} at place {place} stands already at place {places[number]}"
            )
        places[number] = place
    return list(places)


def _number(row: int, place: int, label: object, numbers: dict[str, int], size: int) -> int:
    if isinstance(label, str):
        if label in numbers:
            return numbers[label]
        hint = nearest(label, numbers) if numbers else "names need label_names"
        raise DataError(f"row {row}: unknown label {label!r} at place {place}: {hint}")
    if isinstance(label, (bool, np.bool_)) or not isinstance(label, (int, np.integer)):
        raise DataError(f"row {row}: label {label!r} at place {place} is neither a name nor a number")
    if not 0 <= label < size:
        raise DataError(f"row {row}: unknown label {label} at place {place}: numbers are 0 to {size - 1}")
    return int(label)
