"""Pieces of decoders that emit one label after the other."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from flax import nnx

from mlj.models.attention import Memory, MultiHeadAttention
from mlj.models.layers import dropout
from mlj.types import Array


class Tokens(nnx.Module):
    """A representation cut into a few vectors that attention can look at one by one.

    Each of M tokens is a linear map of the whole representation with weights of its own, so that the width of
    the trunk need not be a multiple of anything.

    Example:
        >>> Tokens(8, 4, 6, rngs=nnx.Rngs(0))(jnp.ones((2, 8))).shape
        (2, 4, 6)
    """

    def __init__(self, size: int, number: int, width: int, *, rngs: nnx.Rngs):
        """Make the map from ``[..., size]`` to ``[..., number, width]``."""
        self.number, self.width = number, width
        self.map = nnx.Linear(size, number * width, rngs=rngs)

    def __call__(self, representation: Array) -> Array:
        """Return tokens ``[..., M, width]`` of a representation ``[..., size]``."""
        return self.map(representation).reshape(*representation.shape[:-1], self.number, self.width)


class DecoderLayer(nnx.Module):
    """Attention to the steps before, attention to the input, and two dense layers, each added to its input.

    Layer normalisation comes before each of the three, not after.

    Reference:
        Vaswani et al., *Attention Is All You Need*, NeurIPS 2017, figure 1; the normalisation as in Xiong et
        al., *On Layer Normalization in the Transformer Architecture*, ICML 2020.

    Example:
        >>> layer = DecoderLayer(8, heads=2, rngs=nnx.Rngs(0))
        >>> layer(jnp.ones((3, 5, 8)), layer.remember(jnp.ones((3, 4, 8)))).shape
        (3, 5, 8)
    """

    def __init__(self, width: int, *, heads: int = 4, dropout: float = 0.1, rngs: nnx.Rngs):
        """Make the layer.

        Args:
            width: Width D of the steps and of the input's tokens.
            heads: Heads of each attention.
            dropout: Share of what each of the three adds that is zeroed in training.
            rngs: Source of the initial weights.

        Raises:
            ValueError: If ``heads`` does not divide ``width`` or ``dropout`` is outside [0, 1).
        """
        self.dropout = dropout
        self.back = MultiHeadAttention(width, heads=heads, dropout=dropout, rngs=rngs)
        self.input = MultiHeadAttention(width, heads=heads, dropout=dropout, rngs=rngs)
        self.wide = nnx.Linear(width, 2 * width, rngs=rngs)
        self.narrow = nnx.Linear(2 * width, width, rngs=rngs)
        self.norms = nnx.List([nnx.LayerNorm(width, rngs=rngs) for _ in range(3)])

    def remember(self, tokens: Array) -> Memory:
        """Return what :meth:`__call__` and :meth:`step` look at in tokens of the input ``[..., M, D]``."""
        return self.input.remember(tokens)

    def blank(self, length: int) -> Memory:
        """Return the empty memory of :meth:`step` for one sample and ``length`` steps."""
        heads, width = self.back.heads, self.narrow.out_features
        return Memory(*(jnp.zeros((length, heads, width // heads)) for _ in range(2)))

    def __call__(self, steps: Array, tokens: Memory, *, key: Array | None = None) -> Array:
        """Return ``[B, T, D]``: every step looks at those up to itself, and at the tokens."""
        keys = [None] * 5 if key is None else jax.random.split(key, 5)
        normed = self.norms[0](steps)
        causal = jnp.tril(jnp.ones((steps.shape[-2], steps.shape[-2]), bool))
        found = self.back(normed, normed, mask=causal, key=keys[0])
        steps = steps + dropout(found, self.dropout, keys[1])
        return self._rest(steps, tokens, keys[2:])

    def step(self, now: Array, before: Memory, tokens: Memory, place: Array) -> tuple[Array, Memory]:
        """Return one step ``[D]`` of one sample, as :meth:`__call__` does, and the memory with it.

        Args:
            now: The step's input ``[D]``.
            before: From :meth:`blank` or the step before.
            tokens: From :meth:`remember`, of one sample.
            place: Int32, the number of steps before.
        """
        normed = self.norms[0](now)[None]
        own = self.back.remember(normed)
        before = jax.tree.map(
            lambda all_, one: jax.lax.dynamic_update_slice_in_dim(all_, one, place, 0), before, own
        )
        mask = (jnp.arange(before.keys.shape[0]) <= place)[None]
        found = self.back.look(normed, before, mask=mask)
        return self._rest(now[None] + found, tokens, [None] * 3)[0], before

    def _rest(self, steps: Array, tokens: Memory, keys) -> Array:
        found = self.input.look(self.norms[1](steps), tokens, key=keys[0])
        steps = steps + dropout(found, self.dropout, keys[1])
        dense = self.narrow(jax.nn.relu(self.wide(self.norms[2](steps))))
        return steps + dropout(dense, self.dropout, keys[2])
