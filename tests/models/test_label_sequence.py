"""Label sequence models: the same numbers step by step as all at once, and sequences that are checked."""

from __future__ import annotations

from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from mlj.data.errors import DataError
from mlj.data.sequences import sequence_targets
from mlj.decision.autoregressive import follow, label_steps
from mlj.losses.sequence import label_sequences
from mlj.models import Trunk, as_function
from mlj.models.label_sequence import SequenceGRU, SequenceTransformer

LABELS, LENGTH = 3, 4
SEQUENCES = jnp.array(list(product(range(LABELS + 1), repeat=LENGTH)))
MODELS = {
    "gru": (SequenceGRU, {"width": 6, "embedding": 4}),
    "transformer": (SequenceTransformer, {"width": 8, "heads": 2, "layers": 2, "tokens": 3}),
}


class TokenTrunk(nnx.Module):
    """Gives two tokens of width 6."""

    num_outputs = 6

    def __call__(self, features, *, key=None):
        return jnp.stack([features, features[:, ::-1]], axis=1)


@pytest.fixture(scope="module", params=["gru", pytest.param("transformer", marks=pytest.mark.slow)])
def trained(request):
    """Return a model far from where it starts, and features of two samples."""
    make, options = MODELS[request.param]
    trunk = Trunk(5, hidden=(6,), rngs=nnx.Rngs(0))
    bias = jnp.array([0.5, -0.5, 0.0, 1.0])
    apply_fn, params = as_function(make(trunk, LABELS, output_bias=bias, rngs=nnx.Rngs(1), **options))
    leaves, tree = jax.tree.flatten(params)
    keys = jax.random.split(jax.random.key(2), len(leaves))
    moved = [leaf + 0.5 * jax.random.normal(key, leaf.shape) for leaf, key in zip(leaves, keys)]
    return make, apply_fn, jax.tree.unflatten(tree, moved), jax.random.normal(jax.random.key(3), (2, 5))


@pytest.fixture(scope="module")
def followed(trained):
    """Return the paths of all sequences of both samples, step by step, and of the raw steps' logits."""
    make, apply_fn, params, features = trained

    def every(state):
        step, start = label_steps(
            lambda state, last: apply_fn(params, state, last, method=make.step),
            state,
            num_labels=LABELS,
            length=LENGTH,
        )
        return jax.vmap(lambda choices: follow(step, start, choices, start=LABELS))(SEQUENCES)

    states = apply_fn(params, features, length=LENGTH, method=make.encode)
    return jax.jit(jax.vmap(every))(states)


def test_the_probabilities_of_all_sequences_sum_to_one(followed):
    np.testing.assert_allclose(jnp.sum(jnp.exp(followed.log_prob), axis=1), jnp.ones(2), rtol=1e-5)


def test_step_by_step_gives_the_logits_of_all_steps_at_once(trained, followed):
    _, apply_fn, params, features = trained
    possible = np.flatnonzero(np.isfinite(followed.log_prob[0]))
    assert len(possible) == 16
    targets = SEQUENCES[possible]
    forced = jax.nn.log_softmax(apply_fn(params, jnp.repeat(features, 16, axis=0), jnp.tile(targets, (2, 1))))
    forced = np.asarray(forced).reshape(2, 16, LENGTH, LABELS + 1)
    stepwise = np.asarray(followed.log_probs)[:, possible]
    # the decoder closes what has ended and the last step; the model is asked before that only
    ended = np.cumsum(np.asarray(targets) == LABELS, axis=1) - (np.asarray(targets) == LABELS) > 0
    for place in range(LENGTH - 1):
        rows = ~ended[:, place]
        np.testing.assert_allclose(forced[:, rows, place], stepwise[:, rows, place], rtol=1e-4, atol=1e-5)


def test_a_label_that_is_dropped_from_the_prefix_is_not_told_but_still_not_repeated(trained):
    _, apply_fn, params, features = trained
    one, other = jnp.array([[0, 2, 3, 3]] * 2), jnp.array([[1, 2, 3, 3]] * 2)
    dropped = jnp.zeros((2, 4), bool).at[:, 0].set(True)
    first, second = (np.asarray(apply_fn(params, features, y, dropped=dropped)) for y in (one, other))
    np.testing.assert_array_equal(first[:, 1:, 2:], second[:, 1:, 2:])
    assert np.all(np.isneginf(first[:, 1:, 0]))
    assert np.all(np.isneginf(second[:, 1:, 1]))
    told = np.asarray(apply_fn(params, features, one))
    assert np.max(np.abs(told[:, 1, 3] - first[:, 1, 3])) > 1e-3
    np.testing.assert_allclose(told[:, 0], first[:, 0], rtol=1e-6)


def test_a_new_model_says_what_its_bias_says():
    bias = jnp.log(jnp.array([0.2, 0.1, 0.3, 0.4]))
    for make, options in MODELS.values():
        trunk = Trunk(5, hidden=(6,), rngs=nnx.Rngs(0))
        model = make(trunk, LABELS, output_bias=bias, rngs=nnx.Rngs(1), **options)
        first = model(jnp.ones((1, 5)), jnp.array([[3]]))[0, 0]
        assert jnp.max(jnp.abs(first - bias)) < 0.7
        with pytest.raises(ValueError, match=r"output_bias must be \[4\], got \[3\]"):
            make(trunk, LABELS, output_bias=bias[:3], rngs=nnx.Rngs(1), **options)


def test_a_transformer_takes_a_trunk_that_gives_tokens():
    model = SequenceTransformer(TokenTrunk(), LABELS, width=8, heads=2, tokens=None, rngs=nnx.Rngs(0))
    assert model(jnp.ones((2, 6)), jnp.zeros((2, 4), int)).shape == (2, 4, 4)


def test_sequences_of_names_become_the_targets_that_multi_hot_labels_give():
    found = sequence_targets([["c", "a"], [], ["b"]], label_names=["a", "b", "c"])
    labels = jnp.array([[1, 0, 1], [0, 0, 0], [0, 1, 0]])
    wanted = label_sequences(labels, priority=jnp.array([0.0, 1.0, 2.0]), steps=3)
    np.testing.assert_array_equal(found.targets, wanted.targets)
    np.testing.assert_array_equal(found.where, wanted.where)
    assert sequence_targets([[2, 0]], num_labels=3, steps=5).targets.tolist() == [[2, 0, 3, 3, 3]]


@pytest.mark.parametrize(
    ("sequences", "message"),
    [
        ([["a"], ["b", "a", "b"]], "row 1: label 'b' at place 2 stands already at place 0"),
        ([["a", 0]], "row 0: label 0 at place 1 stands already at place 0"),
        ([["a"], [], ["cat"]], "row 2: unknown label 'cat' at place 0"),
        ([[0, 3]], "row 0: unknown label 3 at place 1: numbers are 0 to 2"),
        ([[-1]], "row 0: unknown label -1 at place 0"),
        ([[0.5]], "row 0: label 0.5 at place 0 is neither a name nor a number"),
        ([[True]], "label True at place 0 is neither"),
        (["ab"], "row 0: wanted a list of labels, got the string 'ab'"),
        ([["a", "b", "c"]], "row 0: 3 labels and the end symbol need 4 steps, there are 3"),
    ],
)
def test_a_sequence_with_a_repeated_or_unknown_label_is_refused_by_row_and_place(sequences, message):
    with pytest.raises(DataError, match=message):
        sequence_targets(sequences, label_names=["a", "b", "c"], steps=3)


def test_names_need_the_names_of_all_labels():
    with pytest.raises(ValueError, match="give label_names or num_labels"):
        sequence_targets([[0]])
    with pytest.raises(ValueError, match="2 label_names, but num_labels is 3"):
        sequence_targets([[0]], label_names=["a", "b"], num_labels=3)
    with pytest.raises(DataError, match="names need label_names"):
        sequence_targets([["a"]], num_labels=2)
    with pytest.raises(DataError, match="two labels are named 'a'"):
        sequence_targets([["a"]], label_names=["a", "b", "a"])
    with pytest.raises(ValueError, match="steps must be at least 1, got -1"):
        sequence_targets([], num_labels=2, steps=-1)
