"""A data set as one model reads it: features as they are, or texts by what was learned from training rows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mlj.comparison.parts import check_reads_features
from mlj.comparison.saved import Inputs
from mlj.comparison.texts import Reader, TokenReader, fit_reader
from mlj.data import Dataset, TextDataset
from mlj.data.missing import feature_means, fill_missing, has_missing
from mlj.data.scaling import Scaling
from mlj.data.streamed import streamed_scaling
from mlj.runs.config import TrainConfig
from mlj.runs.feed import AnyDataset, Division, divide

MOST_NUMBERS = 2**24
"""Token numbers below this are whole in float32, as which a data set keeps them."""


class ReadData(NamedTuple):
    """What a model is trained on."""

    given: AnyDataset | TextDataset
    """As it came."""
    dataset: AnyDataset
    """Features without gaps: those that came, weights of n-grams, or token numbers."""
    division: Division
    means: np.ndarray | None
    """Of the training rows, which stand where features were missing; None if none was."""
    reader: Reader | None
    """How texts are read; None for features."""
    scaling: Scaling | None
    """Of the features; None for token numbers."""

    @property
    def size(self) -> int:
        """How many features or token numbers there are."""
        return self.dataset.num_features if self.reader is None else self.reader.size

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the features, none of token numbers."""
        return () if isinstance(self.reader, TokenReader) else self.dataset.feature_names

    def rows(self, index: np.ndarray) -> Inputs:
        """Return these rows as a saved model takes them: raw features, or texts."""
        if isinstance(self.given, TextDataset):
            return [self.given.texts[row] for row in index]
        return self.dataset.rows(index).features


def read_data(given: AnyDataset | TextDataset, config: TrainConfig) -> ReadData:
    """Divide a data set, and read it as the model of the settings does.

    Raises:
        DataError: If a part would be empty, or the texts of the training part have no words in common.
        ValueError: If the model reads texts and these are features, or there are too many words.
    """
    if isinstance(given, TextDataset):
        return _read_texts(given, config)
    check_reads_features(config.model, given.name)
    division, dataset, means = divide(given, config), given, None
    if isinstance(given, Dataset) and has_missing(given):
        means = feature_means(given, division.train)
        dataset = fill_missing(given, "mean", division.train)
    return ReadData(given, dataset, division, means, None, streamed_scaling(dataset, division.train))


def _read_texts(given: TextDataset, config: TrainConfig) -> ReadData:
    division = divide(given.to_dataset(np.zeros((given.num_samples, 0))), config)
    reader = fit_reader([given.texts[row] for row in division.train], config)
    if isinstance(reader, TokenReader):
        if reader.size > MOST_NUMBERS:
            raise ValueError(f"vocabulary must leave at most {MOST_NUMBERS} numbers, got {reader.size}")
        return ReadData(given, given.to_dataset(reader.read(given.texts)), division, None, reader, None)
    dataset = given.to_dataset(reader.read(given.texts), reader.features.names)
    return ReadData(given, dataset, division, None, reader, streamed_scaling(dataset, division.train))
