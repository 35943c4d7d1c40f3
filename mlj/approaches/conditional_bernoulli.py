"""A predicted number of labels, and which labels they are given their number."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from mlj import losses
from mlj.approaches.approach import Approach, Decoder, Options, Task
from mlj.approaches.priors import prior_bias
from mlj.decision.sized_subsets import likeliest_size_top_k, sized_subset_log_odds, sized_subset_mode
from mlj.models import function_and_init
from mlj.models.sized_subset import SizedLogits, SizedSubset
from mlj.training import Batch, Params
from mlj.types import Array, PerSample, Predictions, Scalar, Scores


def make_conditional_bernoulli_size(task: Task) -> Approach:
    """Return the approach of :class:`mlj.models.sized_subset.SizedSubset`, trained by its likelihood.

    Scores are the log-odds of the exact marginals, and the count is the expected size. Decoders: ``mode``,
    the most probable labelset, and ``count_mode``, the best labels of the most probable size.

    Args:
        task: Sizes and the module under the outputs; labelsets larger than ``largest_labelset`` have
            probability 0.

    Raises:
        ValueError: If labels are missing, since then no row tells the size of its labelset.

    Reference:
        Chen, Liu, *Statistical applications of the Poisson-binomial and conditional Bernoulli
        distributions*, Statistica Sinica 1997, for the second step. The predicted size is ours.
    """
    if task.missing:
        raise ValueError(
            "conditional_bernoulli_size: labels are missing, so the size of a labelset is not known; "
            "fill them in, or take an approach that leaves them out"
        )
    size = max(task.largest_labelset, 1)
    which = losses.mean_over_samples(
        lambda logits, labels: losses.conditional_bernoulli(logits, labels, max_present=size)
    )
    how_many = losses.mean_over_samples(losses.categorical_count)

    def make(rngs: nnx.Rngs, bias: Array | None) -> SizedSubset:
        return SizedSubset(task.make_trunk(rngs), task.num_labels, max_size=size, output_bias=bias, rngs=rngs)

    apply_fn, init = function_and_init(make)

    def objective(params: Params, batch: Batch, key: Array, options: Options) -> Scalar:
        found = apply_fn(params, batch.features, key=key)
        return which(found.logits, batch.labels) + how_many(found.size_logits, batch.labels)

    def predict(params: Params, features: Any, options: Options) -> SizedLogits:
        return apply_fn(params, features)

    def mode(params: Params, features: Any, options: Options) -> Predictions:
        return sized_subset_mode(*apply_fn(params, features))

    def count_mode(params: Params, features: Any, options: Options) -> Predictions:
        return likeliest_size_top_k(*apply_fn(params, features))

    return Approach(
        init=lambda key, options: init(key, options["output_bias"]),
        objective=objective,
        predict=predict,
        scores=_scores,
        options=lambda labels, where: {"output_bias": _bias(labels, size)},
        decoders={
            "mode": Decoder("most probable labelset", mode),
            "count_mode": Decoder("top k, k most probable", count_mode),
        },
    )


def _scores(outputs: SizedLogits) -> tuple[Scores, PerSample]:
    log_size = jax.nn.log_softmax(outputs.size_logits, axis=-1)
    numbers = jnp.broadcast_to(jnp.arange(log_size.shape[-1]), log_size.shape)
    log_count = jax.nn.logsumexp(log_size, b=numbers, axis=-1)
    return sized_subset_log_odds(*outputs), log_count


def _bias(labels: np.ndarray, size: int) -> np.ndarray:
    """Return the logits of the label priors, and the smoothed log-shares of the sizes 0 to ``size``."""
    found = np.bincount(labels.sum(axis=1).astype(int), minlength=size + 1)[: size + 1] + 1.0
    label_logits = prior_bias(labels, None)
    return np.concatenate([label_logits, np.log(found / found.sum())]).astype(np.float32)
