"""Random k-labelsets (RAkEL): label powersets over many small subsets of the labels, which vote."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from itertools import combinations
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from mlj.approaches.approach import Approach, Decoder, Options, Task
from mlj.approaches.powerset import labelset_cross_entropy
from mlj.decision.labelsets import all_labelsets, majority_of_members, mean_log_odds
from mlj.losses import mean_over_samples
from mlj.models import function_and_init
from mlj.models.rakel import Rakel
from mlj.training import Batch, Params
from mlj.types import Array, Labels, Logits, Mask, PerSample, Predictions, Scalar, Scores


def disjoint_subsets(num_labels: int, size: int, *, seed: int = 0) -> np.ndarray:
    """Divide the labels at random into subsets of ``size`` labels (RAkELd).

    Args:
        num_labels: Number of labels L.
        size: Labels k of a subset; the last one may have fewer.
        seed: Same seed, same subsets.

    Returns:
        Label numbers ``[ceil(L / k), k]``; L stands where a subset has no further label.

    Raises:
        ValueError: If ``size`` is not between 1 and L.

    >>> disjoint_subsets(3, 2).shape
    (2, 2)
    """
    _check_size("disjoint_subsets", num_labels, size)
    members = np.full((-(-num_labels // size), size), num_labels, np.int32)
    members.reshape(-1)[:num_labels] = np.random.default_rng(seed).permutation(num_labels)
    return members


def overlapping_subsets(
    num_labels: int, size: int, number: int | None = None, *, seed: int = 0
) -> np.ndarray:
    """Draw distinct subsets of ``size`` labels at random (RAkELo), as evenly over the labels as can be.

    Args:
        num_labels: Number of labels L.
        size: Labels k of a subset.
        number: Number of subsets m; 2 L, or all there are if these are fewer, when None.
        seed: Same seed, same subsets.

    Returns:
        Label numbers ``[m, k]``, ascending in each subset.

    Raises:
        ValueError: If ``size`` is not between 1 and L, there are not so many subsets, or they would leave a
            label out.

    Reference:
        Tsoumakas, Katakis, Vlahavas, *Random k-labelsets for multilabel classification*, TKDE 2011. There
        subsets are drawn without regard to how often a label has come, and some may come never.

    >>> overlapping_subsets(3, 2).tolist()
    [[0, 1], [0, 2], [1, 2]]
    """
    _check_size("overlapping_subsets", num_labels, size)
    possible = math.comb(num_labels, size)
    number = min(2 * num_labels, possible) if number is None else number
    if not -(-num_labels // size) <= number <= possible:
        raise ValueError(
            f"overlapping_subsets: number must be at least {-(-num_labels // size)}, to cover {num_labels} "
            f"labels, and at most {possible}, all subsets of {size}; got {number}"
        )
    if number == possible:
        return np.asarray(list(combinations(range(num_labels), size)), np.int32)
    rng, used, found = np.random.default_rng(seed), np.zeros(num_labels), {}
    while len(found) < number:
        noise = 1.0
        while (drawn := tuple(sorted(np.argsort(used + noise * rng.random(num_labels))[:size]))) in found:
            noise *= 1.5  # the labels that came least often are together in a subset already: look further
        found[drawn] = None
        used[list(drawn)] += 1
    return np.asarray(list(found), np.int32)


def _check_size(function: str, num_labels: int, size: int) -> None:
    if not 1 <= size <= num_labels:
        raise ValueError(f"{function}: size must be between 1 and {num_labels} labels, got {size}")


def members_of(labels: Array, members: Array, fill: Any) -> Array:
    """Return what each member sees of ``labels [..., L]``, ``[..., m, k]``; ``fill`` where it has no label.

    >>> members_of(jnp.array([5, 6, 7]), jnp.array([[2, 0], [1, 3]]), 0).tolist()
    [[7, 5], [6, 0]]
    """
    return jnp.take(labels, members, axis=-1, mode="fill", fill_value=fill)


@jax.jit
def members_cross_entropy(
    logits: Logits, labels: Labels, *, members: Array, where: Mask | None = None
) -> PerSample:
    r"""Cross-entropy of the labelset of each member's labels, averaged over the members.

    .. math::
        \frac{1}{m} \sum_{i=1}^{m} \Bigl( \log \sum_{t} e^{s_{it}} - s_{i, y|_i} \Bigr)

    where t runs over the :math:`2^k` labelsets of a member and :math:`y|_i` is the one of its labels. If no
    two members share a label, m times it is the negative log-probability of the whole labelset. Labels that
    were not observed are summed over, member by member.

    Args:
        logits: Scores ``[..., m, 2^k]``; -inf for impossible labelsets.
        labels: Multi-hot truth ``[..., L]``.
        members: Label numbers ``[m, k]``; L where a member has no further label.
        where: Bool ``[..., L]``, True where the label was observed.

    Returns:
        The cost of each sample ``[...]``.

    Raises:
        TypeError: If ``logits`` are not floating-point or ``where`` is not bool.
        ValueError: If shapes do not fit.

    Reference:
        Tsoumakas, Katakis, Vlahavas, *Random k-labelsets for multilabel classification*, TKDE 2011.

    >>> members = jnp.array([[0, 1], [1, 2]])
    >>> cost = members_cross_entropy(jnp.zeros((2, 4)), jnp.array([1, 0, 1]), members=members)
    >>> round(cost.item(), 4)
    1.3863
    """
    sets = all_labelsets(members.shape[-1])
    seen = None if where is None else members_of(where, members, True)
    own = members_of(jnp.asarray(labels), members, 0)
    return jnp.mean(labelset_cross_entropy(logits, own, labelsets=sets, where=seen), axis=-1)


def member_log_priors(labels: np.ndarray, where: np.ndarray | None, members: np.ndarray) -> np.ndarray:
    """Return the log-shares of the labelsets of each member among rows, smoothed by one row spread evenly.

    Args:
        labels: Multi-hot labels ``[n, L]``; rows in which a label of the member is not observed do not count.
        where: Bool ``[n, L]``, or None where all were observed.
        members: Label numbers ``[m, k]``; L where a member has no further label.

    Returns:
        ``[m, 2^k]``, -inf for labelsets with a label that the member does not have.

    >>> np.exp(member_log_priors(np.array([[1], [1], [0]]), None, np.array([[0]]))).round(3).tolist()
    [[0.375, 0.625]]
    """
    count, size = members.shape
    absent = (members == labels.shape[1])[:, None, :] & np.asarray(all_labelsets(size))
    possible = ~absent.any(axis=-1)
    wider = np.pad(np.asarray(labels > 0), [(0, 0), (0, 1)])
    observed = np.ones(labels.shape, bool) if where is None else where
    observed = np.pad(observed, [(0, 0), (0, 1)], constant_values=True)
    found = np.full((count, 2**size), -np.inf, np.float32)
    for row, own in enumerate(members):
        codes = wider[:, own] @ (1 << np.arange(size))
        counts = np.bincount(codes[observed[:, own].all(axis=1)], minlength=2**size)[possible[row]]
        found[row, possible[row]] = np.log((counts + 1 / len(counts)) / (counts.sum() + 1))
    return found


def _make_rakel(task: Task, members: np.ndarray, shared_trunk: bool, decoder: tuple[str, str]) -> Approach:
    """Return the approach of these subsets of labels."""
    make, apply = (_shared if shared_trunk else _separate)(task, *members.shape)

    def init(key: Array, options: Options) -> Params:
        prior = options["log_priors"]
        return make(key, jnp.where(prior == -jnp.inf, 0, prior))

    def logits(params: Params, features: Any, options: Options, key: Array | None = None) -> Logits:
        scores = apply(params, features, key)
        possible = options["log_priors"] > -jnp.inf
        return jnp.where(jnp.broadcast_to(possible, scores.shape), scores, -jnp.inf)

    def objective(params: Params, batch: Batch, key: Array, options: Options) -> Scalar:
        cost = mean_over_samples(partial(members_cross_entropy, members=options["members"]))
        return cost(logits(params, batch.features, options, key), batch.labels, where=batch.where)

    def predict(params: Params, features: Any, options: Options) -> Scores:
        return mean_log_odds(logits(params, features, options), options["members"], task.num_labels)

    def vote(params: Params, features: Any, options: Options) -> Predictions:
        return majority_of_members(logits(params, features, options), options["members"], task.num_labels)

    def options(labels: np.ndarray, where: np.ndarray | None) -> dict[str, np.ndarray]:
        return {"members": members, "log_priors": member_log_priors(labels, where, members)}

    return Approach(
        init=init,
        objective=objective,
        predict=predict,
        scores=lambda outputs: (outputs, None),
        options=options,
        decoders={decoder[0]: Decoder(decoder[1], vote)},
    )


Make = Callable[[Array, Array], Params]
Apply = Callable[[Params, Any, Array | None], Logits]


def _shared(task: Task, number: int, size: int) -> tuple[Make, Apply]:
    def model(rngs: nnx.Rngs, prior: Array | None) -> Rakel:
        return Rakel(task.make_trunk(rngs), number, size, output_bias=prior, rngs=rngs)

    apply_fn, init = function_and_init(model)
    return init, lambda params, features, key: apply_fn(params, features, key=key)


def _separate(task: Task, number: int, size: int) -> tuple[Make, Apply]:
    one_make, one_apply = _shared(task, 1, size)

    def make(key: Array, prior: Array) -> Params:
        return jax.vmap(one_make)(jax.random.split(key, number), prior[:, None, :])

    def apply(params: Params, features: Any, key: Array | None) -> Logits:
        keys = None if key is None else jax.random.split(key, number)
        each = jax.vmap(one_apply, in_axes=(0, None, 0))(params, features, keys)
        return jnp.moveaxis(each[..., 0, :], 0, -2)

    return make, apply


def make_rakel_disjoint(
    task: Task, *, subset_size: int = 3, shared_trunk: bool = True, seed: int = 0
) -> Approach:
    """Return the approach that divides the labels into subsets and takes each for a label powerset (RAkELd).

    The subsets are independent given the features, so that their product is a distribution over all
    labelsets, which sums to one, and the subsets' most probable labelsets make up its own.

    Args:
        task: The sizes, and the module under the heads.
        subset_size: Labels k of a subset; L if there are fewer.
        shared_trunk: Whether the members share one trunk, or each has its own.
        seed: Of the division.

    Raises:
        ValueError: If ``subset_size`` is below 1.

    Reference:
        Tsoumakas, Katakis, Vlahavas, *Random k-labelsets for multilabel classification*, TKDE 2011 (there
        RAkELd). There a member chooses between the labelsets of its training rows, here between all.

    >>> from mlj.models import Trunk
    >>> task = Task(3, 4, 2, False, lambda rngs: Trunk(5, hidden=(8,), rngs=rngs), None)
    >>> make_rakel_disjoint(task).options(np.eye(3), None)["members"].shape
    (1, 3)
    """
    members = disjoint_subsets(task.num_labels, min(subset_size, task.num_labels), seed=seed)
    return _make_rakel(task, members, shared_trunk, ("mode", "most probable labelset"))


def make_rakel_overlapping(
    task: Task,
    *,
    subset_size: int = 3,
    num_members: int | None = None,
    shared_trunk: bool = True,
    seed: int = 0,
) -> Approach:
    """Return the approach in which many label powersets over overlapping subsets of labels vote (RAkELo).

    Args:
        task: The sizes, and the module under the heads.
        subset_size: Labels k of a subset; L if there are fewer.
        num_members: Number of subsets m; 2 L if None.
        shared_trunk: Whether the members share one trunk, or each has its own.
        seed: Of the subsets.

    Raises:
        ValueError: If ``subset_size`` is below 1 or there are not ``num_members`` subsets.

    Reference:
        Tsoumakas, Katakis, Vlahavas, *Random k-labelsets for multilabel classification*, TKDE 2011 (there
        RAkELo). Scores are the log-odds of the members' mean probability; the decoder has their votes.

    >>> from mlj.models import Trunk
    >>> task = Task(3, 4, 2, False, lambda rngs: Trunk(5, hidden=(8,), rngs=rngs), None)
    >>> partial(make_rakel_overlapping, subset_size=2)(task).options(np.eye(3), None)["members"].shape
    (3, 2)
    """
    size = min(subset_size, task.num_labels)
    members = overlapping_subsets(task.num_labels, size, num_members, seed=seed)
    return _make_rakel(task, members, shared_trunk, ("votes", "majority of the members"))
