"""Heads of different sizes in one padded array: their classes, and none of the padding."""

from __future__ import annotations

from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from mlj.data.digit_positions import digit_positions
from mlj.data.digits import digits
from mlj.decision.multi_output import argmax_classes
from mlj.losses import multi_output_cross_entropy
from mlj.models import Trunk, as_function
from mlj.models.multi_output import MultiOutput, class_mask

COUNTS = (3, 5)


@pytest.fixture(scope="module")
def logits():
    rngs = nnx.Rngs(0)
    bias = jnp.arange(10.0).reshape(2, 5)
    model = MultiOutput(Trunk(4, hidden=(8,), rngs=rngs), COUNTS, output_bias=bias, rngs=rngs)
    apply_fn, params = as_function(model)
    return apply_fn(params, jax.random.normal(jax.random.key(1), (3, 4)))


def test_the_heads_start_at_the_bias_that_they_are_given(logits):
    np.testing.assert_allclose(logits, np.broadcast_to(np.arange(10.0).reshape(2, 5), (3, 2, 5)), atol=1)


def test_the_combinations_of_classes_have_probability_one_together(logits):
    every = jnp.array(list(product(*map(range, COUNTS))))
    costs = jax.vmap(
        lambda s: jax.vmap(lambda t: multi_output_cross_entropy(s, t, class_where=class_mask(COUNTS)))(every)
    )(logits)
    # The loss is the mean over the two heads of what the likelihood adds up.
    np.testing.assert_allclose(jnp.exp(-2 * costs).sum(axis=1), 1, rtol=1e-5)


def test_the_decision_is_the_most_probable_combination_of_all(logits):
    every = np.array(list(product(*map(range, COUNTS))))
    mask = class_mask(COUNTS)
    found = argmax_classes(logits, class_where=mask)
    for row, chosen in zip(np.asarray(logits), found):
        totals = [sum(row[h, c] for h, c in enumerate(classes)) for classes in every]
        np.testing.assert_array_equal(chosen, every[int(np.argmax(totals))])


def test_a_class_that_a_head_has_not_is_never_chosen():
    inf, nan = np.inf, np.nan
    rows = [[0, 1, 2, 9, nan], [-inf, -inf, -inf, 5, inf], [nan, nan, nan, 5, 5], [nan, -9, -inf, 5, 5]]
    rows = np.float32(rows)
    found = argmax_classes(rows[:, None, :], class_where=class_mask((3, 5))[:1])
    np.testing.assert_array_equal(found[:, 0], [2, 0, 0, 1])


def test_the_decision_without_a_mask_is_the_argmax_of_every_head():
    rows = jax.random.normal(jax.random.key(2), (4, 3, 6))
    np.testing.assert_array_equal(argmax_classes(rows), rows.argmax(axis=-1))


def test_heads_and_shapes_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match=r"class_counts must be at least 2 for each head, got \(3, 1\)"):
        class_mask((3, 1))
    with pytest.raises(ValueError, match=r"MultiOutput: output_bias must be \[2, 5\], got \[10\]"):
        MultiOutput(Trunk(4, rngs=nnx.Rngs(0)), COUNTS, output_bias=jnp.zeros(10), rngs=nnx.Rngs(0))
    with pytest.raises(ValueError, match=r"argmax_classes: logits must be \[..., H, C\], got \[3\]"):
        argmax_classes(jnp.zeros(3))
    with pytest.raises(ValueError, match=r"argmax_classes: class_where must be \[2, 5\], got \[5\]"):
        argmax_classes(jnp.zeros((2, 5)), class_where=jnp.ones(5, bool))
    with pytest.raises(TypeError, match="argmax_classes: class_where must be bool"):
        argmax_classes(jnp.zeros((2, 5)), class_where=jnp.ones((2, 5)))


def test_digits_and_their_positions_are_of_the_same_canvases():
    positions, plain = digit_positions(60, seed=3), digits(60, seed=3)
    np.testing.assert_array_equal(positions.features, plain.features)
    np.testing.assert_array_equal(positions.split, plain.split)
    groups = positions.labels.reshape(-1, 4, 11)
    np.testing.assert_array_equal(groups.sum(axis=2), 1)
    np.testing.assert_array_equal(groups[:, :, :10].any(axis=1), plain.labels)
    assert positions.label_names[11] == "upper_right=0"
    quarters = positions.features.reshape(-1, 2, 12, 2, 12).sum(axis=(2, 4)).reshape(-1, 4)
    np.testing.assert_array_equal(quarters == 0, groups[:, :, 10] == 1)
