"""Classifier chains as one masked autoregressive network."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx

from mlj._checks import has_shape
from mlj.types import Array, Labels, Logits, Mask, PerSample

_SMALL = nnx.initializers.variance_scaling(0.01, "fan_in", "truncated_normal")
_ROWS = nnx.initializers.normal(0.1)


class ChainContext(NamedTuple):
    """What the features say before any label is known, for each of M members; a pytree."""

    base: Array
    """``[..., M, L]``, the logits without labels' influence on each other."""
    hidden: Array
    """``[..., M, H]``, the hidden units before any label was seen."""


class ChainState(NamedTuple):
    """One sample on its way through the labels in one order; a pytree."""

    base: Array
    """``[L]``"""
    hidden: Array
    """``[H]``, the hidden units given the labels so far."""
    member: Array
    """Int32, whose weights are used."""
    order: Array
    """Int32 ``[L]``, the label at each place."""
    place: Array
    """Int32, the place whose label comes next."""


class InOrder(NamedTuple):
    """B samples, their labels, and a member's weights, in one order of the labels."""

    hidden: Array
    """``[B, H]``, before any label was seen."""
    labels: Array
    """0 or 1 ``[B, L]``."""
    present: Array
    """``[L, H]``, as the others."""
    seen: Array
    output: Array


def one_by_one(given: InOrder) -> Array:
    """Return what the labels before each add to its logit ``[B, L]``, in the order.

    On a CPU several times as fast as :func:`all_at_once`, forwards and backwards: the hidden units stay in
    the cache.
    """

    def one(hidden: Array, place: tuple[Array, ...]) -> tuple[Array, Array]:
        label, present, seen, output = place
        return hidden + label[:, None] * present[None] + seen[None], jax.nn.relu(hidden) @ output

    places = given.labels.T, given.present, given.seen, given.output
    return jax.lax.scan(one, given.hidden, places)[1].T


def all_at_once(given: InOrder) -> Array:
    """Return the same as :func:`one_by_one` in a few steps over ``[B, L, H]``, for accelerators."""
    rows = given.labels[..., None] * given.present[None] + given.seen[None]
    hidden = given.hidden[:, None, :] + jnp.cumsum(rows, axis=1) - rows
    return jnp.einsum("blh,lh->bl", jax.nn.relu(hidden), given.output)


class Chain(nnx.Module):
    r"""Every label's logit from the features and the labels that come before it, in any order.

    With the trunk's representation :math:`r(x)` and the labels :math:`o_1, o_2, \dots` in some order,

    .. math::
        a_j = U r(x) + b + \sum_{i < j} (y_{o_i} W_{o_i} + V_{o_i}), \qquad
        s_{o_j} = h_{o_j}(r(x)) + v_{o_j} \cdot \mathrm{relu}(a_j),

    with :math:`h` a linear head, so that the joint probability is a product of sigmoids,
    :math:`p(y \mid x) = \prod_j p(y_{o_j} \mid x, y_{o_1}, \dots, y_{o_{j - 1}})`. A label that is known adds
    one row to the hidden units, W + V if it is present and V if not: decoding a sample costs O(L H). v begins
    at 0, and so the labels as independent of each other.

    M members share the trunk and have weights of their own, each for its own order: an ensemble of chains.
    One member can be trained in all orders at once by :meth:`given`.

    Reference:
        Read, Pfahringer, Holmes, Frank, *Classifier chains for multi-label classification*, Machine Learning
        85, 2011, whose chains are separate classifiers; Dembczynski, Cheng, Hüllermeier, *Bayes optimal
        multilabel classification via probabilistic classifier chains*, ICML 2010; Larochelle, Murray, *The
        neural autoregressive distribution estimator*, AISTATS 2011, whose hidden units are these, without the
        features and V; Uria, Murray, Larochelle, *A deep and tractable density estimator*, ICML 2014, for V
        and the training in all orders.

    Example:
        >>> from mlj.models import Trunk
        >>> model = Chain(Trunk(4, hidden=(8,), rngs=nnx.Rngs(0)), 3, rngs=nnx.Rngs(0))
        >>> orders = jnp.array([[2, 0, 1]])
        >>> model(jnp.ones((2, 4)), jnp.zeros((2, 3)), orders).shape
        (2, 1, 3)
    """

    def __init__(
        self,
        trunk: nnx.Module,
        num_labels: int,
        *,
        members: int = 1,
        hidden: int = 64,
        output_bias: Array | None = None,
        rngs: nnx.Rngs,
    ):
        """Make the layers.

        Args:
            trunk: Module from features to a representation ``[B, trunk.num_outputs]``.
            num_labels: L.
            members: M, chains with weights of their own.
            hidden: H, hidden units of each.
            output_bias: Where the heads' bias starts, ``[L]``; 0 without it.
            rngs: Source of the initial weights.

        Raises:
            ValueError: If ``members`` or ``hidden`` is below 1 or ``output_bias`` has another shape.
        """
        if members < 1 or hidden < 1:
            raise ValueError(f"Chain: members and hidden must be at least 1, got {members} and {hidden}")
        bias = jnp.zeros(num_labels) if output_bias is None else jnp.asarray(output_bias, jnp.float32)
        has_shape("Chain", "output_bias", bias, (num_labels,))
        self.trunk, self.members = trunk, members
        self.head = nnx.Linear(trunk.num_outputs, members * num_labels, kernel_init=_SMALL, rngs=rngs)
        self.head.bias = nnx.Param(jnp.tile(bias, members))
        self.context = nnx.Linear(trunk.num_outputs, members * hidden, rngs=rngs)
        shape = (members, num_labels, hidden)
        self.present = nnx.Param(_ROWS(rngs.params(), shape))
        self.seen = nnx.Param(_ROWS(rngs.params(), shape))
        self.output = nnx.Param(jnp.zeros(shape))

    def encode(self, features: Any, *, key: Array | None = None) -> ChainContext:
        """Return what the features say, for any number of labels' worth of questions."""
        r = self.trunk(features, key=key)
        members, num_labels, hidden = self.output.shape
        base = self.head(r).reshape(*r.shape[:-1], members, num_labels)
        return ChainContext(base, self.context(r).reshape(*r.shape[:-1], members, hidden))

    def given(self, context: ChainContext, labels: Labels, seen: Mask) -> Logits:
        """Return the logits of every label given those that were seen.

        Args:
            context: From :meth:`encode`, of B samples.
            labels: Multi-hot ``[B, L]``; only those that were seen are looked at.
            seen: Bool ``[B, L]``, the labels that come before all others in the order.

        Returns:
            ``[B, M, L]``; those of the seen labels mean nothing.
        """
        present = (seen & (labels > 0)).astype(context.hidden.dtype)
        hidden = context.hidden + jnp.einsum("bl,mlh->bmh", present, self.present[...])
        hidden = jax.nn.relu(hidden + jnp.einsum("bl,mlh->bmh", seen.astype(hidden.dtype), self.seen[...]))
        return context.base + jnp.einsum("bmh,mlh->bml", hidden, self.output[...])

    def follow(self, context: ChainContext, labels: Labels, orders: Array, members: Array) -> Logits:
        """Return the logits of every label given those before it in an order.

        Args:
            context: From :meth:`encode`, of B samples.
            labels: Multi-hot ``[B, L]``.
            orders: Int32 ``[Q, L]``, each a permutation.
            members: Int32 ``[Q]``, whose weights follow each order.

        Returns:
            ``[B, Q, L]``, in the order of the labels.
        """

        def one(order: Array, member: Array) -> Array:
            weights = (table[...][member, order] for table in (self.present, self.seen, self.output))
            ordered = (labels > 0).astype(context.hidden.dtype)[:, order]
            given = InOrder(context.hidden[:, member], ordered, *weights)
            influence = jax.lax.platform_dependent(given, cpu=one_by_one, default=all_at_once)
            return context.base[:, member] + jnp.take(influence, jnp.argsort(order), axis=1)

        return jnp.moveaxis(jax.vmap(one)(orders, members), 0, 1)

    def __call__(self, features: Any, labels: Labels, orders: Array, *, key: Array | None = None) -> Logits:
        """Return teacher-forced logits ``[B, M, L]``; member m follows ``orders[m]``, see :meth:`follow`."""
        return self.follow(self.encode(features, key=key), labels, orders, jnp.arange(self.members))

    def log_prob(self, context: ChainContext, labels: Labels, orders: Array, members: Array) -> PerSample:
        """Return the log-probability ``[B, Q]`` of labelsets ``[B, L]`` in each order, see :meth:`follow`."""
        logits = self.follow(context, labels, orders, members)
        present = jnp.broadcast_to((labels > 0)[:, None, :], logits.shape)
        return jnp.sum(jax.nn.log_sigmoid(jnp.where(present, logits, -logits)), axis=-1)

    def step(self, state: ChainState, last: Array) -> tuple[Array, ChainState]:
        """Take in the label at the place before, and return the logits ``[2]`` of absent and present next.

        Args:
            state: Of one sample, beginning at place 0.
            last: Whether the label before was present, 0 or 1; not looked at in place 0.
        """
        before = state.order[jnp.maximum(state.place - 1, 0)]
        member, label = state.member, state.order[state.place]
        row = last * self.present[...][member, before] + self.seen[...][member, before]
        hidden = state.hidden + jnp.where(state.place > 0, row, 0)
        logit = state.base[label] + jnp.dot(jax.nn.relu(hidden), self.output[...][member, label])
        return jnp.stack([jnp.zeros_like(logit), logit]), state._replace(hidden=hidden, place=state.place + 1)
