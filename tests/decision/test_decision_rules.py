"""Rules that count labels, the table, several models at once, and JSON."""

from __future__ import annotations

import itertools
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from mlj import decision, metrics

rng = np.random.default_rng(5)
PRESENT = rng.random((25, 6)) < 0.4
SCORES = np.round(rng.normal(size=(25, 6)) + PRESENT, 1).astype(np.float32)
PROBS = (1 / (1 + np.exp(-SCORES))).astype(np.float32)
LOG_COUNT = rng.normal(size=25).astype(np.float32)


def test_the_top_k_are_k_labels_and_ties_go_to_the_lowest_index():
    scores = jnp.array([[1.0, 1.0, 1.0, 0.0], [0.0, jnp.nan, -jnp.inf, -0.0], [2.0, 3.0, 2.0, 2.0]])
    found = decision.top_k_sets(scores, jnp.array([2, 3, 3]))
    assert found.tolist() == [
        [True, True, False, False],
        [True, False, True, True],
        [True, True, True, False],
    ]
    assert decision.top_k_sets(scores, jnp.array([0, -1, 9])).sum(axis=1).tolist() == [0, 0, 4]


@pytest.mark.parametrize("metric", ["micro_f1", "macro_f1", "samples_f1"])
def test_no_other_k_has_a_larger_f1(metric):
    where = rng.random(PRESENT.shape) < 0.8
    where[2], where[:, 1] = False, False
    k = decision.top_k(SCORES, PRESENT, where=where, metric=metric).k
    f1 = metrics.METRICS[metric].function
    values = [
        f1(decision.apply(decision.TopK(jnp.array(k)), SCORES), PRESENT, where=where) for k in range(1, 7)
    ]
    np.testing.assert_allclose(values[k - 1], max(values), rtol=1e-6)


def test_the_cardinality_is_rounded_and_knows_of_unobserved_labels():
    labels = jnp.array([[1, 1, 0, 0], [1, 0, 0, 0], [1, 1, 1, 0]])
    scores = jnp.zeros((3, 4))
    assert decision.cardinality_top_k(scores, labels).k == 2
    where = jnp.array([[True, True, False, False], [True, False, False, False], [True, True, True, True]])
    assert decision.cardinality_top_k(scores, labels, where=where).k == 3
    assert decision.cardinality_top_k(scores, jnp.zeros((3, 4))).k == 1


def test_a_count_head_gives_every_sample_its_own_k():
    rule = decision.count_head(SCORES, PRESENT)
    wanted = np.clip(np.round(np.exp(LOG_COUNT)), 0, 6)
    assert decision.apply(rule, SCORES, log_count=LOG_COUNT).sum(axis=1).tolist() == wanted.tolist()
    extreme = jnp.full(25, jnp.inf).at[0].set(jnp.nan).at[1].set(-jnp.inf)
    assert decision.apply(rule, SCORES, log_count=extreme).sum(axis=1).tolist() == [0, 0] + [6] * 23


def test_no_other_labelset_has_a_larger_expected_f1():
    every = np.array(list(itertools.product([0, 1], repeat=6)))
    probs = np.concatenate([PROBS[:10], PROBS[:10] ** 4, np.zeros((1, 6)), np.ones((1, 6)), PROBS[:3] ** 20])
    chance = np.prod(np.where(every[None], probs[:, None], 1 - probs[:, None]), axis=-1)
    overlap, sizes = every @ every.T, every.sum(axis=1)
    f1 = 2 * overlap / np.maximum(sizes[:, None] + sizes[None, :], 1)
    expected = chance @ f1.T
    found = decision.f1_optimal_sets(jnp.asarray(probs, jnp.float32))
    index = found @ (2 ** np.arange(5, -1, -1))
    np.testing.assert_allclose(expected[np.arange(len(probs)), index], expected.max(axis=1), rtol=1e-5)
    assert found.sum(axis=1)[20:22].tolist() == [0, 6]
    curve = decision.expected_f1_curve(jnp.asarray(probs, jnp.float32))
    np.testing.assert_allclose(curve.max(axis=1), expected.max(axis=1), rtol=1e-5, atol=1e-7)


def test_a_limit_on_the_labelset_changes_nothing_while_it_is_above_the_cardinality():
    probs = jnp.asarray(rng.random((8, 40)) ** 12, jnp.float32)
    exact = decision.expected_f1_curve(probs, limit=40)
    limited = decision.expected_f1_curve(probs, limit=15)
    np.testing.assert_allclose(limited, exact[:, :15], rtol=1e-5)


def test_a_limit_below_the_cardinality_raises_the_expectation_by_less_than_the_chance_of_more_labels():
    probs = jnp.full((1, 12), 0.5)
    exact = np.asarray(decision.expected_f1_curve(probs, limit=12))[0, :3]
    limited = np.asarray(decision.expected_f1_curve(probs, limit=3))[0]
    chance = [scipy.stats.binom.sf(3, 12 - k, 0.5) for k in (1, 2, 3)]
    assert np.all(limited > exact)
    assert np.all(limited < exact + chance)


def test_every_rule_of_the_table_is_fitted_applied_and_saved_for_several_models_at_once():
    scores = np.stack([SCORES, SCORES[::-1], -SCORES])
    probs = 1 / (1 + np.exp(-scores))
    for name, entry in decision.DECISIONS.items():

        def fit(s, fit=entry.fit):
            return fit(s, PRESENT)

        def use(rule, s, p):
            return decision.apply(rule, s, probs=p, log_count=jnp.asarray(LOG_COUNT))

        rules = jax.vmap(fit)(scores)
        found = jax.vmap(use)(rules, scores, probs)
        assert found.dtype == bool, name
        turned = jax.vmap(use)(jax.vmap(fit)(scores[::-1]), scores[::-1], probs[::-1])
        np.testing.assert_array_equal(found, turned[::-1], err_msg=name)
        back = decision.from_json(json.loads(json.dumps(decision.to_json(rules))))
        assert type(back) is type(rules), name
        for one, other in zip(back, rules):
            np.testing.assert_array_equal(one, other)
            assert one.dtype == other.dtype


def test_a_rule_is_refused_what_it_does_not_fit():
    rule = decision.label_thresholds(SCORES, PRESENT)
    with pytest.raises(ValueError, match=r"scores \[25, 5\] need 5 thresholds, the rule has \[6\]"):
        decision.apply(rule, SCORES[:, :5])
    with pytest.raises(ValueError, match="ExpectedF1 needs probs"):
        decision.apply(decision.ExpectedF1(), SCORES)
    with pytest.raises(ValueError, match="CountTopK needs log_count"):
        decision.apply(decision.CountTopK(), SCORES)
    with pytest.raises(ValueError, match="unknown metric to tune for 'microf1': did you mean 'micro_f1'"):
        decision.global_threshold(SCORES, PRESENT, metric="microf1")
    with pytest.raises(ValueError, match=r"labels \[25, 5\] must have the shape of scores"):
        decision.label_thresholds(SCORES, PRESENT[:, :5])


@pytest.mark.parametrize(
    ("saved", "reason"),
    [
        ({"rule": "treshold", "threshold": 0.0}, "did you mean 'threshold'"),
        ({"threshold": 0.0}, "text 'rule'"),
        ([], "text 'rule'"),
        ({"rule": "threshold"}, "has the fields"),
        ({"rule": "threshold", "threshold": 0.0, "more": 1}, "has the fields"),
        ({"rule": "threshold", "threshold": "0"}, "finite float numbers, got '0'"),
        ({"rule": "threshold", "threshold": float("nan")}, "finite float numbers"),
        ({"rule": "threshold", "threshold": True}, "finite float numbers"),
        ({"rule": "top_k", "k": 1.5}, "finite int numbers, got 1.5"),
        ({"rule": "top_k", "k": 2**40}, "out of range"),
        ({"rule": "label_thresholds", "thresholds": 1.0}, "one number per label"),
        ({"rule": "label_thresholds", "thresholds": [[1.0], [1.0, 2.0]]}, "ragged"),
    ],
)
def test_a_damaged_rule_is_refused_with_the_reason(saved, reason):
    with pytest.raises(ValueError, match=reason):
        decision.from_json(saved)


def test_a_rule_that_json_cannot_hold_is_not_written():
    with pytest.raises(ValueError, match="threshold must be finite, got inf"):
        decision.to_json(decision.Threshold(jnp.array(jnp.inf)))
    with pytest.raises(TypeError, match="dict is not a decision rule"):
        decision.to_json({})
