r"""Labelsets drawn in two steps, their size first: marginals and the most probable labelset, exactly.

With label logits :math:`s`, sizes :math:`k = 0, \ldots, K` and the elementary symmetric polynomial
:math:`e_k`, a sum over all sets of k labels,

.. math::
    P(y) = P(k)\, \frac{e^{s \cdot y}}{e_k(e^{s_1}, \ldots, e^{s_L})}, \qquad k = \sum_j y_j .

It is a distribution over all labelsets of at most K labels, fitted by
:func:`mlj.losses.conditional_bernoulli` and :func:`mlj.losses.categorical_count` together.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from mlj._checks import as_logits
from mlj.decision.k_best import top_k_sets
from mlj.types import Array, Logits, Predictions, Scores


@jax.jit
def sized_subset_log_odds(logits: Logits, size_logits: Array) -> Scores:
    r"""Return the log-odds that each label is present, whatever the size of the labelset.

    .. math::
        \log \frac{\mu_j}{1 - \mu_j}, \qquad \mu_j = \sum_{k=0}^{K} P(k)\, \mu_j(k),

    with the marginals :math:`\mu_j(k)` given the size of :func:`mlj.losses.k_subset_marginals`. All sizes
    share one pass over the labels and one back, O(L K), and presence and absence are summed apart, so that
    both tails keep their relative accuracy.

    Args:
        logits: Label logits ``[..., L]``.
        size_logits: Logits ``[..., K + 1]`` of the sizes 0 to K before the softmax, with ``1 <= K <= L``.

    Returns:
        Log-odds ``[..., L]``, float32 or wider.

    Raises:
        TypeError: If an argument is not floating-point.
        ValueError: If the leading axes differ or K is not from 1 to L.

    >>> log_odds = sized_subset_log_odds(jnp.zeros(4), jnp.log(jnp.array([1e-9, 1.0, 1e-9])))
    >>> [round(p, 3) for p in jax.nn.sigmoid(log_odds).tolist()]
    [0.25, 0.25, 0.25, 0.25]
    """
    logits, log_size = _read("sized_subset_log_odds", logits, size_logits)
    by_label = jnp.moveaxis(logits, -1, 0)[..., None]
    total, before = _polynomials(by_label, log_size.shape[-1])

    def back(after: Array, step: tuple[Array, Array]) -> tuple[Array, Array]:
        one, ahead = step
        chosen = _one_less(after) + one
        parts = (jax.nn.logsumexp(ahead + part, axis=-1) for part in (chosen, after))
        return jnp.logaddexp(after, chosen), jnp.subtract(*parts)

    _, log_odds = jax.lax.scan(back, log_size - total, (by_label, before), reverse=True)
    return jnp.moveaxis(log_odds, 0, -1)


@jax.jit
def sized_subset_mode(logits: Logits, size_logits: Array) -> Predictions:
    r"""Return the most probable labelset, exactly.

    Of the sets of k labels the top k is the most probable, so the best is the top k for

    .. math::
        k^* = \arg\max_k\; \log P(k) + \sum_{j \in \mathrm{top}_k(s)} s_j - \log e_k(e^s) .

    Of labelsets that are equally probable the smallest is returned, and of labels that tie the first. It
    maximises the expected subset accuracy. O(L K + L log L).

    Args:
        logits: Label logits ``[..., L]``.
        size_logits: Logits ``[..., K + 1]`` of the sizes 0 to K before the softmax, with ``1 <= K <= L``.

    Returns:
        Bool ``[..., L]``.

    Raises:
        TypeError: If an argument is not floating-point.
        ValueError: If the leading axes differ or K is not from 1 to L.

    >>> probable = jnp.log(jnp.array([0.3, 0.5, 0.2]))  # one label, but which of the ten?
    >>> sized_subset_mode(jnp.zeros(10), probable).any().item()
    False
    """
    logits, log_size = _read("sized_subset_mode", logits, size_logits)
    sizes = log_size.shape[-1]
    total, _ = _polynomials(jnp.moveaxis(logits, -1, 0)[..., None], sizes)
    best = jnp.cumsum(jax.lax.top_k(logits, sizes - 1)[0], axis=-1)
    best = jnp.concatenate([jnp.zeros_like(best[..., :1]), best], axis=-1)
    return top_k_sets(logits, jnp.argmax(log_size + (best - total), axis=-1).astype(jnp.int32))


@jax.jit
def likeliest_size_top_k(logits: Logits, size_logits: Array) -> Predictions:
    """Return the top k labels for the most probable size k; of equal sizes the smallest.

    Unlike :func:`sized_subset_mode` it does not ask how sure it is which labels they are.

    Args:
        logits: Label logits ``[..., L]``.
        size_logits: Logits ``[..., K + 1]`` of the sizes 0 to K before the softmax, with ``1 <= K <= L``.

    Returns:
        Bool ``[..., L]``.

    Raises:
        TypeError: If an argument is not floating-point.
        ValueError: If the leading axes differ or K is not from 1 to L.

    >>> likeliest_size_top_k(jnp.array([0.1, 2.0, 1.0]), jnp.array([0.0, 1.0, 3.0])).tolist()
    [False, True, True]
    """
    logits, log_size = _read("likeliest_size_top_k", logits, size_logits)
    return top_k_sets(logits, jnp.argmax(log_size, axis=-1).astype(jnp.int32))


def _read(function: str, logits: Array, size_logits: Array) -> tuple[Array, Array]:
    """Return the logits and the log-probability of each size."""
    logits, size_logits = as_logits(function, logits), as_logits(function, size_logits)
    if logits.shape[:-1] != size_logits.shape[:-1] or not 2 <= size_logits.shape[-1] <= logits.shape[-1] + 1:
        raise ValueError(
            f"{function}: size_logits must be [..., K + 1] with K from 1 to L and the leading axes of logits "
            f"{list(logits.shape)}, got {list(size_logits.shape)}"
        )
    return logits, jax.nn.log_softmax(size_logits, axis=-1)


def _one_more(terms: Array) -> Array:
    return jnp.concatenate([jnp.full_like(terms[..., :1], -jnp.inf), terms[..., :-1]], axis=-1)


def _one_less(terms: Array) -> Array:
    return jnp.concatenate([terms[..., 1:], jnp.full_like(terms[..., :1], -jnp.inf)], axis=-1)


def _polynomials(by_label: Array, sizes: int) -> tuple[Array, Array]:
    """Return ``log e_k`` of all labels, ``[..., sizes]``, and of those before each, ``[L, ..., sizes]``."""

    def add(terms: Array, one: Array) -> tuple[Array, Array]:
        return jnp.logaddexp(terms, _one_more(terms) + one), terms

    shape = (*by_label.shape[1:-1], sizes)
    nothing = jnp.where(jnp.arange(sizes) == 0, 0, -jnp.inf).astype(by_label.dtype)
    return jax.lax.scan(add, jnp.broadcast_to(nothing, shape), by_label)
