"""What a data set is trained, validated and tested on, ready for the device."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
import scipy.sparse as sp

from mlj.comparison.config import CompareConfig
from mlj.data import DataError, Dataset, iterative_stratified_split
from mlj.data.missing import fill_missing, has_missing
from mlj.data.scaling import apply_scaling, fit_scaling
from mlj.models import SparseRows
from mlj.training import Batch


class Parts(NamedTuple):
    """The rows of a comparison."""

    pool: Dataset
    """Everything that may be learned from: training and validation rows."""
    test: Dataset
    """The rows that are scored once."""
    train_rows: list[np.ndarray]
    """For each seed, the rows of the pool that are trained on."""
    validation_rows: list[np.ndarray]
    """For each seed, the rows of the pool that every choice is made on."""
    origin: dict[str, str]
    """Where the test and validation parts come from, in words."""


def make_parts(dataset: Dataset, config: CompareConfig) -> Parts:
    """Divide a data set: official parts where it names them, stratified ones where it does not.

    Missing feature values become the mean of their column over the rows that may be learned from.

    Raises:
        DataError: If a part would be empty.
    """
    official = set() if dataset.split is None else set(np.unique(dataset.split).tolist())
    if 2 in official:
        pool_rows, test_rows = (
            np.flatnonzero(np.isin(dataset.split, (0, 1))),
            np.flatnonzero(dataset.split == 2),
        )
        test_origin = "the official test part"
    else:
        usable = (
            np.arange(dataset.num_samples) if dataset.split is None else np.flatnonzero(dataset.split >= 0)
        )
        pool_rows, test_rows = _held_out(dataset, usable, config.test_share, seed=0)
        test_origin = f"{config.test_share:.0%} of the rows, iteratively stratified with seed 0"
    if has_missing(dataset):
        dataset = fill_missing(dataset, "mean", pool_rows)
    pool, test = dataset.rows(pool_rows), dataset.rows(test_rows)
    everything = np.arange(pool.num_samples)
    if 1 in official:
        fixed = np.flatnonzero(dataset.split[pool_rows] == 1)
        validation = [fixed] * config.seeds
        origin = "the official validation part, the same for every seed"
    else:
        share = config.validation_share
        validation = [_held_out(pool, everything, share, seed=seed)[1] for seed in range(config.seeds)]
        origin = f"{share:.0%} of the training part, iteratively stratified anew for every seed"
    train = [np.setdiff1d(everything, rows) for rows in validation]
    for name, rows in (("training", train[0]), ("validation", validation[0]), ("test", test_rows)):
        if len(rows) == 0:
            raise DataError(f"the {name} part of {dataset.name!r} is empty")
    return Parts(pool, test, train, validation, {"test": test_origin, "validation": origin})


def _held_out(dataset: Dataset, rows: np.ndarray, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    held = round(len(rows) * share)
    where = None if dataset.where is None else dataset.where[rows]
    kept, out = iterative_stratified_split(dataset.labels[rows], (len(rows) - held, held), seed, where=where)
    return rows[kept], rows[out]


def device_batches(parts: Parts) -> tuple[Batch, Batch]:
    """Return the pool and the test part as arrays for JAX, features scaled by the pool."""
    pool, test = parts.pool, parts.test
    scaling = fit_scaling(pool.features)
    scaled = [apply_scaling(scaling, part.features) for part in (pool, test)]
    width = max((int(np.diff(part.indptr).max(initial=1)) for part in scaled if sp.issparse(part)), default=0)
    masked = pool.where is not None or test.where is not None
    return tuple(
        Batch(
            pad_rows(part, width) if sp.issparse(part) else jnp.asarray(part),
            jnp.asarray(data.labels, jnp.float32),
            jnp.asarray(np.ones(data.labels.shape, bool) if data.where is None else data.where)
            if masked
            else None,
        )
        for part, data in zip(scaled, (pool, test))
    )


def pad_rows(features: sp.csr_array, width: int) -> SparseRows:
    """Return the rows of a CSR matrix, each padded to ``width`` entries."""
    lengths = np.diff(features.indptr)
    places = np.arange(features.nnz) - np.repeat(features.indptr[:-1], lengths)
    rows = np.repeat(np.arange(features.shape[0]), lengths)
    indices = np.full((features.shape[0], width), features.shape[1], np.int32)
    values = np.zeros((features.shape[0], width), np.float32)
    indices[rows, places] = features.indices
    values[rows, places] = features.data
    return SparseRows(jnp.asarray(indices), jnp.asarray(values))
