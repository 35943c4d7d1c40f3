"""What is learned, as pure functions that are made once for each setting, so that they compile once."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import Any

import jax

from mlj.approaches import APPROACHES, LOSS_APPROACHES, Approach
from mlj.comparison.tasks import make_task
from mlj.comparison.train import criterion_for
from mlj.training import Problem


def approach_for(
    contender: str, model: str, options: Mapping[str, Any], num_features: int, sizes: Mapping[str, Any]
) -> Approach:
    """Return an approach; the same one for the same arguments, whose functions are compiled once.

    Args:
        contender: A name in :data:`mlj.approaches.APPROACHES`.
        model: A name in :data:`mlj.models.MODELS`.
        options: From :func:`mlj.comparison.tasks.model_options`.
        num_features: Width of the features.
        sizes: From :func:`mlj.comparison.tasks.label_sizes`.
    """
    if contender in LOSS_APPROACHES:  # they know labels only by their number
        sizes = dict(sizes) | {"num_labelsets": 0, "largest_labelset": 0}
    return _approach(contender, model, json.dumps(options), num_features, json.dumps(sizes))


@lru_cache(maxsize=32)
def _approach(contender: str, model: str, options: str, num_features: int, sizes: str) -> Approach:
    task = make_task(model, json.loads(options), num_features, json.loads(sizes))
    return APPROACHES[contender].make(task)


def problem_of(approach: Approach, metric: str) -> Problem:
    """Return what is trained of an approach, and measured by a metric."""
    return Problem(
        approach.init,
        approach.objective,
        approach.predict,
        _criterion(metric, approach.scores),
        approach.at_epoch,
    )


@lru_cache(maxsize=32)
def _criterion(metric: str, scores_of: Callable[..., Any]) -> Callable[..., Any]:
    return criterion_for(metric, lambda outputs: scores_of(outputs)[0])


@lru_cache(maxsize=32)
def options_first(objective: Callable[..., Any]) -> Callable[..., Any]:
    """Return the objective with its options as the first argument, to be bound by ``Partial``."""
    return lambda options, params, batch, key: objective(params, batch, key, options)


@partial(jax.jit, static_argnums=0)
def compiled(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function that is the same object each time, so that it is compiled once for each shape."""
    return function(*arguments)
