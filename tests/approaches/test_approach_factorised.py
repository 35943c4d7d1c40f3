"""Factorised models: their labelset probabilities, their decisions, and that they learn."""

from __future__ import annotations

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
from flax import nnx

from mlj.approaches.approach import Task
from mlj.approaches.factorised import COUNT_HEADS, FACTORISED
from mlj.decision.count_distributions import (
    log_expected_count,
    negative_binomial_log_probs,
    poisson_log_probs,
    sized_set_log_prob,
)
from mlj.models import Trunk
from mlj.training import Batch

LABELS, CASES = 4, 40
EVERY = jnp.asarray((np.arange(2**LABELS)[:, None] >> np.arange(LABELS)) % 2)


def trunk(rngs: nnx.Rngs) -> Trunk:
    return Trunk(6, hidden=(16,), dropout=0.0, input_dropout=0.0, rngs=rngs)


SLOW = ("softplus", "poisson", "binomial", "_categorical", "product_mse")
"""Ends of the names of approaches that only the slow tests train; others are built alike."""
TASK = Task(LABELS, 16, LABELS, False, trunk, None)


def data(rows: int = 64) -> Batch:
    features = jax.random.normal(jax.random.key(0), (rows, 6))
    return Batch(features, (features[:, :LABELS] > 0.3).astype(jnp.float32))


@jax.jit
def of_every_labelset(logits, count_log_probs):
    """Return the log-probabilities ``[N, 2^L]`` of all labelsets."""
    return jax.vmap(lambda y: sized_set_log_prob(logits, y, count_log_probs=count_log_probs), out_axes=1)(
        jnp.broadcast_to(EVERY[:, None], (len(EVERY), *logits.shape))
    )


@pytest.mark.parametrize(("head", "units"), [("poisson", 1), ("negative_binomial", 2), ("categorical", 4)])
def test_the_probabilities_of_all_labelsets_sum_to_one(head, units):
    keys, largest = jax.random.split(jax.random.key(3)), 3
    logits = 3 * jax.random.normal(keys[0], (CASES, LABELS))
    log_probs = COUNT_HEADS[head].log_probs(jax.random.normal(keys[1], (CASES, units)), largest)
    probs = np.exp(of_every_labelset(logits, log_probs))
    np.testing.assert_allclose(probs.sum(axis=1), 1, rtol=1e-5)
    sizes = np.asarray(EVERY).sum(axis=1)
    for k in range(largest + 1):
        np.testing.assert_allclose(probs[:, sizes == k].sum(axis=1), np.exp(log_probs[:, k]), rtol=1e-5)
    assert probs[:, sizes > largest].sum() == 0


def test_a_draw_without_repetition_has_the_probability_of_its_labelset():
    s = np.array([0.3, -1.0, 0.8, 0.0])
    p = np.exp(s) / np.exp(s).sum()
    draws = {(i, j): p[i] * p[j] for i in range(LABELS) for j in range(LABELS) if i != j}
    wanted = (draws[0, 2] + draws[2, 0]) / sum(draws.values())
    logits = jnp.asarray(np.tile(s, (CASES, 1)), jnp.float32)
    two = jnp.asarray(np.tile([-np.inf, -np.inf, 0, -np.inf], (CASES, 1)), jnp.float32)
    found = np.exp(of_every_labelset(logits, two))[0, 0b0101]
    np.testing.assert_allclose(found, wanted, rtol=1e-5)


def test_counts_have_the_probabilities_that_scipy_gives_them():
    counts = np.arange(8)
    poisson = scipy.stats.poisson.pmf(counts, 2.5)
    found = jnp.exp(poisson_log_probs(jnp.log(2.5), 7))
    chex.assert_trees_all_close(found, jnp.asarray(poisson / poisson.sum(), jnp.float32), rtol=1e-5)
    # With the mean m and the size r the chance of success is r / (r + m).
    spread = scipy.stats.nbinom.pmf(counts, 1.5, 1.5 / (1.5 + 2.5))
    found = jnp.exp(negative_binomial_log_probs(jnp.log(2.5), jnp.log(1.5), 7))
    chex.assert_trees_all_close(found, jnp.asarray(spread / spread.sum(), jnp.float32), rtol=1e-5)


def test_the_expected_count_stays_finite_when_none_is_almost_certain():
    found = log_expected_count(jnp.array([[200.0, 0.0, 0.0], [0.0, 0.0, 0.0]]))
    chex.assert_trees_all_close(found, jnp.array([jnp.log(3.0) - 200, 0.0]), atol=1e-4)


def test_counts_of_other_samples_and_too_large_counts_are_refused():
    with pytest.raises(ValueError, match=r"count_log_probs must be \[2, 4\], got \[3, 4\]"):
        sized_set_log_prob(jnp.zeros((2, 3)), jnp.zeros((2, 3)), count_log_probs=jnp.zeros((3, 4)))
    with pytest.raises(ValueError, match="go to 4 labels, but there are 3"):
        sized_set_log_prob(jnp.zeros(3), jnp.zeros(3), count_log_probs=jnp.zeros(5))
    with pytest.raises(ValueError, match=r"log_dispersion must be \[2\], got \[\]"):
        negative_binomial_log_probs(jnp.zeros(2), jnp.zeros(()), 3)


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.slow if name.endswith(SLOW) else ()) for name in FACTORISED],
)
def test_an_approach_starts_at_the_priors_and_descends(name):
    approach, batch = FACTORISED[name](TASK), data()
    options = approach.options(np.asarray(batch.labels), None)
    first = approach.init(jax.random.key(0), options)

    @jax.jit
    def learn(params):
        def one(params, _):
            cost, slopes = jax.value_and_grad(approach.objective)(params, batch, None, options)
            return jax.tree.map(lambda p, g: p - 0.05 * g, params, slopes), cost

        return jax.lax.scan(one, params, None, length=60)

    last, costs = learn(first)
    fresh, taught = (approach.predict(params, batch.features, options) for params in (first, last))
    chex.assert_tree_all_finite((fresh, taught))
    scores, log_count = approach.scores(fresh)
    prior, cardinality = batch.labels.mean(axis=0), batch.labels.sum(axis=1).mean()
    assert abs(float(jnp.exp(log_count).mean() / cardinality) - 1) < 0.15
    chex.assert_trees_all_close(jnp.exp(scores).mean(axis=0), prior, atol=0.12)
    assert float(costs[-1]) < float(costs[0]) - 0.02
    before, after = (
        scores[batch.labels > 0].mean() - scores[batch.labels == 0].mean()
        for scores in (scores, approach.scores(taught)[0])
    )
    assert float(after) > float(before) + 0.02


def test_an_unobserved_label_counts_nowhere_in_the_objective():
    approach, batch = FACTORISED["factorised_negative_binomial"](TASK), data()
    options = approach.options(np.asarray(batch.labels), None)
    params = approach.init(jax.random.key(0), options)
    where = jnp.ones(batch.labels.shape, bool).at[:, 1].set(False)
    cost = jax.jit(lambda y: approach.objective(params, Batch(batch.features, y, where), None, options))
    flipped = [batch.labels.at[:, j].set(1 - batch.labels[:, j]) for j in (1, 2)]
    truth, unseen, seen = map(cost, (batch.labels, *flipped))
    assert float(truth) == float(unseen)
    assert float(truth) != float(seen)


def test_rows_without_any_label_still_leave_a_count_to_decide_by():
    approach, batch = FACTORISED["factorised_categorical"](TASK._replace(largest_labelset=0)), data(4)
    options = approach.options(np.zeros((4, LABELS)), None)
    params = approach.init(jax.random.key(0), options)
    assert not approach.decoders["count_mode"].decide(params, batch.features, options).any()


def test_a_count_with_a_distribution_is_decided_by_its_most_probable_number():
    counted = {"poisson", "negative_binomial", "categorical", "dirichlet_multinomial"}
    assert {name for name in FACTORISED if FACTORISED[name](TASK).decoders} == {
        f"factorised_{name}" for name in counted
    }
    approach, batch = FACTORISED["factorised_categorical"](TASK), data()
    options = approach.options(np.asarray(batch.labels), None)
    params = approach.init(jax.random.key(0), options)
    params["head"]["bias"] = params["head"]["bias"].at[LABELS + 3].add(20.0)
    sets = approach.decoders["count_mode"].decide(params, batch.features, options)
    scores, log_count = approach.scores(approach.predict(params, batch.features, options))
    assert bool(jnp.all(sets.sum(axis=1) == 3))
    chex.assert_trees_all_close(jnp.exp(log_count), jnp.full(64, 3.0), rtol=1e-3)
    worst_taken = jnp.where(sets, scores, jnp.inf).min(axis=1)
    assert bool(jnp.all(worst_taken >= jnp.where(sets, -jnp.inf, scores).max(axis=1)))
