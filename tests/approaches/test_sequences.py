"""Label sequences as approaches: orders, decoders, and labels that exclude each other."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from mlj.approaches import label_sequence as sequences
from mlj.approaches.approach import Task
from mlj.models import Trunk
from mlj.training import Batch

MAKERS = {
    "sequence_gru": sequences.make_sequence_gru,
    "sequence_gru_rare_first": sequences.make_sequence_gru_rare_first,
    "sequence_gru_learned_order": sequences.make_sequence_gru_learned_order,
    "sequence_gru_order_free": sequences.make_sequence_gru_order_free,
    "sequence_transformer": sequences.make_sequence_transformer,
}
LABELS = 3


def make_trunk(rngs):
    return Trunk(2, hidden=(4,), dropout=0.0, input_dropout=0.0, rngs=rngs)


def task(missing=False, largest=2):
    return Task(LABELS, 8, largest, missing, make_trunk, None)


def exclusive(number=64):
    """Return features that say nothing, and labels that are {0, 2}, {1} or none."""
    kind = np.arange(number) % 8
    first, second = (kind < 4).astype(np.float32), (kind == 4) | (kind == 5)
    return jnp.ones((number, 2)), np.stack([first, second, first], axis=1).astype(np.float32)


@pytest.mark.slow
@pytest.mark.parametrize("name", MAKERS)
def test_a_sequence_model_learns_labels_that_exclude_each_other_and_their_marginals(name):
    approach = MAKERS[name](task())
    features, labels = exclusive()
    options = approach.options(labels, None)
    params = approach.init(jax.random.key(1), options)
    optimizer, batch = optax.adam(0.01), Batch(features, jnp.asarray(labels))

    @jax.jit
    def run(params):
        def one(carry, key):
            params, state = carry
            cost, gradient = jax.value_and_grad(approach.objective)(params, batch, key, options)
            updates, state = optimizer.update(gradient, state)
            return (optax.apply_updates(params, updates), state), cost

        keys = jax.random.split(jax.random.key(0), 400)
        (params, _), costs = jax.lax.scan(one, (params, optimizer.init(params)), keys)
        decided = {
            key: decoder.decide(params, features[:2], options) for key, decoder in approach.decoders.items()
        }
        return costs, decided, approach.scores(approach.predict(params, features[:2], options))[0]

    costs, decided, scores = run(params)
    assert np.all(np.isfinite(costs))
    assert decided["greedy"].tolist() == decided["beam"].tolist() == [[True, False, True]] * 2
    # its expected F1 is .5, and that of all three labels .5 * 4 / 5 + .25 * 2 / 4
    assert decided["expected_f1_samples"].tolist() == [[True] * 3] * 2
    np.testing.assert_allclose(jax.nn.sigmoid(scores[0]), [0.5, 0.25, 0.5], atol=0.1)
    # the likelihood cannot be better than the entropy of the labelsets; what is dropped costs a little
    if "free" not in name:
        entropy = 0.5 * np.log(2) + 2 * 0.25 * np.log(4)
        assert entropy - 0.05 < costs[-50:].mean() < entropy + 0.35


def test_the_priority_of_frequent_labels_is_turned_for_rare_ones_first():
    labels = np.array([[0, 1, 1], [0, 1, 1], [1, 0, 1]], np.float32)
    frequent, rare = (MAKERS[name](task()) for name in ("sequence_gru", "sequence_gru_rare_first"))
    assert frequent.options(labels, None)["priority"].tolist() == [1, 2, 3]
    assert rare.options(labels, None)["priority"].tolist() == [-1, -2, -3]


def test_the_length_is_that_of_the_largest_labelset_and_its_end_and_is_bounded():
    assert sequences._Sequences("name", sequences.SequenceGRU, task(largest=2)).length == 3
    bounded = sequences._Sequences("name", sequences.SequenceGRU, task(largest=1000))
    assert bounded.length == sequences.MOST_LABELS + 1
    # with rows without labels alone, a label still has a chance, and its log-odds are finite
    assert sequences._Sequences("name", sequences.SequenceGRU, task(largest=0)).length == 2


def test_labels_before_a_step_are_all_told_in_the_first_pass_and_fewer_in_later_ones():
    approach = MAKERS["sequence_gru"](task())
    features, labels = exclusive(16)
    options = approach.options(labels, None) | {"prefix_dropout": np.float32(0.9)}
    params = jax.jit(approach.init)(jax.random.key(1), options)
    batch = Batch(features, jnp.asarray(labels))
    params = jax.tree.map(lambda leaf: 3 * leaf, params)
    objective = jax.jit(approach.objective)

    def costs(options):
        return [float(objective(params, batch, jax.random.key(seed), options)) for seed in (0, 1)]

    told = costs(options | {"prefix_dropout": np.float32(0)})
    assert told[0] == told[1]
    assert costs(approach.at_epoch(options, jnp.array(0))) == told
    late = costs(approach.at_epoch(options, jnp.array(sequences.PREFIX_RISE + 3)))
    assert late[0] != late[1]
    assert late == costs(options)


@pytest.mark.parametrize("name", MAKERS)
def test_label_sequences_refuse_missing_labels_by_name(name):
    with pytest.raises(ValueError, match=f"{name}: labels are missing"):
        MAKERS[name](task(missing=True))


def _objective_and_slope(name: str, labels: np.ndarray, monkeypatch, long: int):
    """Return cost and slope of a model whose longest labelset has 20 labels, as a flat array."""
    monkeypatch.setattr(sequences, "LONG", long)
    approach = MAKERS[name](Task(24, 8, 20, False, make_trunk, None))
    options = approach.options(labels.astype(np.uint8), None) | {"prefix_dropout": np.float32(0.3)}
    params = jax.tree.map(lambda leaf: 3 * leaf, approach.init(jax.random.key(1), options))
    batch = Batch(jnp.ones((len(labels), 2)), jnp.asarray(labels, jnp.float32))

    def cost(params):
        return approach.objective(params, batch, jax.random.key(2), options)

    value, slope = jax.jit(jax.value_and_grad(cost))(params)
    found = np.concatenate([np.ravel(leaf) for leaf in (value, *jax.tree.leaves(slope))])
    return found, str(jax.make_jaxpr(cost)(params))


@pytest.mark.parametrize("largest", [10, 11, 20])
@pytest.mark.parametrize("name", ["sequence_gru", "sequence_gru_order_free"])
def test_a_batch_that_ends_early_costs_what_it_does_when_all_steps_are_taken(name, largest, monkeypatch):
    labels = np.zeros((6, 24))
    for row, size in enumerate([largest, 0, 1, 4, 2, 3]):
        labels[row, row : row + size] = 1
    whole, taken = _objective_and_slope(name, labels, monkeypatch, long=1000)
    found, chosen = _objective_and_slope(name, labels, monkeypatch, long=1)
    np.testing.assert_allclose(found, whole, rtol=1e-4, atol=1e-6)
    assert "cond" in chosen
    assert "cond" not in taken


@pytest.mark.parametrize("largest", [10, 11])
def test_half_of_the_steps_are_taken_where_they_are_enough(largest):
    where = np.arange(21) <= np.array([[largest], [3]])
    assert sequences._half_or_all(lambda steps: jnp.float32(steps), jnp.asarray(where)) == (
        11 if largest == 10 else 21
    )
