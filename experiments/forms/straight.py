"""The losses of independent labels as one writes them with ``jax.nn``: stable logarithms, powers as powers.

Functions of logits and labels ``[..., L]`` and of what else a loss needs, at our defaults. They are what
our own forms have to beat in time; none promises anything at saturation.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax.nn import log_sigmoid, sigmoid


def _mean(terms):
    return jnp.mean(terms, axis=-1)


def _bce(s, y):
    return -(y * log_sigmoid(s) + (1 - y) * log_sigmoid(-s))


def sigmoid_cross_entropy(s, y):
    return _mean(_bce(s, y))


def hinge(s, y):
    return _mean(jax.nn.relu(1 - (2 * y - 1) * s))


def squared_hinge(s, y):
    return _mean(jax.nn.relu(1 - (2 * y - 1) * s) ** 2)


def modified_huber(s, y):
    u = (2 * y - 1) * s
    return _mean(jnp.where(u >= -1, jax.nn.relu(1 - u) ** 2, -4 * u))


def binary_sparsemax(s, y):
    def half(x):
        return jnp.where(x <= -1, 0, jnp.where(x >= 1, x, (x + 1) ** 2 / 4))

    return _mean(y * half(-s) + (1 - y) * half(s))


def _focal(s, y, gamma):
    p = sigmoid(s)
    return (y * (1 - p) + (1 - y) * p) ** gamma * _bce(s, y)


def sigmoid_focal(s, y, gamma=2.0):
    return _mean(_focal(s, y, gamma))


def asymmetric_focal(s, y, gamma_pos=0.0, gamma_neg=4.0):
    p = sigmoid(s)
    present, absent = (1 - p) ** gamma_pos * log_sigmoid(s), p**gamma_neg * log_sigmoid(-s)
    return -_mean(y * present + (1 - y) * absent)


def _shifted(s, gamma, shift, hold):
    q = jax.nn.relu(sigmoid(s) - shift)
    return hold(q**gamma) * -jnp.log1p(-q)


def _asymmetric(s, y, present, hold, gamma_pos=0.0, gamma_neg=4.0, shift=0.05):
    return _mean(
        y * hold((1 - sigmoid(s)) ** gamma_pos) * present + (1 - y) * _shifted(s, gamma_neg, shift, hold)
    )


def _itself(x):
    return x


def asymmetric_focal_shifted(s, y):
    return _asymmetric(s, y, -log_sigmoid(s), _itself)


def asymmetric_focal_shifted_detached(s, y):
    return _asymmetric(s, y, -log_sigmoid(s), jax.lax.stop_gradient)


def _polynomial(s):
    miss = 1 - sigmoid(s)
    return -log_sigmoid(s) - miss + 1.25 * miss**2


def asymmetric_polynomial(s, y):
    return _asymmetric(s, y, _polynomial(s), _itself)


def asymmetric_polynomial_detached(s, y):
    return _asymmetric(s, y, _polynomial(s), jax.lax.stop_gradient)


def robust_asymmetric(s, y, gamma_pos=0.0, gamma_neg=4.0, shift=0.05, lam=1.5):
    p = sigmoid(s)
    q = jax.nn.relu(p - shift)
    absent = q**gamma_neg * -jnp.log1p(-q) * (lam - p) * p**2 * (lam - 1 + q)
    return _mean(y * (1 - p) ** gamma_pos * _polynomial(s) + (1 - y) * absent)


def poly1_sigmoid(s, y, epsilon=1.0):
    p = sigmoid(s)
    return _mean(_bce(s, y) + epsilon * (y * (1 - p) + (1 - y) * p))


def poly1_focal(s, y, epsilon=1.0, gamma=2.0):
    p = sigmoid(s)
    miss = y * (1 - p) + (1 - y) * p
    return _mean(miss**gamma * _bce(s, y) + epsilon * miss ** (gamma + 1))


def strictly_proper_asymmetric(s, y, z_p=1.0, k_p=1.0, b_p=0.0, z_n=5.0, k_n=3.0, b_n=1.0):
    present, absent = -log_sigmoid(k_p * (s - b_p)) / z_p, -log_sigmoid(-k_n * (s - b_n)) / z_n
    return _mean(y * present + (1 - y) * absent)


def _tolerant(z, y, neg_scale=2.0, gamma=2.0, alpha=0.5):
    far = neg_scale * z
    present = alpha * (1 - sigmoid(z)) ** gamma * -log_sigmoid(z)
    absent = (1 - alpha) * sigmoid(far) ** gamma * -log_sigmoid(-far) / neg_scale
    return y * present + (1 - y) * absent


def negative_tolerant_focal(s, y, *, bias):
    return _mean(_tolerant(s + bias, y))


def distribution_balanced(
    s, y, *, label_counts, num_samples, kappa=0.05, map_alpha=0.1, map_beta=10.0, map_mu=0.9
):
    counts = jnp.clip(label_counts, 1, num_samples - 1)
    shared = jnp.sum(y / counts, axis=-1, keepdims=True)
    ratio = jnp.where(shared > 0, 1 / counts / jnp.where(shared > 0, shared, 1), jnp.inf)
    weight = map_alpha + sigmoid(map_beta * (ratio - map_mu))
    return _mean(weight * _tolerant(s - kappa * jnp.log(num_samples / counts - 1), y))


def logit_adjusted_sigmoid_cross_entropy(s, y, *, prior_logits, tau=1.0):
    return _mean(_bce(s + tau * prior_logits, y))


def sampled_sigmoid_cross_entropy(s, y, *, log_expected_counts):
    return jnp.sum(_bce(s - log_expected_counts, y), axis=-1)


def jeffreys_divergence(s, y, eps=1e-7):
    p, target = sigmoid(s), jnp.maximum(y, eps)
    counted = (y >= eps) | (p > eps)
    return jnp.sum(jnp.where(counted, (target - p) * (jnp.log(target) - log_sigmoid(s)), 0), axis=-1)


def clipped_jeffreys_divergence(s, y, eps=1e-7):
    p, target = jnp.maximum(sigmoid(s), eps), jnp.maximum(y, eps)
    return jnp.sum((target - p) * (jnp.log(target) - jnp.log(p)), axis=-1)


def bernoulli_jeffreys(s, y):
    return jnp.sum((sigmoid(s) - sigmoid(y)) * (s - y), axis=-1)


def weak_assume_negative(s, y):
    return -_mean(y * log_sigmoid(s) + (1 - y) / max(s.shape[-1] - 1, 1) * log_sigmoid(-s))


def assume_negative_smoothed(s, y, smoothing=0.1):
    return _mean(_bce(s, y * (1 - smoothing) + (1 - y) * smoothing))


def partial_cross_entropy(s, y):
    return _mean(_bce(s, y))


def _entropy(s):
    p = sigmoid(s)
    return -(p * log_sigmoid(s) + (1 - p) * log_sigmoid(-s))


def entropy_maximization(s, y, alpha=0.1):
    return _mean(-y * log_sigmoid(s) - alpha * (1 - y) * _entropy(s))


def entropy_maximization_pseudo(s, y, *, pseudo, pseudo_where, alpha=0.1, beta=0.02):
    unknown = jnp.where(pseudo_where, beta * _bce(s, pseudo), -alpha * _entropy(s))
    return _mean(-y * log_sigmoid(s) + (1 - y) * unknown)


def _margin(s, margin=1.0, gamma=2.0):
    return (1 - sigmoid(s - margin)) ** gamma * -log_sigmoid(s - margin)


def hill(s, y, lam=1.5):
    p = sigmoid(s)
    return _mean(y * _margin(s) + (1 - y) * (lam - p) * p**2)


def focal_margin(s, y, gamma=2.0):
    return _mean(y * _margin(s) + (1 - y) * sigmoid(s) ** gamma * -log_sigmoid(-s))


def splc(s, y, tau=0.6, gamma=2.0):
    sure = jax.lax.stop_gradient(sigmoid(s)) > tau
    p = sigmoid(s)
    unknown = jnp.where(sure, (1 - p) ** gamma * -log_sigmoid(s), p**gamma * -log_sigmoid(-s))
    return _mean(y * _margin(s) + (1 - y) * unknown)


def generalized_robust(s, y, slope=2.0, offset=-2.0, mu=0.8, sd=0.5, q2=0.01, q3=1.0):
    p, held = sigmoid(s), jax.lax.stop_gradient(sigmoid(s))
    belief = sigmoid(slope * held + offset)
    weight = jnp.exp(-(((held - mu) / sd) ** 2) / 2)
    unknown = belief * (1 - p**q2) / q2 + (1 - belief) * (1 - (1 - p) ** q3) / q3
    return _mean(-y * log_sigmoid(s) + (1 - y) * weight * unknown)


def unbiased_propensity_cross_entropy(s, y, *, inverse_propensities):
    return _mean(_bce(s, y * inverse_propensities))


def upper_bound_propensity_cross_entropy(s, y, *, inverse_propensities):
    return -_mean(y * (2 * inverse_propensities - 1) * log_sigmoid(s) + (1 - y) * log_sigmoid(-s))


STRAIGHT = {
    form.__name__: form
    for form in (
        sigmoid_cross_entropy,
        hinge,
        squared_hinge,
        modified_huber,
        binary_sparsemax,
        sigmoid_focal,
        asymmetric_focal,
        asymmetric_focal_shifted,
        asymmetric_focal_shifted_detached,
        asymmetric_polynomial,
        asymmetric_polynomial_detached,
        robust_asymmetric,
        poly1_sigmoid,
        poly1_focal,
        strictly_proper_asymmetric,
        negative_tolerant_focal,
        distribution_balanced,
        logit_adjusted_sigmoid_cross_entropy,
        sampled_sigmoid_cross_entropy,
        jeffreys_divergence,
        clipped_jeffreys_divergence,
        bernoulli_jeffreys,
        weak_assume_negative,
        assume_negative_smoothed,
        partial_cross_entropy,
        entropy_maximization,
        entropy_maximization_pseudo,
        hill,
        focal_margin,
        splc,
        generalized_robust,
        unbiased_propensity_cross_entropy,
        upper_bound_propensity_cross_entropy,
    )
}
"""The forms by the name of the loss; ``assume_negative`` is ``sigmoid_cross_entropy``."""
