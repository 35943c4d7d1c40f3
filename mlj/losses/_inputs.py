"""What a loss is given: checked while tracing, upcast, and with masked labels taken out."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp

from mlj._checks import as_logits, has_shape, is_bool, same_shape
from mlj.label_terms import label_sum, observed_mean
from mlj.types import Array, Labels, Logits, Mask, PerSample, Scalar, Weights


class Terms(NamedTuple):
    """Inputs of a loss that is made of one term per label; entries under the mask are zero."""

    logits: Array
    labels: Array
    weights: Array | None
    where: Array | None

    def weigh(self, terms: Array) -> Array:
        """Multiply by the weights; a label of weight 0 is worth 0 even where its term is infinite."""
        if self.weights is None:
            return terms
        return jnp.where(self.weights == 0, 0, self.weights * terms)

    def mean(self, terms: Array) -> PerSample:
        """Average the weighted terms over the observed labels."""
        return observed_mean(self.weigh(terms), self.where)

    def sum(self, terms: Array) -> PerSample:
        """Add the weighted terms of the observed labels."""
        weighed = self.weigh(terms)
        return label_sum(weighed if self.where is None else jnp.where(self.where, weighed, 0))

    def plus_infinite(self, terms: Array, *, present: bool = True, absent: bool = True) -> Array:
        """Add +inf where an infinite logit contradicts its label, without touching the slope."""
        contradicted = jnp.zeros(terms.shape, bool)
        if present:
            contradicted |= (self.logits == -jnp.inf) & (self.labels > 0)
        if absent:
            contradicted |= (self.logits == jnp.inf) & (self.labels < 1)
        return terms + jnp.where(contradicted, jnp.inf, 0)

    def observed_logits(self) -> Array:
        """Return the logits with -inf under the mask, so that a softmax leaves those labels out."""
        return self.logits if self.where is None else jnp.where(self.where, self.logits, -jnp.inf)

    def any_observed(self) -> Array:
        """Tell for each sample whether one label at least was observed."""
        if self.where is None:
            return jnp.ones(self.logits.shape[:-1], bool)
        return jnp.any(self.where, axis=-1)


class Sets(NamedTuple):
    """Inputs of a loss that compares present with absent labels.

    A masked label is in neither set, and a label of weight 0 in neither set but in ``pair_count``, since
    weights never change a divisor.
    """

    logits: Array
    present: Array
    absent: Array
    weights: Array | None
    pair_count: Array

    def member_weights(self, members: Mask) -> Array:
        """Return each member's weight, 0 for all others."""
        one = jnp.ones_like(self.logits) if self.weights is None else self.weights
        return jnp.where(members, one, 0)

    def has_pairs(self) -> Array:
        """Tell for each sample whether it has a present and an absent label."""
        return jnp.any(self.present, axis=-1) & jnp.any(self.absent, axis=-1)


def _checked(
    function: str, logits: Logits, labels: Labels, weights: Weights | None, where: Mask | None
) -> tuple[Array, Array, Array | None]:
    logits = as_logits(function, logits)
    if logits.shape[-1] == 0:
        raise ValueError(f"{function}: logits {list(logits.shape)} need at least one label")
    same_shape(function, logits=logits, labels=labels, weights=weights, where=where)
    is_bool(function, "where", where)
    for name, array in (("labels", labels), ("weights", weights)):
        if array is not None and jnp.issubdtype(jnp.asarray(array).dtype, jnp.complexfloating):
            raise TypeError(f"{function}: {name} must be real, got {jnp.asarray(array).dtype}")
    labels = jnp.asarray(labels)
    weights = None if weights is None else jnp.asarray(weights).astype(logits.dtype)
    if where is not None:
        logits = jnp.where(where, logits, 0)
        labels = jnp.where(where, labels, 0)
        weights = None if weights is None else jnp.where(where, weights, 0)
    return logits, labels, weights


def read_terms(
    function: str, logits: Logits, labels: Labels, weights: Weights | None, where: Mask | None
) -> Terms:
    """Return the inputs of a loss that reads a label as a number in [0, 1].

    Raises:
        TypeError: If a dtype is wrong.
        ValueError: If two shapes differ or there is no label.
    """
    logits, labels, weights = _checked(function, logits, labels, weights, where)
    return Terms(logits, labels.astype(logits.dtype), weights, where)


def shared_by_samples(function: str, name: str, array: Array, sample: Terms, fill: float = 0.0) -> Array:
    """Return an input ``[L]`` that all samples share as ``[..., L]``, with ``fill`` under the mask.

    Raises:
        ValueError: If it has not one entry for each label.
    """
    has_shape(function, name, array, sample.logits.shape[-1:])
    whole = jnp.broadcast_to(jnp.asarray(array).astype(sample.logits.dtype), sample.logits.shape)
    return whole if sample.where is None else jnp.where(sample.where, whole, fill)


def of_each_sample(function: str, name: str, array: Array, sample: Terms) -> Array:
    """Return an input ``[..., L]`` that every sample has for itself, with 0 under the mask.

    Raises:
        ValueError: If it has not the shape of the logits.
    """
    same_shape(function, logits=sample.logits, **{name: array})
    whole = jnp.asarray(array).astype(sample.logits.dtype)
    return whole if sample.where is None else jnp.where(sample.where, whole, 0)


def read_sets(
    function: str, logits: Logits, labels: Labels, weights: Weights | None, where: Mask | None
) -> Sets:
    """Return the inputs of a loss that reads a label as present (``y > 0``) or absent.

    A label that is NaN belongs to neither set and must not pass for absent: its logit becomes NaN.

    Raises:
        TypeError: If a dtype is wrong.
        ValueError: If two shapes differ or there is no label.
    """
    logits, labels, weights = _checked(function, logits, labels, weights, where)
    if jnp.issubdtype(labels.dtype, jnp.floating):
        logits = jnp.where(jnp.isnan(labels), jnp.nan, logits)
    present = labels > 0
    absent = ~present if where is None else ~present & where
    sizes = [jnp.sum(members, axis=-1).astype(logits.dtype) for members in (present, absent)]
    if weights is not None:
        present, absent = present & (weights != 0), absent & (weights != 0)
    return Sets(logits, present, absent, weights, jnp.maximum(sizes[0] * sizes[1], 1))


def scalars(function: str, **values: Scalar | None) -> None:
    """Raise ``ValueError`` unless every hyper-parameter that is given is a number, not an array of them."""
    for name, value in values.items():
        if value is not None and jnp.ndim(value) != 0:
            raise ValueError(f"{function}: {name} must be a scalar, got shape {list(jnp.shape(value))}")
