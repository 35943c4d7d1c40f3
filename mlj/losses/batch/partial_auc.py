"""Partial area under the ROC curve: the pairs with the most dangerous absent samples count."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp

from mlj.label_terms import observed_mean
from mlj.losses._inputs import scalars
from mlj.losses.batch._inputs import Batch, read_batch
from mlj.losses.batch._pairs import over_labels, recall, remember, roots, sample_numbers, squared_hinges
from mlj.numerics import logsumexp_parts
from mlj.types import Array, Labels, Logits, Mask, Scalar


class CvarState(NamedTuple):
    """Thresholds ``[L, N]`` of :func:`partial_auc_cvar`, above which the cost of a pair counts."""

    thresholds: Array


class DroState(NamedTuple):
    """Logarithms ``[L, N]`` of the running means of :func:`partial_auc_dro`."""

    log_means: Array


def cvar_state(num_labels: int, num_samples: int) -> CvarState:
    """Return the state with which :func:`partial_auc_cvar` starts: zeros, float32.

    >>> cvar_state(2, 3).thresholds.shape
    (2, 3)
    """
    return CvarState(jnp.zeros((num_labels, num_samples)))


def dro_state(num_labels: int, num_samples: int) -> DroState:
    """Return the state with which :func:`partial_auc_dro` starts: logarithms of 0, float32.

    >>> dro_state(1, 2).log_means.tolist()
    [[-inf, -inf]]
    """
    return DroState(jnp.full((num_labels, num_samples), -jnp.inf))


def _pair_mask(present: Mask, absent: Mask) -> Mask:
    """Tell which two samples, ``[L, B, B]``, are a present and an absent one of a label."""
    return present[:, :, None] & absent[:, None, :]


def _pair_mean(costs: Array, pairs: Mask) -> Array:
    """Average ``[L, B, B]`` over the pairs of each label, ``[L]``."""
    return observed_mean(observed_mean(costs, pairs), jnp.any(pairs, axis=2))


def _label_mean(batch: Batch, each: Array) -> Array:
    """Average over the labels that have pairs."""
    both = jnp.any(batch.present, axis=0) & jnp.any(batch.absent, axis=0)
    cost = batch.unhidden(observed_mean(each, both))
    wrong = jnp.where(batch.present, batch.logits == -jnp.inf, batch.logits == jnp.inf)
    return batch.plus_infinite(cost, wrong & both[None])


def _paired(batch: Batch) -> Mask:
    """Tell which samples ``[L, B]`` are present ones of a label that has absent ones too."""
    return batch.present.T & jnp.any(batch.absent, axis=0)[:, None]


def _cvar_parts(
    margin: Scalar, s: Array, present: Mask, absent: Mask, thresholds: Array
) -> tuple[Array, Array]:
    """Return the cost of each label, and for each sample which share of its pairs counts."""
    hinges, pairs = squared_hinges(s, margin), _pair_mask(present, absent)
    counts = ~(hinges <= thresholds[..., None])
    return _pair_mean(jnp.where(counts, hinges, 0), pairs), observed_mean(counts.astype(s.dtype), pairs)


@jax.jit
def partial_auc_cvar(
    logits: Logits,
    labels: Labels,
    *,
    state: CvarState,
    index: Array,
    margin: Scalar = 1.0,
    beta: Scalar = 0.2,
    eta: Scalar = 0.1,
    where: Mask | None = None,
) -> tuple[Array, CvarState]:
    r"""SOPA: the area under the ROC curve up to a false positive rate, by conditional value at risk.

    For a label, its present samples i, its n absent samples j and
    :math:`\ell_{ij} = [m - (s_i - s_j)]_+^2`, with :math:`w_{ij} = 1[\ell_{ij} > u_i]`,

    .. math::
        \ell = \frac{1}{\beta} \operatorname{mean}_{i, j} w_{ij} \ell_{ij}, \qquad
        u_i \leftarrow u_i - \eta \Bigl(1 - \frac{1}{\beta n} \sum_j w_{ij}\Bigr),

    averaged over the labels that have both kinds of samples. The threshold u rises until only the share
    ``beta`` of the absent samples counts. ``beta = 1`` with thresholds below 0 is the pairwise squared hinge.

    Value and gradient are finite for every ``|s| <= sqrt(beta finfo.max / (B L)) / 4``.

    Args:
        logits: Scores ``[B, L]``.
        labels: Multi-hot targets ``[B, L]``; an entry is present where ``y > 0``.
        state: Thresholds ``[L, N]``.
        index: Numbers of the samples in the training part, ``[B]``, integer in [0, N), all different.
        margin: Margin of the squared hinge.
        beta: Largest false positive rate that counts, in (0, 1].
        eta: Step size of the thresholds.
        where: Bool ``[B, L]``, True where the label was observed; the others count as deleted.

    Returns:
        The cost of the batch ``[]``, float32 or wider, 0 where no label has both kinds of samples; and the
        new state in the dtype of the old.

    Raises:
        TypeError: If ``logits`` are not floating-point, ``index`` not integer or ``where`` not bool.
        ValueError: If logits are not ``[B, L]``, two shapes differ or a hyper-parameter is not a scalar.

    Reference:
        Zhu, Li, Wang, Wu, Yang, *When AUC meets DRO: Optimizing Partial AUC for Deep Learning with Non-Convex
        Convergence Guarantee*, ICML 2022. LibAUC now divides ``eta`` by the number of present samples.

    >>> s, y = jnp.array([[0.0], [0.0]]), jnp.array([[1], [0]])
    >>> cost, state = partial_auc_cvar(s, y, state=cvar_state(1, 2), index=jnp.arange(2), beta=0.5)
    >>> cost.item(), [round(u, 4) for u in state.thresholds[0].tolist()]
    (2.0, [0.1, 0.0])
    """
    name = "partial_auc_cvar"
    scalars(name, margin=margin, beta=beta, eta=eta)
    batch = read_batch(name, logits, labels, where)
    index = sample_numbers(name, index, batch, jnp.shape(logits)[0])
    old = recall(name, "thresholds", state.thresholds, index, batch)
    each, shares = over_labels(
        partial(_cvar_parts, margin), roots(batch), batch.present.T, batch.absent.T, old
    )
    cost = _label_mean(batch, each) / beta
    new = old - eta * (1 - shares / beta)
    return cost, CvarState(remember(state.thresholds, index, new, _paired(batch)))


def _dro_parts(
    margin: Scalar, lam: Scalar, gamma: Scalar, s: Array, present: Mask, absent: Mask, old: Array
) -> tuple[Array, Array]:
    """Return the cost of each label, and the new logarithm of each sample's mean."""
    hinges, pairs = squared_hinges(s, margin), _pair_mask(present, absent)
    exponents = jax.lax.stop_gradient(hinges) / lam
    top, rest = logsumexp_parts(exponents, pairs)
    paired = jnp.any(pairs, axis=2)
    top, rest = jnp.where(paired, top, 0), jnp.where(paired, rest, 0)
    count = jnp.maximum(jnp.sum(pairs, axis=2, dtype=rest.dtype), 1)
    gamma = jnp.asarray(gamma, rest.dtype)
    # Relative to the largest exponent, since log u itself has no digits left for the difference.
    above = jnp.logaddexp(jnp.log1p(-gamma) + (old - top), jnp.log(gamma) + rest - jnp.log(count))
    # The largest is compared and not subtracted: a fused multiply-add would leave its rounding error.
    below = jnp.minimum(jnp.where(exponents == top[..., None], 0, exponents - top[..., None]), 0)
    weights = jnp.where(pairs, jnp.exp(below - above[..., None]), 0)
    return _pair_mean(weights * hinges, pairs), top + above


@jax.jit
def partial_auc_dro(
    logits: Logits,
    labels: Labels,
    *,
    state: DroState,
    index: Array,
    margin: Scalar = 1.0,
    lam: Scalar = 1.0,
    gamma: Scalar = 0.9,
    where: Mask | None = None,
) -> tuple[Array, DroState]:
    r"""SOPAs: a soft partial area under the ROC curve, by distributionally robust optimisation.

    For a label, its present samples i, its absent samples j and
    :math:`\ell_{ij} = [m - (s_i - s_j)]_+^2`,

    .. math::
        u_i \leftarrow (1 - \gamma) u_i + \gamma \operatorname{mean}_j e^{\ell_{ij} / \lambda}, \qquad
        \ell = \operatorname{mean}_{i, j}\; \overline{e^{\ell_{ij} / \lambda} / u_i}\; \ell_{ij},

    averaged over the labels that have both kinds of samples. The barred weight has no gradient. A small
    ``lam`` attends to the worst absent samples, a large one to all alike, as the pairwise squared hinge does.

    The state keeps ``log u``, so that nothing overflows: value and gradient are finite for every
    ``|s| <= sqrt(min(lam, gamma) finfo.max / (B L)) / 4``.

    Args:
        logits: Scores ``[B, L]``.
        labels: Multi-hot targets ``[B, L]``; an entry is present where ``y > 0``.
        state: Logarithms of the running means, ``[L, N]``.
        index: Numbers of the samples in the training part, ``[B]``, integer in [0, N), all different.
        margin: Margin of the squared hinge.
        lam: Temperature of the weights, above 0.
        gamma: Weight of the new in the running means, in (0, 1].
        where: Bool ``[B, L]``, True where the label was observed; the others count as deleted.

    Returns:
        The cost of the batch ``[]``, float32 or wider, 0 where no label has both kinds of samples; and the
        new state in the dtype of the old.

    Raises:
        TypeError: If ``logits`` are not floating-point, ``index`` not integer or ``where`` not bool.
        ValueError: If logits are not ``[B, L]``, two shapes differ or a hyper-parameter is not a scalar.

    Reference:
        Zhu, Li, Wang, Wu, Yang, *When AUC meets DRO: Optimizing Partial AUC for Deep Learning with Non-Convex
        Convergence Guarantee*, ICML 2022. LibAUC keeps u itself, which overflows beyond ``l / lam = 88``.

    >>> s, y = jnp.array([[0.0], [0.0]]), jnp.array([[1], [0]])
    >>> cost, state = partial_auc_dro(s, y, state=dro_state(1, 2), index=jnp.arange(2), gamma=1.0)
    >>> cost.item(), state.log_means.tolist()
    (1.0, [[1.0, -inf]])
    """
    name = "partial_auc_dro"
    scalars(name, margin=margin, lam=lam, gamma=gamma)
    batch = read_batch(name, logits, labels, where)
    index = sample_numbers(name, index, batch, jnp.shape(logits)[0])
    old = recall(name, "log_means", state.log_means, index, batch)
    each, new = over_labels(
        partial(_dro_parts, margin, lam, gamma), roots(batch), batch.present.T, batch.absent.T, old
    )
    return _label_mean(batch, each), DroState(remember(state.log_means, index, new, _paired(batch)))
