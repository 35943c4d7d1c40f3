"""Attention says what its formula says, and labels that are known change what is thought of the others."""

from __future__ import annotations

from functools import partial

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from mlj.models import MLP, Trunk, as_function
from mlj.models.attention import MultiHeadAttention
from mlj.models.label_graph import LabelGraph

D, HEADS, Q, B = 6, 2, 5, 3
quick_jit = partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})
CAUSAL = jnp.tril(jnp.ones((Q, Q), bool))


@pytest.fixture(scope="module")
def attention():
    apply_fn, params = as_function(MultiHeadAttention(D, heads=HEADS, rngs=nnx.Rngs(0)))
    steps = jax.random.normal(jax.random.key(1), (B, Q, D))
    return quick_jit(apply_fn), jax.tree.map(lambda leaf: leaf + 0.1, params), steps


def by_formula(params, queries, context, mask) -> np.ndarray:
    """Head by head and query by query, in float64."""
    p = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), params)
    q, k, v = (
        x @ p[name]["kernel"] + p[name]["bias"]
        for x, name in ((queries, "query"), (context, "key"), (context, "value"))
    )
    found, width = np.zeros(queries.shape), D // HEADS
    for b, i, h in np.ndindex(len(queries), queries.shape[1], HEADS):
        part = slice(h * width, (h + 1) * width)
        weights = np.exp(k[b, :, part] @ q[b, i, part] / np.sqrt(width)) * mask[i]
        if mask[i].any():
            found[b, i, part] = weights / weights.sum() @ v[b, :, part]
    return found @ p["out"]["kernel"] + p["out"]["bias"]


def test_attention_equals_its_formula_and_a_query_that_sees_nothing_gets_zeros(attention):
    apply_fn, params, steps = attention
    mask = CAUSAL.at[0, 0].set(False)
    wanted = by_formula(params, np.asarray(steps, float), np.asarray(steps, float), np.asarray(mask))
    found = apply_fn(params, steps, steps, mask=mask)
    chex.assert_trees_all_close(found, wanted.astype(np.float32), atol=1e-5)
    chex.assert_trees_all_close(found[0, 0], params["out"]["bias"], atol=1e-6)


def test_attention_with_a_causal_mask_knows_nothing_of_later_steps(attention):
    apply_fn, params, steps = attention
    changed = steps.at[:, 3:].set(9.0)
    before, after = (apply_fn(params, x, x, mask=CAUSAL) for x in (steps, changed))
    chex.assert_trees_all_close(before[:, :3], after[:, :3], atol=1e-6)
    assert float(jnp.abs(before[:, 3:] - after[:, 3:]).max()) > 0.1


def test_a_mask_of_each_sample_is_its_own_and_no_mask_lets_all_look(attention):
    apply_fn, params, steps = attention
    each = jnp.stack([CAUSAL, jnp.ones_like(CAUSAL), CAUSAL])
    found = apply_fn(params, steps, steps, mask=each)
    chex.assert_trees_all_close(found[0], apply_fn(params, steps, steps, mask=CAUSAL)[0], atol=1e-6)
    chex.assert_trees_all_close(found[1], apply_fn(params, steps, steps)[1], atol=1e-6)


def test_attention_refuses_a_mask_of_numbers_or_of_another_shape(attention):
    apply_fn, params, steps = attention
    with pytest.raises(TypeError, match="mask must be bool"):
        apply_fn(params, steps, steps, mask=jnp.ones((Q, Q)))
    with pytest.raises(ValueError, match=r"mask must be \[3, 5, 5\] or \[5, 5\], got \[5, 4\]"):
        apply_fn(params, steps, steps, mask=jnp.ones((Q, 4), bool))
    with pytest.raises(ValueError, match="heads must divide width 6, got 4"):
        MultiHeadAttention(D, heads=4, rngs=nnx.Rngs(0))


L = 5


def make(**options) -> LabelGraph:
    rngs = nnx.Rngs(0)
    options = {"width": 8, "heads": 2, "tokens": 2} | options
    return LabelGraph(Trunk(4, hidden=(8,), rngs=rngs), L, rngs=rngs, **options)


def made():
    """Return the model as a function and its parameters, made in one compiled program."""
    apply_fn, _ = as_function(nnx.eval_shape(make))
    return apply_fn, quick_jit(lambda: as_function(make())[1])()


@pytest.fixture(scope="module")
def graph():
    """The model's functions, jitted, parameters that are not at their start, and features."""
    apply_fn, params = made()
    chex.assert_trees_all_equal(params["readout"], jnp.zeros((L, 8)))
    params["readout"] = 2 * jax.random.normal(jax.random.key(3), params["readout"].shape)
    functions = {
        name: quick_jit(partial(apply_fn, method=getattr(LabelGraph, name)), static_argnames="rounds")
        for name in ("__call__", "given", "settled")
    }
    return functions, params, jax.random.normal(jax.random.key(4), (B, 4))


KNOWN = jnp.zeros((B, L), bool).at[:, 0].set(True)


def test_it_starts_as_independent_labels(graph):
    functions, params, x = graph
    params = params | {"readout": jnp.zeros_like(params["readout"])}
    apply_fn, _ = as_function(nnx.eval_shape(lambda: MLP(4, L, hidden=(8,), rngs=nnx.Rngs(0))))
    plain = apply_fn({name: params[name] for name in ("trunk", "head")}, x)
    chex.assert_trees_all_close(functions["__call__"](params, x), plain, atol=1e-6)


def test_knowing_nothing_is_being_asked_for_all(graph):
    functions, params, x = graph
    nothing = functions["given"](params, x, jnp.ones((B, L)), jnp.zeros((B, L), bool))
    chex.assert_trees_all_close(nothing, functions["__call__"](params, x), atol=1e-6)


def test_a_known_label_changes_what_is_thought_of_the_others_by_what_it_is(graph):
    functions, params, x = graph
    present = functions["given"](params, x, jnp.ones((B, L)), KNOWN)[:, 1:]
    absent = functions["given"](params, x, jnp.zeros((B, L)), KNOWN)[:, 1:]
    unknown = functions["__call__"](params, x)[:, 1:]
    for one, other in ((present, absent), (present, unknown), (absent, unknown)):
        assert float(jnp.abs(one - other).max()) > 0.01


def test_what_stands_at_an_unknown_label_is_not_looked_at(graph):
    functions, params, x = graph
    labels = jnp.ones((B, L))
    found = functions["given"](params, x, labels, KNOWN)
    chex.assert_trees_all_equal(found, functions["given"](params, x, labels.at[:, 1:].set(jnp.nan), KNOWN))


def test_a_label_hears_only_of_those_that_the_graph_joins_it_with(graph):
    functions, params, x = graph
    joined = jnp.eye(L, dtype=bool).at[2, 0].set(True)
    ones, zeros = (
        functions["given"](params, x, labels, KNOWN, graph=joined)
        for labels in (jnp.ones((B, L)), jnp.zeros((B, L)))
    )
    moved = jnp.abs(ones - zeros).max(axis=0)
    assert moved[2] > 0.01
    chex.assert_trees_all_close(moved[jnp.array([1, 3, 4])], jnp.zeros(3), atol=1e-6)


def test_settling_decides_the_surest_label_first_and_the_others_given_it(graph):
    functions, params, x = graph
    labels, known = np.zeros((B, L), np.float32), np.zeros((B, L), bool)
    for _ in range(L):
        logits = np.asarray(functions["given"](params, x, jnp.asarray(labels), jnp.asarray(known)))
        surest = np.where(known, -1, np.abs(logits)).argmax(axis=1)
        labels[np.arange(B), surest] = logits[np.arange(B), surest] > 0
        known[np.arange(B), surest] = True
    np.testing.assert_array_equal(functions["settled"](params, x, rounds=L), labels > 0)
    one_round = functions["settled"](params, x, rounds=1)
    np.testing.assert_array_equal(one_round, functions["__call__"](params, x) > 0)
    assert np.any(np.asarray(one_round) != (labels > 0))


def test_options_that_do_not_fit_are_refused(graph):
    functions, params, x = graph
    with pytest.raises(ValueError, match="tokens must divide the trunk's 8 outputs, got 3"):
        make(tokens=3)
    with pytest.raises(ValueError, match="layers must be at least 1, got 0"):
        make(layers=0)
    with pytest.raises(TypeError, match="known must be bool"):
        functions["given"](params, x, jnp.ones((B, L)), jnp.ones((B, L)))
    with pytest.raises(ValueError, match="rounds must be at least 1, got 0"):
        functions["settled"](params, x, rounds=0)
