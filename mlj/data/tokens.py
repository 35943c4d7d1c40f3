"""Texts as rows of token numbers, by a vocabulary that knows only what it was fitted on.

Texts are cut into tokens by scikit-learn's analyzers. A :class:`Vocabulary` gives each token it keeps a
number; 0 is padding and 1 is every other token. It has a fingerprint, which the token numbers carry: numbers
of one vocabulary are never looked up in another.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from itertools import chain
from typing import NamedTuple

import numpy as np

from mlj.data.errors import DataError

PADDING = 0
"""The number behind the end of a text."""
UNKNOWN = 1
"""The number of every token that the vocabulary does not hold."""
_FIRST = 2
_ANALYZERS = ("word", "char", "char_wb")
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, kw_only=True)
class TokenOptions:
    """How a text is cut into tokens, in the words of scikit-learn's ``CountVectorizer``."""

    analyzer: str = "word"
    """``word``, ``char`` or ``char_wb`` (characters inside a word)."""
    ngrams: tuple[int, int] = (1, 1)
    """The shortest and the longest n-gram."""
    lowercase: bool = True
    """Whether capitals are made small first."""
    token_pattern: str = r"\w+|[^\w\s]"
    """What a word is, as a regular expression; by default also every single mark and emoji."""
    stop_words: str | None = None
    """``english`` to leave out scikit-learn's list of frequent words."""

    def __post_init__(self):
        """Refuse options that no analyzer has."""
        object.__setattr__(self, "ngrams", tuple(self.ngrams))
        if self.analyzer not in _ANALYZERS:
            raise ValueError(f"TokenOptions: analyzer must be one of {_ANALYZERS}, got {self.analyzer!r}")
        whole = all(isinstance(length, int) for length in self.ngrams)
        if not whole or len(self.ngrams) != 2 or not 1 <= self.ngrams[0] <= self.ngrams[1]:
            raise ValueError(f"TokenOptions: ngrams must be (shortest, longest), got {self.ngrams}")
        if self.stop_words not in (None, "english"):
            raise ValueError(f"TokenOptions: stop_words must be None or 'english', got {self.stop_words!r}")
        if not isinstance(self.lowercase, bool):
            raise ValueError(f"TokenOptions: lowercase must be True or False, got {self.lowercase!r}")
        try:
            re.compile(self.token_pattern)
        except (re.error, TypeError) as error:
            raise ValueError(f"TokenOptions: token_pattern {self.token_pattern!r}: {error}") from error

    def vectorizer_options(self) -> dict[str, object]:
        """Return the options as scikit-learn's vectorizers take them."""
        words = self.analyzer == "word"
        return {
            "analyzer": self.analyzer,
            "ngram_range": self.ngrams,
            "lowercase": self.lowercase,
            "token_pattern": self.token_pattern if words else None,
            "stop_words": self.stop_words if words else None,
        }

    def build(self) -> Callable[[str], list[str]]:
        """Return the function from a text to its tokens."""
        from sklearn.feature_extraction.text import CountVectorizer

        return CountVectorizer(**self.vectorizer_options()).build_analyzer()


class EncodedTexts(NamedTuple):
    """Token numbers, and whose they are."""

    ids: np.ndarray
    """int32 ``[N, T]``; a text's tokens come first, then 0."""
    vocabulary: str
    """Fingerprint of the vocabulary that made them."""


@dataclass(frozen=True)
class Vocabulary:
    """The tokens that have a number of their own.

    >>> vocabulary = Vocabulary.fit(["the salt sea", "the sky"], min_count=1)
    >>> vocabulary.size, vocabulary.tokens
    (6, ('the', 'salt', 'sea', 'sky'))
    >>> vocabulary.encode(["the deep sea", "sky"]).ids.tolist()
    [[2, 1, 4], [5, 0, 0]]
    """

    tokens: tuple[str, ...]
    """Token ``i`` has the number ``i + 2``; the most frequent comes first."""
    options: TokenOptions = field(default_factory=TokenOptions)
    """How texts are cut."""

    def __post_init__(self):
        """Refuse a vocabulary without tokens, or with one twice."""
        object.__setattr__(self, "tokens", tuple(self.tokens))
        wrong = next((token for token in self.tokens if not isinstance(token, str)), None)
        if wrong is not None:
            raise DataError(f"the tokens of a vocabulary are strings, got {wrong!r}")
        if not self.tokens:
            raise DataError("the vocabulary is empty: no token was frequent enough, or there are no texts")
        if len(set(self.tokens)) != len(self.tokens):
            token = next(token for token, count in Counter(self.tokens).items() if count > 1)
            raise DataError(f"the vocabulary holds token {token!r} twice")

    @classmethod
    def fit(
        cls,
        texts: Sequence[str],
        *,
        options: TokenOptions | None = None,
        min_count: int = 2,
        max_size: int | None = None,
    ) -> Vocabulary:
        """Return the vocabulary of these texts, which should be the training texts alone.

        Args:
            texts: What to count tokens in.
            options: How texts are cut.
            min_count: In how many texts a token must be to be kept.
            max_size: How many tokens are kept at the most, the most frequent first, then by the alphabet; if
                None, all of them, and of equals the first that was seen comes first.

        Raises:
            DataError: If no token is kept, or the texts are a single string.
            ValueError: If ``min_count`` or ``max_size`` is less than 1.
        """
        options = options or TokenOptions()
        for name, value in (("min_count", min_count), ("max_size", max_size)):
            if value is not None and value < 1:
                raise ValueError(f"Vocabulary.fit: {name} must be at least 1, got {value}")
        _refuse_string(texts)
        analyze = options.build()
        counts = Counter(chain.from_iterable(dict.fromkeys(analyze(text)) for text in texts))
        frequent = [(-count, token) for token, count in counts.items() if count >= min_count]
        kept = sorted(frequent, key=lambda pair: pair[0] if max_size is None else pair)
        return cls(tuple(token for _, token in kept[:max_size]), options)

    @property
    def size(self) -> int:
        """How many numbers there are, with padding and unknown: the rows of an embedding table."""
        return len(self.tokens) + _FIRST

    @functools.cached_property
    def sha256(self) -> str:
        """Fingerprint of tokens and options, 64 hexadecimal digits."""
        return hashlib.sha256(json.dumps(self._content()).encode()).hexdigest()

    @functools.cached_property
    def _numbers(self) -> dict[str, int]:
        return {token: number for number, token in enumerate(self.tokens, start=_FIRST)}

    def encode(self, texts: Sequence[str], *, length: int | None = None) -> EncodedTexts:
        """Return the token numbers of the texts.

        Args:
            texts: ``N`` texts.
            length: ``T``; what stands behind it is cut off. The longest text decides if it is None.

        Raises:
            DataError: If the texts are a single string.
            ValueError: If ``length`` is less than 1.
        """
        if length is not None and length < 1:
            raise ValueError(f"Vocabulary.encode: length must be at least 1, got {length}")
        _refuse_string(texts)
        analyze, numbers = self.options.build(), self._numbers
        rows = [[numbers.get(token, UNKNOWN) for token in analyze(text)[:length]] for text in texts]
        width = length or max(1, max(map(len, rows), default=1))
        ids = np.full((len(rows), width), PADDING, np.int32)
        for row, found in enumerate(rows):
            ids[row, : len(found)] = found
        return EncodedTexts(ids, self.sha256)

    def check(self, encoded: EncodedTexts) -> np.ndarray:
        """Return the token numbers if this vocabulary made them.

        Raises:
            DataError: If another did.

        >>> one, other = Vocabulary(("salt", "sea")), Vocabulary(("sea", "salt"))
        >>> other.check(one.encode(["salt"]))
        Traceback (most recent call last):
            ...
        mlj.data.errors.DataError: the token numbers were made with the vocabulary cb79ff0050db..., this one
        is 315a149097d9...: its numbers stand for other tokens
        """
        self.require(encoded.vocabulary, "the token numbers were")
        return encoded.ids

    def require(self, sha256: str, what: str) -> None:
        """Raise ``DataError`` unless ``sha256`` is the fingerprint of this vocabulary.

        Args:
            sha256: The fingerprint that a model or data set was stored with.
            what: What was stored, for the message, with its verb: ``'the model was'``.
        """
        if sha256 != self.sha256:
            raise DataError(
                f"{what} made with the vocabulary {sha256[:12]}..., this one is {self.sha256[:12]}...: "
                "its numbers stand for other tokens"
            )

    def _content(self) -> dict[str, object]:
        return {"options": asdict(self.options), "tokens": list(self.tokens)}

    def to_json(self) -> str:
        """Return the vocabulary as JSON with its fingerprint."""
        return json.dumps({"sha256": self.sha256, **self._content()}, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Vocabulary:
        """Return the vocabulary that :meth:`to_json` wrote.

        Raises:
            DataError: If it is no such text, or was changed since.

        >>> vocabulary = Vocabulary(("salt", "sea"))
        >>> Vocabulary.from_json(vocabulary.to_json()) == vocabulary
        True
        """
        content = json_object(text, {"sha256": str, "options": dict, "tokens": list}, "a vocabulary")
        read = cls(tuple(content["tokens"]), options_from(TokenOptions, content["options"]))
        if read.sha256 != content["sha256"]:
            raise DataError("the vocabulary was changed after it was written: its fingerprint is another")
        return read


def _refuse_string(texts: object) -> None:
    if isinstance(texts, str):
        raise DataError(f"wanted a list of texts, got the string {texts[:40]!r}")


def json_object(text: str, fields: dict[str, type], what: str) -> dict[str, object]:
    """Return the JSON object in ``text`` if it has exactly these fields, or raise a ``DataError``."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{what} must be JSON: {error}") from error
    if not isinstance(content, dict) or set(content) != set(fields):
        raise DataError(f"{what} must be a JSON object of {', '.join(fields)}")
    for name, kind in fields.items():
        if not isinstance(content[name], kind):
            raise DataError(f"{name} of {what} must be a {kind.__name__}")
    return content


def options_from(kind: type, values: dict[str, object]):
    """Return the options that were stored by their names, or raise a ``DataError``."""
    try:
        return kind(**values)
    except (TypeError, ValueError) as error:
        raise DataError(f"the options cannot be used: {error}") from error


def ngram_ids(ids: np.ndarray, first: int, *, buckets: int, longest: int = 2) -> np.ndarray:
    """Return token numbers followed by the numbers of their hashed n-grams.

    An n-gram of 2 to ``longest`` neighbouring tokens falls into one of ``buckets`` numbers from ``first`` on,
    by a multiplicative hash; what falls together is one feature. Nothing is learned from the rows.

    Args:
        ids: Token numbers ``[N, T]``, padded with 0 at the end.
        first: The number of the first bucket, which is the size of the vocabulary.
        buckets: How many numbers n-grams share.
        longest: Tokens of the longest n-gram.

    Returns:
        int32 ``[N, W]``, every row's numbers first, then 0; W is as long as the longest row needs.

    Raises:
        ValueError: If ``ids`` are not ``[N, T]``, one of them is not below ``first``, ``buckets`` or
            ``longest`` is less than 1, or the numbers do not fit into int32.

    >>> ngram_ids(np.array([[2, 3, 0], [2, 3, 2]]), 4, buckets=10).shape
    (2, 5)
    """
    if ids.ndim != 2 or (ids.size and not 0 <= ids.min() <= ids.max() < first):
        raise ValueError(f"ngram_ids: ids must be [N, T] below first = {first}, got {list(ids.shape)}")
    if buckets < 1 or longest < 1:
        raise ValueError(f"ngram_ids: buckets and longest must be at least 1, got {buckets} and {longest}")
    if first + buckets > np.iinfo(np.int32).max:
        raise ValueError(f"ngram_ids: first + buckets must fit into int32, got {first} + {buckets}")
    found, code = [ids.astype(np.int64)], ids.astype(np.uint64)
    for extra in range(1, min(longest, ids.shape[1])):
        code = code[:, :-1] * _MULTIPLIER + ids[:, extra:].astype(np.uint64) + np.uint64(extra)
        bucket = ((code * _MULTIPLIER) >> np.uint64(32)) % np.uint64(buckets)
        found.append(np.where(ids[:, extra:] == PADDING, PADDING, bucket.astype(np.int64) + first))
    joined = np.concatenate(found, axis=1)
    order = np.argsort(joined == PADDING, axis=1, kind="stable")
    width = max(1, int((joined != PADDING).sum(axis=1).max(initial=1)))
    return np.take_along_axis(joined, order, axis=1)[:, :width].astype(np.int32)
