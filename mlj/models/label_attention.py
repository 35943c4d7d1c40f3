"""Convolution over the tokens of a text, which every label reads with an attention of its own."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from flax import nnx

from mlj._checks import has_shape
from mlj.models.layers import check_rate, dropout
from mlj.models.text_layers import LOWEST, Embedding, Windows, check_ids, check_sizes
from mlj.types import Array, Logits


class LabelAttention(nnx.Module):
    r"""Convolutional attention for multi-label text.

    With :math:`h_t` the filters at token t, label j reads the text where it matters to the label:

    .. math::
        \alpha_{jt} = \mathrm{softmax}_t(u_j \cdot h_t), \qquad
        s_j = w_j \cdot \sum_t \alpha_{jt} h_t + b_j .

    The share of attention that label j pays to token t says what a decision rests on: :meth:`attention`.

    Args:
        vocabulary_size: Rows of the embedding table, padding and unknown with them.
        num_outputs: Number of logits.
        embedding: Width of a token's vector.
        filters: Number of filters.
        span: How many tokens a filter spans.
        dropout: Share of the entries of the tokens' vectors zeroed in training.
        output_bias: Where b starts, ``[num_outputs]``; 0 without it.
        rngs: Source of the initial weights.

    Raises:
        ValueError: If a size is less than 1, ``dropout`` is outside [0, 1) or ``output_bias`` has another
            shape.

    Reference:
        Mullenbach, Wiegreffe, Duke, Sun and Eisenstein, "Explainable prediction of medical codes from
        clinical text", NAACL 2018, CAML without descriptions of the labels. Windows begin at a
        token here, where theirs are centred on it.

    Example:
        >>> model = LabelAttention(100, 7, embedding=8, filters=4, rngs=nnx.Rngs(0))
        >>> ids = jnp.array([[5, 9, 2, 0]])
        >>> model(ids).shape, model.attention(ids)[0, 3].round(2).tolist()[3]
        ((1, 7), 0.0)
    """

    def __init__(
        self,
        vocabulary_size: int,
        num_outputs: int,
        *,
        embedding: int = 128,
        filters: int = 64,
        span: int = 4,
        dropout: float = 0.2,
        output_bias: Array | None = None,
        rngs: nnx.Rngs,
    ):
        check_sizes("LabelAttention", num_outputs=num_outputs)
        self.dropout = check_rate("dropout", dropout)
        self.embedding = Embedding(vocabulary_size, embedding, rngs=rngs)
        self.windows = Windows(embedding, filters, span, rngs=rngs)
        scale = filters**-0.5
        self.queries = nnx.Param(scale * jax.random.normal(rngs.params(), (num_outputs, filters)))
        self.weights = nnx.Param(0.1 * scale * jax.random.normal(rngs.params(), (num_outputs, filters)))
        bias = jnp.zeros(num_outputs) if output_bias is None else jnp.asarray(output_bias, jnp.float32)
        has_shape("LabelAttention", "output_bias", bias, (num_outputs,))
        self.bias = nnx.Param(bias)

    def __call__(self, ids: Array, *, key: Array | None = None) -> Logits:
        """Return logits ``[B, num_outputs]`` of token numbers ``[B, T]``; a key switches dropout on.

        A text without tokens gets the bias.
        """
        found = self._found(ids, key)
        read = jnp.einsum("btf,lf->btl", found, self.weights[...])
        return jnp.einsum("btl,btl->bl", self._shares(ids, found), read) + self.bias[...][None, :]

    def attention(self, ids: Array) -> Array:
        """Return what share of its attention each label pays to each token, ``[B, T, num_outputs]``.

        Shares add up to 1 over the tokens of a text; padding has none.
        """
        return self._shares(ids, self._found(ids, None))

    def _found(self, ids: Array, key: Array | None) -> Array:
        check_ids("LabelAttention", ids)
        return jnp.tanh(self.windows(dropout(self.embedding(ids), self.dropout, key)))

    def _shares(self, ids: Array, found: Array) -> Array:
        present = (ids > 0)[..., None]
        queried = jnp.einsum("btf,lf->btl", found, self.queries[...])
        return jnp.where(present, jax.nn.softmax(jnp.where(present, queried, LOWEST), axis=1), 0)
