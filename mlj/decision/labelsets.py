r"""Decisions from a distribution over the labelsets of a table.

The logits ``[..., K]`` give each of the K labelsets in ``labelsets [K, L]`` the probability
:math:`p_i = \mathrm{softmax}(s)_i`; -inf makes one impossible. Labelsets that are not in the table have
probability 0. An ensemble of m members, each with the labelsets of its own k labels, has logits
``[..., m, 2^k]`` and is decided by what its members say on average.
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp

from mlj._checks import as_logits, has_shape
from mlj.decision.k_best import top_k_sets
from mlj.types import Array, Logits, Predictions, Scores

MOST_LABELS = 16
"""Labels whose labelsets can be listed in reasonable time."""


def _read(function: str, logits: Logits, labelsets: Array) -> tuple[Array, Array]:
    logits, labelsets = as_logits(function, logits), jnp.asarray(labelsets)
    if labelsets.ndim != 2:
        raise ValueError(f"{function}: labelsets must be [K, L], got {list(labelsets.shape)}")
    has_shape(function, "logits", logits, (*logits.shape[:-1], labelsets.shape[0]))
    return logits, labelsets > 0


def _shares(logits: Array) -> Array:
    """Return ``exp(s - max s)``, of which the largest is 1; zeros if every labelset is impossible."""
    top = jnp.max(logits, axis=-1, keepdims=True)
    return jnp.where(logits == -jnp.inf, 0, jnp.exp(logits - jnp.where(top == -jnp.inf, 0, top)))


@jax.jit
def most_probable_labelset(logits: Logits, labelsets: Array) -> Predictions:
    """Predict the most probable labelset of the table; of equal ones the first wins.

    It aims at subset accuracy.

    Args:
        logits: Scores ``[..., K]`` of the labelsets.
        labelsets: The table ``[K, L]``, multi-hot.

    Returns:
        Predictions ``[..., L]``, bool.

    Raises:
        TypeError: If ``logits`` are not floating-point.
        ValueError: If shapes do not fit.

    >>> table = jnp.array([[1, 0, 0], [0, 1, 1]])
    >>> most_probable_labelset(jnp.array([[0.0, 1.0]]), table).tolist()
    [[False, True, True]]
    """
    logits, present = _read("most_probable_labelset", logits, labelsets)
    return present[jnp.argmax(logits, axis=-1)]


@jax.jit
def labelset_log_odds(logits: Logits, labelsets: Array) -> Scores:
    r"""Return the log-odds of each label under a distribution over labelsets.

    .. math::
        \log \sum_{i : t_{ij} = 1} p_i - \log \sum_{i : t_{ij} = 0} p_i

    Both are sums of positive numbers, so nothing cancels near 0 or 1. They are finite: odds below the
    smallest normal number, and those of a label that no possible labelset has, count as that number
    (log-odds of -87.3 in float32), and likewise from above.

    Args:
        logits: Scores ``[..., K]`` of the labelsets.
        labelsets: The table ``[K, L]``, multi-hot.

    Returns:
        Log-odds ``[..., L]``.

    Raises:
        TypeError: If ``logits`` are not floating-point.
        ValueError: If shapes do not fit.

    >>> table = jnp.array([[1, 0], [1, 1]])
    >>> labelset_log_odds(jnp.array([[0.0, 2.0]]), table).round(4).tolist()
    [[87.4635009765625, 2.0]]
    """
    logits, present = _read("labelset_log_odds", logits, labelsets)
    shares, tiny = _shares(logits), jnp.finfo(logits.dtype).tiny
    masses = (
        jnp.dot(shares, chosen.astype(logits.dtype), precision="highest") for chosen in (present, ~present)
    )
    on, off = (jnp.log(jnp.maximum(mass, tiny)) for mass in masses)
    return on - off


@partial(jax.jit, static_argnames="limit")
def labelset_f1_optimal(logits: Logits, labelsets: Array, *, limit: int = 64) -> Predictions:
    r"""Predict the labelset of largest expected F1 under a distribution over labelsets, whether in the table
    or not.

    With the sizes :math:`n_i` of the table's labelsets, the best labelset of k labels has the k largest

    .. math::
        \Delta_{jk} = \sum_{i=1}^{K} p_i \, t_{ij} \, \frac{2}{k + n_i},

    whose sum is its expected F1: labels depend on each other as the table says, and still L of the
    :math:`2^L` labelsets are enough to look at. A sample with no label present and none predicted counts 0,
    as in :func:`mlj.metrics.samples_f1`. It aims at samples-F1.

    Args:
        logits: Scores ``[..., K]`` of the labelsets.
        labelsets: The table ``[K, L]``, multi-hot.
        limit: Largest labelset considered, static; for ``L <= limit`` the decision is exact. The cost is
            that of ``min(L, limit)`` matrix products ``[B, K] @ [K, L]``.

    Returns:
        Predictions ``[..., L]``, bool; of equal sizes the smallest wins, of equal labels the lowest index. A
        sample whose only possible labelset is empty gets no label.

    Raises:
        TypeError: If ``logits`` are not floating-point.
        ValueError: If shapes do not fit.

    Reference:
        Dembczynski, Waegeman, Cheng, Hüllermeier, *An exact algorithm for F-measure maximization*, NIPS
        2011. There the sums over sizes are estimated by a model each; here they are those of the table.

    >>> table = jnp.array([[1, 0, 0], [0, 1, 0]])
    >>> labelset_f1_optimal(jnp.array([[0.0, 0.1]]), table).tolist()
    [[True, True, False]]
    """
    logits, present = _read("labelset_f1_optimal", logits, labelsets)
    shares, table = _shares(logits), present.astype(logits.dtype)
    sizes = jnp.sum(table, axis=-1)

    def look_at(best: tuple[Array, Array], k: Array) -> tuple[tuple[Array, Array], None]:
        gain = jnp.dot(shares * jnp.broadcast_to(2 / (k + sizes), shares.shape), table, precision="highest")
        chosen = top_k_sets(gain, jnp.full(gain.shape[:-1], k))
        value = jnp.sum(jnp.where(chosen, gain, 0), axis=-1)
        better = value > best[0]
        return (jnp.where(better, value, best[0]), jnp.where(better[..., None], chosen, best[1])), None

    leading = logits.shape[:-1]
    nothing = (jnp.zeros(leading, logits.dtype), jnp.zeros((*leading, table.shape[1]), bool))
    return jax.lax.scan(look_at, nothing, jnp.arange(1, min(limit, table.shape[1]) + 1))[0][1]


def all_labelsets(num_labels: int) -> Predictions:
    """Return every labelset, bool ``[2^L, L]``; label j is bit j of the row's number.

    Raises:
        ValueError: If there are too many.

    >>> all_labelsets(2).tolist()
    [[False, False], [True, False], [False, True], [True, True]]
    """
    if num_labels > MOST_LABELS:
        raise ValueError(f"all_labelsets: at most {MOST_LABELS} labels can be enumerated, got {num_labels}")
    return (jnp.arange(2**num_labels)[:, None] >> jnp.arange(num_labels)[None, :]) % 2 == 1


def mean_of_members(values: Array, members: Array, num_labels: int) -> Array:
    """Return the mean over the members that have a label of what they say of it.

    Args:
        values: ``[..., m, k]``, one for each label of each member.
        members: Label numbers ``[m, k]``; L where a member has no further label.
        num_labels: Number of labels L; static.

    Returns:
        ``[..., L]``; 0 for a label that no member has.

    >>> mean_of_members(jnp.array([[1.0, 0.0], [2.0, 9.0]]), jnp.array([[0, 1], [0, 2]]), 2).tolist()
    [1.5, 0.0]
    """
    belongs = jax.nn.one_hot(members.reshape(-1), num_labels, dtype=values.dtype)
    total = jnp.dot(values.reshape(*values.shape[:-2], -1), belongs, precision="highest")
    return total / jnp.broadcast_to(jnp.maximum(jnp.sum(belongs, axis=0), 1), total.shape)


@partial(jax.jit, static_argnames="num_labels")
def mean_log_odds(logits: Logits, members: Array, num_labels: int) -> Scores:
    """Return the log-odds of the mean of the members' probabilities of each label.

    Args:
        logits: Scores ``[..., m, 2^k]`` of the members' labelsets; -inf for impossible ones.
        members: Label numbers ``[m, k]``.
        num_labels: Number of labels L; static.

    Returns:
        ``[..., L]``, finite.

    >>> mean_log_odds(jnp.zeros((1, 2)), jnp.array([[0]]), 1).tolist()
    [0.0]
    """
    odds = labelset_log_odds(logits, all_labelsets(members.shape[-1]))
    on, off = (mean_of_members(jax.nn.sigmoid(sign * odds), members, num_labels) for sign in (1, -1))
    tiny = jnp.finfo(odds.dtype).tiny
    return jnp.log(jnp.maximum(on, tiny)) - jnp.log(jnp.maximum(off, tiny))


@partial(jax.jit, static_argnames="num_labels")
def majority_of_members(logits: Logits, members: Array, num_labels: int) -> Predictions:
    """Predict every label that more than half of the members with it have in their most probable labelset.

    If no two members share a label this is the most probable labelset of their product.

    Args:
        logits: Scores ``[..., m, 2^k]`` of the members' labelsets.
        members: Label numbers ``[m, k]``.
        num_labels: Number of labels L; static.

    Returns:
        Predictions ``[..., L]``, bool.

    >>> majority_of_members(jnp.array([[0.0, 1.0]]), jnp.array([[0]]), 1).tolist()
    [True]
    """
    votes = most_probable_labelset(logits, all_labelsets(members.shape[-1]))
    return mean_of_members(votes.astype(logits.dtype), members, num_labels) > 0.5
