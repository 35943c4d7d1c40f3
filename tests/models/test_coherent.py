"""Coherent scores by lists of descendants equal those by the whole table, with the same slope."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mlj.approaches.approach import Task
from mlj.approaches.coherent import make_coherent
from mlj.data.hierarchy import Hierarchy
from mlj.losses.structured.hierarchy import coherent_scores, families, hierarchy_max_constraint
from mlj.models import MLP, Trunk
from mlj.training import Batch

SIZE = 13


def random_graph(seed):
    """Return a graph in which labels have several parents, numbered at random."""
    rng = np.random.default_rng(seed)
    names = [str(label) for label in range(SIZE)]
    order = rng.permutation(names)
    edges = [(order[i], order[j]) for i in range(SIZE) for j in range(i + 1, SIZE) if rng.random() < 0.15]
    return Hierarchy.from_edges(names, edges)


TREE = Hierarchy.from_paths(
    ["a", "a/b", "a/b/c", "a/b/d", "e", "e/f", "g", "a/h", "a/b/i", "a/b/j", "e/k", "e/f/l", "a/h/m"]
)
GRAPHS = {"tree": TREE, "graph": random_graph(0), "nothing": Hierarchy.from_edges(TREE.label_names, [])}


@pytest.fixture(scope="module", params=GRAPHS)
def case(request):
    """Return a table of descendants, its lists, logits with ties, and labels closed upwards."""
    graph = GRAPHS[request.param]
    rng = np.random.default_rng(1)
    logits = np.float32(np.round(rng.normal(size=(8, SIZE)) * 2))
    labels = graph.close(rng.random((8, SIZE)) < 0.15)
    where = rng.random((8, SIZE)) < 0.8
    below = jnp.asarray(graph.descendants)
    return below, families(below), logits, jnp.asarray(labels, jnp.float32), jnp.asarray(where)


@jax.jit
def everything(logits, labels, where, descendants):
    """Return costs, scores and the slopes of both, with and without a mask."""

    def costs(s, where):
        return hierarchy_max_constraint(s, labels, descendants=descendants, where=where)

    def scores(s):
        return coherent_scores(s, descendants=descendants)

    pull = jnp.cos(jnp.arange(logits.size)).reshape(logits.shape)
    found = [scores(logits), jax.vjp(scores, logits)[1](pull)[0]]
    for mask in (None, where):
        cost, back = jax.vjp(lambda s, mask=mask: costs(s, mask), logits)
        found += [cost, back(jnp.arange(1.0, 9.0))[0]]
    return [*found, coherent_scores(logits, descendants=descendants, where=where)]


def test_lists_give_the_scores_costs_and_slopes_of_the_table(case):
    below, lists, logits, labels, where = case
    for found, wanted in zip(*(everything(logits, labels, where, form) for form in (lists, below))):
        np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-7)
    assert len(np.unique(logits[0])) < SIZE


def test_lists_bear_infinite_and_missing_numbers_as_the_table_does(case):
    below, lists, logits, labels, where = case
    odd = logits.copy()
    odd[0, 3], odd[1, 5], odd[2, 2], odd[3] = np.inf, -np.inf, np.nan, -np.inf
    for found, wanted in zip(
        *(
            (
                hierarchy_max_constraint(odd, labels, descendants=form),
                coherent_scores(odd, descendants=form),
                coherent_scores(odd, descendants=form, where=where),
            )
            for form in (lists, below)
        )
    ):
        np.testing.assert_array_equal(found, wanted)


def test_every_family_is_in_one_block_and_every_pair_is_listed_twice(case):
    below, lists, *_ = case
    family = np.asarray(below) | np.eye(SIZE, dtype=bool)
    found = np.zeros_like(family)
    for owners, members in zip(lists.owners, lists.members):
        for owner, row in zip(owners, np.asarray(members)):
            assert np.all(np.diff(row[row < SIZE]) > 0)
            found[owner, row[row < SIZE]] = True
    np.testing.assert_array_equal(found, family)
    np.testing.assert_array_equal(np.concatenate(lists.owners)[lists.place], np.arange(SIZE))
    for label, row in enumerate(np.asarray(lists.above)):
        np.testing.assert_array_equal(row[row < SIZE], np.flatnonzero(family[:, label]))


def test_lists_of_other_labels_are_refused():
    with pytest.raises(ValueError, match=r"families' place must be \[3\], got \[13\]"):
        coherent_scores(jnp.zeros(3), descendants=families(TREE.descendants))
    with pytest.raises(TypeError, match="families: descendants must be bool, got int32"):
        families(jnp.zeros((2, 2), jnp.int32))
    with pytest.raises(ValueError, match=r"families: descendants must be \[2, 2\], got \[2, 3\]"):
        families(jnp.zeros((2, 3), bool))


@pytest.fixture(scope="module")
def task():
    return Task(
        num_labels=SIZE,
        num_labelsets=8,
        largest_labelset=SIZE,
        missing=False,
        make_trunk=lambda rngs: Trunk(4, hidden=(16,), rngs=rngs),
        make_model=lambda size, bias, rngs: MLP(
            4, size, hidden=(16,), dropout=0.0, input_dropout=0.0, output_bias=bias, rngs=rngs
        ),
    )


@pytest.mark.slow
def test_the_approach_learns_and_a_label_never_comes_without_those_above_it(task):
    approach = make_coherent(task, TREE.descendants)
    features = jax.random.normal(jax.random.key(0), (32, 4))
    drawn = (np.asarray(features) @ np.random.default_rng(2).normal(size=(4, SIZE))) > 2
    labels = TREE.close(drawn)
    options = approach.options(labels, None)
    params = approach.init(jax.random.key(1), options)
    batch = Batch(features, jnp.asarray(labels, jnp.float32))

    @jax.jit
    def step(params, key):
        value, slope = jax.value_and_grad(approach.objective)(params, batch, key, options)
        return value, jax.tree.map(lambda p, g: p - 2.0 * g, params, slope)

    first = step(params, jax.random.key(2))[0]
    for _ in range(40):
        last, params = step(params, jax.random.key(2))
    assert last < 0.8 * first
    scores, count = approach.scores(approach.predict(params, features, options))
    assert count is None
    for threshold in np.quantile(scores, (0.2, 0.5, 0.8)):
        assert TREE.is_closed(np.asarray(scores > threshold, np.uint8))


def test_an_approach_for_other_labels_or_a_circle_is_refused(task):
    with pytest.raises(ValueError, match=r"make_coherent: descendants must be \[13, 13\], got \[2, 2\]"):
        make_coherent(task, np.zeros((2, 2), bool))
    circle = np.zeros((SIZE, SIZE), bool)
    circle[[1, 4], [4, 1]] = True
    with pytest.raises(ValueError, match="make_coherent: labels 1 and 4 are each below the other"):
        make_coherent(task, circle)
    children_only = np.zeros((SIZE, SIZE), bool)
    children_only[[1, 4], [4, 7]] = True
    with pytest.raises(ValueError, match="make_coherent: label 7 is below label 1 through another"):
        make_coherent(task, children_only)
