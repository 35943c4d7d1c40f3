"""Convolution over the tokens of a text, the maximum of each stretch of it, and a bottleneck."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from flax import nnx

from mlj.models.headed import Headed
from mlj.models.layers import check_rate, dropout
from mlj.models.text_layers import Embedding, Windows, check_ids, check_sizes, max_over
from mlj.types import Array


def dynamic_max(values: Array, where: Array, pieces: int) -> Array:
    """Return the largest values of each of ``pieces`` equal stretches of every text, side by side.

    Token t of a text with n tokens lies in stretch ``t * pieces // n``, so the stretches follow the text and
    not its padding. A stretch without a token, as in a text that is shorter than their number, gives 0.

    Args:
        values: ``[B, T, F]``.
        where: The tokens ``[B, T]``, which come first.
        pieces: Number of stretches.

    Returns:
        ``[B, pieces * F]``.

    Example:
        >>> values = jnp.arange(4.0).reshape(1, 4, 1)
        >>> dynamic_max(values, jnp.ones((1, 4), bool), 2).tolist()
        [[1.0, 3.0]]
    """
    length = jnp.maximum(jnp.sum(where, axis=1, keepdims=True), 1)
    stretch = jnp.arange(where.shape[1])[None, :] * pieces // length
    found = [max_over(values, where & (stretch == piece)) for piece in range(pieces)]
    return jnp.concatenate(found, axis=-1)


class XmlTrunk(nnx.Module):
    """From token numbers to a narrow summary of what the filters found in each stretch of the text.

    Example:
        >>> trunk = XmlTrunk(100, embedding=8, filters=4, bottleneck=6, rngs=nnx.Rngs(0))
        >>> trunk(jnp.array([[5, 9, 2, 0]])).shape, trunk.num_outputs
        ((1, 6), 6)
    """

    def __init__(
        self,
        vocabulary_size: int,
        *,
        embedding: int = 128,
        spans: Sequence[int] = (2, 4, 8),
        filters: int = 64,
        pieces: int = 8,
        bottleneck: int = 512,
        dropout: float = 0.5,
        embedding_dropout: float = 0.25,
        rngs: nnx.Rngs,
    ):
        """Make the layers.

        Args:
            vocabulary_size: Rows of the embedding table, padding and unknown with them.
            embedding: Width of a token's vector.
            spans: How many tokens the filters of each kind span.
            filters: Number of filters of each kind.
            pieces: Stretches of a text that have a maximum each.
            bottleneck: Width of the dense layer before the head, ``num_outputs``.
            dropout: Share of the bottleneck zeroed in training.
            embedding_dropout: Share of the entries of the tokens' vectors zeroed in training.
            rngs: Source of the initial weights.

        Raises:
            ValueError: If ``spans`` is empty, a size is less than 1 or a rate is outside [0, 1).
        """
        check_sizes("XmlTrunk", spans=len(spans), pieces=pieces, bottleneck=bottleneck)
        self.dropout = check_rate("dropout", dropout)
        self.embedding_dropout = check_rate("embedding_dropout", embedding_dropout)
        self.pieces = pieces
        self.embedding = Embedding(vocabulary_size, embedding, rngs=rngs)
        self.windows = nnx.List([Windows(embedding, filters, span, rngs=rngs) for span in spans])
        init = nnx.initializers.he_normal()
        self.bottleneck = nnx.Linear(filters * len(spans) * pieces, bottleneck, kernel_init=init, rngs=rngs)
        self.num_outputs = bottleneck

    def __call__(self, ids: Array, *, key: Array | None = None) -> Array:
        """Return ``[B, num_outputs]`` of token numbers ``[B, T]``; a key switches dropout on."""
        check_ids("XmlTrunk", ids)
        keys = [None, None] if key is None else jax.random.split(key)
        vectors = dropout(self.embedding(ids), self.embedding_dropout, keys[0])
        found = [dynamic_max(window(vectors), ids > 0, self.pieces) for window in self.windows]
        pooled = jax.nn.relu(jnp.concatenate(found, axis=-1))
        return dropout(jax.nn.relu(self.bottleneck(pooled)), self.dropout, keys[1])


class XmlCNN(Headed):
    """The convolutional network for many labels, with a linear head: :class:`XmlTrunk` and logits.

    Args:
        vocabulary_size: Rows of the embedding table.
        num_outputs: Number of logits.
        output_bias: Where the head's bias starts, ``[num_outputs]``; 0 without it.
        rngs: Source of the initial weights.
        **trunk: Options of :class:`XmlTrunk`.

    Reference:
        Liu, Chang, Wu and Yang, "Deep learning for extreme multi-label text classification", SIGIR 2017.
        Their stretches divide the padded text; here they divide the text itself.

    Example:
        >>> XmlCNN(100, 7, embedding=8, filters=4, rngs=nnx.Rngs(0))(jnp.ones((2, 20), jnp.int32)).shape
        (2, 7)
    """

    def __init__(
        self,
        vocabulary_size: int,
        num_outputs: int,
        *,
        output_bias: Array | None = None,
        rngs: nnx.Rngs,
        **trunk: object,
    ):
        made = XmlTrunk(vocabulary_size, rngs=rngs, **trunk)
        super().__init__(made, num_outputs, output_bias=output_bias, rngs=rngs)
