"""What an objective is told can change from pass to pass, and only where a problem asks for it."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from mlj.training import Batch, Lane, Plan, Problem, Sweep, stack_lanes


def _found(at_epoch):
    problem = Problem(
        init=lambda key, options: jnp.zeros(()),
        objective=lambda w, batch, key, options: 0 * w + options["level"],
        predict=lambda w, features, options: features * options["level"],
        criterion=lambda outputs, labels, where: jnp.mean(outputs),
        at_epoch=at_epoch,
    )
    lane = Lane(0, 0.1, 0.0, np.arange(6), 6, np.arange(6), 4, False, {"level": np.float32(3)})
    data = Batch(jnp.ones((6, 1)), jnp.ones((6, 1)))
    return Sweep(problem, Plan(batch_size=2, max_epochs=4, optimizer="sgd"), data)(stack_lanes([lane]))


def test_the_objective_of_each_pass_sees_the_options_of_that_pass():
    found = _found(lambda options, epoch: {"level": options["level"] * epoch})
    assert found.train_curve[0].tolist() == [0, 3, 6, 9]
    assert _found(None).train_curve[0].tolist() == [3] * 4


def test_predictions_see_the_options_of_the_lane():
    found = _found(lambda options, epoch: {"level": options["level"] * epoch})
    assert found.validation_curve[0].tolist() == [3] * 4
