"""One training run as a pure function of traced settings: epochs, early stopping, the best parameters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from mlj.training.epoch import Epoch, run_epoch
from mlj.training.optimizers import make_optimizer
from mlj.training.order import shuffled
from mlj.training.step import Batch, Params, TrainState, start
from mlj.types import Array, Labels, Mask, Scalar


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is the same for every lane of a sweep, and known before it is compiled."""

    batch_size: int = 128
    """Samples per step; fewer if a lane has fewer."""
    max_epochs: int = 50
    """Passes over the training rows at the most."""
    patience: int = 12
    """Epochs without a better validation value after which a lane stops."""
    average_decay: float = 0.96
    """Decay of the running average of the parameters, which is what is validated and kept; 0 for none."""
    optimizer: str = "adamw"
    """A name in :data:`mlj.training.OPTIMIZERS`."""

    def __post_init__(self):
        """Refuse numbers that no training can have."""
        for name, low in (("batch_size", 1), ("max_epochs", 1), ("patience", 1)):
            if getattr(self, name) < low:
                raise ValueError(f"Plan: {name} must be at least {low}, got {getattr(self, name)}")
        if not 0 <= self.average_decay < 1:
            raise ValueError(f"Plan: average_decay must be in [0, 1), got {self.average_decay}")


class Problem(NamedTuple):
    """What is learned, as pure functions."""

    init: Callable[[Array, dict[str, Array]], Params]
    """``init(key, options) -> params``; ``options`` are a lane's own."""
    objective: Callable[[Params, Batch, Array, dict[str, Array]], Scalar]
    """``objective(params, batch, key, options) -> scalar`` to descend."""
    predict: Callable[[Params, Any, dict[str, Array]], Any]
    """``predict(params, features [B, ...], options) -> outputs``, arrays ``[B, ...]``, without randomness."""
    criterion: Callable[[Any, Labels, Mask | None], Array]
    """``criterion(outputs, labels, where) -> scalar`` on validation rows; larger is better."""
    at_epoch: Callable[[dict[str, Array], Array], dict[str, Array]] | None = None
    """``at_epoch(options, epoch) -> options`` that the objective sees in the pass of that number, from 0, for
    what changes while a lane is trained; None if nothing does."""


class Lane(NamedTuple):
    """The traced settings of one run. A sweep stacks them along a leading axis."""

    seed: Array
    """Integer; decides the initial parameters, the order of samples and dropout."""
    learning_rate: Array
    weight_decay: Array
    train_rows: Array
    """Row numbers ``[R]`` of the data; only the first ``num_train`` are trained on."""
    num_train: Array
    validation_rows: Array
    """Row numbers ``[V]``."""
    max_epochs: Array
    """Passes at the most, up to that of the plan; 0 makes an idle lane."""
    keep_last: Array
    """Bool: run exactly ``max_epochs`` and keep the last parameters, whatever validation says; they alone are
    measured on the validation rows."""
    options: dict[str, Array]
    """Further traced settings for ``init``, ``objective`` and ``predict``."""


class LaneResult(NamedTuple):
    """What one run gives."""

    params: Params
    """Averaged parameters of the best epoch."""
    validation_outputs: Any
    """Outputs ``[V, ...]`` of these parameters on the validation rows."""
    best_epoch: Array
    """Number of passes that led to them, from 1; 0 if no epoch gave a finite value."""
    best_value: Array
    """The criterion there; -inf if no epoch gave a finite value."""
    train_curve: Array
    """Mean objective of each epoch ``[max_epochs]``, NaN where none was run."""
    validation_curve: Array
    """Criterion after each epoch ``[max_epochs]``, NaN where none was run or measured."""
    failed_step: Array
    """The first step whose objective or update was not finite, from 0; -1 if none."""


class _Progress(NamedTuple):
    epoch: Array
    state: TrainState
    best: Params
    best_epoch: Array
    best_value: Array
    train_curve: Array
    validation_curve: Array
    failed_step: Array


def run_lane(problem: Problem, plan: Plan, data: Batch, lane: Lane) -> LaneResult:
    """Train one lane to its end; pure, for use under ``jit`` and ``vmap``.

    An epoch visits the lane's training rows in a new random order and leaves out the remainder that does not
    fill a batch. After each epoch the averaged parameters are measured by the criterion on the validation
    rows, and kept if they are better than all before; a lane that keeps the last measures only those. A step
    whose objective is not finite, or an epoch whose validation outputs are not, ends the lane: the best
    earlier parameters are returned with the step.

    Args:
        problem: The pure functions.
        plan: The static settings.
        data: All rows, training and validation, that the row numbers of the lane speak of.
        lane: The traced settings.
    """
    key_init, key_order, key_step = jax.random.split(jax.random.key(lane.seed), 3)
    optimizer = make_optimizer(plan.optimizer, lane.learning_rate, lane.weight_decay)
    validation = jax.tree.map(lambda rows: rows[lane.validation_rows], data)
    batch_size = min(plan.batch_size, lane.train_rows.shape[0])
    steps = jnp.maximum(lane.num_train // batch_size, 1)
    lane = lane._replace(max_epochs=jnp.minimum(lane.max_epochs, plan.max_epochs))

    def one_epoch(progress: _Progress) -> _Progress:
        options = lane.options
        if problem.at_epoch is not None:
            options = problem.at_epoch(options, progress.epoch)

        def objective(params: Params, batch: Batch, key: Array) -> Scalar:
            return problem.objective(params, batch, key, options)

        epoch = run_epoch(
            progress.state,
            data,
            _order(lane, jax.random.fold_in(key_order, progress.epoch), batch_size),
            jax.random.fold_in(key_step, progress.epoch),
            steps,
            objective=objective,
            optimizer=optimizer,
            batch_size=batch_size,
            average_decay=plan.average_decay or None,
        )
        return _measured(problem, lane, validation, steps, progress, epoch)

    params = problem.init(key_init, lane.options)
    blank = jnp.full(plan.max_epochs, jnp.nan)
    zero = jnp.zeros((), jnp.int32)
    state = start(params, optimizer, average=plan.average_decay > 0)
    first = _Progress(zero, state, params, zero, jnp.array(-jnp.inf), blank, blank, zero - 1)
    end = jax.lax.while_loop(partial(_goes_on, plan, lane), one_epoch, first)
    outputs = problem.predict(end.best, validation.features, lane.options)
    return LaneResult(end.best, outputs, *end[3:])


def _measured(
    problem: Problem, lane: Lane, validation: Batch, steps: Array, progress: _Progress, epoch: Epoch
) -> _Progress:
    """Return the progress after an epoch, whose parameters are kept if they are better than all before."""
    params, failed = epoch.state.smooth, epoch.failed_step

    def measure() -> tuple[Array, Array]:
        outputs = problem.predict(params, validation.features, lane.options)
        finite = [jnp.all(jnp.isfinite(leaf)) for leaf in jax.tree.leaves(outputs)]
        value = problem.criterion(outputs, validation.labels, validation.where)
        return jnp.all(jnp.stack(finite)), jnp.asarray(value, jnp.float32)

    asked = ~jnp.asarray(lane.keep_last) | (progress.epoch + 1 >= lane.max_epochs)
    finite, value = jax.lax.cond(asked, measure, lambda: (jnp.array(True), jnp.float32(-jnp.inf)))
    sound = (failed < 0) & finite
    better = sound & ((value > progress.best_value) | lane.keep_last)
    failed = jnp.where((failed < 0) & ~sound, steps - 1, failed)
    return _Progress(
        progress.epoch + 1,
        epoch.state,
        jax.tree.map(lambda new, old: jnp.where(better, new, old), params, progress.best),
        jnp.where(better, progress.epoch + 1, progress.best_epoch),
        jnp.where(better, value, progress.best_value),
        progress.train_curve.at[progress.epoch].set(epoch.objective),
        progress.validation_curve.at[progress.epoch].set(jnp.where(sound & asked, value, jnp.nan)),
        jnp.where(failed < 0, -1, progress.epoch * steps + failed),
    )


def _goes_on(plan: Plan, lane: Lane, progress: _Progress) -> Array:
    patient = progress.epoch - progress.best_epoch < plan.patience
    return (progress.epoch < lane.max_epochs) & (patient | lane.keep_last) & (progress.failed_step < 0)


def _order(lane: Lane, key: Array, batch_size: int) -> Array:
    """Return the training rows in random order, the unused row numbers last.

    A lane with fewer rows than a batch repeats them to fill one.
    """
    size = lane.train_rows.shape[0]
    order = shuffled(key, size, lane.num_train)
    position = jnp.arange(size)
    wrapped = jnp.where(lane.num_train < batch_size, position % jnp.maximum(lane.num_train, 1), position)
    return lane.train_rows[order[wrapped]]
