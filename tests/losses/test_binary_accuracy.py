"""How many digits the losses of independent labels keep, against double precision."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mlj.losses import _powers, binary, partial as missing

GRID = np.float32(np.concatenate([np.linspace(-75, 75, 3001), np.linspace(-3, 3, 601)]))
WIDE = GRID.astype(np.float64)
SOFTPLUS = np.logaddexp(0, WIDE)
LOG_P = -np.logaddexp(0, -WIDE)


def ulps(found, exact):
    """Return the largest error in units of the last float32 place, where the result is a normal number."""
    normal = np.abs(exact) > 1e-35
    error = np.abs(np.asarray(found, np.float64) - exact) / np.spacing(np.float32(np.abs(exact)))
    return np.max(error[normal], initial=0)


def both(function):
    return jax.jit(jax.vmap(jax.value_and_grad(function)))(jnp.asarray(GRID))


def focal(gamma, log_p, softplus):
    """Return p^gamma softplus and its slope."""
    power = np.exp(gamma * log_p)
    return power * softplus, power * (np.exp(log_p) + gamma * np.exp(-softplus) * softplus)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.3, 4.0])
def test_a_power_of_the_sigmoid_keeps_its_digits_where_it_is_tiny(gamma):
    gamma = float(np.float32(gamma))
    value, slope = both(lambda x: _powers.sigmoid_power(x, jnp.float32(gamma)))
    assert ulps(value, np.exp(gamma * LOG_P)) < 7
    assert ulps(slope, gamma * np.exp(gamma * LOG_P - SOFTPLUS)) < 9
    in_gamma = jax.vmap(jax.grad(_powers.sigmoid_power, argnums=1), (0, None))(jnp.asarray(GRID), gamma)
    assert ulps(in_gamma, LOG_P * np.exp(gamma * LOG_P)) < 9


@pytest.mark.parametrize("gamma", [1, 2.0, 3, 4.0])
def test_a_power_made_by_multiplication_loses_no_more_than_its_factors(gamma):
    value, slope = both(lambda x: _powers.sigmoid_power(x, gamma))
    assert ulps(value, np.exp(gamma * LOG_P)) < 2 * gamma + 1
    assert ulps(slope, gamma * np.exp(gamma * LOG_P - SOFTPLUS)) < 2 * gamma + 3


def test_the_excess_of_softplus_over_the_sigmoid_keeps_its_digits_where_both_cancel():
    p = np.exp(LOG_P)
    series = sum(p**n / n for n in range(2, 200))
    value, slope = both(_powers.softplus_excess)
    assert ulps(value, np.where(WIDE < 2, series, SOFTPLUS - p)) < 6
    assert ulps(slope, p * p) < 6


@pytest.mark.parametrize("gamma", [0.5, 2.0, 2.3])
def test_focal_costs_and_slopes_of_easy_labels_keep_their_digits(gamma):
    gamma = float(np.float32(gamma))
    value, slope = focal(gamma, LOG_P, SOFTPLUS)
    for loss in (
        partial(binary.sigmoid_focal, gamma=gamma),
        partial(binary.asymmetric_focal, gamma_pos=gamma, gamma_neg=gamma),
    ):
        found = both(lambda s: loss(s[None], jnp.zeros(1)))  # noqa: B023
        assert ulps(found[0], value) < 5
        assert ulps(found[1], slope) < 6


def test_a_shifted_and_scaled_logit_costs_no_digits():
    margin = float(np.float32(0.3))
    cost, slope = focal(2.0, -np.logaddexp(0, WIDE - margin), np.logaddexp(0, margin - WIDE))
    found = both(lambda s: missing.focal_margin(s[None], jnp.ones(1), margin=margin))
    assert ulps(found[0], cost) < 6
    assert ulps(found[1], -slope) < 6
    found = both(lambda s: binary.strictly_proper_asymmetric(s[None], jnp.zeros(1)))
    assert ulps(found[0], np.logaddexp(0, 3 * (WIDE - 1)) / 5) < 6
    assert ulps(found[1], 0.6 * np.exp(-np.logaddexp(0, -3 * (WIDE - 1)))) < 6
    prior = jnp.array([-2.7])
    found = both(
        lambda s: binary.logit_adjusted_sigmoid_cross_entropy(s[None], jnp.zeros(1), prior_logits=prior)
    )
    z = WIDE + float(prior[0])
    assert ulps(found[0], np.logaddexp(0, z)) < 6
    assert ulps(found[1], np.exp(-np.logaddexp(0, -z))) < 6


def test_the_slope_in_the_shift_and_in_the_scale_is_that_of_the_formula():
    def loss(steepness, place):
        return binary.strictly_proper_asymmetric(jnp.array([0.7]), jnp.zeros(1), k_n=steepness, b_n=place)

    slopes = jax.grad(loss, (0, 1))(3.0, 1.0)
    p = 1 / (1 + np.exp(0.9))
    np.testing.assert_allclose(slopes, [p * -0.3 / 5, p * -3 / 5], rtol=1e-5)
