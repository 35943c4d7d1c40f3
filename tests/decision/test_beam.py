"""Beam search, against all paths."""

from __future__ import annotations

from itertools import combinations, product

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mlj.decision.autoregressive import emitted_sets, follow, greedy, label_steps
from mlj.decision.beam import Beam, beam_search, best_set, equal_sets_joined, set_log_prob

CASES, CHOICES, LENGTH = 12, 3, 4
LABELS = 3
WEIGHTS = jax.random.normal(jax.random.key(0), (5, 5)) * 2
EMBEDDING = jax.random.normal(jax.random.key(1), (8, 5))


def remembering(choices):
    """Return a step whose scores depend on every earlier choice; the state makes the case."""

    def step(state, last):
        state = jnp.tanh(state + EMBEDDING[last])
        return (state @ WEIGHTS)[:choices], state

    return step


STATES = jax.random.normal(jax.random.key(2), (CASES, 5))


@pytest.fixture(scope="module")
def every_path():
    choices = jnp.array(list(product(range(CHOICES), repeat=LENGTH)))
    one = jax.vmap(lambda state, path: follow(remembering(CHOICES), state, path).log_prob, (None, 0))
    return choices, jax.jit(jax.vmap(one, (0, None)))(STATES, choices)


def search(width):
    return jax.jit(
        jax.vmap(lambda state: beam_search(remembering(CHOICES), state, width=width, length=LENGTH))
    )(STATES)


def test_a_beam_as_wide_as_all_beginnings_lists_the_best_paths_exactly(every_path):
    choices, log_probs = every_path
    beam = search(CHOICES ** (LENGTH - 1))
    best = jax.lax.top_k(log_probs, CHOICES ** (LENGTH - 1))
    np.testing.assert_allclose(beam.log_prob, best[0], rtol=1e-5)
    np.testing.assert_array_equal(beam.choices[:, 0], choices[best[1][:, 0]])
    assert all(len({tuple(path) for path in case}) == beam.choices.shape[1] for case in beam.choices.tolist())


def test_a_beam_of_one_is_greedy_and_a_wider_one_is_never_worse_here(every_path):
    _, log_probs = every_path
    one, three = search(1), search(3)
    path = jax.vmap(lambda state: greedy(remembering(CHOICES), state, length=LENGTH))(STATES)
    np.testing.assert_array_equal(one.choices[:, 0], path.choices)
    np.testing.assert_allclose(one.log_prob[:, 0], path.log_prob, rtol=1e-5)
    assert jnp.all(three.log_prob[:, 0] >= one.log_prob[:, 0] - 1e-6)
    assert jnp.any(three.log_prob[:, 0] > one.log_prob[:, 0] + 1e-3)
    assert jnp.all(three.log_prob[:, 0] <= jnp.max(log_probs, axis=1) + 1e-5)


def test_a_beam_refuses_no_width():
    with pytest.raises(ValueError, match="width must be at least 1, got 0"):
        beam_search(remembering(2), STATES[0], width=0, length=2)


def sequence_steps(state):
    return label_steps(remembering(LABELS + 1), state, num_labels=LABELS, length=LABELS + 1)


@pytest.fixture(scope="module")
def label_beams():
    """Return beams that hold all 16 label sequences and room for more."""

    def decode(state):
        return beam_search(*sequence_steps(state), width=20, length=LABELS + 1, start=LABELS)

    return jax.jit(jax.vmap(decode))(STATES)


def test_a_wide_beam_of_label_sequences_holds_each_once_and_probabilities_that_sum_to_one(label_beams):
    kept = np.isfinite(label_beams.log_prob)
    assert np.all(kept.sum(axis=1) == 16)
    np.testing.assert_allclose(jnp.exp(label_beams.log_prob).sum(axis=1), 1, rtol=1e-5)
    for case, alive in zip(np.asarray(label_beams.choices), kept):
        assert len({tuple(row) for row in case[alive].tolist()}) == 16
        for row in case[alive]:
            labels = row[row < LABELS]
            assert len(set(labels)) == len(labels)
            assert np.all(row[len(labels) :] == LABELS)


def test_the_probability_of_a_set_is_the_sum_over_its_orders_and_all_sets_sum_to_one(label_beams):
    sets = emitted_sets(label_beams.choices, LABELS)
    joined = np.asarray(jax.jit(jax.vmap(equal_sets_joined))(sets, label_beams.log_prob))
    sets = np.asarray(sets)
    step, size = remembering(LABELS + 1), {"num_labels": LABELS, "length": LABELS + 1}
    exact = jax.jit(jax.vmap(jax.vmap(lambda s, m: set_log_prob(step, s, m, **size), (None, 0)), (0, None)))
    total = 0.0
    for number in range(LABELS + 1):
        members = np.array(list(combinations(range(LABELS), number)), np.int32)
        found = np.asarray(exact(STATES, members))
        total += np.exp(found).sum(axis=1)
        for column, its in enumerate(members):
            place = np.argmax(np.all(sets == np.isin(np.arange(LABELS), its), axis=-1), axis=-1)
            wanted = joined[np.arange(CASES), place]
            np.testing.assert_allclose(found[:, column], wanted, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(total, 1, rtol=1e-5)


def test_a_set_that_cannot_be_emitted_has_no_probability_and_a_large_one_is_refused():
    step = remembering(LABELS + 1)
    assert set_log_prob(step, STATES[0], jnp.arange(2), num_labels=LABELS, length=2) == -jnp.inf
    assert set_log_prob(step, STATES[0], jnp.array([1, 1]), num_labels=LABELS, length=4) == -jnp.inf
    with pytest.raises(ValueError, match="8 labels has more than 5040 orders"):
        set_log_prob(step, STATES[0], jnp.arange(8), num_labels=8, length=9)


def test_the_best_set_joins_its_orders_and_length_normalisation_favours_longer_ones():
    choices = jnp.array([[2, 3, 3], [0, 1, 3], [1, 0, 3], [3, 3, 3]])
    log_prob = jnp.log(jnp.array([0.35, 0.3, 0.25, 0.1]))
    best = jax.jit(lambda log_prob, power: best_set(Beam(choices, log_prob), 3, length_power=power))
    assert best(log_prob, 0.0).tolist() == [True, True, False]
    alone = log_prob.at[2:].set(-jnp.inf)
    assert best(alone, 0.0).tolist() == [False, False, True]
    assert best(alone, 1.0).tolist() == [True, True, False]
