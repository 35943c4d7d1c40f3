"""What a law has to know about a loss, and the samples that it feeds to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from mlj.types import Array, LossFn

LABELS = 7
"""Labels of a sample in every law: no power of two, and few, so that compiling is quick."""

ROWS = 108
"""Samples in every law: always as many, so that a loss is compiled once for nearly all of them."""

CLASSES = 5
"""Classes of a head, for losses whose labels are class numbers."""

REACH: dict[str, Callable[[float, int, float], float]] = {
    "max": lambda largest, n, gamma: largest,
    "max / L": lambda largest, n, gamma: largest / n,
    "max / (2 L)": lambda largest, n, gamma: largest / (2 * n),
    "sqrt(max / L) / gamma": lambda largest, n, gamma: (largest / n) ** 0.5 / gamma,
}
"""How to compute the largest promised logit from the texts of :class:`mlj.losses.LossInfo`."""


def never(k: int, n: int) -> bool:
    """Say that no infinite logit costs an infinite amount."""
    return False


def no_pull(k: int, n: int, size: float) -> tuple[float, float]:
    """Say that labels far on the wrong side are not pulled back."""
    return 0.0, 0.0


class Case(NamedTuple):
    """A loss with the description of its inputs, which is all that the laws ask for.

    ``name`` is used in messages and to look up exceptions. ``soft``: labels between 0 and 1 mean something.
    ``classes``: labels are class numbers ``[..., H]`` of logits ``[..., H, C]``. ``counts``: the loss takes
    ``log_count [...]``. ``reach`` is a key of ``REACH``. ``hyper`` lists hyper-parameters with the values
    to try, the default first.

    ``diverges(k, n)`` says whether ``k`` present and ``n`` absent labels (heads and classes for
    ``classes``), all with an infinite logit on the wrong side, cost infinity.

    ``pull(k, n, size)`` is the size of the slope that the formula gives, all other logits being 0, at a
    present label of logit ``-size`` and at an absent one of logit ``+size``, for large sizes.
    """

    name: str
    loss: LossFn
    soft: bool = True
    classes: bool = False
    counts: bool = False
    reach: str = "max / L"
    hyper: tuple[tuple[str, tuple[float, ...]], ...] = ()
    diverges: Callable[[int, int], bool] = never
    pull: Callable[[int, int, float], tuple[float, float]] = no_pull

    def settings(self) -> list[dict[str, float]]:
        """Return the default hyper-parameters, and every setting that changes one of them."""
        default = {name: values[0] for name, values in self.hyper}
        return [default, *({**default, name: value} for name, values in self.hyper for value in values[1:])]

    def largest(self, dtype: jnp.dtype) -> float:
        """Return the largest logit of that dtype that the loss promises to bear at every setting."""
        gamma = max((max(values) for name, values in self.hyper if name == "gamma"), default=1.0)
        width = CLASSES if self.classes else LABELS
        # The upcast widens half precision, but the logit itself has to fit.
        return REACH[self.reach](float(jnp.finfo(dtype).max), width, gamma)

    def extras(self, labels: np.ndarray) -> dict[str, Array]:
        """Return the further per-sample inputs: the logarithm of the count, of 1e-9 for an empty row."""
        if not self.counts:
            return {}
        k = np.sum(np.nan_to_num(labels), axis=-1)
        return {"log_count": jnp.asarray(np.log(np.maximum(k, 1e-9)), jnp.float32)}


def random_inputs(case: Case, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return ordinary logits and labels of ``ROWS`` samples; the first is empty and the second full."""
    rng = np.random.default_rng(seed)
    if case.classes:
        logits = 2 * rng.normal(size=(ROWS, LABELS, CLASSES))
        return logits.astype(np.float32), rng.integers(0, CLASSES, (ROWS, LABELS))
    labels = (rng.random((ROWS, LABELS)) < rng.uniform(0.1, 0.9, (ROWS, 1))).astype(np.float32)
    labels[0], labels[1] = 0, 1
    if case.soft:
        labels[2:20] = rng.random((18, LABELS)).round(2)
    return (2 * rng.normal(size=labels.shape)).astype(np.float32), labels


def label_patterns(case: Case) -> np.ndarray:
    """Return samples with one label present, two, several, none, all, and soft or once more several."""
    if case.classes:
        return np.random.default_rng(1).integers(0, CLASSES, (6, LABELS))
    rows = np.zeros((6, LABELS), np.float32)
    rows[0, 2] = rows[1, 1] = rows[1, 5] = 1
    rows[2, ::2] = rows[4] = 1
    rows[5] = np.linspace(0, 1, LABELS).round(2) if case.soft else 1 - rows[2]
    return rows


def toward(case: Case, labels: np.ndarray) -> np.ndarray:
    """Return the sign that each logit has when it agrees with the labels."""
    truth = labels[..., None] == np.arange(CLASSES) if case.classes else labels > 0.5
    return np.where(truth, 1.0, -1.0)


def fill(rows: Sequence[np.ndarray]) -> np.ndarray:
    """Stack samples and repeat the first until there are ``ROWS``."""
    stacked = np.stack(list(rows))
    return np.concatenate([stacked, np.repeat(stacked[:1], ROWS - len(stacked), axis=0)])


def sized_inputs(case: Case, sizes: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """Return float64 logits of up to nine sizes for all patterns, each once right and once wrong."""
    table = [(row, size, sign) for size in sizes for row in label_patterns(case) for sign in (1, -1)]
    logits = [np.where(size == 0, 0, size * sign * toward(case, row)) for row, size, sign in table]
    return fill(logits), fill([row for row, _, _ in table])


@partial(jax.jit, static_argnames="case")
def evaluate(
    case: Case,
    logits: Array,
    labels: Array,
    hyper: dict[str, Array],
    extras: dict[str, Array],
    where: Array | None = None,
    weights: Array | None = None,
) -> tuple[Array, Array, dict[str, Array]]:
    """Return the cost of each sample and its slopes in the logits and in the further inputs."""

    def total(logits: Array, extras: dict[str, Array]) -> tuple[Array, Array]:
        costs = case.loss(logits, labels, where=where, weights=weights, **hyper, **extras)
        return jnp.sum(costs), costs

    (_, costs), slopes = jax.value_and_grad(total, argnums=(0, 1), has_aux=True)(logits, extras)
    return costs, *slopes


def run(
    case: Case,
    logits: np.ndarray,
    labels: np.ndarray,
    *,
    dtype: jnp.dtype = jnp.float32,
    hyper: dict[str, float] | None = None,
    where: np.ndarray | None = None,
    weights: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Evaluate NumPy samples: costs, slopes in the logits, slopes in the further inputs."""
    observed = labels if where is None else np.where(where, labels, 0)
    return jax.device_get(
        evaluate(
            case,
            jnp.asarray(logits, dtype),
            jnp.asarray(labels),
            case.settings()[0] if hyper is None else hyper,
            case.extras(observed),
            None if where is None else jnp.asarray(where),
            None if weights is None else jnp.asarray(weights, jnp.float32),
        )
    )
