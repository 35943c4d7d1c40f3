"""Beam search: the most probable paths of a model that gives a step, and the sets that they stand for."""

from __future__ import annotations

from itertools import permutations
from math import factorial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from mlj.decision.autoregressive import Step, emitted_sets, follow, label_steps
from mlj.types import Array, PerSample, Predictions, Scalar

MOST_ORDERS = 5040
"""Orders of one set, 7!, that can be summed over in reasonable time."""


class Beam(NamedTuple):
    """The paths that were kept, the most probable first."""

    choices: Array
    """Int32 ``[..., K, T]``."""
    log_prob: Array
    """Log-probability of each path ``[..., K]``; -inf where there are fewer than K paths."""


def beam_search(step: Step, state: Any, *, width: int, length: int, start: int = 0) -> Beam:
    r"""Keep the K most probable beginnings at every step.

    At each step every kept beginning is prolonged by every choice, and of these :math:`K C` the K of largest

    .. math::
        \log p(c_1, \dots, c_t) = \sum_{i=1}^{t} \log p(c_i \mid c_1, \dots, c_{i-1})

    are kept. ``width = 1`` is :func:`mlj.decision.autoregressive.greedy`; a beam at least as wide as there
    are beginnings finds the exact best path. O(T K) steps of the model and O(T K C log(K C)) for choosing.

    Args:
        step: The model, see :mod:`mlj.decision.autoregressive`.
        state: Its state before the first step.
        width: K; static.
        length: Number of steps T; static.
        start: What the first step is given as the last choice.

    Raises:
        ValueError: If ``width`` is below 1.

    >>> coin = lambda state, last: (jnp.log(jnp.array([0.25, 0.75])), state)
    >>> beam_search(coin, (), width=2, length=2).choices.tolist()
    [[1, 1], [1, 0]]
    """
    if width < 1:
        raise ValueError(f"beam_search: width must be at least 1, got {width}")

    def one(carry, place):
        state, choices, totals = carry
        before = jax.lax.dynamic_index_in_dim(choices, jnp.maximum(place - 1, 0), axis=1, keepdims=False)
        logits, state = jax.vmap(step)(state, jnp.where(place == 0, start, before))
        longer = totals[:, None] + jax.nn.log_softmax(logits)
        totals, best = jax.lax.top_k(longer.ravel(), width)
        parents, chosen = best // longer.shape[1], best % longer.shape[1]
        state = jax.tree.map(lambda leaf: leaf[parents], state)
        choices = choices[parents].at[:, place].set(chosen.astype(jnp.int32))
        return (state, choices, totals), None

    states = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (width, *jnp.shape(leaf))), state)
    nothing = jnp.zeros((width, length), jnp.int32)
    # All but one of the beginnings are impossible at first, or they would be the same path K times.
    totals = jnp.where(jnp.arange(width) == 0, 0.0, -jnp.inf)
    (_, choices, totals), _ = jax.lax.scan(one, (states, nothing, totals), jnp.arange(length))
    return Beam(choices, totals)


def equal_sets_joined(sets: Predictions, log_prob: Array) -> Array:
    """Give every set the probability of all paths in the beam that stand for it.

    Sequences of the same labels in another order are one set. The sum runs over the paths that were kept, so
    it is a lower bound of :func:`set_log_prob`.

    Args:
        sets: Bool ``[K, L]``.
        log_prob: Log-probability of each path ``[K]``.

    Returns:
        Log-probability of each path's set ``[K]``.

    >>> sets = jnp.array([[True, False], [False, True], [True, False]])
    >>> [round(p, 4) for p in jnp.exp(equal_sets_joined(sets, jnp.log(jnp.array([0.3, 0.4, 0.2])))).tolist()]
    [0.5, 0.4, 0.5]
    """
    same = jnp.all(sets[:, None, :] == sets[None, :, :], axis=-1)
    terms = jnp.where(same, jnp.broadcast_to(log_prob[None, :], same.shape), -jnp.inf)
    return jax.nn.logsumexp(terms, axis=-1)


def best_set(beam: Beam, num_labels: int, *, length_power: Scalar = 0.0) -> Predictions:
    r"""Return the labels of the best path in a beam of label sequences, paths of equal sets taken together.

    The best has the largest :math:`\log p / n^a`, with n the number of symbols including the end and
    a = ``length_power``. ``a = 0`` is the most probable set of the beam; ``a = 1`` the mean over the symbols,
    which makes up for every further label costing something.

    Args:
        beam: Of sequences that end with ``num_labels``, for one sample.
        num_labels: L.
        length_power: a.

    Returns:
        Bool ``[L]``.

    >>> beam = Beam(jnp.array([[2, 2, 2], [0, 1, 2]]), jnp.log(jnp.array([0.5, 0.4])))
    >>> best_set(beam, 2).tolist(), best_set(beam, 2, length_power=1.0).tolist()
    ([False, False], [True, True])
    """
    sets = emitted_sets(beam.choices, num_labels)
    symbols = 1.0 + jnp.sum(sets, axis=-1)
    value = equal_sets_joined(sets, beam.log_prob) / symbols**length_power
    return sets[jnp.argmax(value)]


def set_log_prob(step: Step, state: Any, members: Array, *, num_labels: int, length: int) -> PerSample:
    r"""Return the log-probability that a label sequence model emits a set, in whatever order.

    .. math::
        \log p(Y) = \log \sum_{\pi} p(\pi_1, \dots, \pi_n, \mathrm{end})

    over all orders of the n labels of the set. The sum is exact and takes n! paths.

    Args:
        step: A model whose logits are ``[L + 1]``, as for :func:`mlj.decision.autoregressive.label_steps`.
        state: Its state before the first step.
        members: The numbers of the labels in the set, int32 ``[n]``.
        num_labels: L.
        length: Number of steps T; static.

    Returns:
        A scalar; -inf if the set has ``length`` labels or more, or a label twice.

    Raises:
        ValueError: If the set has too many labels to go through its orders.

    Reference:
        Qin, Li, Pavlu, Aslam, *Adapting RNN Sequence Prediction Model to Multi-label Set Prediction*, NAACL
        2019, equation 4, who approximate the sum; here it is exact.

    >>> flat = lambda state, last: (jnp.zeros(3), state)
    >>> round(jnp.exp(set_log_prob(flat, (), jnp.array([0, 1]), num_labels=2, length=3)).item(), 4)
    0.3333
    """
    size = members.shape[0]
    if size > 12 or factorial(size) > MOST_ORDERS:
        raise ValueError(f"set_log_prob: a set of {size} labels has more than {MOST_ORDERS} orders")
    if size >= length:
        return jnp.array(-jnp.inf)
    orders = np.array(list(permutations(range(size))), np.int32).reshape(factorial(size), size)
    sequences = jnp.pad(members[orders], ((0, 0), (0, length - size)), constant_values=num_labels)
    step, state = label_steps(step, state, num_labels=num_labels, length=length)
    paths = jax.vmap(lambda sequence: follow(step, state, sequence, start=num_labels))(sequences)
    return jax.nn.logsumexp(paths.log_prob)
