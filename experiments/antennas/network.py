"""A network over antennas that does not know their numbering: attention that looks at pairs."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from flax import nnx

from antennas.features import Described
from mlj.types import Array, Logits

_PAIR_UNITS = 16


class AntennaNetwork(nnx.Module):
    """One logit for each antenna; numbering the antennas otherwise numbers the logits otherwise, no more.

    Each block lets every antenna look at the others, by what both hold and by what is known of the pair, and
    then passes each through two dense layers.
    """

    def __init__(self, *, width: int = 32, heads: int = 4, blocks: int = 2, rngs: nnx.Rngs):
        """Make the layers.

        Args:
            width: Numbers that each antenna holds.
            heads: Ways of looking in each block; they share out the width.
            blocks: Number of blocks.
            rngs: Source of the initial weights.

        Raises:
            ValueError: If the heads do not divide the width.
        """
        if width % heads:
            raise ValueError(f"AntennaNetwork: heads must divide width {width}, got {heads}")
        self.nodes = nnx.Linear(2, width, rngs=rngs)
        self.pairs = nnx.Linear(2, _PAIR_UNITS, rngs=rngs)
        self.blocks = nnx.List([_Block(width, heads, rngs) for _ in range(blocks)])
        self.norm = nnx.LayerNorm(width, rngs=rngs)
        self.head = nnx.Linear(width, 1, rngs=rngs)

    def __call__(self, features: Described, *, key: Array | None = None) -> Logits:
        """Return logits ``[N, m]``."""
        x = self.nodes(features.nodes)
        pairs = jnp.concatenate([features.pairs, jax.nn.gelu(self.pairs(features.pairs))], axis=-1)
        for block in self.blocks:
            x = block(x, pairs)
        return self.head(self.norm(x))[..., 0]


class _Block(nnx.Module):
    def __init__(self, width: int, heads: int, rngs: nnx.Rngs):
        self.heads = heads
        self.norms = nnx.List([nnx.LayerNorm(width, rngs=rngs) for _ in range(2)])
        self.looks = nnx.List([nnx.Linear(width, width, rngs=rngs) for _ in range(3)])
        self.pairs = nnx.Linear(2 + _PAIR_UNITS, heads, rngs=rngs)
        self.together = nnx.Linear(width, width, rngs=rngs)
        self.up = nnx.Linear(width, 2 * width, rngs=rngs)
        self.down = nnx.Linear(2 * width, width, rngs=rngs)

    def __call__(self, x: Array, pairs: Array) -> Array:
        shape = (*x.shape[:2], self.heads, x.shape[2] // self.heads)
        y = self.norms[0](x)
        wanted, offered, told = (layer(y).reshape(shape) for layer in self.looks)
        weights = jnp.einsum("nihd,njhd->nijh", wanted, offered) / shape[-1] ** 0.5 + self.pairs(pairs)
        seen = jnp.einsum("nijh,njhd->nihd", jax.nn.softmax(weights, axis=2), told)
        x = x + self.together(seen.reshape(x.shape))
        return x + self.down(jax.nn.gelu(self.up(self.norms[1](x))))
