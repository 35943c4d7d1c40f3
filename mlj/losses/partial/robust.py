"""A bounded loss for unknown labels, weighed by how present they look."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from mlj.label_terms import finished_slope
from mlj.losses._inputs import read_terms, scalars
from mlj.losses._powers import sigmoid_power
from mlj.numerics import bound_logits, sigmoid_pair, softplus
from mlj.types import Array, Labels, Logits, Mask, PerSample, Scalar, Weights


def _power_loss(s: Array, q: Scalar) -> Array:
    # (1 - p^q) / q, which is -log p for q = 0 and 1 - p for q = 1.
    if isinstance(q, (int, float)) and q == 1:
        return sigmoid_pair(s)[1]
    return _power_loss_of(s, jnp.asarray(q).astype(s.dtype))


@jax.custom_jvp
def _power_loss_of(s: Array, q: Array) -> Array:
    cost, safe = softplus(-s), jnp.where(q == 0, 1, q)
    return jnp.where(q == 0, cost, -jnp.expm1(-safe * cost) / safe)


@_power_loss_of.defjvp
def _power_loss_of_jvp(primals, tangents):
    (s, q), (ds, dq) = primals, tangents
    value, focus, safe = _power_loss_of(s, q), sigmoid_power(s, q), jnp.where(q == 0, 1, q)
    in_q = jnp.where(q == 0, 0, (focus * softplus(-s) - value) / safe)
    return value, -focus * jax.nn.sigmoid(-s) * ds + in_q * dq


def _robust(
    s: Array, y: Array, slope: Scalar, offset: Scalar, mu: Scalar, sd: Scalar, q2: Scalar, q3: Scalar
) -> Array:
    s = bound_logits(s, 1)
    p = sigmoid_pair(jax.lax.stop_gradient(s))[0]
    belief, doubt = sigmoid_pair(slope * p + offset)
    weight = jnp.exp(-jnp.square((p - mu) / sd) / 2)
    unknown = weight * (belief * _power_loss(s, q2) + doubt * _power_loss(-s, q3))
    return y * softplus(-s) + (1 - y) * unknown


@jax.jit
def generalized_robust(
    logits: Logits,
    labels: Labels,
    *,
    slope: Scalar = 2.0,
    offset: Scalar = -2.0,
    mu: Scalar = 0.8,
    sd: Scalar = 0.5,
    q2: Scalar = 0.01,
    q3: Scalar = 1.0,
    weights: Weights | None = None,
    where: Mask | None = None,
) -> PerSample:
    r"""Generalised robust loss (GR): an unknown label is present with a weight that its own score gives.

    With :math:`p_j = \sigma(s_j)`, :math:`K_j = \sigma(w p_j + b)` and :math:`V_j = e^{-(p_j - \mu)^2 / 2
    d^2}`, both held constant,

    .. math::
        \ell(s, y) = \frac{1}{L} \sum_{j=1}^{L} -y_j \log p_j + (1 - y_j)\, V_j \left[
            K_j \frac{1 - p_j^{q_2}}{q_2} + (1 - K_j) \frac{1 - (1 - p_j)^{q_3}}{q_3} \right].

    ``q`` near 0 is cross-entropy, 1 the absolute error. ``K`` is the belief that the label is present, ``V``
    leaves out those far from ``mu``. The method moves the four numbers along a schedule from ``slope=0,
    offset=-2, mu=.5, sd=2`` to the defaults, which is the caller's business. Scores are not probabilities:
    tune the threshold.

    Value and gradient are finite for every ``|s| <= finfo.max``; a present label that is far wrong pulls with
    ``1 / L``. By its definition an unknown label has bounded cost and its gradient dies at both ends.

    Args:
        logits: Scores ``[..., L]`` before the sigmoid.
        labels: Targets ``[..., L]``: 1 seen present, 0 unknown; bool, integer or soft in [0, 1].
        slope: Steepness of the belief, the paper's w.
        offset: Offset of the belief, the paper's b.
        mu: Centre of the weight.
        sd: Width ``d`` of the weight, above 0.
        q2: Exponent of the loss of an unknown label as present, at least 0.
        q3: Exponent of the loss of an unknown label as absent, at least 0.
        weights: Multipliers ``[..., L]`` of the label terms; they do not enter the divisor.
        where: Bool ``[..., L]``, True where the label was observed; the others count as deleted.

    Returns:
        The cost of each sample ``[...]``, float32 or wider.

    Raises:
        TypeError: If ``logits`` are not floating-point or ``where`` is not bool.
        ValueError: If two shapes differ or a hyper-parameter is not a scalar.

    Reference:
        Chen, Li, Dai, Li, Sun, Wang, Zhang, Zhang, Wang, *Boosting Single Positive Multi-label Classification
        with Generalized Robust Loss*, IJCAI 2024, arXiv 2405.03501. Not checked
        against the paper, and one public version swaps K and 1 - K.

    >>> round(generalized_robust(jnp.array([0.0]), jnp.array([0]), mu=0.5).item(), 4)
    0.5513
    """
    scalars("generalized_robust", slope=slope, offset=offset, mu=mu, sd=sd, q2=q2, q3=q3)
    sample = read_terms("generalized_robust", logits, labels, weights, where)
    terms = finished_slope(_robust, sample.logits, sample.labels, slope, offset, mu, sd, q2, q3)
    return sample.mean(sample.plus_infinite(terms, absent=False))
