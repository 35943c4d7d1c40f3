"""Losses of lists of present labels are the losses of multi-hot labels."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mlj import losses
from mlj.losses import LOSSES, from_indices, labels_from_indices
from mlj.testing import case_of

LABELS, MOST = 7, 4
LISTS = np.array([[0, 3, 7, 7], [6, 2, 1, 5], [-1, -1, -1, -1], [4, 4, 7, -1]], np.int32)
ROWS = np.zeros((4, LABELS), np.float32)
for row, listed in zip(ROWS, LISTS, strict=True):
    row[[j for j in listed if 0 <= j < LABELS]] = 1
LOGITS = np.random.default_rng(0).normal(scale=3, size=(4, LABELS)).astype(np.float32)

TAKES_MULTI_HOT = [
    name
    for name in LOSSES
    if case_of(name).form == "labels" and name not in ("zlpr_from_indices", "bernoulli_jeffreys")
]
QUICK = (
    "sigmoid_cross_entropy",
    "softmax_cross_entropy",
    "pairwise_hinge",
    "soft_f1",
    "softmax_count_poisson",
)


def _kept(name):
    return name if name in QUICK else pytest.param(name, marks=pytest.mark.slow)


@pytest.mark.parametrize("name", [_kept(name) for name in TAKES_MULTI_HOT])
def test_a_loss_of_lists_has_the_cost_and_slope_of_the_multi_hot_form(name):
    case = case_of(name)
    loss = partial(case.loss, **case.settings()[0])
    more = {extra.name: jnp.asarray(extra.make(ROWS)) for extra in case.extras}

    def of_lists(s):
        return jnp.sum(from_indices(loss)(s, jnp.asarray(LISTS), **more))

    def of_rows(s):
        return jnp.sum(loss(s, jnp.asarray(ROWS), **more))

    found, wanted = (jax.value_and_grad(f)(jnp.asarray(LOGITS)) for f in (of_lists, of_rows))
    np.testing.assert_allclose(found[0], wanted[0], rtol=1e-6)
    np.testing.assert_allclose(found[1], wanted[1], rtol=1e-6, atol=1e-7)


def test_lists_work_under_vmap_with_weights_and_a_mask():
    rng = np.random.default_rng(1)
    where, weights = rng.random((4, LABELS)) < 0.8, rng.random((4, LABELS)).astype(np.float32)
    listed = losses.mean_over_samples(from_indices(losses.sigmoid_cross_entropy))
    dense = losses.mean_over_samples(losses.sigmoid_cross_entropy)
    found = listed(LOGITS, LISTS, where=where, weights=weights)
    np.testing.assert_allclose(found, dense(LOGITS, ROWS, where=where, weights=weights), rtol=1e-6)


def test_a_number_that_is_neither_label_nor_padding_costs_nan_in_its_sample_alone():
    costs = from_indices(losses.lsep)(LOGITS[:3], jnp.array([[0, 8], [1, 7], [-2, 0]]))
    assert jnp.isnan(costs).tolist() == [True, False, True]


def test_a_pairwise_loss_of_lists_does_not_look_for_more_present_labels_than_a_list_holds():
    full = jnp.arange(3)[None]
    s = jnp.asarray(LOGITS[:1])
    told = partial(losses.pairwise_logistic, max_present=2)
    assert jnp.isnan(from_indices(told)(s, full)).all()
    assert jnp.isfinite(from_indices(losses.pairwise_logistic)(s, full)).all()
    text = jax.jit(from_indices(losses.pairwise_logistic)).lower(s, full).as_text()
    assert "while" not in text


def test_what_is_no_list_of_whole_numbers_is_refused():
    with pytest.raises(TypeError, match="indices must be integers, got float32"):
        labels_from_indices(jnp.zeros((2, 2)), 3)
    with pytest.raises(ValueError, match="got a single number"):
        labels_from_indices(jnp.int32(1), 3)
    with pytest.raises(ValueError, match=r"indices \[3, 2\] must be .* logits \[4, 7\]"):
        from_indices(losses.lsep)(LOGITS, jnp.zeros((3, 2), int))
