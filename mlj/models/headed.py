"""A linear head on any trunk."""

from __future__ import annotations

from typing import Any

from flax import nnx

from mlj.models.layers import head
from mlj.types import Array, Logits


class Headed(nnx.Module):
    """A module that turns inputs into a representation, and a linear head on it.

    Example:
        >>> import jax.numpy as jnp
        >>> from mlj.models.trunk import Trunk
        >>> rngs = nnx.Rngs(0)
        >>> Headed(Trunk(4, hidden=(8,), rngs=rngs), 3, rngs=rngs)(jnp.ones((2, 4))).shape
        (2, 3)
    """

    def __init__(
        self, trunk: nnx.Module, num_outputs: int, *, output_bias: Array | None = None, rngs: nnx.Rngs
    ):
        """Make the head.

        Args:
            trunk: Called as ``trunk(inputs, key=key)``; ``trunk.num_outputs`` is its width.
            num_outputs: Number of logits.
            output_bias: Where the head's bias starts, ``[num_outputs]``; 0 without it.
            rngs: Source of the initial weights.

        Raises:
            ValueError: If ``output_bias`` has another shape.
        """
        self.trunk = trunk
        self.head = head(trunk.num_outputs, num_outputs, output_bias, rngs)

    def __call__(self, inputs: Any, *, key: Array | None = None) -> Logits:
        """Return logits ``[B, num_outputs]`` of inputs ``[B, ...]``; a key switches dropout on."""
        return self.head(self.trunk(inputs, key=key))
