"""Label sequences: the present labels are emitted one after the other, in a given, learned or free order."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from mlj.approaches.approach import Approach, Decoder, Options, Task
from mlj.approaches.blocks import each_sample
from mlj.decision.autoregressive import (
    Emission,
    Path,
    Step,
    emission_log_odds,
    emitted_sets,
    greedy,
    label_steps,
    sample_paths,
)
from mlj.decision.beam import beam_search, best_set
from mlj.decision.labelsets import labelset_f1_optimal
from mlj.losses.sequence import (
    LabelSequences,
    label_sequence_cross_entropy,
    label_sequences,
    order_free_set_cross_entropy,
)
from mlj.models import function_and_init
from mlj.models.label_sequence import SequenceGRU, SequenceTransformer
from mlj.training import Batch, Params
from mlj.types import Array, Logits, Mask, Predictions, Scalar

MOST_LABELS = 40
"""Labels that are emitted at the most. Of a sample with more, training sees the first of them."""
LONG = 16
"""Steps from which it pays to look whether a batch needs them all."""
PREFIX_DROPOUT = 0.1
"""Share of the labels before a step that training does not tell it, once it has risen."""
PREFIX_RISE = 10
"""Passes over which that share rises from 0, in equal steps. They are counted in passes, not as a share of
training, so that a model that is trained again for the number of passes that stopped early sees the same."""
PATHS = 20
"""Sampled sequences of a sample."""
WIDTH = 5
"""Width of the beam."""


class _Sequences:
    """A label sequence model as pure functions, and what is decoded from it."""

    def __init__(self, name: str, model: type, task: Task, **options: Any):
        if task.missing:
            raise ValueError(
                f"{name}: labels are missing, and a sequence that leaves them out says that they are absent; "
                "take an approach that honours where, such as chain_any_order"
            )
        self.task, self.model, self.model_options = task, model, options
        self.length = min(max(task.largest_labelset, 1), MOST_LABELS) + 1
        # What is dropped of a Transformer's steps depends on how many there are.
        self.whole = model is SequenceTransformer
        self.apply, self.init = function_and_init(self.module)

    def module(self, rngs: nnx.Rngs, output_bias: Array | None) -> nnx.Module:
        trunk = self.task.make_trunk(rngs)
        return self.model(
            trunk, self.task.num_labels, output_bias=output_bias, rngs=rngs, **self.model_options
        )

    def encode(self, params: Params, features: Any, key: Array | None = None) -> Any:
        return self.apply(params, features, length=self.length, key=key, method=self.model.encode)

    def for_each_sample(
        self, decode: Callable[..., Array], params: Params, features: Any, options: Options
    ) -> Array:
        """Return ``decode(step, state, num_labels, length)`` of every sample."""
        step = partial(self.apply, params, method=self.model.step)
        size = {"num_labels": self.task.num_labels, "length": self.length}

        def one(state: Any) -> Array:
            return decode(*label_steps(step, state, **size), **size)

        return each_sample(one, self.encode(params, features))


def _greedy(step: Step, state: Emission, num_labels: int, length: int) -> Predictions:
    path = greedy(step, state, length=length, start=num_labels, end=num_labels)
    return emitted_sets(path.choices, num_labels)


def _beam(step: Step, state: Emission, num_labels: int, length: int) -> Predictions:
    return best_set(beam_search(step, state, width=WIDTH, length=length, start=num_labels), num_labels)


def _sampled(step: Step, state: Emission, num_labels: int, length: int) -> Path:
    # Random numbers are shared by all samples, and are the same whenever the same parameters are asked.
    key = jax.random.key(0)
    ends = {"start": num_labels, "end": num_labels}
    return sample_paths(step, state, key, number=PATHS, length=length, **ends)


def _marginals(step: Step, state: Emission, num_labels: int, length: int) -> Array:
    return emission_log_odds(_sampled(step, state, num_labels, length), num_labels)


def _expected_f1(step: Step, state: Emission, num_labels: int, length: int) -> Predictions:
    choices = _sampled(step, state, num_labels, length).choices
    return labelset_f1_optimal(jnp.zeros(len(choices)), emitted_sets(choices, num_labels))


_DECODERS = {
    "greedy": ("label by label", _greedy),
    "beam": ("most probable labelset (beam)", _beam),
    "expected_f1_samples": ("expected F1 of sampled labelsets", _expected_f1),
}
Objective = Callable[[_Sequences, Params, Batch, Array, Options], Scalar]


def rising_prefix_dropout(options: Options, epoch: Array) -> Options:
    """Return the options of a pass, whose share of untold labels has not wholly risen in the first ones.

    At first every label before a step is told, so that what follows what is learned soon; later less and
    less, so that a step also learns to do without a label that the decoder may have missed.

    >>> options = {"prefix_dropout": jnp.float32(0.1)}
    >>> [round(rising_prefix_dropout(options, epoch)["prefix_dropout"].item(), 3) for epoch in (0, 5, 10, 90)]
    [0.0, 0.05, 0.1, 0.1]
    """
    risen = jnp.minimum(epoch / PREFIX_RISE, 1)
    return options | {"prefix_dropout": options["prefix_dropout"] * risen}


def _cost(
    sequences: _Sequences,
    params: Params,
    state: Any,
    found: LabelSequences,
    key: Array,
    rate: Array,
    loss: Callable[[Logits, LabelSequences], Array],
) -> Scalar:
    """Return the mean cost of sequences when each step is given those before it.

    Args:
        sequences: The model.
        params: Its parameters.
        state: From :meth:`_Sequences.encode`.
        found: ``[B, T]``.
        key: For what is not told and what is dropped.
        rate: Share of the labels before a step that it is not told.
        loss: From logits ``[B, t, L + 1]`` and the first t steps to the costs ``[B]``.
    """
    key_prefix, key_layers = jax.random.split(key)
    dropped = jax.random.bernoulli(key_prefix, rate, found.targets.shape)

    def of_first(steps: int) -> Scalar:
        first = LabelSequences(found.targets[:, :steps], found.where[:, :steps])
        logits = sequences.apply(
            params,
            state,
            first.targets,
            dropped=dropped[:, :steps],
            key=key_layers,
            method=sequences.model.forced,
        )
        return jnp.mean(loss(logits, first))

    if sequences.whole or sequences.length < LONG:
        return of_first(sequences.length)
    return _half_or_all(of_first, found.where)


def _half_or_all(of_first: Callable[[int], Scalar], where: Mask) -> Scalar:
    """Return ``of_first(t)`` for half of the steps if no sequence of the batch is longer, or for all.

    Few samples have nearly as many labels as the one with most, so most batches end in the first half.
    Only on a CPU: elsewhere many models are vmapped, and then both are computed for all of them.
    """
    length = where.shape[-1]
    half = -(-length // 2)

    def on_a_cpu() -> Scalar:
        fits = jnp.max(jnp.sum(where, axis=-1)) <= half
        return jax.lax.cond(fits, partial(of_first, half), partial(of_first, length))

    return jax.lax.platform_dependent(cpu=on_a_cpu, default=partial(of_first, length))


def _in_given_order(
    sequences: _Sequences, params: Params, batch: Batch, key: Array, options: Options
) -> Scalar:
    """The mean log-likelihood of the labels in the order of ``options["priority"]``."""
    key_trunk, key_steps = jax.random.split(key)
    state = sequences.encode(params, batch.features, key_trunk)
    found = label_sequences(batch.labels, priority=options["priority"], steps=sequences.length)
    return _cost(sequences, params, state, found, key_steps, options["prefix_dropout"], _forced_cost)


def _forced_cost(logits: Logits, first: LabelSequences) -> Array:
    return label_sequence_cross_entropy(logits, first.targets, where=first.where)


def _in_own_order(
    sequences: _Sequences,
    params: Params,
    batch: Batch,
    key: Array,
    options: Options,
    loss: Callable[[Logits, LabelSequences], Array],
) -> Scalar:
    """Return the mean cost along the present labels, those first that the model is now surest of.

    The order is by the logits of the first step, for each sample anew in each batch, and passes no gradient.
    """
    key_trunk, key_steps = jax.random.split(key)
    state = sequences.encode(params, batch.features, key_trunk)
    nothing = jnp.full((len(batch.labels), 1), sequences.task.num_labels)
    first = sequences.apply(params, state, nothing, method=sequences.model.forced)[:, 0, :-1]
    ordered = jax.vmap(lambda labels, sure: label_sequences(labels, priority=sure, steps=sequences.length))
    found = ordered(batch.labels, jax.lax.stop_gradient(first))
    return _cost(sequences, params, state, found, key_steps, options["prefix_dropout"], loss)


def _in_learned_order(
    sequences: _Sequences, params: Params, batch: Batch, key: Array, options: Options
) -> Scalar:
    """The mean log-likelihood of the labels in the model's own order."""
    return _in_own_order(sequences, params, batch, key, options, _forced_cost)


def _in_any_order(
    sequences: _Sequences, params: Params, batch: Batch, key: Array, options: Options
) -> Scalar:
    """The mean cost of emitting any label that is due, after those that come first in the model's own order.

    After labels in a random order instead, the end comes too early: a large labelset passes through one of
    its many small beginnings less often than a small one does, but the decoder goes through few of them.
    """

    def due(logits: Logits, first: LabelSequences) -> Array:
        return order_free_set_cross_entropy(logits, batch.labels, prefix=first.targets, where=first.where)

    return _in_own_order(sequences, params, batch, key, options, due)


def symbol_log_shares(labels: np.ndarray) -> np.ndarray:
    """Return the log of each symbol's share of all that is emitted, ``[L + 1]``: the labels', then the end's.

    >>> np.exp(symbol_log_shares(np.array([[1, 0], [1, 0]]))).round(2).tolist()
    [0.43, 0.14, 0.43]
    """
    counts = np.append(labels.sum(axis=0), len(labels)) + 1.0
    return np.log(counts / counts.sum())


def _options(frequent_first: bool, labels: np.ndarray, where: np.ndarray | None) -> dict[str, np.ndarray]:
    counts = labels.sum(axis=0).astype(np.float32)
    return {
        "output_bias": symbol_log_shares(labels).astype(np.float32),
        "priority": counts if frequent_first else -counts,
        "prefix_dropout": np.float32(PREFIX_DROPOUT),
    }


def _approach(sequences: _Sequences, objective: Objective, *, frequent_first: bool = True) -> Approach:
    decoders = {
        name: Decoder(title, partial(sequences.for_each_sample, decode))
        for name, (title, decode) in _DECODERS.items()
    }
    return Approach(
        init=lambda key, options: sequences.init(key, options["output_bias"]),
        objective=partial(objective, sequences),
        predict=partial(sequences.for_each_sample, _marginals),
        scores=lambda outputs: (outputs, None),
        options=partial(_options, frequent_first),
        decoders=decoders,
        at_epoch=rising_prefix_dropout,
    )


def make_sequence_gru(task: Task) -> Approach:
    """Return a recurrent decoder that emits frequent labels first.

    Raises:
        ValueError: If labels are missing; so do all approaches of this module.
    """
    return _approach(_Sequences("sequence_gru", SequenceGRU, task), _in_given_order)


def make_sequence_gru_rare_first(task: Task) -> Approach:
    """Return a recurrent decoder that emits rare labels first."""
    sequences = _Sequences("sequence_gru_rare_first", SequenceGRU, task)
    return _approach(sequences, _in_given_order, frequent_first=False)


def make_sequence_gru_learned_order(task: Task) -> Approach:
    """Return a recurrent decoder that is trained to emit first what it is surest of."""
    return _approach(_Sequences("sequence_gru_learned_order", SequenceGRU, task), _in_learned_order)


def make_sequence_gru_order_free(task: Task) -> Approach:
    """Return a recurrent decoder for which every present label is right at every step."""
    return _approach(_Sequences("sequence_gru_order_free", SequenceGRU, task), _in_any_order)


def make_sequence_transformer(task: Task) -> Approach:
    """Return a Transformer decoder that emits frequent labels first."""
    return _approach(_Sequences("sequence_transformer", SequenceTransformer, task), _in_given_order)
