"""Which labels and how many: logits of the labels and units of a count, side by side."""

from __future__ import annotations

from typing import NamedTuple

from flax import nnx

from mlj.models.layers import head
from mlj.models.sparse import SparseRows
from mlj.types import Array, Logits


class FactorisedOutput(NamedTuple):
    """What a factorised model says of samples; a pytree."""

    logits: Logits
    """Scores ``[B, L]`` of the labels before the softmax."""
    count_units: Array
    """``[B, C]``, unbounded: what they mean is the count head's, such as the logarithm of the count."""


class Factorised(nnx.Module):
    """A label distribution and a label count on one representation.

    Both are rows of one linear layer. With C = 1 the unit is a count's by some
    :data:`mlj.losses.COUNT_HEADS`; with C = 2 it is the mean and the spread of a distribution of counts; with
    C = K + 1 the scores of the counts 0 to K.

    Example:
        >>> import jax.numpy as jnp
        >>> from mlj.models import Trunk
        >>> model = Factorised(Trunk(4, hidden=(8,), rngs=nnx.Rngs(0)), 3, rngs=nnx.Rngs(1))
        >>> [x.shape for x in model(jnp.ones((2, 4)))]
        [(2, 3), (2, 1)]
    """

    def __init__(
        self,
        trunk: nnx.Module,
        num_labels: int,
        *,
        num_count_units: int = 1,
        output_bias: Array | None = None,
        rngs: nnx.Rngs,
    ):
        """Make the head.

        Args:
            trunk: Called as ``trunk(features, key=key)``, gives ``[B, trunk.num_outputs]``.
            num_labels: Number of labels L.
            num_count_units: Number of the count's units C.
            output_bias: Where the head's bias starts, ``[L + C]``, labels first; 0 without it.
            rngs: Source of the initial weights.

        Raises:
            ValueError: If there is no unit or ``output_bias`` has another shape.
        """
        if num_count_units < 1:
            raise ValueError(f"Factorised: num_count_units must be at least 1, got {num_count_units}")
        self.trunk = trunk
        self.num_labels = num_labels
        self.head = head(trunk.num_outputs, num_labels + num_count_units, output_bias, rngs)

    def __call__(self, features: Array | SparseRows, *, key: Array | None = None) -> FactorisedOutput:
        """Return the outputs for features ``[B, D]``; a key switches dropout on."""
        outputs = self.head(self.trunk(features, key=key))
        return FactorisedOutput(outputs[..., : self.num_labels], outputs[..., self.num_labels :])
