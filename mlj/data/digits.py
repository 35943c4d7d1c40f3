"""Real handwritten digits, several on one canvas: which digits are there?"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mlj.data.dataset import PARTS, Dataset

_SIDE = 8
_LARGEST_PIXEL = 16.0


def digits(
    num_samples: int = 4000, *, max_digits: int = 4, cell: int = 12, test_share: float = 0.25, seed: int = 0
) -> Dataset:
    """Return canvases with 1 to ``max_digits`` of scikit-learn's 8x8 digits; labels say which are there.

    A canvas is two by two cells. Each digit takes a cell of its own and a random place inside it, so no two
    overlap. The share ``test_share`` of the 1797 images, drawn per digit, is kept for the test canvases: no
    image is in both parts.

    Args:
        num_samples: How many canvases.
        max_digits: The largest number of images on one canvas, 1 to 4; the number is uniform. Two may show
            the same digit, which is one present label.
        cell: The side of a cell, at least 8; the canvas has ``(2 cell)**2`` pixels.
        test_share: The share of canvases (and of images) that are test.
        seed: Same seed, same data.

    Returns:
        Features in [0, 1] with the canvas row by row, ten labels, the official split train, then test.

    Raises:
        ValueError: If an argument is out of its range, or a part would be left without canvases.

    >>> data = digits(100)
    >>> data
    Dataset('digits': 100 samples, 576 features, 10 labels)
    >>> data.part("test").num_samples
    25
    """
    found = draw_canvases(num_samples, max_digits=max_digits, cell=cell, test_share=test_share, seed=seed)
    labels = np.zeros((num_samples, 10), np.uint8)
    rows, cells = np.nonzero(found.shown >= 0)
    labels[rows, found.shown[rows, cells]] = 1
    return Dataset(
        found.pixels,
        labels,
        feature_names=pixel_names(2 * cell),
        label_names=[f"digit_{digit}" for digit in range(10)],
        split=found.split,
        name="digits",
    )


class Canvases(NamedTuple):
    """Drawn canvases and what each of their four cells shows."""

    pixels: np.ndarray
    """In [0, 1], ``[N, (2 cell)**2]``, row by row."""
    shown: np.ndarray
    """The digit in each cell ``[N, 4]``, row by row; -1 where there is none."""
    split: np.ndarray
    """The part of each canvas, ``[N]``, as in :attr:`Dataset.split`."""


def draw_canvases(num_samples: int, *, max_digits: int, cell: int, test_share: float, seed: int) -> Canvases:
    """Draw the canvases of :func:`digits`, whose arguments these are.

    Raises:
        ValueError: If an argument is out of its range, or a part would be left without canvases.
    """
    if not 1 <= max_digits <= 4:
        raise ValueError(f"max_digits must be 1 to 4, got {max_digits}")
    if cell < _SIDE:
        raise ValueError(f"cell must be at least {_SIDE}, the side of an image, got {cell}")
    if num_samples < 2 or not 0 < round(num_samples * test_share) < num_samples:
        raise ValueError(f"{num_samples} samples with test_share {test_share} leave a part without samples")
    from sklearn.datasets import load_digits

    source = load_digits()
    images, target = source.images / _LARGEST_PIXEL, source.target
    rng = np.random.default_rng(seed)
    held_out = _draw_per_digit(target, test_share, rng)
    num_test = round(num_samples * test_share)
    counts = num_samples - num_test, num_test
    parts = [
        _draw(images[pool], target[pool], count, max_digits, cell, rng)
        for pool, count in zip((~held_out, held_out), counts)
    ]
    split = np.repeat([PARTS["train"], PARTS["test"]], counts)
    return Canvases(*(np.vstack(both) for both in zip(*parts)), split)


def pixel_names(side: int) -> list[str]:
    """Return a name for each pixel of a square canvas, row by row."""
    return [f"pixel_{row}_{column}" for row in range(side) for column in range(side)]


def _draw_per_digit(target: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    drawn = np.zeros(len(target), bool)
    for digit in range(10):
        images = rng.permutation(np.flatnonzero(target == digit))
        drawn[images[: max(1, round(len(images) * share))]] = True
    return drawn


def _draw(
    images: np.ndarray, target: np.ndarray, count: int, max_digits: int, cell: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    canvases = np.zeros((count, 2 * cell, 2 * cell), np.float32)
    shown = np.full((count, 4), -1)
    how_many = rng.integers(1, max_digits + 1, count)
    chosen = rng.integers(0, len(images), (count, max_digits))
    cells = rng.permuted(np.tile(np.arange(4), (count, 1)), axis=1)
    shifts = rng.integers(0, cell - _SIDE + 1, (count, max_digits, 2))
    for sample in range(count):
        for slot in range(how_many[sample]):
            image, place = chosen[sample, slot], cells[sample, slot]
            row, column = np.array(divmod(place, 2)) * cell + shifts[sample, slot]
            canvases[sample, row : row + _SIDE, column : column + _SIDE] = images[image]
            shown[sample, place] = target[image]
    return canvases.reshape(count, -1), shown
