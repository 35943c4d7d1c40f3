"""Predictions of many lanes: the same with a program that is kept and with one that is not."""

from __future__ import annotations

from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from mlj.training import predict_lanes, predict_lanes_once

MAPS = Path("/proc/self/maps")
PARAMS = jnp.arange(6.0).reshape(3, 2)
FEATURES = jnp.arange(8.0).reshape(4, 2)


def _predict(params, features, options):
    return {"scores": features @ params + options["shift"]}


@pytest.mark.parametrize("predictions", [predict_lanes, predict_lanes_once])
def test_each_lane_predicts_with_its_own_parameters_and_options(predictions):
    shift = jnp.array([0.0, 10.0, 20.0])
    found = predictions(_predict, PARAMS, FEATURES, {"shift": shift})["scores"]
    np.testing.assert_allclose(found, PARAMS @ FEATURES.T + shift[:, None])


@pytest.mark.skipif(not MAPS.exists(), reason="mappings are counted where Linux lists them")
def test_a_program_that_is_asked_once_leaves_no_mappings_behind():
    def mappings_after(calls):
        for call in range(calls):
            predict_lanes_once(lambda w, x, _, call=call: jnp.sort(x) @ w + call, PARAMS, FEATURES, {})
        return MAPS.read_bytes().count(b"\n")

    before = mappings_after(1)
    assert mappings_after(12) - before < 12
