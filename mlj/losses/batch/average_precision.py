"""Average precision by a stochastic surrogate with running means."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp

from mlj.label_terms import observed_mean
from mlj.losses._inputs import scalars
from mlj.losses.batch._inputs import read_batch
from mlj.losses.batch._pairs import over_labels, recall, remember, roots, sample_numbers, squared_hinges
from mlj.numerics import ratio
from mlj.types import Array, Labels, Logits, Mask, Scalar


class SoapState(NamedTuple):
    """Running means ``[L, N]`` of :func:`average_precision_soap`: over all partners, over present ones."""

    u_all: Array
    u_pos: Array


def soap_state(num_labels: int, num_samples: int) -> SoapState:
    """Return the state with which :func:`average_precision_soap` starts: zeros, float32.

    >>> soap_state(2, 3).u_all.shape
    (2, 3)
    """
    return SoapState(*(jnp.zeros((num_labels, num_samples)) for _ in range(2)))


def _costs_and_means(
    margin: Scalar, gamma: Scalar, s: Array, present: Mask, seen: Mask, old_all: Array, old_pos: Array
) -> tuple[Array, Array, Array]:
    """Return the cost of each label and its new running means, from inputs ``[L, B]``."""
    hinges = squared_hinges(s, margin)
    pairs, y = jnp.broadcast_to(seen[:, None, :], hinges.shape), present[:, None, :].astype(hinges.dtype)
    u_all, u_pos = (
        jax.lax.stop_gradient((1 - gamma) * old + gamma * observed_mean(costs, pairs))
        for old, costs in ((old_all, hinges), (old_pos, hinges * y))
    )
    # Dividing by the mean twice, instead of by its square, cannot overflow.
    terms = (ratio(u_pos, u_all)[..., None] - y) * ratio(hinges, u_all[..., None])
    return observed_mean(observed_mean(terms, pairs), present), u_all, u_pos


@jax.jit
def average_precision_soap(
    logits: Logits,
    labels: Labels,
    *,
    state: SoapState,
    index: Array,
    margin: Scalar = 1.0,
    gamma: Scalar = 0.9,
    where: Mask | None = None,
) -> tuple[Array, SoapState]:
    r"""SOAP: a cost whose gradient ascends the average precision of each label.

    For a label, its present samples i, all samples s of the batch and
    :math:`\ell_{is} = [m - (s_i - s_s)]_+^2`,

    .. math::
        u^{all}_i &\leftarrow (1 - \gamma) u^{all}_i + \gamma \operatorname{mean}_s \ell_{is}, \qquad
        u^{pos}_i \leftarrow (1 - \gamma) u^{pos}_i + \gamma \operatorname{mean}_s y_s \ell_{is} \\
        \ell &= \operatorname{mean}_{i, s}\;
            \overline{\frac{u^{pos}_i - u^{all}_i y_s}{(u^{all}_i)^2}}\; \ell_{is},

    averaged over the labels that have a present sample in the batch. The barred factor has no gradient. Only
    the gradient means something: with ``gamma = 1`` the value is always 0.

    Value and gradient are finite for every logit, infinite ones included. A label without a present sample
    teaches nothing and keeps its state.

    Args:
        logits: Scores ``[B, L]``.
        labels: Multi-hot targets ``[B, L]``; an entry is present where ``y > 0``.
        state: Running means, each ``[L, N]``.
        index: Numbers of the samples in the training part, ``[B]``, integer in [0, N), all different.
        margin: Margin of the squared hinge, above 0: that keeps the means above 0.
        gamma: Weight of the new in the running means, in (0, 1].
        where: Bool ``[B, L]``, True where the label was observed; the others count as deleted.

    Returns:
        The cost of the batch ``[]``, float32 or wider, 0 where no label has a present sample; and the new
        state in the dtype of the old.

    Raises:
        TypeError: If ``logits`` are not floating-point, ``index`` not integer or ``where`` not bool.
        ValueError: If logits are not ``[B, L]``, two shapes differ or a hyper-parameter is not a scalar.

    Reference:
        Qi, Luo, Xu, Ji, Yang, *Stochastic Optimization of Areas Under Precision-Recall Curves with Provable
        Convergence*, NeurIPS 2021; defaults of LibAUC, which refuses a batch in which a label is absent.

    >>> s, y = jnp.array([[0.0], [0.0]]), jnp.array([[1], [0]])
    >>> cost, state = average_precision_soap(s, y, state=soap_state(1, 2), index=jnp.arange(2), gamma=0.5)
    >>> state.u_all.tolist(), state.u_pos.tolist()
    ([[0.5, 0.0]], [[0.25, 0.0]])
    """
    name = "average_precision_soap"
    scalars(name, margin=margin, gamma=gamma)
    batch = read_batch(name, logits, labels, where)
    index = sample_numbers(name, index, batch, jnp.shape(logits)[0])
    old = [recall(name, field, table, index, batch) for field, table in state._asdict().items()]
    present = batch.present.T
    costs, *new = over_labels(
        partial(_costs_and_means, margin, gamma), roots(batch), present, batch.where.T, *old
    )
    cost = batch.unhidden(observed_mean(costs, jnp.any(present, axis=1)))
    tables = (remember(table, index, new, present) for table, new in zip(state, new))
    return cost, SoapState(*tables)
