"""The zero-bounded log-sum-exp loss, from multi-hot labels or from lists of present ones."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from mlj.losses._inputs import read_terms
from mlj.losses.label_lists import from_indices
from mlj.numerics import logsumexp_parts, softplus
from mlj.types import Array, Labels, Logits, Mask, PerSample, Weights


@jax.jit
def zlpr(
    logits: Logits, labels: Labels, *, weights: Weights | None = None, where: Mask | None = None
) -> PerSample:
    r"""Zero-bounded log-sum-exp loss: present labels above 0, absent ones below, and each other.

    .. math::
        \ell(s, y) = \log\Bigl(1 + \sum_{j} (1 - y_j) e^{s_j}\Bigr)
            + \log\Bigl(1 + \sum_{j} y_j e^{-s_j}\Bigr)

    It compares every present with every absent label and every label with a constant score of 0, so that
    ``s > 0`` predicts the set. ``sigmoid(s)`` is not calibrated. Rows with an empty side are ordinary.

    Value and gradient are finite for every ``|s| <= finfo.max / L``. The gradient of a sample has an L1 norm
    below 2 whatever ``L``; labels that are far wrong share a pull of 1 per side.

    Args:
        logits: Scores ``[..., L]``.
        labels: Targets ``[..., L]``, bool, integer or soft in [0, 1].
        weights: Multipliers ``[..., L]`` of a label's exponential.
        where: Bool ``[..., L]``, True where the label was observed; the others count as deleted.

    Returns:
        The cost of each sample ``[...]``, float32 or wider.

    Raises:
        TypeError: If ``logits`` are not floating-point or ``where`` is not bool.
        ValueError: If two shapes differ.

    Reference:
        Su, Zhu, Murtadha, Pan, Wen, Liu, *ZLPR: A Novel Loss for Multi-label Classification*, arXiv
        2208.02955. Sets are masked exactly, not by a large constant.

    >>> round(zlpr(jnp.zeros(3), jnp.array([1, 0, 0])).item(), 4)
    1.7918
    """
    sample = read_terms("zlpr", logits, labels, weights, where)
    s, y = sample.logits, sample.labels
    weight = jnp.ones_like(s) if sample.weights is None else sample.weights
    observed = jnp.ones(s.shape, bool) if sample.where is None else sample.where
    sides = []
    for exponent, share in ((s, weight * (1 - y)), (-s, weight * y)):
        # A NaN label must not drop out of both sides.
        top, rest = logsumexp_parts(exponent, observed & (share != 0), share)
        sides.append(softplus(top + rest))
    return sides[0] + sides[1]


@jax.jit
def zlpr_from_indices(
    logits: Logits, indices: Array, *, weights: Weights | None = None, where: Mask | None = None
) -> PerSample:
    r"""Zero-bounded log-sum-exp loss of labels that are given as a list of the present ones.

    With :math:`P` the set of labels that ``indices`` name and :math:`N` all others,

    .. math::
        \ell(s, P) = \log\Bigl(1 + \sum_{j \in N} e^{s_j}\Bigr) + \log\Bigl(1 + \sum_{i \in P} e^{-s_i}\Bigr)

    which is :func:`zlpr` through :func:`mlj.losses.from_indices`, for labels that would be mostly zeros. The
    order of the indices and how often one occurs make no difference.

    The sum over :math:`N` is formed as such, not as all labels less the present ones: that difference loses
    every digit, and then the slope of all absent labels, once present labels dominate. Value and gradient
    are finite for every ``|s| <= finfo.max / L``.

    Args:
        logits: Scores ``[..., L]``.
        indices: Numbers of the present labels ``[..., P]``, integers from 0 to L - 1, padded with L or -1.
            A sample with any other number costs NaN.
        weights: Multipliers ``[..., L]`` of a label's exponential.
        where: Bool ``[..., L]``, True where the label was observed; the others count as deleted, named or
            not.

    Returns:
        The cost of each sample ``[...]``, float32 or wider.

    Raises:
        TypeError: If ``logits`` are not floating-point, ``indices`` not integers or ``where`` is not bool.
        ValueError: If two shapes disagree.

    Reference:
        Su, Zhu, Murtadha, Pan, Wen, Liu, *ZLPR: A Novel Loss for Multi-label Classification*, arXiv
        2208.02955. The sparse forms of bert4keras and PaddleNLP take the difference and clip it.

    >>> round(zlpr_from_indices(jnp.zeros(3), jnp.array([0, -1])).item(), 4)
    1.7918
    """
    return from_indices(zlpr)(logits, indices, weights=weights, where=where)
