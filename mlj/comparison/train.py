"""Training one contender: every learning rate and seed in one program, then the chosen rate on all rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from mlj._checks import lookup
from mlj.approaches import Approach
from mlj.comparison.config import CompareConfig
from mlj.comparison.parts import Parts
from mlj.decision import best_threshold_f1
from mlj.metrics import METRICS
from mlj.models import INPUTS
from mlj.training import OPTIMIZERS, Batch, Lane, Plan, Problem, Sweep, predict_lanes_once, stack_lanes
from mlj.types import Array

_F1_AVERAGES = {"micro_f1": "micro", "macro_f1": "macro", "samples_f1": "samples"}


class Trained(NamedTuple):
    """One contender after training; the leading axis of the arrays is the seed."""

    learning_rate: float
    """The rate of the largest mean criterion over the seeds."""
    params: Any
    """Parameters of the models trained on the whole pool."""
    options: dict[str, np.ndarray]
    """The options that belong to them."""
    validation_outputs: Any
    """Arrays ``[S, V, ...]``, of the models that did not see these rows."""
    test_outputs: Any
    """Arrays ``[S, T, ...]``, of the models trained on the whole pool."""
    validation_sets: dict[str, np.ndarray]
    """What each decoder of the approach decides ``[S, V, L]``, bool, with the models that did not see these
    rows."""
    test_sets: dict[str, np.ndarray]
    """The same on the test rows ``[S, T, L]``, with the models trained on the whole pool."""
    best_epochs: list[int]
    values: dict[float, list[float]]
    """The criterion of every learning rate and seed; -inf where training failed at once."""
    train_curve: np.ndarray
    """``[S, epochs]`` of the chosen rate."""
    validation_curve: np.ndarray
    """``[S, epochs]`` of the chosen rate."""
    failures: list[dict[str, float | int]]
    """Runs whose numbers stopped being finite: learning rate, seed, step."""


class Failed(NamedTuple):
    """A contender of which no run gave a finite value."""

    failures: list[dict[str, float | int]]


def criterion_for(metric: str, scores_fn: Callable[[Array], Array]) -> Callable[..., Array]:
    """Return the criterion that training is stopped by, larger is better.

    F measures are taken at their best global threshold, ranking metrics as they are, with the sign of those
    that are better when small turned.

    Raises:
        ValueError: If the metric needs neither.
    """
    if metric in _F1_AVERAGES:
        average = _F1_AVERAGES[metric]
        return lambda outputs, labels, where: best_threshold_f1(scores_fn(outputs), labels, where, average)[1]
    info = lookup("metric", metric, METRICS)
    if info.needs != "scores":
        known = sorted([*_F1_AVERAGES, *(name for name, entry in METRICS.items() if entry.needs == "scores")])
        raise ValueError(f"a comparison cannot be led by {metric!r}; it can by: {', '.join(known)}")
    sign = 1 if info.greater_is_better else -1

    def criterion(outputs: Array, labels: Array, where: Array | None) -> Array:
        values = sign * info.function(scores_fn(outputs), labels, where=where)
        if not info.per_sample:
            return values
        counted = jnp.ones(len(labels), bool) if where is None else jnp.any(where, axis=-1)
        return jnp.sum(jnp.where(counted, values, 0)) / jnp.maximum(jnp.sum(counted), 1)

    return criterion


def learning_rates(config: CompareConfig) -> tuple[float, ...]:
    """Return the learning rates that every contender tries."""
    return config.learning_rates or lookup("optimizer", config.optimizer, OPTIMIZERS).learning_rates


def check_names(config: CompareConfig) -> None:
    """Raise ``ValueError`` if the configuration names a metric or optimizer that cannot be used."""
    criterion_for(config.metric, lambda outputs: outputs)
    lookup("optimizer", config.optimizer, OPTIMIZERS)


def make_problem(approach: Approach, config: CompareConfig) -> Problem:
    """Return the pure functions that a sweep trains for this approach."""
    return Problem(
        init=approach.init,
        objective=approach.objective,
        predict=approach.predict,
        criterion=criterion_for(config.metric, lambda outputs: approach.scores(outputs)[0]),
        at_epoch=approach.at_epoch,
    )


def in_blocks(approach: Approach, rows: int = 256) -> Approach:
    """Return the approach with predictions and decisions made for so many rows at a time.

    A network over tokens keeps some thousand numbers for each token of a text: those of all validation rows
    at once do not fit into memory.
    """

    def blocked(function: Callable[..., Any]) -> Callable[..., Any]:
        def run(params: Any, features: Any, options: dict[str, Array]) -> Any:
            count = len(jax.tree.leaves(features)[0])
            index = jnp.arange(-(-count // rows) * rows).reshape(-1, rows) % count

            def one(block: Array) -> Any:
                return function(params, jax.tree.map(lambda leaf: leaf[block], features), options)

            outputs = jax.lax.map(one, index)
            return jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:])[:count], outputs)

        return run

    decoders = {
        name: decoder._replace(decide=blocked(decoder.decide)) for name, decoder in approach.decoders.items()
    }
    return approach._replace(predict=blocked(approach.predict), decoders=decoders)


class Trainer:
    """Compiles and runs the training of one approach."""

    def __init__(self, approach: Approach, config: CompareConfig, parts: Parts, pool: Batch, test: Batch):
        """Bind everything; nothing is compiled yet."""
        if INPUTS[config.model] != "features":
            approach = in_blocks(approach)
        self._approach, self._config, self._parts = approach, config, parts
        self._pool, self._test = pool, test
        smallest = min(len(rows) for rows in parts.train_rows)
        plan = Plan(
            batch_size=min(config.batch_size, smallest),
            max_epochs=config.max_epochs,
            patience=config.patience,
            optimizer=config.optimizer,
        )
        self._sweep = Sweep(make_problem(approach, config), plan, pool)
        self._grid = [(rate, seed) for rate in learning_rates(config) for seed in range(config.seeds)]

    def compile(self) -> Trainer:
        """Compile the sweep; returns itself."""
        self._sweep.compile(stack_lanes([self._lane(rate, seed) for rate, seed in self._grid]))
        return self

    def run(self) -> Trained | Failed:
        """Train every learning rate and seed, choose the rate, and train it again on the whole pool."""
        lanes = stack_lanes([self._lane(rate, seed) for rate, seed in self._grid])
        found = self._sweep(lanes)
        seeds = self._config.seeds
        failures = [
            _failure(rate, seed, step)
            for (rate, seed), step in zip(self._grid, found.failed_step)
            if step >= 0
        ]
        values = {
            rate: found.best_value[index * seeds : (index + 1) * seeds].tolist()
            for index, rate in enumerate(learning_rates(self._config))
        }
        best_rate = max(values, key=lambda rate: np.mean(values[rate]))
        if not np.isfinite(np.mean(values[best_rate])):
            return Failed(failures)
        chosen = slice(*(seeds * (list(values).index(best_rate) + end) for end in (0, 1)))
        found, held = jax.tree.map(lambda leaf: leaf[chosen], (found, lanes))
        epochs = found.best_epoch.tolist()
        last = stack_lanes([self._lane(best_rate, seed, epochs[seed]) for seed in range(seeds)])
        final = self._sweep(last)
        failures += [
            _failure(best_rate, seed, step) | {"final": True}
            for seed, step in enumerate(final.failed_step)
            if step >= 0
        ]
        outputs = predict_lanes_once(self._approach.predict, final.params, self._test.features, last.options)
        return Trained(
            best_rate,
            final.params,
            last.options,
            found.validation_outputs,
            jax.device_get(outputs),
            self._validation_sets(found.params, held),
            self._test_sets(final.params, last),
            epochs,
            values,
            found.train_curve,
            found.validation_curve,
            failures,
        )

    def _validation_sets(self, params: Any, lanes: Lane) -> dict[str, np.ndarray]:
        """Return what each decoder decides on each lane's own validation rows."""

        def decided(decide: Callable) -> np.ndarray:
            def one(lane):
                params, options, rows = lane
                features = jax.tree.map(lambda leaf: leaf[rows], self._pool.features)
                return decide(params, features, options)

            every = jax.jit(lambda stacked: jax.lax.map(one, stacked))
            return np.asarray(every((params, lanes.options, lanes.validation_rows)))

        return {name: decided(decoder.decide) for name, decoder in self._approach.decoders.items()}

    def _test_sets(self, params: Any, lanes: Lane) -> dict[str, np.ndarray]:
        return {
            name: np.asarray(predict_lanes_once(decoder.decide, params, self._test.features, lanes.options))
            for name, decoder in self._approach.decoders.items()
        }

    def _lane(self, rate: float, seed: int, final_epochs: int | None = None) -> Lane:
        """Return one run: on the training rows with early stopping, or on all rows for a set time."""
        train, validation = self._parts.train_rows[seed], self._parts.validation_rows[seed]
        final = final_epochs is not None
        seen = np.concatenate([train, validation]) if final else train
        pool = self._parts.pool
        return Lane(
            seed=np.int32(seed),
            learning_rate=np.float32(rate),
            weight_decay=np.float32(self._config.weight_decay),
            train_rows=np.concatenate([train, validation]).astype(np.int32),
            num_train=np.int32(len(seen)),
            validation_rows=validation.astype(np.int32),
            max_epochs=np.int32(final_epochs if final else self._config.max_epochs),
            keep_last=np.bool_(final),
            options=self._approach.options(
                pool.labels[seen], None if pool.where is None else pool.where[seen]
            ),
        )


def _failure(rate: float, seed: int, step: int) -> dict[str, float | int]:
    return {"learning_rate": rate, "seed": seed, "step": int(step)}
