"""Names for the arrays and functions that the whole library speaks of.

``L`` is the number of labels, ``N`` of samples, ``B`` of samples in a batch; ``...`` stands for any
leading axes. A type says what an array means; its shape is in the docstring that uses it.
"""

from __future__ import annotations

from typing import Protocol, TypeAlias

import jax

Array: TypeAlias = jax.Array

Logits: TypeAlias = jax.Array
"""Real scores ``[..., L]`` before any sigmoid or softmax."""

Scores: TypeAlias = jax.Array
"""Real scores ``[..., L]`` of which only the order counts."""

Probs: TypeAlias = jax.Array
"""Probabilities ``[..., L]`` in [0, 1]."""

Labels: TypeAlias = jax.Array
"""Multi-hot truth ``[..., L]``: bool, integer or float in [0, 1]."""

Predictions: TypeAlias = jax.Array
"""Multi-hot decisions ``[..., L]``, bool."""

Mask: TypeAlias = jax.Array
"""Bool ``[..., L]``; True where the label was observed."""

Weights: TypeAlias = jax.Array
"""Non-negative multipliers ``[..., L]`` of label terms."""

PerSample: TypeAlias = jax.Array
"""One number per sample, ``[...]``."""

Scalar: TypeAlias = float | jax.Array
"""A hyper-parameter: a Python number or a traced scalar."""


class LossFn(Protocol):
    """A per-sample loss, see :mod:`mlj.losses`."""

    def __call__(self, logits: Logits, labels: Labels, **kwargs: object) -> PerSample:
        """Return the cost of each sample, ``[...]``."""


class MetricFn(Protocol):
    """A per-sample metric, see :mod:`mlj.metrics`."""

    def __call__(self, prediction: Array, labels: Labels, **kwargs: object) -> PerSample:
        """Return the value of each sample, ``[...]``."""
