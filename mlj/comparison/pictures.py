"""Numbers behind the report's figures, for one contender."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from mlj.comparison.evaluate import Scored
from mlj.decision.platt import PlattScaling, platt_probs
from mlj.types import Array

BINS = 15
GRID = np.linspace(0.02, 0.98, 49)
"""Thresholds on the probability at which F1 is shown."""


@jax.jit
def _reliability(probs: Array, labels: Array, where: Array):
    place = jnp.clip((probs * BINS).astype(jnp.int32), 0, BINS - 1)
    place = jnp.where(where, place, BINS).ravel()

    def total(values: Array) -> Array:
        return jax.ops.segment_sum(values.ravel(), place, BINS + 1)[:BINS]

    return total(jnp.ones_like(probs)), total(probs), total(labels)


def reliability(probs: Array, scored: Scored) -> dict[str, list[float]]:
    """Return count, mean probability and share present in each of 15 equal bins, over all labels and seeds."""
    count, total, present = (np.asarray(x, np.float64) for x in _reliability(probs, scored.labels, scored.where))
    size = np.maximum(count, 1)
    return {"count": count.tolist(), "prob": (total / size).tolist(), "present": (present / size).tolist()}


@jax.jit
def _threshold_curve(probs: Array, labels: Array, where: Array):
    def at(threshold: Array):
        predicted, present = (probs > threshold) & where, (labels > 0) & where
        hits = jnp.sum(predicted & present, axis=1)
        sizes = jnp.sum(predicted, axis=1) + jnp.sum(present, axis=1)
        micro = 2 * jnp.sum(hits, axis=-1) / jnp.maximum(jnp.sum(sizes, axis=-1), 1)
        return micro, jnp.mean(2 * hits / jnp.maximum(sizes, 1), axis=-1)

    return jax.lax.map(at, jnp.asarray(GRID, probs.dtype))


def threshold_curve(probs: Array, scored: Scored) -> dict[str, list[float]]:
    """Return micro- and macro-F1 at each threshold of :data:`GRID`, the mean over the seeds."""
    micro, macro = _threshold_curve(probs, scored.labels, scored.where)
    return {
        "threshold": GRID.tolist(),
        "micro_f1": np.asarray(micro).mean(axis=1).tolist(),
        "macro_f1": np.asarray(macro).mean(axis=1).tolist(),
    }


def stacked_probs(platt: PlattScaling, scored: Scored) -> Array:
    """Return the probabilities ``[S, N, L]`` that each seed's logistic curve gives its scores."""
    return jax.vmap(platt_probs)(jax.tree.map(jnp.asarray, platt), scored.scores)
