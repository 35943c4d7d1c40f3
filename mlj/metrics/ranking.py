"""How well the scores of one sample rank its present labels above its absent ones.

Per-sample functions ``(scores [..., L], labels [..., L], *, where=None) -> [...]``. An unobserved label
counts as deleted, with its score. A NaN score ranks below every number. The mean over a test part leaves out
samples without an observed label; :func:`mlj.metrics.evaluate_scores` does so.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from mlj._checks import is_bool, same_shape
from mlj.metrics.counts import ratio
from mlj.metrics.tallies import row_tally
from mlj.metrics.tally import Tally, average_precision_of
from mlj.metrics.top_k import best_labels, presence
from mlj.types import Array, Labels, Mask, PerSample, Scores


def _checked(scores: Scores, labels: Labels, where: Mask | None) -> None:
    same_shape("ranking", scores=scores, labels=labels, where=where)
    is_bool("ranking", "where", where)


def sample_tally(scores: Scores, labels: Labels, where: Mask | None) -> Tally:
    """Return the tally of every sample over its labels, ``[...]``, after checking the shapes."""
    _checked(scores, labels, where)
    return row_tally(scores, labels, where)


def one_error_of(top: Array, where: Mask | None) -> PerSample:
    """Return whether the label of highest score is absent, from the truth of the highest ones."""
    wrong = top[..., 0] == 0
    return (wrong if where is None else wrong & jnp.any(where, axis=-1)).astype(jnp.float32)


@jax.jit
def one_error(scores: Scores, labels: Labels, *, where: Mask | None = None) -> PerSample:
    """Is the label of highest score absent? 1 if so, else 0.

    Of equal scores the lowest index counts as highest. A sample without present labels costs 1, since
    whatever is on top is wrong; one without observed labels 0.

    >>> one_error(jnp.array([[2.0, 1.0], [1.0, 1.0]]), jnp.array([[1, 0], [0, 1]])).tolist()
    [0.0, 1.0]
    """
    _checked(scores, labels, where)
    return one_error_of(presence(labels, where, best_labels(scores, where, 1)), where)


def coverage_of(found: Tally) -> PerSample:
    """Return the number of entries down to the end of the last run with a present one."""
    return found.depth.astype(jnp.float32)


@jax.jit
def coverage_error(scores: Scores, labels: Labels, *, where: Mask | None = None) -> PerSample:
    r"""Number of labels to go down the ranking to meet all present ones, counted from 1.

    .. math::
        \max_{i \in Y} |\{j : s_j \ge s_i\}|

    Ties count against the label. A sample without present labels costs 0. This is scikit-learn's convention;
    much of the literature subtracts 1, so that a perfect ranking of one present label costs 0.

    >>> coverage_error(jnp.array([[3.0, 2.0, 1.0]]), jnp.array([[1, 1, 0]])).tolist()
    [2.0]
    """
    return coverage_of(sample_tally(scores, labels, where))


def ranking_loss_of(found: Tally) -> PerSample:
    """Return the share of wrongly ordered pairs."""
    return ratio(ratio(found.above, found.present), found.absent)


@jax.jit
def label_ranking_loss(scores: Scores, labels: Labels, *, where: Mask | None = None) -> PerSample:
    r"""Share of the pairs of a present and an absent label that are ordered wrongly.

    .. math::
        \frac{1}{|Y| |\bar Y|} |\{(i, j) : y_i = 1, y_j = 0, s_i \le s_j\}|

    A tied pair is wrong, as in scikit-learn. A sample with all labels present or all absent costs 0.

    >>> label_ranking_loss(jnp.array([[3.0, 2.0, 1.0]]), jnp.array([[0, 1, 0]])).tolist()
    [0.5]
    """
    return ranking_loss_of(sample_tally(scores, labels, where))


def lrap_of(found: Tally) -> PerSample:
    """Return the average precision, 1 where nothing is present."""
    return jnp.where(found.present > 0, average_precision_of(found), 1.0)


@jax.jit
def label_ranking_average_precision(
    scores: Scores, labels: Labels, *, where: Mask | None = None
) -> PerSample:
    r"""Mean over the present labels of the precision at the rank of each (LRAP).

    .. math::
        \frac{1}{|Y|} \sum_{i \in Y} \frac{|\{j \in Y : s_j \ge s_i\}|}{|\{j : s_j \ge s_i\}|}

    A tie counts with its lower rank. A sample with all labels present or all absent has the value 1, as in
    scikit-learn.

    >>> label_ranking_average_precision(jnp.array([[3.0, 2.0, 1.0]]), jnp.array([[0, 1, 0]])).tolist()
    [0.5]
    """
    return lrap_of(sample_tally(scores, labels, where))
