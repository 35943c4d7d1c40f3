"""Whatever the shape, dtype, logits, labels, mask and weights: 200 drawn samples for every loss."""

from __future__ import annotations

import functools

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from mpmath import mp

from mlj.losses import LOSSES
from mlj.testing import EXCEPTIONS, Case, case_of
from mlj.testing.case import CLASSES, run
from mlj.testing.formulas import FORMULAS
from mlj.testing.formulas.parts import numbers

KINDS = ((2, 4, np.float32), (1, 6, jnp.bfloat16), (3, 1, np.float16))
"""Samples, labels and dtype of the logits: few, since each is compiled for each loss."""

SIZES = (0.0, 1e-30, 1e-3, 0.5, 1.0, 3.0, 17.0, 89.0, 104.0, 1e4, 1e30, np.inf)
"""Sizes of logits; the infinite one stands for the largest that the loss promises to bear."""

EXACT_UP_TO = 1e4
"""Largest logit for which the cost is compared with the formula; beyond it has to be finite."""


@functools.cache
def case(name: str) -> Case:
    return case_of(name)


@st.composite
def samples(draw, case: Case):
    rows, size, dtype = draw(st.sampled_from(KINDS))
    # A pair of labels of weight 2 counts four times, which the promise about large logits leaves to the user.
    bound = min(case.largest(dtype), case.largest(np.float32) / 4)
    shape = {"labels": (rows, size), "classes": (rows, size, CLASSES), "total": (rows,)}.get(
        case.form, (rows, size + 1)
    )
    count, entries = int(np.prod(shape)), rows * size
    ordinary, soft, weighted = (draw(st.booleans()) for _ in range(3))
    # One draw of bytes takes a fifth of the time of a draw for each number.
    drawn = draw(st.binary(min_size=2 * count + 3 * entries, max_size=2 * count + 3 * entries))
    of_logits, *of_labels = np.split(np.frombuffer(drawn, np.uint8), 2 * count + entries * np.arange(3))
    number = of_logits.view("<u2").astype(np.int64)
    sizes = number // 2 / 2**15 * 8 if ordinary else np.take(SIZES, number // 2 % len(SIZES))
    signed = np.where(number % 2, -1, 1) * np.minimum(sizes, bound)
    logits = np.asarray(jnp.asarray(signed.reshape(shape), dtype))
    truth, seen, weight = (part.reshape(rows, size) for part in of_labels)
    if case.classes:
        labels = truth.astype(np.int64) % CLASSES
    else:
        labels = np.asarray(truth / 255 if case.soft and soft else truth % 2, np.float32)
    weights = np.take([1.0, 0.25, 0.0, 2.0], weight % 4) if weighted else np.ones((rows, size))
    return logits, labels, seen % 2 == 0, weights.astype(np.float32), dtype


def check(case: Case, logits, labels, where, weights, dtype) -> None:
    extras = case.further(np.where(where, labels, 0))
    inputs = {"where": where, "weights": weights, "extras": extras, "dtype": dtype}
    costs, slopes, others = run(case, logits, labels, **inputs)
    for array in (costs, slopes, *others.values()):
        assert np.all(np.isfinite(array.astype(np.float64))), f"{array} is not finite"
    np.testing.assert_array_equal(costs[~where.any(axis=1)], 0)
    if case.per_label:
        np.testing.assert_array_equal(slopes[~where].astype(np.float64), 0)
        dirty = logits.copy()
        dirty[~where] = np.nan
        again = run(case, dirty, np.where(where, labels, 7), **inputs)
        np.testing.assert_array_equal(costs, again[0])
        np.testing.assert_array_equal(slopes, again[1])
    # The formula sees the observed labels only, which one loss is not content with. A label of weight 0 is
    # deleted from sets, which is the matter of a law.
    known = case.name in FORMULAS and (case.name, "a_masked_label_is_a_deleted_label") not in EXCEPTIONS
    known &= bool(np.all(weights[where] > 0))
    if known and np.abs(logits.astype(np.float64)).max() <= EXACT_UP_TO:
        wanted = [
            float(formula_of(case, row, logits, labels, where, weights, extras)) if where[row].any() else 0.0
            for row in range(len(costs))
        ]
        np.testing.assert_allclose(costs, wanted, rtol=2e-5, atol=2e-6)


def formula_of(case: Case, row, logits, labels, where, weights, extras):
    kept = np.flatnonzero(where[row])
    own = case.pick(extras, kept, row)
    own = {e.name: own[e.name][row] if e.axes == "sample" else own[e.name] for e in case.extras}
    own = {
        name: numbers(np.float32(x) if jnp.issubdtype(x.dtype, jnp.floating) else x)
        for name, x in own.items()
    }
    s = logits[row][kept] if case.per_label else logits[row]
    s, y, w = (numbers(array.astype(np.float64)) for array in (s, labels[row][kept], weights[row][kept]))
    hyper = {name: np.float32(value) for name, value in case.settings()[0].items()}
    with mp.workdps(60):
        return FORMULAS[case.name](s, y, w, s, **{n: numbers(x) for n, x in hyper.items()}, **own)


@pytest.mark.parametrize(
    "name",
    # Three programs for each loss take minutes to compile: one loss in four by default.
    [pytest.param(name, marks=pytest.mark.slow if at % 4 else ()) for at, name in enumerate(LOSSES)],
)
def test_a_loss_is_finite_blind_to_what_is_masked_and_equal_to_its_formula(name):
    @settings(
        max_examples=200,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(samples(case(name)))
    def hold(drawn):
        check(case(name), *drawn)

    hold()
