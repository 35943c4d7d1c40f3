"""How far probabilities can be taken at their word: Brier score, log-loss, calibration error, reliability
diagram.

All are read off one :class:`Calibration`, which adds over batches.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from mlj._checks import is_bool, same_shape
from mlj.metrics.counts import ratio
from mlj.types import Array, Labels, Mask, Probs

_EPS = float(jnp.finfo(jnp.float32).eps)


class Calibration(NamedTuple):
    """Sums over samples, per label and per bin of the probability.

    Counts are int32. The sums are float32, each per label, with a relative rounding error near 1e-7 per
    batch.
    """

    number: Array
    """Observed entries, ``[L, bins]``."""
    present: Array
    """Observed entries that are present, ``[L, bins]``."""
    prob_sum: Array
    """Sum of the probabilities, ``[L, bins]``."""
    squares: Array
    """Sum of the squared differences to the truth, ``[L]``."""
    costs: Array
    """Sum of the negative log-likelihoods, ``[L]``."""


@partial(jax.jit, static_argnames="bins")
def calibration(probs: Probs, labels: Labels, *, where: Mask | None = None, bins: int = 15) -> Calibration:
    """Collect what the calibration metrics need.

    Args:
        probs: Probabilities ``[N, L]`` in [0, 1]; a NaN that is observed makes the metrics of its label NaN.
        labels: Multi-hot truth ``[N, L]``.
        where: Observed entries ``[N, L]``, bool.
        bins: Number of bins of equal width. Bin b holds ``b / bins <= p < (b + 1) / bins``, the last one 1
        as well.

    Returns:
        The :class:`Calibration`, summed over N.

    >>> calibration(jnp.array([[0.2], [0.9]]), jnp.array([[0], [1]]), bins=2).number.tolist()
    [[1, 1]]
    """
    same_shape("calibration", probs=probs, labels=labels, where=where)
    is_bool("calibration", "where", where)
    seen = jnp.ones(probs.shape, bool) if where is None else where
    probs = jnp.where(seen, probs.astype(jnp.promote_types(probs.dtype, jnp.float32)), 0)
    present = (labels > 0.5) & seen
    index = jnp.clip(jnp.floor(jnp.where(jnp.isnan(probs), 0, probs) * bins), 0, bins - 1).astype(jnp.int32)

    def one_bin(b):
        inside = seen & (index == b)
        number, hits = (jnp.sum(x, axis=0, dtype=jnp.int32) for x in (inside, inside & present))
        return number, hits, jnp.sum(jnp.where(inside, probs, 0), axis=0)

    number, hits, prob_sum = (x.T for x in lax.map(one_bin, jnp.arange(bins)))
    squares = jnp.sum(jnp.where(seen, (probs - present) ** 2, 0), axis=0)
    safe = jnp.clip(probs, _EPS, 1 - _EPS)
    costs = jnp.sum(jnp.where(seen, -jnp.log(jnp.where(present, safe, 1 - safe)), 0), axis=0)
    return Calibration(number, hits, prob_sum, squares, costs)


def _mean(sums: Array, found: Calibration) -> Array:
    return ratio(jnp.sum(sums), jnp.sum(found.number.astype(jnp.float32)))


def brier_of(found: Calibration) -> Array:
    """Return the Brier score of a state, see :func:`brier_score`."""
    return _mean(found.squares, found)


def log_loss_of(found: Calibration) -> Array:
    """Return the log-loss of a state, see :func:`log_loss`."""
    return _mean(found.costs, found)


def label_calibration_error(found: Calibration) -> Array:
    r"""Return the expected calibration error of each label, ``[L]``; 0 for a label that was not observed.

    .. math::
        ECE_j = \sum_b \frac{n_{jb}}{n_j} \left| \bar y_{jb} - \bar p_{jb} \right|

    with the mean truth and the mean probability of the entries in bin b.

    >>> state = calibration(jnp.array([[0.25], [0.75]]), jnp.array([[0], [1]]))
    >>> label_calibration_error(state).tolist()
    [0.25]
    """
    gaps = jnp.sum(jnp.abs(found.present - found.prob_sum), axis=-1)
    return ratio(gaps, jnp.sum(found.number, axis=-1))


def macro_calibration_error(found: Calibration) -> Array:
    """Return the mean of :func:`label_calibration_error` over the observed labels."""
    kept = jnp.sum(found.number, axis=-1) > 0
    return ratio(jnp.sum(label_calibration_error(found)), jnp.sum(kept))


class Reliability(NamedTuple):
    """The points of a reliability diagram: truth against probability, by bin."""

    prob: Array
    """Mean probability of the bin; 0 where it is empty."""
    frequency: Array
    """Share of its entries that are present; 0 where it is empty."""
    number: Array
    """Entries in the bin; float32, since a sum over many labels may pass 2^31."""


def reliability(found: Calibration) -> Reliability:
    """Return the reliability diagram over all labels, ``[bins]`` each.

    The diagram of every label is ``jax.vmap(reliability)`` of the state with a label axis in front, or read
    off the :class:`Calibration` itself.

    >>> state = calibration(jnp.array([[0.25], [0.75]]), jnp.array([[0], [1]]), bins=2)
    >>> reliability(state).frequency.tolist()
    [0.0, 1.0]
    """
    number, present, prob = (
        jnp.sum(x.astype(jnp.float32), axis=-2) for x in (found.number, found.present, found.prob_sum)
    )
    return Reliability(ratio(prob, number), ratio(present, number), number)


@jax.jit
def brier_score(probs: Probs, labels: Labels, *, where: Mask | None = None) -> Array:
    r"""Mean squared difference between probability and truth over the observed entries.

    .. math::
        \frac{1}{|O|} \sum_{(n, j) \in O} (p_{nj} - y_{nj})^2

    0 if nothing is observed.

    >>> brier_score(jnp.array([[0.5, 1.0]]), jnp.array([[1, 1]])).item()
    0.125
    """
    return brier_of(calibration(probs, labels, where=where))


@jax.jit
def log_loss(probs: Probs, labels: Labels, *, where: Mask | None = None) -> Array:
    r"""Mean negative log-likelihood of the truth over the observed entries.

    .. math::
        -\frac{1}{|O|} \sum_{(n, j) \in O} y_{nj} \ln p_{nj} + (1 - y_{nj}) \ln(1 - p_{nj})

    Probabilities are moved into [eps, 1 - eps] with the float32 eps 1.19e-7, as scikit-learn does with the
    eps of its input: a certain probability that is wrong costs 15.94 instead of infinity. From logits,
    :func:`mlj.losses.sigmoid_cross_entropy` needs no such limit. 0 if nothing is observed.

    >>> round(log_loss(jnp.array([[0.5, 1.0]]), jnp.array([[1, 1]])).item(), 4)
    0.3466
    """
    return log_loss_of(calibration(probs, labels, where=where))


@partial(jax.jit, static_argnames="bins")
def expected_calibration_error(
    probs: Probs, labels: Labels, *, where: Mask | None = None, bins: int = 15
) -> Array:
    """Mean over labels of :func:`label_calibration_error`, with bins of equal width.

    It depends on the number of bins, and is biased upwards where a label has few entries in a bin.

    >>> expected_calibration_error(jnp.array([[0.25], [0.75]]), jnp.array([[0], [1]])).item()
    0.25
    """
    return macro_calibration_error(calibration(probs, labels, where=where, bins=bins))
