"""An asymmetric loss that is strictly proper all the same: its scores have a link to probabilities."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from mlj._checks import as_logits
from mlj.label_terms import finished_slope
from mlj.losses._inputs import read_terms, scalars
from mlj.losses._powers import at_difference
from mlj.numerics import bound_logits, softplus
from mlj.types import Array, Labels, Logits, Mask, PerSample, Scalar, Weights


def _bent(s: Array, place: Scalar, steepness: Scalar, scale: Scalar) -> Array:
    # softplus(steepness * (s - place)) / scale, finite for every finite s even if scale < 1.
    largest = jnp.maximum(1 / scale, 1)

    def rate(x: Array) -> Array:
        return jnp.where(x < 0, 1, 0)

    return at_difference(lambda x: softplus(bound_logits(x, largest)) / scale, s, place, steepness, rate=rate)


def _asymmetric(
    s: Array, y: Array, z_p: Scalar, k_p: Scalar, b_p: Scalar, z_n: Scalar, k_n: Scalar, b_n: Scalar
) -> Array:
    s = bound_logits(s, 1)
    return y * _bent(s, b_p, -k_p, z_p) + (1 - y) * _bent(s, b_n, k_n, z_n)


@jax.jit
def strictly_proper_asymmetric(
    logits: Logits,
    labels: Labels,
    *,
    z_p: Scalar = 1.0,
    k_p: Scalar = 1.0,
    b_p: Scalar = 0.0,
    z_n: Scalar = 5.0,
    k_n: Scalar = 3.0,
    b_n: Scalar = 1.0,
    weights: Weights | None = None,
    where: Mask | None = None,
) -> PerSample:
    r"""Strictly proper asymmetric loss (SPA): two softplus of different scale, slope and place.

    .. math::
        \ell(s, y) = \frac{1}{L} \sum_{j=1}^{L}
            \frac{y_j}{z_p} \log\left(1 + e^{-k_p (s_j - b_p)}\right)
            + \frac{1 - y_j}{z_n} \log\left(1 + e^{k_n (s_j - b_n)}\right)

    ``z = k = 1``, ``b = 0`` on both sides is :func:`sigmoid_cross_entropy`. Absent labels fade below ``b_n``,
    and yet the minimiser of the expected loss tells the probability: :func:`strictly_proper_log_odds` of
    ``s`` is its log odds. Predict where that is above 0.

    Value and gradient are finite for every ``|s|`` up to ``finfo.max / (L k)``, and a wrong label always
    pulls, with ``k_p / z_p`` or ``k_n / z_n`` over ``L``.

    Args:
        logits: Scores ``[..., L]``.
        labels: Targets ``[..., L]``, bool, integer or soft in [0, 1].
        z_p: What the cost of present labels is divided by, above 0.
        k_p: Steepness for present labels, above 0.
        b_p: Place of the bend for present labels.
        z_n: What the cost of absent labels is divided by, above 0.
        k_n: Steepness for absent labels, above 0.
        b_n: Place of the bend for absent labels.
        weights: Multipliers ``[..., L]`` of the label terms; they do not enter the divisor.
        where: Bool ``[..., L]``, True where the label was observed; the others count as deleted.

    Returns:
        The cost of each sample ``[...]``, float32 or wider.

    Raises:
        TypeError: If ``logits`` are not floating-point or ``where`` is not bool.
        ValueError: If two shapes differ or a hyper-parameter is not a scalar.

    Reference:
        Cheng, Vasconcelos, *Towards Calibrated Multi-label Deep Neural Networks*, CVPR 2024. The paper was
        not at hand: names and defaults are those of the package mlcpl, which however applies the inverse link
        before the loss, where here it comes after.

    >>> strictly_proper_asymmetric(jnp.array([0.0, -3.0]), jnp.array([1, 0])).item()
    0.34657421708106995
    """
    scalars("strictly_proper_asymmetric", z_p=z_p, k_p=k_p, b_p=b_p, z_n=z_n, k_n=k_n, b_n=b_n)
    sample = read_terms("strictly_proper_asymmetric", logits, labels, weights, where)
    terms = finished_slope(_asymmetric, sample.logits, sample.labels, z_p, k_p, b_p, z_n, k_n, b_n)
    return sample.mean(sample.plus_infinite(terms))


@jax.jit
def strictly_proper_log_odds(
    logits: Logits,
    *,
    z_p: Scalar = 1.0,
    k_p: Scalar = 1.0,
    b_p: Scalar = 0.0,
    z_n: Scalar = 5.0,
    k_n: Scalar = 3.0,
    b_n: Scalar = 1.0,
) -> Array:
    r"""Return the log odds that a score of :func:`strictly_proper_asymmetric` stands for.

    .. math::
        \log \frac{p_j}{1 - p_j} = \log \frac{k_n z_p}{k_p z_n}
            + \log\left(1 + e^{k_p (s_j - b_p)}\right) - \log\left(1 + e^{-k_n (s_j - b_n)}\right)

    It increases in ``s``; the sigmoid of it is the probability, its sign the decision.

    Args:
        logits: Scores ``[..., L]``.
        z_p: As in the loss.
        k_p: As in the loss.
        b_p: As in the loss.
        z_n: As in the loss.
        k_n: As in the loss.
        b_n: As in the loss.

    Returns:
        Log odds ``[..., L]``, float32 or wider.

    Raises:
        TypeError: If ``logits`` are not floating-point.
        ValueError: If a hyper-parameter is not a scalar.

    Reference:
        Derived from the loss: the expected slope is 0 there.

    >>> strictly_proper_log_odds(jnp.array([2.0]), z_n=1.0, k_n=1.0, b_n=0.0).item()
    2.0
    """
    scalars("strictly_proper_log_odds", z_p=z_p, k_p=k_p, b_p=b_p, z_n=z_n, k_n=k_n, b_n=b_n)
    s = as_logits("strictly_proper_log_odds", logits)
    middle = jnp.log(k_n) + jnp.log(z_p) - jnp.log(k_p) - jnp.log(z_n)
    return middle + softplus(k_p * (s - b_p)) - softplus(-k_n * (s - b_n))
