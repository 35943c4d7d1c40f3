"""A multi-layer perceptron."""

from __future__ import annotations

from collections.abc import Sequence

from flax import nnx

from mlj.models.headed import Headed
from mlj.models.trunk import Trunk
from mlj.types import Array


class MLP(Headed):
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
        trunk = Trunk(
            num_features,
            hidden=hidden,
            dropout=dropout,
            input_dropout=input_dropout,
            layer_norm=layer_norm,
            residual=residual,
            rngs=rngs,
        )
        super().__init__(trunk, num_outputs, output_bias=output_bias, rngs=rngs)
