"""Inference for coupled labels against sums and maxima over all labelsets."""

from __future__ import annotations

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mlj.decision.mean_field import ising_log_odds, iterated_modes, labelset_scores, mean_field_log_odds

L, ROWS = 8, 64


@pytest.fixture(scope="module")
def fields():
    return 2 * jax.random.normal(jax.random.key(0), (ROWS, L))


def couplings_of(strength: float):
    return strength * jax.random.normal(jax.random.key(1), (L, L))


def all_labelsets() -> np.ndarray:
    return (np.arange(2**L)[:, None] >> np.arange(L)[None]) % 2 == 1


def all_scores(fields, couplings) -> np.ndarray:
    """The score of every labelset ``[N, 2^L]`` in float64, from the definition."""
    s, w = np.asarray(fields, np.float64), np.triu(np.asarray(couplings, np.float64), 1)
    sets = all_labelsets().astype(float)
    return s @ sets.T + np.einsum("ni,ij,nj->n", sets, w, sets)[None]


def test_the_score_of_a_labelset_is_its_fields_and_its_pairs(fields):
    w = couplings_of(1.0)
    sets = jnp.asarray(all_labelsets()[37:101])
    wanted = all_scores(fields, w)[np.arange(ROWS), np.arange(37, 101)]
    found = labelset_scores(fields, sets, couplings=w)
    chex.assert_trees_all_close(found, wanted.astype(np.float32), rtol=1e-5, atol=1e-5)


def test_exact_log_odds_equal_sums_over_all_labelsets(fields):
    w = couplings_of(1.5)
    scores, sets = all_scores(fields, w), all_labelsets()
    probs = np.exp(scores - scores.max(axis=1, keepdims=True))
    wanted = np.log(probs @ sets) - np.log(probs @ ~sets)
    found = ising_log_odds(fields, couplings=w)
    chex.assert_trees_all_close(found, wanted.astype(np.float32), rtol=1e-4, atol=1e-4)


def test_exact_log_odds_stay_finite_where_a_probability_would_round_to_zero():
    found = ising_log_odds(jnp.array([[300.0, -300.0]]), couplings=jnp.array([[0.0, 5.0], [0.0, 0.0]]))
    chex.assert_trees_all_close(found, jnp.array([[300.0, -295.0]]), rtol=1e-6)


def test_mean_field_is_exact_without_couplings(fields):
    found = mean_field_log_odds(fields, couplings=jnp.zeros((L, L)))
    chex.assert_trees_all_close(found, fields, rtol=1e-6)


def test_mean_field_is_close_to_exact_for_weak_couplings_and_closer_than_ignoring_them(fields):
    w = couplings_of(0.3)
    exact = jax.nn.sigmoid(ising_log_odds(fields, couplings=w))
    error = jnp.abs(jax.nn.sigmoid(mean_field_log_odds(fields, couplings=w)) - exact)
    ignored = jnp.abs(jax.nn.sigmoid(fields) - exact)
    assert float(error.max()) < 0.02
    assert float(error.mean()) < float(ignored.mean()) / 10


def test_mean_field_ends_at_a_fixed_point(fields):
    w = couplings_of(0.3)
    h = mean_field_log_odds(fields, couplings=w)
    upper = jnp.triu(w, 1)
    again = fields + jax.nn.sigmoid(h) @ (upper + upper.T)
    chex.assert_trees_all_close(h, again, atol=1e-4)


def test_damping_settles_two_labels_that_exclude_each_other():
    fields, w = jnp.array([4.0, 4.0]), jnp.array([[0.0, -12.0], [0.0, 0.0]])
    wild = mean_field_log_odds(fields, couplings=w, damping=0.0)
    wilder = mean_field_log_odds(fields, couplings=w, damping=0.0, rounds=31)
    assert float(jnp.abs(wild - wilder).max()) > 5
    calm = mean_field_log_odds(fields, couplings=w, damping=0.8, rounds=60)
    calmer = mean_field_log_odds(fields, couplings=w, damping=0.8, rounds=61)
    chex.assert_trees_all_close(calm, calmer, atol=1e-3)


def test_iterated_modes_never_score_above_the_exact_mode_nor_below_a_start(fields):
    w = couplings_of(2.0)
    exact = jnp.asarray(all_scores(fields, w).max(axis=1), jnp.float32)
    found = labelset_scores(fields, iterated_modes(fields, couplings=w), couplings=w)
    assert jnp.all(found <= exact + 1e-4)
    for start in (fields > 0, jnp.zeros(fields.shape, bool), jnp.ones(fields.shape, bool)):
        assert jnp.all(found >= labelset_scores(fields, start, couplings=w) - 1e-4)
    assert float(jnp.mean(found >= exact - 1e-4)) > 0.9


def test_no_single_label_can_better_an_iterated_mode(fields):
    w = couplings_of(2.0)
    mode = iterated_modes(fields, couplings=w)
    score = labelset_scores(fields, mode, couplings=w)
    for j in range(L):
        flipped = mode.at[:, j].set(~mode[:, j])
        assert jnp.all(labelset_scores(fields, flipped, couplings=w) <= score + 1e-4)


def test_iterated_modes_are_exact_for_weak_couplings(fields):
    w = couplings_of(0.3)
    exact = all_labelsets()[all_scores(fields, w).argmax(axis=1)]
    np.testing.assert_array_equal(iterated_modes(fields, couplings=w), exact)


def test_several_starts_find_a_pair_that_neither_label_would_join_alone():
    fields = jnp.full((ROWS, L), -9.0).at[:, :2].set(-2.0)
    w = jnp.zeros((L, L)).at[0, 1].set(5.0)
    assert iterated_modes(fields, couplings=w)[0].tolist() == [True, True] + [False] * (L - 2)


@pytest.mark.parametrize("decide", [ising_log_odds, mean_field_log_odds, iterated_modes])
def test_couplings_that_do_not_fit_are_refused(decide):
    with pytest.raises(ValueError, match=r"couplings must be \[3, 3\]"):
        decide(jnp.zeros((2, 3)), couplings=jnp.zeros((2, 2)))
    with pytest.raises(TypeError, match="couplings must be floating-point"):
        decide(jnp.zeros((2, 3)), couplings=jnp.zeros((3, 3), int))


def test_exact_log_odds_refuse_more_labelsets_than_can_be_held():
    with pytest.raises(ValueError, match="at most 16 labels"):
        ising_log_odds(jnp.zeros((1, 17)), couplings=jnp.zeros((17, 17)))
