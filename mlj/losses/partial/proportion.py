"""Cross-entropy of the labels that are known, by how many they are."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from mlj.label_terms import observed_mean
from mlj.losses._inputs import read_terms, scalars
from mlj.numerics import binary_cross_entropy
from mlj.types import Labels, Logits, Mask, PerSample, Scalar, Weights


@jax.jit
def partial_cross_entropy(
    logits: Logits,
    labels: Labels,
    *,
    alpha: Scalar = -4.45,
    beta: Scalar = 5.45,
    gamma: Scalar = 1.0,
    weights: Weights | None = None,
    where: Mask | None = None,
) -> PerSample:
    r"""Cross-entropy of the observed labels, with a weight for the sample by the share of them (partial-BCE).

    With the set O of observed labels and their share :math:`\rho = |O| / L`,

    .. math::
        \ell(s, y) = \frac{\alpha \rho^\gamma + \beta}{L} \sum_{j \in O}
            y_j \log(1 + e^{-s_j}) + (1 - y_j) \log(1 + e^{s_j}).

    With all labels observed and ``alpha + beta = 1`` it is :func:`mlj.losses.sigmoid_cross_entropy`;
    ``alpha=0, beta=1`` leaves the sum over all labels, the defaults give a sample with a tenth of its labels
    five times the weight. It is the one loss here for which a masked label is not a deleted one: L counts it.

    Value and gradient are finite for every ``|s| <= finfo.max / L``. A sample with nothing observed costs 0.

    Args:
        logits: Scores ``[..., L]`` before the sigmoid.
        labels: Targets ``[..., L]``, bool, integer or soft in [0, 1].
        alpha: Change of the weight with the share of observed labels.
        beta: Weight of a sample with hardly a label.
        gamma: Exponent of the share, above 0.
        weights: Multipliers ``[..., L]`` of the label terms; they do not enter the divisor.
        where: Bool ``[..., L]``, True where the label was observed; the others count in L alone.

    Returns:
        The cost of each sample ``[...]``, float32 or wider.

    Raises:
        TypeError: If ``logits`` are not floating-point or ``where`` is not bool.
        ValueError: If two shapes differ or a hyper-parameter is not a scalar.

    Reference:
        Durand, Mehrasa, Mori, *Learning a Deep ConvNet for Multi-Label Classification With Partial Labels*,
        CVPR 2019. The three constants are those of two public implementations; the paper was not at hand.

    >>> where = jnp.array([True, False])
    >>> partial_cross_entropy(jnp.zeros(2), jnp.array([1, 0]), where=where).item()
    1.1176997423171997
    """
    scalars("partial_cross_entropy", alpha=alpha, beta=beta, gamma=gamma)
    sample = read_terms("partial_cross_entropy", logits, labels, weights, where)
    mean = observed_mean(sample.weigh(binary_cross_entropy(sample.logits, sample.labels)), where)
    if where is None:
        return (alpha + beta) * mean
    share = jnp.mean(where, axis=-1, dtype=mean.dtype)
    power = jnp.exp(gamma * jnp.log(jnp.where(share > 0, share, 1)))
    # The share makes a mean over all labels of the one over the observed; it comes first, against overflow.
    return (alpha * power + beta) * (share * mean)
