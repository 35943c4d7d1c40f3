"""Decoding one choice after the other, with any model that gives a step.

A step is ``step(state, last) -> (logits [C], state)``: for one sample, from the number of the last choice,
the scores of the next. Its state is any pytree. :func:`follow`, :func:`greedy` and :func:`sample` here, and
:func:`mlj.decision.beam.beam_search`, run it for a fixed number of steps in one loop, or until all have come
to an end; they are pure and know nothing of labels or networks. ``vmap`` them over the samples, and call them
inside ``jit``.

:func:`label_steps` turns a model that scores labels and an end symbol into a step that never repeats a label
and stays at the end once it has been chosen.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.custom_batching import custom_vmap

from mlj.types import Array, Predictions, Scores

Step = Callable[[Any, Array], tuple[Array, Any]]
"""``step(state, last) -> (logits [C], state)`` of one sample; ``last`` is an int32 scalar."""


class Path(NamedTuple):
    """Choices one after the other, and what the model said before each."""

    choices: Array
    """Int32 ``[..., T]``."""
    log_probs: Array
    """Log-probabilities ``[..., T, C]`` of every choice at each step, given the choices before it."""

    @property
    def log_prob(self) -> Array:
        """The log-probability of the whole path ``[...]``."""
        chosen = jnp.take_along_axis(self.log_probs, self.choices[..., None], axis=-1)
        return jnp.sum(chosen[..., 0], axis=-1)


@custom_vmap
def _anywhere(flag: Array) -> Array:
    """Return whether the flag is up for any of the samples that this is mapped over, the same for all."""
    return flag


@_anywhere.def_vmap
def _anywhere_mapped(size: int, mapped: list[bool], flag: Array) -> tuple[Array, bool]:
    return _anywhere(jnp.any(flag, axis=0)), False


def _run(
    step: Step,
    state: Any,
    start: int,
    inputs: Array,
    choose: Callable[[Array, Array], Array],
    end: int | None = None,
) -> Path:
    """Go through ``inputs [T]``; ``choose(log_probs [C], input) -> choice``."""

    def one(carry, given):
        state, last = carry
        logits, state = step(state, last)
        log_probs = jax.nn.log_softmax(logits)
        choice = choose(log_probs, given).astype(jnp.int32)
        return (state, choice), Path(choice, log_probs)

    first = state, jnp.asarray(start, jnp.int32)
    if end is None:
        return jax.lax.scan(one, first, inputs)[1]
    return _until_the_end(one, first, inputs, end)


def _until_the_end(
    one: Callable[[Any, Array], tuple[Any, Path]], first: Any, inputs: Array, end: int
) -> Path:
    """Return what a scan of ``one`` would, in as many steps as it takes until every path has ended."""
    shape = jax.eval_shape(one, first, inputs[0])[1].log_probs
    only_end = jnp.where(jnp.arange(shape.shape[-1]) == end, 0, -jnp.inf).astype(shape.dtype)
    length = inputs.shape[0]
    blank = Path(jnp.full(length, end, jnp.int32), jnp.tile(only_end, (length, 1)))

    def goes_on(carry):
        place, is_open, _, _ = carry
        return (place < length) & is_open

    def body(carry):
        place, _, carry, path = carry
        carry, now = one(carry, inputs[place])
        path = jax.tree.map(lambda all_, new: all_.at[place].set(new), path, now)
        return place + 1, _anywhere(now.choices != end), carry, path

    return jax.lax.while_loop(goes_on, body, (0, jnp.array(True), first, blank))[-1]


def follow(step: Step, state: Any, choices: Array, *, start: int = 0) -> Path:
    """Return what the model says along given choices.

    Args:
        step: The model, see :mod:`mlj.decision.autoregressive`.
        state: Its state before the first step.
        choices: Int32 ``[T]``.
        start: What the first step is given as the last choice.

    Returns:
        The path, whose ``log_prob`` is that of the choices.

    >>> coin = lambda state, last: (jnp.log(jnp.array([0.25, 0.75])), state)
    >>> round(jnp.exp(follow(coin, (), jnp.array([1, 1, 0])).log_prob).item(), 4)
    0.1406
    """
    return _run(step, state, start, choices, lambda log_probs, choice: choice)


def greedy(step: Step, state: Any, *, length: int, start: int = 0, end: int | None = None) -> Path:
    """Take the most probable choice at every step; of equal ones the lowest number.

    The path need not be the most probable one: see :func:`mlj.decision.beam.beam_search`.

    Args:
        step: The model, see :mod:`mlj.decision.autoregressive`.
        state: Its state before the first step.
        length: Number of steps T; static.
        start: What the first step is given as the last choice.
        end: A choice that the model lets only itself follow, as the end symbol of :func:`label_steps`:
            decoding stops once every path has come to it, of all samples that are mapped over. The result is
            the same without it; with it there are no gradients backwards.

    >>> coin = lambda state, last: (jnp.log(jnp.array([0.25, 0.75])), state)
    >>> greedy(coin, (), length=3).choices.tolist()
    [1, 1, 1]
    """
    return _run(step, state, start, jnp.zeros(length), lambda log_probs, _: jnp.argmax(log_probs), end)


def sample(step: Step, state: Any, key: Array, *, length: int, start: int = 0) -> Path:
    """Draw every choice from its distribution given the choices before it (ancestral sampling).

    One uniform number decides each choice, by inverting the cumulative distribution; a choice of probability
    0 is never drawn.

    Args:
        step: The model, see :mod:`mlj.decision.autoregressive`.
        state: Its state before the first step.
        key: Randomness of this path; several paths are a ``vmap`` over split keys.
        length: Number of steps T; static.
        start: What the first step is given as the last choice.

    >>> coin = lambda state, last: (jnp.log(jnp.array([0.25, 0.75])), state)
    >>> keys = jax.random.split(jax.random.key(0), 1000)
    >>> paths = jax.vmap(lambda key: sample(coin, (), key, length=3))(keys)
    >>> round(jnp.mean(paths.choices).item(), 1)
    0.8
    """

    return _run(step, state, start, jax.random.uniform(key, (length,)), _draw)


def _draw(log_probs: Array, uniform: Array) -> Array:
    cumulative = jnp.cumsum(jnp.exp(log_probs))
    return jnp.argmax(cumulative > uniform * cumulative[-1])


def sample_paths(
    step: Step,
    state: Any,
    key: Array,
    *,
    number: int,
    length: int,
    start: int = 0,
    end: int | None = None,
) -> Path:
    """Draw several paths that are spread more evenly than independent ones.

    Each path alone is a draw of :func:`sample`. But at each step the uniform numbers of the paths are one in
    every interval of length 1 / ``number``, in random order (a Latin hypercube), so that the first choices
    come as often as they are probable, up to one path, and means over the paths have less variance.

    Args:
        step: The model, see :mod:`mlj.decision.autoregressive`.
        state: Its state before the first step.
        key: Randomness.
        number: Number of paths S; static.
        length: Number of steps T; static.
        start: What the first step is given as the last choice.
        end: A choice that the model lets only itself follow, as the end symbol of :func:`label_steps`:
            decoding stops once every path has come to it, of all samples that are mapped over. The result is
            the same without it; with it there are no gradients backwards.

    Returns:
        Paths with ``choices [S, T]``.

    Reference:
        McKay, Beckman, Conover, *A Comparison of Three Methods for Selecting Values of Input Variables in the
        Analysis of Output from a Computer Code*, Technometrics 21, 1979.

    >>> coin = lambda state, last: (jnp.log(jnp.array([0.25, 0.75])), state)
    >>> paths = sample_paths(coin, (), jax.random.key(0), number=8, length=2)
    >>> paths.choices.sum(axis=0).tolist()
    [6, 6]
    """
    key_interval, key_within = jax.random.split(key)
    intervals = jnp.broadcast_to(jnp.arange(number)[:, None], (number, length))
    intervals = jax.random.permutation(key_interval, intervals, independent=True)
    uniforms = (intervals + jax.random.uniform(key_within, (number, length))) / number
    # Rounding must not reach 1, beyond which no choice lies.
    uniforms = jnp.minimum(uniforms, 1 - 2.0**-24)
    return jax.vmap(lambda one: _run(step, state, start, one, _draw, end))(uniforms)


class Emission(NamedTuple):
    """The state of :func:`label_steps`."""

    inner: Any
    """The state of the model."""
    emitted: Array
    """Bool ``[L]``, the labels chosen so far."""
    ended: Array
    """Bool, whether the end symbol was chosen."""
    place: Array
    """Int32, the number of steps taken."""


def label_steps(step: Step, state: Any, *, num_labels: int, length: int) -> tuple[Step, Emission]:
    """Turn a step over labels and an end symbol into one that emits a set of labels.

    The end symbol has the number ``num_labels``; it is also what the model is given as the last choice before
    the first step, so pass ``start=num_labels`` to the decoders. A label that was emitted has probability 0
    thereafter, the rest is renormalised. After the end symbol only the end symbol follows, and at the last of
    ``length`` steps it comes for certain: the probabilities of all sequences of fewer than ``length``
    different labels sum to one.

    Args:
        step: A model whose logits are ``[L + 1]``, the last for the end symbol.
        state: Its state before the first step.
        num_labels: L.
        length: Number of steps T that will be taken, one more than the most labels that can be emitted.

    Returns:
        The new step and its state before the first step.

    >>> flat = lambda state, last: (jnp.array([3.0, 2.0, 1.0, 0.0]), state)
    >>> step, state = label_steps(flat, (), num_labels=3, length=4)
    >>> greedy(step, state, length=4, start=3).choices.tolist()
    [0, 1, 2, 3]
    """

    def one(state: Emission, last: Array) -> tuple[Array, Emission]:
        logits, inner = step(state.inner, last)
        emitted = state.emitted | (jnp.arange(num_labels) == last)
        ended = state.ended | ((state.place > 0) & (last == num_labels))
        closed = ended | (state.place >= length - 1)
        allowed = jnp.append(~(emitted | closed), True)
        place = state.place + 1
        return jnp.where(allowed, logits, -jnp.inf), Emission(inner, emitted, ended, place)

    nothing = jnp.zeros(num_labels, bool)
    return one, Emission(state, nothing, jnp.zeros((), bool), jnp.zeros((), jnp.int32))


def emitted_sets(choices: Array, num_labels: int) -> Predictions:
    """Return the sets of labels that were emitted, bool ``[..., L]``, of choices ``[..., T]``.

    >>> emitted_sets(jnp.array([2, 0, 3, 3]), 3).tolist()
    [True, False, True]
    """
    return jnp.any(jax.nn.one_hot(choices, num_labels, dtype=bool), axis=-2)


def emission_log_odds(paths: Path, num_labels: int) -> Scores:
    r"""Estimate the log-odds of every label from sampled paths of label sequences.

    A label is in the set if it is emitted at one of the steps, so its marginal probability is the sum over
    the steps of its chance of coming next, and its estimate the mean of that over S paths,

    .. math::
        q_j = \frac{1}{S} \sum_n \sum_t p(j \mid l^{(n)}_{<t}), \qquad
        s_j = \log q_j - \log \max\Bigl(1 - q_j, \frac{1}{2 S}\Bigr),

    where a label that was emitted, and all labels after the end, have no chance. It is unbiased as the mean
    of the drawn sets is, and has less variance. It may come out above 1, so that its complement is held at
    half a path; the scores are finite and grow with q everywhere.

    Args:
        paths: Sampled paths, ``choices [S, T]`` and ``log_probs [S, T, L + 1]``.
        num_labels: L.

    Returns:
        Log-odds ``[L]``.

    >>> log_probs = jnp.log(jnp.array([[[0.5, 0.5], [0.0, 1.0]]]))
    >>> emission_log_odds(Path(jnp.array([[0, 1]]), log_probs), 1).tolist()
    [0.0]
    """
    number = paths.choices.shape[0]
    total = jax.nn.logsumexp(paths.log_probs[..., :num_labels], axis=(0, 1)) - jnp.log(number)
    return total - jnp.log(jnp.maximum(1 - jnp.exp(total), 0.5 / number))
