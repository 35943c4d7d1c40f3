"""Classifier chains: one order, an ensemble of random orders, and one network for all orders."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from mlj.approaches.approach import Approach, Decoder, Options, Task
from mlj.approaches.blocks import each_sample
from mlj.approaches.priors import prior_bias
from mlj.decision.autoregressive import Path, Step, follow, greedy, sample_paths
from mlj.decision.beam import beam_search
from mlj.decision.chains import check_order, in_label_order, marginal_log_odds
from mlj.decision.labelsets import labelset_f1_optimal
from mlj.losses import sigmoid_cross_entropy
from mlj.models import function_and_init
from mlj.models.chain import Chain, ChainContext, ChainState
from mlj.training import Batch, Params
from mlj.types import Array, Labels, Mask, Predictions, Scalar, Scores

HIDDEN = 64
"""Hidden units of a chain."""
ENSEMBLE = 10
"""Orders of an ensemble."""
PATHS = 40
"""Sampled labelsets of a sample, over all orders."""
WIDTH = 5
"""Width of the beam in each order."""


def make_classifier_chain(task: Task, *, order: Sequence[int] | None = None) -> Approach:
    """Return one chain of all labels.

    Args:
        task: What is learned.
        order: The label at each place; from the most to the least frequent one in the training rows if None.

    Raises:
        ValueError: If labels are missing, or ``order`` is no permutation of the labels.
    """
    given = None if order is None else check_order(order, task.num_labels)[None]
    _refuse_missing("classifier_chain", task)

    def orders(labels: np.ndarray) -> np.ndarray:
        frequency = np.argsort(-labels.sum(axis=0), kind="stable")[None].astype(np.int32)
        return frequency if given is None else given

    return _approach(task, _Chains(task, members=1, number=1), orders, _in_order)


def make_chain_ensemble(task: Task) -> Approach:
    """Return chains in random orders, one network each on a common trunk, whose mean is the distribution.

    Raises:
        ValueError: If labels are missing.
    """
    _refuse_missing("chain_ensemble", task)
    chains = _Chains(task, members=ENSEMBLE, number=ENSEMBLE)
    return _approach(task, chains, lambda labels: random_orders(task.num_labels, ENSEMBLE), _in_order)


def make_chain_any_order(task: Task) -> Approach:
    """Return one network that is trained in all orders at once, and asked in several random ones.

    Labels that were not observed stand in no order: they are neither predicted nor predicted from.
    """
    chains = _Chains(task, members=1, number=ENSEMBLE)
    return _approach(task, chains, lambda labels: random_orders(task.num_labels, ENSEMBLE), _in_any_order)


def random_orders(num_labels: int, number: int) -> np.ndarray:
    """Return random orders ``[number, L]``, int32, always the same ones.

    >>> random_orders(3, 2).shape
    (2, 3)
    """
    generator = np.random.default_rng(0)
    return np.stack([generator.permutation(num_labels) for _ in range(number)]).astype(np.int32)


def _refuse_missing(name: str, task: Task) -> None:
    if task.missing:
        raise ValueError(
            f"{name}: labels are missing, and in a fixed order every label is asked for given those before "
            "it; chain_any_order takes missing labels"
        )


class _Chains:
    """A chain network as pure functions, and what is decoded from it in each of its orders."""

    def __init__(self, task: Task, *, members: int, number: int):
        self.task, self.members = task, members
        self.member = jnp.arange(number) % members
        self.apply, self.init = function_and_init(self.module)

    def module(self, rngs: nnx.Rngs, output_bias: Array | None) -> Chain:
        trunk = self.task.make_trunk(rngs)
        size = self.task.num_labels
        return Chain(trunk, size, members=self.members, hidden=HIDDEN, output_bias=output_bias, rngs=rngs)

    def for_each_sample(
        self, decode: Callable[[_Orders], Array], params: Params, features: Any, options: Options
    ) -> Array:
        """Return ``decode`` of every sample."""
        context = self.apply(params, features, method=Chain.encode)
        step = partial(self.apply, params, method=Chain.step)

        def one(context: ChainContext) -> Array:
            return decode(_Orders(step, context, self.member, options["orders"]))

        return each_sample(one, context)


class _Orders(NamedTuple):
    """One sample in each of Q orders."""

    step: Step
    context: ChainContext
    member: Array
    orders: Array

    def each(self, decode: Callable[..., Any], *mapped: Array) -> Any:
        """Return ``decode(step, state, order, *mapped)`` of every order."""

        def one(member: Array, order: Array, *mapped: Array) -> Any:
            base, hidden = self.context.base[member], self.context.hidden[member]
            state = ChainState(base, hidden, member, order, jnp.zeros((), jnp.int32))
            return decode(self.step, state, order, *mapped)

        return jax.vmap(one)(self.member, self.orders, *mapped)


def _sampled(orders: _Orders) -> Path:
    """Return sampled paths ``[Q, S, L]`` of one sample, about as many in all for any number of orders."""
    number = len(orders.member)

    def one(step: Step, state: ChainState, order: Array, key: Array) -> Path:
        return sample_paths(step, state, key, number=max(PATHS // number, 1), length=order.shape[0])

    # Random numbers are shared by all samples, and are the same whenever the same parameters are asked.
    return orders.each(one, jax.random.split(jax.random.key(0), number))


def _marginals(orders: _Orders) -> Scores:
    return marginal_log_odds(_sampled(orders), orders.orders)


def _expected_f1(orders: _Orders) -> Predictions:
    sets = jax.vmap(in_label_order)(_sampled(orders).choices, orders.orders) == 1
    sets = sets.reshape(-1, sets.shape[-1])
    return labelset_f1_optimal(jnp.zeros(len(sets)), sets)


def _greedy(orders: _Orders) -> Predictions:
    def one(step: Step, state: ChainState, order: Array) -> Array:
        return in_label_order(greedy(step, state, length=order.shape[0]).choices, order)

    votes = orders.each(one)
    return 2 * jnp.sum(votes, axis=0) > votes.shape[0]


def _most_probable(orders: _Orders) -> Predictions:
    def candidates(step: Step, state: ChainState, order: Array) -> Array:
        return in_label_order(beam_search(step, state, width=WIDTH, length=order.shape[0]).choices, order)

    sets = orders.each(candidates).reshape(-1, orders.orders.shape[1])

    def log_prob(step: Step, state: ChainState, order: Array) -> Array:
        return jax.vmap(lambda choices: follow(step, state, choices).log_prob)(sets[:, order])

    return sets[jnp.argmax(jax.nn.logsumexp(orders.each(log_prob), axis=0))] == 1


_DECODERS = {
    "greedy": ("label by label", _greedy),
    "beam": ("most probable labelset (beam)", _most_probable),
    "expected_f1_samples": ("expected F1 of sampled labelsets", _expected_f1),
}


def _in_order(chains: _Chains, params: Params, batch: Batch, key: Array, options: Options) -> Scalar:
    """The mean cost of a label given those before it in each member's order."""
    logits = chains.apply(params, batch.features, batch.labels, options["orders"], key=key)
    return jnp.mean(sigmoid_cross_entropy(logits, _for_members(batch.labels, logits)))


def _in_any_order(chains: _Chains, params: Params, batch: Batch, key: Array, options: Options) -> Scalar:
    """The mean cost of a label given a random number of random others."""
    key_dropout, key_seen = jax.random.split(key)
    context = chains.apply(params, batch.features, key=key_dropout, method=Chain.encode)
    observed = jnp.ones(batch.labels.shape, bool) if batch.where is None else batch.where
    seen = seen_labels(observed, key_seen)
    logits = chains.apply(params, context, batch.labels, seen, method=Chain.given)
    asked = _for_members(observed & ~seen, logits)
    return jnp.mean(sigmoid_cross_entropy(logits, _for_members(batch.labels, logits), where=asked))


def _for_members(array: Array, logits: Array) -> Array:
    return jnp.broadcast_to(array[:, None, :], logits.shape)


def seen_labels(observed: Mask, key: Array) -> Mask:
    r"""Draw the labels that are known when the next one in a random order is asked for.

    With n observed labels, the number d of known ones is uniform in 0 to n - 1, and they are a random choice.
    The mean cost of the n - d others is then, times n, an unbiased estimate of the cost of the whole chain in
    a random order.

    Args:
        observed: Bool ``[B, L]``.
        key: Randomness.

    Returns:
        Bool ``[B, L]``.

    Reference:
        Uria, Murray, Larochelle, *A deep and tractable density estimator*, ICML 2014, equation 9.

    >>> seen_labels(jnp.array([[True, False]]), jax.random.key(0)).tolist()
    [[False, False]]
    """
    key_order, key_number = jax.random.split(key)
    places = jnp.where(observed, jax.random.uniform(key_order, observed.shape), 2.0)
    rank = jnp.argsort(jnp.argsort(places, axis=-1), axis=-1)
    number = jnp.sum(observed, axis=-1, keepdims=True)
    return rank < jnp.floor(jax.random.uniform(key_number, number.shape) * number)


def _approach(
    task: Task,
    chains: _Chains,
    orders: Callable[[np.ndarray], np.ndarray],
    objective: Callable[[_Chains, Params, Batch, Array, Options], Scalar],
) -> Approach:
    def options(labels: Labels, where: Mask | None) -> dict[str, np.ndarray]:
        return {"output_bias": prior_bias(labels, where), "orders": orders(labels)}

    decoders = {
        name: Decoder(title, partial(chains.for_each_sample, decode))
        for name, (title, decode) in _DECODERS.items()
    }
    return Approach(
        init=lambda key, options: chains.init(key, options["output_bias"]),
        objective=partial(objective, chains),
        predict=partial(chains.for_each_sample, _marginals),
        scores=lambda outputs: (outputs, None),
        options=options,
        decoders=decoders,
    )
