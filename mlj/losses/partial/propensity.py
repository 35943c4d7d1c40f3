"""Cross-entropies that undo how often a present label goes unmarked.

``inverse_propensities`` say for each label how many present ones stand behind one that is marked.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from mlj.label_terms import finished_slope
from mlj.losses._inputs import read_terms, shared_by_samples
from mlj.numerics import binary_cross_entropy, bound_logits, softplus_pair
from mlj.types import Array, Labels, Logits, Mask, PerSample, Weights


@jax.jit
def unbiased_propensity_cross_entropy(
    logits: Logits,
    labels: Labels,
    *,
    inverse_propensities: Array,
    weights: Weights | None = None,
    where: Mask | None = None,
) -> PerSample:
    r"""Cross-entropy whose mean over markings is the cross-entropy of the true labels.

    With the propensity :math:`\pi_j`, the chance that a present label j is marked,

    .. math::
        \ell(s, y) = \frac{1}{L} \sum_{j=1}^{L}
            \frac{y_j}{\pi_j} \log(1 + e^{-s_j}) + \left(1 - \frac{y_j}{\pi_j}\right) \log(1 + e^{s_j}).

    All propensities 1 is :func:`mlj.losses.sigmoid_cross_entropy`. A marked label has a target above 1: the
    loss can be negative, and falls without end as its score rises (to minus infinity at an infinite logit).
    Predict ``s > 0``.

    Value and gradient are finite while ``|s|`` times L or the largest inverse propensity stays below
    ``finfo.max``. A sample that holds costs of both infinities costs NaN.

    Args:
        logits: Scores ``[..., L]`` before the sigmoid.
        labels: Targets ``[..., L]``: 1 seen present, 0 unknown; bool, integer or soft in [0, 1].
        inverse_propensities: ``1 / pi`` for each label, ``[L]``, at least 1; see
            :func:`mlj.weighting.inverse_propensities`.
        weights: Multipliers ``[..., L]`` of the label terms; they do not enter the divisor.
        where: Bool ``[..., L]``, True where the label was observed; the others count as deleted.

    Returns:
        The cost of each sample ``[...]``, float32 or wider.

    Raises:
        TypeError: If ``logits`` are not floating-point or ``where`` is not bool.
        ValueError: If two shapes differ.

    Reference:
        Jain, Prabhu, Varma, *Extreme Multi-label Loss Functions for Recommendation, Tagging, Ranking and
        Other Missing Label Applications*, KDD 2016; Qaraei, Schultheis, Gupta, Babbar, *Convex Surrogates for
        Unbiased Loss Functions in Extreme Classification With Missing Labels*, WWW 2021. Code of the field
        sums over labels.

    >>> more = jnp.array([2.0, 1.0])
    >>> unbiased_propensity_cross_entropy(
    ...     jnp.array([3.0, 0.0]), jnp.array([1, 0]), inverse_propensities=more
    ... ).item()
    -1.1291327476501465
    """
    name = "unbiased_propensity_cross_entropy"
    sample = read_terms(name, logits, labels, weights, where)
    more = shared_by_samples(name, "inverse_propensities", inverse_propensities, sample, 1)
    targets = sample.labels * more
    # Infinite logits come in at the end: times a weight of 0 they would make a slope in the propensities NaN.
    terms = binary_cross_entropy(bound_logits(sample.logits, 1), targets)
    side = jnp.where(sample.logits == jnp.inf, 1 - targets, targets) * jnp.isinf(sample.logits)
    terms += jnp.where(side == 0, 0, jnp.where(side > 0, jnp.inf, -jnp.inf))
    return sample.mean(terms)


def _upper_bound(s: Array, y: Array, more: Array) -> Array:
    absent, present = softplus_pair(bound_logits(s, 1))
    return y * (2 * more - 1) * present + (1 - y) * absent


@jax.jit
def upper_bound_propensity_cross_entropy(
    logits: Logits,
    labels: Labels,
    *,
    inverse_propensities: Array,
    weights: Weights | None = None,
    where: Mask | None = None,
) -> PerSample:
    r"""Non-negative upper bound of the unbiased cross-entropy under missing labels.

    With the propensity :math:`\pi_j`, the chance that a present label j is marked,

    .. math::
        \ell(s, y) = \frac{1}{L} \sum_{j=1}^{L}
            y_j \left(\frac{2}{\pi_j} - 1\right) \log(1 + e^{-s_j}) + (1 - y_j) \log(1 + e^{s_j}).

    All propensities 1 is :func:`mlj.losses.sigmoid_cross_entropy`. Unlike
    :func:`unbiased_propensity_cross_entropy` it is convex and bounded below, but its scores are no
    probabilities: rank by them, or tune the threshold.

    Value and gradient are finite while ``|s|`` times L or ``2 / pi - 1`` stays below ``finfo.max``.

    Args:
        logits: Scores ``[..., L]`` before the sigmoid.
        labels: Targets ``[..., L]``: 1 seen present, 0 unknown; bool, integer or soft in [0, 1].
        inverse_propensities: ``1 / pi`` for each label, ``[L]``, at least 1; see
            :func:`mlj.weighting.inverse_propensities`.
        weights: Multipliers ``[..., L]`` of the label terms; they do not enter the divisor.
        where: Bool ``[..., L]``, True where the label was observed; the others count as deleted.

    Returns:
        The cost of each sample ``[...]``, float32 or wider.

    Raises:
        TypeError: If ``logits`` are not floating-point or ``where`` is not bool.
        ValueError: If two shapes differ.

    Reference:
        Qaraei, Schultheis, Gupta, Babbar, *Convex Surrogates for Unbiased Loss Functions in Extreme
        Classification With Missing Labels*, WWW 2021. Code of the field sums over labels.

    >>> upper_bound_propensity_cross_entropy(
    ...     jnp.zeros(1), jnp.array([1]), inverse_propensities=jnp.array([2.0])
    ... ).item()
    2.079441547393799
    """
    name = "upper_bound_propensity_cross_entropy"
    sample = read_terms(name, logits, labels, weights, where)
    more = shared_by_samples(name, "inverse_propensities", inverse_propensities, sample, 1)
    terms = finished_slope(_upper_bound, sample.logits, sample.labels, more)
    return sample.mean(sample.plus_infinite(terms))
