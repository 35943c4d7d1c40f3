"""Every joint approach can be trained, scored and decoded by what it says of itself."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from mlj.approaches import APPROACHES, JOINT_APPROACHES, LOSS_APPROACHES, Task
from mlj.models import MLP, Trunk
from mlj.training import Batch

ROWS, LABELS = 24, 5


def _task() -> tuple[Task, Batch]:
    rng = np.random.default_rng(0)
    labels = (rng.random((ROWS, LABELS)) < 0.4).astype(np.float32)
    labels[:, 0] = np.maximum(labels[:, 0], labels[:, 4])  # label 0 lies above label 4
    task = Task(
        num_labels=LABELS,
        num_labelsets=len(np.unique(labels, axis=0)),
        largest_labelset=int(labels.sum(axis=1).max()),
        missing=False,
        make_trunk=lambda rngs: Trunk(6, hidden=(8,), rngs=rngs),
        make_model=lambda outputs, bias, rngs: MLP(6, outputs, hidden=(8,), output_bias=bias, rngs=rngs),
        above=((), (), (), (), (0,)),
    )
    return task, Batch(jnp.asarray(rng.normal(size=(ROWS, 6)), jnp.float32), jnp.asarray(labels))


def test_no_name_is_given_to_a_loss_and_to_a_joint_model():
    assert not set(LOSS_APPROACHES) & set(JOINT_APPROACHES)
    assert len(APPROACHES) == len(LOSS_APPROACHES) + len(JOINT_APPROACHES)


@pytest.mark.slow
def test_decoders_of_one_name_are_called_alike_and_none_takes_the_name_of_a_rule():
    from mlj.decision import DECISIONS

    task, _ = _task()
    titles: dict[str, set[str]] = {}
    for entry in JOINT_APPROACHES.values():
        for name, decoder in entry.make(task).decoders.items():
            titles.setdefault(name, set()).add(decoder.title)
    assert {name for name, found in titles.items() if len(found) > 1} == set()
    assert not set(titles) & set(DECISIONS)


@pytest.mark.slow
@pytest.mark.parametrize("name", JOINT_APPROACHES)
def test_a_joint_approach_learns_its_training_rows_and_decodes_labelsets(name):
    task, batch = _task()
    approach = JOINT_APPROACHES[name].make(task)
    labels = np.asarray(batch.labels)
    options = {key: jnp.asarray(value) for key, value in approach.options(labels, None).items()}
    fewer = approach.options(labels[: ROWS // 2], None)
    assert {key: value.shape for key, value in options.items()} == {k: v.shape for k, v in fewer.items()}
    params = approach.init(jax.random.key(0), options)
    value_and_grad = jax.jit(jax.value_and_grad(approach.objective))
    first, _ = value_and_grad(params, batch, jax.random.key(1), options)
    for step in range(60):
        value, slope = value_and_grad(params, batch, jax.random.key(step), options)
        params = jax.tree.map(lambda p, g: p - 0.1 * g / (1 + jnp.abs(g)), params, slope)
    assert np.isfinite(value)
    assert value < first
    scores, log_count = approach.scores(jax.jit(approach.predict)(params, batch.features, options))
    assert scores.shape == (ROWS, LABELS)
    assert np.isfinite(scores).all()
    assert log_count is None or log_count.shape == (ROWS,)
    for decoder in approach.decoders.values():
        decided = jax.jit(decoder.decide)(params, batch.features, options)
        assert decided.shape == (ROWS, LABELS)
        assert decided.dtype == bool


def test_a_module_without_hidden_layers_is_refused_by_name():
    from mlj.comparison.tasks import make_task

    sizes = {"num_labels": 3, "num_labelsets": 4, "largest_labelset": 2, "missing": False}
    task = make_task("linear", {"input_dropout": 0.0}, 6, sizes)
    with pytest.raises(ValueError, match="'linear' has no hidden layers"):
        task.make_trunk(nnx.Rngs(0))
