"""From rows of a data set to batches on the device, in memory or from disk."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
import scipy.sparse as sp

from mlj.comparison.parts import pad_rows
from mlj.data import DataError, Dataset, DiskDataset, iterative_stratified_split
from mlj.data.scaling import Scaling, apply_scaling
from mlj.runs.config import TrainConfig
from mlj.training import Batch

AnyDataset = Dataset | DiskDataset
MOST_STRATIFIED = 50_000
"""Rows up to which validation rows are stratified; beyond, chance alone gives each label its share."""


class Division(NamedTuple):
    """Which rows teach and which choose."""

    train: np.ndarray
    """Row numbers."""
    validation: np.ndarray
    """Row numbers."""
    origin: str
    """Where the validation rows come from, in words."""


def divide(dataset: AnyDataset, config: TrainConfig) -> Division:
    """Divide the rows of a data set; those of an official test part are in neither.

    Raises:
        DataError: If a part would be empty.
    """
    split = dataset.split
    usable = np.arange(dataset.num_samples) if split is None else np.flatnonzero(np.isin(split, (0, 1)))
    if split is not None and np.any(split == 1):
        division = Division(
            np.flatnonzero(split == 0), np.flatnonzero(split == 1), "the official validation part"
        )
    else:
        held = min(round(len(usable) * config.validation_share), config.max_validation_rows)
        division = _held_out(dataset, usable, held, config.seed)
    for name, rows in (("training", division.train), ("validation", division.validation)):
        if not len(rows):
            raise DataError(
                f"the {name} part would be empty: {len(usable)} rows can be learned from, "
                f"of which {config.validation_share:.0%} are held out",
                dataset.name,
            )
    return division


def _held_out(dataset: AnyDataset, usable: np.ndarray, held: int, seed: int) -> Division:
    share = f"{held} of {len(usable)} rows"
    if len(usable) <= MOST_STRATIFIED and isinstance(dataset, Dataset):
        where = None if dataset.where is None else dataset.where[usable]
        sizes = (len(usable) - held, held)
        kept, out = iterative_stratified_split(dataset.label_matrix[usable], sizes, seed, where=where)
        return Division(usable[kept], usable[out], f"{share}, iteratively stratified with seed {seed}")
    order = np.random.default_rng(seed).permutation(len(usable))
    return Division(
        np.sort(usable[order[held:]]), np.sort(usable[order[:held]]), f"{share}, at random with seed {seed}"
    )


class Feed:
    """Gathers rows of a data set, scales their features and brings them to the device."""

    def __init__(self, dataset: AnyDataset, scaling: Scaling | None, *, masked: bool):
        """Look at the rows' lengths; nothing is gathered yet.

        Args:
            dataset: In memory or on disk.
            scaling: Of the features; None if they are token numbers, which become int32.
            masked: Whether batches say what was observed.
        """
        self._dataset, self._scaling, self._masked = dataset, scaling, masked
        self._width = None
        if scaling is not None and scaling.row_length is not None:
            self._width = max(int(dataset.longest_row), 1)

    @property
    def bytes_per_row(self) -> int:
        """Memory of one row on the device."""
        features = self._dataset.num_features if self._width is None else 2 * self._width
        return 4 * features + (5 if self._masked else 4) * self._dataset.num_labels

    def __call__(self, rows: np.ndarray, *, capacity: int | None = None) -> Batch:
        """Return these rows in this order, followed by empty ones up to ``capacity``."""
        part = self._dataset.rows(rows)
        more = 0 if capacity is None else capacity - len(rows)
        if self._scaling is None:
            scaled = part.features.astype(np.int32)
        else:
            scaled = apply_scaling(self._scaling, part.features)
        labels = np.pad(part.label_matrix.toarray().astype(np.float32), ((0, more), (0, 0)))
        where = None
        if self._masked:
            observed = np.ones(part.label_matrix.shape, bool) if part.where is None else part.where
            where = jnp.asarray(np.pad(observed, ((0, more), (0, 0))))
        return Batch(self._on_device(scaled, more), jnp.asarray(labels), where)

    def _on_device(self, scaled: np.ndarray | sp.csr_array, more: int):
        if self._width is None:
            return jnp.asarray(np.pad(scaled, ((0, more), (0, 0))) if more else scaled)
        ends = np.pad(scaled.indptr, (0, more), mode="edge")
        shape = (scaled.shape[0] + more, scaled.shape[1])
        return pad_rows(sp.csr_array((scaled.data, scaled.indices, ends), shape), self._width)
