"""Text as features: hashed character n-grams, and TF-IDF weights of n-grams of words and characters."""

from __future__ import annotations

import functools
import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

import numpy as np
import scipy.sparse as sp

from mlj.data.dataset import Dataset
from mlj.data.errors import DataError
from mlj.data.text_dataset import TextDataset
from mlj.data.tokens import TokenOptions, json_object, options_from


def hashed_ngrams(
    texts: Sequence[str], *, ngrams: tuple[int, int] = (1, 4), buckets: int = 4096
) -> sp.csr_array:
    """Return the hashed character n-grams of each text, rows of unit Euclidean length.

    Hashing needs no vocabulary, so nothing is learned from the rows, and train and test agree by
    construction.

    Args:
        texts: ``N`` texts.
        ngrams: The shortest and the longest n-gram.
        buckets: The number of columns; n-grams that fall into one column are added.

    Returns:
        CSR float32 ``[N, buckets]``.

    >>> hashed_ngrams(["CCO", "CCN"], buckets=64).shape
    (2, 64)
    """
    from sklearn.feature_extraction.text import HashingVectorizer

    vectorizer = HashingVectorizer(
        analyzer="char",
        ngram_range=ngrams,
        n_features=buckets,
        lowercase=False,
        alternate_sign=False,
        dtype=np.float32,
    )
    return sp.csr_array(vectorizer.transform(texts))


@dataclass(frozen=True, kw_only=True)
class TfidfBlock:
    """One kind of n-grams and how they are weighed."""

    tokens: TokenOptions = field(default_factory=lambda: TokenOptions(ngrams=(1, 2)))
    """How a text is cut."""
    min_count: int = 2
    """In how many texts an n-gram must be to be kept."""
    max_size: int | None = None
    """How many n-grams are kept at the most, those that occur most often."""
    sublinear: bool = True
    """Whether a count c weighs 1 + log c."""

    def vectorizer(self, vocabulary: Sequence[str] | None = None):
        """Return scikit-learn's vectorizer of this block, fitted or not on a vocabulary."""
        from sklearn.feature_extraction.text import TfidfVectorizer

        return TfidfVectorizer(
            min_df=self.min_count,
            max_features=self.max_size,
            sublinear_tf=self.sublinear,
            vocabulary=vocabulary,
            dtype=np.float32,
            **self.tokens.vectorizer_options(),
        )


CHARACTERS = TfidfBlock(tokens=TokenOptions(analyzer="char_wb", ngrams=(2, 5)), min_count=5, max_size=60_000)
"""Characters inside words, which tell what a misspelt or unseen word is like."""


@dataclass(frozen=True)
class TextFeatures:
    """TF-IDF weights of one or more blocks of n-grams, side by side, each block of unit length.

    >>> features = TextFeatures.fit(["salt sea", "salt sky"], [TfidfBlock(min_count=1)])
    >>> features.names
    ('word:salt', 'word:salt sea', 'word:salt sky', 'word:sea', 'word:sky')
    >>> features.transform(["deep sea", "salt water"]).toarray().tolist()
    [[0.0, 0.0, 0.0, 1.0, 0.0], [1.0, 0.0, 0.0, 0.0, 0.0]]
    """

    blocks: tuple[TfidfBlock, ...]
    """What the columns are made of."""
    vocabularies: tuple[tuple[str, ...], ...]
    """The n-grams of each block, in the order of its columns."""
    idfs: tuple[tuple[float, ...], ...]
    """The weight of each n-gram, larger the fewer texts hold it."""

    @classmethod
    def fit(cls, texts: Sequence[str], blocks: Sequence[TfidfBlock]) -> TextFeatures:
        """Return the features of these texts, which should be the training texts alone.

        Raises:
            DataError: If a block keeps no n-gram.
        """
        vocabularies, idfs = [], []
        for block in blocks:
            try:
                vectorizer = block.vectorizer().fit(texts)
            except ValueError as error:
                kind = block.tokens.analyzer
                raise DataError(f"the texts have no {kind} n-grams to keep: {error}") from error
            vocabularies.append(tuple(vectorizer.get_feature_names_out().tolist()))
            idfs.append(tuple(vectorizer.idf_.tolist()))
        return cls(tuple(blocks), tuple(vocabularies), tuple(idfs))

    @functools.cached_property
    def names(self) -> tuple[str, ...]:
        """The name of every column."""
        return tuple(
            f"{block.tokens.analyzer}:{ngram}"
            for block, ngrams in zip(self.blocks, self.vocabularies)
            for ngram in ngrams
        )

    @functools.cached_property
    def sha256(self) -> str:
        """Fingerprint of blocks, n-grams and weights, 64 hexadecimal digits."""
        return hashlib.sha256(json.dumps(self._content()).encode()).hexdigest()

    def transform(self, texts: Sequence[str]) -> sp.csr_array:
        """Return the weights ``[N, D]``, float32; n-grams that were not fitted are left out."""
        parts = []
        for block, ngrams, idf in zip(self.blocks, self.vocabularies, self.idfs):
            vectorizer = block.vectorizer(ngrams)
            vectorizer.idf_ = np.asarray(idf, np.float32)
            parts.append(vectorizer.transform(texts))
        return sp.csr_array(sp.hstack(parts, format="csr", dtype=np.float32))

    def to_dataset(self, data: TextDataset) -> Dataset:
        """Return the data set with these features, named, of all its texts."""
        return data.to_dataset(self.transform(data.texts), self.names)

    def check(self, dataset: Dataset) -> Dataset:
        """Return a data set if its columns are these.

        Raises:
            DataError: If they are not, as when its n-grams come from another run.
        """
        if dataset.feature_names != self.names:
            pairs = zip(dataset.feature_names, self.names)
            first = next((index for index, (got, wanted) in enumerate(pairs) if got != wanted), None)
            where = (
                f"it has {dataset.num_features} columns, not {len(self.names)}"
                if first is None
                else f"column {first} is {dataset.feature_names[first]!r}, not {self.names[first]!r}"
            )
            raise DataError(f"the features of {dataset.name!r} come from another vocabulary: {where}")
        return dataset

    def _content(self) -> dict[str, object]:
        return {
            "blocks": [asdict(block) for block in self.blocks],
            "vocabularies": [list(ngrams) for ngrams in self.vocabularies],
            "idfs": [list(idf) for idf in self.idfs],
        }

    def to_json(self) -> str:
        """Return the features as JSON with their fingerprint."""
        return json.dumps({"sha256": self.sha256, **self._content()}, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> TextFeatures:
        """Return the features that :meth:`to_json` wrote.

        Raises:
            DataError: If it is no such text, or was changed since.
        """
        fields = {"sha256": str, "blocks": list, "vocabularies": list, "idfs": list}
        content = json_object(text, fields, "a set of text features")
        if not len(content["blocks"]) == len(content["vocabularies"]) == len(content["idfs"]):
            raise DataError("a set of text features needs one vocabulary and one list of weights a block")
        for ngrams, idf in zip(content["vocabularies"], content["idfs"]):
            _check_columns(ngrams, idf)
        read = cls(
            tuple(_block(block) for block in content["blocks"]),
            tuple(map(tuple, content["vocabularies"])),
            tuple(map(tuple, content["idfs"])),
        )
        if read.sha256 != content["sha256"]:
            raise DataError("the features were changed after they were written: their fingerprint is another")
        return read


def _check_columns(ngrams: object, idf: object) -> None:
    lists = isinstance(ngrams, list) and isinstance(idf, list) and len(ngrams) == len(idf)
    if not lists or not all(isinstance(ngram, str) for ngram in ngrams):
        raise DataError("a block of text features needs a list of n-grams and as many weights")
    if len(set(ngrams)) != len(ngrams):
        raise DataError("a block of text features holds an n-gram twice")
    if not all(isinstance(weight, float) and math.isfinite(weight) for weight in idf):
        raise DataError("the weights of text features must be finite numbers")


def _block(values: object) -> TfidfBlock:
    if not isinstance(values, dict) or not isinstance(values.get("tokens"), dict):
        raise DataError("a block of text features must be a JSON object with tokens")
    return options_from(TfidfBlock, {**values, "tokens": options_from(TokenOptions, values["tokens"])})
