"""Losses that are the same function at some setting, or that one inequality orders."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from mlj import losses

RNG = np.random.default_rng(0)
LOGITS = jnp.asarray(
    np.concatenate([2 * RNG.normal(size=(20, 6)), 40 * RNG.normal(size=(4, 6))]), jnp.float32
)
HARD = jnp.asarray(RNG.random((24, 6)) < 0.4, jnp.float32).at[0].set(0).at[1].set(1)
ONE = jnp.asarray(np.eye(6)[RNG.integers(0, 6, 24)], jnp.float32)
SOFT = jnp.asarray(RNG.random((24, 6)), jnp.float32)


def value_and_slope(loss, labels, logits=LOGITS):
    return jax.value_and_grad(lambda s: jnp.sum(jnp.sin(jnp.arange(24.0)) * loss(s, labels)))(logits), loss(
        logits, labels
    )


def assert_same(one, other, labels, rtol=1e-5, atol=2e-6):
    for left, right in zip(*(jax.tree.leaves(value_and_slope(loss, labels)) for loss in (one, other))):
        scale = float(jnp.max(jnp.abs(right)))
        np.testing.assert_allclose(left, right, rtol=rtol, atol=atol * max(scale, 1.0))


CROSS_ENTROPIES = {
    "focal": partial(losses.sigmoid_focal, gamma=0.0),
    "asymmetric": partial(losses.asymmetric_focal, gamma_pos=0.0, gamma_neg=0.0),
    "shifted": partial(losses.asymmetric_focal_shifted, gamma_pos=0.0, gamma_neg=0.0, shift=0.0),
    "poly1": partial(losses.poly1_sigmoid, epsilon=0.0),
    "optax": lambda s, y: optax.sigmoid_binary_cross_entropy(s, y).mean(-1),
}


@pytest.mark.parametrize("name", CROSS_ENTROPIES)
def test_a_neutral_setting_is_sigmoid_cross_entropy(name):
    assert_same(CROSS_ENTROPIES[name], losses.sigmoid_cross_entropy, HARD)
    assert_same(CROSS_ENTROPIES[name], losses.sigmoid_cross_entropy, SOFT)


@pytest.mark.parametrize("gamma", [0.5, 2.0, 4.0])
def test_equal_gammas_make_the_asymmetric_loss_the_focal_loss(gamma):
    focal = partial(losses.sigmoid_focal, gamma=gamma)
    assert_same(partial(losses.asymmetric_focal, gamma_pos=gamma, gamma_neg=gamma), focal, HARD)


def test_focal_loss_equals_that_of_optax_at_ordinary_logits():
    def theirs(s, y):
        return optax.sigmoid_focal_loss(s, y, alpha=0.3, gamma=2.0).mean(-1)

    ordinary = LOGITS[:20], HARD[:20]
    mine = losses.sigmoid_focal(*ordinary, gamma=2.0, alpha=0.3)
    np.testing.assert_allclose(mine, theirs(*ordinary), rtol=1e-5)


def test_a_traced_shift_of_zero_is_exactly_the_unshifted_loss():
    sweep = jax.jit(lambda shift: losses.asymmetric_focal_shifted(LOGITS, SOFT, shift=shift))
    one_ulp = 2.5e-7
    np.testing.assert_allclose(sweep(jnp.float32(0.0)), losses.asymmetric_focal(LOGITS, SOFT), rtol=one_ulp)
    slope = jax.jit(jax.grad(lambda s, shift: losses.asymmetric_focal_shifted(s, SOFT, shift=shift).sum()))
    wanted = jax.grad(lambda s: losses.asymmetric_focal(s, SOFT).sum())(LOGITS)
    np.testing.assert_allclose(slope(LOGITS, jnp.float32(0.0)), wanted, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", ["pick_all_labels", "n_pair", "lsep", "optax"])
def test_with_one_present_label_they_are_softmax_cross_entropy(name):
    loss = optax.softmax_cross_entropy if name == "optax" else losses.get_loss(name)
    assert_same(loss, losses.softmax_cross_entropy, ONE)


def test_pick_all_labels_is_softmax_cross_entropy_times_the_number_of_labels():
    def scaled(s, y):
        return y.sum(-1) * losses.softmax_cross_entropy(s, y)

    assert_same(losses.pick_all_labels, scaled, HARD)


def test_the_clipped_divergence_is_the_live_one_until_a_present_label_is_lost():
    ordinary = jnp.clip(LOGITS, -12, 40)
    for left, right in zip(
        *(
            jax.tree.leaves(value_and_slope(loss, HARD, ordinary))
            for loss in (losses.jeffreys_divergence, losses.clipped_jeffreys_divergence)
        )
    ):
        np.testing.assert_allclose(left, right, rtol=1e-5, atol=1e-5)


def test_lifted_structured_lies_below_its_softplus():
    lifted = losses.lifted_structured(LOGITS, HARD, margin=0.0)
    smooth = losses.lsep(LOGITS, HARD)
    assert np.all(lifted <= smooth + 1e-6)
    assert np.all(smooth <= lifted + np.log(2) + 1e-5)


def test_zlpr_is_the_pair_loss_with_one_more_label_at_zero_on_either_side():
    above = jax.nn.softplus(jax.nn.logsumexp(LOGITS, axis=-1, where=HARD == 0))
    below = jax.nn.softplus(jax.nn.logsumexp(-LOGITS, axis=-1, where=HARD == 1))
    np.testing.assert_allclose(losses.zlpr(LOGITS, HARD), above + below, rtol=1e-5)


def test_sparsemax_with_one_label_equals_optax_and_its_slope_is_sparse():
    scores = jnp.asarray([[0.3, -0.2], [2.0, -2.0], [-3.0, 0.5]])
    truth = jnp.asarray([1, 1, 1])
    mine = losses.sparsemax(jnp.stack([scores[:, 0], scores[:, 1]], -1), jnp.eye(2)[1 - truth])
    margin = scores[:, 0] - scores[:, 1]
    # With two labels the projection depends on the difference alone; optax's loss is that of one logit.
    theirs = optax.losses.sparsemax_loss(margin, truth)
    np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-6)
    slopes = jax.grad(lambda s: losses.sparsemax(s, HARD).sum())(LOGITS)
    assert np.mean(np.asarray(slopes) == 0) > 0.2


SHIFT_INVARIANT = [
    "softmax_cross_entropy",
    "pick_all_labels",
    "sparsemax",
    "lsep",
    "n_pair",
    "lifted_structured",
    "pairwise_hinge",
    "pairwise_logistic",
]


@pytest.mark.parametrize("name", SHIFT_INVARIANT)
def test_adding_a_constant_to_all_logits_changes_nothing(name):
    logits = jnp.round(LOGITS * 64) / 64
    loss = losses.get_loss(name)
    for shift in (100.0, -1024.0):
        for left, right in zip(
            *(jax.tree.leaves(value_and_slope(loss, HARD, s)) for s in (logits, logits + shift))
        ):
            scale = max(float(jnp.max(jnp.abs(right))), 1.0)
            np.testing.assert_allclose(left, right, rtol=1e-5, atol=1e-6 * scale)


@pytest.mark.parametrize("name", ["zlpr", "circle"])
def test_losses_with_a_fixed_zero_do_change_with_a_constant(name):
    loss = losses.get_loss(name)
    change = np.abs(loss(LOGITS, HARD) - loss(LOGITS + 2, HARD))
    assert np.mean(change > 1e-3) > 0.8


def test_the_slope_of_zlpr_is_below_two_for_any_number_of_labels():
    logits = 30 * jnp.asarray(RNG.normal(size=(3, 5000)), jnp.float32)
    labels = jnp.asarray(RNG.random((3, 5000)) < 0.1)
    slopes = jax.grad(lambda s: losses.zlpr(s, labels).sum())(logits)
    assert np.all(np.abs(slopes).sum(-1) < 2 + 1e-4)


@pytest.mark.parametrize("name", losses.COUNT_HEADS)
def test_a_count_head_returns_the_logarithm_of_its_count(name):
    u = np.array([-3.0, 0.005, 0.5, 2.0, 30.0])
    count = {"exponential": np.exp(u), "softplus": np.log1p(np.exp(u)), "clipped_linear": np.maximum(u, 0.01)}
    found = losses.COUNT_HEADS[name](jnp.asarray(u, jnp.float32))
    np.testing.assert_allclose(found, np.log(count[name]), rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "alive"), [("exponential", 1.0), ("softplus", 1.0), ("clipped_linear", 0.0)]
)
def test_only_the_clipped_count_head_dies_far_below_zero(name, alive):
    slope = jax.grad(losses.COUNT_HEADS[name])
    for u in (-30.0, -1e4, -1e30):
        assert float(slope(u)) == alive
    assert np.isfinite(float(slope(1e30)))


@pytest.mark.parametrize("name", ["softmax_count_mse", "softmax_count_poisson", "softmax_product_mse"])
def test_the_best_count_is_the_number_of_labels(name):
    loss = losses.get_loss(name)
    labels = HARD[2:20]
    logits = jnp.where(labels > 0, 0.0, -30.0)
    slope = jax.grad(lambda u: loss(logits, labels, log_count=u).sum())
    best = jnp.log(jnp.maximum(labels.sum(-1), 1e-20))
    np.testing.assert_allclose(slope(best), 0, atol=1e-5)
    assert np.all(slope(best + 0.1)[labels.sum(-1) > 0] > 0)
    assert np.all(slope(best - 0.1)[labels.sum(-1) > 0] < 0)
