"""One pure optimisation step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from mlj.types import Array, Labels, Mask, Scalar

Params = Any


class Batch(NamedTuple):
    """Samples to learn from; a pytree whose leaves all have the samples first."""

    features: Any
    labels: Labels
    where: Mask | None = None


class TrainState(NamedTuple):
    """What a step changes: parameters, their running average, and the optimizer's state."""

    params: Params
    average: Params
    optimizer: Any


Objective = Callable[[Params, Batch, Array], Scalar]
"""``objective(params, batch, key) -> scalar``, what one step descends."""


def start(params: Params, optimizer: optax.GradientTransformation) -> TrainState:
    """Return the state before the first step."""
    return TrainState(params, params, optimizer.init(params))


def step(
    state: TrainState,
    batch: Batch,
    key: Array,
    *,
    objective: Objective,
    optimizer: optax.GradientTransformation,
    average_decay: Scalar = 0.0,
) -> tuple[TrainState, Array]:
    """Take one step and return the new state and the objective before it.

    The running average of the parameters follows ``average = d average + (1 - d) params`` with
    d = ``average_decay``; 0 keeps the parameters themselves.

    Args:
        state: From :func:`start` or an earlier step.
        batch: The samples of this step.
        key: Randomness of this step.
        objective: What to descend.
        optimizer: From Optax.
        average_decay: d, in [0, 1).

    Returns:
        The new state, and the objective ``[]`` at the old parameters, which is not finite when the step
        cannot be trusted.
    """
    value, gradient = jax.value_and_grad(objective)(state.params, batch, key)
    updates, optimizer_state = optimizer.update(gradient, state.optimizer, state.params)
    params = optax.apply_updates(state.params, updates)
    average = jax.tree.map(lambda a, p: average_decay * a + (1 - average_decay) * p, state.average, params)
    return TrainState(params, average, optimizer_state), jnp.asarray(value)
