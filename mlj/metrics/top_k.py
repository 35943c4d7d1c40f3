"""What is among the k labels of highest score: precision, recall and nDCG.

Of equal scores the label of lowest index comes first, and a NaN score ranks below every number. ``k`` is
static. An unobserved label counts as deleted; where fewer than k labels are left, the missing places are
wrong ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
from jax import lax

from mlj._checks import is_bool, same_shape
from mlj.metrics.blocks import in_blocks, slices
from mlj.metrics.counts import ratio
from mlj.metrics.ordering import keys
from mlj.types import Array, Labels, Mask, PerSample, Scalar, Scores

PASSES = 32
"""Up to this k, as many passes for the next best are quicker than a sort."""


def best_labels(scores: Scores, where: Mask | None, k: int) -> Array:
    """Return the indices of the k highest scores, best first, ``[..., min(k, L)]``.

    Exact in two levels where labels are many: the k highest are in the k chunks of highest maximum, so that
    one pass finds the maxima and only these chunks are looked into.

    >>> best_labels(jnp.array([1.0, 3.0, 3.0]), None, 2).tolist()
    [1, 2]
    """
    if not isinstance(k, int) or k < 1:
        raise ValueError(f"top k: k must be an integer of at least 1, got {k!r}")
    leading, length = scores.shape[:-1], scores.shape[-1]
    k = min(k, length)
    count = math.prod(leading)
    arrays = tuple(None if x is None else x.reshape(count, length) for x in (scores, where))
    chunk = _chunk(length, k)
    if chunk == length:
        best = in_blocks(lambda start, size: _least(keys(*slices(arrays, start, size, 0)), k), count, length)
        return best.reshape(*leading, k)

    def block(start: Array | int, size: int) -> Array:
        def keys_at(places: Array) -> Array:
            rows = start + lax.broadcasted_iota(jnp.int32, places.shape, 0)
            return keys(*(None if x is None else x[rows, places] for x in arrays))

        minima = _chunk_minima(arrays, start, size, chunk)
        return _least_in_chunks(minima, keys_at, length, chunk, k)

    held = length // chunk + k * chunk
    return in_blocks(block, count, held).reshape(*leading, k)


def _least_in_chunks(
    minima: Array, keys_at: Callable[[Array], Array], length: int, chunk: int, k: int
) -> Array:
    """Return where the k least keys are, from the least of each whole chunk and the keys at given places."""
    # in ascending order, so that the lowest index comes first among equal keys
    chunks = jnp.sort(_least(minima, k), axis=-1)
    inside = chunks[..., None] * chunk + jnp.arange(chunk)[None, None, :]
    rest = jnp.arange(length // chunk * chunk, length)
    rest = jnp.broadcast_to(rest[None, :], (len(chunks), rest.size))
    places = jnp.concatenate([inside.reshape(len(chunks), k * chunk), rest], axis=-1)
    return jnp.take_along_axis(places, _least(keys_at(places), k), axis=-1)


def _chunk(length: int, k: int) -> int:
    """Return the size of chunks, a power of two up to 1024; all of the length if they would save little."""
    chunk = 1 << min(10, math.isqrt(length // max(1, k)).bit_length() + 1)
    return chunk if length >= 512 and length // chunk > 2 * k else length


def _chunk_minima(arrays: tuple[Array | None, ...], first: Array | int, count: int, chunk: int) -> Array:
    """Return the least key of each whole chunk, ``[count, L // chunk]``, of rows of scores and mask."""
    length = arrays[0].shape[1]
    whole = length // chunk

    def block(start: Array | int, size: int) -> Array:
        rows = slices(arrays, first + start, size, 0)
        found = keys(*(None if x is None else x[:, : whole * chunk].reshape(-1, chunk) for x in rows))
        # the window form, on a matrix of chunks: XLA spreads it over cores and vectorises it, a reduction not
        return _minima(found, chunk).reshape(size, whole)

    # block by block: keys of all scores at once would cost more to write down than to find
    return in_blocks(block, count, length)


def _minima(found: Array, chunk: int) -> Array:
    largest = jnp.array(jnp.iinfo(found.dtype).max, found.dtype)
    return lax.reduce_window(found, largest, lax.min, (1, chunk), (1, chunk), "VALID")


def _least(found: Array, k: int) -> Array:
    """Return where the k least keys of each row are, ascending; the lowest index first of equal ones."""
    length = found.shape[-1]
    chunk = _chunk(length, k)
    if chunk < length:

        def keys_at(places: Array) -> Array:
            return jnp.take_along_axis(found, places, axis=-1)

        return _least_in_chunks(_minima(found, chunk), keys_at, length, chunk, k)
    if not 0 < k <= PASSES:
        return lax.top_k(~found, k)[1]
    taken = jnp.iinfo(found.dtype).max
    # unobserved entries stay ahead of those that are taken
    found = jnp.minimum(found, taken - 1)
    places = lax.broadcasted_iota(jnp.int32, found.shape, 1)
    best = []
    for _ in range(k):
        best.append(jnp.argmin(found, axis=-1, keepdims=True))
        found = jnp.where(places == best[-1], taken, found)
    return jnp.concatenate(best, axis=-1)


def presence(labels: Labels, where: Mask | None, indices: Array) -> Array:
    """Return which of the labels ``indices`` are present and observed, float32."""
    truth = jnp.take_along_axis(labels, indices, axis=-1) > 0.5
    return (truth if where is None else truth & jnp.take_along_axis(where, indices, axis=-1)).astype(
        jnp.float32
    )


def present_number(labels: Labels, where: Mask | None) -> PerSample:
    """Return how many labels are present and observed, ``[...]``, float32."""
    leading, length = labels.shape[:-1], labels.shape[-1]
    count = math.prod(leading)
    arrays = tuple(None if x is None else x.reshape(count, length) for x in (labels, where))

    def block(start: Array | int, size: int) -> Array:
        truth, seen = slices(arrays, start, size, 0)
        present = (truth > 0.5) if seen is None else (truth > 0.5) & seen
        return jnp.sum(present, axis=-1, dtype=jnp.int32)

    return in_blocks(block, count, length).reshape(leading).astype(jnp.float32)


def _found(name: str, scores: Scores, labels: Labels, where: Mask | None, k: int) -> tuple[Array, Array]:
    """Return which of the top k labels are present, ``[..., k]``, and how many are, ``[...]``."""
    same_shape(name, scores=scores, labels=labels, where=where)
    is_bool(name, "where", where)
    return presence(labels, where, best_labels(scores, where, k)), present_number(labels, where)


def rank_discounts(k: int) -> Array:
    """Return ``1 / log2(1 + r)`` for the ranks r = 1..k."""
    return 1 / jnp.log2(jnp.arange(2, k + 2, dtype=jnp.float32))


def ideal_gain(positives: Array, k: int) -> Array:
    """Return the discounted gain at k of a perfect ranking of so many present labels."""
    gains = jnp.concatenate([jnp.zeros(1), jnp.cumsum(rank_discounts(k))])
    return gains[jnp.minimum(positives.astype(jnp.int32), k)]


def precision_of(top: Array, k: int) -> PerSample:
    """Return precision at k from the truth of the labels in descending order, ``[..., >= min(k, L)]``."""
    return jnp.sum(top[..., :k], axis=-1) / k


def recall_of(top: Array, positives: Array, k: int, empty: Scalar = 0.0) -> PerSample:
    """Return recall at k, see :func:`precision_of`."""
    return ratio(jnp.sum(top[..., :k], axis=-1), positives, empty)


def ndcg_of(top: Array, positives: Array, k: int, empty: Scalar = 0.0) -> PerSample:
    """Return nDCG at k, see :func:`precision_of`."""
    top = top[..., :k].astype(jnp.float32)
    places = top.shape[-1]
    return ratio(top @ rank_discounts(places), ideal_gain(positives, places), empty)


@partial(jax.jit, static_argnames="k")
def precision_at_k(scores: Scores, labels: Labels, *, k: int = 1, where: Mask | None = None) -> PerSample:
    r"""Share of the k labels of highest score that are present.

    .. math::
        \frac{1}{k} |\{\text{top } k\} \cap Y|

    The divisor is always k, so a sample with fewer than k present labels cannot reach 1.

    >>> precision_at_k(jnp.array([[3.0, 2.0, 1.0]]), jnp.array([[1, 0, 1]]), k=2).tolist()
    [0.5]
    """
    top, _ = _found("precision_at_k", scores, labels, where, k)
    return precision_of(top, k)


@partial(jax.jit, static_argnames="k")
def recall_at_k(
    scores: Scores, labels: Labels, *, k: int = 1, where: Mask | None = None, empty: Scalar = 0.0
) -> PerSample:
    r"""Share of the present labels that are among the k of highest score.

    .. math::
        \frac{1}{|Y|} |\{\text{top } k\} \cap Y|

    It is ``empty`` for a sample without present labels.

    >>> recall_at_k(jnp.array([[3.0, 2.0, 1.0]]), jnp.array([[1, 0, 1]]), k=2).tolist()
    [0.5]
    """
    top, positives = _found("recall_at_k", scores, labels, where, k)
    return recall_of(top, positives, k, empty)


@partial(jax.jit, static_argnames="k")
def ndcg_at_k(
    scores: Scores, labels: Labels, *, k: int = 1, where: Mask | None = None, empty: Scalar = 0.0
) -> PerSample:
    r"""Discounted gain of the k labels of highest score over that of a perfect ranking.

    .. math::
        \frac{\sum_{r=1}^{k} y_{(r)} / \log_2(1 + r)}{\sum_{r=1}^{\min(k, |Y|)} 1 / \log_2(1 + r)}

    with :math:`y_{(r)}` the truth of the label at rank r. It is ``empty`` for a sample without present
    labels. scikit-learn averages over the orders of tied scores; here the lowest index comes first.

    >>> ndcg_at_k(jnp.array([[3.0, 2.0, 1.0]]), jnp.array([[1, 0, 0]]), k=3).tolist()
    [1.0]
    """
    top, positives = _found("ndcg_at_k", scores, labels, where, k)
    return ndcg_of(top, positives, k, empty)
