"""Approaches with structured outputs learn what independent labels cannot, and say what they cannot take."""

from __future__ import annotations

from functools import cache, partial

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from mlj.approaches.approach import Task
from mlj.approaches.conditional_bernoulli import make_conditional_bernoulli_size
from mlj.approaches.ising import make_ising_exact, make_ising_pseudo
from mlj.approaches.label_correlation import make_label_correlation
from mlj.approaches.label_graph import co_occurrences, draw_known, make_label_graph
from mlj.models import MLP, Trunk, as_function
from mlj.models.label_graph import LabelGraph
from mlj.training import Batch

MAKERS = {
    "conditional_bernoulli_size": make_conditional_bernoulli_size,
    "ising_exact": make_ising_exact,
    "ising_pseudo": make_ising_pseudo,
    "label_correlation": make_label_correlation,
    "label_graph": lambda task: make_label_graph(task, width=8),
}
N, D, L = 128, 2, 3


quick_jit = partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})


def task_of(num_labels: int = L, *, missing: bool = False) -> Task:
    return Task(
        num_labels=num_labels,
        num_labelsets=4,
        largest_labelset=2,
        missing=missing,
        make_trunk=lambda rngs: Trunk(D, hidden=(8,), dropout=0.0, input_dropout=0.0, rngs=rngs),
        make_model=lambda size, bias, rngs: MLP(D, size, hidden=(8,), output_bias=bias, rngs=rngs),
    )


@cache
def rows() -> Batch:
    """Exactly one of the first two labels is present, and nothing tells which; the third is seen."""
    features, coin = (
        jax.random.normal(jax.random.key(0), (N, D)),
        jax.random.bernoulli(jax.random.key(1), shape=N),
    )
    return Batch(features, jnp.stack([coin, ~coin, features[:, 0] > 0], axis=1).astype(jnp.float32))


@cache
def trained(name: str):
    """Return the approach, its options and parameters after 200 steps."""
    approach, data = MAKERS[name](task_of()), rows()
    options = {
        key: jnp.asarray(value) for key, value in approach.options(np.asarray(data.labels), None).items()
    }
    optimizer = optax.adam(0.03)

    @quick_jit
    def train():
        def step(state, key):
            slope = jax.grad(approach.objective)(state[0], data, key, options)
            updates, moments = optimizer.update(slope, state[1])
            return (optax.apply_updates(state[0], updates), moments), None

        params = approach.init(jax.random.key(2), options)
        keys = jax.random.split(jax.random.key(3), 200)
        return jax.lax.scan(step, (params, optimizer.init(params)), keys)[0][0]

    return approach, options, train()


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.slow if name == "label_graph" else ()) for name in MAKERS],
)
def test_scores_are_log_odds_of_marginals(name):
    approach, options, params = trained(name)
    scores, log_count = quick_jit(lambda p: approach.scores(approach.predict(p, rows().features, options)))(
        params
    )
    assert scores.shape == (N, L)
    seen = (scores[:, 2] > 0) == (rows().labels[:, 2] > 0.5)
    assert float(seen.mean()) > 0.95
    # Nothing tells which of the two it is, and mean field of a coupled pair may settle on one of them.
    if name != "ising_pseudo":
        assert float(jnp.abs(jax.nn.sigmoid(scores[:, :2]).mean() - 0.5)) < 0.05
    if log_count is not None:
        assert abs(float(jnp.exp(log_count).mean() - rows().labels.sum(axis=1).mean())) < 0.05


DECODERS = [
    ("conditional_bernoulli_size", "mode"),
    ("conditional_bernoulli_size", "count_mode"),
    ("ising_exact", "mode"),
    ("ising_pseudo", "climbed_mode"),
    pytest.param("label_graph", "settled", marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("name", "decoder"), DECODERS)
def test_a_joint_decision_takes_exactly_one_of_two_labels_that_exclude_each_other(name, decoder):
    approach, options, params = trained(name)
    found = quick_jit(approach.decoders[decoder].decide)(params, rows().features, options)
    assert found.dtype == bool
    assert float(jnp.mean(found[:, :2].sum(axis=1) == 1)) > 0.95
    assert float(jnp.mean(found[:, 2] == (rows().labels[:, 2] > 0.5))) > 0.95


@cache
def label_graph():
    model = nnx.eval_shape(
        lambda: LabelGraph(task_of().make_trunk(nnx.Rngs(0)), L, width=8, rngs=nnx.Rngs(0))
    )
    return quick_jit(partial(as_function(model)[0], method=LabelGraph.given))


@pytest.mark.slow
def test_a_label_graph_is_trained_on_the_labels_that_it_was_not_told():
    approach, options, params = trained("label_graph")
    key_known, key_dropout = jax.random.split(jax.random.key(7))
    known = draw_known(key_known, rows().labels, None)
    logits = np.asarray(label_graph()(params, *rows()[:2], known, key=key_dropout), float)
    costs = np.logaddexp(0, np.where(rows().labels > 0.5, -logits, logits)) * ~np.asarray(known)
    unknown = np.asarray((~known).sum(axis=1))
    wanted = np.mean(costs.sum(axis=1) / np.maximum(unknown, 1))
    found = quick_jit(approach.objective)(params, rows(), jax.random.key(7), options)
    assert abs(float(found) - wanted) < 1e-4


@pytest.mark.slow
def test_a_label_graph_that_is_told_one_label_knows_the_one_that_it_excludes():
    _, _, params = trained("label_graph")
    known = jnp.zeros((N, L), bool).at[:, 0].set(True)
    given = label_graph()(params, *rows()[:2], known)
    right = (given[:, 1] > 0) == (rows().labels[:, 1] > 0.5)
    assert float(right.mean()) > 0.99
    assert float(jnp.abs(given[:, 1]).min()) > 1


@pytest.mark.parametrize("name", ["ising_exact", "ising_pseudo", "label_correlation", "label_graph"])
def test_what_stands_at_a_missing_label_makes_no_difference(name):
    approach, options, params = trained(name)
    where = jax.random.bernoulli(jax.random.key(5), 0.6, (N, L))
    labels = rows().labels
    objective = quick_jit(
        lambda labels: approach.objective(
            params, Batch(rows().features, labels, where), jax.random.key(6), options
        )
    )
    chex.assert_trees_all_equal(objective(labels), objective(jnp.where(where, labels, 1 - labels)))
    assert float(jnp.abs(objective(labels) - objective(1 - labels))) > 0.01


def test_a_size_that_is_not_known_is_refused():
    with pytest.raises(ValueError, match="conditional_bernoulli_size: labels are missing"):
        make_conditional_bernoulli_size(task_of(missing=True))


def test_labelsets_too_many_to_enumerate_are_refused():
    with pytest.raises(ValueError, match=r"ising_exact: .* at most 12 labels, got 13 labels"):
        make_ising_exact(task_of(13))


def test_training_leaves_a_fifth_of_the_samples_blind_and_a_quarter_of_the_labels_unknown():
    where = jnp.ones((2000, 40), bool).at[:, 0].set(False)
    known = np.asarray(jax.jit(draw_known)(jax.random.key(0), jnp.zeros((2000, 40)), where))
    shares = known.mean(axis=1)
    assert abs(float(np.mean(shares == 0)) - 0.2) < 0.05
    assert abs(float(shares.mean()) - 0.8 * 0.375 * 39 / 40) < 0.03
    assert 0.7 < float(np.quantile(shares, 0.99)) < 0.85
    assert not known[:, 0].any()


def test_labels_that_occur_together_may_look_at_each_other():
    together = co_occurrences(np.array([[1, 1, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]]))
    wanted = np.eye(4, dtype=bool)
    wanted[0, 1] = wanted[1, 0] = True
    np.testing.assert_array_equal(together, wanted)
    graph = make_label_graph(task_of(4), width=8, co_occurrence=True)
    assert graph.options(np.eye(4), None)["graph"].dtype == bool
