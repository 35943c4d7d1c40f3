"""Layers that correct each label's logit by what the others look like."""

from __future__ import annotations

import jax
from flax import nnx

from mlj.models.layers import head
from mlj.models.sparse import SparseRows
from mlj.types import Array, Logits


class LabelCorrelation(nnx.Module):
    r"""Logits of independent labels, then low-rank residual corrections from the probabilities of all labels.

    From the logits :math:`s` of a linear head each block adds

    .. math::
        s \leftarrow s + V\, \mathrm{elu}\bigl(U \sigma(s) + b\bigr) + c, \qquad
        U \in \mathbb{R}^{r \times L},\; V \in \mathbb{R}^{L \times r} .

    :math:`V` and :math:`c` start at 0, so that training starts at independent labels and leaves them only
    where that pays. Any loss on logits trains it. It costs O(L r) a block.

    Reference:
        Xun, Jha, Sun, Zhang, *Correlation Networks for Extreme Multi-label Text Classification*, KDD 2020:
        two blocks with contexts of hundreds to thousands, started at random. The zero start is ours.

    Example:
        >>> import jax.numpy as jnp
        >>> from mlj.models import Trunk
        >>> rngs = nnx.Rngs(0)
        >>> LabelCorrelation(Trunk(4, hidden=(8,), rngs=rngs), 5, rank=2, rngs=rngs)(jnp.ones((2, 4))).shape
        (2, 5)
    """

    def __init__(
        self,
        trunk: nnx.Module,
        num_labels: int,
        *,
        rank: int = 64,
        blocks: int = 2,
        output_bias: Array | None = None,
        rngs: nnx.Rngs,
    ):
        """Put a head and its corrections on a trunk.

        Args:
            trunk: A module from features to a representation ``[B, trunk.num_outputs]``.
            num_labels: Number of labels L.
            rank: Width r of what a block knows of all labels.
            blocks: Number of corrections, one on the other.
            output_bias: Where the head's bias starts, ``[L]``.
            rngs: Source of the initial weights.

        Raises:
            ValueError: If ``rank`` or ``blocks`` is below 1 or ``output_bias`` has another shape.
        """
        if rank < 1 or blocks < 1:
            raise ValueError(f"LabelCorrelation: rank and blocks must be at least 1, got {rank} and {blocks}")
        self.trunk = trunk
        self.head = head(trunk.num_outputs, num_labels, output_bias, rngs)
        zeros = nnx.initializers.zeros_init()
        self.read = nnx.List([nnx.Linear(num_labels, rank, rngs=rngs) for _ in range(blocks)])
        self.correct = nnx.List(
            [nnx.Linear(rank, num_labels, kernel_init=zeros, rngs=rngs) for _ in range(blocks)]
        )

    def __call__(self, features: Array | SparseRows, *, key: Array | None = None) -> Logits:
        """Return corrected logits ``[B, L]`` of features ``[B, D]``; a key switches dropout on."""
        logits = self.head(self.trunk(features, key=key))
        for read, correct in zip(self.read, self.correct, strict=True):
            logits = logits + correct(jax.nn.elu(read(jax.nn.sigmoid(logits))))
        return logits
