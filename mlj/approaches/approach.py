"""What every approach is: a model, its loss and its decoders, as pure functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from flax import nnx

from mlj.training import Batch, Params
from mlj.types import Array, PerSample, Predictions, Scalar, Scores

Options = dict[str, Array]
"""Arrays that belong to a model and are not trained, such as the labelsets it chooses from."""


class Task(NamedTuple):
    """What an approach may know of the data before it is built: sizes, and the module under its outputs.

    It holds no rows, so that a saved model can be built again without the data it was trained on.
    """

    num_labels: int
    """L."""
    num_labelsets: int
    """How many distinct labelsets the rows have that may be learned from."""
    largest_labelset: int
    """The most labels that one of them has."""
    missing: bool
    """Whether some labels are not observed, so that batches come with ``where``."""
    make_trunk: Callable[[nnx.Rngs], nnx.Module]
    """Makes the module that turns features into a representation; ``trunk.num_outputs`` is its width."""
    make_model: Callable[[int, Array | None, nnx.Rngs], nnx.Module]
    """``make_model(num_outputs, output_bias, rngs)``: such a module with a linear head, for approaches whose
    outputs are one row of numbers."""
    above: Sequence[Sequence[int]] | None = None
    """For each label the labels above it in a hierarchy, however far; None if labels lie side by side."""


class Decoder(NamedTuple):
    """A decision that belongs to one approach, since it asks the model more than its scores say."""

    title: str
    """For the head of a table."""
    decide: Callable[[Params, Any, Options], Predictions]
    """``decide(params, features [B, ...], options) -> bool [B, L]``, jitted by its caller."""


class Approach(NamedTuple):
    """A model, its loss and its decoders."""

    init: Callable[[Array, Options], Params]
    """``init(key, options) -> params``."""
    objective: Callable[[Params, Batch, Array, Options], Scalar]
    """``objective(params, batch, key, options) -> scalar``, what training descends."""
    predict: Callable[[Params, Any, Options], Any]
    """``predict(params, features [B, ...], options) -> outputs``, arrays with the samples first."""
    scores: Callable[[Any], tuple[Scores, PerSample | None]]
    """``scores(outputs) -> (scores [..., L], log_count [...] or None)``: a number for each label, the larger
    the surer, that thresholds and rankings work on."""
    options: Callable[[np.ndarray, np.ndarray | None], dict[str, np.ndarray]]
    """``options(labels [n, L], where)`` of the rows that are trained on; the shapes are the same whatever the
    rows."""
    decoders: Mapping[str, Decoder] = MappingProxyType({})
    """Its own decisions by name, beside the rules of :mod:`mlj.decision`."""
    at_epoch: Callable[[Options, Array], Options] | None = None
    """``at_epoch(options, epoch) -> options`` that the objective is given in the pass of that number, from 0,
    for what changes while it is trained; None if nothing does."""
