"""A run's position to arrays and facts, and back, bit for bit."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from mlj.runs.loop import Facts, Position


def arrays_of(position: Position, key: jax.Array) -> dict[str, np.ndarray]:
    """Return every array of a position, and the run's key, by names that say where each belongs."""
    return {name: np.asarray(leaf) for name, leaf in _named(position).items()} | {
        "key": np.asarray(jax.random.key_data(key))
    }


def facts_of(position: Position) -> dict[str, Any]:
    """Return the facts of a position as JSON knows them."""
    return asdict(position.facts)


def position_from(
    arrays: dict[str, np.ndarray], facts: dict[str, Any], like: Position, key: jax.Array
) -> Position:
    """Return the position that was saved.

    Args:
        arrays: From :func:`arrays_of`.
        facts: From :func:`facts_of`.
        like: A position of the same run, whose arrays say what is wanted.
        key: The run's key.

    Raises:
        ValueError: If an array is missing, one too many, or of another shape, type or key.
    """
    wanted = _named(like)
    if set(arrays) - {"key"} != set(wanted):
        odd = sorted((set(arrays) - {"key"}) ^ set(wanted))
        raise ValueError(f"the checkpoint is of another model: {odd[0]!r} is on one side only")
    if not np.array_equal(arrays["key"], np.asarray(jax.random.key_data(key))):
        raise ValueError("the checkpoint is of a run with another seed")
    for name, leaf in wanted.items():
        came = arrays[name]
        if came.shape != leaf.shape or came.dtype != leaf.dtype:
            raise ValueError(
                f"the checkpoint is of another model: {name!r} is {came.dtype} {list(came.shape)}, "
                f"wanted {leaf.dtype} {list(leaf.shape)}"
            )
    known = {field.name for field in fields(Facts)}
    if set(facts) != known:
        raise ValueError(f"the checkpoint has the facts {sorted(facts)}, wanted {sorted(known)}")
    curves = {name: tuple(facts[name]) for name in ("train_curve", "validation_curve")}
    leaves = [jnp.asarray(arrays[name]) for name in wanted]
    stretch, best = jax.tree.unflatten(jax.tree.structure(_arrays(like)), leaves)
    return Position(stretch, best, Facts(**(facts | curves)))


def _arrays(position: Position) -> tuple[Any, Any]:
    return position.stretch, position.best


def _named(position: Position) -> dict[str, jax.Array]:
    named = {}
    for path, leaf in jax.tree_util.tree_leaves_with_path(_arrays(position)):
        side, *place = jax.tree_util.keystr(path, simple=True, separator="/").split("/", 1)
        named["/".join([("stretch", "best")[int(side)], *place])] = leaf
    return named
