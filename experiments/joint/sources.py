"""The data sets of the experiment, each with its official test part."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
from sources import plain_or_packed

from mlj.data import Dataset, load

MOST_WORDS = 20_000
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


SOURCES: Mapping[str, Callable[[Path], Dataset]] = MappingProxyType(
    {
        "yeast": _built_in("yeast"),
        "scene": _mulan("scene"),
        "enron": _mulan("enron"),
        "digits": _built_in("digits"),
        "reuters": _reuters,
        "bibtex": _mulan("bibtex"),
    }
)
"""Functions from the folder of the downloaded data to a data set, by name."""

FOLDERS: Mapping[str, str] = MappingProxyType(
    {"scene": "scene", "enron": "enron", "reuters": "reuters21578", "bibtex": "bibtex"}
)
"""Where each data set is in the folder of them all; those that are not here need none."""
