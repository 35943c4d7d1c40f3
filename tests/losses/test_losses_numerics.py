"""The stable primitives on the whole real line, against mpmath and their limits."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from mpmath import exp, log, mp, mpf

from mlj import label_terms, numerics

mp.dps = 140
INF = np.inf
GRID = np.float32([0, 1e-30, 1e-3, 1, 5, 16, 17, 20, 30, 88, 89, 104, 1e4, 1e30, 3e38])
GRID = np.concatenate([-GRID[::-1], GRID])


def exactly(f, grid=GRID):
    return np.array([float(f(mpf(float(x)))) for x in grid])


def sig(x):
    return 1 / (1 + exp(-x))


FLUSHED = 1.2e-38
"""Numbers below the smallest normal float32 may be flushed to 0."""


def test_softplus_and_its_slope_are_exact_everywhere():
    np.testing.assert_allclose(
        numerics.softplus(GRID), exactly(lambda x: log(1 + exp(x))), rtol=1e-6, atol=FLUSHED
    )
    slope = jax.vmap(jax.grad(numerics.softplus))(GRID)
    np.testing.assert_allclose(slope, exactly(sig), rtol=2e-6, atol=FLUSHED)


def test_softplus_pair_is_softplus_on_either_side_with_its_slopes():
    for side, sign in enumerate((1, -1)):
        found = numerics.softplus_pair(jnp.asarray(GRID))[side]
        np.testing.assert_allclose(found, numerics.softplus(sign * GRID), rtol=1e-6)
        slope = jax.vmap(jax.grad(lambda x: numerics.softplus_pair(x)[side]))(GRID)  # noqa: B023
        np.testing.assert_allclose(slope, sign * exactly(sig, sign * GRID), rtol=2e-6, atol=FLUSHED)


def test_log_softplus_is_exact_and_stays_alive():
    near = np.float32([-1e30, -104, -30, -20.5, -20, -19.5, -3, 0, 2, 50, 1e30])
    found = numerics.log_softplus(jnp.asarray(near))
    slope = jax.vmap(jax.grad(numerics.log_softplus))(near)
    np.testing.assert_array_equal((found[0], slope[0]), (near[0], 1))
    wanted = exactly(lambda x: log(log(1 + exp(x))), near[1:])
    np.testing.assert_allclose(found[1:], wanted, rtol=1e-6, atol=1e-6)
    wanted = exactly(lambda x: sig(x) / log(1 + exp(x)), near[1:])
    np.testing.assert_allclose(slope[1:], wanted, rtol=2e-6, atol=FLUSHED)


@pytest.mark.parametrize("label", [0.0, 0.25, 0.5, 1.0])
def test_binary_cross_entropy_and_both_slopes_are_exact(label):
    y = mpf(label)
    found = numerics.binary_cross_entropy(jnp.asarray(GRID), jnp.full(GRID.shape, label))
    wanted = exactly(lambda s: y * log(1 + exp(-s)) + (1 - y) * log(1 + exp(s)))
    np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=FLUSHED)
    slopes = jax.vmap(jax.grad(numerics.binary_cross_entropy, argnums=(0, 1)), (0, None))(GRID, label)
    absolute = FLUSHED if label in (0, 1) else 1e-7
    np.testing.assert_allclose(slopes[0], exactly(lambda s: sig(s) - y), rtol=2e-6, atol=absolute)
    np.testing.assert_allclose(slopes[1], -GRID)


@pytest.mark.parametrize(
    ("logit", "label", "cost", "slope"),
    [
        (INF, 1, 0, 0),
        (-INF, 0, 0, 0),
        (INF, 0, INF, 1),
        (-INF, 1, INF, -1),
        (INF, 0.25, INF, 0.75),
        (-INF, 0.25, INF, -0.25),
    ],
)
def test_binary_cross_entropy_of_an_infinite_logit_takes_its_limit(logit, label, cost, slope):
    found = jax.value_and_grad(numerics.binary_cross_entropy)(logit, float(label))
    assert (float(found[0]), float(found[1])) == (cost, slope)


@pytest.mark.parametrize("f", [numerics.softplus, numerics.log_sigmoid, numerics.log_softplus])
def test_not_a_number_is_passed_on(f):
    assert np.isnan(f(jnp.nan))


@pytest.mark.parametrize(
    ("x", "value", "slope"),
    [
        ([-INF, -INF], -INF, [0, 0]),
        ([INF, INF], INF, [0.5, 0.5]),
        ([INF, 0.0], INF, [1, 0]),
        ([-INF, 3.0], 3.0, [0, 1]),
        ([3e38, 3e38], 3e38, [0.5, 0.5]),
    ],
)
def test_logsumexp_of_extremes_shares_its_slope(x, value, slope):
    found = jax.value_and_grad(numerics.logsumexp)(jnp.array(x))
    np.testing.assert_allclose(found[0], value, rtol=1e-6)
    np.testing.assert_allclose(found[1], slope)
    np.testing.assert_allclose(numerics.softmax(jnp.array(x)), slope)


def test_logsumexp_equals_the_weighted_sum_over_the_set():
    rng = np.random.default_rng(0)
    x, w, where = rng.normal(size=(6, 5)), rng.uniform(0.1, 3, (6, 5)), rng.random((6, 5)) < 0.6
    where[0] = False
    with np.errstate(divide="ignore"):
        wanted = np.log(np.sum(np.where(where, w * np.exp(x), 0), -1))
    dirty = jnp.asarray(np.where(where, x, np.nan), jnp.float32)
    found = numerics.logsumexp(dirty, jnp.asarray(where), jnp.asarray(w, jnp.float32))
    np.testing.assert_allclose(found, wanted, rtol=1e-5)
    plain = numerics.logsumexp(jnp.asarray(x, jnp.float32), jnp.asarray(where))
    np.testing.assert_allclose(plain, jax.nn.logsumexp(x, -1, where=where), rtol=1e-5)
    slopes = jax.grad(lambda x, w: numerics.logsumexp(x, where, w)[1:].sum(), (0, 1))(
        jnp.asarray(x, jnp.float32), jnp.asarray(w, jnp.float32)
    )
    inverse = np.where(where, np.exp(x - wanted[:, None]), 0)[1:]
    np.testing.assert_allclose(slopes[0][1:], (w[1:] * inverse), rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(slopes[1][1:], inverse, rtol=1e-5, atol=1e-7)


def test_the_parts_of_a_logsumexp_keep_the_digits_of_a_cancelling_sum():
    x = jnp.array([1e4, 1e4, 1e4])
    top, rest = numerics.logsumexp_parts(x)
    other_top, other_rest = numerics.logsumexp_parts(-x)
    np.testing.assert_allclose((top + other_top) + (rest + other_rest), 2 * np.log(3), rtol=1e-6)
    assert abs(numerics.logsumexp(x) + numerics.logsumexp(-x) - 2 * np.log(3)) > 1e-5


def test_softmax_terms_are_a_cross_entropy_with_its_slope():
    rng = np.random.default_rng(1)
    x, mass = rng.normal(size=(4, 5)), rng.uniform(0, 2, (4, 5))
    wanted = mass * (np.log(np.exp(x).sum(-1, keepdims=True)) - x)
    x, mass = jnp.asarray(x, jnp.float32), jnp.asarray(mass, jnp.float32)
    np.testing.assert_allclose(numerics.softmax_terms(x, mass), wanted, rtol=2e-5)
    slopes = jax.grad(lambda x, m: numerics.softmax_terms(x, m).sum(), (0, 1))(x, mass)
    np.testing.assert_allclose(
        slopes[0], mass.sum(-1, keepdims=True) * jax.nn.softmax(x, -1) - mass, rtol=1e-5, atol=1e-6
    )
    np.testing.assert_allclose(slopes[1], -jax.nn.log_softmax(x, -1), rtol=1e-5, atol=1e-6)


def test_an_impossible_label_costs_nothing_without_mass_and_infinity_with_it():
    x = jnp.array([-INF, 0.0])
    np.testing.assert_array_equal(numerics.softmax_terms(x, jnp.array([0.0, 1.0])), [0, 0])
    np.testing.assert_array_equal(numerics.softmax_terms(x, jnp.array([1.0, 0.0])), [INF, 0])
    slope = jax.grad(lambda x: numerics.softmax_terms(x, jnp.array([1.0, 0.0])).sum())(x)
    np.testing.assert_array_equal(slope, [-1, 1])


@pytest.mark.parametrize(
    ("a", "b", "total"), [(INF, -INF, INF), (-INF, INF, INF), (-INF, -INF, -INF), (1, 2, 3)]
)
def test_set_sum_lets_plus_infinity_win(a, b, total):
    value, slopes = jax.value_and_grad(numerics.set_sum, (0, 1))(float(a), float(b))
    assert float(value) == total
    assert [float(slope) for slope in slopes] == [1, 1]


def test_ratio_of_tiny_numbers_has_a_finite_slope_and_zero_over_zero_is_zero():
    part, whole = jnp.float32([1e-30, 0, 0, 3]), jnp.float32([2e-30, 1e-30, 0, 4])
    np.testing.assert_allclose(numerics.ratio(part, whole), [0.5, 0, 0, 0.75])
    slopes = jax.vmap(jax.grad(numerics.ratio, (0, 1)))(part, whole)
    np.testing.assert_allclose(slopes[0], [5e29, 1e30, 0, 0.25], rtol=1e-6)
    np.testing.assert_allclose(slopes[1], [-2.5e29, 0, 0, -3 / 16], rtol=1e-6)


def test_bounded_logits_are_finite_and_keep_their_slope():
    found = jax.vmap(jax.value_and_grad(lambda s: numerics.bound_logits(s, 4)))(jnp.array([-INF, 2.0, INF]))
    assert np.all(np.isfinite(found[0]))
    assert np.all(np.isfinite(4 * found[0]))
    np.testing.assert_array_equal(found[1], [1, 1, 1])


def test_the_observed_mean_of_huge_terms_is_finite_and_of_nothing_zero():
    terms = jnp.array([[3e38, 3e38], [3e38, jnp.nan], [jnp.nan, jnp.nan]])
    where = jnp.array([[True, True], [True, False], [False, False]])
    np.testing.assert_allclose(label_terms.observed_mean(terms, where), [3e38, 3e38, 0], rtol=1e-6)
    np.testing.assert_allclose(label_terms.observed_mean(terms[:1], None), [3e38], rtol=1e-6)
