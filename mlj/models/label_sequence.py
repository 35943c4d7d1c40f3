"""Decoders that emit the present labels one after the other, and then an end symbol.

Both are used in the same three ways. ``model(features, targets)`` gives the logits of every step when the
steps before are given (teacher forcing). ``model.encode(features, length=T)`` gives a state, and
``model.step(state, last)`` the next logits of one sample and its new state: a step for
:func:`mlj.decision.autoregressive.label_steps`. The end symbol has the number L, and stands for the start as
well.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx

from mlj._checks import has_shape
from mlj.models.attention import Memory
from mlj.models.layers import head
from mlj.models.sequence_cells import DecoderLayer, Tokens
from mlj.types import Array, Logits, Mask

_SMALL = nnx.initializers.variance_scaling(0.01, "fan_in", "truncated_normal")
_EMBEDDING = nnx.initializers.normal(0.1)


def before(targets: Array, num_labels: int) -> Array:
    """Return what precedes each step, ``[..., T]``: the start symbol, then all targets but the last.

    >>> before(jnp.array([4, 1, 5]), 5).tolist()
    [5, 4, 1]
    """
    start = jnp.full_like(targets[..., :1], num_labels)
    return jnp.concatenate([start, targets[..., :-1]], axis=-1)


def without_emitted(logits: Logits, targets: Array) -> Logits:
    """Set the logits of labels that were emitted at an earlier step to -inf.

    Args:
        logits: ``[..., T, L + 1]``; the last column, the end symbol's, is left alone.
        targets: ``[..., T]``, integers in 0..L.

    >>> without_emitted(jnp.zeros((2, 3)), jnp.array([1, 2])).tolist()
    [[0.0, 0.0, 0.0], [0.0, -inf, 0.0]]
    """
    size = logits.shape[-1]
    one_hot = jax.nn.one_hot(before(targets, size - 1), size, dtype=jnp.int32).at[..., -1].set(0)
    return jnp.where(jnp.cumsum(one_hot, axis=-2) > 0, -jnp.inf, logits)


class GRUState(NamedTuple):
    """Where a :class:`SequenceGRU` stands; a pytree."""

    base: Array
    """``[..., L + 1]``, what the features say of every label whatever was emitted."""
    hidden: Array
    """``[..., H]``"""


class SequenceGRU(nnx.Module):
    r"""A gated recurrent unit that emits labels.

    With the trunk's representation :math:`r(x)` and embeddings :math:`e` of what was emitted,

    .. math::
        h_0 = \tanh(A r(x)), \quad h_t = \mathrm{GRU}(h_{t - 1}, e_{l_{t - 1}}), \quad
        s_t = B r(x) + C h_t ,

    where the start symbol stands for :math:`l_0`. The direct term :math:`B r(x)` is a linear head as that of
    independent labels, which the recurrent state corrects.

    Reference:
        Nam, Loza Mencía, Kim, Fürnkranz, *Maximizing Subset Accuracy with Recurrent Neural Networks in
        Multi-label Classification*, NIPS 2017, without the direct term; the unit: Cho et al., *Learning
        Phrase Representations using RNN Encoder-Decoder*, EMNLP 2014.

    Example:
        >>> from mlj.models import Trunk
        >>> model = SequenceGRU(Trunk(4, hidden=(8,), rngs=nnx.Rngs(0)), 3, rngs=nnx.Rngs(0))
        >>> model(jnp.ones((1, 4)), jnp.array([[2, 3]])).shape
        (1, 2, 4)
    """

    def __init__(
        self,
        trunk: nnx.Module,
        num_labels: int,
        *,
        width: int = 64,
        embedding: int = 32,
        output_bias: Array | None = None,
        rngs: nnx.Rngs,
    ):
        """Make the layers.

        Args:
            trunk: Module from features to a representation ``[B, trunk.num_outputs]``.
            num_labels: L.
            width: H, units of the recurrent state.
            embedding: Width of a label's embedding.
            output_bias: Where the bias of the logits starts, ``[L + 1]``; 0 without it.
            rngs: Source of the initial weights.

        Raises:
            ValueError: If ``output_bias`` has another shape.
        """
        self.trunk, self.num_labels = trunk, num_labels
        self.base = head(trunk.num_outputs, num_labels + 1, output_bias, rngs)
        self.begin = nnx.Linear(trunk.num_outputs, width, rngs=rngs)
        self.cell = nnx.GRUCell(embedding, width, rngs=rngs)
        self.embedding = nnx.Param(_EMBEDDING(rngs.params(), (num_labels + 1, embedding)))
        self.head = nnx.Linear(width, num_labels + 1, use_bias=False, kernel_init=_SMALL, rngs=rngs)

    def encode(self, features: Any, *, length: int | None = None, key: Array | None = None) -> GRUState:
        """Return the state ``[B, ...]`` before the first step; ``length`` is not needed here."""
        r = self.trunk(features, key=key)
        return GRUState(self.base(r), jnp.tanh(self.begin(r)))

    def step(self, state: GRUState, last: Array) -> tuple[Logits, GRUState]:
        """Return the logits ``[..., L + 1]`` after the label ``last [...]``, and the new state."""
        hidden, _ = self.cell(state.hidden, self.embedding[...][last])
        return state.base + self.head(hidden), state._replace(hidden=hidden)

    def __call__(
        self, features: Any, targets: Array, *, dropped: Mask | None = None, key: Array | None = None
    ) -> Logits:
        """Return the logits of every step given the targets before it; see :meth:`forced`."""
        return self.forced(self.encode(features, key=key), targets, dropped=dropped)

    def forced(
        self, state: GRUState, targets: Array, *, dropped: Mask | None = None, key: Array | None = None
    ) -> Logits:
        """Return the logits of every step given the targets before it.

        Args:
            state: From :meth:`encode`.
            targets: ``[B, T]``, integers in 0..L.
            dropped: Bool ``[B, T]``, targets that the steps after them are not told.
            key: Not used; a decoder with dropout of its own would.

        Returns:
            ``[B, T, L + 1]``, -inf for labels among the targets before.
        """
        inputs = _embedded(self.embedding[...], targets, dropped)

        def one(hidden: Array, given: Array) -> tuple[Array, Array]:
            return self.cell(hidden, given)

        hidden = jax.lax.scan(one, state.hidden, jnp.swapaxes(inputs, 0, 1))[1]
        logits = state.base[:, None, :] + self.head(jnp.swapaxes(hidden, 0, 1))
        return without_emitted(logits, targets)


class TransformerState(NamedTuple):
    """Where a :class:`SequenceTransformer` stands; a pytree."""

    base: Array
    """``[..., L + 1]``, what the features say of every label whatever was emitted."""
    tokens: tuple[Memory, ...]
    """What each layer sees of the input."""
    before: tuple[Memory, ...]
    """What each layer sees of the steps before."""
    place: Array
    """Int32 ``[...]``, the number of steps before."""


class SequenceTransformer(nnx.Module):
    r"""A small Transformer decoder that emits labels, with attention over the input.

    The trunk's representation is cut into tokens (:class:`mlj.models.sequence_cells.Tokens`), or is taken as
    ``[B, M, R]`` from a trunk that gives tokens. Each step is the embedding of the label before it, looks at
    the steps before and at the tokens, and adds what it finds to a linear head on the (mean) representation.
    There is no code for the place in the sequence: what was emitted counts as a set, and its last label.

    Reference:
        Vaswani et al., *Attention Is All You Need*, NeurIPS 2017, without the encoder and the codes of
        places.

    Example:
        >>> from mlj.models import Trunk
        >>> model = SequenceTransformer(Trunk(4, hidden=(8,), rngs=nnx.Rngs(0)), 3, rngs=nnx.Rngs(0))
        >>> model(jnp.ones((1, 4)), jnp.array([[2, 3]])).shape
        (1, 2, 4)
    """

    def __init__(
        self,
        trunk: nnx.Module,
        num_labels: int,
        *,
        width: int = 64,
        layers: int = 1,
        heads: int = 4,
        tokens: int | None = 4,
        dropout: float = 0.1,
        output_bias: Array | None = None,
        rngs: nnx.Rngs,
    ):
        """Make the layers.

        Args:
            trunk: Module from features to a representation ``[B, R]`` or tokens ``[B, M, R]``, with
                R = ``trunk.num_outputs``.
            num_labels: L.
            width: Width D of the steps.
            layers: Number of decoder layers.
            heads: Heads of each attention.
            tokens: M, vectors that a representation is cut into; None for a trunk that gives tokens.
            dropout: Share of what each layer adds that is zeroed in training.
            output_bias: Where the bias of the logits starts, ``[L + 1]``; 0 without it.
            rngs: Source of the initial weights.

        Raises:
            ValueError: If ``heads`` does not divide ``width``, ``dropout`` is outside [0, 1) or
                ``output_bias`` has another shape.
        """
        self.trunk, self.num_labels = trunk, num_labels
        self.base = head(trunk.num_outputs, num_labels + 1, output_bias, rngs)
        size = trunk.num_outputs
        self.cut_up = tokens is not None
        self.look_at = (
            Tokens(size, tokens, width, rngs=rngs) if self.cut_up else nnx.Linear(size, width, rngs=rngs)
        )
        self.embedding = nnx.Param(_EMBEDDING(rngs.params(), (num_labels + 1, width)))
        self.layers = nnx.List(
            [DecoderLayer(width, heads=heads, dropout=dropout, rngs=rngs) for _ in range(layers)]
        )
        self.norm = nnx.LayerNorm(width, rngs=rngs)
        self.head = nnx.Linear(width, num_labels + 1, use_bias=False, kernel_init=_SMALL, rngs=rngs)

    def encode(self, features: Any, *, length: int, key: Array | None = None) -> TransformerState:
        """Return the state ``[B, ...]`` before the first of ``length`` steps."""
        r = self.trunk(features, key=key)
        tokens, size = self.look_at(r), r.shape[0]
        base = self.base(r if self.cut_up else jnp.mean(r, axis=-2))
        blank = tuple(layer.blank(length) for layer in self.layers)
        blank = jax.tree.map(lambda x: jnp.broadcast_to(x, (size, *x.shape)), blank)
        remembered = tuple(layer.remember(tokens) for layer in self.layers)
        return TransformerState(base, remembered, blank, jnp.zeros(size, jnp.int32))

    def step(self, state: TransformerState, last: Array) -> tuple[Logits, TransformerState]:
        """Return the logits ``[L + 1]`` of one sample after the label ``last []``, and its new state."""
        x, memories = self.embedding[...][last], []
        for layer, before_, tokens in zip(self.layers, state.before, state.tokens):
            x, memory = layer.step(x, before_, tokens, state.place)
            memories.append(memory)
        logits = state.base + self.head(self.norm(x))
        return logits, state._replace(before=tuple(memories), place=state.place + 1)

    def __call__(
        self, features: Any, targets: Array, *, dropped: Mask | None = None, key: Array | None = None
    ) -> Logits:
        """Return the logits of every step given the targets before it; see :meth:`forced`."""
        keys = [None] * 2 if key is None else jax.random.split(key)
        state = self.encode(features, length=targets.shape[-1], key=keys[0])
        return self.forced(state, targets, dropped=dropped, key=keys[1])

    def forced(
        self,
        state: TransformerState,
        targets: Array,
        *,
        dropped: Mask | None = None,
        key: Array | None = None,
    ) -> Logits:
        """Return the logits of every step given the targets before it, all steps at once.

        Args:
            state: From :meth:`encode`.
            targets: ``[B, T]``, integers in 0..L.
            dropped: Bool ``[B, T]``, targets that the steps after them are not told.
            key: Switches dropout on.

        Returns:
            ``[B, T, L + 1]``, -inf for labels among the targets before.
        """
        keys = [None] * len(self.layers) if key is None else jax.random.split(key, len(self.layers))
        x = _embedded(self.embedding[...], targets, dropped)
        for layer, tokens, key_layer in zip(self.layers, state.tokens, keys):
            x = layer(x, tokens, key=key_layer)
        logits = state.base[:, None, :] + self.head(self.norm(x))
        return without_emitted(logits, targets)


def _embedded(embedding: Array, targets: Array, dropped: Mask | None) -> Array:
    """Return the embedding of what precedes each step ``[B, T, D]``; zeros for what was dropped."""
    inputs = embedding[before(targets, embedding.shape[0] - 1)]
    if dropped is None:
        return inputs
    has_shape("forced", "dropped", dropped, targets.shape)
    hidden = jnp.concatenate([jnp.zeros_like(dropped[:, :1]), dropped[:, :-1]], axis=-1)
    return jnp.where(hidden[..., None], 0, inputs)
