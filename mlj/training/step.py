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
    """What a step changes: parameters, their running average if one is kept, and the optimizer's state."""

    params: Params
    average: Params | None
    optimizer: Any

    @property
    def smooth(self) -> Params:
        """The running average, or the parameters themselves where none is kept."""
        return self.params if self.average is None else self.average


Objective = Callable[[Params, Batch, Array], Scalar]
"""``objective(params, batch, key) -> scalar``, what one step descends."""


def start(params: Params, optimizer: optax.GradientTransformation, *, average: bool = False) -> TrainState:
    """Return the state before the first step.

    It shares no memory with ``params`` and none between its parts, so that it can be donated.

    Args:
        params: The initial parameters.
        optimizer: From :func:`make_optimizer`, or any of Optax.
        average: Whether a running average of the parameters is kept beside them.
    """
    state = TrainState(params, params if average else None, optimizer.init(params))
    return jax.tree.map(jnp.copy, state)


def step(
    state: TrainState,
    batch: Batch,
    key: Array,
    *,
    objective: Objective,
    optimizer: optax.GradientTransformation,
    average_decay: Scalar | None = None,
) -> tuple[TrainState, Array]:
    """Take one step and return the new state and the objective before it.

    The running average of the parameters follows ``average = d average + (1 - d) params`` with
    d = ``average_decay``.

    Args:
        state: From :func:`start` or an earlier step.
        batch: The samples of this step.
        key: Randomness of this step.
        objective: What to descend.
        optimizer: From :func:`make_optimizer`, or any of Optax.
        average_decay: d, in [0, 1); None for a state that keeps no average.

    Returns:
        The new state, and the objective ``[]`` at the old parameters, which is not finite when the step
        cannot be trusted.

    Raises:
        ValueError: If a decay is given and the state keeps no average, or the reverse.
    """
    if state.average is None and average_decay is not None:
        raise ValueError(
            "step: average_decay is given, but the state keeps no average: start(..., average=True)"
        )
    if state.average is not None and average_decay is None:
        raise ValueError("step: the state keeps an average, so average_decay is needed, got None")
    value, gradient = jax.value_and_grad(objective)(state.params, batch, key)
    updates, optimizer_state = optimizer.update(gradient, state.optimizer, state.params)
    params = optax.apply_updates(state.params, updates)
    average = None
    if state.average is not None:
        average = jax.tree.map(
            lambda a, p: average_decay * a + (1 - average_decay) * p, state.average, params
        )
    return TrainState(params, average, optimizer_state), jnp.asarray(value)
