"""Decoding one choice after the other, against all paths listed one by one."""

from __future__ import annotations

from functools import partial
from itertools import permutations, product

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mlj.decision.autoregressive import (
    Path,
    emission_log_odds,
    emitted_sets,
    follow,
    greedy,
    label_steps,
    sample,
    sample_paths,
)
from mlj.decision.chains import (
    check_order,
    in_label_order,
    marginal_log_odds,
)
from mlj.decision.labelsets import all_labelsets

CHOICES, LENGTH = 3, 4
LABELS = 3


def remembering(choices, seed):
    """Return a model whose scores depend on every earlier choice, and its state."""
    embedding = jax.random.normal(jax.random.key(seed), (choices + 1, 5)) * 2
    weights = jax.random.normal(jax.random.key(seed + 1), (5, choices)) * 2

    def step(state, last):
        state = jnp.tanh(state + embedding[last])
        return state @ weights, state

    def in_float64(state, last):
        state = np.tanh(state + np.asarray(embedding, np.float64)[last])
        scores = state @ np.asarray(weights, np.float64)
        return scores - np.log(np.sum(np.exp(scores))), state

    return step, jnp.linspace(-1, 1, 5), in_float64


def every_log_prob(step, state, length, choices):
    """Return the log-probability of every path, one after the other in float64."""
    found = {}
    for path in product(range(choices), repeat=length):
        now, last, total = np.asarray(state, np.float64), 0, 0.0
        for choice in path:
            log_probs, now = step(now, last)
            total, last = total + log_probs[choice], choice
        found[path] = total
    return found


@pytest.fixture(scope="module")
def tree():
    _, state, in_float64 = remembering(CHOICES, 0)
    return every_log_prob(in_float64, state, LENGTH, CHOICES)


@pytest.fixture(scope="module")
def sequences():
    """Return the distribution over label sequences, by the decoder's own steps."""
    step, state, _ = remembering(LABELS + 1, 3)
    step, state = label_steps(step, state, num_labels=LABELS, length=LABELS + 1)
    choices = jnp.array(list(product(range(LABELS + 1), repeat=LABELS + 1)))
    paths = jax.jit(jax.vmap(lambda one: follow(step, state, one, start=LABELS)))(choices)
    return choices, paths.log_prob


def test_a_followed_path_has_the_product_of_its_steps_probabilities(tree):
    step, state, _ = remembering(CHOICES, 0)
    choices = jnp.array(list(tree))
    paths = jax.vmap(lambda one: follow(step, state, one))(choices)
    np.testing.assert_allclose(paths.log_prob, list(tree.values()), rtol=1e-5)
    np.testing.assert_array_equal(paths.choices, choices)
    assert jnp.sum(jnp.exp(paths.log_prob)) == pytest.approx(1, abs=1e-5)


def test_greedy_takes_the_best_choice_of_every_step_and_not_the_best_path(tree):
    step, state, _ = remembering(CHOICES, 0)
    path = jax.jit(lambda: greedy(step, state, length=LENGTH))()
    np.testing.assert_array_equal(path.choices, jnp.argmax(path.log_probs, axis=-1))
    assert path.log_prob == pytest.approx(tree[tuple(path.choices.tolist())], rel=1e-5)
    deceptive = jnp.log(jnp.array([[[0.4, 0.6]] * 2, [[1.0, 0.0], [0.5, 0.5]]]))

    def trap(place, last):
        return deceptive[place, last], place + 1

    assert greedy(trap, 0, length=2).log_prob == pytest.approx(np.log(0.3))


def test_sampled_paths_come_as_often_as_they_are_probable(tree):
    step, state, _ = remembering(CHOICES, 0)
    number = 20_000
    keys = jax.random.split(jax.random.key(1), number)
    paths = jax.jit(jax.vmap(lambda key: sample(step, state, key, length=LENGTH)))(keys)
    seen = dict.fromkeys(tree, 0)
    for path in paths.choices.tolist():
        seen[tuple(path)] += 1
    probs = np.exp(list(tree.values()))
    error = np.abs(np.array(list(seen.values())) - number * probs)
    assert np.all(error < 5 * np.sqrt(number * probs) + 5)


def test_paths_drawn_together_come_as_often_as_they_are_probable_and_more_evenly(tree):
    step, state, _ = remembering(CHOICES, 0)
    draw = jax.jit(lambda key: sample_paths(step, state, key, number=200, length=LENGTH).choices)
    probs = np.exp(list(tree.values())).reshape([CHOICES] * LENGTH)
    choices = np.concatenate([draw(key) for key in jax.random.split(jax.random.key(5), 40)])
    seen = np.zeros_like(probs)
    np.add.at(seen, tuple(choices.T), 1)
    assert np.all(np.abs(seen - 8000 * probs) < 5 * np.sqrt(8000 * probs) + 5)
    first = np.bincount(np.asarray(draw(jax.random.key(9)))[:, 0], minlength=CHOICES)
    assert np.all(np.abs(first - 200 * probs.sum(axis=(1, 2, 3))) <= 2)


def test_a_choice_of_probability_zero_is_never_drawn():
    def step(state, last):
        return jnp.array([-jnp.inf, 0.0, -jnp.inf, 0.0, -jnp.inf]), state

    keys = jax.random.split(jax.random.key(0), 500)
    drawn = jax.vmap(lambda key: sample(step, (), key, length=4))(keys).choices
    assert set(np.unique(drawn)) == {1, 3}


def test_the_probabilities_of_all_label_sequences_sum_to_one(sequences):
    _, log_probs = sequences
    assert jnp.sum(jnp.exp(log_probs)) == pytest.approx(1, abs=1e-6)


def test_only_sequences_without_repeats_that_end_and_stay_ended_are_possible(sequences):
    choices, log_probs = sequences
    possible = {tuple(row) for row in np.asarray(choices)[np.isfinite(log_probs)].tolist()}
    wanted = {
        (*members, *[LABELS] * (LABELS + 1 - size))
        for size in range(LABELS + 1)
        for members in permutations(range(LABELS), size)
    }
    assert possible == wanted


def test_the_last_step_closes_a_sequence_that_has_no_room_left():
    def eager(state, last):
        return jnp.array([5.0, 4.0, 3.0, 2.0, -50.0]), state

    step, state = label_steps(eager, (), num_labels=4, length=3)
    path = greedy(step, state, length=3, start=4)
    assert path.choices.tolist() == [0, 1, 4]
    assert path.log_probs[2].tolist() == [-jnp.inf] * 4 + [0]


def test_a_greedy_sequence_never_repeats_a_label_under_vmap_and_jit():
    step, _, _ = remembering(7, 5)
    states = jax.random.normal(jax.random.key(2), (50, 5))

    def decode(state):
        steps, state = label_steps(step, state, num_labels=6, length=5)
        return greedy(steps, state, length=5, start=6).choices

    choices = np.asarray(jax.jit(jax.vmap(decode))(states))
    for row in choices:
        labels = row[row < 6]
        assert len(set(labels)) == len(labels)
        assert np.all(row[len(labels) :] == 6)
        assert row[-1] == 6


def test_stopping_when_all_have_ended_changes_nothing_but_the_number_of_steps():
    model, _, _ = remembering(LABELS + 1, 3)
    steps_taken = []

    def step(state, last):
        jax.debug.callback(lambda last: steps_taken.append(int(last)), last)
        return model(state, last)

    def decode(end, state):
        steps, state = label_steps(step, state, num_labels=LABELS, length=9)
        how = {"length": 9, "start": LABELS, "end": end}
        return sample_paths(steps, state, jax.random.key(1), number=5, **how), greedy(steps, state, **how)

    states = jax.random.normal(jax.random.key(2), (20, 5))
    taken = []
    for end in (None, LABELS):
        found = jax.jit(jax.vmap(partial(decode, end)))(states)
        jax.effects_barrier()
        taken.append((found, len(steps_taken)))
        steps_taken.clear()
    jax.tree.map(np.testing.assert_array_equal, taken[0][0], taken[1][0])
    longest = [1 + np.max(np.sum(path.choices != LABELS, axis=-1)) for path in taken[1][0]]
    # Every sample takes the steps of the longest path, and is asked for each of its five sampled ones.
    assert taken[1][1] == 20 * (5 * longest[0] + longest[1]) < taken[0][1] == 20 * 6 * 9


def test_marginals_of_sampled_sequences_are_exact_where_the_prefix_changes_nothing_but_what_is_left():
    logits = jnp.log(jnp.array([0.3, 0.7]))

    def one_label(state, last):
        return logits, state

    step, state = label_steps(one_label, (), num_labels=1, length=2)
    paths = jax.vmap(lambda choices: follow(step, state, choices, start=1))(jnp.array([[0, 1], [1, 1]]))
    assert emission_log_odds(paths, 1)[0] == pytest.approx(np.log(0.3 / 0.7), rel=1e-5)


def test_marginals_of_sampled_sequences_stay_finite_and_near_the_truth(sequences):
    choices, log_probs = sequences
    truth = jnp.exp(log_probs) @ emitted_sets(choices, LABELS).astype(jnp.float32)
    step, state, _ = remembering(LABELS + 1, 3)
    step, state = label_steps(step, state, num_labels=LABELS, length=LABELS + 1)
    keys = jax.random.split(jax.random.key(0), 2000)
    draw = jax.vmap(lambda key: sample(step, state, key, length=LABELS + 1, start=LABELS))
    marginals = jax.jit(lambda: jax.nn.sigmoid(emission_log_odds(draw(keys), LABELS)))()
    np.testing.assert_array_equal(jnp.argsort(marginals), jnp.argsort(truth))
    assert jnp.max(jnp.abs(marginals - truth)) < 0.03
    certain = Path(jnp.zeros((1, 1), int), jnp.array([[[0.0, -jnp.inf]]]))
    assert jnp.isfinite(emission_log_odds(certain, 1)).all()


def test_marginals_of_a_sampled_chain_average_conditional_probabilities_in_label_order():
    probs = jnp.array([[[[0.2, 0.8], [0.4, 0.6]]], [[[0.9, 0.1], [0.4, 0.6]]]])
    paths = Path(jnp.zeros((2, 1, 2), int), jnp.log(probs))
    marginals = jax.nn.sigmoid(marginal_log_odds(paths, jnp.array([[1, 0], [0, 1]])))
    np.testing.assert_allclose(marginals, [0.35, 0.7], rtol=1e-6)
    assert in_label_order(jnp.array([7, 8, 9]), jnp.array([2, 0, 1])).tolist() == [8, 9, 7]


def test_too_many_labels_for_a_list_of_all_labelsets_are_refused():
    with pytest.raises(ValueError, match="at most 16 labels"):
        all_labelsets(17)


@pytest.mark.parametrize(
    ("order", "message"),
    [
        ([0, 1, 1, 3], "label 1 stands at places 1 and 2"),
        ([0, 1, 4, 3], "unknown label 4 at place 2"),
        ([0, -1, 2, 3], "unknown label -1 at place 1"),
        ([0, 1, 2], r"must be \[4\], got \[3\]"),
    ],
)
def test_a_chain_order_that_is_no_permutation_is_refused_by_its_label_and_place(order, message):
    with pytest.raises(ValueError, match=message):
        check_order(order, 4)
    with pytest.raises(TypeError, match="must be integers"):
        check_order([0.0, 1.0, 2.0, 3.0], 4)
    assert check_order([3, 1, 0, 2], 4).tolist() == [3, 1, 0, 2]
