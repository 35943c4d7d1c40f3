"""The mean of the vectors of a text's words and n-grams."""

from __future__ import annotations

import jax.numpy as jnp
from flax import nnx

from mlj.models.headed import Headed
from mlj.models.layers import check_rate
from mlj.models.sparse import SparseRows, sparse_matmul
from mlj.models.text_layers import check_ids, check_sizes, kept_tokens
from mlj.types import Array


class BagTrunk(nnx.Module):
    r"""From numbers of words and n-grams to the mean of their vectors, :math:`\frac{1}{n} \sum_t x_t`.

    The numbers are those of :func:`mlj.data.tokens.ngram_ids`: the order of words counts only inside an
    n-gram. A text without any has the vector 0.

    Example:
        >>> trunk = BagTrunk(100, embedding=8, rngs=nnx.Rngs(0))
        >>> trunk(jnp.array([[5, 9, 2, 0]])).shape, trunk.num_outputs
        ((1, 8), 8)
    """

    def __init__(self, table_size: int, *, embedding: int = 100, token_dropout: float = 0.0, rngs: nnx.Rngs):
        """Make the table.

        Args:
            table_size: Words, padding and unknown, and buckets of n-grams together.
            embedding: Width of a vector, ``num_outputs``.
            token_dropout: Share of words and n-grams zeroed in training.
            rngs: Source of the initial weights.

        Raises:
            ValueError: If a size is less than 1 or the rate is outside [0, 1).
        """
        check_sizes("BagTrunk", table_size=table_size, embedding=embedding)
        self.token_dropout = check_rate("token_dropout", token_dropout)
        self.num_outputs = embedding
        init = nnx.initializers.uniform(2 / embedding)
        self.table = nnx.Param(init(rngs.params(), (table_size, embedding)) - 1 / embedding)

    def __call__(self, ids: Array, *, key: Array | None = None) -> Array:
        """Return ``[B, num_outputs]`` of numbers ``[B, W]``; a key switches dropout on."""
        check_ids("BagTrunk", ids)
        size, present = self.table.shape[0], ids > 0
        count = jnp.maximum(jnp.sum(present, axis=1, keepdims=True), 1)
        values = jnp.where(present, kept_tokens(ids, self.token_dropout, key), 0) / count
        rows = SparseRows(jnp.where(present, ids, size), values)
        beyond = jnp.any(ids >= size, axis=1, keepdims=True)
        return jnp.where(beyond, jnp.nan, sparse_matmul(rows, self.table[...]))


class BagOfNgrams(Headed):
    """A linear classifier on the mean vector of words and hashed n-grams: :class:`BagTrunk` and logits.

    Args:
        table_size: Words, padding and unknown, and buckets of n-grams together.
        num_outputs: Number of logits.
        output_bias: Where the head's bias starts, ``[num_outputs]``; 0 without it.
        rngs: Source of the initial weights.
        **trunk: Options of :class:`BagTrunk`.

    Reference:
        Joulin, Grave, Bojanowski and Mikolov, "Bag of tricks for efficient text classification", EACL 2017;
        there with a softmax over labels, here with whichever loss it is trained by.

    Example:
        >>> BagOfNgrams(100, 7, embedding=8, rngs=nnx.Rngs(0))(jnp.ones((2, 20), jnp.int32)).shape
        (2, 7)
    """

    def __init__(
        self,
        table_size: int,
        num_outputs: int,
        *,
        output_bias: Array | None = None,
        rngs: nnx.Rngs,
        **trunk: object,
    ):
        made = BagTrunk(table_size, rngs=rngs, **trunk)
        super().__init__(made, num_outputs, output_bias=output_bias, rngs=rngs)
