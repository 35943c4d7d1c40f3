"""What a data set is trained, validated and tested on, ready for the device."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
import scipy.sparse as sp

from mlj.comparison.config import CompareConfig
from mlj.comparison.texts import Texts, read_texts
from mlj.data import PARTS, DataError, Dataset, TextDataset, iterative_stratified_split
from mlj.data.missing import fill_missing, has_missing
from mlj.data.scaling import apply_scaling, fit_scaling
from mlj.models import INPUTS, SparseRows
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
    texts: Texts | None = None
    """If the data are texts: these, of which pool and test hold the TF-IDF weights."""


def make_parts(dataset: Dataset | TextDataset, config: CompareConfig) -> Parts:
    """Divide a data set: official parts where it names them, stratified ones where it does not.

    Missing feature values become the mean of their column over the rows that may be learned from. Texts
    become TF-IDF weights of n-grams, or token numbers for a model that reads these; n-grams, weights and
    tokens are those of the rows that may be learned from.

    Raises:
        DataError: If a part would be empty, or the texts have no words in common.
        ValueError: If the model reads texts and these are features.
    """
    texts = None
    if isinstance(dataset, TextDataset):
        whole, dataset = dataset.texts, dataset.to_dataset(np.zeros((dataset.num_samples, 0)))
        pool_rows, test_rows, test_origin = _pool_and_test(dataset, config)
        texts = read_texts([whole[row] for row in pool_rows], [whole[row] for row in test_rows], config)
        names, weights = texts.features.names, texts.features.transform(whole)
        dataset = dataset.replace(features=weights, feature_names=names)
    else:
        for one in config.for_each_model():
            check_reads_features(one.model, dataset.name)
        pool_rows, test_rows, test_origin = _pool_and_test(dataset, config)
    if has_missing(dataset):
        dataset = fill_missing(dataset, "mean", pool_rows)
    pool, test = dataset.rows(pool_rows), dataset.rows(test_rows)
    everything = np.arange(pool.num_samples)
    if dataset.split is not None and (pool.split == 1).any():
        fixed = np.flatnonzero(pool.split == 1)
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
    return Parts(pool, test, train, validation, {"test": test_origin, "validation": origin}, texts)


def check_reads_features(model: str, data: str) -> None:
    """Raise ``ValueError`` if a model reads texts.

    >>> check_reads_features("kim_cnn", "yeast")
    Traceback (most recent call last):
        ...
    ValueError: the model 'kim_cnn' reads texts, and 'yeast' has features: take one of linear, mlp, conv
    """
    if INPUTS.get(model, "features") != "features":
        able = ", ".join(name for name, kind in INPUTS.items() if kind == "features")
        raise ValueError(f"the model {model!r} reads texts, and {data!r} has features: take one of {able}")


def _pool_and_test(dataset: Dataset, config: CompareConfig) -> tuple[np.ndarray, np.ndarray, str]:
    """Return the rows that may be learned from, those of the test part, and where the latter come from."""
    split = dataset.split
    if split is not None and (split == PARTS["test"]).any():
        learned = np.isin(split, (PARTS["train"], PARTS["validation"]))
        return np.flatnonzero(learned), np.flatnonzero(split == PARTS["test"]), "the official test part"
    usable = np.arange(dataset.num_samples) if split is None else np.flatnonzero(split >= 0)
    pool, test = _held_out(dataset, usable, config.test_share, seed=0)
    return pool, test, f"{config.test_share:.0%} of the rows, iteratively stratified with seed 0"


def _held_out(dataset: Dataset, rows: np.ndarray, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    held = round(len(rows) * share)
    where = None if dataset.where is None else dataset.where[rows]
    kept, out = iterative_stratified_split(dataset.labels[rows], (len(rows) - held, held), seed, where=where)
    return rows[kept], rows[out]


def device_batches(parts: Parts, model: str = "mlp") -> tuple[Batch, Batch]:
    """Return the pool and the test part as arrays for JAX.

    Args:
        parts: From :func:`make_parts`.
        model: Who reads them: features scaled by the pool, or token numbers.
    """
    pool, test = parts.pool, parts.test
    scaled = _inputs(parts, model)
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


def _inputs(parts: Parts, model: str) -> list[np.ndarray | sp.csr_array]:
    if INPUTS[model] != "features":
        reader = parts.texts.reader(model)
        return [reader.read(texts) for texts in (parts.texts.pool, parts.texts.test)]
    scaling = fit_scaling(parts.pool.features)
    return [apply_scaling(scaling, part.features) for part in (parts.pool, parts.test)]


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
