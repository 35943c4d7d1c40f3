"""Terms of single labels: their slope, finished in the forward pass, and their sum over the labels."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax.custom_derivatives import SymbolicZero

from mlj.types import Array, Logits, Mask


def finished_slope(term: Callable[..., Array], logits: Logits, *operands: Any) -> Array:
    """Return ``term(logits, *operands)``, elementwise, whose slope in the logits is finished at once.

    Autodiff of a composed term keeps an array for nearly every step of it, which costs more time than the
    arithmetic. Here the forward pass computes ``d term / d logits``, one array, and the backward pass is its
    product with what comes in. Forward and reverse mode, ``vmap`` and derivatives of higher order all work,
    also in operands.

    Operands that are not JAX arrays, such as Python numbers and None, reach the term as they are.
    """
    fixed = {place: x for place, x in enumerate(operands) if not isinstance(x, jax.Array)}
    arrays = [x for x in operands if isinstance(x, jax.Array)]

    def whole(s: Array, *given: Array) -> Array:
        rest = iter(given)
        return term(s, *(fixed[place] if place in fixed else next(rest) for place in range(len(operands))))

    def rule(primals, tangents):
        (s, *given), (ds, *moved) = primals, tangents
        tangent = jnp.zeros_like(s)
        if not isinstance(ds, SymbolicZero):
            # A zero that the compiler does not know: else it computes what cost and slope have in common
            # once, and writes that to memory for both.
            apart = s + jax.lax.optimization_barrier(jnp.zeros((), s.dtype))
            tangent = jax.jvp(lambda x: whole(x, *given), (apart,), (jnp.ones_like(s),))[1] * ds
        for place, change in enumerate(moved):
            if not isinstance(change, SymbolicZero):
                along = partial(_at_place, whole, s, given, place)
                tangent += jax.jvp(along, (given[place],), (change,))[1]
        return finished(s, *given), tangent

    finished = jax.custom_jvp(whole)
    finished.defjvp(rule, symbolic_zeros=True)
    return finished(logits, *arrays)


def _at_place(whole: Callable[..., Array], s: Array, given: list[Array], place: int, x: Array) -> Array:
    return whole(s, *given[:place], x, *given[place + 1 :])


@jax.custom_jvp
def label_sum(terms: Array) -> Array:
    """Return the sum over the last axis, on a CPU as a product with ones.

    There a sum of terms that take some arithmetic compiles to a loop that is not vectorised, up to five times
    as slow as writing the terms down and reading them again.
    """
    return jax.lax.platform_dependent(terms, cpu=_product_with_ones, default=partial(jnp.sum, axis=-1))


def _product_with_ones(terms: Array) -> Array:
    return jnp.matmul(terms, jnp.ones(terms.shape[-1], terms.dtype), precision=jax.lax.Precision.HIGHEST)


@label_sum.defjvp
def _label_sum_jvp(primals, tangents):
    return label_sum(*primals), jnp.sum(tangents[0], axis=-1)


def observed_mean(terms: Array, where: Mask | None) -> Array:
    """Average over the last axis where ``where`` is True; nothing observed gives 0.

    Terms are divided before they are summed, so that terms near the largest finite number stay finite.
    """
    if where is None:
        return label_sum(terms / terms.shape[-1])
    count = jnp.maximum(jnp.sum(where, axis=-1, keepdims=True), 1)
    return label_sum(jnp.where(where, terms / count, 0))
