"""The seam between Flax modules and pure functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
from flax import nnx

from mlj.types import Array, Logits

Params = dict[str, Any]
ApplyFn = Callable[..., Logits]


def as_function(model: nnx.Module) -> tuple[ApplyFn, Params]:
    """Split a module into a pure function and its parameters.

    It may be called while tracing, so that a model can be made inside ``jit`` or ``vmap`` from a traced key.

    Args:
        model: A module called as ``model(features, *, key=None)`` that holds no state but ``nnx.Param``.

    Returns:
        ``(apply_fn, params)`` where ``apply_fn(params, features, *, key=None)`` gives the logits and
        ``params`` is a nested dict of arrays. Any further arguments go to the module as they are. A module
        that answers more than one question names the others as methods, which are called by
        ``apply_fn(params, ..., method=Module.other)``. Parameters of another structure raise ``ValueError``.

    Raises:
        ValueError: If the module holds variables that are not parameters, such as running statistics.

    Example:
        >>> import jax.numpy as jnp
        >>> from mlj.models import Linear
        >>> apply_fn, params = as_function(Linear(4, 3, rngs=nnx.Rngs(0)))
        >>> apply_fn(params, jnp.ones((2, 4))).shape
        (2, 3)
    """
    graph, state, rest = nnx.split(model, nnx.Param, ...)
    if nnx.to_pure_dict(rest):
        raise ValueError(
            f"as_function: {type(model).__name__} holds variables that are not parameters: "
            f"{sorted(nnx.to_pure_dict(rest))}"
        )

    default, fresh = type(model).__call__, nnx.to_pure_dict(state)
    structure = jax.tree.structure(fresh)

    def apply_fn(
        params: Params, *arguments: Any, method: Callable[..., Any] = default, **options: Any
    ) -> Any:
        if jax.tree.structure(params) != structure:  # Flax would take them in the order in which they come
            raise ValueError(
                f"{type(model).__name__}: the parameters are those of another model: wanted {structure}, "
                f"got {jax.tree.structure(params)}"
            )
        return method(nnx.merge(graph, nnx.State(params)), *arguments, **options)

    return apply_fn, fresh


def function_and_init(
    make: Callable[[nnx.Rngs, Array | None], nnx.Module],
) -> tuple[ApplyFn, Callable[[Array, Array | None], Params]]:
    """Return a module's pure function, and the function that makes its parameters.

    No parameter is made for the first: only shapes are traced.

    Args:
        make: ``make(rngs, output_bias) -> module``, with a bias of None allowed.

    Returns:
        ``(apply_fn, init)``: the function of :func:`as_function`, and ``init(key, output_bias) -> params``.

    Example:
        >>> import jax.numpy as jnp
        >>> from mlj.models import Linear
        >>> make = lambda rngs, bias: Linear(4, 3, output_bias=bias, rngs=rngs)
        >>> apply_fn, init = function_and_init(make)
        >>> apply_fn(init(jax.random.key(0), jnp.zeros(3)), jnp.ones((2, 4))).shape
        (2, 3)
    """
    apply_fn = as_function(nnx.eval_shape(lambda: make(nnx.Rngs(0), None)))[0]
    return apply_fn, lambda key, bias: as_function(make(nnx.Rngs(key), bias))[1]
