"""Two-way loss: labels are ordered within a sample, and samples within a label."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from mlj.label_terms import observed_mean
from mlj.losses._inputs import scalars
from mlj.losses.batch._inputs import Batch, read_batch
from mlj.losses.ranking import two_way_sample
from mlj.types import Array, Labels, Logits, Mask, Scalar


def _one_way(batch: Batch, t_pos: Scalar, t_neg: Scalar) -> Array:
    """Return the mean over the rows that have a present entry."""
    costs = two_way_sample(batch.logits, batch.present, t_pos=t_pos, t_neg=t_neg, where=batch.where)
    return observed_mean(costs, jnp.any(batch.present, axis=1))


@jax.jit
def two_way(
    logits: Logits,
    labels: Labels,
    *,
    t_pos: Scalar = 4.0,
    t_neg: Scalar = 1.0,
    where: Mask | None = None,
) -> Array:
    r"""Two-way loss: present above absent labels in each sample, present above absent samples in each label.

    .. math::
        \ell(S, Y) = \frac{1}{|R|} \sum_{b \in R} h(S_{b \cdot}, Y_{b \cdot})
            + \frac{1}{|C|} \sum_{j \in C} h(S_{\cdot j}, Y_{\cdot j}), \qquad
        h(s, y) = \log\Bigl(1 + \bigl(\textstyle\sum_{j \in N} e^{s_j / T_n}\bigr)^{T_n}
            \bigl(\textstyle\sum_{i \in P} e^{-s_i / T_p}\bigr)^{T_p}\Bigr)

    over the rows R and the columns C that have a present entry. The first mean is that of
    :func:`mlj.losses.ranking.two_way_sample`. A row or column without absent entries costs 0 but counts in
    its mean. Large temperatures spread the pull over more entries. The cost depends on who else is in the
    batch.

    Value and gradient are finite for every ``|s| <= finfo.max / (B L)``. The gradient has an L1 norm below 4.

    Args:
        logits: Scores ``[B, L]``.
        labels: Multi-hot targets ``[B, L]``; an entry is present where ``y > 0``.
        t_pos: Temperature of the present entries, above 0.
        t_neg: Temperature of the absent entries, above 0.
        where: Bool ``[B, L]``, True where the label was observed; the others are in neither set.

    Returns:
        The cost of the batch ``[]``, float32 or wider; 0 where no row has a present entry.

    Raises:
        TypeError: If ``logits`` are not floating-point or ``where`` is not bool.
        ValueError: If logits are not ``[B, L]``, two shapes differ or a hyper-parameter is not a scalar.

    Reference:
        Kobayashi, *Two-Way Multi-Label Loss*, CVPR 2023. The official code masks with -100, which leaks into
        the sums beyond ``|s| / T = 100``, and gives NaN for a batch without a present entry.

    >>> round(two_way(jnp.zeros((1, 2)), jnp.array([[1, 0]])).item(), 4)
    0.6931
    """
    scalars("two_way", t_pos=t_pos, t_neg=t_neg)
    batch = read_batch("two_way", logits, labels, where)
    columns = Batch(batch.logits.T, batch.labels.T, batch.where.T)
    return batch.unhidden(_one_way(batch, t_pos, t_neg) + _one_way(columns, t_pos, t_neg))
