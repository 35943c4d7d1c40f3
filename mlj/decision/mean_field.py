r"""Inference for labels coupled in pairs: exact log-odds, mean field, iterated conditional modes.

The model is that of :func:`mlj.losses.ising`, with the score

.. math::
    E(y) = \sum_j s_j y_j + \sum_{i < j} W_{ij} y_i y_j

of a labelset. Exact answers look at all 2^L labelsets: :func:`ising_log_odds` here,
:func:`mlj.losses.ising_marginals` and :func:`mlj.losses.ising_mode` there. The approximate ones take O(L^2) a
round, for any number of labels. Couplings are ``[L, L]`` and shared by all samples, and only their upper
triangle is used.
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp

from mlj._checks import as_logits, has_shape
from mlj.decision.labelsets import MOST_LABELS, all_labelsets
from mlj.types import Array, Logits, PerSample, Predictions, Scalar, Scores


@jax.jit
def labelset_scores(logits: Logits, labelsets: Predictions, *, couplings: Array) -> PerSample:
    r"""Return the score :math:`E(y)` of labelsets under logits and couplings.

    Args:
        logits: Fields ``[..., L]`` of single labels.
        labelsets: Multi-hot ``[..., L]``.
        couplings: Scores ``[L, L]`` of pairs of labels; the upper triangle is used.

    Returns:
        ``[...]``, float32 or wider.

    Raises:
        TypeError: If ``logits`` or ``couplings`` are not floating-point.
        ValueError: If ``couplings`` are not ``[L, L]``.

    >>> couplings = jnp.array([[0.0, 3.0], [0.0, 0.0]])
    >>> labelset_scores(jnp.array([1.0, -2.0]), jnp.array([True, True]), couplings=couplings).item()
    2.0
    """
    s, w = _read("labelset_scores", logits, couplings)
    y = labelsets.astype(s.dtype)
    return jnp.sum(y * (s + _pull(y, w) / 2), axis=-1)


@jax.jit
def ising_log_odds(logits: Logits, *, couplings: Array) -> Scores:
    r"""Return the exact log-odds that each label is present, by looking at all labelsets.

    .. math::
        \log \sum_{y: y_j = 1} e^{E(y)} - \log \sum_{y: y_j = 0} e^{E(y)}

    The sigmoid of it is :func:`mlj.losses.ising_marginals`; unlike the logit of that it is finite for finite
    arguments and exact in both tails. Rows are taken 256 at a time, to bound the memory.

    Args:
        logits: Fields ``[N, L]`` of single labels, ``L <= 16``.
        couplings: Scores ``[L, L]`` of pairs of labels; the upper triangle is used.

    Returns:
        Log-odds ``[N, L]``, float32 or wider.

    Raises:
        TypeError: If ``logits`` or ``couplings`` are not floating-point.
        ValueError: If there are more than 16 labels, or shapes do not fit.

    >>> couplings = jnp.array([[0.0, 1.0], [0.0, 0.0]])
    >>> log_odds = ising_log_odds(jnp.zeros((1, 2)), couplings=couplings)
    >>> [round(p, 2) for p in jax.nn.sigmoid(log_odds[0]).tolist()]
    [0.65, 0.65]
    """
    s, w = _read("ising_log_odds", logits, couplings)
    size = s.shape[-1]
    if s.ndim != 2 or size > MOST_LABELS:
        raise ValueError(
            f"ising_log_odds: logits must be [N, L] with at most {MOST_LABELS} labels, got {list(s.shape)}; "
            "mean_field_log_odds takes any number"
        )
    sets = all_labelsets(size).astype(s.dtype)
    pairs = jnp.sum(sets * _pull(sets, w), axis=-1) / 2

    def one(row: Array) -> Array:
        scores = jnp.dot(sets, row, precision="highest") + pairs
        halves = [scores.reshape(2 ** (size - 1 - j), 2, 2**j) for j in range(size)]
        sums = jnp.stack([jax.nn.logsumexp(half, axis=(0, 2)) for half in halves])
        return sums[:, 1] - sums[:, 0]

    return jax.lax.map(one, s, batch_size=256)


@partial(jax.jit, static_argnames="rounds")
def mean_field_log_odds(
    logits: Logits, *, couplings: Array, damping: Scalar = 0.5, rounds: int = 30
) -> Scores:
    r"""Return log-odds of presence by naive mean field, damped, after a fixed number of rounds.

    From :math:`h = s` each round sets

    .. math::
        h \leftarrow d\, h + (1 - d)\, \bigl(s + W \sigma(h)\bigr) .

    A fixed point is a stationary point of the variational bound on the log-partition function over all
    distributions with independent labels. Close for weak couplings; for strong ones it is too sure of itself,
    and where the model has several modes it picks one. ``W = 0`` gives the logits. The result is finite for
    finite arguments, converged or not; damping keeps labels that exclude each other from flipping to and fro.

    Args:
        logits: Fields ``[..., L]`` of single labels.
        couplings: Scores ``[L, L]`` of pairs of labels; the upper triangle is used.
        damping: Share d of the old value that is kept, in [0, 1).
        rounds: Number of rounds, static.

    Returns:
        Log-odds ``[..., L]``, float32 or wider.

    Raises:
        TypeError: If ``logits`` or ``couplings`` are not floating-point.
        ValueError: If ``couplings`` are not ``[L, L]``.

    Reference:
        Wainwright, Jordan, *Graphical Models, Exponential Families, and Variational Inference*, 2008,
        section 5.3; all labels are updated at once here, and damped for it.

    >>> couplings = jnp.array([[0.0, 1.0], [0.0, 0.0]])
    >>> log_odds = mean_field_log_odds(jnp.zeros(2), couplings=couplings)
    >>> [round(p, 2) for p in jax.nn.sigmoid(log_odds).tolist()]  # exactly .65
    [0.66, 0.66]
    """
    s, w = _read("mean_field_log_odds", logits, couplings)
    damping = jnp.asarray(damping, s.dtype)

    def update(_: Array, h: Array) -> Array:
        return damping * h + (1 - damping) * (s + _pull(jax.nn.sigmoid(h), w))

    return jax.lax.fori_loop(0, rounds, update, s)


@partial(jax.jit, static_argnames="rounds")
def iterated_modes(logits: Logits, *, couplings: Array, rounds: int = 10) -> Predictions:
    r"""Return the best labelset that iterated conditional modes find from several starts.

    Label after label takes the value that scores best given all others, :math:`s_j + \sum_i W_{ij} y_i > 0`,
    round after round; no update ever lowers the score. It starts from the signs of the logits, from those
    of :func:`mean_field_log_odds`, from no label and from all, and the best of the four ends wins. The result
    never scores below any of the starts, and is the exact mode where no coupling is strong.

    Args:
        logits: Fields ``[..., L]`` of single labels.
        couplings: Scores ``[L, L]`` of pairs of labels; the upper triangle is used.
        rounds: Passes over all labels, static.

    Returns:
        Bool ``[..., L]``.

    Raises:
        TypeError: If ``logits`` or ``couplings`` are not floating-point.
        ValueError: If ``couplings`` are not ``[L, L]``.

    Reference:
        Besag, *On the Statistical Analysis of Dirty Pictures*, Journal of the Royal Statistical Society B
        1986.

    >>> iterated_modes(jnp.array([-1.0, -1.0]), couplings=jnp.array([[0.0, 3.0], [0.0, 0.0]])).tolist()
    [True, True]
    """
    s, w = _read("iterated_modes", logits, couplings)
    smooth = mean_field_log_odds(s, couplings=couplings)
    starts = jnp.stack([s > 0, smooth > 0, jnp.zeros(s.shape, bool), jnp.ones(s.shape, bool)])
    ends = jax.lax.map(lambda start: _climb(start, s, w, rounds), starts)
    scores = jax.vmap(lambda y: labelset_scores(s, y, couplings=couplings))(ends)
    best = jnp.argmax(scores, axis=0)
    return jnp.take_along_axis(ends, best[None, ..., None], axis=0)[0]


def _climb(start: Array, s: Array, w: Array, rounds: int) -> Array:
    """Update one label after the other, in turn, for so many rounds."""
    size = s.shape[-1]

    def update(step: Array, state: tuple[Array, Array]) -> tuple[Array, Array]:
        labels, fields = state
        j = step % size
        old = jnp.take(labels, j, axis=-1)
        new = jnp.take(fields, j, axis=-1) > 0
        change = new.astype(s.dtype) - old.astype(s.dtype)
        return labels.at[..., j].set(new), fields + change[..., None] * jnp.broadcast_to(w[j], s.shape)

    fields = s + _pull(start.astype(s.dtype), w)
    return jax.lax.fori_loop(0, rounds * size, update, (start, fields))[0]


def _pull(present: Array, w: Array) -> Array:
    # Accelerators round the factors of a product to a few digits unless told otherwise.
    return jnp.dot(present, w, precision="highest")


def _read(function: str, logits: Array, couplings: Array) -> tuple[Array, Array]:
    """Return logits and the upper triangle of the couplings, mirrored."""
    logits = as_logits(function, logits)
    has_shape(function, "couplings", couplings, (logits.shape[-1], logits.shape[-1]))
    if not jnp.issubdtype(jnp.asarray(couplings).dtype, jnp.floating):
        raise TypeError(f"{function}: couplings must be floating-point, got {jnp.asarray(couplings).dtype}")
    upper = jnp.triu(jnp.asarray(couplings).astype(logits.dtype), 1)
    return logits, upper + upper.T
