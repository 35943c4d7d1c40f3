"""Labels that look at the sample and at each other, some of which may be known beforehand."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx

from mlj._checks import is_bool, same_shape
from mlj.models.attention import MultiHeadAttention
from mlj.models.layers import check_rate, dropout, head
from mlj.models.sparse import SparseRows
from mlj.types import Array, Labels, Logits, Mask, Predictions


class Seen(NamedTuple):
    """What the features say before any label is looked at: ``tokens [B, T, C]`` and ``logits [B, L]``."""

    tokens: Array
    logits: Logits


class LabelGraph(nnx.Module):
    r"""A Transformer over the labels of a sample, which answers given any labels that are known.

    Each label has an embedding, to which that of its state is added: absent, present, or nothing if it is
    unknown. In each layer the labels attend to the sample, whose representation is cut in T tokens, then
    to each other, then pass a small network. What a label's vector :math:`h_j` has become corrects the logit
    of a linear head :math:`s`:

    .. math::
        s_j(x) + r_j \cdot \mathrm{norm}(h_j), \qquad r_j = 0 \text{ at the start,}

    so that training starts at independent labels. Called with features alone, all labels are unknown;
    :meth:`given` takes what is known; :meth:`settled` decides the surest labels first and the others given
    those. It is trained with a random share of the true labels known and the loss on the others. It costs
    O(L^2) a sample and layer.

    Reference:
        Lanchantin, Sekhon, Qi, *Neural Message Passing for Multi-Label Classification*, ECML-PKDD 2019
        (layers from input to label and from label to label, with or without a prior graph); Lanchantin, Wang,
        Ordonez, Qi, *General Multi-label Image Classification with Transformers*, CVPR 2021 (label states and
        masks). Normalisation before each part, the linear head and its zero start are ours.

    Example:
        >>> from mlj.models import Trunk
        >>> rngs = nnx.Rngs(0)
        >>> model = LabelGraph(Trunk(4, hidden=(8,), rngs=rngs), 5, width=8, heads=2, tokens=2, rngs=rngs)
        >>> model(jnp.ones((2, 4))).shape
        (2, 5)
        >>> first_is_known = jnp.zeros((2, 5), bool).at[:, 0].set(True)
        >>> model.given(jnp.ones((2, 4)), jnp.ones((2, 5)), first_is_known).shape
        (2, 5)
    """

    def __init__(
        self,
        trunk: nnx.Module,
        num_labels: int,
        *,
        width: int = 32,
        heads: int = 4,
        tokens: int = 4,
        layers: int = 1,
        dropout: float = 0.1,
        output_bias: Array | None = None,
        rngs: nnx.Rngs,
    ):
        """Put the graph and a linear head on a trunk.

        Args:
            trunk: A module from features to a representation ``[B, trunk.num_outputs]``.
            num_labels: Number of labels L.
            width: Width of a label's vector, divisible by ``heads``.
            heads: Heads of each attention.
            tokens: Parts T that the representation is cut into; divides ``trunk.num_outputs``.
            layers: Rounds of looking at the sample and at each other.
            dropout: Share of what each part of a layer adds that is zeroed in training.
            output_bias: Where the head's bias starts, ``[L]``.
            rngs: Source of the initial weights.

        Raises:
            ValueError: If ``tokens`` does not divide the trunk's outputs, ``heads`` not ``width``, ``layers``
                is below 1, ``dropout`` outside [0, 1), or ``output_bias`` has another shape.
        """
        if tokens < 1 or trunk.num_outputs % tokens:
            raise ValueError(
                f"LabelGraph: tokens must divide the trunk's {trunk.num_outputs} outputs, got {tokens}"
            )
        if layers < 1:
            raise ValueError(f"LabelGraph: layers must be at least 1, got {layers}")
        self.trunk = trunk
        self.tokens = tokens
        self.head = head(trunk.num_outputs, num_labels, output_bias, rngs)
        vector = nnx.initializers.normal(1.0)
        self.labels = nnx.Param(vector(rngs.params(), (num_labels, width)))
        self.states = nnx.Param(vector(rngs.params(), (2, width)))
        self.layers = nnx.List(
            [_Layer(width, heads, trunk.num_outputs // tokens, dropout, rngs) for _ in range(layers)]
        )
        self.norm = nnx.LayerNorm(width, rngs=rngs)
        self.readout = nnx.Param(jnp.zeros((num_labels, width)))

    def __call__(
        self, features: Array | SparseRows, *, graph: Mask | None = None, key: Array | None = None
    ) -> Logits:
        """Return logits ``[B, L]`` of features ``[B, D]`` with no label known; see :meth:`given`."""
        keys = (None, None) if key is None else jax.random.split(key)
        return self.answer(self.see(features, key=keys[0]), graph=graph, key=keys[1])

    def given(
        self,
        features: Array | SparseRows,
        labels: Labels,
        known: Mask,
        *,
        graph: Mask | None = None,
        key: Array | None = None,
    ) -> Logits:
        """Return logits ``[B, L]``; those of unknown labels are conditional on the known ones.

        Args:
            features: ``[B, D]``.
            labels: Multi-hot ``[B, L]``; what stands at an unknown label is not looked at.
            known: Bool ``[B, L]``. The logit of a known label means nothing.
            graph: Bool ``[L, L]``, True at ``[j, i]`` where label j may look at label i; None lets all.
            key: Switches dropout on.

        Raises:
            TypeError: If ``known`` or ``graph`` is not bool.
            ValueError: If shapes do not fit.
        """
        keys = (None, None) if key is None else jax.random.split(key)
        return self.answer(self.see(features, key=keys[0]), labels, known, graph=graph, key=keys[1])

    def settled(
        self, features: Array | SparseRows, *, rounds: int = 4, graph: Mask | None = None
    ) -> Predictions:
        """Decide the labelset in so many rounds, the surest labels first, ``[B, L]``.

        In round ``r`` of ``R`` the labels whose logit is farthest from 0 take its sign, until ``L r / R`` are
        decided; from then on they are known. One round is ``logits > 0``.

        Raises:
            ValueError: If ``rounds`` is below 1.
        """
        return self.settle(self.see(features), rounds=rounds, graph=graph)

    def see(self, features: Array | SparseRows, *, key: Array | None = None) -> Seen:
        """Return what the features say, before any label is looked at."""
        represented = self.trunk(features, key=key)
        batch, size = represented.shape
        return Seen(represented.reshape(batch, self.tokens, size // self.tokens), self.head(represented))

    def answer(
        self,
        seen: Seen,
        labels: Labels | None = None,
        known: Mask | None = None,
        *,
        graph: Mask | None = None,
        key: Array | None = None,
    ) -> Logits:
        """Return logits ``[B, L]`` from what :meth:`see` gives; see :meth:`given`."""
        shape = (*seen.logits.shape, self.labels.shape[-1])
        h = jnp.broadcast_to(self.labels[...], shape)
        if known is not None:
            same_shape("LabelGraph", logits=seen.logits, labels=labels, known=known)
            is_bool("LabelGraph", "known", known)
            absent, present = (jnp.broadcast_to(state, shape) for state in self.states[...])
            state = jnp.where(jnp.broadcast_to(labels[..., None] > 0.5, shape), present, absent)
            h = h + jnp.where(jnp.broadcast_to(known[..., None], shape), state, 0)
        keys = [None] * len(self.layers) if key is None else jax.random.split(key, len(self.layers))
        for layer, own in zip(self.layers, keys, strict=True):
            h = layer(h, seen.tokens, graph, own)
        return seen.logits + jnp.einsum("blw,lw->bl", self.norm(h), self.readout[...])

    def settle(self, seen: Seen, *, rounds: int = 4, graph: Mask | None = None) -> Predictions:
        """Return the labelset ``[B, L]`` of :meth:`settled` from what :meth:`see` gives."""
        if rounds < 1:
            raise ValueError(f"LabelGraph: rounds must be at least 1, got {rounds}")
        size = seen.logits.shape[-1]

        def one_round(number: Array, state: tuple[Array, Array]) -> tuple[Array, Array]:
            decided, known = state
            logits = self.answer(seen, decided, known, graph=graph)
            sureness = jnp.where(known, jnp.inf, jnp.abs(logits))
            places = jnp.argsort(jnp.argsort(-sureness, axis=-1), axis=-1)
            return jnp.where(known, decided, logits > 0), places < -(-size * number // rounds)

        nothing = jnp.zeros(seen.logits.shape, bool)
        return jax.lax.fori_loop(1, rounds + 1, one_round, (nothing, nothing))[0]


class _Layer(nnx.Module):
    """Labels look at the sample, then at each other, then each at itself."""

    def __init__(self, width: int, heads: int, context_width: int, rate: float, rngs: nnx.Rngs):
        self.dropout = check_rate("dropout", rate)
        self.norms = nnx.List([nnx.LayerNorm(width, rngs=rngs) for _ in range(3)])
        self.sample = MultiHeadAttention(width, heads=heads, context_width=context_width, rngs=rngs)
        self.others = MultiHeadAttention(width, heads=heads, rngs=rngs)
        self.widen = nnx.Linear(width, 2 * width, rngs=rngs)
        self.narrow = nnx.Linear(2 * width, width, rngs=rngs)

    def __call__(self, h: Array, tokens: Array, graph: Mask | None, key: Array | None) -> Array:
        keys = [None] * 3 if key is None else jax.random.split(key, 3)
        h = h + dropout(self.sample(self.norms[0](h), tokens), self.dropout, keys[0])
        x = self.norms[1](h)
        h = h + dropout(self.others(x, x, mask=graph), self.dropout, keys[1])
        x = self.narrow(jax.nn.relu(self.widen(self.norms[2](h))))
        return h + dropout(x, self.dropout, keys[2])
