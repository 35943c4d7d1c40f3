"""A convolutional trunk reads rows of pixels as images, and says what it cannot read."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from mlj.models import SparseRows, as_function
from mlj.models.conv import ConvTrunk, as_product


def trunk(**options):
    return ConvTrunk(64, channels=(3, 4), hidden=6, rngs=nnx.Rngs(0), **options)


def image(row, column):
    """Return a 16x16 image as a row of pixels, with a small cross at a place."""
    canvas = np.zeros((16, 16), np.float32)
    canvas[row, column - 1 : column + 2] = canvas[row - 1 : row + 2, column] = 1
    return canvas.ravel()


@pytest.mark.slow
@pytest.mark.parametrize(("cells", "forgets"), [((1, 1), True), ((2, 2), False)])
def test_one_cell_forgets_where_and_two_by_two_remember(cells, forgets):
    model = ConvTrunk(256, channels=(3, 4), cells=cells, hidden=6, rngs=nnx.Rngs(0))
    # A shift by a multiple of 4 is a whole step of the second pooling.
    here, there = model(jnp.stack([image(4, 4), image(8, 12)]))
    assert np.any(here != 0)
    assert np.allclose(here, there, atol=1e-6) == forgets


@pytest.mark.slow
def test_a_trunk_without_a_key_is_a_function_and_with_one_drops_units():
    apply_fn, params = as_function(trunk(dropout=0.5))
    x = jax.random.normal(jax.random.key(0), (2, 64))
    np.testing.assert_array_equal(apply_fn(params, x), apply_fn(params, x))
    one, two = (apply_fn(params, x, key=jax.random.key(seed)) for seed in (1, 2))
    assert one.shape == (2, 6)
    assert not np.array_equal(one, two)
    assert sorted(params) == ["convolutions", "dense"]


def test_a_convolution_is_the_product_of_its_windows_with_its_kernel():
    model = ConvTrunk(8 * 4 * 3, shape=(8, 4, 3), channels=(5,), hidden=6, rngs=nnx.Rngs(0))
    convolution = model.convolutions[0]
    convolution.bias[...] = jnp.arange(5.0)
    images = jax.random.normal(jax.random.key(1), (2, 8, 4, 3))
    np.testing.assert_allclose(as_product(convolution, images), convolution(images), rtol=1e-4, atol=1e-5)


def test_colours_and_sides_are_read_from_the_shape():
    found = ConvTrunk(8 * 4 * 3, shape=(8, 4, 3), channels=(2, 2), hidden=5, rngs=nnx.Rngs(0))
    assert found(jnp.ones((2, 96))).shape == (2, 5)
    assert found.num_outputs == 5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_features": 60}, "60 features are no square image; state its shape"),
        ({"shape": (8, 9)}, r"shape must be \(height, width\) or .* of 64 features, got \(8, 9\)"),
        ({"channels": (2, 2, 2, 2)}, "height 8 must be a multiple of 16, for 4 halvings and 1 cells"),
        ({"cells": (1, 3)}, "width 8 must be a multiple of 12, for 2 halvings and 3 cells"),
        ({"channels": ()}, "channels must name at least one convolution"),
        ({"dropout": 1.0}, r"dropout must be in \[0, 1\), got 1.0"),
    ],
)
def test_an_image_that_cannot_be_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        ConvTrunk(**{"num_features": 64, "channels": (2, 2), "rngs": nnx.Rngs(0), **options})


def test_sparse_rows_are_no_image():
    with pytest.raises(TypeError, match="ConvTrunk: features must be a dense array"):
        trunk()(SparseRows(jnp.zeros((1, 2), jnp.int32), jnp.ones((1, 2))))
