"""Shuffled numbers: each once, the used ones first, every order as likely as another."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mlj.training import shuffled


@pytest.mark.parametrize("size", [1, 2, 300, 70_000])
def test_every_number_comes_once(size):
    assert sorted(shuffled(jax.random.key(0), size).tolist()) == list(range(size))


@pytest.mark.parametrize("size", [300, 70_000])
def test_unused_numbers_come_last(size):
    used = size // 3
    order = np.asarray(shuffled(jax.random.key(1), size, used))
    assert sorted(order[:used]) == list(range(used))
    assert not np.array_equal(order[:used], np.arange(used))


def test_all_orders_are_equally_likely():
    keys = jax.random.split(jax.random.key(2), 24_000)
    orders = np.asarray(jax.vmap(lambda key: shuffled(key, 5, 4))(keys))[:, :4]
    _, counts = np.unique(orders, axis=0, return_counts=True)
    assert len(counts) == 24
    # Chi-squared with 23 degrees of freedom exceeds 49.7 once in a thousand.
    assert np.sum((counts - 1000) ** 2 / 1000) < 49.7


def test_the_number_used_may_be_traced():
    key = jax.random.key(3)
    traced = jax.jit(lambda used: shuffled(key, 300, used))
    assert jnp.array_equal(traced(100), shuffled(key, 300, 100))
    assert jnp.array_equal(traced(300), shuffled(key, 300))
