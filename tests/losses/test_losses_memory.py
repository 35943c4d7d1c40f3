"""Memory of value and gradient, read off the compiled program: it grows with the labels, not their square."""

from __future__ import annotations

import math
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mlj.losses import (
    BATCH_LOSSES,
    LOSS_INFO,
    mean_over_samples,
    neural_ndcg,
    pairwise_logistic,
    warp,
)
from mlj.losses.batch import _pairs
from mlj.losses.ranking import chunks, neural_sort
from mlj.testing import case_of
from mlj.testing.batch_case import WIDTH
from mlj.testing.case import CLASSES, Case
from mlj.testing.known.batch import batch_case_of

FAMILIES = {"ranking", "listwise", "softmax", "overlap"}
TABLES = {"wasserstein"}
"""Losses that are given a number for each two labels."""
QUICK = {
    "zlpr",
    "lsep",
    "pairwise_hinge",
    "pairwise_logistic",
    "approx_ndcg",
    "softmax_cross_entropy",
    "soft_f1",
}
"""Losses of each kind of loop; the others are compiled with the slow tests."""
ROWS, FEW, MANY = 2, 2048, 8192
SAMPLES = 256
AT_MOST = 64
"""The most numbers of an array for each logit. A table of all pairs would have thousands, or ``SAMPLES``."""


def compiled(function, *inputs):
    """Compile without the passes that take long and leave the buffers alone."""
    quick = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}
    return jax.jit(jax.value_and_grad(function)).lower(*inputs).compile(compiler_options=quick)


def temporary_bytes(program) -> int:
    return program.memory_analysis().temp_size_in_bytes


def largest_array(program) -> int:
    shapes = re.findall(r"\b[a-z]+\d*\[(\d+(?:,\d+)*)\]", program.as_text())
    return max(math.prod(map(int, shape.split(","))) for shape in shapes)


def only_shapes(tree):
    def shape_of(leaf):
        wide = np.issubdtype(leaf.dtype, np.floating)
        return jax.ShapeDtypeStruct(leaf.shape, jnp.float32 if wide else leaf.dtype)

    return jax.tree.map(shape_of, tree)


def program_of(case: Case, labels: int):
    """Compile the sum of the costs of a few samples."""
    truth = np.zeros((ROWS, labels), np.float32)
    truth[:, ::7] = 1
    further = {extra.name: extra.make(truth) for extra in case.extras}
    shape = (ROWS, labels, CLASSES) if case.classes else (ROWS, labels)
    whole = case.classes or case.name.endswith("from_indices")
    inputs = jax.ShapeDtypeStruct(shape, jnp.float32), jnp.zeros((ROWS, labels), int if whole else float)
    return compiled(lambda s, y: jnp.sum(case.loss(s, y, **further)), *inputs)


@pytest.mark.parametrize(
    "name",
    [
        name if name in QUICK else pytest.param(name, marks=pytest.mark.slow)
        for name, info in LOSS_INFO.items()
        if info.family in FAMILIES and name not in TABLES
    ],
)
def test_memory_grows_no_faster_than_the_number_of_labels(name):
    few, many = (program_of(case_of(name), labels) for labels in (FEW, MANY))
    assert temporary_bytes(many) <= 1.02 * MANY / FEW * temporary_bytes(few)
    assert largest_array(many) <= AT_MOST * ROWS * MANY


def batch_program_of(name: str, samples: int, labels: int):
    case = batch_case_of(name)
    truth = np.zeros((samples, labels), np.float32)
    truth[::3, ::5] = 1
    further = case.further(truth)
    if "index" in further:
        further["index"] = np.arange(samples, dtype=np.int32)
    hyper = case.settings()[0]
    width = WIDTH if case.embedded else labels

    def cost(s, y, further):
        found = case.loss(s, y, **hyper, **further)
        return found[0] if case.result else found

    return compiled(cost, jax.ShapeDtypeStruct((samples, width), jnp.float32), truth, only_shapes(further))


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        name if name == "average_precision_soap" else pytest.param(name, marks=pytest.mark.slow)
        for name in BATCH_LOSSES
    ],
)
def test_no_batch_loss_holds_all_pairs_of_samples_for_each_label(name):
    few, many = (batch_program_of(name, SAMPLES, labels) for labels in (64, 256))
    assert temporary_bytes(many) <= 1.1 * 4 * temporary_bytes(few)
    assert largest_array(few) <= AT_MOST * SAMPLES * 64


def test_a_table_of_pairs_is_seen():
    def lsep_table(s, y):
        gap = s[:, None, :] - s[:, :, None]
        pair = (y[:, :, None] > 0) & (y[:, None, :] <= 0)
        return jnp.log1p(jnp.sum(jnp.where(pair, jnp.exp(gap), 0), axis=(1, 2)))

    case = Case("lsep_table", lsep_table)
    few, many = (program_of(case, labels) for labels in (512, 2048))
    assert temporary_bytes(many) > 12 * temporary_bytes(few)
    assert largest_array(many) > AT_MOST * ROWS * 2048


@pytest.mark.slow
def test_mapped_over_samples_a_pair_loss_needs_no_more_memory_than_a_batch():
    s, y = jnp.zeros((16, MANY)), jnp.zeros((16, MANY))
    mapped = compiled(mean_over_samples(pairwise_logistic), s, y)
    batched = compiled(lambda s, y: jnp.mean(pairwise_logistic(s, y)), s, y)
    assert temporary_bytes(mapped) <= 1.05 * temporary_bytes(batched)


def rows(labels: int):
    rng = np.random.default_rng(labels)
    s = np.round(2 * rng.normal(size=(3, labels)), 1).astype(np.float32)
    return s, rng.random(s.shape) < 0.3, rng.uniform(0.3, 2, s.shape).astype(np.float32)


def evaluated(loss, s, y, w, **options):
    """Return costs, slopes and how those change in some direction, by a program compiled anew."""

    def slopes(s):
        costs, pull = jax.vjp(lambda s: loss.__wrapped__(s, y, weights=w, **options), s)
        return pull(jnp.ones_like(costs))[0], costs

    way = jnp.asarray(np.random.default_rng(1).normal(size=s.shape), jnp.float32)
    slope, bend, costs = jax.jit(lambda s: jax.jvp(slopes, (s,), (way,), has_aux=True))(s)
    return costs, slope, bend


@pytest.mark.slow
@pytest.mark.parametrize(("loss", "options"), [(pairwise_logistic, {"max_present": 20}), (warp, {})])
def test_labels_compared_chunk_by_chunk_cost_the_same(loss, options, monkeypatch):
    s, y, w = rows(50)
    assert np.max(np.sum(y, axis=1)) <= 20
    wanted = evaluated(loss, s, y, w, **options)
    monkeypatch.setattr(chunks, "CELLS", 1)
    monkeypatch.setattr(chunks, "LEAST", 16)
    for found, want in zip(evaluated(loss, s, y, w, **options), wanted):
        np.testing.assert_allclose(found, want, rtol=1e-6, atol=1e-7)


@pytest.mark.slow
def test_a_soft_permutation_of_rows_formed_anew_costs_the_same(monkeypatch):
    s, y, w = rows(20)
    w[0, :4] = 0
    wanted = evaluated(neural_ndcg, s, y, w)
    monkeypatch.setattr(neural_sort, "KEPT", 1)
    monkeypatch.setattr(neural_sort, "CELLS", 1)
    for found, want in zip(evaluated(neural_ndcg, s, y, w), wanted):
        np.testing.assert_allclose(found, want, rtol=2e-5, atol=2e-6 * np.max(np.abs(want)))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["average_precision_soap", "partial_auc_cvar", "partial_auc_dro"])
def test_labels_of_a_batch_compared_block_by_block_cost_the_same(name, monkeypatch):
    case = batch_case_of(name)
    rng = np.random.default_rng(2)
    s = jnp.asarray(rng.normal(size=(12, 5)), jnp.float32)
    y = (rng.random(s.shape) < 0.4).astype(np.float32)
    further = jax.tree.map(jnp.asarray, case.further(y))

    def cost(s):
        return case.loss.__wrapped__(s, y, **further)

    def outcome():
        slope = jax.grad(cost, has_aux=True)
        way = jnp.ones_like(s).at[::2].set(-1)
        return jax.jit(lambda s: (cost(s), *jax.jvp(slope, (s,), (way,), has_aux=True)))(s)

    wanted = outcome()
    monkeypatch.setattr(_pairs, "CELLS", 2 * 12 * 12)
    for found, want in zip(jax.tree.leaves(outcome()), jax.tree.leaves(wanted)):
        np.testing.assert_allclose(found, want, rtol=1e-5, atol=1e-7)
