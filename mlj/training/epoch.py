"""One pass over the data in one compiled loop."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from mlj.training.step import Batch, Objective, TrainState, step
from mlj.types import Array, Scalar


class Epoch(NamedTuple):
    """What one pass gives."""

    state: TrainState
    """The state after its last step."""
    objective: Array
    """The mean of the objectives ``[]`` of its steps."""
    failed_step: Array
    """The first step of the pass whose objective was not finite, from 0; -1 if none."""


def run_epoch(
    state: TrainState,
    data: Batch,
    order: Array,
    key: Array,
    steps: int | Array,
    *,
    objective: Objective,
    optimizer: optax.GradientTransformation,
    batch_size: int,
    average_decay: Scalar | None = None,
) -> Epoch:
    """Take ``steps`` steps along ``order``; pure, for use under ``jit`` and ``vmap``.

    Step ``i`` sees the rows ``order[i * batch_size : (i + 1) * batch_size]`` and the key
    ``fold_in(key, i)``. The loop holds one state, which each step overwrites.
    """

    def batch_of(index: Array) -> Batch:
        rows = jax.lax.dynamic_slice(order, (index * batch_size,), (batch_size,))
        return jax.tree.map(lambda leaf: leaf[rows], data)

    end = _run(
        first_stretch(state),
        batch_of,
        key,
        0,
        steps,
        objective=objective,
        optimizer=optimizer,
        average_decay=average_decay,
    )
    return Epoch(end.state, end.total / steps, end.failed_step)


class Stretch(NamedTuple):
    """Where a pass stands that is taken in stretches."""

    state: TrainState
    """The state after its last step."""
    total: Array
    """The sum of the objectives ``[]`` of all its steps so far."""
    failed_step: Array
    """The first step of the pass whose objective was not finite, from 0; -1 if none."""


def first_stretch(state: TrainState) -> Stretch:
    """Return where a pass stands before its first step."""
    return Stretch(state, jnp.zeros(()), jnp.full((), -1, jnp.int32))


def _run(
    stretch: Stretch,
    batch_of: Callable[[Array], Batch],
    key: Array,
    first: int | Array,
    steps: int | Array,
    *,
    objective: Objective,
    optimizer: optax.GradientTransformation,
    average_decay: Scalar | None,
) -> Stretch:
    def one_step(index: Array, stretch: Stretch) -> Stretch:
        state, value = step(
            stretch.state,
            batch_of(index),
            jax.random.fold_in(key, first + index),
            objective=objective,
            optimizer=optimizer,
            average_decay=average_decay,
        )
        failed = stretch.failed_step
        failed = jnp.where((failed < 0) & ~jnp.isfinite(value), first + index, failed)
        return Stretch(state, stretch.total + value, failed)

    return jax.lax.fori_loop(0, steps, one_step, stretch)


def train_stretch(
    stretch: Stretch,
    data: Batch,
    key: Array,
    first: int | Array,
    steps: int | Array,
    *,
    objective: Objective,
    optimizer: optax.GradientTransformation,
    batch_size: int,
    average_decay: Scalar | None = None,
) -> Stretch:
    """Take the next steps of a pass over data that need not fit in memory, and give ``stretch`` up to them.

    Step ``first + i`` sees the rows ``i * batch_size`` to ``(i + 1) * batch_size`` of ``data`` and the key
    ``jax.random.fold_in(key, first + i)``: a pass gives the same bits however it is cut into stretches. The
    number of steps is traced, so stretches of any length over arrays of one size share one program.

    Args:
        stretch: From :func:`first_stretch` or an earlier stretch of this pass; donated.
        data: The rows of these steps, in the order of their use; rows beyond them are not looked at.
        key: Randomness of this pass.
        first: How many steps of the pass have been taken.
        steps: How many to take; ``data`` holds at least ``steps * batch_size`` rows.
        objective: As in :func:`train_epoch`.
        optimizer: As in :func:`train_epoch`.
        batch_size: Samples per step.
        average_decay: As in :func:`train_epoch`.

    Example:
        >>> from mlj.training import make_optimizer, start
        >>> data = Batch(jnp.arange(6.0), 2 * jnp.arange(6.0))
        >>> def objective(w, batch, key):
        ...     return jnp.mean((w * batch.features - batch.labels) ** 2)
        >>> optimizer = make_optimizer("sgd", 0.02)
        >>> settings = dict(objective=objective, optimizer=optimizer, batch_size=3)
        >>> begin = lambda: first_stretch(start(jnp.zeros(()), optimizer))
        >>> key = jax.random.key(0)
        >>> whole = train_stretch(begin(), data, key, 0, 2, **settings)
        >>> half = train_stretch(begin(), data, key, 0, 1, **settings)
        >>> rest = jax.tree.map(lambda leaf: leaf[3:], data)
        >>> half = train_stretch(half, rest, key, 1, 1, **settings)
        >>> bool(half.state.params == whole.state.params), float(half.total) == float(whole.total)
        (True, True)
    """
    numbers, functions = _parted((objective, optimizer))
    return _train_stretch(stretch, data, key, first, steps, numbers, average_decay, functions, batch_size)


@partial(jax.jit, static_argnums=(7, 8), donate_argnums=0)
def _train_stretch(
    stretch, data, key, first, steps, numbers, average_decay, functions, batch_size
) -> Stretch:
    objective, optimizer = _joined(numbers, functions)

    def batch_of(index: Array) -> Batch:
        return jax.tree.map(
            lambda leaf: jax.lax.dynamic_slice_in_dim(leaf, index * batch_size, batch_size), data
        )

    return _run(
        stretch,
        batch_of,
        key,
        first,
        steps,
        objective=objective,
        optimizer=optimizer,
        average_decay=average_decay,
    )


def train_epoch(
    state: TrainState,
    data: Batch,
    order: Array,
    key: Array,
    *,
    objective: Objective,
    optimizer: optax.GradientTransformation,
    batch_size: int,
    average_decay: Scalar | None = None,
) -> Epoch:
    """Train for one pass in one compiled loop, and give ``state`` up to it.

    It takes the same steps as :func:`step`, called for one batch after the other: step ``i`` sees the rows
    ``order[i * batch_size : (i + 1) * batch_size]`` and the key ``jax.random.fold_in(key, i)``. Rows that do
    not fill a batch are left out; if there are fewer than ``batch_size`` in all, they are one batch.

    The memory of ``state`` is taken over by the new state: the old one cannot be used again.

    ``objective`` and ``optimizer`` are pytrees whose functions are static and whose numbers are traced. A
    plain function, bound once, compiles once; one made anew for each call compiles for each call. An
    optimizer of :func:`make_optimizer` holds its rates as numbers, so other rates do not compile again; the
    same holds for hyper-parameters bound by ``jax.tree_util.Partial``.

    Args:
        state: From :func:`start` or an earlier pass; donated.
        data: All rows.
        order: Row numbers ``[R]``, as from :func:`shuffled`; none may lie outside the data.
        key: Randomness of this pass.
        objective: What to descend, ``objective(params, batch, key) -> scalar``.
        optimizer: From :func:`make_optimizer`, or any of Optax; the one that ``state`` was started with.
        batch_size: Samples per step.
        average_decay: Decay of the running average; None for a state that keeps none.

    Returns:
        The new state, the mean objective and the first step that failed.

    Raises:
        TypeError: If ``order`` is not integer.
        ValueError: If ``order`` is not ``[R]`` with R > 0, or ``batch_size`` is less than 1, or a decay is
            given and the state keeps no average, or the reverse.

    Example:
        >>> from mlj.training import make_optimizer, shuffled, start
        >>> data = Batch(jnp.arange(6.0), 2 * jnp.arange(6.0))
        >>> def objective(w, batch, key):
        ...     return jnp.mean((w * batch.features - batch.labels) ** 2)
        >>> optimizer = make_optimizer("sgd", 0.02)
        >>> state = start(jnp.zeros(()), optimizer)
        >>> for epoch in range(20):
        ...     order = shuffled(jax.random.key(epoch), 6)
        ...     state, mean, failed_step = train_epoch(
        ...         state, data, order, jax.random.key(0),
        ...         objective=objective, optimizer=optimizer, batch_size=3,
        ...     )
        >>> round(float(state.params), 3), int(failed_step)
        (2.0, -1)
    """
    _check(order, batch_size)
    numbers, functions = _parted((objective, optimizer))
    return _train_epoch(state, data, order, key, numbers, average_decay, functions, batch_size)


def _check(order: Array, batch_size: int) -> None:
    if jnp.ndim(order) != 1 or not jnp.size(order):
        raise ValueError(f"train_epoch: order must be [R] with R > 0, got {list(jnp.shape(order))}")
    if not jnp.issubdtype(jnp.result_type(order), jnp.integer):
        raise TypeError(f"train_epoch: order must be row numbers, got {jnp.result_type(order)}")
    if batch_size < 1:
        raise ValueError(f"train_epoch: batch_size must be at least 1, got {batch_size}")


def _parted(tree: Any) -> tuple[list[Any], tuple[Any, tuple[Any, ...]]]:
    """Return the numbers of a pytree, and its structure with its functions, which is hashable."""
    leaves, structure = jax.tree.flatten(tree)
    numbers = [None if callable(leaf) else leaf for leaf in leaves]
    return numbers, (structure, tuple(leaf if callable(leaf) else None for leaf in leaves))


def _joined(numbers: list[Any], functions: tuple[Any, tuple[Any, ...]]) -> Any:
    """Return the pytree that :func:`_parted` took apart."""
    structure, callables = functions
    leaves = [number if function is None else function for number, function in zip(numbers, callables)]
    return jax.tree.unflatten(structure, leaves)


@partial(jax.jit, static_argnums=(6, 7), donate_argnums=0)
def _train_epoch(state, data, order, key, numbers, average_decay, functions, batch_size) -> Epoch:
    objective, optimizer = _joined(numbers, functions)
    batch_size = min(batch_size, order.shape[0])
    return run_epoch(
        state,
        data,
        order,
        key,
        order.shape[0] // batch_size,
        objective=objective,
        optimizer=optimizer,
        batch_size=batch_size,
        average_decay=average_decay,
    )
