"""A divergence between two predictions of the same labels."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp

from mlj._checks import as_logits
from mlj.label_terms import finished_slope
from mlj.losses._inputs import read_terms
from mlj.numerics import along, bound_logits, sigmoid_pair
from mlj.types import Array, Logits, Mask, PerSample, Weights


@jax.custom_jvp
def _sigmoid_gap(s: Array, t: Array) -> Array:
    # sigmoid(s) - sigmoid(t), without cancellation where both are close or both saturate.
    a, b = jnp.exp(-jnp.abs(s)), jnp.exp(-jnp.abs(t))
    larger = jnp.where((s > 0) == (t > 0), jnp.maximum(a, b), 1)
    half = jnp.tanh((s - t) / 2)  # 2 half / (1 + |half|) is 1 - exp(-|s - t|) with the sign of s - t
    return 2 * half * larger / ((1 + jnp.abs(half)) * ((1 + a) * (1 + b)))


@partial(_sigmoid_gap.defjvp, symbolic_zeros=True)
def _sigmoid_gap_jvp(primals, tangents):
    (s, t), (ds, dt) = primals, tangents
    (p, p_not), (q, q_not) = sigmoid_pair(s), sigmoid_pair(t)
    return _sigmoid_gap(s, t), along(p * p_not, ds) - along(q * q_not, dt)


def _product(s: Array, t: Array) -> Array:
    return _sigmoid_gap(s, t) * (s - t)


@jax.jit
def bernoulli_jeffreys(
    logits: Logits, target_logits: Logits, *, weights: Weights | None = None, where: Mask | None = None
) -> PerSample:
    r"""Symmetric Kullback-Leibler divergence between two predictions of every label.

    .. math::
        \ell(s, t) = \sum_{j=1}^{L} (\sigma(s_j) - \sigma(t_j)) (s_j - t_j)

    It is 0 only for equal logits and pulls both ways: with labels, take the log odds of :func:`smooth_labels`
    as ``target_logits``. Between the logits of two dropout passes it is the regulariser of R-Drop for labels
    that are independent. Predict ``s > 0``.

    Value and gradient are finite for every ``|s|, |t| <= finfo.max / (2 L)``; far off, a label pulls with
    ``sigmoid(s) - sigmoid(t)``. Equal infinite logits cost 0, an infinite logit costs infinity elsewhere.

    Args:
        logits: Scores ``[..., L]`` before the sigmoid.
        target_logits: The other prediction ``[..., L]``, which gets a gradient too; stop it if not wanted.
        weights: Multipliers ``[..., L]`` of the label terms.
        where: Bool ``[..., L]``, True where the label was observed; the others count as deleted.

    Returns:
        The cost of each sample ``[...]``, float32 or wider.

    Raises:
        TypeError: If ``logits`` or ``target_logits`` are not floating-point or ``where`` is not bool.
        ValueError: If two shapes differ.

    Reference:
        Jeffreys' divergence of Bernoulli distributions, summed over independent labels. Liang, Wu, Li, Wang,
        Meng, Qin, Chen, Zhang, Liu, *R-Drop*, NeurIPS 2021, has half of it, for one softmax. Su et al.,
        *ZLPR*, arXiv 2208.02955, derive such a divergence for their own loss; that paper's form was not
        compared.

    >>> bernoulli_jeffreys(jnp.array([2.0, jnp.inf]), jnp.array([-2.0, jnp.inf])).item()
    3.0463762283325195
    """
    targets = as_logits("bernoulli_jeffreys", target_logits)
    sample = read_terms("bernoulli_jeffreys", logits, targets, weights, where)
    width = 2 * sample.logits.shape[-1]
    s, t = bound_logits(sample.logits, width), bound_logits(sample.labels, width)
    contradicted = (jnp.isinf(sample.logits) | jnp.isinf(sample.labels)) & (sample.logits != sample.labels)
    return sample.sum(finished_slope(_product, s, t) + jnp.where(contradicted, jnp.inf, 0))
