"""Approaches that are a loss on one row of outputs: the labels' logits, and a count if the loss takes one."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import numpy as np
from flax import nnx

from mlj import losses
from mlj.approaches.approach import Approach, Options, Task
from mlj.approaches.factorised import COUNT_HEADS
from mlj.approaches.priors import label_prior, prior_logits
from mlj.models import function_and_init
from mlj.models.function import ApplyFn
from mlj.training import Batch, Params
from mlj.types import Array, Scalar

SHARED_MASS = frozenset({"softmax", "sparsemax", "entmax15", "count_times_softmax"})
"""Links whose labels share one distribution, so that logits are fixed only up to a constant per sample."""


class LossApproach(NamedTuple):
    """A loss and how the model's outputs feed it; called with a task, it makes the approach."""

    loss: str
    """A name in :data:`mlj.losses.LOSSES`."""
    count_head: str | None = None
    """A name in :data:`mlj.losses.COUNT_HEADS` for losses that take a count."""

    @property
    def info(self) -> losses.LossInfo:
        """What the catalogue says of the loss."""
        return losses.LOSS_INFO[self.loss]

    def num_outputs(self, num_labels: int) -> int:
        """Return how many numbers the model gives per sample: the labels, and the count if there is one."""
        return num_labels + (self.count_head is not None)

    def __call__(self, task: Task) -> Approach:
        """Return the approach: the task's model with these outputs, under this loss."""
        num_outputs = self.num_outputs(task.num_labels)
        apply_fn, init, predict = _functions(task.make_model, num_outputs)
        loss = batch_loss(self)

        def objective(params: Params, batch: Batch, key: Array, options: Options) -> Scalar:
            return loss(apply_fn(params, batch.features, key=key), batch.labels, batch.where)

        return Approach(
            init=lambda key, options: init(key, options["output_bias"]),
            objective=objective,
            predict=predict,
            scores=lambda outputs: scores_of(self, outputs),
            options=lambda labels, where: {"output_bias": output_bias(self, labels, where)},
        )


@lru_cache(maxsize=64)
def _functions(
    make_model: Callable[..., nnx.Module], num_outputs: int
) -> tuple[ApplyFn, Callable[..., Params], Callable[..., Array]]:
    """Return the model as a function, what makes its parameters, and its predictions.

    Losses with as many outputs share them, so that what is compiled for one serves the others.
    """
    apply_fn, init = function_and_init(lambda rngs, bias: make_model(num_outputs, bias, rngs))

    def predict(params: Params, features: Any, options: Options) -> Array:
        return apply_fn(params, features)

    return apply_fn, init, predict


def read_outputs(approach: LossApproach, outputs: Array) -> tuple[Array, Array | None]:
    """Split outputs ``[..., O]`` into logits ``[..., L]`` and, if the loss has one, the log of the count."""
    if approach.count_head is None:
        return outputs, None
    return outputs[..., :-1], losses.COUNT_HEADS[approach.count_head](outputs[..., -1])


def scores_of(approach: LossApproach, outputs: Array) -> tuple[Array, Array | None]:
    """Return scores ``[..., L]`` that can be compared across samples, and the log of the count or None.

    Losses with a softmax fix logits only up to a constant per sample, so their scores are the log of the
    softmax, plus the log of the count if there is one: the log of the expected number of times a label is
    present. All other losses are decided on their logits.
    """
    logits, log_count = read_outputs(approach, outputs)
    if approach.info.link in SHARED_MASS:
        scores = jax.nn.log_softmax(logits, axis=-1)
        return (scores if log_count is None else scores + log_count[..., None]), log_count
    return logits, log_count


def batch_loss(approach: LossApproach) -> Callable[..., Scalar]:
    """Return ``f(outputs [B, O], labels, where) -> scalar``, the mean loss of a batch."""
    mean = losses.mean_over_samples(losses.get_loss(approach.loss))

    def mean_loss(outputs: Array, labels: Array, where: Array | None) -> Scalar:
        logits, log_count = read_outputs(approach, outputs)
        return mean(logits, labels, where=where, log_count=log_count)

    return mean_loss


def output_bias(approach: LossApproach, labels: np.ndarray, where: np.ndarray | None) -> np.ndarray:
    """Return where the head's bias starts: the logit of each label's prior, and the mean label count.

    Args:
        approach: Whose outputs.
        labels: Labels ``[n, L]`` of the rows that are trained on.
        where: Bool ``[n, L]``, or None.
    """
    prior = label_prior(labels, where)
    logits = prior_logits(prior)
    if approach.info.link in SHARED_MASS:
        logits = np.log(prior / prior.sum())
    if approach.count_head is not None:
        start = COUNT_HEADS[approach.count_head].start(labels.sum(axis=1), labels.shape[1])
        logits = np.concatenate([logits, start])
    return logits.astype(np.float32)
