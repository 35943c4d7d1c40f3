"""Attention between labels, learned with some of them known."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from mlj import losses
from mlj.approaches.approach import Approach, Decoder, Options, Task
from mlj.approaches.priors import prior_bias
from mlj.models import function_and_init
from mlj.models.function import ApplyFn
from mlj.models.label_graph import LabelGraph, Seen
from mlj.training import Batch, Params
from mlj.types import Array, Labels, Logits, Mask, Predictions, Scalar

MOST_KNOWN = 0.75
"""The largest share of a sample's labels that training makes known."""

BLIND = 0.2
"""Share of the samples of which training makes no label known, as it is when they are scored."""

ROUNDS = 16
"""Rounds at the most in which the decoder settles the labels."""

ROWS = 128
"""Rows whose labels look at each other at a time, outside training: the memory is ``ROWS * heads * L^2``."""


def make_label_graph(
    task: Task, *, width: int = 32, layers: int = 1, co_occurrence: bool = False
) -> Approach:
    """Return the approach of :class:`mlj.models.label_graph.LabelGraph`, with known labels drawn at random.

    In a fifth of the samples of a batch all labels are unknown; in the others each is known with a chance
    that is drawn for the sample, at most 3/4. Sigmoid cross-entropy is taken over the unknown labels. Scores
    are logits with all labels unknown. Decoder: ``settled``, the surest labels first and the others given
    those. Missing labels are never known, and left out of the loss.

    Args:
        task: Sizes and the module under the outputs.
        width: Width of a label's vector.
        layers: Rounds of looking at the sample and at each other.
        co_occurrence: Let labels look only at those that they occur with in a row that is trained on.

    Reference:
        Lanchantin, Wang, Ordonez, Qi, *General Multi-label Image Classification with Transformers*, CVPR
        2021, section 3.3. There no sample is left without known labels on purpose.
    """
    loss = losses.mean_over_samples(losses.sigmoid_cross_entropy)

    def make(rngs: nnx.Rngs, bias: Array | None) -> LabelGraph:
        trunk = task.make_trunk(rngs)
        return LabelGraph(trunk, task.num_labels, width=width, layers=layers, output_bias=bias, rngs=rngs)

    apply_fn, init = function_and_init(make)

    def objective(params: Params, batch: Batch, key: Array, options: Options) -> Scalar:
        key_known, key_dropout = jax.random.split(key)
        known = draw_known(key_known, batch.labels, batch.where)
        logits = apply_fn(
            params,
            batch.features,
            batch.labels,
            known,
            graph=options.get("graph"),
            key=key_dropout,
            method=LabelGraph.given,
        )
        return loss(logits, batch.labels, where=~known if batch.where is None else batch.where & ~known)

    def predict(params: Params, features: Any, options: Options) -> Logits:
        return _by_rows(apply_fn, params, features, options, method=LabelGraph.answer)

    def settled(params: Params, features: Any, options: Options) -> Predictions:
        rounds = min(ROUNDS, task.num_labels)
        return _by_rows(apply_fn, params, features, options, rounds=rounds, method=LabelGraph.settle)

    return Approach(
        init=lambda key, options: init(key, options["output_bias"]),
        objective=objective,
        predict=predict,
        scores=lambda outputs: (outputs, None),
        options=lambda labels, where: _options(labels, where, co_occurrence),
        decoders={"settled": Decoder("surest labels first", settled)},
    )


def _by_rows(apply_fn: ApplyFn, params: Params, features: Any, options: Options, **question: Any) -> Array:
    """Ask the labels of so many rows at a time."""
    seen = apply_fn(params, features, method=LabelGraph.see)

    def one(row: Seen) -> Array:
        row = jax.tree.map(lambda leaf: leaf[None], row)
        return apply_fn(params, row, graph=options.get("graph"), **question)[0]

    return jax.lax.map(one, seen, batch_size=ROWS)


def _options(labels: np.ndarray, where: np.ndarray | None, co_occurrence: bool) -> dict[str, np.ndarray]:
    bias = {"output_bias": prior_bias(labels, where)}
    return bias | ({"graph": co_occurrences(labels)} if co_occurrence else {})


def draw_known(key: Array, labels: Labels, where: Mask | None) -> Mask:
    """Return which labels training makes known, bool ``[B, L]``.

    None in a fifth of the samples; in each other sample a share that is uniform up to 3/4.
    """
    key_share, key_blind, key_label = jax.random.split(key, 3)
    rows = (labels.shape[0], 1)
    share = MOST_KNOWN * jax.random.uniform(key_share, rows)
    share = jnp.where(jax.random.bernoulli(key_blind, BLIND, rows), 0, share)
    known = jax.random.uniform(key_label, labels.shape) < jnp.broadcast_to(share, labels.shape)
    return known if where is None else known & where


def co_occurrences(labels: np.ndarray) -> np.ndarray:
    """Return which labels occur together in some row, and each with itself, bool ``[L, L]``."""
    present = np.asarray(labels, np.float32)
    return (present.T @ present > 0) | np.eye(present.shape[1], dtype=bool)
