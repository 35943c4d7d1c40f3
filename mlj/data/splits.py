"""Splits that give every part its share of every label, seeded, with the sizes that were asked for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp

from mlj.data.dataset import PARTS, Dataset
from mlj.data.errors import DataError
from mlj.data.labels import label_matrix


def iterative_stratified_split(
    labels: np.ndarray | sp.sparray,
    sizes: Sequence[int] | Sequence[float],
    seed: int = 0,
    *,
    where: np.ndarray | None = None,
    num_labels: int | None = None,
) -> tuple[np.ndarray, ...]:
    """Divide rows so that each part gets its share of the present labels, the rarest label first.

    Again and again the label with the fewest rows left is taken, and each of those rows goes to the part that
    still wants most of that label; ties go to the part that wants most rows, then to chance. Rows without a
    present label fill up at the end. Unlike the original, a part that is full takes no more, so that the
    sizes are exact.

    Args:
        labels: Multi-hot ``[N, L]``, dense or sparse, or lists of present labels ``[N, P]`` with
            ``num_labels``.
        sizes: Rows of each part, which add up to ``N``; or their shares, which add up to 1.
        seed: Same seed, same split.
        where: Bool ``[N, L]``, True where the label was observed; other labels count as absent.
        num_labels: If given, ``labels`` are index lists padded with it.

    Returns:
        Sorted row numbers of each part: disjoint, of exactly the given sizes, every row in one.

    Raises:
        DataError: If the sizes do not add up.

    Reference:
        Sechidis, Tsoumakas and Vlahavas, "On the stratification of multi-label data", ECML PKDD 2011,
        Algorithm 1.

    >>> parts = iterative_stratified_split(np.eye(4, dtype=int).repeat(4, axis=0), (0.75, 0.25))
    >>> [len(part) for part in parts]
    [12, 4]
    """
    if num_labels is None:
        matrix = label_matrix(labels, where=where)
    else:
        matrix = label_matrix(label_indices=labels, num_labels=num_labels, where=where)
    sizes = exact_sizes(matrix.shape[0], sizes)
    assigned = _assign(matrix, np.array(sizes, np.int64), np.random.default_rng(seed))
    parts = tuple(np.flatnonzero(assigned == part) for part in range(len(sizes)))
    if [len(part) for part in parts] != sizes or sum(sizes) != matrix.shape[0]:
        raise AssertionError(f"a split of sizes {[len(part) for part in parts]} where {sizes} were wanted")
    return parts


def exact_sizes(num_rows: int, sizes: Sequence[int] | Sequence[float]) -> list[int]:
    """Return whole sizes that add up to ``num_rows``; shares are rounded by largest remainder.

    >>> exact_sizes(10, (0.5, 0.25, 0.25))
    [5, 3, 2]
    """
    values = np.asarray(sizes)
    if values.ndim != 1 or not len(values) or (values < 0).any():
        raise DataError(f"sizes must be a list of non-negative numbers, got {sizes}")
    if np.issubdtype(values.dtype, np.integer):
        if values.sum() != num_rows:
            raise DataError(f"sizes {values.tolist()} add up to {values.sum()}, not to the {num_rows} rows")
        return values.tolist()
    if abs(values.sum() - 1) > 1e-6:
        raise DataError(f"shares {values.tolist()} add up to {values.sum():g}, not to 1")
    wanted = values * num_rows
    whole = np.floor(wanted + 1e-9).astype(int)
    order = np.argsort(whole - wanted, kind="stable")
    whole[order[: num_rows - whole.sum()]] += 1
    return whole.tolist()


def _assign(matrix: sp.csr_array, room: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the part of each row. ``wants[p][l]`` is how many more rows with label l part p should get."""
    num_rows, num_labels = matrix.shape
    left = np.bincount(matrix.indices, minlength=num_labels)
    wants = np.outer(room / max(num_rows, 1), left)
    assigned = np.full(num_rows, -1)
    present = np.split(matrix.indices, matrix.indptr[1:-1])
    by_label = sp.csc_array(matrix)
    by_label.sort_indices()
    while (left > 0).any():
        # Labels with nothing left compare as the largest, so that the minimum is the rarest that still has
        # rows.
        label = int(np.argmin(np.where(left > 0, left, num_rows + 1)))
        rows = by_label.indices[by_label.indptr[label] : by_label.indptr[label + 1]]
        for row in rng.permutation(rows[assigned[rows] < 0]):
            part = _most_wanting(wants[:, label], room, rng)
            assigned[row] = part
            room[part] -= 1
            wants[part, present[row]] -= 1
            left[present[row]] -= 1
    rest = np.flatnonzero(assigned < 0)
    assigned[rng.permutation(rest)] = np.repeat(np.arange(len(room)), room)
    return assigned


def _most_wanting(wants: np.ndarray, room: np.ndarray, rng: np.random.Generator) -> int:
    best, tied = -1, 0
    top = (-np.inf, -1)
    for part, (want, space) in enumerate(zip(wants.tolist(), room.tolist())):
        if space <= 0 or (want, space) < top:
            continue
        tied = tied + 1 if (want, space) == top else 1
        # Keeping the n-th of n equals with probability 1/n makes each of them equally likely.
        if tied == 1 or rng.integers(tied) == 0:
            best = part
        top = (want, space)
    return best


def k_folds(
    labels: np.ndarray | sp.sparray,
    k: int,
    seed: int = 0,
    *,
    where: np.ndarray | None = None,
    num_labels: int | None = None,
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return ``k`` pairs of train rows and held-out rows, stratified over all labels.

    Every row is held out once; the sizes of the folds differ by at most 1.

    The arguments are those of :func:`iterative_stratified_split`.

    >>> [(len(train), len(held_out)) for train, held_out in k_folds(np.eye(5, dtype=int), 2)]
    [(2, 3), (3, 2)]
    """
    num_rows = labels.shape[0]
    if not 2 <= k <= num_rows:
        raise DataError(f"k must be 2 to {num_rows} (the rows), got {k}")
    sizes = [num_rows // k + (fold < num_rows % k) for fold in range(k)]
    parts = iterative_stratified_split(labels, sizes, seed, where=where, num_labels=num_labels)
    every = np.arange(num_rows)
    return [(np.setdiff1d(every, held_out, assume_unique=True), held_out) for held_out in parts]


def train_validation_test_split(
    dataset: Dataset, *, validation: float = 0.2, test: float = 0.2, seed: int = 0
) -> Dataset:
    """Return the data set with all three parts in its split; what an official split says is kept.

    Test rows are drawn from the train rows only if no row is test, then validation rows only if no row is
    validation; both are stratified (:func:`iterative_stratified_split`). Rows that the official split leaves
    out stay out.

    Args:
        dataset: With or without an official split.
        validation: The share of the train rows (what test leaves) that become validation.
        test: The share of all rows that become test, where there is no official test part.
        seed: Same seed, same split.

    Raises:
        DataError: If a part would have no row.

    >>> data = train_validation_test_split(Dataset(np.eye(10), np.eye(10)[:, :2]), seed=1)
    >>> [data.part(part).num_samples for part in ("train", "validation", "test")]
    [6, 2, 2]
    """
    split = np.zeros(dataset.num_samples, np.int8) if dataset.split is None else dataset.split.copy()
    for part, share, draw in (("test", test, 0), ("validation", validation, 1)):
        if (split == PARTS[part]).any():
            continue
        pool = np.flatnonzero(split == PARTS["train"])
        size = round(len(pool) * share)
        if not 0 < size < len(pool):
            raise DataError(f"a {part} share of {share} of {len(pool)} rows leaves a part without rows")
        where = None if dataset.where is None else dataset.where[pool]
        sizes = (len(pool) - size, size)
        # Two draws from one seed must not be the same draw.
        _, drawn = iterative_stratified_split(dataset.label_matrix[pool], sizes, [seed, draw], where=where)
        split[pool[drawn]] = PARTS[part]
    return dataset.replace(split=split)
