"""Area under the ROC curve by a min-max problem: squares around two centres, and a margin between them."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from mlj.label_terms import observed_mean
from mlj.losses._inputs import scalars
from mlj.losses.batch._inputs import Batch, bounded_root, per_label, read_batch
from mlj.types import Array, Labels, Logits, Mask, Scalar


class AucMarginState(NamedTuple):
    """Auxiliary variables ``[L]`` of :func:`auc_margin`: centres of present and absent scores, and a price.

    They are trained beside the model: ``a`` and ``b`` descend, ``alpha`` ascends and is kept at 0 or above.
    """

    a: Array
    b: Array
    alpha: Array


def auc_margin_state(num_labels: int) -> AucMarginState:
    """Return the state with which :func:`auc_margin` starts: zeros, float32.

    >>> auc_margin_state(2).alpha.tolist()
    [0.0, 0.0]
    """
    return AucMarginState(*(jnp.zeros(num_labels) for _ in range(3)))


class _Parts(NamedTuple):
    """Means over present and absent samples of each label, ``[L]``, and which labels have both."""

    spread_present: Array
    spread_absent: Array
    gap: Array
    both: Array
    share: Array


def _parts(batch: Batch, state: AucMarginState) -> _Parts:
    present, absent = batch.present.T, batch.absent.T
    s = bounded_root(batch.logits).T
    counts = [jnp.sum(members, axis=1, dtype=s.dtype) for members in (present, absent)]
    both = (counts[0] > 0) & (counts[1] > 0)
    return _Parts(
        observed_mean(jnp.square(s - state.a[:, None]), present),
        observed_mean(jnp.square(s - state.b[:, None]), absent),
        observed_mean(s, absent) - observed_mean(s, present),
        both,
        counts[0] / jnp.maximum(counts[0] + counts[1], 1),
    )


def _price(state: AucMarginState, margin: Scalar, gap: Array) -> Array:
    return 2 * state.alpha * (margin + gap) - jnp.square(state.alpha)


def _read(
    name: str, logits: Logits, labels: Labels, state: AucMarginState, margin: Scalar, where: Mask | None
) -> tuple[Batch, AucMarginState]:
    scalars(name, margin=margin)
    batch = read_batch(name, logits, labels, where)
    fields = {field: per_label(name, field, x, batch) for field, x in state._asdict().items()}
    return batch, AucMarginState(**fields)


@jax.jit
def auc_margin(
    logits: Logits, labels: Labels, *, state: AucMarginState, margin: Scalar = 1.0, where: Mask | None = None
) -> Array:
    r"""AUC margin loss (AUCM, second version), averaged over the labels that have both kinds of samples.

    .. math::
        \ell_j = \operatorname{mean}_P (s - a)^2 + \operatorname{mean}_N (s - b)^2
            + 2 \alpha \bigl(m + \operatorname{mean}_N s - \operatorname{mean}_P s\bigr) - \alpha^2

    for the present samples P and the absent ones N of label j. Minimise over the scores, a and b and maximise
    over :math:`\alpha \ge 0`: descend along the gradient in ``state.a`` and ``state.b``, ascend in
    ``state.alpha``. At the saddle (:func:`auc_margin_saddle`) a and b are the two means and the value is
    :math:`\mathrm{var}_P + \mathrm{var}_N + [m + \operatorname{mean}_N s - \operatorname{mean}_P s]_+^2`.

    Scores are usually ``sigmoid(s)``, which is the caller's choice. Value and gradient are finite for every
    ``|s| <= sqrt(finfo.max / (B L))``; an infinite score costs infinity, with a finite gradient.

    Args:
        logits: Scores ``[B, L]`` of any kind.
        labels: Multi-hot targets ``[B, L]``; an entry is present where ``y > 0``.
        state: Auxiliary variables, each ``[L]``.
        margin: Wanted distance between the two means, m.
        where: Bool ``[B, L]``, True where the label was observed; the others count as deleted.

    Returns:
        The cost of the batch ``[]``, float32 or wider; 0 where no label has both kinds of samples.

    Raises:
        TypeError: If ``logits`` are not floating-point or ``where`` is not bool.
        ValueError: If logits are not ``[B, L]``, two shapes differ or a hyper-parameter is not a scalar.

    Reference:
        Yuan, Yan, Sonka, Yang, *Large-scale Robust Deep AUC Maximization*, ICCV 2021, in the form of
        LibAUC's second version, whose code misplaces a parenthesis.

    >>> s, y = jnp.array([[1.0], [0.0]]), jnp.array([[1], [0]])
    >>> auc_margin(s, y, state=auc_margin_state(1)).item()
    1.0
    """
    batch, state = _read("auc_margin", logits, labels, state, margin, where)
    parts = _parts(batch, state)
    costs = parts.spread_present + parts.spread_absent + _price(state, margin, parts.gap)
    return _mean(batch, parts.both, costs)


@jax.jit
def auc_margin_prior(
    logits: Logits,
    labels: Labels,
    *,
    state: AucMarginState,
    priors: Array,
    margin: Scalar = 1.0,
    where: Mask | None = None,
) -> Array:
    r"""AUC margin loss (AUCM, first version), which divides by priors instead of by counts of the batch.

    With the mean :math:`\mathbb{E}` over the batch and the prior :math:`\pi_j`,

    .. math::
        \ell_j = (1 - \pi)\, \mathbb{E}[1_P (s - a)^2] + \pi\, \mathbb{E}[1_N (s - b)^2]
            + 2 \alpha \bigl(\pi (1 - \pi) m + \mathbb{E}[\pi 1_N s - (1 - \pi) 1_P s]\bigr)
            - \pi (1 - \pi) \alpha^2,

    averaged over the labels that have both kinds of samples. Where the prior is the share of present samples
    in the batch, it is :math:`\pi (1 - \pi)` times :func:`auc_margin`. Small batches have less noise in their
    divisors this way.

    Scores are usually ``sigmoid(s)``, which is the caller's choice. Value and gradient are finite for every
    ``|s| <= sqrt(finfo.max / (B L))``; an infinite score costs infinity, with a finite gradient.

    Args:
        logits: Scores ``[B, L]`` of any kind.
        labels: Multi-hot targets ``[B, L]``; an entry is present where ``y > 0``.
        state: Auxiliary variables, each ``[L]``.
        priors: Share of present samples of each label in the training part, ``[L]``, within (0, 1).
        margin: Wanted distance between the two means, m.
        where: Bool ``[B, L]``, True where the label was observed; the others count as deleted.

    Returns:
        The cost of the batch ``[]``, float32 or wider; 0 where no label has both kinds of samples.

    Raises:
        TypeError: If ``logits`` are not floating-point or ``where`` is not bool.
        ValueError: If logits are not ``[B, L]``, two shapes differ or a hyper-parameter is not a scalar.

    Reference:
        Yuan, Yan, Sonka, Yang, *Large-scale Robust Deep AUC Maximization*, ICCV 2021. LibAUC's multi-label
        loss of this version ignores its margin.

    >>> s, y = jnp.array([[1.0], [0.0]]), jnp.array([[1], [0]])
    >>> auc_margin_prior(s, y, state=auc_margin_state(1), priors=jnp.array([0.5])).item()
    0.25
    """
    batch, state = _read("auc_margin_prior", logits, labels, state, margin, where)
    pi = per_label("auc_margin_prior", "priors", priors, batch)
    s, parts = bounded_root(batch.logits).T, _parts(batch, state)
    near = (1 - pi) * parts.share * parts.spread_present
    far = pi * (1 - parts.share) * parts.spread_absent
    pull = observed_mean(jnp.where(batch.present.T, -(1 - pi)[:, None] * s, pi[:, None] * s), batch.where.T)
    price = 2 * state.alpha * (pi * (1 - pi) * margin + pull) - pi * (1 - pi) * jnp.square(state.alpha)
    return _mean(batch, parts.both, near + far + price)


def _mean(batch: Batch, both: Array, costs: Array) -> Array:
    cost = batch.unhidden(observed_mean(costs, both))
    return batch.plus_infinite(cost, jnp.isinf(batch.logits) & both[None])


@jax.jit
def auc_margin_saddle(
    logits: Logits, labels: Labels, *, margin: Scalar = 1.0, where: Mask | None = None
) -> AucMarginState:
    r"""Return the auxiliary variables at the saddle of :func:`auc_margin` for these scores.

    .. math::
        a = \operatorname{mean}_P s, \quad b = \operatorname{mean}_N s, \quad \alpha = [m + b - a]_+

    With them :func:`auc_margin` needs no state that is carried; hold them constant in the gradient or not, it
    is the same gradient. A mean over nothing is 0.

    Args:
        logits: Scores ``[B, L]`` of any kind.
        labels: Multi-hot targets ``[B, L]``; an entry is present where ``y > 0``.
        margin: Wanted distance between the two means, m.
        where: Bool ``[B, L]``, True where the label was observed; the others count as deleted.

    Returns:
        The state, each field ``[L]``.

    Raises:
        TypeError: If ``logits`` are not floating-point or ``where`` is not bool.
        ValueError: If logits are not ``[B, L]``, two shapes differ or a hyper-parameter is not a scalar.

    Reference:
        Yuan, Yan, Sonka, Yang, *Large-scale Robust Deep AUC Maximization*, ICCV 2021.

    >>> auc_margin_saddle(jnp.array([[3.0], [2.5]]), jnp.array([[1], [0]])).alpha.tolist()
    [0.5]
    """
    scalars("auc_margin_saddle", margin=margin)
    batch = read_batch("auc_margin_saddle", logits, labels, where)
    s = bounded_root(batch.logits).T
    a, b = (observed_mean(s, members) for members in (batch.present.T, batch.absent.T))
    return AucMarginState(a, b, jax.nn.relu(margin + b - a))
