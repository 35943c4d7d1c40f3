"""The data sets of the text experiment: their rows, and their texts as features and as token numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from sources import plain_or_packed

from mlj.comparison.parts import pad_rows
from mlj.data import iterative_stratified_split
from mlj.data.fasttext import read_fasttext
from mlj.data.text import TextFeatures, TfidfBlock
from mlj.data.text_dataset import TextDataset
from mlj.data.tokens import Vocabulary, ngram_ids
from mlj.models import SparseRows
from texts.learning import Folds


class Source(NamedTuple):
    """A data set and what is asked of it."""

    read: Callable[[Path], TextDataset]
    """``read(data_dir)``."""
    blocks: tuple[TfidfBlock, ...]
    """Its TF-IDF features."""
    length: int
    """Tokens that a network reads of a text at the most."""
    metric: str
    """What the number of passes is chosen by."""
    goals: dict[str, float]
    """Metrics of the test part that were to be reached."""
    remark: str = ""
    """What a reader of its results must know."""

    def said(self) -> dict[str, object]:
        """Return all that results depend on but the data, as JSON can hold it."""
        return {
            "blocks": [asdict(block) for block in self.blocks],
            "length": self.length,
            "metric": self.metric,
        }


class Texts(NamedTuple):
    """A data set divided: the rows that may be learned from come first."""

    data: TextDataset
    """Training, validation and test rows, in this order."""
    num_train: int
    num_pool: int
    """Training and validation rows together."""


class Inputs(NamedTuple):
    """Features of the pool and of the test rows, and how many columns or numbers there are."""

    pool: Any
    test: Any
    size: int


def read_cooking(folder: Path) -> TextDataset:
    """Return the titles of the cooking forum, whose published validation file is the test part."""
    folder = folder / "cooking_stackexchange"
    train, test = (plain_or_packed(folder / f"cooking.{part}") for part in ("train", "valid"))
    return read_fasttext(train, test=test)


def divided(data: TextDataset) -> Texts:
    """Return the rows of a data set in the order train, validation, test."""
    train, test = data.part_rows("train"), data.part_rows("test")
    validation = np.flatnonzero(data.split == 1)
    order = np.concatenate([train, validation, test])
    return Texts(data.rows(order), len(train), len(train) + len(validation))


def folds_of(texts: Texts, number: int, seed: int) -> Folds:
    """Return the official validation part as the only fold, or ``number`` stratified fifths of the pool."""
    rows = np.arange(texts.num_pool)
    if texts.num_pool > texts.num_train:
        return Folds([rows[: texts.num_train]], [rows[texts.num_train :]])
    size = texts.num_pool // 5
    sizes = [size] * 4 + [texts.num_pool - 4 * size]
    parts = iterative_stratified_split(texts.data.label_matrix[: texts.num_pool], sizes, seed)
    held = [part[:size] for part in parts[:number]]
    return Folds([np.setdiff1d(rows, part) for part in held], held)


def tfidf(texts: Texts, source: Source, scale: float) -> Inputs:
    """Return TF-IDF weights times ``scale``, n-grams and weights fitted on the training rows."""
    features = TextFeatures.fit(texts.data.texts[: texts.num_train], source.blocks)
    matrix = features.transform(texts.data.texts)
    rows = pad_rows(matrix, int(np.diff(matrix.indptr).max()))
    rows = SparseRows(rows.indices, rows.values * scale)
    return Inputs(*_parted(rows, texts), matrix.shape[1])


def tokens(texts: Texts, source: Source, buckets: int = 0) -> Inputs:
    """Return token numbers, with hashed pairs of tokens if there are ``buckets`` for them."""
    vocabulary = Vocabulary.fit(texts.data.texts[: texts.num_train], max_size=20_000)
    ids = vocabulary.check(vocabulary.encode(texts.data.texts, length=source.length))
    if buckets:
        ids = ngram_ids(ids, vocabulary.size, buckets=buckets)
    return Inputs(*_parted(jnp.asarray(ids), texts), vocabulary.size + buckets)


def _parted(rows: Any, texts: Texts) -> tuple[Any, Any]:
    if isinstance(rows, SparseRows):
        pairs = [_parted(leaf, texts) for leaf in rows]
        return tuple(SparseRows(*leaves) for leaves in zip(*pairs))
    return rows[: texts.num_pool], rows[texts.num_pool :]
