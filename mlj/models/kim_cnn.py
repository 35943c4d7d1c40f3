"""Convolution over the tokens of a text, and the maximum over time."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import jax
import jax.numpy as jnp
from flax import nnx

from mlj.models.headed import Headed
from mlj.models.layers import check_rate, dropout
from mlj.models.text_layers import Embedding, Windows, check_ids, check_sizes, max_over
from mlj.types import Array


class KimTrunk(nnx.Module):
    r"""From token numbers to what each filter found at its best place in the text.

    With :math:`x_t` the vector of token t and :math:`w_f` a filter that spans n tokens,

    .. math::
        h_f = \max_t \; \mathrm{ReLU}(w_f \cdot [x_t, \dots, x_{t+n-1}] + b_f),

    then dense layers with ReLU, if any, and dropout.

    Example:
        >>> trunk = KimTrunk(100, embedding=8, filters=4, rngs=nnx.Rngs(0))
        >>> trunk(jnp.array([[5, 9, 2, 0]])).shape, trunk.num_outputs
        ((1, 12), 12)
    """

    def __init__(
        self,
        vocabulary_size: int,
        *,
        embedding: int = 128,
        spans: Sequence[int] = (3, 4, 5),
        filters: int = 100,
        hidden: Sequence[int] = (),
        dropout: float = 0.5,
        token_dropout: float = 0.0,
        rngs: nnx.Rngs,
    ):
        """Make the layers.

        Args:
            vocabulary_size: Rows of the embedding table, padding and unknown with them.
            embedding: Width of a token's vector.
            spans: How many tokens the filters of each kind span.
            filters: Number of filters of each kind.
            hidden: Widths of the dense layers above the filters.
            dropout: Share of the found filters, and of hidden units, zeroed in training.
            token_dropout: Share of tokens zeroed in training.
            rngs: Source of the initial weights.

        Raises:
            ValueError: If ``spans`` is empty, a size is less than 1 or a rate is outside [0, 1).
        """
        check_sizes("KimTrunk", spans=len(spans), **{f"hidden[{i}]": size for i, size in enumerate(hidden)})
        self.dropout = check_rate("dropout", dropout)
        self.token_dropout = check_rate("token_dropout", token_dropout)
        self.embedding = Embedding(vocabulary_size, embedding, rngs=rngs)
        self.windows = nnx.List([Windows(embedding, filters, span, rngs=rngs) for span in spans])
        widths = (filters * len(spans), *hidden)
        init = nnx.initializers.he_normal()
        self.hidden = nnx.List([nnx.Linear(a, b, kernel_init=init, rngs=rngs) for a, b in pairwise(widths)])
        self.num_outputs = widths[-1]

    def __call__(self, ids: Array, *, key: Array | None = None) -> Array:
        """Return ``[B, num_outputs]`` of token numbers ``[B, T]``; a key switches dropout on."""
        check_ids("KimTrunk", ids)
        count = len(self.hidden) + 2
        keys = [None] * count if key is None else jax.random.split(key, count)
        vectors = self.embedding(ids, dropout=self.token_dropout, key=keys[0])
        found = [max_over(window(vectors), ids > 0) for window in self.windows]
        x = dropout(jax.nn.relu(jnp.concatenate(found, axis=-1)), self.dropout, keys[1])
        for layer, layer_key in zip(self.hidden, keys[2:]):
            x = dropout(jax.nn.relu(layer(x)), self.dropout, layer_key)
        return x


class KimCNN(Headed):
    """The convolutional network for sentences, with a linear head: :class:`KimTrunk` and logits.

    Args:
        vocabulary_size: Rows of the embedding table.
        num_outputs: Number of logits.
        output_bias: Where the head's bias starts, ``[num_outputs]``; 0 without it.
        rngs: Source of the initial weights.
        **trunk: Options of :class:`KimTrunk`.

    Reference:
        Kim, "Convolutional neural networks for sentence classification", EMNLP 2014, the variant with random
        vectors. The norm of the head's weights is not bounded here.

    Example:
        64 filters that span 5 tokens of 300 dimensions, a dense layer of 1,024 and 478 labels:

        >>> model = KimCNN(
        ...     2000, 478, embedding=300, spans=(5,), filters=64, hidden=(1024,), rngs=nnx.Rngs(0)
        ... )
        >>> model(jnp.ones((2, 20), jnp.int32)).shape
        (2, 478)
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
        made = KimTrunk(vocabulary_size, rngs=rngs, **trunk)
        super().__init__(made, num_outputs, output_bias=output_bias, rngs=rngs)
