"""From chains of yes or no decisions to labelsets and marginals.

A classifier chain is a step of :mod:`mlj.decision.autoregressive` with two choices, absent (0) and present
(1), that takes the labels in a fixed order. Here are that order, what is read off sampled paths, and the
labelset of largest expected F1 of any weighted labelsets, drawn from a model or listed by it.
"""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from mlj._checks import has_shape, is_bool
from mlj.decision.autoregressive import Path
from mlj.decision.k_best import top_k_sets
from mlj.types import Array, Predictions, Scalar, Scores


def check_order(order: Sequence[int] | np.ndarray, num_labels: int) -> np.ndarray:
    """Return a chain's order as int32 ``[L]`` if it has every label once.

    Args:
        order: The label number at each place.
        num_labels: L.

    Raises:
        TypeError: If the order is not of integers.
        ValueError: If it has another length, an unknown label or a label twice.

    >>> check_order([2, 0, 2], 3)
    Traceback (most recent call last):
        ...
    ValueError: chain order: label 2 stands at places 0 and 2; the order must be a permutation of 0 to 2
    """
    order = np.asarray(order)
    wanted = f"the order must be a permutation of 0 to {num_labels - 1}"
    if not np.issubdtype(order.dtype, np.integer):
        raise TypeError(f"chain order: must be integers, got {order.dtype}; {wanted}")
    if order.shape != (num_labels,):
        raise ValueError(f"chain order: must be [{num_labels}], got {list(order.shape)}; {wanted}")
    for place in np.flatnonzero((order < 0) | (order >= num_labels)):
        raise ValueError(f"chain order: unknown label {order[place]} at place {place}; {wanted}")
    for label in np.flatnonzero(np.bincount(order, minlength=num_labels) > 1):
        first, second = np.flatnonzero(order == label)[:2]
        raise ValueError(f"chain order: label {label} stands at places {first} and {second}; {wanted}")
    return order.astype(np.int32)


def in_label_order(values: Array, order: Array) -> Array:
    """Put what stands in a chain's order, ``[..., L]``, into the order of the labels.

    >>> in_label_order(jnp.array([10, 20, 30]), jnp.array([2, 0, 1])).tolist()
    [20, 30, 10]
    """
    return jnp.take(values, jnp.argsort(order), axis=-1)


def marginal_log_odds(paths: Path, orders: Array) -> Scores:
    r"""Estimate the log-odds of every label from sampled paths of chains in several orders.

    .. math::
        \log \frac{\sum_n p(y_j = 1 \mid y^{(n)}_{<j})}{\sum_n p(y_j = 0 \mid y^{(n)}_{<j})}

    over the paths of all orders. The mean is of conditional probabilities, not of the drawn labels: it is
    unbiased as theirs is, has less variance, and is never 0 or 1. The first label of an order is exact.

    Args:
        paths: Sampled paths, ``choices [Q, S, L]`` and ``log_probs [Q, S, L, 2]``.
        orders: The label at each place of each order, ``[Q, L]``.

    Returns:
        Log-odds ``[L]``, in the order of the labels.

    >>> paths = Path(jnp.zeros((1, 1, 2), int), jnp.log(jnp.array([[[[0.5, 0.5], [0.2, 0.8]]]])))
    >>> log_odds = marginal_log_odds(paths, jnp.array([[1, 0]]))
    >>> [round(p, 2) for p in jax.nn.sigmoid(log_odds).tolist()]
    [0.8, 0.5]
    """
    by_label = jax.vmap(in_label_order)(jnp.moveaxis(paths.log_probs, -1, 1), orders)
    total = jax.nn.logsumexp(by_label, axis=(0, 2))
    return total[1] - total[0]


def expected_f1_set(sets: Predictions, *, weights: Array | None = None, empty: Scalar = 0.0) -> Predictions:
    r"""Return the labelset of largest expected F1 when the truth is one of the given labelsets.

    .. math::
        \arg\max_h \sum_n w_n \frac{2 |h \cap y_n|}{|h| + |y_n|}

    For each size k the gain of label j is :math:`\sum_n w_n y_{nj}\, 2 / (k + |y_n|)`, whatever the other
    labels, so that the k largest gains are the best set of that size: the maximum over all labelsets is
    exact, in :math:`O(N L^2 + L^2 \log L)`. The labels may depend on each other in any way; labelsets drawn
    from a model stand for its distribution.

    Args:
        sets: Labelsets ``[N, L]`` of one sample, bool.
        weights: Their weights ``[N]``, all 1 if None.
        empty: F1 of predicting nothing where nothing is present.

    Returns:
        Bool ``[L]``; of equal sizes the smallest wins, of equal gains the lowest label.

    Raises:
        TypeError: If ``sets`` is not bool.
        ValueError: If ``weights`` are not ``[N]``.

    Reference:
        Dembczynski, Waegeman, Cheng, Hüllermeier, *An Exact Algorithm for F-Measure Maximization*, NIPS 2011.

    >>> expected_f1_set(jnp.array([[True, True, False], [True, False, True], [True, True, False]])).tolist()
    [True, True, False]
    """
    is_bool("expected_f1_set", "sets", sets)
    number, size = sets.shape
    weights = jnp.ones(number) if weights is None else weights
    has_shape("expected_f1_set", "weights", weights, (number,))
    present = sets.astype(weights.dtype)
    count = jnp.sum(present, axis=-1)
    sizes = jnp.arange(1, size + 1, dtype=weights.dtype)
    share = 2 * weights[:, None] / (count[:, None] + sizes[None, :])
    gains = jnp.dot(share.T, present, precision="highest")
    best = jnp.cumsum(jnp.flip(jnp.sort(gains, axis=-1), axis=-1), axis=-1)
    nothing = empty * jnp.sum(jnp.where(count == 0, weights, 0))
    chosen = jnp.argmax(jnp.append(nothing, jnp.diagonal(best)))
    return top_k_sets(gains[jnp.maximum(chosen - 1, 0)], chosen.astype(jnp.int32))
