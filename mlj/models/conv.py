"""A small convolutional network under other models, for images that come as rows of pixels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from itertools import pairwise, product

import jax
import jax.numpy as jnp
from flax import nnx

from mlj.models.headed import Headed
from mlj.models.layers import check_rate, dropout
from mlj.models.sparse import SparseRows
from mlj.types import Array

_POOL = 2


class ConvTrunk(nnx.Module):
    """Convolutions of 3 by 3 with ReLU, each followed by a maximum over 2 by 2, then one dense layer.

    What the last convolution found is reduced to its maximum in each of ``cells``: one cell for the whole
    image says what is there and forgets where; two by two say in which quarter.

    Example:
        >>> import jax.numpy as jnp
        >>> ConvTrunk(576, channels=(4, 8), hidden=16, rngs=nnx.Rngs(0))(jnp.ones((2, 576))).shape
        (2, 16)
    """

    def __init__(
        self,
        num_features: int,
        *,
        shape: Sequence[int] | None = None,
        channels: Sequence[int] = (16, 32),
        cells: tuple[int, int] = (1, 1),
        hidden: int = 128,
        dropout: float = 0.4,
        rngs: nnx.Rngs,
    ):
        """Make the layers.

        Args:
            num_features: Pixels D of an image, times its colours.
            shape: ``(height, width)`` or ``(height, width, colours)`` that a row of features is read as;
                None for a square without colours.
            channels: What each convolution finds; at least one. Height and width halve after each.
            cells: Rows and columns of cells that the end of the convolutions is divided into.
            hidden: Width of the dense layer.
            dropout: Share of hidden units zeroed in training, before and after the dense layer.
            rngs: Source of the initial weights.

        Raises:
            ValueError: If ``shape`` does not hold D numbers, cannot be halved as often, or the cells do not
                divide what is left; if ``channels`` is empty or ``dropout`` is outside [0, 1).
        """
        if not channels:
            raise ValueError("ConvTrunk: channels must name at least one convolution")
        self.shape = _read_shape(num_features, shape)
        self.dropout = check_rate("dropout", dropout)
        self.cells = cells
        self.num_outputs = hidden
        _check_cells(self.shape, len(channels), cells)
        init = nnx.initializers.he_normal()
        widths = (self.shape[2], *channels)
        self.convolutions = nnx.List(
            [nnx.Conv(a, b, (3, 3), kernel_init=init, rngs=rngs) for a, b in pairwise(widths)]
        )
        self.dense = nnx.Linear(math.prod(cells) * channels[-1], hidden, kernel_init=init, rngs=rngs)

    def __call__(self, features: Array | SparseRows, *, key: Array | None = None) -> Array:
        """Return the representation ``[B, hidden]`` of images ``[B, D]``; a key switches dropout on.

        Raises:
            TypeError: If the features are sparse rows.
        """
        if isinstance(features, SparseRows):
            raise TypeError("ConvTrunk: features must be a dense array [B, D], got SparseRows")
        keys = (None, None) if key is None else jax.random.split(key)
        x = features.reshape(-1, *self.shape)
        for convolution in self.convolutions:
            found = jax.lax.platform_dependent(x, cpu=partial(as_product, convolution), default=convolution)
            x = _largest(jax.nn.relu(found), x.shape[1] // _POOL, x.shape[2] // _POOL)
        x = _largest(x, *self.cells)
        x = dropout(x.reshape(x.shape[0], -1), self.dropout, keys[0])
        return dropout(jax.nn.relu(self.dense(x)), self.dropout, keys[1])


class ConvNet(Headed):
    """Convolutions, a dense layer and a linear head: :class:`ConvTrunk` and logits.

    Args:
        num_features: Pixels D of an image, times its colours.
        num_outputs: Number of logits.
        output_bias: Where the head's bias starts, ``[num_outputs]``; 0 without it.
        rngs: Source of the initial weights.
        **trunk: Options of :class:`ConvTrunk`.

    Example:
        >>> import jax.numpy as jnp
        >>> ConvNet(576, 10, channels=(4, 8), hidden=16, rngs=nnx.Rngs(0))(jnp.ones((2, 576))).shape
        (2, 10)
    """

    def __init__(
        self,
        num_features: int,
        num_outputs: int,
        *,
        output_bias: Array | None = None,
        rngs: nnx.Rngs,
        **trunk: object,
    ):
        made = ConvTrunk(num_features, rngs=rngs, **trunk)
        super().__init__(made, num_outputs, output_bias=output_bias, rngs=rngs)


def as_product(convolution: nnx.Conv, images: Array) -> Array:
    """Return what a convolution of 3 by 3 gives, as one product of all its windows ``[B, H, W, 9 C]``.

    On a CPU, the gradient of a convolution inside a loop, as in a scan over batches, takes about ten times as
    long as outside of one or as this.
    """
    height, width = images.shape[1:3]
    kernel = convolution.kernel[...]
    padded = jnp.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
    corners = product(*map(range, kernel.shape[:2]))
    windows = [padded[:, row : row + height, column : column + width] for row, column in corners]
    weights = kernel.reshape(-1, kernel.shape[-1])
    return jnp.concatenate(windows, axis=-1) @ weights + convolution.bias[...][None, None, None]


def _largest(images: Array, rows: int, columns: int) -> Array:
    """Return the maximum of images ``[B, H, W, C]`` in each cell, ``[B, rows, columns, C]``."""
    batch, height, width, colours = images.shape
    cut = images.reshape(batch, rows, height // rows, columns, width // columns, colours)
    return jnp.max(cut, axis=(2, 4))


def _read_shape(num_features: int, shape: Sequence[int] | None) -> tuple[int, int, int]:
    if shape is None:
        side = math.isqrt(num_features)
        if side**2 != num_features:
            raise ValueError(f"ConvTrunk: {num_features} features are no square image; state its shape")
        shape = (side, side)
    if len(shape) not in (2, 3) or math.prod(shape) != num_features:
        raise ValueError(
            f"ConvTrunk: shape must be (height, width) or (height, width, colours) of {num_features} "
            f"features, got {tuple(shape)}"
        )
    return (*shape, 1) if len(shape) == 2 else tuple(shape)


def _check_cells(shape: tuple[int, int, int], halvings: int, cells: tuple[int, int]) -> None:
    for name, size, parts in zip(("height", "width"), shape, cells):
        step = _POOL**halvings
        if parts < 1 or size % (step * parts):
            raise ValueError(
                f"ConvTrunk: {name} {size} must be a multiple of {step * parts}, for {halvings} halvings and "
                f"{parts} cells"
            )
