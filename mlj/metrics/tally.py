"""What the runs of tied scores add up to, down the descending order, and the metrics that are read off it."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp

from mlj.metrics.counts import ratio
from mlj.types import Array


class Tally(NamedTuple):
    """Sums over the runs of tied scores of one descending order.

    ``h`` present and ``m`` absent entries are in a run; ``H`` and ``M`` are in it and above it.
    """

    present: Array
    """Observed present entries, int32."""
    absent: Array
    """Observed absent entries, int32."""
    precision: Array
    """Sum of ``h H / (H + M)``, float32."""
    above: Array
    """Sum of ``h M``: pairs whose absent entry is above the present one or ties with it, float32."""
    tied: Array
    """Sum of ``h m``: pairs that tie, float32."""
    depth: Array
    """``H + M`` of the last run with a present entry, int32; 0 if there is none."""


def average_precision_of(found: Tally) -> Array:
    """Return the average precision; 0 where nothing is present."""
    return ratio(found.precision, found.present)


def roc_auc_of(found: Tally) -> Array:
    """Return the area under the ROC curve; 0 where one class is missing."""
    wrong = ratio(ratio(found.above - 0.5 * found.tied, found.present), found.absent)
    return jnp.where(has_both(found), 1 - wrong, 0)


def has_both(found: Tally) -> Array:
    """Return whether an entry is present and another absent."""
    return (found.present > 0) & (found.absent > 0)
