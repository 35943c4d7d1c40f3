"""A label distribution and a count on one representation, and the clipped linear count that dies."""

from __future__ import annotations

import chex
import jax
import jax.numpy as jnp
import pytest
from flax import nnx

from mlj import losses
from mlj.models import Trunk, as_function
from mlj.models.factorised import Factorised
from mlj.training import make_optimizer, start, step

LABELS, HEADS = 3, ("clipped_linear", "softplus", "exponential")


def make(units: int = 1, bias=None) -> Factorised:
    trunk = Trunk(4, hidden=(8,), dropout=0.0, input_dropout=0.0, rngs=nnx.Rngs(0))
    return Factorised(trunk, LABELS, num_count_units=units, output_bias=bias, rngs=nnx.Rngs(1))


def test_the_labels_come_first_and_the_count_units_after_them():
    bias = jnp.array([1.0, 2.0, 3.0, -4.0, -5.0])
    output = make(2, bias)(jnp.zeros((2, 4)))
    chex.assert_trees_all_equal(output.logits, jnp.tile(bias[None, :3], (2, 1)))
    chex.assert_trees_all_equal(output.count_units, jnp.tile(bias[None, 3:], (2, 1)))


def test_a_model_without_a_count_unit_and_a_bias_of_another_length_are_refused():
    with pytest.raises(ValueError, match="num_count_units must be at least 1, got 0"):
        make(0)
    with pytest.raises(ValueError, match=r"output_bias must be \[4\], got \[3\]"):
        make(1, jnp.zeros(3))


def test_the_slope_of_a_clipped_linear_count_is_exactly_zero_below_its_floor_and_no_other_is():
    units = jnp.array([-50.0, -3.0, -1e-6, 0.0099])
    labels = jnp.array([1, 1, 0])

    def cost(u, head):
        return losses.softmax_count_mse(jnp.zeros(3), labels, log_count=losses.COUNT_HEADS[head](u))

    def slope(head):
        return jax.vmap(jax.grad(lambda u: cost(u, head)))(units)

    chex.assert_trees_all_equal(slope("clipped_linear"), jnp.zeros(4))
    assert bool(jnp.all(slope("softplus") < 0))
    assert bool(jnp.all(slope("exponential") < 0))


@pytest.fixture(scope="module")
def after_a_hundred_steps():
    """Return the first head, and the last ones and counts of every count head started at the unit -3."""
    apply_fn, params = as_function(make(1, jnp.array([0.0, 0.0, 0.0, -3.0])))
    features = jax.random.normal(jax.random.key(2), (32, 4))
    labels = (features[:, :3] > -0.5).astype(jnp.float32)
    optimizer = make_optimizer("adam", 1e-2, 0.0)

    def log_counts(params, head):
        units = apply_fn(params, features).count_units[:, 0]
        return jnp.stack([losses.COUNT_HEADS[name](units) for name in HEADS])[head]

    @jax.jit
    @jax.vmap
    def learn(head):
        def objective(params, batch, key):
            logits = apply_fn(params, features).logits
            log_count = log_counts(params, head)
            return jnp.mean(losses.softmax_count_mse(logits, labels, log_count=log_count))

        def one(state, _):
            return step(state, None, None, objective=objective, optimizer=optimizer)[0], None

        end = jax.lax.scan(one, start(params, optimizer), None, length=100)[0]
        return end.params["head"], jnp.exp(log_counts(end.params, head))

    last, counts = learn(jnp.arange(len(HEADS)))
    return params["head"], last, counts, jnp.sum(labels, axis=-1)


def test_a_clipped_linear_count_that_starts_below_its_floor_never_moves(after_a_hundred_steps):
    first, last, counts, truth = after_a_hundred_steps
    dead = HEADS.index("clipped_linear")
    chex.assert_trees_all_equal(first["kernel"][:, LABELS], last["kernel"][dead, :, LABELS])
    chex.assert_trees_all_equal(first["bias"][LABELS], last["bias"][dead, LABELS])
    assert bool(jnp.all(first["bias"][:LABELS] != last["bias"][dead, :LABELS]))
    chex.assert_trees_all_close(counts[dead], jnp.full(32, 0.01))
    assert float(truth.mean()) > 1


@pytest.mark.parametrize("head", ["softplus", "exponential"])
def test_other_counts_that_start_as_low_grow_to_the_truth(head, after_a_hundred_steps):
    _, _, counts, truth = after_a_hundred_steps
    found = counts[HEADS.index(head)]
    assert float(found.mean()) > 0.8 * float(truth.mean())
    assert float(jnp.corrcoef(found, truth)[0, 1]) > 0.3
