r"""Distributions of the number of labels, and of labelsets by their size.

A model that says how many labels a sample has, :math:`P(k \mid x)`, and which, by logits :math:`s`, draws k
labels by ``softmax(s)`` and keeps a draw in which no label comes twice. Each labelset S then has the
probability

.. math::
    P(S \mid x) = P(|S| \mid x) \, \frac{\prod_{j \in S} e^{s_j}}{e_{|S|}(e^{s_1}, \ldots, e^{s_L})}

with the elementary symmetric polynomial :math:`e_k`, a sum over all sets of k labels. The same holds for a
Dirichlet-multinomial with concentrations :math:`e^{s_j}`. Decisions by it are in
:mod:`mlj.decision.sized_subsets`.
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
from jax.scipy.special import gammaln

from mlj._checks import has_shape
from mlj.losses import conditional_bernoulli, negative_binomial_count, poisson_count
from mlj.types import Array, Labels, Logits, PerSample


def _per_count(units: Array, largest: int) -> tuple[Array, Array]:
    """Return units ``[..., K + 1]``, one for each count, and the counts as labels ``[..., K + 1, 1]``."""
    shape = (*units.shape, largest + 1)
    counts = jnp.broadcast_to(jnp.arange(largest + 1, dtype=units.dtype), shape)
    return jnp.broadcast_to(units[..., None], shape), counts[..., None]


@partial(jax.jit, static_argnames="largest")
def poisson_log_probs(log_rate: PerSample, largest: int) -> Array:
    """Return the log-probability of each count from 0 to ``largest`` by a Poisson distribution cut off there.

    Args:
        log_rate: Logarithm of the rate, ``[...]``.
        largest: The largest possible count K; static.

    Returns:
        Log-probabilities ``[..., K + 1]``, whose exponentials sum to one.

    >>> jnp.exp(poisson_log_probs(jnp.array(0.0), 1)).tolist()
    [0.5, 0.5]
    """
    units, counts = _per_count(log_rate, largest)
    return jax.nn.log_softmax(-poisson_count(units, counts) - gammaln(counts[..., 0] + 1), axis=-1)


@partial(jax.jit, static_argnames="largest")
def negative_binomial_log_probs(log_rate: PerSample, log_dispersion: PerSample, largest: int) -> Array:
    """Return the log-probability of each count by a negative binomial distribution cut off at ``largest``.

    Args:
        log_rate: Logarithm of the mean before the cut, ``[...]``.
        log_dispersion: Logarithm of the size, ``[...]``, as in :func:`mlj.losses.negative_binomial_count`.
        largest: The largest possible count K; static.

    Returns:
        Log-probabilities ``[..., K + 1]``, whose exponentials sum to one.

    >>> log_probs = negative_binomial_log_probs(jnp.array(0.0), jnp.array(0.0), 1)
    >>> [round(prob, 4) for prob in jnp.exp(log_probs).tolist()]
    [0.6667, 0.3333]
    """
    has_shape("negative_binomial_log_probs", "log_dispersion", log_dispersion, log_rate.shape)
    units, counts = _per_count(log_rate, largest)
    spread = jnp.broadcast_to(log_dispersion[..., None], units.shape)
    cost = negative_binomial_count(units, counts, log_dispersion=spread)
    return jax.nn.log_softmax(-cost - gammaln(counts[..., 0] + 1), axis=-1)


@jax.jit
def log_expected_count(count_logits: Array) -> PerSample:
    """Return the logarithm of the mean of a categorical distribution of counts.

    Args:
        count_logits: Scores ``[..., K + 1]`` of the counts 0 to K before the softmax, K at least 1.

    Returns:
        ``[...]``, finite for finite logits.

    >>> round(float(log_expected_count(jnp.zeros(4))), 4) == round(float(jnp.log(1.5)), 4)
    True
    """
    counts = jnp.log(jnp.arange(1, count_logits.shape[-1], dtype=count_logits.dtype))
    log_probs = jax.nn.log_softmax(count_logits, axis=-1)[..., 1:]
    return jax.nn.logsumexp(log_probs + jnp.broadcast_to(counts, log_probs.shape), axis=-1)


@jax.jit
def sized_set_log_prob(logits: Logits, labels: Labels, *, count_log_probs: Array) -> PerSample:
    """Return the log-probability of labelsets under a size distribution and label logits.

    See :mod:`mlj.decision.count_distributions` for the formula. Over all labelsets of up to K labels the
    probabilities sum to one.

    Args:
        logits: Scores ``[..., L]``.
        labels: Multi-hot labelsets ``[..., L]``; a label is present where ``y > 0``.
        count_log_probs: Normalised log-probabilities ``[..., K + 1]`` of the sizes 0 to K, ``K <= L``.

    Returns:
        ``[...]``; -inf for a labelset of more than K labels.

    Raises:
        ValueError: If shapes do not fit or K is above L.

    >>> log_prob = sized_set_log_prob(
    ...     jnp.zeros(3), jnp.array([1, 0, 0]), count_log_probs=jnp.log(jnp.array([0.4, 0.6]))
    ... )
    >>> round(jnp.exp(log_prob).item(), 4)
    0.2
    """
    name = "sized_set_log_prob"
    has_shape(name, "count_log_probs", count_log_probs, (*logits.shape[:-1], *count_log_probs.shape[-1:]))
    largest = count_log_probs.shape[-1] - 1
    if largest > logits.shape[-1]:
        raise ValueError(
            f"{name}: count_log_probs {list(count_log_probs.shape)} go to {largest} labels, "
            f"but there are {logits.shape[-1]}"
        )
    size = jnp.sum(labels > 0, axis=-1)
    of_size = jnp.take_along_axis(count_log_probs, jnp.minimum(size, largest)[..., None], axis=-1)[..., 0]
    return jnp.where(size > largest, -jnp.inf, of_size - conditional_bernoulli(logits, labels))
