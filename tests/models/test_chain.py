"""Classifier chains as one network: probabilities, orders and steps."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from mlj.decision import autoregressive
from mlj.decision.chains import in_label_order
from mlj.decision.labelsets import all_labelsets
from mlj.models import Trunk, as_function
from mlj.models.chain import Chain, ChainState, InOrder, all_at_once, one_by_one

LABELS, MEMBERS = 4, 2
ORDERS = jnp.array([[0, 1, 2, 3], [3, 1, 0, 2], [2, 3, 1, 0]])
FOLLOWED = jnp.array([0, 1, 0])
SETS = all_labelsets(LABELS)


def chain():
    trunk = Trunk(5, hidden=(6,), rngs=nnx.Rngs(0))
    model = Chain(trunk, LABELS, members=MEMBERS, hidden=7, output_bias=jnp.arange(4.0), rngs=nnx.Rngs(1))
    return as_function(model)


@pytest.fixture(scope="module")
def trained():
    """Return a chain whose labels depend on each other, and what two samples' features say."""
    apply_fn, params = chain()
    leaves, tree = jax.tree.flatten(params)
    keys = jax.random.split(jax.random.key(2), len(leaves))
    moved = [leaf + jax.random.normal(key, leaf.shape) for leaf, key in zip(leaves, keys)]
    params = jax.tree.unflatten(tree, moved)
    features = jax.random.normal(jax.random.key(3), (2, 5))
    return apply_fn, params, apply_fn(params, features, method=Chain.encode)


@pytest.fixture(scope="module")
def log_probs(trained):
    """Return the log-probability of every labelset ``[2, 16, Q]``."""
    apply_fn, params, context = trained

    def of_one(context):
        many = jax.tree.map(lambda x: jnp.broadcast_to(x, (len(SETS), *x.shape)), context)
        return apply_fn(params, many, SETS, ORDERS, FOLLOWED, method=Chain.log_prob)

    return jax.jit(jax.vmap(of_one))(context)


def test_the_probabilities_of_all_labelsets_sum_to_one_in_every_order(log_probs):
    np.testing.assert_allclose(jnp.sum(jnp.exp(log_probs), axis=1), jnp.ones((2, 3)), rtol=1e-5)
    assert jnp.max(jnp.abs(log_probs[..., 0] - log_probs[..., 2])) > 0.1


def test_going_step_by_step_gives_the_probabilities_of_all_labels_at_once(trained, log_probs):
    apply_fn, params, context = trained

    def one(base, hidden, order, member, labels):
        state = ChainState(base[member], hidden[member], member, order, jnp.zeros((), int))

        def step(state, last):
            return apply_fn(params, state, last, method=Chain.step)

        path = autoregressive.follow(step, state, labels[order].astype(jnp.int32))
        return path.log_prob, in_label_order(path.choices, order)

    over_orders = jax.vmap(one, (None, None, 0, 0, None))
    over_sets = jax.vmap(over_orders, (None, None, None, None, 0))
    over_samples = jax.jit(jax.vmap(over_sets, (0, 0, None, None, None)))
    found, choices = over_samples(*context, ORDERS, FOLLOWED, SETS)
    np.testing.assert_allclose(found, log_probs, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(choices[0, :, 1] == 1, SETS)


def test_the_logits_given_the_labels_before_are_those_of_the_order(trained):
    apply_fn, params, context = trained
    labels = jnp.array([[1.0, 0.0, 1.0, 1.0], [0.0, 1.0, 1.0, 0.0]])
    order = ORDERS[1]
    both = jnp.stack([order, order])
    wanted = apply_fn(params, context, labels, both, jnp.arange(MEMBERS), method=Chain.follow)
    for place, label in enumerate(order.tolist()):
        seen = jnp.isin(jnp.arange(LABELS), order[:place])
        given = apply_fn(params, context, labels, jnp.stack([seen, seen]), method=Chain.given)
        np.testing.assert_allclose(given[..., label], wanted[..., label], rtol=1e-5, atol=1e-5)


def test_labels_that_were_not_seen_change_nothing(trained):
    apply_fn, params, context = trained
    seen = jnp.array([[True, False, True, False]] * 2)
    labels = jnp.array([[1.0, 0.0, 0.0, 0.0]] * 2)
    other = labels.at[:, jnp.array([1, 3])].set(jnp.nan)
    first, second = (apply_fn(params, context, y, seen, method=Chain.given) for y in (labels, other))
    np.testing.assert_array_equal(first, second)


def test_a_new_chain_has_independent_labels_near_the_prior():
    apply_fn, params = chain()
    labels = jnp.array([[0.0] * 4, [1.0] * 4])
    logits = apply_fn(params, jnp.ones((2, 5)), labels, ORDERS[:2])
    assert logits.shape == (2, MEMBERS, LABELS)
    np.testing.assert_array_equal(logits[0], logits[1])
    assert jnp.max(jnp.abs(logits - jnp.arange(4.0)[None, None])) < 1


def test_a_chain_refuses_what_it_cannot_be_made_from():
    trunk = Trunk(5, hidden=(6,), rngs=nnx.Rngs(0))
    with pytest.raises(ValueError, match="members and hidden must be at least 1, got 0"):
        Chain(trunk, 3, members=0, rngs=nnx.Rngs(0))
    with pytest.raises(ValueError, match=r"output_bias must be \[3\], got \[4\]"):
        Chain(trunk, 3, output_bias=jnp.zeros(4), rngs=nnx.Rngs(0))


def test_labels_taken_one_by_one_and_all_at_once_give_the_same_logits_and_gradients():
    shapes = (3, 7), (3, 5), (5, 7), (5, 7), (5, 7)
    keys = jax.random.split(jax.random.key(0), len(shapes))
    given = InOrder(*(jax.random.normal(key, shape) for key, shape in zip(keys, shapes)))
    given = given._replace(labels=(given.labels > 0).astype(jnp.float32))
    np.testing.assert_allclose(one_by_one(given), all_at_once(given), rtol=1e-5, atol=1e-6)
    slopes = [
        jax.grad(lambda given, way=way: jnp.sum(jnp.sin(way(given))))(given)
        for way in (one_by_one, all_at_once)
    ]
    jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-5), *slopes)
