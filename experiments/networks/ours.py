"""The training of this library: a sweep, and a loop of one's own over :func:`mlj.training.train_epoch`."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from mlj import losses, models
from mlj.training import (
    Batch,
    Lane,
    LaneResult,
    Plan,
    Problem,
    Sweep,
    make_optimizer,
    shuffled,
    stack_lanes,
    start,
    train_epoch,
)
from networks.case import LEARNING_RATE, Case, Weights

_mean_loss = losses.mean_over_samples(losses.sigmoid_cross_entropy)


def _build(case: Case, key: jax.Array):
    inputs, outputs = case.features.shape[1], case.labels.shape[1]
    return models.as_function(
        models.MLP(inputs, outputs, hidden=(case.width,), dropout=0.0, input_dropout=0.0, rngs=nnx.Rngs(key))
    )


def sweep(case: Case, lanes: int) -> Callable[[], LaneResult]:
    """Return a function that trains that many networks, compiled, and waits for them."""
    apply_fn, _ = _build(case, jax.random.key(0))
    problem = Problem(
        init=lambda key, options: _build(case, key)[1],
        objective=lambda params, batch, key, options: _mean_loss(
            apply_fn(params, batch.features), batch.labels
        ),
        predict=lambda params, features, options: apply_fn(params, features),
        criterion=lambda outputs, labels, where: -_mean_loss(outputs, labels),
    )
    lane = Lane(
        seed=np.int32(0),
        learning_rate=np.float32(LEARNING_RATE),
        weight_decay=np.float32(0),
        train_rows=np.arange(case.rows, dtype=np.int32),
        num_train=np.int32(case.rows),
        validation_rows=np.arange(case.rows, len(case.features), dtype=np.int32),
        max_epochs=np.int32(case.epochs),
        keep_last=np.bool_(True),
        options={},
    )
    stacked = stack_lanes([lane._replace(seed=np.int32(seed)) for seed in range(lanes)])
    plan = Plan(batch_size=case.batch_size, max_epochs=case.epochs, average_decay=0, optimizer="adam")
    data = Batch(jnp.asarray(case.features), jnp.asarray(case.labels))
    program = Sweep(problem, plan, data).compile(stacked)
    return lambda: program(stacked)


def own_loop(case: Case) -> Callable[[], jax.Array]:
    """Return a function that trains one network, epoch by epoch, and waits for it."""
    apply_fn, params = _build(case, jax.random.key(0))
    data = Batch(jnp.asarray(case.features[: case.rows]), jnp.asarray(case.labels[: case.rows]))
    held = Batch(jnp.asarray(case.features[case.rows :]), jnp.asarray(case.labels[case.rows :]))
    optimizer = make_optimizer("adam", LEARNING_RATE)

    def objective(params, batch, key):
        return _mean_loss(apply_fn(params, batch.features), batch.labels)

    measure = jax.jit(lambda params: objective(params, held, None))

    def train() -> jax.Array:
        state, curve = start(params, optimizer), []
        for epoch in range(case.epochs):
            key = jax.random.key(epoch)
            state, _, _ = train_epoch(
                state,
                data,
                shuffled(key, case.rows),
                key,
                objective=objective,
                optimizer=optimizer,
                batch_size=case.batch_size,
            )
            curve.append(measure(state.params))
        return jax.block_until_ready(curve[-1])

    return train


def first_step(case: Case) -> tuple[float, Weights]:
    """Return the objective of the first batch, and the parameters after one step."""
    apply_fn, params = _build(case, jax.random.key(0))
    weights, (layer,) = case.weights(), params["trunk"]["hidden"]
    params = {
        "trunk": {"hidden": {layer: {"kernel": weights.hidden, "bias": weights.hidden_bias}}},
        "head": {"kernel": weights.head, "bias": weights.head_bias},
    }
    optimizer = make_optimizer("adam", LEARNING_RATE)
    state, objective, _ = train_epoch(
        start(params, optimizer),
        Batch(*map(jnp.asarray, case.batch)),
        jnp.arange(case.batch_size),
        jax.random.key(0),
        objective=lambda params, batch, key: _mean_loss(apply_fn(params, batch.features), batch.labels),
        optimizer=optimizer,
        batch_size=case.batch_size,
    )
    after = state.params
    first, head = after["trunk"]["hidden"][layer], after["head"]
    parts = (first["kernel"], first["bias"], head["kernel"], head["bias"])
    return float(objective), Weights(*map(np.asarray, parts))
