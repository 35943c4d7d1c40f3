"""One step of the network in float64 NumPy, and what a run has to agree with."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from networks.case import LEARNING_RATE, Case, Weights


def step(case: Case) -> tuple[float, Weights]:
    """Return the mean cross-entropy of the first batch, and the parameters after one step of Adam."""
    w = Weights(*(np.asarray(part, np.float64) for part in case.weights()))
    x, y = (np.asarray(part, np.float64) for part in case.batch)
    before = x @ w.hidden + w.hidden_bias
    active = np.maximum(before, 0)
    logits = active @ w.head + w.head_bias
    objective = np.mean(np.logaddexp(0, logits) - y * logits)
    slope = (1 / (1 + np.exp(-logits)) - y) / y.size
    back = (slope @ w.head.T) * (before > 0)
    gradient = Weights(x.T @ back, back.sum(0), active.T @ slope, slope.sum(0))
    # In the first step of Adam both running means, freed of their bias, are the gradient and its square.
    moved = (p - LEARNING_RATE * g / (np.abs(g) + 1e-8) for p, g in zip(w, gradient))
    return float(objective), Weights(*moved)


def check_step(name: str, objective: float, weights: Weights, case: Case) -> None:
    """Raise ``AssertionError`` unless a step agrees with that of NumPy.

    Adam's first step has nearly one length whatever the slope, so its error is bounded by a hundredth of it.
    """
    wanted, after = step(case)
    np.testing.assert_allclose(objective, wanted, rtol=2e-6, err_msg=f"{name}: objective of one step")
    for field, got, right in zip(Weights._fields, weights, after):
        np.testing.assert_allclose(
            got, right, rtol=0, atol=0.01 * LEARNING_RATE, err_msg=f"{name}: {field} after one step"
        )


def check_ends(losses: Mapping[str, float]) -> None:
    """Raise ``AssertionError`` unless all training losses agree to a twentieth."""
    values = list(losses.values())
    if max(values) > 1.05 * min(values):
        raise AssertionError(f"the contenders reach different training losses: {losses}")
