"""The losses of independent labels finish their slope in the forward pass, in the memory of one array."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AxisType, PartitionSpec

from mlj.label_terms import finished_slope
from mlj.losses import LOSS_INFO, asymmetric_focal, asymmetric_focal_shifted, sigmoid_focal
from mlj.testing import case_of

ROWS, LABELS = 64, 7 * 512
ENTRIES = ROWS * LABELS
QUICK = ("sigmoid_cross_entropy", "squared_hinge", "asymmetric_focal_shifted", "hill", "entropy_maximization")
SAMPLE = jnp.array([-3.0, -0.4, 0.2, 1.0, 5.0])
TRUTH = jnp.array([1.0, 0.0, 1.0, 0.3, 0.0])


def _plain_names():
    return [name for name, info in LOSS_INFO.items() if info.family in ("binary", "partial")]


def _names():
    return [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in _plain_names()]


def _of_many_labels(name):
    rng = np.random.default_rng(0)
    logits = jnp.asarray(rng.normal(scale=3, size=(ROWS, LABELS)).astype(np.float32))
    few = (rng.random((ROWS, 7)) < 0.3).astype(np.float32)
    labels = jnp.asarray(np.tile(few, LABELS // 7))
    more = {
        extra.name: jnp.asarray(np.tile(np.asarray(extra.make(few)), LABELS // 7))
        for extra in case_of(name).extras
    }
    return partial(case_of(name).loss, labels=labels, **more), logits


@pytest.mark.parametrize("name", _names())
def test_what_waits_for_the_backward_pass_is_the_slope_alone(name):
    loss, logits = _of_many_labels(name)
    _, pull = jax.vjp(lambda s: jnp.sum(loss(s)), logits)
    kept = [leaf.size for leaf in jax.tree.leaves(pull) if leaf.size >= ENTRIES]
    assert len(kept) <= 2, "at most the slope and what a mask or weight multiplies it by"


@pytest.mark.parametrize("name", _names())
def test_cost_and_slope_take_the_temporary_memory_of_one_array(name):
    loss, logits = _of_many_labels(name)
    step = jax.jit(jax.value_and_grad(lambda s: jnp.sum(loss(s))))
    assert step.lower(logits).compile().memory_analysis().temp_size_in_bytes <= 1.1 * logits.nbytes


def test_a_composed_slope_is_that_of_autodiff_at_every_order_and_in_both_modes():
    def term(s, y, k):
        return y * jnp.sin(k * s) + s**3 / 7

    def finished(s, k):
        return jnp.sum(finished_slope(term, s, TRUTH, k))

    def plain(s, k):
        return jnp.sum(term(s, TRUTH, k))

    k = jnp.float32(1.3)
    for way in (jax.grad, jax.jacfwd, jax.hessian, lambda f: jax.jacrev(jax.hessian(f))):
        np.testing.assert_allclose(way(finished)(SAMPLE, k), way(plain)(SAMPLE, k), rtol=2e-5, atol=1e-6)
    in_k = jax.grad(finished, 1)(SAMPLE, k), jax.grad(plain, 1)(SAMPLE, k)
    np.testing.assert_allclose(*in_k, rtol=1e-5)
    in_labels = jax.grad(lambda y: jnp.sum(finished_slope(term, SAMPLE, y, k)))(TRUTH)
    np.testing.assert_allclose(in_labels, jnp.sin(k * SAMPLE), rtol=1e-5)


@pytest.mark.parametrize("gamma", [0.0, 1.0, 2.0, 3.0, 4.0])
@pytest.mark.parametrize("loss", [sigmoid_focal, asymmetric_focal, asymmetric_focal_shifted])
def test_a_power_that_is_known_while_tracing_costs_what_a_traced_one_does(loss, gamma):
    place = "gamma" if loss is sigmoid_focal else "gamma_neg"

    def known(s):
        return loss.__wrapped__(s, TRUTH, **{place: gamma})

    def traced(s):
        return loss(s, TRUTH, **{place: jnp.float32(gamma)})

    np.testing.assert_allclose(known(SAMPLE), traced(SAMPLE), rtol=2e-6)
    np.testing.assert_allclose(jax.grad(known)(SAMPLE), jax.grad(traced)(SAMPLE), rtol=5e-6, atol=1e-9)


WITH_SETTINGS = [name for name in _plain_names() if case_of(name).hyper]
SIZES = (0.0, 1e-30, 1.0, 17.0, 89.0, 104.0, 1e4, 1e30, np.inf)


@pytest.mark.parametrize("name", WITH_SETTINGS)
def test_the_defaults_of_a_loss_cost_what_they_do_when_traced(name):
    case = case_of(name)
    sizes = [size for size in SIZES if size <= case.largest(jnp.float32) or size == np.inf]
    logits = np.float32([sign * size for size in sizes for sign in (-1, 1)])
    logits = np.concatenate([logits, np.linspace(-6, 6, 50, dtype=np.float32)])
    kinds = (0, 1, 0.3) if case.soft else (0, 1)
    s = jnp.asarray(np.tile(np.tile(logits, len(kinds))[:, None], 7))
    y = jnp.asarray(np.tile(np.repeat(np.float32(kinds), logits.size)[:, None], 7))
    more = {extra.name: jnp.asarray(extra.make(np.asarray(y))) for extra in case.extras}

    def found(settings):
        costs, pull = jax.vjp(lambda s: case.loss(s, y, **more, **settings), s)
        return costs, pull(jnp.ones_like(costs))[0]

    known = jax.jit(lambda: found({}))()
    settings = {key: jnp.float32(value) for key, value in case.settings()[0].items()}
    traced = jax.jit(found)(settings)
    for one, other in zip(known, traced):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)


def test_samples_spread_over_devices_have_the_slopes_of_one_device():
    mesh = jax.make_mesh((1,), ("samples",), axis_types=(AxisType.Auto,))
    logits, labels = jnp.stack([SAMPLE, -SAMPLE]), jnp.stack([TRUTH, TRUTH])
    spread = PartitionSpec("samples")

    def slopes(s, y):
        return jax.grad(lambda s: jnp.sum(asymmetric_focal_shifted(s, y)))(s)

    split = jax.jit(jax.shard_map(slopes, mesh=mesh, in_specs=(spread, spread), out_specs=spread))
    np.testing.assert_array_equal(split(logits, labels), jax.jit(slopes)(logits, labels))


def test_other_hyper_parameters_do_not_trace_again():
    count = 0

    @jax.jit
    def step(s, gamma):
        nonlocal count
        count += 1
        return jax.grad(lambda s: sigmoid_focal(s, TRUTH, gamma=gamma))(s)

    for gamma in (0.5, 1.0, 2.0):
        assert jnp.isfinite(step(SAMPLE, gamma)).all()
    assert count == 1
