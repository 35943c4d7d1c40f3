"""Exactness where the quick ways end, and memory that does not grow with the labels."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sklearn.metrics as sk

from mlj import metrics
from mlj.metrics import blocks, tally_by_sorting
from mlj.metrics.ordering import packed_order
from mlj.metrics.tally_by_counting import MOST, tally_by_counting
from mlj.metrics.top_k import best_labels

rng = np.random.default_rng(5)
TINY = np.finfo(np.float32).tiny


def ranks(scores):
    """Return float64 numbers of the same order: NaN lowest, zeros and subnormal numbers tied."""
    scores = np.where(np.abs(scores) < TINY, 0, scores).astype(np.float64)
    lowest = np.where(np.isnan(scores), -np.finfo(np.float64).max, np.clip(scores, -1e300, 1e300))
    return np.unique(lowest, return_inverse=True)[1].reshape(scores.shape).astype(np.float64)


def numbers(low, high, shape):
    """Return numbers of either sign with binary exponents between two bounds, some of them tied."""
    size = np.exp2(rng.uniform(low, high, shape)) * rng.choice([-1, 1], shape)
    chosen = np.round(rng.random(shape) * 4)
    picks = [np.inf, -np.inf, np.nan, 0.0, -0.0, TINY / 4, np.exp2(low), np.exp2(high)]
    return np.where(chosen == 0, rng.choice(picks, shape), size).astype(np.float32)


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(blocks, "ENTRIES", 2000)
    monkeypatch.setattr(tally_by_sorting, "STEPS", 16)


def fresh(function):
    """Return a jitted function that has not been compiled with other blocks."""
    return jax.jit(lambda *arrays, **options: function(*arrays, **options))


@pytest.mark.parametrize("bound", [30, 125], ids=["label in the key", "label beside the key"])
def test_curves_are_exact_over_every_exponent_infinities_nan_and_zeros(bound):
    scores, present = numbers(-bound, bound, (300, 5)), rng.random((300, 5)) < 0.4
    found = fresh(lambda s, y: (metrics.label_average_precision(s, y), metrics.label_roc_auc(s, y)))
    precision, auc = found(scores, present)
    wanted = sk.average_precision_score(present, ranks(scores), average=None)
    np.testing.assert_allclose(precision.values, wanted, rtol=5e-7)
    wanted = sk.roc_auc_score(present, ranks(scores), average=None)
    np.testing.assert_allclose(auc.values, wanted, rtol=5e-7)


def test_packed_orders_keep_scores_apart_that_differ_in_the_last_bit_and_join_equal_ones():
    one, above = np.float32(1), np.nextafter(np.float32(1), np.float32(2))
    near = np.array([one, above, one, above], np.float32)
    for far in (np.float32(2), np.float32(1e-38)):  # the second leaves the label no bit beside 1e38
        scores = np.concatenate([near, [far, np.float32(1e38) if far < 1 else 3]]).astype(np.float32)
        order = np.asarray(packed_order(jnp.array(scores), jnp.array([1, 0, 0, 1, 1, 1])))
        places = list(order[np.argsort(order, kind="stable")] >> 1)
        assert len(set(places)) == 4
        assert sorted(places.count(p) for p in set(places)) == [1, 1, 2, 2]


@pytest.mark.slow
def test_runs_of_ties_may_be_longer_than_a_lane_and_a_block_may_end_anywhere(small_blocks):
    smooth = rng.normal(size=(101, 23)).astype(np.float32)
    present, where = rng.random(smooth.shape) < 0.3, rng.random(smooth.shape) < 0.8
    evaluate = fresh(metrics.evaluate_scores)
    for scores in (smooth, np.round(smooth), np.zeros_like(smooth)):
        found = evaluate(np.where(where, scores, np.nan), present, where=where)
        for name, value in by_scikit_learn(scores, present, where).items():
            np.testing.assert_allclose(found[name], value, rtol=1e-6, err_msg=name)


def by_scikit_learn(scores, present, where):
    columns = [(y[w], s[w]) for s, y, w in zip(scores.T, present.T, where.T)]
    rows = [(y[None, w], s[None, w]) for s, y, w in zip(scores, present, where)]
    return {
        "macro_average_precision": np.mean([sk.average_precision_score(*x) for x in columns]),
        "macro_roc_auc": np.mean([sk.roc_auc_score(*x) for x in columns]),
        "micro_average_precision": sk.average_precision_score(present[where], scores[where]),
        "micro_roc_auc": sk.roc_auc_score(present[where], scores[where]),
        "label_ranking_average_precision": np.mean(
            [sk.label_ranking_average_precision_score(*x) for x in rows]
        ),
        "label_ranking_loss": np.mean([sk.label_ranking_loss(*x) for x in rows]),
        "coverage_error": np.mean([sk.coverage_error(*x) for x in rows]),
    }


def test_a_tally_by_counting_is_one_by_sorting():
    scores = np.round(rng.normal(size=(600, 24)), 2).astype(np.float32)
    scores[rng.random(scores.shape) < 0.05] = np.nan
    scores[rng.random(scores.shape) < 0.05] = -np.inf
    present = rng.random(scores.shape) < np.linspace(0, 0.5, 24)  # up to ten batches of slots
    where = rng.random(scores.shape) < 0.9
    where[:, 20], where[:, 21], present[31:33, 22] = False, present[:, 21], True
    counted = jax.jit(tally_by_counting)(scores, present, where)
    ordered = jax.jit(lambda *x: tally_by_sorting.tally_by_sorting(*(a.T for a in x)))(scores, present, where)
    assert int(jnp.max(counted.present)) > 8 * 32
    for name, a, b in zip(counted._fields, counted, ordered):
        np.testing.assert_allclose(a, b, rtol=5e-7 * (name == "precision"), err_msg=name)


def test_labels_with_more_present_entries_than_are_counted_are_sorted():
    scores = np.round(rng.normal(size=(MOST + 200, 16)), 2).astype(np.float32)
    find = fresh(metrics.label_average_precision)
    for density in (0.2, 0.9):
        present = rng.random(scores.shape) < density
        assert (present.sum(axis=0).max() > MOST) == (density == 0.9)
        wanted = sk.average_precision_score(present, scores, average=None)
        np.testing.assert_allclose(find(scores, present).values, wanted, rtol=5e-7)


def best_by_hand(scores, where, k):
    """Sort whole rows: observed first, NaN below every number, the lowest index first of equal ones."""
    key = np.where((np.abs(scores) < TINY) | ~where, 0, scores).astype(np.float64)
    place = np.broadcast_to(np.arange(scores.shape[1]), scores.shape)
    order = np.lexsort((place, -np.nan_to_num(key, nan=0), np.isnan(scores), ~where), axis=-1)
    return order[:, :k]


@pytest.mark.parametrize("k", [1, 5, 40])
def test_the_best_labels_of_many_are_those_of_a_whole_sort(k):
    scores = np.round(rng.normal(size=(9, 6007)), 1).astype(np.float32)
    where = rng.random(scores.shape) < 0.5
    scores[0] = rng.normal(size=6007)
    scores[1, :2000] = np.nan
    scores[2], scores[3], scores[4] = np.nan, -np.inf, 0
    scores[4, ::2] = -0.0
    where[5] = False
    where[5, [17, 6003]] = True
    where[6] = False
    scores[7] = -1
    scores[7, [6006, 511, 512]] = 4
    scores[8, 3000:] = np.inf
    find = jax.jit(lambda s, w: best_labels(s, w, k))
    np.testing.assert_array_equal(find(scores, where), best_by_hand(scores, where, k))
    everywhere = np.ones_like(where)
    np.testing.assert_array_equal(find(scores, everywhere), best_by_hand(scores, everywhere, k))
    np.testing.assert_array_equal(
        jax.jit(lambda s: best_labels(s, None, k))(scores), best_by_hand(scores, everywhere, k)
    )


def test_metrics_at_k_of_many_labels_agree_with_counting_by_hand(small_blocks):
    scores = rng.normal(size=(3, 4, 3000)).astype(np.float32)
    present = rng.random(scores.shape) < np.where(scores > 2, 0.5, 0.01)
    top = np.take_along_axis(present, np.argsort(-scores, axis=-1)[..., :5], axis=-1)
    found = {name: fresh(lambda s, y, of=of: of(s, y, k=5))(scores, present) for name, of in AT_K.items()}
    np.testing.assert_allclose(found["precision"], top.mean(-1), rtol=1e-6)
    np.testing.assert_allclose(found["recall"], top.sum(-1) / present.sum(-1), rtol=1e-6)
    flat = present.reshape(-1, 3000), scores.reshape(-1, 3000)
    np.testing.assert_allclose(np.mean(found["ndcg"]), sk.ndcg_score(*flat, k=5), rtol=1e-6)
    weights = np.linspace(1, 3, 3000, dtype=np.float32)
    best = -np.sort(-(flat[0] * weights), axis=-1)[:, :5]
    reached = np.take_along_axis(flat[0] * weights, np.argsort(-flat[1], axis=-1)[:, :5], axis=-1)
    psp = metrics.psp_at_k(flat[1], flat[0], inverse_propensities=weights, k=5)
    np.testing.assert_allclose(psp, reached.sum() / best.sum(), rtol=1e-6)


AT_K = {
    "precision": metrics.precision_at_k,
    "recall": metrics.recall_at_k,
    "ndcg": metrics.ndcg_at_k,
}


def temporary(function, *shape, **options):
    """Return the bytes that a compiled metric holds beside its arguments and results."""
    scores, labels = jax.ShapeDtypeStruct(shape, jnp.float32), jax.ShapeDtypeStruct(shape, jnp.bool_)
    lowered = jax.jit(lambda s, y: function(s, y, **options)).lower(scores, labels)
    return lowered.compile().memory_analysis().temp_size_in_bytes


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["macro_average_precision", pytest.param("macro_roc_auc", marks=pytest.mark.slow)]
)
def test_the_memory_of_macro_curves_does_not_grow_with_the_labels(name):
    few, many = (temporary(getattr(metrics, name), 1000, labels) for labels in (2_000, 200_000))
    assert many - few <= 32 * 198_000  # some numbers for each label, where an array of all has 4000 bytes
    assert many <= 10 * 4 * blocks.ENTRIES + 32 * 200_000


@pytest.mark.parametrize(
    "name",
    [
        "precision_at_k",
        *(
            pytest.param(name, marks=pytest.mark.slow)
            for name in ("label_ranking_average_precision", "ndcg_at_k")
        ),
    ],
)
def test_the_memory_of_metrics_per_sample_does_not_grow_with_the_samples(name):
    options = {"k": 5} if name.endswith("at_k") else {}
    many = temporary(getattr(metrics, name), 10_000, 20_000, **options)
    assert many <= 10 * 4 * blocks.ENTRIES + 32 * 10_000  # the scores alone have 800 MB


@pytest.mark.slow
def test_the_states_of_batches_add_up_as_pytrees_in_a_scan():
    scores = rng.random((60, 6)).astype(np.float32)
    present, where = rng.random((60, 6)) < 0.4, rng.random((60, 6)) < 0.9
    weights = np.linspace(1, 2, 6, dtype=np.float32)

    def states(s, y, w):
        return {
            "decisions": metrics.count(s > 0.5, y, where=w),
            "ranking": metrics.count_ranking(s, y, where=w, inverse_propensities=weights),
            "calibration": metrics.calibration(s, y, where=w),
            "bins": metrics.bin_scores(s, y, where=w, bins=50),
        }

    @jax.jit
    def scanned(*arrays):
        batches = [x.reshape(4, 15, 6) for x in arrays]
        empty = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), jax.eval_shape(states, *arrays))
        return jax.lax.scan(lambda old, batch: (metrics.merge(old, states(*batch)), None), empty, batches)[0]

    found, wanted = scanned(scores, present, where), states(scores, present, where)
    for (path, a), b in zip(jax.tree.leaves_with_path(found), jax.tree.leaves(wanted)):
        name = jax.tree_util.keystr(path)
        if jnp.issubdtype(b.dtype, jnp.integer):
            np.testing.assert_array_equal(a, b, err_msg=name)
        else:
            np.testing.assert_allclose(a, b, rtol=1e-6, err_msg=name)
    np.testing.assert_array_equal(
        metrics.binned_average_precision(found["bins"]).values,
        metrics.binned_average_precision(wanted["bins"]).values,
    )
