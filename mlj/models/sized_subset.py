"""How many labels, and which: two outputs on one trunk."""

from __future__ import annotations

from typing import NamedTuple

from flax import nnx

from mlj.models.layers import head
from mlj.models.sparse import SparseRows
from mlj.types import Array, Logits


class SizedLogits(NamedTuple):
    """``logits [B, L]`` of the labels, and ``size_logits [B, K + 1]`` of the number of them, 0 to K."""

    logits: Logits
    size_logits: Array


class SizedSubset(nnx.Module):
    r"""A distribution over labelsets in two steps: their size, then one among the sets of that size.

    .. math::
        P(y \mid x) = P(k \mid x)\, \frac{e^{s(x) \cdot y}}{e_k(e^{s(x)})}, \qquad k = \sum_j y_j \le K .

    Labels of one sample exclude or call for each other through their number. Its negative log-likelihood is
    :func:`mlj.losses.conditional_bernoulli` of ``logits`` plus :func:`mlj.losses.categorical_count` of
    ``size_logits``; :mod:`mlj.decision.sized_subsets` has the marginals and the most probable labelset.

    Example:
        >>> import jax.numpy as jnp
        >>> from mlj.models import Trunk
        >>> rngs = nnx.Rngs(0)
        >>> model = SizedSubset(Trunk(4, hidden=(8,), rngs=rngs), 5, max_size=3, rngs=rngs)
        >>> [part.shape for part in model(jnp.ones((2, 4)))]
        [(2, 5), (2, 4)]
    """

    def __init__(
        self,
        trunk: nnx.Module,
        num_labels: int,
        *,
        max_size: int,
        output_bias: Array | None = None,
        rngs: nnx.Rngs,
    ):
        """Put the two outputs on a trunk.

        Args:
            trunk: A module from features to a representation ``[B, trunk.num_outputs]``.
            num_labels: Number of labels L.
            max_size: The largest labelset K that has any probability, from 1 to L.
            output_bias: Where the bias starts, ``[L + K + 1]``: of the labels, then of the sizes.
            rngs: Source of the initial weights.

        Raises:
            ValueError: If ``max_size`` is not from 1 to L or ``output_bias`` has another shape.
        """
        if not 1 <= max_size <= num_labels:
            raise ValueError(f"SizedSubset: max_size must be from 1 to {num_labels} labels, got {max_size}")
        self.num_labels = num_labels
        self.trunk = trunk
        self.head = head(trunk.num_outputs, num_labels + max_size + 1, output_bias, rngs)

    def __call__(self, features: Array | SparseRows, *, key: Array | None = None) -> SizedLogits:
        """Return both kinds of logits of features ``[B, D]``; a key switches dropout on."""
        outputs = self.head(self.trunk(features, key=key))
        return SizedLogits(outputs[:, : self.num_labels], outputs[:, self.num_labels :])
