"""Pieces of the models that read token numbers.

Token numbers ``[B, T]`` are int32, a text's tokens first and 0 behind its end. Whatever stands behind the end
influences nothing: a longer padding gives the same logits and the same gradients.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from flax import nnx

from mlj.models.layers import dropout
from mlj.types import Array

LOWEST = -1e30
"""What stands at padding where a maximum or a softmax is taken; finite, so that slopes stay numbers."""


def check_ids(model: str, ids: Array) -> None:
    """Raise unless ``ids`` are integers ``[B, T]``."""
    if not jnp.issubdtype(ids.dtype, jnp.integer):
        raise TypeError(f"{model}: token numbers must be integers, got {ids.dtype}")
    if ids.ndim != 2:
        raise ValueError(f"{model}: token numbers must be [B, T], got {list(ids.shape)}")


def check_sizes(model: str, **sizes: int) -> None:
    """Raise ``ValueError`` unless every size is at least 1."""
    for name, size in sizes.items():
        if size < 1:
            raise ValueError(f"{model}: {name} must be at least 1, got {size}")


class Embedding(nnx.Module):
    """A table of one vector for each token number; padding has the vector 0.

    A number beyond the table, as from another vocabulary, gives NaN, which training stops at and reports,
    where a clamped number would silently give another token's vector. The gradient scatters into the rows
    that were looked up.

    Example:
        >>> Embedding(10, 3, rngs=nnx.Rngs(0))(jnp.array([[4, 0]]))[0, 1].tolist()
        [0.0, 0.0, 0.0]
    """

    def __init__(self, vocabulary_size: int, width: int, *, rngs: nnx.Rngs):
        """Make a table ``[vocabulary_size, width]`` of standard deviation .1."""
        check_sizes("Embedding", vocabulary_size=vocabulary_size, width=width)
        self.table = nnx.Param(0.1 * jax.random.normal(rngs.params(), (vocabulary_size, width)))

    def __call__(self, ids: Array, *, dropout: float = 0.0, key: Array | None = None) -> Array:
        """Return vectors ``[B, T, width]``; with a key whole tokens are zeroed at the rate ``dropout``."""
        vectors = self.table[...].at[ids].get(mode="fill", fill_value=jnp.nan)
        return jnp.where((ids > 0)[..., None], vectors, 0) * kept_tokens(ids, dropout, key)[..., None]


def kept_tokens(ids: Array, rate: float, key: Array | None) -> Array:
    """Return 1 for each token, or, with a key, 0 at that rate and otherwise the inverse of the others' share.

    >>> kept_tokens(jnp.array([[3, 4]]), 0.5, None).tolist()
    [[1.0, 1.0]]
    """
    return dropout(jnp.ones(ids.shape), rate, key)


class Windows(nnx.Module):
    """Filters that each span some neighbouring tokens and all dimensions of their vectors.

    A window begins at every token; behind the end of the text it reads zeros. So a text that is shorter than
    a filter still has a window for each of its tokens.
    """

    def __init__(self, width: int, filters: int, span: int, *, rngs: nnx.Rngs):
        """Make ``filters`` of ``span * width`` weights and a bias each."""
        check_sizes("Windows", width=width, filters=filters, span=span)
        init = nnx.initializers.he_normal(in_axis=(0, 1), out_axis=2)
        self.kernel = nnx.Param(init(rngs.params(), (span, width, filters)))
        self.bias = nnx.Param(jnp.zeros(filters))

    def __call__(self, vectors: Array) -> Array:
        """Return ``[B, T, filters]`` of vectors ``[B, T, width]``, one for each token where a window begins.

        One product with all filters, then a sum of shifted slices, which trains faster on CPUs than a
        convolution whose kernel gradient is taken.
        """
        span, width, filters = self.kernel.shape
        flat = jnp.swapaxes(self.kernel[...], 0, 1).reshape(width, span * filters)
        products = (vectors @ flat).reshape(*vectors.shape[:2], span, filters)
        length = vectors.shape[1]
        total = jnp.broadcast_to(self.bias[...], (*vectors.shape[:2], filters))
        for offset in range(min(span, length)):
            shifted = products[:, offset:, offset]
            total = total + jnp.pad(shifted, ((0, 0), (0, offset), (0, 0)))
        return total


def max_over(values: Array, where: Array) -> Array:
    """Return the largest of ``values [B, T, F]`` over the positions in ``where [B, T]``; 0 if there is none.

    >>> max_over(jnp.array([[[-1.0], [-3.0], [9.0]]]), jnp.array([[True, True, False]])).tolist()
    [[-1.0]]
    """
    largest = jnp.max(jnp.where(where[..., None], values, LOWEST), axis=1)
    return jnp.where(jnp.any(where, axis=1)[:, None], largest, 0)
