"""Positive-unlabelled learning with a risk that cannot be negative."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from mlj.label_terms import observed_mean
from mlj.losses.batch._inputs import per_label, read_batch
from mlj.numerics import bound_logits, softplus_pair
from mlj.types import Array, Labels, Logits, Mask


@jax.jit
def nnpu(logits: Logits, labels: Labels, *, priors: Array, where: Mask | None = None) -> Array:
    r"""Non-negative positive-unlabelled risk of each label, averaged over the labels.

    With the prior :math:`\pi_j` of label j, its present samples P and its unknown ones U,

    .. math::
        \ell(S, Y) = \frac{1}{|C|} \sum_{j \in C} \pi_j R^+_P
            + \bigl[R^-_U - \pi_j R^-_P\bigr]_+, \qquad
        R^+_A = \frac{1}{|A|} \sum_{b \in A} -\log p_{bj}, \quad
        R^-_A = \frac{1}{|A|} \sum_{b \in A} -\log(1 - p_{bj})

    over the labels C that have a present sample; a mean over nothing is 0. The bracket estimates the risk of
    absent samples, which a flexible model drives below 0 without the clip. Where it is clipped it has no
    gradient. With the true priors, and samples marked at random, ``s > 0`` is consistent.

    Value and gradient are finite for every ``|s| <= finfo.max / (B L)``. A present sample that is far wrong
    pulls with ``prior / (|P| |C|)``.

    Args:
        logits: Scores ``[B, L]`` before the sigmoid.
        labels: Targets ``[B, L]``: marked as present where ``y > 0``, otherwise unknown.
        priors: Share of samples in which each label is truly present, ``[L]``.
        where: Bool ``[B, L]``, True where the entry takes part; the others count as deleted.

    Returns:
        The cost of the batch ``[]``, float32 or wider; 0 where no label has a present sample.

    Raises:
        TypeError: If ``logits`` are not floating-point or ``where`` is not bool.
        ValueError: If logits are not ``[B, L]`` or two shapes differ.

    Reference:
        Kiryo, Niu, du Plessis, Sugiyama, *Positive-Unlabeled Learning with Non-Negative Risk Estimator*,
        NeurIPS 2017, with the logistic loss. Their algorithm climbs where the bracket is negative; that needs
        a second gradient and is not offered.

    >>> cost = nnpu(jnp.zeros((2, 1)), jnp.array([[1], [0]]), priors=jnp.array([0.5]))
    >>> round(cost.item(), 4)
    0.6931
    """
    batch = read_batch("nnpu", logits, labels, where)
    priors = per_label("nnpu", "priors", priors, batch)
    present, unknown = batch.present.T, batch.absent.T
    log_absent, log_present = softplus_pair(bound_logits(batch.logits.T, 1))
    rest = observed_mean(log_absent, unknown) - priors * observed_mean(log_absent, present)
    risks = priors * observed_mean(log_present, present) + jax.nn.relu(rest)
    cost = batch.unhidden(observed_mean(risks, jnp.any(present, axis=1)))
    counted = jnp.any(batch.present, axis=0)
    missed = batch.present & jnp.isneginf(batch.logits) & (priors > 0)[None]
    false = batch.absent & jnp.isposinf(batch.logits) & (counted & (rest > 0))[None]
    return batch.plus_infinite(cost, missed | false)
