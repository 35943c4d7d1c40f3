"""Models of texts: what their filters compute, and that padding is nothing."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from mlj.models import as_function
from mlj.models.bag_of_ngrams import BagOfNgrams
from mlj.models.kim_cnn import KimCNN
from mlj.models.label_attention import LabelAttention
from mlj.models.text_layers import Embedding, Windows, max_over
from mlj.models.xml_cnn import XmlCNN, dynamic_max

SIZE, LABELS = 30, 5
MODELS = {
    "kim_cnn": (
        KimCNN,
        {"embedding": 6, "spans": (2, 3), "filters": 4, "hidden": (7,), "token_dropout": 0.3},
    ),
    "xml_cnn": (XmlCNN, {"embedding": 6, "spans": (2, 3), "filters": 4, "pieces": 2, "bottleneck": 8}),
    "label_attention": (LabelAttention, {"embedding": 6, "filters": 4}),
    "bag_of_ngrams": (BagOfNgrams, {"embedding": 6, "token_dropout": 0.3}),
}
IDS = np.zeros((4, 9), np.int32)
for row, length in enumerate((9, 4, 1, 0)):
    IDS[row, :length] = np.random.default_rng(row).integers(1, SIZE, length)


BIAS = np.array([-3.0, 0.5, 2.0, 0.0, -1.0], np.float32)


class Made(NamedTuple):
    """A model of small size whose head starts at ``BIAS``, and what is compiled of it once."""

    params: dict
    logits: Callable
    dropped: Callable
    cost_and_slope: Callable


@cache
def made(name: str) -> Made:
    model, sizes = MODELS[name]

    kept = []

    @jax.jit
    def build(key):
        built = model(SIZE, LABELS, output_bias=jnp.asarray(BIAS), rngs=nnx.Rngs(key), **sizes)
        apply_fn, params = as_function(built)
        kept.append(apply_fn)
        return params

    params = build(jax.random.key(0))
    (apply_fn,) = kept
    return Made(
        params,
        jax.jit(apply_fn),
        jax.jit(lambda params, ids, key: apply_fn(params, ids, key=key)),
        jax.jit(jax.value_and_grad(lambda params, ids: jnp.sum(jnp.sin(3 * apply_fn(params, ids))))),
    )


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow if name in ("xml_cnn", "label_attention") else ())
        for name in MODELS
    ],
)
def test_more_padding_changes_nothing(name):
    model = made(name)
    logits = model.logits(model.params, IDS)
    cost, _ = model.cost_and_slope(model.params, np.pad(IDS, ((0, 0), (0, 6))))
    chex.assert_trees_all_close(cost, jnp.sum(jnp.sin(3 * logits)), atol=1e-5)
    for row, length in enumerate((9, 4, 1, 0)):
        # What stands in the other rows, and how long it is, is nothing to a text.
        alone = model.logits(model.params, np.tile(IDS[row], (4, 1)))
        chex.assert_trees_all_close(alone[2], logits[row], atol=1e-6)
        other = IDS.copy()
        other[row, : min(length, 1)] = IDS[row, 0] % (SIZE - 1) + 1
        same = np.allclose(model.logits(model.params, other)[row], logits[row], atol=1e-6)
        assert same == (length == 0)


@pytest.mark.parametrize("name", MODELS)
def test_only_the_vectors_of_tokens_in_the_batch_have_a_gradient_whatever_the_padding(name):
    model = made(name)
    _, slope = model.cost_and_slope(model.params, np.pad(IDS, ((0, 0), (0, 6))))
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(slope))
    tables = slope.get("trunk", slope)
    table = np.asarray(tables["table"] if "table" in tables else tables["embedding"]["table"])
    touched = np.flatnonzero(np.abs(table).sum(axis=1))
    assert set(touched) <= set(IDS[IDS > 0])
    assert len(touched) > 5


@pytest.mark.parametrize("name", MODELS)
def test_a_fresh_model_predicts_the_bias_that_it_was_given_up_to_small_weights(name):
    logits = made(name).logits(made(name).params, IDS)
    np.testing.assert_allclose(logits, np.tile(BIAS, (4, 1)), atol=0.4)
    np.testing.assert_allclose(logits[3], BIAS, atol=1e-6)


@pytest.mark.parametrize("name", MODELS)
def test_dropout_follows_its_key(name):
    model = made(name)
    one, again, other = (model.dropped(model.params, IDS, jax.random.key(seed)) for seed in (1, 1, 2))
    chex.assert_trees_all_equal(one, again)
    assert not np.allclose(one, other)
    assert not np.allclose(one, model.logits(model.params, IDS))


@pytest.mark.parametrize("name", MODELS)
def test_token_numbers_are_checked_and_a_foreign_one_is_no_other_token(name):
    model = made(name)
    with pytest.raises(TypeError, match="token numbers must be integers, got float32"):
        model.logits(model.params, jnp.ones((2, 3)))
    with pytest.raises(ValueError, match=r"token numbers must be \[B, T\], got \[3\]"):
        model.logits(model.params, jnp.ones(3, jnp.int32))
    foreign = IDS.copy()
    foreign[0, 4] = SIZE
    logits = model.logits(model.params, foreign)
    assert np.isnan(logits[0]).all()
    assert np.isfinite(logits[1:]).all()


@pytest.mark.parametrize("name", MODELS)
def test_sizes_and_rates_that_no_model_can_have_are_refused(name):
    model, _ = MODELS[name]
    rate = "token_dropout" if name == "bag_of_ngrams" else "dropout"
    for options, words in (({"embedding": 0}, "at least 1, got 0"), ({rate: 1.0}, r"in \[0, 1\), got 1.0")):
        with pytest.raises(ValueError, match=words):
            model(SIZE, LABELS, rngs=nnx.Rngs(0), **options)


def test_a_bias_of_another_number_of_labels_is_refused():
    with pytest.raises(ValueError, match=r"output_bias must be \[5\], got \[2\]"):
        LabelAttention(SIZE, LABELS, filters=2, embedding=2, output_bias=jnp.zeros(2), rngs=nnx.Rngs(0))


def test_the_network_of_64_filters_over_5_tokens_has_the_shapes_it_was_described_with():
    def build(key):
        model = KimCNN(1000, 478, embedding=300, spans=(5,), filters=64, hidden=(1024,), rngs=nnx.Rngs(key))
        return as_function(model)[1]

    shapes = jax.eval_shape(build, jax.random.key(0))
    sizes = jax.tree.map(lambda leaf: leaf.shape, shapes, is_leaf=lambda leaf: hasattr(leaf, "shape"))
    trunk = sizes["trunk"]
    assert trunk["embedding"]["table"] == (1000, 300)
    assert trunk["windows"][0] == {"bias": (64,), "kernel": (5, 300, 64)}
    assert trunk["hidden"][0] == {"bias": (1024,), "kernel": (64, 1024)}
    assert sizes["head"] == {"bias": (478,), "kernel": (1024, 478)}
    count = sum(int(np.prod(leaf.shape)) for leaf in jax.tree.leaves(shapes))
    assert count - 1000 * 300 == (5 * 300 + 1) * 64 + (64 + 1) * 1024 + (1024 + 1) * 478 == 652_574


def test_a_filter_sums_over_its_tokens_and_reads_zeros_behind_the_end():
    windows = Windows(3, 2, 4, rngs=nnx.Rngs(0))
    windows.bias[...] = jnp.array([0.5, -1.0])
    vectors = np.random.default_rng(0).normal(size=(2, 3, 3)).astype(np.float32)
    kernel = np.asarray(windows.kernel[...])
    wanted = np.tile([0.5, -1.0], (2, 3, 1))
    for text, start, offset in np.ndindex(2, 3, 4):
        if start + offset < 3:
            wanted[text, start] += vectors[text, start + offset] @ kernel[offset]
    np.testing.assert_allclose(windows(jnp.asarray(vectors)), wanted, atol=1e-5)


@pytest.mark.parametrize("pieces", [1, 3, 8])
def test_the_dynamic_maximum_divides_the_text_and_not_its_padding(pieces):
    values = np.random.default_rng(1).normal(size=(4, 9, 2)).astype(np.float32) - 2
    found = np.asarray(dynamic_max(jnp.asarray(values), jnp.asarray(IDS > 0), pieces)).reshape(4, pieces, 2)
    for text, length in enumerate((9, 4, 1, 0)):
        for piece in range(pieces):
            inside = [t for t in range(length) if t * pieces // length == piece]
            wanted = values[text, inside].max(axis=0) if inside else np.zeros(2)
            np.testing.assert_array_equal(found[text, piece], wanted)
    everything = max_over(jnp.asarray(values), jnp.asarray(IDS > 0))
    np.testing.assert_array_equal(found[0].max(axis=0), everything[0])


def test_every_label_shares_its_attention_among_the_tokens_of_the_text():
    model = LabelAttention(SIZE, LABELS, embedding=6, filters=4, rngs=nnx.Rngs(0))
    shares = np.asarray(model.attention(jnp.asarray(IDS)))
    np.testing.assert_allclose(shares.sum(axis=1), np.outer([1, 1, 1, 0], np.ones(LABELS)), atol=1e-6)
    assert (shares[IDS == 0] == 0).all()
    assert not np.allclose(shares[0, :, 0], shares[0, :, 1])
    found = np.tanh(model.windows(model.embedding(jnp.asarray(IDS))))
    wanted = np.einsum("btl,btf,lf->bl", shares, found, model.weights[...])
    np.testing.assert_allclose(model(jnp.asarray(IDS)), wanted, atol=1e-5)


def test_a_bag_is_the_mean_of_its_vectors_in_any_order():
    model = BagOfNgrams(SIZE, LABELS, embedding=6, rngs=nnx.Rngs(0))
    table = np.asarray(model.trunk.table[...])
    wanted = np.stack([table[ids[ids > 0]].mean(axis=0) if ids.any() else np.zeros(6) for ids in IDS])
    np.testing.assert_allclose(model.trunk(jnp.asarray(IDS)), wanted, atol=1e-6)
    turned = IDS.copy()
    turned[0] = IDS[0, ::-1]
    np.testing.assert_allclose(model(jnp.asarray(turned)), model(jnp.asarray(IDS)), atol=1e-6)


def test_token_dropout_takes_whole_tokens_and_keeps_their_mean():
    embedding = Embedding(SIZE, 8, rngs=nnx.Rngs(0))
    ids = jnp.full((200, 50), 4)
    dropped = np.asarray(embedding(ids, dropout=0.25, key=jax.random.key(0)))
    gone = (dropped == 0).all(axis=-1)
    assert ((dropped == 0).any(axis=-1) == gone).all()
    assert abs(gone.mean() - 0.25) < 0.02
    np.testing.assert_allclose(dropped[~gone][0], embedding(ids)[0, 0] / 0.75, rtol=1e-5)


def test_a_model_with_filters_learns_the_order_of_two_tokens():
    model = made("kim_cnn")
    ids = np.zeros((4, 15), np.int32)
    ids[:, :3] = [[2, 3, 4], [3, 2, 4], [4, 2, 3], [4, 3, 2]]
    labels = jnp.array([1.0, 0.0, 1.0, 0.0])
    optimizer = optax.adam(0.03)

    @jax.jit
    def descend(params):
        def cost(params):
            return jnp.mean(optax.sigmoid_binary_cross_entropy(model.logits(params, ids)[:, 0], labels))

        def advance(_, carry):
            params, state = carry
            updates, state = optimizer.update(jax.grad(cost)(params), state)
            return optax.apply_updates(params, updates), state

        params, _ = jax.lax.fori_loop(0, 150, advance, (params, optimizer.init(params)))
        return cost(params)

    assert float(descend(model.params)) < 0.1
