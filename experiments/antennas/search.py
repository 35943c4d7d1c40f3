"""Ways to choose k of m antennas: all of them tried, one after the other, the strongest, or at random."""

from __future__ import annotations

from functools import partial
from itertools import combinations

import jax
import jax.numpy as jnp
import numpy as np

from antennas.channel import capacity_of_places, check_choice
from mlj.types import Array, Predictions, Scalar, Scores

_BLOCK = 256


@partial(jax.jit, static_argnames=("k", "block"))
def exhaustive(gram: Array, *, k: int, snr: Scalar, block: int = _BLOCK) -> Predictions:
    """Choose the k antennas of largest capacity by trying every subset; of equal ones the first counts.

    Args:
        gram: ``H^H H``, complex ``[N, m, m]``.
        k: Number of antennas to choose.
        snr: The signal-to-noise ratio, not in decibels.
        block: Subsets that are tried at a time; more take more memory.

    Returns:
        Multi-hot ``[N, m]``, bool.

    Raises:
        ValueError: If k is not in 1..m.
    """
    number, m = gram.shape[:2]
    subsets = np.array(list(combinations(range(m), check_choice(k, m))), np.int32)
    # The last subset is tried again to fill the last block, which changes no choice.
    padding = np.tile(subsets[-1:], (-len(subsets) % block, 1)) if len(subsets) > block else subsets[:0]
    blocks = np.concatenate([subsets, padding]).reshape(-1, min(block, len(subsets)), k)
    gram_last = jnp.moveaxis(gram, 0, -1)

    def try_block(best, places):
        values = capacity_of_places(gram_last, places, snr)
        first = jnp.argmax(values, axis=0)
        value = jnp.take_along_axis(values, first[None, :], axis=0)[0]
        better = value > best[0]
        chosen = jnp.where(better[:, None], places[first], best[1])
        return (jnp.where(better, value, best[0]), chosen), None

    start = jnp.full(number, -jnp.inf), jnp.zeros((number, k), jnp.int32)
    places = jax.lax.scan(try_block, start, jnp.asarray(blocks))[0][1]
    return _multi_hot(places, m)


@partial(jax.jit, static_argnames="k")
def greedy(gram: Array, *, k: int, snr: Scalar) -> Predictions:
    """Choose k antennas one after the other, each the one that adds most to those chosen before.

    With the power that each gets in the end, an antenna adds the log of its pivot in the elimination of
    ``I + snr / k H^H H``. Arguments, result and errors are those of :func:`exhaustive`.
    """
    number, m = gram.shape[:2]
    check_choice(k, m)

    def choose(_, state):
        left, chosen = state
        pivots = jnp.where(chosen, -jnp.inf, jnp.diagonal(left, axis1=1, axis2=2).real)
        best = jnp.argmax(pivots, axis=1)
        column = jnp.take_along_axis(left, best[:, None, None], axis=2)[..., 0]
        pivot = jnp.take_along_axis(pivots, best[:, None], axis=1)
        left = left - (column / pivot)[:, :, None] * column.conj()[:, None, :]
        return left, chosen | (jnp.arange(m)[None, :] == best[:, None])

    start = snr / k * gram + jnp.eye(m)[None], jnp.zeros((number, m), bool)
    return jax.lax.fori_loop(0, k, choose, start)[1]


@partial(jax.jit, static_argnames="k")
def strongest(gram: Array, *, k: int) -> Predictions:
    """Choose the k antennas whose channels have the largest norm; errors as of :func:`exhaustive`."""
    return largest(jnp.diagonal(gram, axis1=1, axis2=2).real, k=k)


@partial(jax.jit, static_argnames="k")
def largest(scores: Scores, *, k: int) -> Predictions:
    """Choose the k antennas of largest score ``[N, m]``; errors as of :func:`exhaustive`."""
    check_choice(k, scores.shape[-1])
    return _multi_hot(jax.lax.top_k(scores, k)[1], scores.shape[-1])


@partial(jax.jit, static_argnames=("number", "num_antennas", "k"))
def at_random(key: Array, *, number: int, num_antennas: int, k: int) -> Predictions:
    """Choose k antennas of each of ``number`` channels, every subset as likely as any other."""
    return largest(jax.random.uniform(key, (number, num_antennas)), k=k)


def _multi_hot(places: Array, size: int) -> Predictions:
    return jnp.any(places[..., None] == jnp.arange(size)[None, None, :], axis=1)
