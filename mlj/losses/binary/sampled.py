"""Cross-entropy of each label's sigmoid over a sample of the labels."""

from __future__ import annotations

import jax

from mlj.label_terms import finished_slope
from mlj.losses._inputs import of_each_sample, read_terms
from mlj.losses._powers import cross_entropy_at_difference
from mlj.numerics import bound_logits
from mlj.types import Array, Labels, Logits, Mask, PerSample, Weights


def _corrected(s: Array, y: Array, rates: Array) -> Array:
    return cross_entropy_at_difference(s, rates, y)


@jax.jit
def sampled_sigmoid_cross_entropy(
    logits: Logits,
    labels: Labels,
    *,
    log_expected_counts: Array,
    weights: Weights | None = None,
    where: Mask | None = None,
) -> PerSample:
    r"""Binary cross-entropy of the present labels and of some absent ones that were drawn.

    Of L labels only K are looked at: all present ones and absent ones drawn with replacement, label j
    expected :math:`c_j` times in a sample. With :math:`z_j = s_j - \log c_j`,

    .. math::
        \ell(s, y) = \sum_{j=1}^{K} y_j \log(1 + e^{-z_j}) + (1 - y_j) \log(1 + e^{z_j}).

    Give 0 for present labels, which are always there. The mean over draws then approaches the sum over all L
    labels as the scores of absent labels fall below ``log c`` (an absent label brings :math:`e^{s}` to both).
    It is a sum, not a mean, since K says nothing about L. Predict with the plain ``s``, ``s > 0``.

    Value and gradient are finite for every ``|s| <= finfo.max / K``; a wrong label always pulls with 1. An
    infinite logit costs 0 if it agrees with its label and infinity (with slope 1) if not.

    Args:
        logits: Scores ``[..., K]`` of the labels that are looked at.
        labels: Targets ``[..., K]`` of those, hard: bool, or 0 and 1.
        log_expected_counts: Logarithm ``[..., K]`` of how often each is expected in a sample, 0 if present;
            see :func:`mlj.weighting.log_expected_counts`.
        weights: Multipliers ``[..., K]`` of the label terms.
        where: Bool ``[..., K]``, False for padding.

    Returns:
        The cost of each sample ``[...]``, float32 or wider.

    Raises:
        TypeError: If ``logits`` are not floating-point or ``where`` is not bool.
        ValueError: If two shapes differ.

    Reference:
        Bengio, Senecal, *Adaptive Importance Sampling to Accelerate Training of a Neural Probabilistic
        Language Model*, IEEE Transactions on Neural Networks 2008, for the correction by the sampling rate.

    >>> import jax.numpy as jnp
    >>> logits, rates = jnp.array([0.0, -1.0]), jnp.array([0.0, -1.0])
    >>> sampled_sigmoid_cross_entropy(logits, jnp.array([1, 0]), log_expected_counts=rates).item()
    1.3862943649291992
    """
    sample = read_terms("sampled_sigmoid_cross_entropy", logits, labels, weights, where)
    rates = of_each_sample(
        "sampled_sigmoid_cross_entropy", "log_expected_counts", log_expected_counts, sample
    )
    # It is a sum, so that each term may take its share of the largest number only.
    bounded = bound_logits(sample.logits, sample.logits.shape[-1])
    terms = finished_slope(_corrected, bounded, sample.labels, rates)
    return sample.sum(sample.plus_infinite(terms))
