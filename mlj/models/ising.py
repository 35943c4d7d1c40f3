"""Fields that depend on the sample and couplings that do not: a conditional Ising model of the labels."""

from __future__ import annotations

import jax.numpy as jnp
from flax import nnx

from mlj.models.layers import head
from mlj.models.sparse import SparseRows
from mlj.types import Array, Logits


class Ising(nnx.Module):
    r"""A score for each label, which the features decide, and one for each pair of labels, which is shared.

    .. math::
        P(y \mid x) \propto \exp\Bigl(\sum_j s_j(x)\, y_j + \sum_{i < j} W_{ij}\, y_i y_j\Bigr)

    :math:`W` is symmetric with an empty diagonal: a full matrix, or :math:`U V^\top + V U^\top` of rank
    :math:`2r` where there are too many labels for one. Couplings start at 0, so that the model starts
    as independent labels. Its losses are :func:`mlj.losses.ising`, exact up to 20 labels, and
    :func:`mlj.losses.ising_pseudo_likelihood`; :mod:`mlj.decision.mean_field` decides beyond.

    Example:
        >>> from mlj.models import Trunk
        >>> rngs = nnx.Rngs(0)
        >>> model = Ising(Trunk(4, hidden=(8,), rngs=rngs), 5, rank=2, rngs=rngs)
        >>> model(jnp.ones((2, 4))).shape, model.couplings().shape
        ((2, 5), (5, 5))
    """

    def __init__(
        self,
        trunk: nnx.Module,
        num_labels: int,
        *,
        rank: int | None = None,
        output_bias: Array | None = None,
        rngs: nnx.Rngs,
    ):
        """Put fields on a trunk, and make the couplings.

        Args:
            trunk: A module from features to a representation ``[B, trunk.num_outputs]``.
            num_labels: Number of labels L.
            rank: r, from 1 to L; without it couplings are a full matrix.
            output_bias: Where the fields' bias starts, ``[L]``.
            rngs: Source of the initial weights.

        Raises:
            ValueError: If ``rank`` is not from 1 to L or ``output_bias`` has another shape.
        """
        if rank is not None and not 1 <= rank <= num_labels:
            raise ValueError(f"Ising: rank must be from 1 to {num_labels} labels, got {rank}")
        self.trunk = trunk
        self.rank = rank
        self.head = head(trunk.num_outputs, num_labels, output_bias, rngs)
        if rank is None:
            self.pairs = nnx.Param(jnp.zeros((num_labels, num_labels)))
        else:
            init = nnx.initializers.normal(rank**-0.5)
            self.left = nnx.Param(init(rngs.params(), (num_labels, rank)))
            self.right = nnx.Param(jnp.zeros((num_labels, rank)))

    def __call__(self, features: Array | SparseRows, *, key: Array | None = None) -> Logits:
        """Return fields ``[B, L]`` of features ``[B, D]``; a key switches dropout on."""
        return self.head(self.trunk(features, key=key))

    def couplings(self) -> Array:
        """Return the couplings ``[L, L]``: symmetric, with zeros on the diagonal."""
        matrix = self.pairs[...] if self.rank is None else self.left[...] @ self.right[...].T
        matrix = matrix + matrix.T
        return jnp.where(jnp.eye(matrix.shape[0], dtype=bool), 0, matrix)
