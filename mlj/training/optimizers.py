"""Optimizers by name, from Optax."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import NamedTuple

import optax
from jax.tree_util import Partial

from mlj._checks import lookup
from mlj.types import Scalar


class Optimizer(NamedTuple):
    """How an optimizer is made, and learning rates worth trying with it."""

    make: Callable[[Scalar, Scalar], optax.GradientTransformation]
    learning_rates: tuple[float, ...]


def _named(make: Callable[[Scalar, Scalar], optax.GradientTransformation], learning_rates: tuple[float, ...]):
    """Return an entry whose optimizers are pytrees of their rates, fit to be arguments of ``jit``."""

    def init(learning_rate: Scalar, weight_decay: Scalar, params):
        return make(learning_rate, weight_decay).init(params)

    def update(learning_rate: Scalar, weight_decay: Scalar, updates, state, params=None):
        return make(learning_rate, weight_decay).update(updates, state, params)

    def bound(learning_rate: Scalar, weight_decay: Scalar) -> optax.GradientTransformation:
        return optax.GradientTransformation(
            Partial(init, learning_rate, weight_decay), Partial(update, learning_rate, weight_decay)
        )

    return Optimizer(bound, learning_rates)


def _decayed(transform: Callable[[Scalar], optax.GradientTransformation]):
    """Return a maker that adds weight decay to the gradient, as L2 regularisation does."""

    def make(learning_rate: Scalar, weight_decay: Scalar) -> optax.GradientTransformation:
        return optax.chain(optax.add_decayed_weights(weight_decay), transform(learning_rate))

    return make


def _adamw(learning_rate: Scalar, weight_decay: Scalar) -> optax.GradientTransformation:
    return optax.adamw(learning_rate, weight_decay=weight_decay)


_ADAPTIVE = (5e-4, 1.5e-3, 4e-3, 1e-2)
_PLAIN = (0.03, 0.1, 0.3, 1.0)

OPTIMIZERS = MappingProxyType(
    {
        "sgd": _named(_decayed(optax.sgd), _PLAIN),
        "momentum": _named(_decayed(lambda rate: optax.sgd(rate, momentum=0.9)), (0.01, 0.03, 0.1, 0.3)),
        "adam": _named(_decayed(optax.adam), _ADAPTIVE),
        "adamw": _named(_adamw, _ADAPTIVE),
        "rmsprop": _named(_decayed(optax.rmsprop), (2e-4, 5e-4, 1e-3, 2e-3)),
        "adagrad": _named(_decayed(optax.adagrad), (3e-3, 1e-2, 3e-2, 1e-1)),
        "adadelta": _named(_decayed(optax.adadelta), _PLAIN),
    }
)
"""Optimizers by name. Only ``adamw`` decouples weight decay from the gradient; the others add it to it."""


def make_optimizer(
    name: str, learning_rate: Scalar, weight_decay: Scalar = 0.0
) -> optax.GradientTransformation:
    """Return the optimizer of that name; both numbers may be traced, so a sweep over them compiles once.

    It is a pytree of the two numbers: an argument of a jitted function like any array.

    Raises:
        ValueError: If the name is unknown.

    Example:
        >>> import jax.numpy as jnp
        >>> optimizer = make_optimizer("sgd", 0.5)
        >>> updates, _ = optimizer.update(jnp.array(2.0), optimizer.init(jnp.array(1.0)), jnp.array(1.0))
        >>> float(updates)
        -1.0
    """
    return lookup("optimizer", name, OPTIMIZERS).make(learning_rate, weight_decay)
