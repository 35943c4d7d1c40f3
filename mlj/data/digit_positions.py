"""Real handwritten digits on a canvas, once more: which digit is where?"""

from __future__ import annotations

import numpy as np

from mlj.data.dataset import Dataset
from mlj.data.digits import draw_canvases, pixel_names

POSITIONS = ("upper_left", "upper_right", "lower_left", "lower_right")
"""The cells of a canvas."""

CLASSES = (*map(str, range(10)), "empty")
"""What a cell can show."""


def digit_positions(
    num_samples: int = 4000, *, max_digits: int = 4, cell: int = 12, test_share: float = 0.25, seed: int = 0
) -> Dataset:
    """Return the canvases of :func:`mlj.data.digits` with the answers to four questions of eleven classes.

    Each cell of the canvas shows one of ten digits or none, so each group of eleven labels has exactly one
    present: ``labels.reshape(-1, 4, 11).argmax(axis=2)`` are the classes, 10 for an empty cell. Arguments and
    errors are those of :func:`mlj.data.digits`.

    Returns:
        Features in [0, 1] with the canvas row by row, 44 labels named ``upper_left=7``, the official split.

    >>> data = digit_positions(100)
    >>> data
    Dataset('digit_positions': 100 samples, 576 features, 44 labels)
    >>> data.labels.reshape(-1, 4, 11).sum(axis=2).tolist()[0]
    [1, 1, 1, 1]
    """
    found = draw_canvases(num_samples, max_digits=max_digits, cell=cell, test_share=test_share, seed=seed)
    classes = np.where(found.shown < 0, len(CLASSES) - 1, found.shown)
    return Dataset(
        found.pixels,
        np.eye(len(CLASSES), dtype=np.uint8)[classes].reshape(num_samples, -1),
        feature_names=pixel_names(2 * cell),
        label_names=[f"{position}={name}" for position in POSITIONS for name in CLASSES],
        split=found.split,
        name="digit_positions",
    )
