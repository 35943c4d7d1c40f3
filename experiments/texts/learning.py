"""Training a text model on folds of the training rows, and again on all of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from mlj import losses
from mlj.comparison.train import criterion_for
from mlj.models import as_function
from mlj.training import Batch, Lane, Plan, Problem, Sweep, predict_lanes, stack_lanes
from mlj.types import Array
from mlj.weighting import prior_logits

_ROWS_AT_ONCE = 256


class Recipe(NamedTuple):
    """What is trained, and how; its numbers were chosen on held-out training rows."""

    make: Callable[..., nnx.Module]
    """``make(output_bias=..., rngs=...)``, sizes bound."""
    loss: str = "sigmoid_cross_entropy"
    """A name in :data:`mlj.losses.LOSSES`."""
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    """Added to the gradient: L2 regularisation."""
    batch_size: int = 128
    epochs: int = 20
    """Passes at the most; validation says how many are kept."""


class Scores(NamedTuple):
    """What a recipe gives; the leading axis is the seed."""

    validation: np.ndarray
    """``[S, V, L]``: every row is scored by a model that did not see it."""
    test: np.ndarray
    """``[S, T, L]``"""
    epochs: list[float]
    """Passes that led to the kept parameters, the mean of the folds."""
    seconds: float


class Folds(NamedTuple):
    """Rows of the pool for each fold; every fold has as many as the others."""

    train: list[np.ndarray]
    held: list[np.ndarray]


def learn(recipe: Recipe, pool: Batch, test: Any, folds: list[Folds], *, metric: str, final: bool) -> Scores:
    """Train on the folds of every seed, and score the rows that they hold out.

    Args:
        recipe: What is trained.
        pool: The rows that may be learned from.
        test: Features of the test rows.
        folds: Those of each seed.
        metric: What the number of passes is chosen by.
        final: Whether the test rows are scored by a model of the whole pool, trained for as many passes as
            the folds were on average; else by the mean of the folds' models.
    """
    start = time.perf_counter()
    problem = _problem(recipe, metric)
    plan = Plan(batch_size=recipe.batch_size, max_epochs=recipe.epochs, patience=3, optimizer="adam")
    sweep = Sweep(problem, plan, pool)
    labels = np.asarray(pool.labels)
    pairs = [(seed, *pair) for seed, fold in enumerate(folds) for pair in zip(*fold)]
    count = len(pairs) // len(folds)
    found = sweep(stack_lanes([_lane(recipe, labels, *pair) for pair in pairs]))
    epochs = found.best_epoch.reshape(len(folds), count).mean(axis=1)
    params, options = found.params, np.stack([_bias(recipe, labels[train]) for _, train, _ in pairs])
    if final:
        firsts = [(seed, fold.train[0], fold.held[0]) for seed, fold in enumerate(folds)]
        lanes = [_lane(recipe, labels, *pair, passes=max(1, round(epochs[pair[0]]))) for pair in firsts]
        params, options, count = sweep(stack_lanes(lanes)).params, options[::count], 1
    outputs = np.asarray(predict_lanes(problem.predict, params, test, {"output_bias": options}))
    held = found.validation_outputs
    return Scores(
        held.reshape(len(folds), -1, held.shape[-1]),
        outputs.reshape(len(folds), count, *outputs.shape[1:]).mean(axis=1),
        epochs.tolist(),
        time.perf_counter() - start,
    )


def _problem(recipe: Recipe, metric: str) -> Problem:
    loss = losses.mean_over_samples(losses.get_loss(recipe.loss))

    def build(key: Array, bias: Array | None):
        return as_function(recipe.make(output_bias=bias, rngs=nnx.Rngs(key)))

    def init(key: Array, options: dict[str, Array]):
        return build(key, options["output_bias"])[1]

    def objective(params, batch: Batch, key: Array, options: dict[str, Array]):
        return loss(apply_fn(params, batch.features, key=key), batch.labels)

    apply_fn, _ = build(jax.random.key(0), None)
    return Problem(
        init=init,
        objective=objective,
        predict=partial(_in_blocks, apply_fn),
        criterion=criterion_for(metric, lambda outputs: outputs),
    )


def _in_blocks(apply_fn: Callable, params: Any, features: Any, options: dict[str, Array]) -> Array:
    """Return the outputs of all rows, computed some hundred at a time."""
    rows = len(jax.tree.leaves(features)[0])
    blocks = -(-rows // _ROWS_AT_ONCE)
    index = jnp.arange(blocks * _ROWS_AT_ONCE).reshape(blocks, -1) % rows
    outputs = jax.lax.map(lambda at: apply_fn(params, jax.tree.map(lambda leaf: leaf[at], features)), index)
    return outputs.reshape(-1, outputs.shape[-1])[:rows]


def _bias(recipe: Recipe, labels: np.ndarray) -> np.ndarray:
    """Return the scores that state the label priors: their logits, or 2 p - 1 where the loss is a hinge."""
    logits = np.asarray(prior_logits(labels.sum(axis=0), len(labels)), np.float32)
    return np.tanh(logits / 2) if recipe.loss == "squared_hinge" else logits


def _lane(
    recipe: Recipe, labels: np.ndarray, seed: int, train: np.ndarray, held: np.ndarray, passes: int = 0
) -> Lane:
    """Return a run on the rows ``train`` with early stopping, or on all rows for a number of passes."""
    return Lane(
        seed=np.int32(seed),
        learning_rate=np.float32(recipe.learning_rate),
        weight_decay=np.float32(recipe.weight_decay),
        train_rows=np.concatenate([train, held]).astype(np.int32),
        num_train=np.int32(len(train) + (len(held) if passes else 0)),
        validation_rows=held.astype(np.int32),
        max_epochs=np.int32(passes or recipe.epochs),
        keep_last=np.bool_(passes > 0),
        options={"output_bias": _bias(recipe, labels[train])},
    )
