"""From chains of yes or no decisions to labelsets and marginals.

A classifier chain is a step of :mod:`mlj.decision.autoregressive` with two choices, absent (0) and present
(1), that takes the labels in a fixed order. Here are that order, and the marginals read off sampled paths.
The labelset of largest expected F1 over the paths is :func:`mlj.decision.labelsets.labelset_f1_optimal`.
"""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from mlj.decision.autoregressive import Path
from mlj.types import Array, Scores


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
