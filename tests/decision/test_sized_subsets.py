"""Marginals and modes of sized labelsets against sums over all labelsets."""

from __future__ import annotations

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mlj.decision.sized_subsets import likeliest_size_top_k, sized_subset_log_odds, sized_subset_mode

L, K, ROWS = 7, 5, 40


@pytest.fixture(scope="module")
def drawn():
    keys = jax.random.split(jax.random.key(0))
    return 3 * jax.random.normal(keys[0], (ROWS, L)), jax.random.normal(keys[1], (ROWS, K + 1))


def all_labelsets(size: int) -> np.ndarray:
    return (np.arange(2**size)[:, None] >> np.arange(size)[None]) % 2 == 1


def log_probs(logits, size_logits) -> np.ndarray:
    """The log-probability of every labelset ``[N, 2^L]``, in float64, -inf for those that are too large."""
    s, v = np.asarray(logits, np.float64), np.asarray(size_logits, np.float64)
    sets = all_labelsets(s.shape[1])
    sizes, scores = sets.sum(axis=1), s @ sets.T
    found = np.full(scores.shape, -np.inf)
    for k in range(v.shape[1]):
        own = scores[:, sizes == k]
        top = own.max(axis=1, keepdims=True)
        total = top + np.log(np.exp(own - top).sum(axis=1, keepdims=True))
        found[:, sizes == k] = own - total + (v[:, k] - np.log(np.exp(v).sum(axis=1)))[:, None]
    return found


def test_log_odds_equal_sums_over_all_labelsets(drawn):
    probs, sets = np.exp(log_probs(*drawn)), all_labelsets(L)
    wanted = np.log(probs @ sets) - np.log(probs @ ~sets)
    chex.assert_trees_all_close(
        sized_subset_log_odds(*drawn), wanted.astype(np.float32), rtol=1e-4, atol=1e-4
    )


def test_log_odds_keep_both_tails_where_a_probability_would_round_to_one():
    logits = jnp.array([[40.0, 0.0, -40.0]])
    found = sized_subset_log_odds(logits, jnp.array([[-jnp.inf, 0.0, -jnp.inf, -jnp.inf]]))
    # One label is present: log-odds are logits less the log-sum of the others.
    chex.assert_trees_all_close(found, jnp.array([[40.0, -40.0, -80.0]]), rtol=1e-6)


def test_a_certain_size_makes_the_marginals_add_up_to_it(drawn):
    size_logits = jnp.where(jnp.arange(K + 1) == 3, 0.0, -jnp.inf)
    found = sized_subset_log_odds(drawn[0], jnp.broadcast_to(size_logits, drawn[1].shape))
    chex.assert_trees_all_close(jax.nn.sigmoid(found).sum(axis=1), jnp.full(ROWS, 3.0), rtol=1e-5)


def test_the_mode_is_the_most_probable_of_all_labelsets(drawn):
    best = all_labelsets(L)[log_probs(*drawn).argmax(axis=1)]
    assert len(set(best.sum(axis=1))) >= 3
    np.testing.assert_array_equal(sized_subset_mode(*drawn), best)


def test_the_mode_may_have_another_size_than_the_likeliest(drawn):
    sizes = likeliest_size_top_k(*drawn).sum(axis=1)
    np.testing.assert_array_equal(sizes, np.asarray(drawn[1]).argmax(axis=1))
    assert np.any(np.asarray(sized_subset_mode(*drawn).sum(axis=1)) != np.asarray(sizes))


def test_all_labels_may_be_present():
    logits, sure = jnp.array([[-5.0, 0.0, 5.0]]), jnp.array([[-9.0, -9.0, -9.0, 9.0]])
    assert sized_subset_mode(logits, sure).all()
    assert likeliest_size_top_k(logits, sure).all()
    assert jnp.all(sized_subset_log_odds(logits, sure) > 0)


@pytest.mark.parametrize("decide", [sized_subset_log_odds, sized_subset_mode, likeliest_size_top_k])
@pytest.mark.parametrize(("sizes", "rows"), [(1, 2), (5, 2), (3, 3)])
def test_sizes_that_do_not_fit_the_labels_are_refused(decide, sizes, rows):
    with pytest.raises(ValueError, match="size_logits must be"):
        decide(jnp.zeros((2, 3)), jnp.zeros((rows, sizes)))


def test_integer_logits_are_refused():
    with pytest.raises(TypeError, match="floating-point"):
        sized_subset_mode(jnp.zeros((2, 3), int), jnp.zeros((2, 3)))
