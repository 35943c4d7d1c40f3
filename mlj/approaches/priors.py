"""Label priors of the rows that are trained on: where the outputs of a model start."""

from __future__ import annotations

import numpy as np


def label_prior(labels: np.ndarray, where: np.ndarray | None) -> np.ndarray:
    """Return the share of observed samples that have each label, ``[L]``, by (n + 1) / (N + 2)."""
    observed = np.full(labels.shape[1], len(labels)) if where is None else where.sum(axis=0)
    return (labels.sum(axis=0) + 1.0) / (observed + 2.0)


def prior_logits(prior: np.ndarray) -> np.ndarray:
    """Return the logits ``[L]`` of label priors inside (0, 1)."""
    return np.log(prior) - np.log1p(-prior)


def prior_bias(labels: np.ndarray, where: np.ndarray | None) -> np.ndarray:
    """Return where the bias of the labels' logits starts, float32 ``[L]``: the logits of their priors."""
    return prior_logits(label_prior(labels, where)).astype(np.float32)
