"""The hidden layers that models share, from features to a representation."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import jax
from flax import nnx

from mlj.models.layers import check_rate, dropout, input_dropout, project
from mlj.models.sparse import SparseRows
from mlj.types import Array


class Trunk(nnx.Module):
    """Hidden layers with ReLU and dropout; what stands on top of them makes the model.

    Example:
        >>> import jax.numpy as jnp
        >>> Trunk(4, hidden=(8, 8), residual=True, rngs=nnx.Rngs(0))(jnp.ones((2, 4))).shape
        (2, 8)
    """

    def __init__(
        self,
        num_features: int,
        *,
        hidden: Sequence[int] = (128, 128),
        dropout: float = 0.4,
        input_dropout: float = 0.2,
        layer_norm: bool = False,
        residual: bool = False,
        rngs: nnx.Rngs,
    ):
        """Make the layers.

        Args:
            num_features: Width D of the features.
            hidden: Width of each hidden layer; at least one.
            dropout: Share of hidden units zeroed in training.
            input_dropout: Share of features zeroed in training.
            layer_norm: Normalise each hidden layer before its ReLU.
            residual: Add a hidden layer's input to its output wherever the two have the same width.
            rngs: Source of the initial weights.

        Raises:
            ValueError: If ``hidden`` is empty or a rate is outside [0, 1).
        """
        if not hidden:
            raise ValueError("Trunk: hidden must name at least one layer")
        self.dropout = check_rate("dropout", dropout)
        self.input_dropout = check_rate("input_dropout", input_dropout)
        self.residual = residual
        self.num_outputs = hidden[-1]
        widths = (num_features, *hidden)
        init = nnx.initializers.he_normal()
        self.hidden = nnx.List([nnx.Linear(a, b, kernel_init=init, rngs=rngs) for a, b in pairwise(widths)])
        self.norms = nnx.List([nnx.LayerNorm(width, rngs=rngs) for width in hidden] if layer_norm else [])

    def __call__(self, features: Array | SparseRows, *, key: Array | None = None) -> Array:
        """Return the representation ``[B, hidden[-1]]`` of features ``[B, D]``; a key switches dropout on."""
        keys = [None] * (len(self.hidden) + 1) if key is None else jax.random.split(key, len(self.hidden) + 1)
        x = input_dropout(features, self.input_dropout, keys[0])
        for index, layer in enumerate(self.hidden):
            h = project(layer, x)
            if self.norms:
                h = self.norms[index](h)
            h = dropout(jax.nn.relu(h), self.dropout, keys[index + 1])
            same = self.residual and not isinstance(x, SparseRows) and x.shape == h.shape
            x = x + h if same else h
        return x
