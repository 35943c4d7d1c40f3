"""Sweeps: each lane trains alone, stops by its own validation, and fails alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from mlj import training
from mlj.training import Batch, Lane, Plan, Problem, Sweep, stack_lanes

ROWS = 48


def _data() -> Batch:
    features = jax.random.normal(jax.random.key(0), (ROWS, 3))
    labels = (features @ jnp.array([[1.0], [-2.0], [0.5]]) > 0).astype(jnp.float32)
    return Batch(features, labels)


def _problem() -> Problem:
    def objective(params, batch, key, options):
        logits = batch.features @ params["w"]
        cost = optax.sigmoid_binary_cross_entropy(logits, batch.labels).mean()
        return cost + options["ridge"] * jnp.sum(params["w"] ** 2)

    return Problem(
        init=lambda key, options: {"w": 0.1 * jax.random.normal(key, (3, 1))},
        objective=objective,
        predict=lambda params, features, options: features @ params["w"],
        criterion=lambda outputs, labels, where: -jnp.mean((jax.nn.sigmoid(outputs) - labels) ** 2),
    )


def _lane(**changes) -> Lane:
    lane = Lane(
        seed=np.int32(0),
        learning_rate=np.float32(0.1),
        weight_decay=np.float32(0),
        train_rows=np.arange(ROWS, dtype=np.int32),
        num_train=np.int32(36),
        validation_rows=np.arange(36, ROWS, dtype=np.int32),
        max_epochs=np.int32(8),
        keep_last=np.bool_(False),
        options={"ridge": np.float32(0)},
    )
    return lane._replace(**changes)


PLAN = Plan(batch_size=12, max_epochs=8, patience=3, optimizer="adam")


@pytest.fixture(scope="module")
def sweep() -> Sweep:
    return Sweep(_problem(), PLAN, _data())


@pytest.fixture(scope="module")
def lanes() -> Lane:
    return stack_lanes(
        [
            _lane(),
            _lane(seed=np.int32(1)),
            _lane(learning_rate=np.float32(1e30)),
            _lane(options={"ridge": np.float32(5)}),
            _lane(learning_rate=np.float32(0)),
        ]
    )


@pytest.fixture(scope="module")
def found(sweep, lanes):
    return sweep(lanes)


def test_a_lane_gives_the_same_alone_as_among_others(sweep, found):
    alone = sweep(stack_lanes([_lane(seed=np.int32(1))]))
    chex.assert_trees_all_equal(jax.tree.map(lambda x: x[0], alone), jax.tree.map(lambda x: x[1], found))


TWO_DEVICES = """
import jax, numpy as np
from mlj.training import Sweep, stack_lanes, use_cores
use_cores(2)
assert jax.device_count() == 2
import test_training as here
lanes = [here._lane(seed=np.int32(seed)) for seed in range(5)]
sweep = Sweep(here._problem(), here.PLAN, here._data())
together = sweep(stack_lanes(lanes))
for seed, lane in enumerate(lanes):
    alone = sweep(stack_lanes([lane]))
    assert np.array_equal(alone.params["w"][0], together.params["w"][seed]), seed
"""


def test_lanes_dealt_over_two_devices_come_back_in_their_order():
    ran = subprocess.run(
        [sys.executable, "-c", TWO_DEVICES],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr


def test_vmapped_lanes_equal_mapped_ones_up_to_rounding(lanes, found):
    vmapped = Sweep(_problem(), PLAN, _data(), axis="vmap")(lanes)
    chex.assert_trees_all_close(vmapped.params, found.params, rtol=1e-4, atol=1e-5)
    chex.assert_trees_all_equal(vmapped.best_epoch, found.best_epoch)
    chex.assert_trees_all_equal(vmapped.failed_step, found.failed_step)


def test_a_lane_that_is_not_finite_says_its_step_and_spoils_no_other(found):
    assert found.failed_step.tolist()[2] >= 0
    assert [step for lane, step in enumerate(found.failed_step) if lane != 2] == [-1] * 4
    assert np.isfinite(found.params["w"]).all()


def test_training_learns_and_traced_options_matter(found):
    assert found.best_value[0] > found.best_value[4] + 0.02
    assert np.abs(found.params["w"][3]).max() < np.abs(found.params["w"][0]).max()


def test_the_best_epoch_is_that_of_the_largest_validation_value(found):
    for lane in (0, 1, 3):
        curve = found.validation_curve[lane]
        assert np.nanargmax(curve) + 1 == found.best_epoch[lane]
        assert np.nanmax(curve) == found.best_value[lane]


def test_a_lane_without_progress_stops_after_its_patience(found):
    ran = np.isfinite(found.train_curve[4]).sum()
    assert found.best_epoch[4] == 1
    assert ran == 1 + PLAN.patience


def test_a_final_run_uses_all_rows_for_exactly_its_epochs(sweep):
    final = _lane(num_train=np.int32(ROWS), max_epochs=np.int32(5), keep_last=np.bool_(True))
    result = sweep(stack_lanes([final, _lane(max_epochs=np.int32(5))]))
    assert result.best_epoch[0] == 5
    assert np.isfinite(result.train_curve[0]).sum() == 5
    assert np.flatnonzero(np.isfinite(result.validation_curve[0])).tolist() == [4]
    assert result.best_value[0] == result.validation_curve[0][4]
    assert not np.array_equal(result.params["w"][0], result.params["w"][1])


def test_validation_rows_never_reach_the_gradient(found):
    data = _data()
    spoiled = data._replace(labels=data.labels.at[36:].set(1 - data.labels[36:]))
    other = Sweep(_problem(), PLAN, spoiled)(stack_lanes([_lane()]))
    chex.assert_trees_all_equal(other.train_curve[0][:1], found.train_curve[0][:1])
    assert not np.array_equal(other.validation_curve[0][:1], found.validation_curve[0][:1])


def test_a_lane_with_fewer_rows_than_a_batch_still_trains():
    plan = Plan(batch_size=12, max_epochs=2, optimizer="sgd")
    result = Sweep(_problem(), plan, _data())(stack_lanes([_lane(num_train=np.int32(5))]))
    assert np.isfinite(result.train_curve).all()


@pytest.mark.parametrize("name", training.OPTIMIZERS)
def test_every_optimizer_descends_a_parabola_at_one_of_its_rates(name):
    def loss(x):
        return jnp.sum((x - 0.3) ** 2)

    def descend(rate):
        optimizer = training.make_optimizer(name, rate)

        def one(carry, _):
            x, state = carry
            updates, state = optimizer.update(jax.grad(loss)(x), state, x)
            return (optax.apply_updates(x, updates), state), None

        x = jnp.zeros(2)
        (x, _), _ = jax.lax.scan(one, (x, optimizer.init(x)), None, length=300)
        return loss(x)

    rates = jnp.array(training.OPTIMIZERS[name].learning_rates)
    assert float(jax.jit(jax.vmap(descend))(rates).min()) < 0.5 * 2 * 0.3**2


def test_an_unknown_optimizer_is_named_with_its_nearest():
    with pytest.raises(ValueError, match="unknown optimizer 'rmspop': did you mean 'rmsprop'"):
        training.make_optimizer("rmspop", 0.1)


def test_the_average_follows_its_formula():
    data, problem = _data(), _problem()
    optimizer = training.make_optimizer("sgd", 0.5)
    params = problem.init(jax.random.key(0), {})
    state = training.start(params, optimizer, average=True)
    after, _ = training.step(
        state,
        data,
        jax.random.key(1),
        objective=lambda p, batch, key: problem.objective(p, batch, key, {"ridge": 0.0}),
        optimizer=optimizer,
        average_decay=0.75,
    )
    expected = 0.75 * params["w"] + 0.25 * after.params["w"]
    chex.assert_trees_all_close(after.average["w"], expected, rtol=1e-6)


def test_a_plan_refuses_what_cannot_be():
    with pytest.raises(ValueError, match="batch_size must be at least 1, got 0"):
        Plan(batch_size=0)
    with pytest.raises(ValueError, match="average_decay"):
        Plan(average_decay=1.0)
    with pytest.raises(ValueError, match="axis must be 'map' or 'vmap', got 'pmap'"):
        Sweep(_problem(), PLAN, _data(), axis="pmap")
