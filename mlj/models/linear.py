"""One linear map from features to logits."""

from __future__ import annotations

from flax import nnx

from mlj.models.layers import check_rate, head, input_dropout, project
from mlj.models.sparse import SparseRows
from mlj.types import Array, Logits


class Linear(nnx.Module):
    """Logits as a linear function of the features: with sigmoid cross-entropy, logistic regression per label.

    Example:
        >>> import jax.numpy as jnp
        >>> Linear(4, 3, rngs=nnx.Rngs(0))(jnp.ones((2, 4))).shape
        (2, 3)
    """

    def __init__(
        self,
        num_features: int,
        num_outputs: int,
        *,
        input_dropout: float = 0.0,
        output_bias: Array | None = None,
        rngs: nnx.Rngs,
    ):
        """Make the layer.

        Args:
            num_features: Width D of the features.
            num_outputs: Number of logits.
            input_dropout: Share of features zeroed in training.
            output_bias: Where the bias starts, ``[num_outputs]``; 0 without it.
            rngs: Source of the initial weights.

        Raises:
            ValueError: If ``input_dropout`` is outside [0, 1) or ``output_bias`` has another shape.
        """
        self.input_dropout = check_rate("input_dropout", input_dropout)
        self.head = head(num_features, num_outputs, output_bias, rngs)

    def __call__(self, features: Array | SparseRows, *, key: Array | None = None) -> Logits:
        """Return logits ``[B, num_outputs]`` of features ``[B, D]``."""
        return project(self.head, input_dropout(features, self.input_dropout, key))
