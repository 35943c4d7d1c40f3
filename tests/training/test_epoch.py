"""A compiled epoch: the steps taken one by one, in the memory of the old state, compiled once."""

from __future__ import annotations

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.tree_util import Partial

from mlj.training import (
    Batch,
    Lane,
    Plan,
    Problem,
    Sweep,
    make_optimizer,
    shuffled,
    stack_lanes,
    start,
    step,
    train_epoch,
)
from mlj.training.epoch import _parted, _train_epoch

ROWS, FEATURES, WIDTH, LABELS, BATCH = 50, 6, 16, 3, 8


def _data(rows: int = ROWS) -> Batch:
    features = jax.random.normal(jax.random.key(0), (rows, FEATURES))
    return Batch(features, (features[:, :LABELS] > 0).astype(jnp.float32))


def _params(width: int = WIDTH):
    shapes = {"first": (FEATURES, width), "second": (width, width), "head": (width, LABELS)}
    return {name: 0.3 * jax.random.normal(jax.random.key(1), shape) for name, shape in shapes.items()}


def _objective(params, batch, key):
    hidden = jnp.maximum(batch.features @ params["first"], 0)
    hidden = jnp.where(jax.random.bernoulli(key, 0.5, hidden.shape), hidden, 0)
    logits = jnp.tanh(hidden @ params["second"]) @ params["head"]
    return optax.sigmoid_binary_cross_entropy(logits, batch.labels).mean()


def _scaled(scale, params, batch, key):
    return scale * _objective(params, batch, key)


ORDER = shuffled(jax.random.key(2), ROWS)
KEY = jax.random.key(3)


def _epoch(state, optimizer, objective=_objective, average_decay=0.9, data=None, order=ORDER):
    return train_epoch(
        state,
        _data() if data is None else data,
        order,
        KEY,
        objective=objective,
        optimizer=optimizer,
        batch_size=BATCH,
        average_decay=average_decay,
    )


@jax.jit
def _one_step(state, batch, key, optimizer, decay):
    return step(state, batch, key, objective=_objective, optimizer=optimizer, average_decay=decay)


def test_an_epoch_equals_its_steps_bit_for_bit():
    data, optimizer = _data(), make_optimizer("adamw", 1e-2, 1e-3)
    state, values = start(_params(), optimizer, average=True), []
    for index in range(ROWS // BATCH):
        rows = ORDER[index * BATCH : (index + 1) * BATCH]
        batch = Batch(data.features[rows], data.labels[rows])
        state, value = _one_step(state, batch, jax.random.fold_in(KEY, index), optimizer, 0.9)
        values.append(value)
    epoch = _epoch(start(_params(), optimizer, average=True), optimizer)
    chex.assert_trees_all_equal(epoch.state, state)
    np.testing.assert_allclose(epoch.objective, np.mean(values), rtol=1e-6)
    assert epoch.failed_step == -1


def test_the_old_state_is_given_up_and_the_initial_parameters_are_not():
    params, optimizer = _params(), make_optimizer("adam", 1e-2)
    state = start(params, optimizer, average=True)
    new = _epoch(state, optimizer).state
    assert all(leaf.is_deleted() for leaf in jax.tree.leaves(state))
    assert not any(leaf.is_deleted() for leaf in jax.tree.leaves((params, new)))


def _compiled(width: int, rows: int):
    optimizer = make_optimizer("adam", 1e-2)
    state = start(_params(width), optimizer, average=True)
    numbers, functions = _parted((_objective, optimizer))
    lowered = _train_epoch.lower(state, _data(rows), jnp.arange(rows), KEY, numbers, 0.9, functions, BATCH)
    return state, lowered.compile().memory_analysis()


def test_the_state_is_updated_in_its_own_memory():
    width = 256
    state, memory = _compiled(width, ROWS)
    size = sum(leaf.nbytes for leaf in jax.tree.leaves(state))
    weights = sum(leaf.nbytes for leaf in jax.tree.leaves(state.params))
    assert memory.alias_size_in_bytes >= size
    # The gradient, in part in the place of the old weights that the backward pass reads, and activations.
    assert memory.temp_size_in_bytes <= 1.5 * weights + 8 * BATCH * width * 4


def test_memory_does_not_grow_with_the_rows():
    temps = [_compiled(WIDTH, rows)[1].temp_size_in_bytes for rows in (ROWS, 40 * ROWS)]
    assert temps[1] <= temps[0]


def test_other_rates_and_hyper_parameters_do_not_compile_again():
    traces = []

    def counted(scale, params, batch, key):
        traces.append(None)
        return _scaled(scale, params, batch, key)

    found = []
    for rate, scale, decay in ((1e-2, 1.0, 0.9), (1e-3, 1.0, 0.9), (1e-2, 2.0, 0.9), (1e-2, 1.0, 0.5)):
        optimizer = make_optimizer("sgd", rate)
        state = start(_params(), optimizer, average=True)
        state = _epoch(state, optimizer, Partial(counted, scale), decay).state
        found.append((float(state.params["head"].sum()), float(state.average["head"].sum())))
    assert len(traces) == 1
    assert len({params for params, _ in found}) == 3
    assert len({average for _, average in found}) == 4


def test_a_plain_optimizer_of_optax_serves_too():
    optimizer = optax.adam(1e-2)
    ours = make_optimizer("adam", 1e-2)
    one = _epoch(start(_params(), optimizer), optimizer, average_decay=None).state.params
    other = _epoch(start(_params(), ours), ours, average_decay=None).state.params
    chex.assert_trees_all_close(one, other, rtol=1e-5, atol=1e-6)


def test_the_first_step_that_is_not_finite_is_named():
    data, optimizer = _data(), make_optimizer("sgd", 1e-2)
    data = data._replace(features=data.features.at[ORDER[3 * BATCH]].set(jnp.nan))
    epoch = _epoch(start(_params(), optimizer), optimizer, average_decay=None, data=data)
    assert epoch.failed_step == 3
    assert not np.isfinite(epoch.objective)


def test_rows_beyond_the_last_full_batch_are_left_out_and_few_rows_make_one():
    optimizer = make_optimizer("sgd", 1e-2)

    def after(order):
        return _epoch(start(_params(), optimizer), optimizer, average_decay=None, order=order)

    chex.assert_trees_all_equal(after(ORDER).state, after(ORDER[: ROWS // BATCH * BATCH]).state)
    few = after(ORDER[:5])
    data = jax.tree.map(lambda leaf: leaf[ORDER[:5]], _data())
    wanted = _objective(_params(), data, jax.random.fold_in(KEY, 0))
    np.testing.assert_allclose(few.objective, wanted, rtol=1e-6)


def test_a_lane_takes_the_steps_of_an_epoch():
    problem = Problem(
        init=lambda key, options: _params(),
        objective=lambda params, batch, key, options: _objective(params, batch, key),
        predict=lambda params, features, options: features @ params["first"],
        criterion=lambda outputs, labels, where: jnp.zeros(()),
    )
    rows = np.arange(ROWS, dtype=np.int32)
    lane = Lane(np.int32(7), np.float32(1e-2), np.float32(0), rows, np.int32(ROWS), rows[:4], np.int32(1),
                np.bool_(True), {})  # fmt: skip
    plan = Plan(batch_size=BATCH, max_epochs=1, average_decay=0, optimizer="adam")
    result = Sweep(problem, plan, _data())(stack_lanes([lane]))
    _, key_order, key_step = jax.random.split(jax.random.key(7), 3)
    optimizer = make_optimizer("adam", 1e-2)
    epoch = train_epoch(
        start(_params(), optimizer),
        _data(),
        shuffled(jax.random.fold_in(key_order, 0), ROWS),
        jax.random.fold_in(key_step, 0),
        objective=_objective,
        optimizer=optimizer,
        batch_size=BATCH,
    )
    kept = jax.tree.map(lambda leaf: leaf[0], result.params)
    chex.assert_trees_all_close(kept, epoch.state.smooth, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(result.train_curve[0, 0], epoch.objective, rtol=1e-6)


def test_what_cannot_be_is_refused():
    optimizer = make_optimizer("sgd", 1e-2)
    state = start(_params(), optimizer)
    with pytest.raises(ValueError, match="average_decay is given, but the state keeps no average"):
        _epoch(state, optimizer)
    with pytest.raises(ValueError, match="so average_decay is needed, got None"):
        _epoch(start(_params(), optimizer, average=True), optimizer, average_decay=None)
    with pytest.raises(ValueError, match=r"order must be \[R\] with R > 0, got \[2, 3\]"):
        _epoch(state, optimizer, order=jnp.zeros((2, 3), jnp.int32))
    with pytest.raises(ValueError, match=r"order must be \[R\] with R > 0, got \[0\]"):
        _epoch(state, optimizer, order=jnp.zeros(0, jnp.int32))
    with pytest.raises(TypeError, match="order must be row numbers, got float32"):
        _epoch(state, optimizer, order=jnp.zeros(3))
    with pytest.raises(ValueError, match="batch_size must be at least 1, got 0"):
        train_epoch(state, _data(), ORDER, KEY, objective=_objective, optimizer=optimizer, batch_size=0)


def test_an_optimizer_is_a_pytree_of_its_rates():
    optimizer = make_optimizer("adamw", 0.25, 0.5)
    assert set(jax.tree.leaves(optimizer)) == {0.25, 0.5}
    other = make_optimizer("adamw", 0.5, 0.5)
    assert jax.tree.structure(optimizer) == jax.tree.structure(other)
    assert jax.tree.structure(optimizer) != jax.tree.structure(make_optimizer("adam", 0.25, 0.5))
