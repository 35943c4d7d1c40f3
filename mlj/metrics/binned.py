"""Average precision and ROC-AUC in fixed memory, approximate: scores are counted in bins.

The exact ones in :mod:`mlj.metrics.curves` need all scores at once. Here scores within a bin count as tied,
so the error falls with the width of the bins and is 0 once every bin holds one value.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp

from mlj._checks import is_bool, same_shape
from mlj.metrics.counts import ratio
from mlj.metrics.curves import PerLabel, label_auc_of, label_precision_of
from mlj.metrics.tally import Tally
from mlj.types import Array, Labels, Mask, Scalar, Scores


class BinnedScores(NamedTuple):
    """Entries per label and bin of the score, int32; it adds over batches."""

    present: Array
    """``[L, bins]``."""
    absent: Array
    """``[L, bins]``."""


@partial(jax.jit, static_argnames="bins")
def bin_scores(
    scores: Scores,
    labels: Labels,
    *,
    where: Mask | None = None,
    low: Scalar = 0.0,
    high: Scalar = 1.0,
    bins: int = 1000,
) -> BinnedScores:
    """Count the entries of each label in bins of equal width between ``low`` and ``high``.

    Args:
        scores: Scores ``[N, L]``; those beyond the limits go to the outermost bins, NaN to the lowest.
        labels: Multi-hot truth ``[N, L]``.
        where: Observed entries ``[N, L]``, bool.
        low: Lower edge of the first bin.
        high: Upper edge of the last bin.
        bins: Number of bins; static.

    Returns:
        The :class:`BinnedScores`, summed over N.

    >>> bin_scores(jnp.array([[0.1], [0.9]]), jnp.array([[0], [1]]), bins=2).present.tolist()
    [[0, 1]]
    """
    same_shape("bin_scores", scores=scores, labels=labels, where=where)
    is_bool("bin_scores", "where", where)
    seen = jnp.ones(scores.shape, bool) if where is None else where
    share = (scores.astype(jnp.float32) - low) / (jnp.asarray(high, jnp.float32) - low)
    share = jnp.clip(jnp.where(jnp.isnan(share), 0, share), 0, 1)
    index = jnp.minimum((share * bins).astype(jnp.int32), bins - 1)
    columns = jnp.broadcast_to(jnp.arange(scores.shape[1])[None, :], scores.shape)
    present = (labels > 0.5) & seen
    empty = jnp.zeros((scores.shape[1], bins), jnp.int32)
    count = (empty.at[columns, index].add(x.astype(jnp.int32)) for x in (present, seen & ~present))
    return BinnedScores(*count)


def _tally(found: BinnedScores) -> Tally:
    """Take each bin for a run of tied scores, from the highest down."""
    hits, misses = (jnp.flip(x, axis=-1) for x in found)
    ranks = jnp.cumsum(hits + misses, axis=-1)
    hits_above = jnp.cumsum(hits, axis=-1)
    h, m, above = (x.astype(jnp.float32) for x in (hits, misses, ranks - hits_above))
    return Tally(
        present=hits_above[..., -1],
        absent=ranks[..., -1] - hits_above[..., -1],
        precision=jnp.sum(h * ratio(hits_above, ranks), axis=-1),
        above=jnp.sum(h * above, axis=-1),
        tied=jnp.sum(h * m, axis=-1),
        depth=jnp.max(jnp.where(hits > 0, ranks, 0), axis=-1),
    )


def binned_average_precision(found: BinnedScores) -> PerLabel:
    """Return approximate average precision per label, defined where a label has a positive.

    >>> state = bin_scores(jnp.array([[0.1], [0.9]]), jnp.array([[0], [1]]))
    >>> binned_average_precision(state).values.tolist()
    [1.0]
    """
    return label_precision_of(_tally(found))


def binned_roc_auc(found: BinnedScores) -> PerLabel:
    """Return approximate ROC-AUC per label, defined where a label has both classes.

    >>> state = bin_scores(jnp.array([[0.1], [0.9]]), jnp.array([[0], [1]]))
    >>> binned_roc_auc(state).values.tolist()
    [1.0]
    """
    return label_auc_of(_tally(found))
