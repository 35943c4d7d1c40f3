"""Every loss against its formula in exact arithmetic: value and slope, on ordinary and extreme samples."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from losses_formulas import FORMULAS
from mpmath import mp, mpf

from mlj.losses import LOSSES, multi_output_cross_entropy
from mlj.testing.case import LABELS, ROWS, Case, fill, run
from mlj.testing.known import case_of

RTOL = 2e-5
ATOL = 1e-6
mp.dps = 140
STEP = mpf(10) ** -28


def exact(formula, s, y, w, hyper, extras):
    """Return value, slopes in the logits and slopes in the further inputs, correct to all float digits."""
    s, y, w = ([mpf(float(v)) for v in array] for array in (s, y, w))
    extras = {name: mpf(float(value)) for name, value in extras.items()}

    def value(moved, extras):
        return formula(moved, y, w, s, **hyper, **extras)

    slopes = []
    for j in range(len(s)):
        up, down = ([*s[:j], s[j] + sign * STEP, *s[j + 1 :]] for sign in (1, -1))
        slopes.append(float((value(up, extras) - value(down, extras)) / (2 * STEP)))
    others = {
        name: float(
            (value(s, {**extras, name: at + STEP}) - value(s, {**extras, name: at - STEP})) / (2 * STEP)
        )
        for name, at in extras.items()
    }
    return float(value(s, extras)), np.array(slopes), others


def samples(case: Case, seed: int):
    """Return six kinds of samples: dense, sparse, soft (if meant), empty, full, one label."""
    rng = np.random.default_rng(seed)
    labels = (rng.random((14, LABELS)) < 0.4).astype(np.float32)
    labels[4:7] = np.eye(LABELS)[rng.integers(0, LABELS, 3)]
    if case.soft:
        labels[7:10] = rng.random((3, LABELS))
    labels[10], labels[11] = 0, 1
    return 3 * rng.normal(size=labels.shape).astype(np.float32), labels


def check(case: Case, logits, labels, *, hyper=None, where=None, weights=None):
    hyper = case.settings()[0] if hyper is None else hyper
    rows = len(logits)
    padded = [None if array is None else fill(array) for array in (logits, labels, where, weights)]
    costs, slopes, others = run(case, padded[0], padded[1], hyper=hyper, where=padded[2], weights=padded[3])
    extras = case.extras(labels if where is None else np.where(where, labels, 0))
    seen = np.ones(labels.shape, bool) if where is None else where
    weight = np.ones(labels.shape) if weights is None else np.float32(weights)
    for row in range(rows):
        keep = seen[row]
        own = {name: np.asarray(array)[row] for name, array in extras.items()}
        value, slope, other = exact(
            FORMULAS[case.name], logits[row][keep], labels[row][keep], weight[row][keep], hyper, own
        )
        message = f"{case.name} {hyper} at {logits[row]} for {labels[row]}"
        np.testing.assert_allclose(costs[row], value, rtol=RTOL, atol=ATOL, err_msg=message)
        scale = max(1.0, np.abs(slope).max())
        np.testing.assert_allclose(slopes[row][keep], slope, rtol=RTOL, atol=ATOL * scale, err_msg=message)
        for name, found in other.items():
            size = max(1.0, abs(found))
            np.testing.assert_allclose(others[name][row], found, rtol=RTOL, atol=10 * ATOL * size)


@functools.cache
def cases():
    return {name: case_of(name) for name in FORMULAS}


def test_every_loss_has_a_formula():
    assert set(FORMULAS) == set(LOSSES) - {"multi_output_cross_entropy"}


@pytest.mark.parametrize("name", FORMULAS)
def test_a_loss_equals_its_formula_at_ordinary_logits(name):
    case = cases()[name]
    check(case, *samples(case, seed=3))


@pytest.mark.parametrize("name", [name for name in FORMULAS if case_of(name).hyper])
def test_a_loss_equals_its_formula_at_every_setting_of_its_hyper_parameters(name):
    case = cases()[name]
    logits, labels = samples(case, seed=4)
    for hyper in case.settings()[1:]:
        check(case, logits[:9:2], labels[:9:2], hyper=hyper)


@pytest.mark.parametrize("name", FORMULAS)
def test_a_loss_equals_its_formula_on_the_observed_labels_with_weights(name):
    case = cases()[name]
    logits, labels = samples(case, seed=5)
    rng = np.random.default_rng(6)
    where = rng.random(labels.shape) < 0.7
    where[:, 0] = True
    check(case, logits, labels, where=where, weights=rng.uniform(0.2, 3, labels.shape))


@pytest.mark.parametrize("name", FORMULAS)
def test_a_loss_equals_its_formula_at_extreme_logits(name):
    case = cases()[name]
    rng = np.random.default_rng(7)
    _, labels = samples(case, seed=8)
    sizes = np.minimum([17.0, 35.0, 89.0, 104.0, 1e4, 1e30], case.largest(jnp.float32))
    signs = rng.choice([-1.0, 1.0], labels.shape)
    one_size = np.resize(sizes, len(labels))[:, None]
    mixed = rng.choice(sizes, labels.shape)
    check(case, np.float32(signs * one_size)[:8], labels[:8])
    check(case, np.float32(signs * mixed)[4:], labels[4:])


def test_multi_output_cross_entropy_equals_log_softmax_of_each_head():
    rng = np.random.default_rng(0)
    logits = np.float32(5 * rng.normal(size=(ROWS, LABELS, 5)))
    classes = rng.integers(0, 5, (ROWS, LABELS))
    wide = logits.astype(np.float64)
    terms = np.log(np.exp(wide).sum(-1)) - np.take_along_axis(wide, classes[..., None], -1)[..., 0]
    where = rng.random(classes.shape) < 0.6
    where[:, 0] = True
    weights = rng.uniform(0.5, 2, classes.shape)
    costs, _, _ = run(case_of("multi_output_cross_entropy"), logits, classes, where=where, weights=weights)
    np.testing.assert_allclose(costs, (terms * weights * where).sum(-1) / where.sum(-1), rtol=RTOL)
    costs, slopes, _ = run(case_of("multi_output_cross_entropy"), logits, classes)
    np.testing.assert_allclose(costs, terms.mean(-1), rtol=RTOL)
    softmax = np.exp(wide) / np.exp(wide).sum(-1, keepdims=True)
    truth = classes[..., None] == np.arange(5)
    np.testing.assert_allclose(slopes, (softmax - truth) / LABELS, rtol=RTOL, atol=ATOL)


def test_heads_of_different_size_leave_out_the_classes_they_do_not_have():
    rng = np.random.default_rng(1)
    logits = rng.normal(size=(3, 2, 4)).astype(np.float32)
    has = np.array([[True, True, False, False], [True, True, True, True]])
    classes = np.array([[0, 3], [1, 2], [0, 0]])
    found = multi_output_cross_entropy(logits, classes, class_where=has)
    short = multi_output_cross_entropy(logits[:, :1, :2], classes[:, :1])
    long = multi_output_cross_entropy(logits[:, 1:], classes[:, 1:])
    np.testing.assert_allclose(found, (short + long) / 2, rtol=1e-6)


def test_a_class_number_out_of_range_is_never_a_silent_zero():
    logits = jnp.zeros((3, 2, 4))
    costs = multi_output_cross_entropy(logits, jnp.array([[0, 4], [-1, 0], [3, 3]]))
    np.testing.assert_array_equal(np.isnan(costs), [True, True, False])
    slopes = jax.grad(
        lambda s: multi_output_cross_entropy(s, jnp.array([9, 0]), where=jnp.array([False, True]))
    )(logits[0])
    np.testing.assert_array_equal(np.isnan(slopes), False)
