"""Labels in a hierarchy, in which a label is present wherever one below it is."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from mlj._checks import as_logits, has_shape, is_bool, same_shape
from mlj.losses._inputs import read_terms
from mlj.numerics import bound_logits, softplus
from mlj.types import Array, Labels, Logits, Mask, PerSample, Scores, Weights


class Families(NamedTuple):
    """Each label with all labels below it, as lists: what the table of descendants says, without its zeros.

    Made by :func:`families`, it stands in for the bool ``[L, L]`` wherever ``descendants`` are asked for.
    Time and memory of a sample then grow with the number of pairs of a label and one below it, not with
    ``L^2``: 1,689 pairs instead of 249,001 for the 499 classes of a catalogue of gene functions.
    """

    owners: tuple[Array, ...]
    """The labels whose families are in the block of that number, int32 ``[n]`` each."""
    members: tuple[Array, ...]
    """The labels of these families, themselves included, int32 ``[n, P]`` each, padded with L."""
    place: Array
    """Where each label's family stands among those of all blocks, int32 ``[L]``."""
    above: Array
    """Each label and all labels above it, int32 ``[L, A]``, padded with L."""


def families(descendants: Mask) -> Families:
    """Turn a table of descendants into lists; outside of ``jit``, since their lengths are values.

    Args:
        descendants: Bool ``[L, L]``, True at ``[j, i]`` where label ``i`` is below label ``j``, however far.

    Returns:
        The lists. Families of like size share a block, so that at most half of it is padding. What is
        computed with them has a gradient, but no second derivative and no forward mode.

    Raises:
        TypeError: If ``descendants`` are not bool.
        ValueError: If they are not a square.

    >>> below = jnp.array([[False, True, True], [False, False, True], [False, False, False]])
    >>> [block.tolist() for block in families(below).members]
    [[[2]], [[1, 2]], [[0, 1, 2]]]
    """
    descendants = jnp.asarray(descendants)
    size = descendants.shape[0] if descendants.ndim else 0
    below: list[list[int]] = [[] for _ in range(size)]
    above: list[list[int]] = [[] for _ in range(size)]
    for owner, member in zip(*(x.tolist() for x in jnp.nonzero(_family("families", descendants, size)))):
        below[owner].append(member)
        above[member].append(owner)
    blocks: dict[int, list[int]] = {}
    for owner, members in enumerate(below):
        blocks.setdefault((len(members) - 1).bit_length(), []).append(owner)
    owners = [blocks[width] for width in sorted(blocks)]
    order = [owner for block in owners for owner in block]
    place = sorted(range(size), key=order.__getitem__)
    return Families(
        tuple(jnp.array(block, jnp.int32) for block in owners),
        tuple(_padded([below[owner] for owner in block], size) for block in owners),
        jnp.array(place, jnp.int32),
        _padded(above, size),
    )


def _padded(lists: list[list[int]], padding: int) -> Array:
    width = max(map(len, lists), default=0)
    return jnp.array([found + [padding] * (width - len(found)) for found in lists], jnp.int32)


def _family(function: str, descendants: Array, size: int) -> Array:
    descendants = jnp.asarray(descendants)
    has_shape(function, "descendants", descendants, (size, size))
    is_bool(function, "descendants", descendants)
    return descendants | jnp.eye(size, dtype=bool)


def _read_family(function: str, descendants: Mask | Families, size: int) -> Array | Families:
    if not isinstance(descendants, Families):
        return _family(function, descendants, size)
    has_shape(function, "families' place", descendants.place, (size,))
    return descendants


def _top_below(scores: Array, members: Array, family: Array | Families) -> Array:
    """Return for each label ``j`` the highest score among the members of its family, -inf without any."""
    if isinstance(family, Families):
        return _listed_top(jnp.where(members, scores, -jnp.inf), family)
    spread = (*scores.shape[:-1], *family.shape)
    reached = jnp.broadcast_to(family, spread) & jnp.broadcast_to(members[..., None, :], spread)
    scores = jnp.broadcast_to(scores[..., None, :], spread)
    top = jnp.max(jnp.where(reached, scores, -jnp.inf), axis=-1)
    # A maximum over an axis loses NaN on some backends.
    return jnp.where(jnp.any(reached & jnp.isnan(scores), axis=-1), jnp.nan, top)


def _pick(values: Array, places: Array, padding: float) -> Array:
    """Return ``values [..., L]`` at ``places``, ``padding`` where they are L."""
    return jnp.take(values, places, axis=-1, mode="fill", fill_value=padding)


def _tops(scores: Array, lists: Families) -> tuple[Array, Array]:
    """Return the highest score of each family ``[..., L]``, and how many members have it."""
    tops, ties = [], []
    for members in lists.members:
        found = _pick(scores, members, -jnp.inf)
        top = jnp.max(found, axis=-1)
        top = jnp.where(jnp.any(jnp.isnan(found), axis=-1), jnp.nan, top)
        tops.append(top)
        ties.append(jnp.sum(found == top[..., None], axis=-1))
    tops, ties = (jnp.take(jnp.concatenate(x, axis=-1), lists.place, axis=-1) for x in (tops, ties))
    return tops, ties


@jax.custom_vjp
def _listed_top(scores: Array, lists: Families) -> Array:
    return _tops(scores, lists)[0]


def _listed_forward(scores: Array, lists: Families):
    tops, ties = _tops(scores, lists)
    return tops, (scores, tops, ties, lists)


def _listed_backward(saved, cotangent: Array):
    scores, tops, ties, lists = saved
    # A label looks up to those that it may be the top of, which needs no scatter.
    share = jnp.where(ties > 0, cotangent / jnp.maximum(ties, 1), 0)
    is_top = _pick(tops, lists.above, jnp.nan) == scores[..., None]
    slope = jnp.sum(jnp.where(is_top, _pick(share, lists.above, 0), 0), axis=-1)
    return slope, None


_listed_top.defvjp(_listed_forward, _listed_backward)


@jax.jit
def coherent_scores(logits: Logits, *, descendants: Mask | Families, where: Mask | None = None) -> Scores:
    """Raise the score of each label to the highest score among itself and all labels below it.

    Whatever the threshold, a label that is predicted from these scores has all labels above it predicted
    too. Predict ``coherent_scores(...) > 0`` after :func:`hierarchy_max_constraint`.

    Args:
        logits: Scores ``[..., L]``.
        descendants: Bool ``[L, L]``, True at ``[j, i]`` where label ``i`` is below label ``j``, however far;
            or the :func:`families` of it.
        where: Bool ``[..., L]``, False for labels that count as deleted; their score is -inf.

    Returns:
        Scores ``[..., L]``, float32 or wider.

    Raises:
        TypeError: If ``logits`` are not floating-point, or ``descendants`` or ``where`` not bool.
        ValueError: If shapes do not fit.

    >>> below = jnp.array([[False, True, True], [False, False, True], [False, False, False]])
    >>> coherent_scores(jnp.array([-1.0, -2.0, 3.0]), descendants=below).tolist()
    [3.0, 3.0, 3.0]
    """
    logits = as_logits("coherent_scores", logits)
    same_shape("coherent_scores", logits=logits, where=where)
    is_bool("coherent_scores", "where", where)
    family = _read_family("coherent_scores", descendants, logits.shape[-1])
    members = jnp.ones(logits.shape, bool) if where is None else where
    found = _top_below(jnp.where(members, logits, 0), members, family)
    return found if where is None else jnp.where(where, found, -jnp.inf)


@jax.jit
def hierarchy_max_constraint(
    logits: Logits,
    labels: Labels,
    *,
    descendants: Mask | Families,
    weights: Weights | None = None,
    where: Mask | None = None,
) -> PerSample:
    r"""Sigmoid cross-entropy of labels whose score is the highest one at or below them in a hierarchy.

    With :math:`D_j` label :math:`j` and all labels below it,

    .. math::
        \ell(s, y) = \frac{1}{L} \sum_{j=1}^{L}
            y_j \log\Bigl(1 + e^{-\max_{i \in D_j,\, y_i = 1} s_i}\Bigr)
            + (1 - y_j) \log\Bigl(1 + e^{\max_{i \in D_j} s_i}\Bigr).

    A present label is judged by the best of the present labels below it, an absent one by the worst of all
    below it, so that no label is praised for the score of a wrong descendant. Labels must be closed upwards:
    whatever lies above a present label is present. Predict :func:`coherent_scores` ``> 0``. Without any
    descendants it is :func:`sigmoid_cross_entropy`.

    Value and gradient are finite for every ``|s| <= finfo.max``. Each term teaches the one label that attains
    its maximum, and several that tie equally; a leaf that is far wrong is pulled with ``1 / L``.

    Args:
        logits: Scores ``[..., L]`` before the sigmoid.
        labels: Multi-hot targets ``[..., L]``, closed upwards; a label is present where ``y > 0``.
        descendants: Bool ``[L, L]``, shared by all samples, True at ``[j, i]`` where label ``i`` is below
            label ``j``, however far; the diagonal makes no difference. Or the :func:`families` of it, which
            spare time and memory.
        weights: Multipliers ``[..., L]`` of the label terms; they do not enter the divisor.
        where: Bool ``[..., L]``, True where the label was observed; the others count as deleted, below others
            too.

    Returns:
        The cost of each sample ``[...]``, float32 or wider.

    Raises:
        TypeError: If ``logits`` are not floating-point, or ``descendants`` or ``where`` not bool.
        ValueError: If shapes do not fit.

    Reference:
        Giunchiglia, Lukasiewicz, *Coherent Hierarchical Multi-Label Classification Networks*, NeurIPS 2020.
        The sigmoid rises, so that the maximum of the probabilities is that of the logits. The paper adds the
        terms up: larger by ``L``.

    >>> logits, below = jnp.array([-9.0, 9.0]), jnp.array([[False, True], [False, False]])
    >>> costs = [
    ...     hierarchy_max_constraint(logits, jnp.array(y), descendants=below).item()
    ...     for y in ([1, 1], [1, 0])
    ... ]
    >>> [round(cost, 2) for cost in costs]
    [0.0, 9.0]
    """
    name = "hierarchy_max_constraint"
    sample = read_terms(name, logits, labels, weights, where)
    family = _read_family(name, descendants, sample.logits.shape[-1])
    observed = jnp.ones(sample.logits.shape, bool) if where is None else where
    present = observed & (sample.labels > 0)
    # Bounded logits stay above the -inf of labels that are out of reach, and share no slope with them.
    s = bound_logits(sample.logits, 1)
    all_below, present_below = (_top_below(s, members, family) for members in (observed, present))
    score = jnp.where(present, present_below, jnp.where(observed, all_below, 0))
    terms = softplus(jnp.where(present, -score, score))
    # The bound hides infinities, which come back without a slope of their own.
    raw = [_top_below(sample.logits, members, family) for members in (observed, present)]
    lost = jnp.where(present, raw[1] == -jnp.inf, raw[0] == jnp.inf)
    terms += jnp.where(observed & lost, jnp.inf, 0)
    return sample.mean(jnp.where(jnp.isnan(sample.labels), jnp.nan, terms))
