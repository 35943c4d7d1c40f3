"""One score for each labelset of a table."""

from __future__ import annotations

import jax.numpy as jnp
from flax import nnx

from mlj._checks import has_shape
from mlj.models.layers import head
from mlj.models.sparse import SparseRows
from mlj.types import Array, Logits


class Powerset(nnx.Module):
    r"""Scores of labelsets: one unit for each, and what its labels add.

    With the representation :math:`h` and the labelset :math:`t_i` of the table,

    .. math::
        s_i = u_i \cdot h + c_i + \sum_{j=1}^{L} t_{ij} \, w_j \cdot h.

    The units :math:`u_i` alone are the label powerset, a classifier with a class for each labelset. The
    labels' part :math:`w_j` is shared by all labelsets with label j, so that rare ones learn from the others;
    alone it is a model of independent labels that may only take the labelsets of the table.

    Example:
        >>> import jax.numpy as jnp
        >>> from mlj.models import Trunk
        >>> table = jnp.array([[1, 0, 0], [0, 1, 1]])
        >>> model = Powerset(Trunk(4, hidden=(8,), rngs=nnx.Rngs(0)), 2, 3, rngs=nnx.Rngs(1))
        >>> model(jnp.ones((5, 4)), table).shape
        (5, 2)
    """

    def __init__(
        self,
        trunk: nnx.Module,
        num_labelsets: int,
        num_labels: int,
        *,
        own_units: bool = True,
        label_units: bool = True,
        output_bias: Array | None = None,
        rngs: nnx.Rngs,
    ):
        """Make the head.

        Args:
            trunk: Called as ``trunk(features, key=key)``, gives ``[B, trunk.num_outputs]``.
            num_labelsets: Number of labelsets K.
            num_labels: Number of labels L.
            own_units: Whether each labelset has weights of its own.
            label_units: Whether labels add to the labelsets that have them.
            output_bias: Where the labelsets' bias starts, ``[K]``; 0 without it.
            rngs: Source of the initial weights.

        Raises:
            ValueError: If there are neither own nor label units, or ``output_bias`` has another shape.
        """
        if not own_units and not label_units:
            raise ValueError("Powerset: own_units or label_units must be True, got neither")
        if output_bias is not None:
            has_shape("Powerset", "output_bias", output_bias, (num_labelsets,))
        self.trunk = trunk
        self.num_labels = num_labels
        self.num_labelsets = num_labelsets
        self.own = head(trunk.num_outputs, num_labelsets, None, rngs) if own_units else None
        self.shared = head(trunk.num_outputs, num_labels, None, rngs) if label_units else None
        self.prior = nnx.Param(jnp.zeros(num_labelsets) if output_bias is None else output_bias)

    def __call__(self, features: Array | SparseRows, labelsets: Array, *, key: Array | None = None) -> Logits:
        """Return scores ``[B, K]`` of the labelsets ``[K, L]`` for features ``[B, D]``.

        Raises:
            ValueError: If the table has another shape than the model was made for.
        """
        has_shape("Powerset", "labelsets", labelsets, (self.num_labelsets, self.num_labels))
        h = self.trunk(features, key=key)
        prior = self.prior[...]
        scores = jnp.broadcast_to(prior, (*h.shape[:-1], self.num_labelsets))
        if self.own is not None:
            scores += self.own(h)
        if self.shared is not None:
            scores += jnp.dot(self.shared(h), labelsets.T.astype(h.dtype))
        return scores
