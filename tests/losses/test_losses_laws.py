"""Every loss against every law, and every documented exception against the law that it breaks."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mlj.losses import LOSS_INFO, LOSSES, jeffreys_divergence, sigmoid_cross_entropy, softmax_cross_entropy
from mlj.testing import EXCEPTIONS, LAWS, Case, applies, case_of, half_precision_is_upcast, stays_finite
from mlj.testing.case import REACH
from mlj.testing.known import CASES


@functools.cache
def case(name: str) -> Case:
    return case_of(name)


LATER = ("half_precision_is_upcast", "hyper_parameters_are_traced", "samples_do_not_meet")
"""Laws that shared code keeps for all losses: other families than binary are tested with the slow ones."""


def later(law: str, name: str) -> tuple:
    return (pytest.mark.slow,) if law in LATER and LOSS_INFO[name].family != "binary" else ()


@pytest.mark.parametrize(
    ("law", "name"), [pytest.param(law, name, marks=later(law, name)) for law in LAWS for name in LOSSES]
)
def test_a_loss_keeps_the_law_unless_its_exception_says_why(law, name):
    if not applies(law, case(name)):
        return
    if (name, law) not in EXCEPTIONS:
        LAWS[law](case(name))
        return
    with pytest.raises(AssertionError):
        LAWS[law](case(name))


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.slow
@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16])
def test_half_precision_logits_give_finite_costs_and_slopes_in_their_own_dtype(name, dtype):
    stays_finite(case(name), dtype)
    half_precision_is_upcast(case(name), dtype)


@pytest.mark.slow
@pytest.mark.parametrize("name", LOSSES)
def test_double_precision_stays_double_and_finite(name):
    with jax.enable_x64(True):
        stays_finite(case(name), jnp.float64)


def test_every_exception_names_a_loss_a_law_and_a_reason():
    assert {loss for loss, _ in EXCEPTIONS} <= set(LOSSES)
    assert {law for _, law in EXCEPTIONS} <= set(LAWS)
    assert all(len(reason) > 20 for reason in EXCEPTIONS.values())


def test_every_loss_has_a_case_and_a_reach_that_the_laws_can_compute():
    assert set(CASES) == set(LOSSES)
    assert {case(name).reach for name in LOSSES} <= set(REACH)


def naive(s, y, *, weights=None, where=None):
    p = jax.nn.sigmoid(s)
    return -jnp.mean(y * jnp.log(p) + (1 - y) * jnp.log(1 - p), axis=-1)


def clipped(s, y, *, weights=None, where=None):
    p = jnp.clip(jax.nn.sigmoid(s), 1e-7, 1 - 1e-7)
    return -jnp.mean(y * jnp.log(p) + (1 - y) * jnp.log(1 - p), axis=-1)


def masked_by_hand(s, y, *, weights=None, where=None):
    terms = jnp.maximum(s, 0) - s * y + jnp.log1p(jnp.exp(-jnp.abs(s)))
    return jnp.mean(terms if where is None else where * terms, axis=-1)


def first_label_counts_twice(s, y, *, weights=None, where=None):
    return sigmoid_cross_entropy(s, y) + sigmoid_cross_entropy(s[..., :1], y[..., :1])


def batch_is_centred(s, y, *, weights=None, where=None):
    return softmax_cross_entropy(s, y) + jnp.mean(s) ** 2


def computed_in_half(s, y, *, weights=None, where=None):
    return sigmoid_cross_entropy(s, y).astype(s.dtype)


def weights_enter_the_divisor(s, y, *, weights=None, where=None):
    weights = jnp.ones_like(s) if weights is None else 2 * weights
    return jnp.sum(weights * jnp.square(s - y), axis=-1) / s.shape[-1]


def weights_are_ignored(s, y, *, weights=None, where=None):
    return sigmoid_cross_entropy(s, y, where=where)


def branches_on_its_hyper_parameter(s, y, *, eps, weights=None, where=None):
    return jeffreys_divergence(s, y, eps=eps if eps > 0 else 1e-7)


def hides_what_is_not_a_number(s, y, *, weights=None, where=None):
    return sigmoid_cross_entropy(jnp.nan_to_num(s), y)


def uses_a_power(s, y, *, weights=None, where=None):
    return jnp.mean((1 - jax.nn.sigmoid(s)) ** 0.5 * y, axis=-1)


_EVERYTHING = lambda k, n: True  # noqa: E731
_MEAN = lambda k, n, size: (1 / (k + n), 1 / (k + n))  # noqa: E731


@pytest.mark.parametrize(
    ("law", "loss"),
    [
        ("stays_finite", naive),
        ("stays_finite", uses_a_power),
        ("curves_are_finite", naive),
        ("right_infinite_logits_cost_nothing", naive),
        ("right_infinite_logits_teach_nothing", masked_by_hand),
        ("wrong_infinite_logits_cost_what_they_must", clipped),
        ("wrong_labels_are_pulled", clipped),
        ("a_logit_that_is_not_a_number_is_not_hidden", hides_what_is_not_a_number),
        ("samples_do_not_meet", batch_is_centred),
        ("a_masked_label_is_a_deleted_label", masked_by_hand),
        ("nothing_observed_teaches_nothing", masked_by_hand),
        ("label_order_does_not_matter", first_label_counts_twice),
        ("half_precision_is_upcast", computed_in_half),
        ("weight_one_changes_nothing", weights_enter_the_divisor),
        ("weight_zero_takes_the_influence_of_a_label", weights_are_ignored),
        ("hyper_parameters_are_traced", branches_on_its_hyper_parameter),
    ],
)
def test_a_law_catches_the_loss_that_breaks_it(law, loss):
    hyper = (("eps", (1e-7, 1e-3)),) if loss is branches_on_its_hyper_parameter else ()
    broken = Case(loss.__name__, loss, reach="max", hyper=hyper, diverges=_EVERYTHING, pull=_MEAN)
    with pytest.raises(AssertionError):
        LAWS[law](broken)


def test_a_user_can_check_a_loss_of_their_own():
    mine = Case("mine", sigmoid_cross_entropy, reach="max", diverges=_EVERYTHING, pull=_MEAN)
    for law in ("stays_finite", "wrong_infinite_logits_cost_what_they_must", "wrong_labels_are_pulled"):
        LAWS[law](mine)
    assert np.isfinite(mine.largest(jnp.float32))
