"""Queries that look into a set of vectors with several heads."""

from __future__ import annotations

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx

from mlj._checks import is_bool
from mlj.models.layers import check_rate, dropout
from mlj.types import Array, Mask


class Memory(NamedTuple):
    """What is looked into, already projected; a pytree.

    ``keys`` and ``values`` are ``[..., T, heads, width / heads]``. Made once, it serves any number of
    queries, as those of a decoder that goes on one step at a time.
    """

    keys: Array
    values: Array


class MultiHeadAttention(nnx.Module):
    r"""Multi-head attention of queries over a context, which may be the queries themselves.

    Each head has projections :math:`W_q, W_k, W_v` of its own to width :math:`d` and gives

    .. math::
        \mathrm{softmax}\bigl(Q W_q (C W_k)^\top / \sqrt{d}\bigr)\, C W_v ;

    the heads are concatenated and mixed by one more linear map. Attention is causal by its mask. A query that
    the mask lets see nothing gets zeros from every head, not NaN.

    Reference:
        Vaswani et al., *Attention Is All You Need*, NeurIPS 2017, section 3.2.

    Example:
        >>> attend = MultiHeadAttention(8, heads=2, rngs=nnx.Rngs(0))
        >>> steps = jnp.ones((3, 5, 8))
        >>> attend(steps, steps, mask=jnp.tril(jnp.ones((5, 5), bool))).shape
        (3, 5, 8)
    """

    def __init__(
        self,
        width: int,
        *,
        heads: int = 4,
        context_width: int | None = None,
        dropout: float = 0.0,
        rngs: nnx.Rngs,
    ):
        """Make the projections.

        Args:
            width: Width D of queries and results, divisible by ``heads``.
            heads: Number of heads.
            context_width: Width C of the context; D if not given.
            dropout: Share of attention weights zeroed in training.
            rngs: Source of the initial weights.

        Raises:
            ValueError: If ``heads`` does not divide ``width`` or ``dropout`` is outside [0, 1).
        """
        if heads < 1 or width % heads:
            raise ValueError(f"MultiHeadAttention: heads must divide width {width}, got {heads}")
        context_width = width if context_width is None else context_width
        self.heads = heads
        self.dropout = check_rate("dropout", dropout)
        self.query = nnx.Linear(width, width, rngs=rngs)
        self.key = nnx.Linear(context_width, width, rngs=rngs)
        self.value = nnx.Linear(context_width, width, rngs=rngs)
        self.out = nnx.Linear(width, width, rngs=rngs)

    def __call__(
        self, queries: Array, context: Array, *, mask: Mask | None = None, key: Array | None = None
    ) -> Array:
        """Return what each query finds in the context, ``[..., Q, D]``.

        Args:
            queries: ``[..., Q, D]``.
            context: ``[..., T, C]``, with the leading axes of the queries.
            mask: Bool ``[..., Q, T]``, or ``[Q, T]`` for all; True where a query may look. None lets all
                queries look everywhere.
            key: Switches dropout on.

        Raises:
            TypeError: If ``mask`` is not bool.
            ValueError: If ``mask`` has another shape.
        """
        return self.look(queries, self.remember(context), mask=mask, key=key)

    def remember(self, context: Array) -> Memory:
        """Return keys and values of a context ``[..., T, C]``."""
        return Memory(self._split(self.key(context)), self._split(self.value(context)))

    def look(
        self, queries: Array, memory: Memory, *, mask: Mask | None = None, key: Array | None = None
    ) -> Array:
        """Return what each query ``[..., Q, D]`` finds in a memory; see :meth:`__call__`."""
        asked = self._split(self.query(queries)) / math.sqrt(queries.shape[-1] // self.heads)
        scores = jnp.einsum("...qhd,...thd->...hqt", asked, memory.keys)
        weights = dropout(_shares(scores, mask), self.dropout, key)
        found = jnp.einsum("...hqt,...thd->...qhd", weights, memory.values)
        return self.out(found.reshape(queries.shape))

    def _split(self, x: Array) -> Array:
        return x.reshape(*x.shape[:-1], self.heads, x.shape[-1] // self.heads)


def _shares(scores: Array, mask: Mask | None) -> Array:
    """Return attention weights ``[..., heads, Q, T]``, zeros for a query that may look nowhere."""
    if mask is None:
        return jax.nn.softmax(scores, axis=-1)
    is_bool("MultiHeadAttention", "mask", mask)
    one, each = scores.shape[-2:], (*scores.shape[:-3], *scores.shape[-2:])
    if mask.shape not in (one, each):
        raise ValueError(
            f"MultiHeadAttention: mask must be {list(each)} or {list(one)}, got {list(mask.shape)}"
        )
    seen = jnp.broadcast_to(jnp.broadcast_to(mask, each)[..., None, :, :], scores.shape)
    # The lowest finite number, since a row of -inf alone has no softmax.
    shares = jax.nn.softmax(jnp.where(seen, scores, jnp.finfo(scores.dtype).min), axis=-1)
    return jnp.where(seen, shares, 0)
