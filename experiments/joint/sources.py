"""The data sets of the experiment, each with its official test part."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from sources import plain_or_packed

from mlj.data import Dataset, load

MOST_WORDS = 5_000
"""Columns of the Reuters texts: the words that occur in most of the training documents."""


def _mulan(name: str) -> Callable[[Path], Dataset]:
    def read(folder: Path) -> Dataset:
        train, test = (plain_or_packed(folder / name / f"{name}-{part}.arff") for part in ("train", "test"))
        return load(train, test=test)

    return read


def _reuters(folder: Path) -> Dataset:
    """Return R90 with TF-IDF weights of words, whose vocabulary and weights come from the training part."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    from mlj.data import read_reuters

    texts = read_reuters(folder / "reuters21578")
    train = [text for text, part in zip(texts.texts, texts.split) if part == 0]
    vectorizer = TfidfVectorizer(
        sublinear_tf=True, min_df=2, stop_words="english", max_features=MOST_WORDS, dtype=np.float32
    )
    vectorizer.fit(train)
    return texts.to_dataset(vectorizer.transform(texts.texts))


def _built_in(name: str) -> Callable[[Path], Dataset]:
    return lambda folder: load(name)


class Source(NamedTuple):
    """A data set, and what is trained on it."""

    read: Callable[[Path | None], Dataset]
    """From the folder of the downloaded data."""
    folder: str | None = None
    """Where it is in that folder; None for a data set that needs no download."""
    model: str = "mlp"
    """A name in mlj.models.MODELS."""
    approaches: tuple[str, ...] = ()
    """The approaches beside binary relevance; all if empty."""
    max_epochs: int | None = None
    """Fewer passes than elsewhere."""
    learning_rates: tuple[float, ...] = ()
    """Fewer rates than elsewhere: the one of them that binary relevance chose on validation rows, for Reuters
    with more words and for digits with dense layers."""


SOURCES: Mapping[str, Source] = MappingProxyType(
    {
        "yeast": Source(_built_in("yeast")),
        "scene": Source(_mulan("scene"), "scene"),
        "enron": Source(_mulan("enron"), "enron"),
        "digits": Source(_built_in("digits")),
        "digits, convolutions": Source(
            _built_in("digits"),
            model="conv",
            approaches=("conditional_bernoulli_size", "classifier_chain", "sequence_gru", "label_powerset"),
            max_epochs=10,
            learning_rates=(1.5e-3,),
        ),
        "reuters": Source(_reuters, "reuters21578", max_epochs=20, learning_rates=(1.5e-3,)),
        "bibtex": Source(_mulan("bibtex"), "bibtex", max_epochs=15, learning_rates=(4e-3,)),
    }
)
"""The data sets by name."""
