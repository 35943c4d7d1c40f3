"""Label powersets over many small subsets of the labels."""

from __future__ import annotations

import jax.numpy as jnp
from flax import nnx

from mlj._checks import has_shape
from mlj.models.layers import head
from mlj.models.sparse import SparseRows
from mlj.types import Array, Logits


class Rakel(nnx.Module):
    """Scores of all labelsets of each of m small subsets of the labels, on one representation.

    It is the ensemble whose members share their trunk: the members' heads are the rows of one linear layer.
    An ensemble of separate trunks is such a model of one member for each, under ``jax.vmap``.

    Example:
        >>> from mlj.models import Trunk
        >>> model = Rakel(Trunk(4, hidden=(8,), rngs=nnx.Rngs(0)), 5, 3, rngs=nnx.Rngs(1))
        >>> model(jnp.ones((2, 4))).shape
        (2, 5, 8)
    """

    def __init__(
        self,
        trunk: nnx.Module,
        num_members: int,
        subset_size: int,
        *,
        output_bias: Array | None = None,
        rngs: nnx.Rngs,
    ):
        """Make the head.

        Args:
            trunk: Called as ``trunk(features, key=key)``, gives ``[B, trunk.num_outputs]``.
            num_members: Number of members m.
            subset_size: Number of labels k of a subset.
            output_bias: Where the members' biases start, ``[m, 2^k]``; 0 without it.
            rngs: Source of the initial weights.

        Raises:
            ValueError: If a number is below 1 or ``output_bias`` has another shape.
        """
        for name, number in (("num_members", num_members), ("subset_size", subset_size)):
            if number < 1:
                raise ValueError(f"Rakel: {name} must be at least 1, got {number}")
        self.trunk = trunk
        self.shape = (num_members, 2**subset_size)
        if output_bias is not None:
            has_shape("Rakel", "output_bias", output_bias, self.shape)
            output_bias = jnp.reshape(output_bias, -1)
        self.head = head(trunk.num_outputs, num_members * 2**subset_size, output_bias, rngs)

    def __call__(self, features: Array | SparseRows, *, key: Array | None = None) -> Logits:
        """Return scores ``[B, m, 2^k]`` for features ``[B, D]``; a key switches dropout on."""
        outputs = self.head(self.trunk(features, key=key))
        return outputs.reshape(*outputs.shape[:-1], *self.shape)
