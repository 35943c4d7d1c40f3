"""Training one contender: every learning rate and seed in one program, then the chosen rate on all rows."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
import scipy.sparse as sp
from flax import nnx

from mlj._checks import lookup
from mlj.comparison.config import CompareConfig
from mlj.comparison.contenders import (
    Contender,
    batch_loss,
    label_prior,
    output_bias,
    scores_of,
)
from mlj.comparison.parts import Parts
from mlj.decision import best_threshold_f1
from mlj.metrics import METRICS
from mlj.models import MODELS, as_function
from mlj.models.function import ApplyFn
from mlj.training import OPTIMIZERS, Batch, Lane, Plan, Problem, Sweep, predict_lanes, stack_lanes
from mlj.types import Array

_F1_AVERAGES = {"micro_f1": "micro", "macro_f1": "macro", "samples_f1": "samples"}


class Trained(NamedTuple):
    """One contender after training; the leading axis of the arrays is the seed."""

    learning_rate: float
    """The rate of the largest mean criterion over the seeds."""
    params: Any
    """Parameters of the models trained on the whole pool."""
    validation_outputs: np.ndarray
    """``[S, V, O]``, of the models that did not see these rows."""
    test_outputs: np.ndarray
    """``[S, T, O]``, of the models trained on the whole pool."""
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
    """Raise ``ValueError`` if the configuration names a metric, optimizer or model that cannot be used."""
    criterion_for(config.metric, lambda outputs: outputs)
    lookup("optimizer", config.optimizer, OPTIMIZERS)
    lookup("model", config.model, MODELS)


def model_options(config: CompareConfig, *, sparse: bool) -> dict[str, Any]:
    """Return the options of the model, the unset ones filled in by the kind of the features."""
    rate = config.input_dropout if config.input_dropout is not None else (0.5 if sparse else 0.2)
    if config.model == "linear":
        return {"input_dropout": 0.0 if config.input_dropout is None else rate}
    return {
        "hidden": config.hidden or ((1024,) if sparse else (128, 128)),
        "dropout": config.dropout if config.dropout is not None else (0.5 if sparse else 0.4),
        "input_dropout": rate,
    }


@lru_cache(maxsize=64)
def _apply_fn(
    model: str, num_features: int, num_outputs: int, options: tuple[tuple[str, Any], ...]
) -> ApplyFn:
    """Return the pure function of a model; contenders with as many outputs share what is compiled."""
    make = lookup("model", model, MODELS)
    return as_function(make(num_features, num_outputs, rngs=nnx.Rngs(0), **dict(options)))[0]


def make_problem(contender: Contender, config: CompareConfig, parts: Parts) -> Problem:
    """Return the pure functions that a sweep trains for this contender.

    The head's bias comes as an option of the lane, since it is a matter of the rows that the lane trains on.
    """
    sparse, num_features = sp.issparse(parts.pool.features), parts.pool.num_features
    options = model_options(config, sparse=sparse)
    make = lookup("model", config.model, MODELS)
    num_outputs = contender.num_outputs(parts.pool.num_labels)
    apply_fn = _apply_fn(config.model, num_features, num_outputs, tuple(options.items()))
    loss = batch_loss(contender)

    def init(key: Array, lane_options: dict[str, Array]):
        bias = lane_options["output_bias"]
        model = make(num_features, num_outputs, output_bias=bias, rngs=nnx.Rngs(key), **options)
        return as_function(model)[1]

    def objective(params, batch: Batch, key: Array, lane_options: dict[str, Array]):
        return loss(apply_fn(params, batch.features, key=key), batch.labels, batch.where)

    return Problem(
        init=init,
        objective=objective,
        predict=apply_fn,
        criterion=criterion_for(config.metric, lambda outputs: scores_of(contender, outputs)[0]),
    )


class Trainer:
    """Compiles and runs the training of one contender."""

    def __init__(self, contender: Contender, config: CompareConfig, parts: Parts, pool: Batch, test: Batch):
        """Bind everything; nothing is compiled yet."""
        self._contender, self._config, self._parts, self._test = contender, config, parts, test
        self._problem = make_problem(contender, config, parts)
        smallest = min(len(rows) for rows in parts.train_rows)
        self._plan = Plan(
            batch_size=min(config.batch_size, smallest),
            max_epochs=config.max_epochs,
            patience=config.patience,
            optimizer=config.optimizer,
        )
        self._sweep = Sweep(self._problem, self._plan, pool)
        self._grid = [(rate, seed) for rate in learning_rates(config) for seed in range(config.seeds)]

    def compile(self) -> Trainer:
        """Compile the sweep; returns itself."""
        self._sweep.compile(stack_lanes([self._lane(rate, seed) for rate, seed in self._grid]))
        return self

    def run(self) -> Trained | Failed:
        """Train every learning rate and seed, choose the rate, and train it again on the whole pool."""
        found = self._sweep(stack_lanes([self._lane(rate, seed) for rate, seed in self._grid]))
        failures = [
            {"learning_rate": rate, "seed": seed, "step": int(step)}
            for (rate, seed), step in zip(self._grid, found.failed_step)
            if step >= 0
        ]
        seeds = self._config.seeds
        values = {
            rate: found.best_value[index * seeds : (index + 1) * seeds].tolist()
            for index, rate in enumerate(learning_rates(self._config))
        }
        best_rate = max(values, key=lambda rate: np.mean(values[rate]))
        if not np.isfinite(np.mean(values[best_rate])):
            return Failed(failures)
        chosen = slice(*(seeds * (list(values).index(best_rate) + end) for end in (0, 1)))
        epochs = found.best_epoch[chosen].tolist()
        final = self._sweep(stack_lanes([self._lane(best_rate, seed, epochs[seed]) for seed in range(seeds)]))
        failures += [
            {"learning_rate": best_rate, "seed": seed, "step": int(step), "final": True}
            for seed, step in enumerate(final.failed_step)
            if step >= 0
        ]
        return Trained(
            best_rate,
            final.params,
            found.validation_outputs[chosen],
            np.asarray(predict_lanes(self._problem, final.params, self._test.features)),
            epochs,
            values,
            found.train_curve[chosen],
            found.validation_curve[chosen],
            failures,
        )

    def _lane(self, rate: float, seed: int, final_epochs: int | None = None) -> Lane:
        """Return one run: on the training rows with early stopping, or on all rows for a set time."""
        train, validation = self._parts.train_rows[seed], self._parts.validation_rows[seed]
        final = final_epochs is not None
        return Lane(
            seed=np.int32(seed),
            learning_rate=np.float32(rate),
            weight_decay=np.float32(self._config.weight_decay),
            train_rows=np.concatenate([train, validation]).astype(np.int32),
            num_train=np.int32(len(train) + final * len(validation)),
            validation_rows=validation.astype(np.int32),
            max_epochs=np.int32(final_epochs if final else self._config.max_epochs),
            keep_last=np.bool_(final),
            options={"output_bias": self._bias(train)},
        )

    def _bias(self, rows: np.ndarray) -> np.ndarray:
        labels, where = self._parts.pool.labels[rows], self._parts.pool.where
        prior = label_prior(labels, None if where is None else where[rows])
        return output_bias(self._contender, prior, max(float(labels.sum(axis=1).mean()), 0.1))
