"""Losses that ask for an undecided answer where nothing is known."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from mlj._checks import is_bool
from mlj.label_terms import finished_slope
from mlj.losses._inputs import of_each_sample, read_terms, scalars
from mlj.numerics import binary_cross_entropy, bound_logits, sigmoid_pair, softplus_pair
from mlj.types import Array, Labels, Logits, Mask, PerSample, Scalar, Weights


@jax.custom_jvp
def _entropy(s: Array) -> Array:
    (p, other), (absent_cost, present_cost) = sigmoid_pair(s), softplus_pair(s)
    return p * present_cost + other * absent_cost


@_entropy.defjvp
def _entropy_jvp(primals, tangents):
    (s,), (ds,) = primals, tangents
    p, other = sigmoid_pair(s)
    return _entropy(s), -s * p * other * ds


def _undecided(s: Array, y: Array, alpha: Scalar) -> Array:
    s = bound_logits(s, 1)
    return y * softplus_pair(s)[1] - (1 - y) * (alpha * _entropy(s))


def _guessed(s: Array, y: Array, guess: Array, given: Array, alpha: Scalar, beta: Scalar) -> Array:
    s = bound_logits(s, 1)
    unknown = jnp.where(given, beta * binary_cross_entropy(s, guess), -alpha * _entropy(s))
    return y * softplus_pair(s)[1] + (1 - y) * unknown


@jax.jit
def entropy_maximization(
    logits: Logits,
    labels: Labels,
    *,
    alpha: Scalar = 0.1,
    weights: Weights | None = None,
    where: Mask | None = None,
) -> PerSample:
    r"""Cross-entropy on present labels, entropy to be maximised on unknown ones (EM).

    With the entropy :math:`H(p) = -p \log p - (1 - p) \log(1 - p)` and :math:`p_j = \sigma(s_j)`,

    .. math::
        \ell(s, y) = \frac{1}{L} \sum_{j=1}^{L} -y_j \log p_j - \alpha (1 - y_j) H(p_j).

    An unknown label pulls with :math:`\alpha s p (1 - p)` towards 0, gently near 0 and, by definition, not at
    all far away. The loss can be negative. Scores are not probabilities: tune the threshold.

    Value and gradient are finite for every ``|s| <= finfo.max``; a present label that is far wrong pulls with
    ``1 / L``.

    Args:
        logits: Scores ``[..., L]`` before the sigmoid.
        labels: Targets ``[..., L]``: 1 seen present, 0 unknown; bool, integer or soft in [0, 1].
        alpha: Weight of the entropy: .2 for VOC, .1 for COCO and NUS, .01 for CUB.
        weights: Multipliers ``[..., L]`` of the label terms; they do not enter the divisor.
        where: Bool ``[..., L]``, True where the label was observed; the others count as deleted.

    Returns:
        The cost of each sample ``[...]``, float32 or wider.

    Raises:
        TypeError: If ``logits`` are not floating-point or ``where`` is not bool.
        ValueError: If two shapes differ or a hyper-parameter is not a scalar.

    Reference:
        Zhou, Chen, Wang, Chen, Heng, *Acknowledging the Unknown for Multi-label Learning with Single Positive
        Labels*, ECCV 2022. The official code adds 1e-5 in the logarithms, this does not.

    >>> entropy_maximization(jnp.array([0.0, jnp.inf]), jnp.array([0, 0]), alpha=1.0).item()
    -0.3465735912322998
    """
    scalars("entropy_maximization", alpha=alpha)
    sample = read_terms("entropy_maximization", logits, labels, weights, where)
    terms = finished_slope(_undecided, sample.logits, sample.labels, alpha)
    return sample.mean(sample.plus_infinite(terms, absent=False))


@jax.jit
def entropy_maximization_pseudo(
    logits: Logits,
    labels: Labels,
    *,
    pseudo: Array,
    pseudo_where: Mask,
    alpha: Scalar = 0.1,
    beta: Scalar = 0.02,
    weights: Weights | None = None,
    where: Mask | None = None,
) -> PerSample:
    r"""Entropy maximisation with soft pseudo labels for some of the unknown labels.

    With the set G of labels that have a pseudo label :math:`\hat y_j`, and H as in
    :func:`entropy_maximization`,

    .. math::
        \ell(s, y) = \frac{1}{L} \sum_{j=1}^{L} -y_j \log p_j + (1 - y_j) \begin{cases}
            -\beta \left[ \hat y_j \log p_j + (1 - \hat y_j) \log(1 - p_j) \right] & j \in G \\
            -\alpha H(p_j) & \text{otherwise.} \end{cases}

    Without pseudo labels it is :func:`entropy_maximization`. The method makes them from its own predictions
    after some epochs, for the labels of the lowest scores; how is the caller's business.

    Value and gradient are finite for every ``|s| <= finfo.max``; a present label that is far wrong pulls with
    ``1 / L``. An infinite logit that contradicts a label or a pseudo label costs infinity.

    Args:
        logits: Scores ``[..., L]`` before the sigmoid.
        labels: Targets ``[..., L]``: 1 seen present, 0 unknown; bool, integer or soft in [0, 1].
        pseudo: Pseudo labels ``[..., L]`` in [0, 1]; what stands where ``pseudo_where`` is False is not read.
        pseudo_where: Bool ``[..., L]``, True where there is a pseudo label; a present label stays present.
        alpha: Weight of the entropy: .2 for VOC, .1 for COCO and NUS, .01 for CUB.
        beta: Weight of the pseudo labels: .02 for VOC, .9 for COCO, .2 for NUS, .4 for CUB.
        weights: Multipliers ``[..., L]`` of the label terms; they do not enter the divisor.
        where: Bool ``[..., L]``, True where the label was observed; the others count as deleted.

    Returns:
        The cost of each sample ``[...]``, float32 or wider.

    Raises:
        TypeError: If ``logits`` are not floating-point, ``where`` or ``pseudo_where`` is not bool.
        ValueError: If two shapes differ or a hyper-parameter is not a scalar.

    Reference:
        Zhou, Chen, Wang, Chen, Heng, *Acknowledging the Unknown for Multi-label Learning with Single Positive
        Labels*, ECCV 2022, with its asymmetric pseudo-labelling.

    >>> given = {"pseudo": jnp.array([0.0, 0.0]), "pseudo_where": jnp.array([True, False])}
    >>> cost = entropy_maximization_pseudo(jnp.zeros(2), jnp.zeros(2), **given, alpha=0.0, beta=1.0)
    >>> cost.item()
    0.3465735912322998
    """
    name = "entropy_maximization_pseudo"
    scalars(name, alpha=alpha, beta=beta)
    is_bool(name, "pseudo_where", pseudo_where)
    sample = read_terms(name, logits, labels, weights, where)
    given = of_each_sample(name, "pseudo_where", pseudo_where, sample) > 0
    guess = jnp.where(given, of_each_sample(name, "pseudo", pseudo, sample), 0)
    terms = finished_slope(_guessed, sample.logits, sample.labels, guess, given, alpha, beta)
    terms = sample.plus_infinite(terms, absent=False)
    refuted = ((sample.logits == jnp.inf) & (guess < 1)) | ((sample.logits == -jnp.inf) & (guess > 0))
    return sample.mean(terms + jnp.where(refuted & given & (sample.labels < 1), jnp.inf, 0))
