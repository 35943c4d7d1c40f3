"""Texts in a comparison: how a model reads them, learned from the texts of the pool and saved with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np
import scipy.sparse as sp

from mlj.comparison.config import CompareConfig
from mlj.data import DataError, TextFeatures, TfidfBlock, Vocabulary, ngram_ids
from mlj.models import INPUTS

BUCKETS = 20_000
"""Numbers that the n-grams of a bag share."""
MOST_TOKENS = 512
"""Tokens that are read of a text at the most, where the settings do not say how many."""
ENOUGH = 0.95
"""Share of the texts that are then read to their end."""


class TextSettings(Protocol):
    """What a comparison and a training run both say of texts and of the models that read them."""

    model: str
    hidden: tuple[int, ...]
    dropout: float | None
    input_dropout: float | None
    vocabulary: int
    text_length: int | None


@dataclass(frozen=True)
class TfidfReader:
    """Reads texts as TF-IDF weights of n-grams."""

    file: ClassVar[str] = "text_features.json"
    features: TextFeatures

    @property
    def size(self) -> int:
        """How many columns there are."""
        return len(self.features.names)

    def read(self, texts: Sequence[str]) -> sp.csr_array:
        """Return weights, CSR ``[N, size]``."""
        return self.features.transform(texts)

    def facts(self) -> dict[str, Any]:
        """Return what a saved model says of its reader."""
        return {"reads": "tfidf", "sha256": self.features.sha256}

    def to_json(self) -> str:
        """Return what was learned, as JSON."""
        return self.features.to_json()


@dataclass(frozen=True)
class TokenReader:
    """Reads texts as token numbers, with those of hashed pairs of tokens if there are buckets for them."""

    file: ClassVar[str] = "vocabulary.json"
    vocabulary: Vocabulary
    length: int
    """Tokens that are read of a text; what stands behind is cut off."""
    buckets: int = 0

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return self.vocabulary.size + self.buckets

    def read(self, texts: Sequence[str]) -> np.ndarray:
        """Return numbers, int32 ``[N, T]``, padded with 0."""
        ids = self.vocabulary.check(self.vocabulary.encode(texts, length=self.length))
        return ngram_ids(ids, self.vocabulary.size, buckets=self.buckets) if self.buckets else ids

    def facts(self) -> dict[str, Any]:
        """Return what a saved model says of its reader."""
        sha256 = self.vocabulary.sha256
        return {"reads": "tokens", "length": self.length, "buckets": self.buckets, "sha256": sha256}

    def to_json(self) -> str:
        """Return what was learned, as JSON."""
        return self.vocabulary.to_json()


Reader = TfidfReader | TokenReader

READER_FILES = MappingProxyType({"tfidf": TfidfReader.file, "tokens": TokenReader.file})
"""Where a saved model keeps its reader."""


class Texts(NamedTuple):
    """The texts of a comparison, and how its models read them."""

    pool: tuple[str, ...]
    test: tuple[str, ...]
    features: TextFeatures
    """TF-IDF weights, fitted on the pool; also what the floors read."""
    readers: Mapping[str, Reader]
    """By what models read, as :data:`mlj.models.INPUTS` says it; all fitted on the pool."""

    def reader(self, model: str) -> Reader:
        """Return how the model of that name reads."""
        return self.readers[INPUTS[model]]


def fit_reader(texts: Sequence[str], config: TextSettings) -> Reader:
    """Learn from texts what one model reads of them.

    Raises:
        DataError: If no word is in two of the texts.
    """
    kind = INPUTS[config.model]
    if kind == "features":
        return TfidfReader(TextFeatures.fit(texts, [TfidfBlock(max_size=config.vocabulary)]))
    return _token_reader(kind, Vocabulary.fit(texts, max_size=config.vocabulary), texts, config)


def _token_reader(
    kind: str, vocabulary: Vocabulary, texts: Sequence[str], config: TextSettings
) -> TokenReader:
    length = config.text_length or _usual_length(vocabulary, texts)
    return TokenReader(vocabulary, length, BUCKETS if kind == "ngrams" else 0)


def read_texts(pool: Sequence[str], test: Sequence[str], config: CompareConfig) -> Texts:
    """Learn from the texts of the pool what the models read.

    Raises:
        DataError: If no word is in two texts of the pool.
    """
    features = TextFeatures.fit(pool, [TfidfBlock(max_size=config.vocabulary)])
    readers: dict[str, Reader] = {"features": TfidfReader(features)}
    kinds = {INPUTS.get(one.model, "features") for one in config.for_each_model()}
    if kinds != {"features"}:
        vocabulary = Vocabulary.fit(pool, max_size=config.vocabulary)
        for kind in ("tokens", "ngrams"):
            readers[kind] = _token_reader(kind, vocabulary, pool, config)
    return Texts(tuple(pool), tuple(test), features, MappingProxyType(readers))


def _usual_length(vocabulary: Vocabulary, texts: Sequence[str]) -> int:
    lengths = (vocabulary.encode(texts, length=MOST_TOKENS).ids > 0).sum(axis=1)
    return max(1, int(np.ceil(np.quantile(lengths, ENOUGH))))


def reader_from(facts: Mapping[str, Any], text: str) -> Reader:
    """Return the reader of a saved model.

    Args:
        facts: What :meth:`TokenReader.facts` said when the model was saved.
        text: What ``to_json`` of the reader gave.

    Raises:
        DataError: If ``text`` is not that reader's, as a vocabulary of another run is not.
    """
    if facts["reads"] == "tfidf":
        features = TextFeatures.from_json(text)
        if features.sha256 != facts["sha256"]:
            raise DataError("the model was made with other text features than these: its columns are others")
        return TfidfReader(features)
    vocabulary = Vocabulary.from_json(text)
    vocabulary.require(facts["sha256"], "the model was")
    return TokenReader(vocabulary, facts["length"], facts["buckets"])


_SIZES: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "kim_cnn": {"spans": (2, 3), "filters": 64, "token_dropout": 0.1},
        "xml_cnn": {"spans": (2, 4), "filters": 32, "pieces": 4},
        "label_attention": {},
        "bag_of_ngrams": {"token_dropout": 0.3},
    }
)
"""Sizes that train in minutes on two cores, as ``experiments/text.py`` has them."""

_SETTINGS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "kim_cnn": {"hidden": "hidden", "dropout": "dropout", "input_dropout": "token_dropout"},
        "xml_cnn": {"hidden": "bottleneck", "dropout": "dropout", "input_dropout": "embedding_dropout"},
        "label_attention": {"input_dropout": "dropout"},
        "bag_of_ngrams": {"hidden": "embedding", "input_dropout": "token_dropout"},
    }
)
"""What the settings of a comparison are called in each model; those that it has not are refused."""


def text_model_options(config: TextSettings) -> dict[str, Any]:
    """Return the options of a model that reads token numbers.

    Raises:
        ValueError: If a setting means nothing to the model.
    """
    names = _SETTINGS[config.model]
    given = {
        "hidden": config.hidden or None,
        "dropout": config.dropout,
        "input_dropout": config.input_dropout,
    }
    found = dict(_SIZES[config.model])
    for setting, value in given.items():
        if value is None:
            continue
        if setting not in names:
            raise ValueError(f"the model {config.model!r} has no {setting}; it has {', '.join(names)}")
        if setting == "hidden" and names[setting] != "hidden":
            if len(value) > 1:
                raise ValueError(f"the model {config.model!r} takes one hidden width, got {list(value)}")
            value = value[0]
        found[names[setting]] = value
    return found
