"""The experiment on questions of several classes: its answers are read from the outputs as they should be."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest


@pytest.fixture(scope="module")
def experiment():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parents[2] / "experiments"))
        yield import_module("multi_output")


@pytest.fixture(scope="module")
def answers():
    """Return the true classes of two canvases, and outputs that miss one of them."""
    classes = np.array([[0, 10, 3, 3], [10, 10, 10, 7]])
    labels = np.eye(11, dtype=np.uint8)[classes].reshape(2, -1)
    outputs = np.where(labels, 2.0, -2.0).astype(np.float32)
    outputs[1, 33 + 5] = 3.0
    return labels, jnp.asarray(outputs)


def test_each_way_answers_every_question_once_or_as_often_as_it_is_sure(experiment, answers):
    labels, outputs = answers
    ways = experiment._ways()
    largest, above = ways["44 sigmoids"].decisions.values()
    assert np.asarray(largest(outputs)).reshape(2, 4, 11).sum(axis=2).tolist() == [[1] * 4] * 2
    assert np.asarray(above(outputs)).sum(axis=1).tolist() == [4, 5]
    for decide in (largest, above):
        found = experiment._metrics([decide(outputs)], labels)
        assert found == {"all four right": [0.5], "each right": [0.875]}


def test_both_ways_are_taught_by_the_same_labels(experiment, answers):
    labels, outputs = answers
    ways = experiment._ways()
    heads, sigmoids = (ways[name].objective for name in ("4 softmax heads", "44 sigmoids"))
    wrong = jnp.roll(outputs, 1, axis=1)
    truth = jnp.asarray(labels, jnp.float32)
    assert heads(outputs, truth) < heads(wrong, truth)
    assert sigmoids(outputs, truth) < sigmoids(wrong, truth)
