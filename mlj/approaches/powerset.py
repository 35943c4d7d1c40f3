"""The label powerset: every labelset that training rows have is a class."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from mlj._checks import as_logits, has_shape, is_bool, same_shape
from mlj.approaches.approach import Approach, Decoder, Options, Task
from mlj.decision.labelsets import labelset_f1_optimal, labelset_log_odds, most_probable_labelset
from mlj.losses import mean_over_samples
from mlj.models import function_and_init
from mlj.models.function import ApplyFn
from mlj.models.powerset import Powerset
from mlj.numerics import below_top, logsumexp
from mlj.training import Batch, Params
from mlj.types import Array, Labels, Logits, Mask, PerSample, Scalar


def consistent_labelsets(labels: Labels, labelsets: Array, *, where: Mask | None = None) -> Array:
    """Tell which labelsets of a table agree with every observed label of a sample.

    Args:
        labels: Multi-hot truth ``[..., L]``.
        labelsets: The table ``[K, L]``, multi-hot.
        where: Bool ``[..., L]``, True where the label was observed.

    Returns:
        Bool ``[..., K]``.

    Raises:
        TypeError: If ``where`` is not bool.
        ValueError: If shapes do not fit.

    >>> table = jnp.array([[1, 0], [1, 1]])
    >>> seen = jnp.array([True, False])
    >>> consistent_labelsets(jnp.array([1, 0]), table).tolist()
    [True, False]
    >>> consistent_labelsets(jnp.array([1, 0]), table, where=seen).tolist()
    [True, True]
    """
    name = "consistent_labelsets"
    labels, labelsets = jnp.asarray(labels), jnp.asarray(labelsets)
    has_shape(name, "labelsets", labelsets, (*labelsets.shape[:1], *labels.shape[-1:]))
    same_shape(name, labels=labels, where=where)
    is_bool(name, "where", where)
    present, table = (jnp.asarray(x > 0, jnp.float32) for x in (labels, labelsets))
    seen = jnp.ones_like(present) if where is None else where.astype(jnp.float32)
    # Small whole numbers: the product counts the labels that differ without an error.
    missed = jnp.sum(seen * present, axis=-1, keepdims=True)
    return missed + jnp.dot(seen * (1 - 2 * present), table.T) == 0


@jax.jit
def labelset_cross_entropy(
    logits: Logits, labels: Labels, *, labelsets: Array, where: Mask | None = None
) -> PerSample:
    r"""Cross-entropy of a sample's labelset as one of those in a table.

    With the labelsets :math:`t_1, \ldots, t_K` and C those that agree with every observed label,

    .. math::
        \ell(s, y) = \log \sum_{i=1}^{K} e^{s_i} - \log \sum_{i \in C} e^{s_i},

    which is softmax cross-entropy where all labels were observed and C is one labelset. A label that was not
    observed is summed over, not taken as absent. A row whose labelset the table lacks, so that C is empty,
    costs 0 and teaches nothing: :func:`consistent_labelsets` tells such rows.

    Value and gradient are finite for every ``|s| <= finfo.max / 2``.

    Args:
        logits: Scores ``[..., K]`` of the labelsets; -inf for those that are impossible, for which there is
            no gradient.
        labels: Multi-hot truth ``[..., L]``; a label is present where ``y > 0``.
        labelsets: The table ``[K, L]``, multi-hot.
        where: Bool ``[..., L]``, True where the label was observed; the others are summed over.

    Returns:
        The cost of each sample ``[...]``, float32 or wider.

    Raises:
        TypeError: If ``logits`` are not floating-point or ``where`` is not bool.
        ValueError: If shapes do not fit.

    Reference:
        Boutell, Luo, Shen, Brown, *Learning multi-label scene classification*, Pattern Recognition 2004, and
        Tsoumakas, Katakis, *Multi-label classification: an overview*, 2007 (label powerset). The sum over
        unobserved labels is ours.

    >>> table = jnp.array([[1, 0], [1, 1], [0, 0], [0, 1]])
    >>> round(labelset_cross_entropy(jnp.zeros(4), jnp.array([1, 1]), labelsets=table).item(), 4)
    1.3863
    """
    name = "labelset_cross_entropy"
    logits = as_logits(name, logits)
    consistent = consistent_labelsets(labels, labelsets, where=where)
    has_shape(name, "logits", logits, consistent.shape)
    consistent &= logits > -jnp.inf
    known = jnp.any(consistent, axis=-1)
    # Without a labelset of its own a row is equally far from all, and both sums are the same.
    logits = below_top(jnp.where(known[..., None], logits, 0))
    return logsumexp(logits) - logsumexp(logits, consistent | ~known[..., None])


def labelset_table(labels: np.ndarray, where: np.ndarray | None, size: int) -> dict[str, np.ndarray]:
    """Return the distinct labelsets of rows, filled up with impossible ones to ``size``.

    Rows with a label that was not observed have no labelset.

    Args:
        labels: Multi-hot labels ``[n, L]``.
        where: Bool ``[n, L]``, or None where all were observed.
        size: K.

    Returns:
        ``labelsets [K, L]``, the most frequent first, and ``log_prior [K]``: the log of their shares, -inf
        for those that fill up.

    Raises:
        ValueError: If no row is complete, or they have more than K labelsets.

    >>> table = labelset_table(np.array([[0, 1], [1, 1], [1, 1]]), None, 3)
    >>> table["labelsets"].tolist()
    [[1.0, 1.0], [0.0, 1.0], [0.0, 0.0]]
    >>> [round(float(share), 2) for share in np.exp(table["log_prior"])]
    [0.67, 0.33, 0.0]
    """
    complete = labels if where is None else labels[where.all(axis=1)]
    if not len(complete):
        raise ValueError(
            f"labelset_table: none of {len(labels)} rows has all {labels.shape[1]} labels observed, "
            "so there is no labelset to choose from"
        )
    sets, counts = np.unique(np.asarray(complete > 0), axis=0, return_counts=True)
    if len(sets) > size:
        raise ValueError(f"labelset_table: {len(sets)} distinct labelsets, room for {size}")
    order = np.argsort(-counts, kind="stable")
    table = np.zeros((size, labels.shape[1]), np.float32)
    log_prior = np.full(size, -np.inf, np.float32)
    table[: len(sets)] = sets[order]
    log_prior[: len(sets)] = np.log(counts[order] / counts.sum())
    return {"labelsets": table, "log_prior": log_prior}


def make_label_powerset(task: Task, *, own_units: bool = True, label_units: bool = False) -> Approach:
    """Return the approach in which each labelset of the training rows is a class of a softmax.

    It gives labelsets that it has seen, and no others: the probabilities of all labelsets sum to one, and
    those of new ones are 0. Where most labelsets are rare, what labels add helps: with ``label_units`` a
    labelset learns from all rows that share a label with it, and without ``own_units`` the head is as small
    as that of independent labels. See :class:`mlj.models.powerset.Powerset`.

    With unobserved labels the table is made of complete rows, and the objective sums over the labelsets that
    agree with what was observed; a row that agrees with none teaches nothing.

    Args:
        task: The sizes, and the module under the head.
        own_units: Whether each labelset has weights of its own.
        label_units: Whether labels add to the labelsets that have them.

    Raises:
        ValueError: If there are neither own nor label units.

    Reference:
        Boutell, Luo, Shen, Brown, *Learning multi-label scene classification*, Pattern Recognition 2004 (own
        units: label powerset). Ghamrawi, McCallum, *Collective multi-label classification*, CIKM 2005 (label
        units: inference supported by the training labelsets, there with pairs of labels too).

    >>> from mlj.models import Trunk
    >>> task = Task(3, 4, 2, False, lambda rngs: Trunk(5, hidden=(8,), rngs=rngs), None)
    >>> sorted(make_label_powerset(task).decoders)
    ['expected_f1_labelsets', 'mode']
    """

    def make(rngs: nnx.Rngs, prior: Array | None) -> Powerset:
        return Powerset(
            task.make_trunk(rngs),
            task.num_labelsets,
            task.num_labels,
            own_units=own_units,
            label_units=label_units,
            output_bias=prior,
            rngs=rngs,
        )

    apply_fn, init_with = function_and_init(make)
    logits = partial(_logits, apply_fn)

    def init(key: Array, options: Options) -> Params:
        prior = options["log_prior"]
        return init_with(key, jnp.where(prior == -jnp.inf, 0, prior))

    def objective(params: Params, batch: Batch, key: Array, options: Options) -> Scalar:
        cost = mean_over_samples(partial(labelset_cross_entropy, labelsets=options["labelsets"]))
        return cost(logits(params, batch.features, options, key), batch.labels, where=batch.where)

    return Approach(
        init=init,
        objective=objective,
        predict=_decided_by(logits, labelset_log_odds),
        scores=lambda outputs: (outputs, None),
        options=partial(labelset_table, size=task.num_labelsets),
        decoders={
            "mode": Decoder("most probable labelset", _decided_by(logits, most_probable_labelset)),
            "expected_f1_labelsets": Decoder(
                "expected F1 of all labelsets", _decided_by(logits, labelset_f1_optimal)
            ),
        },
    )


def _logits(
    apply_fn: ApplyFn, params: Params, features: Any, options: Options, key: Array | None = None
) -> Logits:
    """Return the scores of the labelsets, -inf for those that only fill the table up."""
    scores = apply_fn(params, features, options["labelsets"], key=key)
    possible = options["log_prior"] > -jnp.inf
    return jnp.where(jnp.broadcast_to(possible, scores.shape), scores, -jnp.inf)


def _decided_by(logits: Callable[..., Logits], decide: Callable[..., Array]) -> Callable[..., Array]:
    """Return ``f(params, features, options)``: what is decided on the labelsets' scores and table."""
    return lambda params, features, options: decide(logits(params, features, options), options["labelsets"])
