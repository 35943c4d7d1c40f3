"""Several multi-class questions about one sample: one head each, in one padded array."""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp
from flax import nnx

from mlj.models.layers import head
from mlj.models.sparse import SparseRows
from mlj.types import Array, Logits, Mask


def class_mask(class_counts: Sequence[int]) -> Mask:
    """Return bool ``[H, C]``, True for the classes that each head has, C the largest number of them.

    Raises:
        ValueError: If there is no head, or one has fewer than two classes.

    >>> class_mask((3, 2)).tolist()
    [[True, True, True], [True, True, False]]
    """
    if not class_counts or min(class_counts) < 2:
        raise ValueError(f"class_counts must be at least 2 for each head, got {tuple(class_counts)}")
    return jnp.arange(max(class_counts))[None, :] < jnp.asarray(class_counts)[:, None]


class MultiOutput(nnx.Module):
    """Heads with different numbers of classes on one trunk.

    Their logits come in one array ``[B, H, C]``, in which a head with fewer than C classes has some that mean
    nothing: :func:`class_mask` says which do, as ``class_where`` of
    :func:`mlj.losses.multi_output_cross_entropy` and of :func:`mlj.decision.multi_output.argmax_classes`.

    Example:
        >>> import jax.numpy as jnp
        >>> from mlj.models import Trunk
        >>> rngs = nnx.Rngs(0)
        >>> MultiOutput(Trunk(4, hidden=(8,), rngs=rngs), (3, 5), rngs=rngs)(jnp.ones((2, 4))).shape
        (2, 2, 5)
    """

    def __init__(
        self,
        trunk: nnx.Module,
        class_counts: Sequence[int],
        *,
        output_bias: Array | None = None,
        rngs: nnx.Rngs,
    ):
        """Put the heads on a trunk.

        Args:
            trunk: A module from features to a representation ``[B, trunk.num_outputs]``.
            class_counts: Number of classes of each head, at least 2.
            output_bias: Where the biases start, ``[H, C]``, such as the logarithm of the class priors; 0
                without it.
            rngs: Source of the initial weights.

        Raises:
            ValueError: If there is no head, one has fewer than two classes, or ``output_bias`` has another
                shape.
        """
        self.shape = class_mask(class_counts).shape
        if output_bias is not None and jnp.shape(output_bias) != self.shape:
            raise ValueError(
                f"MultiOutput: output_bias must be {list(self.shape)}, got {list(jnp.shape(output_bias))}"
            )
        self.trunk = trunk
        bias = None if output_bias is None else jnp.ravel(output_bias)
        self.head = head(trunk.num_outputs, self.shape[0] * self.shape[1], bias, rngs)

    def __call__(self, features: Array | SparseRows, *, key: Array | None = None) -> Logits:
        """Return logits ``[B, H, C]``; a key switches dropout on."""
        return self.head(self.trunk(features, key=key)).reshape(-1, *self.shape)
