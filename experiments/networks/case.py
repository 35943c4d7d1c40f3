"""What is trained: yeast, and a network of one hidden layer with its initial parameters."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

LEARNING_RATE = 1e-3


class Weights(NamedTuple):
    """Parameters of the network; kernels are ``[in, out]``."""

    hidden: np.ndarray
    hidden_bias: np.ndarray
    head: np.ndarray
    head_bias: np.ndarray


class Case(NamedTuple):
    """Rows, the first ``rows`` of them to train on, and the settings of a run."""

    features: np.ndarray
    labels: np.ndarray
    rows: int
    batch_size: int
    epochs: int
    width: int

    @property
    def batch(self) -> tuple[np.ndarray, np.ndarray]:
        """The first batch of rows, for one step that is compared."""
        return self.features[: self.batch_size], self.labels[: self.batch_size]

    def weights(self) -> Weights:
        """Return parameters to take one step from."""
        rng = np.random.default_rng(0)
        inputs, outputs = self.features.shape[1], self.labels.shape[1]
        shapes = ((inputs, self.width), (self.width,), (self.width, outputs), (outputs,))
        return Weights(*(rng.normal(0, 0.1, shape).astype(np.float32) for shape in shapes))


def yeast_case(rows: int, batch_size: int, epochs: int, width: int) -> Case:
    """Return that many training rows of yeast, before its official test rows, which measure each epoch."""
    from mlj.data import yeast

    data = yeast()
    features = np.asarray(data.features, np.float32)
    labels = np.asarray(data.labels, np.float32)
    keep = np.r_[:rows, 1500 : len(features)]
    return Case(features[keep], labels[keep], rows, batch_size, epochs, width)
