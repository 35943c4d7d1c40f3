"""Texts with their labels, before anything has been made of their words."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from mlj.data.dataset import PARTS, Dataset
from mlj.data.errors import DataError
from mlj.data.labels import label_matrix


@dataclass(frozen=True, init=False, eq=False, repr=False)
class TextDataset:
    """Texts, their labels and the official split; nothing in it can be changed.

    Args:
        texts: ``N`` texts.
        labels: Zeros and ones ``[N, L]``, dense or sparse.
        label_names: ``L`` distinct names.
        split: Official split ``[N]``: 0 train, 1 validation, 2 test, -1 unused; None if there is none.
        name: What to call the data set in reports.

    Raises:
        DataError: If there are not as many texts as rows of labels, a text is no string, or the labels, names
            or split are such as :class:`mlj.data.Dataset` refuses.

    >>> data = TextDataset(["wet salt", "blue air"], np.eye(2, dtype=int), label_names=("sea", "sky"))
    >>> data
    TextDataset('texts': 2 texts, 2 labels)
    >>> data.to_dataset(np.ones((2, 3)))
    Dataset('texts': 2 samples, 3 features, 2 labels)
    """

    texts: tuple[str, ...]
    label_matrix: sp.csr_array
    label_names: tuple[str, ...]
    split: np.ndarray | None
    name: str

    def __init__(
        self,
        texts: Sequence[str],
        labels: np.ndarray | sp.sparray,
        *,
        label_names: Sequence[str],
        split: np.ndarray | None = None,
        name: str = "texts",
    ):
        texts = tuple(texts)
        wrong = next((row for row, text in enumerate(texts) if not isinstance(text, str)), None)
        if wrong is not None:
            raise DataError(f"text {wrong} is {type(texts[wrong]).__name__}, not a string")
        matrix = label_matrix(labels)
        if matrix.shape[0] != len(texts):
            raise DataError(f"{len(texts)} texts but {matrix.shape[0]} rows of labels")
        # A data set without features checks the names and the split.
        checked = Dataset(np.zeros((len(texts), 0)), matrix, label_names=label_names, split=split, name=name)
        for field in ("label_matrix", "label_names", "split", "name"):
            object.__setattr__(self, field, getattr(checked, field))
        object.__setattr__(self, "texts", texts)

    def __repr__(self) -> str:
        return f"TextDataset({self.name!r}: {self.num_samples} texts, {self.num_labels} labels)"

    @property
    def num_samples(self) -> int:
        """The number of texts, ``N``."""
        return len(self.texts)

    @property
    def num_labels(self) -> int:
        """The number of labels, ``L``."""
        return self.label_matrix.shape[1]

    @property
    def labels(self) -> np.ndarray:
        """Multi-hot labels, uint8 ``[N, L]``."""
        return self.label_matrix.toarray()

    @property
    def where(self) -> None:
        """Which labels were observed: None, since of texts all are."""
        return None

    @functools.cached_property
    def sha256(self) -> str:
        """Fingerprint of everything but the data set's own name, 64 hexadecimal digits."""
        without_texts = self.to_dataset(np.zeros((self.num_samples, 0))).sha256
        return hashlib.sha256(json.dumps([without_texts, self.texts]).encode()).hexdigest()

    def describe(self) -> dict[str, object]:
        """Return the characteristics of the texts and labels.

        Those that :meth:`mlj.data.Dataset.describe` gives, but for what it says of features; rows are the
        same if their texts are. ``words`` is the mean number of words of a text, parted by white space.

        >>> data = TextDataset(["wet salt", "blue"], np.eye(2, dtype=int), label_names=("sea", "sky"))
        >>> facts = data.describe()
        >>> facts["words"], facts["cardinality"], facts["duplicated_rows"]
        (1.5, 1.0, 0)
        """
        first: dict[str, int] = {}
        same = [[first.setdefault(text, row)] for row, text in enumerate(self.texts)]
        facts = self.to_dataset(np.array(same, float).reshape(-1, 1)).describe()
        words = sum(len(text.split()) for text in self.texts) / max(self.num_samples, 1)
        replaced = {"features": ("words", words), "sha256": ("sha256", self.sha256)}
        return dict(replaced.get(key, (key, fact)) for key, fact in facts.items() if key != "feature_density")

    def part_rows(self, *parts: str) -> np.ndarray:
        """Return the row numbers of these parts of the official split, in the order of the file.

        Raises:
            DataError: If there is no official split, a part is unknown, or no row is in any of them.
        """
        unknown = [part for part in parts if part not in PARTS]
        if unknown:
            raise DataError(f"unknown part {unknown[0]!r}; known: {', '.join(PARTS)}")
        if self.split is None:
            raise DataError(f"{self.name} has no official split")
        rows = np.flatnonzero(np.isin(self.split, [PARTS[part] for part in parts]))
        if not len(rows):
            raise DataError(f"the split of {self.name} has no {' or '.join(parts)} rows")
        return rows

    def rows(self, index: np.ndarray) -> TextDataset:
        """Return the texts that ``index`` names (integers or a bool mask), in that order."""
        index = np.arange(self.num_samples)[index]
        return TextDataset(
            [self.texts[row] for row in index],
            self.label_matrix[index],
            label_names=self.label_names,
            split=None if self.split is None else self.split[index],
            name=self.name,
        )

    def to_dataset(
        self, features: np.ndarray | sp.csr_array, feature_names: Sequence[str] | None = None
    ) -> Dataset:
        """Return the data set of these labels with ``features [N, D]`` that were made of the texts.

        Raises:
            DataError: If there are not as many rows of features as texts.
        """
        return Dataset(
            features,
            self.label_matrix,
            feature_names=feature_names,
            label_names=self.label_names,
            split=self.split,
            name=self.name,
        )


def from_label_lists(
    texts: Sequence[str],
    label_lists: Sequence[Sequence[str]],
    label_names: Sequence[str],
    *,
    split: np.ndarray | None,
    name: str,
) -> TextDataset:
    """Return the texts with labels that are given by name; each list holds distinct known names.

    >>> from_label_lists(["a", "b"], [["x"], []], ["x", "y"], split=None, name="d").labels.tolist()
    [[1, 0], [0, 0]]
    """
    column = {label: index for index, label in enumerate(label_names)}
    columns = [column[label] for labels in label_lists for label in labels]
    ends = np.cumsum([0, *(len(labels) for labels in label_lists)])
    matrix = sp.csr_array(
        (np.ones(len(columns), np.uint8), np.array(columns, np.int32), ends),
        shape=(len(texts), len(label_names)),
    )
    return TextDataset(texts, matrix, label_names=label_names, split=split, name=name)
