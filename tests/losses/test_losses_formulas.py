"""Every loss against its formula in exact arithmetic: value and slope, on ordinary and extreme samples."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from mpmath import mp, mpf

from mlj.losses import LOSS_INFO, LOSSES, multi_output_cross_entropy
from mlj.testing.case import LABELS, ROWS, Case, fill, run
from mlj.testing.formulas import FORMULAS
from mlj.testing.formulas.parts import numbers
from mlj.testing.known import case_of

DIGITS = 170
STEP = mpf(10) ** -50
CLOSE = {np.float32: (2e-5, 1e-6), np.float64: (1e-12, 1e-12)}
"""Relative and absolute difference that a dtype is allowed from the exact result."""


def exact(formula, s, y, w, hyper, extras):
    """Return value, slopes in the logits and slopes in the further inputs, correct to all float digits."""
    s, y, w = (numbers(array) for array in (s, y, w))
    extras = {name: numbers(value) for name, value in extras.items()}

    def value(moved, extras):
        return formula(moved, y, w, moved_at, **hyper, **extras)

    moved_at = s
    slopes = (
        [difference(lambda x, j=j: value([*s[:j], x, *s[j + 1 :]], extras), s[j]) for j in range(len(s))]
        if isinstance(s, list)
        else difference(lambda x: value(x, extras), s)
    )
    others = {
        name: float(difference(lambda x, name=name: value(s, {**extras, name: x}), at))
        for name, at in extras.items()
        if isinstance(at, mpf)
    }
    return float(value(s, extras)), np.array(slopes, dtype=float), others


def difference(f, at):
    return (f(at + STEP) - f(at - STEP)) / (2 * STEP)


def samples(case: Case, seed: int):
    """Return six kinds of samples: dense, sparse, soft (if meant), empty, full, one label."""
    rng = np.random.default_rng(seed)
    labels = (rng.random((14, LABELS)) < 0.4).astype(np.float32)
    labels[4:7] = np.eye(LABELS)[rng.integers(0, LABELS, 3)]
    if case.soft:
        labels[7:10] = rng.random((3, LABELS))
    labels[10], labels[11] = 0, 1
    logits = 3 * rng.normal(size=labels.shape).astype(np.float32)
    if not case.per_label:
        logits = logits[:, 0] / 2 if case.form == "total" else np.append(logits, logits[:, :1], axis=1)
    return logits, labels


def check(case: Case, logits, labels, *, hyper=None, where=None, weights=None, dtype=np.float32):
    hyper = case.settings()[0] if hyper is None else hyper
    rows = len(logits)
    rtol, atol = CLOSE[dtype]
    logits, labels, where, weights = (
        None if a is None else fill(a) for a in (logits, labels, where, weights)
    )
    seen = np.ones(labels.shape, bool) if where is None else where
    if dtype is np.float64:  # One signature is enough, and compiled once.
        where, weights = seen, np.ones(labels.shape) if weights is None else weights
    extras = {
        name: np.asarray(x, dtype) if jnp.issubdtype(x.dtype, jnp.floating) else x
        for name, x in case.further(np.where(seen, labels, 0)).items()
    }
    with jax.enable_x64(dtype is np.float64):
        costs, slopes, others = run(
            case, logits, labels, hyper=hyper, where=where, weights=weights, extras=extras, dtype=dtype
        )
    assert costs.dtype == slopes.dtype == dtype
    weights = np.ones(labels.shape) if weights is None else weights.astype(dtype)
    # A hyper-parameter reaches the loss as a number of the logits' dtype, and so it does the formula.
    hyper = {name: mpf(float(dtype(value))) for name, value in hyper.items()}
    for row in range(rows):
        kept = np.flatnonzero(seen[row])
        own = case.pick(extras, kept, row)
        own = {e.name: own[e.name][row] if e.axes == "sample" else own[e.name] for e in case.extras}
        s = logits[row][kept] if case.per_label else logits[row]
        with mp.workdps(DIGITS):
            value, slope, other = exact(
                FORMULAS[case.name], s, labels[row][kept], weights[row][kept], hyper, own
            )
        message = f"{case.name} {hyper} at {logits[row]} for {labels[row]}"
        np.testing.assert_allclose(costs[row], value, rtol=rtol, atol=atol, err_msg=message)
        scale = max(1.0, np.abs(slope).max())
        found = slopes[row][kept] if case.per_label else slopes[row]
        np.testing.assert_allclose(found, slope, rtol=rtol, atol=atol * scale, err_msg=message)
        for name, wanted in other.items():
            scale = max(1.0, abs(wanted))
            np.testing.assert_allclose(others[name][row], wanted, rtol=rtol, atol=10 * atol * scale)


@functools.cache
def cases():
    return {name: case_of(name) for name in FORMULAS}


OF_CLASSES = {name for name in LOSSES if case_of(name).classes}


def test_every_loss_of_multi_hot_labels_has_a_formula():
    assert set(FORMULAS) == set(LOSSES) - OF_CLASSES


@pytest.mark.parametrize("name", FORMULAS)
def test_a_loss_equals_its_formula_at_ordinary_logits(name):
    case = cases()[name]
    check(case, *samples(case, seed=3))


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in FORMULAS if case_of(name).hyper])
def test_a_loss_equals_its_formula_at_every_setting_of_its_hyper_parameters(name):
    case = cases()[name]
    logits, labels = samples(case, seed=4)
    for hyper in case.settings()[1:]:
        check(case, logits[:9:2], labels[:9:2], hyper=hyper)


@pytest.mark.parametrize(
    "name",
    [
        name if LOSS_INFO[name].family == "binary" else pytest.param(name, marks=pytest.mark.slow)
        for name in FORMULAS
    ],
)
def test_in_double_precision_a_loss_equals_its_formula_to_twelve_digits(name):
    case = cases()[name]
    logits, labels = (array.astype(np.float64) for array in samples(case, seed=9))
    rng = np.random.default_rng(10)
    where = rng.random(labels.shape) < 0.8
    where[:, 0] = True
    check(case, logits, labels, where=where, weights=rng.uniform(0.2, 3, labels.shape), dtype=np.float64)


@pytest.mark.slow
@pytest.mark.parametrize("name", FORMULAS)
def test_a_loss_equals_its_formula_on_the_observed_labels_with_weights(name):
    case = cases()[name]
    logits, labels = samples(case, seed=5)
    rng = np.random.default_rng(6)
    where = rng.random(labels.shape) < 0.7
    where[:, 0] = True
    check(case, logits, labels, where=where, weights=rng.uniform(0.2, 3, labels.shape))


@pytest.mark.parametrize("dtype", [np.float32, pytest.param(np.float64, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", FORMULAS)
def test_a_loss_equals_its_formula_at_extreme_logits(name, dtype):
    case = cases()[name]
    rng = np.random.default_rng(7)
    _, labels = samples(case, seed=8)
    signs = rng.choice([-1.0, 1.0], labels.shape)
    sizes = np.minimum([17.0, 35.0, 89.0, 104.0, 1e4, 1e30], case.largest(dtype))
    one_size = signs * np.resize(sizes, len(labels))[:, None]
    mixed = signs * rng.choice(sizes, labels.shape)
    logits = dtype(np.concatenate([one_size[:8], mixed[4:]]))
    if not case.per_label:
        logits = logits[:, 0] if case.form == "total" else np.append(logits, logits[:, :1], axis=1)
    check(case, logits, dtype(np.concatenate([labels[:8], labels[4:]])), dtype=dtype)


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
    np.testing.assert_allclose(costs, (terms * weights * where).sum(-1) / where.sum(-1), rtol=2e-5)
    costs, slopes, _ = run(case_of("multi_output_cross_entropy"), logits, classes)
    np.testing.assert_allclose(costs, terms.mean(-1), rtol=2e-5)
    softmax = np.exp(wide) / np.exp(wide).sum(-1, keepdims=True)
    truth = classes[..., None] == np.arange(5)
    np.testing.assert_allclose(slopes, (softmax - truth) / LABELS, rtol=2e-5, atol=1e-6)


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
