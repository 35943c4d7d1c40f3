"""A multi-layer perceptron."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import jax
from flax import nnx

from mlj.models.layers import check_rate, dropout, head, input_dropout, project
from mlj.models.sparse import SparseRows
from mlj.types import Array, Logits


class MLP(nnx.Module):
    """Hidden layers with ReLU and dropout, then a linear head.

    Example:
        >>> import jax.numpy as jnp
        >>> MLP(4, 3, hidden=(8, 8), residual=True, rngs=nnx.Rngs(0))(jnp.ones((2, 4))).shape
        (2, 3)
    """

    def __init__(
        self,
        num_features: int,
        num_outputs: int,
        *,
        hidden: Sequence[int] = (128, 128),
        dropout: float = 0.4,
        input_dropout: float = 0.2,
        layer_norm: bool = False,
        residual: bool = False,
        output_bias: Array | None = None,
        rngs: nnx.Rngs,
    ):
        """Make the layers.

        Args:
            num_features: Width D of the features.
            num_outputs: Number of logits.
            hidden: Width of each hidden layer; at least one.
            dropout: Share of hidden units zeroed in training.
            input_dropout: Share of features zeroed in training.
            layer_norm: Normalise each hidden layer before its ReLU.
            residual: Add a hidden layer's input to its output wherever the two have the same width.
            output_bias: Where the head's bias starts, ``[num_outputs]``; 0 without it.
            rngs: Source of the initial weights.

        Raises:
            ValueError: If ``hidden`` is empty, a rate is outside [0, 1) or ``output_bias`` has another shape.
        """
        if not hidden:
            raise ValueError("MLP: hidden must name at least one layer; for none take Linear")
        self.dropout = check_rate("dropout", dropout)
        self.input_dropout = check_rate("input_dropout", input_dropout)
        self.residual = residual
        widths = (num_features, *hidden)
        init = nnx.initializers.he_normal()
        self.hidden = nnx.List([nnx.Linear(a, b, kernel_init=init, rngs=rngs) for a, b in pairwise(widths)])
        self.norms = nnx.List([nnx.LayerNorm(width, rngs=rngs) for width in hidden] if layer_norm else [])
        self.head = head(hidden[-1], num_outputs, output_bias, rngs)

    def __call__(self, features: Array | SparseRows, *, key: Array | None = None) -> Logits:
        """Return logits ``[B, num_outputs]`` of features ``[B, D]``; a key switches dropout on."""
        keys = [None] * (len(self.hidden) + 1) if key is None else jax.random.split(key, len(self.hidden) + 1)
        x = input_dropout(features, self.input_dropout, keys[0])
        for index, layer in enumerate(self.hidden):
            h = project(layer, x)
            if self.norms:
                h = self.norms[index](h)
            h = dropout(jax.nn.relu(h), self.dropout, keys[index + 1])
            same = self.residual and not isinstance(x, SparseRows) and x.shape == h.shape
            x = x + h if same else h
        return self.head(x)
