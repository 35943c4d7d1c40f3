"""Text as features: character n-grams, hashed into a fixed number of columns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp


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
