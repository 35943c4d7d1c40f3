"""The k best labels of every sample, with k fixed or chosen on validation data (RCut)."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from mlj._checks import lookup
from mlj.metrics.averages import fbeta
from mlj.metrics.counts import ratio
from mlj.metrics.ordering import keys
from mlj.types import Array, Labels, Mask, Predictions, Scalar, Scores


@jax.jit
def top_k_sets(scores: Scores, k: Array) -> Predictions:
    """Mark the k highest scores of each row; of equal scores the lowest index wins, NaN comes last.

    Args:
        scores: Scores ``[..., L]``.
        k: Int32 ``[...]``, one for each row, clipped to 0..L.

    Returns:
        Bool ``[..., L]``.

    >>> top_k_sets(jnp.array([[3.0, 3.0, 1.0], [0.0, 1.0, 2.0]]), jnp.array([1, 2])).tolist()
    [[True, False, False], [False, True, True]]
    """
    order = keys(scores)
    k = jnp.clip(k, 0, scores.shape[-1])[..., None]
    # one integer sort finds the last key that is let in; ties with it are then counted from the left
    last = jnp.take_along_axis(jnp.sort(order, axis=-1), jnp.maximum(k - 1, 0), axis=-1)
    better, tied = order < last, order == last
    room = k - jnp.sum(better, axis=-1, keepdims=True, dtype=jnp.int32)
    return (k > 0) & (better | (tied & (jnp.cumsum(tied, axis=-1) <= room)))


def ranks(scores: Scores) -> Array:
    """Return the place of each score in its row, 0 for the highest, ties by index, int32 ``[N, L]``.

    >>> ranks(jnp.array([[1.0, 3.0, 3.0]])).tolist()
    [[2, 0, 1]]
    """
    order = jnp.argsort(keys(scores), axis=-1, stable=True)
    places = jnp.broadcast_to(jnp.arange(scores.shape[-1], dtype=jnp.int32), scores.shape)
    return jnp.put_along_axis(jnp.zeros_like(places), order, places, axis=-1, inplace=False)


def _by_rank(places: Array, entries: Array, limit: int) -> Array:
    """Return for each row of ``places`` how many ``entries`` have rank below 1, 2, ..., limit."""
    rows = jnp.broadcast_to(jnp.arange(places.shape[0])[:, None], places.shape)
    table = jnp.zeros((places.shape[0], limit), jnp.int32)
    table = table.at[rows, places].add(entries.astype(jnp.int32), mode="drop")
    return jnp.cumsum(table, axis=-1)


def _group_f(places: Array, present: Array, seen: Array, limit: int, beta: Scalar) -> tuple[Array, Array]:
    """Return the F of each row for every k ``[rows, limit]``, and which rows have something observed."""
    hits, predicted = (_by_rank(places, entries, limit).astype(jnp.float32) for entries in (present, seen))
    total = jnp.sum(present, axis=-1, keepdims=True).astype(jnp.float32)
    return fbeta(hits, predicted - hits, total - hits, beta=beta), jnp.any(seen, axis=-1)


def _micro(places, present, seen, limit, beta):
    flat = (x.reshape(1, -1) for x in (places, present, seen))
    return _group_f(*flat, limit, beta)[0][0]


def _samples(places, present, seen, limit, beta):
    values, kept = _group_f(places, present, seen, limit, beta)
    return ratio(jnp.sum(values, axis=0), jnp.sum(kept))


def _macro(places, present, seen, limit, beta):
    return _samples(places.T, present.T, seen.T, limit, beta)


_AVERAGES = {"micro": _micro, "macro": _macro, "samples": _samples}


def f_of_every_k(
    scores: Scores, labels: Labels, where: Mask | None, average: str, beta: Scalar, limit: int
) -> Array:
    """Return the F measure of predicting the top k labels, for k = 1..limit, ``[limit]``.

    Ranks run over all labels, observed or not, for so they do when the rule is applied; the counts are of
    observed entries only.
    """
    seen = jnp.ones(scores.shape, bool) if where is None else where
    present = (labels > 0.5) & seen
    return lookup("average", average, _AVERAGES)(ranks(scores), present, seen, limit, beta)
