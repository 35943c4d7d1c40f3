"""Labels coupled in pairs: exactly for few labels, by pseudo-likelihood and mean field for many."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from flax import nnx

from mlj import losses
from mlj.approaches.approach import Approach, Decoder, Options, Task
from mlj.approaches.priors import prior_bias
from mlj.decision.mean_field import ising_log_odds, iterated_modes, mean_field_log_odds
from mlj.models import function_and_init
from mlj.models.ising import Ising
from mlj.training import Batch, Params
from mlj.types import Array, PerSample, Predictions, Scalar, Scores

MOST_EXACT_LABELS = 12
"""Labels up to which every step may look at all labelsets."""

FULL_COUPLINGS = 512
"""Labels up to which couplings are a full matrix; of low rank beyond."""

LOW_RANK = 64
"""The rank of couplings that are not a full matrix is twice this."""


def make_ising_exact(task: Task) -> Approach:
    """Return the approach of :class:`mlj.models.ising.Ising`, trained by its exact likelihood.

    Scores are the log-odds of the exact marginals. Decoder: ``mode``, the most probable labelset. Missing
    labels are deleted from the rows that miss them, not summed over.

    Args:
        task: Sizes and the module under the outputs.

    Raises:
        ValueError: If there are more than 12 labels.
    """
    if task.num_labels > MOST_EXACT_LABELS:
        raise ValueError(
            f"ising_exact: looks at all labelsets, of at most {MOST_EXACT_LABELS} labels, "
            f"got {task.num_labels} labels; take ising_pseudo"
        )

    decoders = {"mode": ("most probable labelset", losses.ising_mode)}
    return _approach(task, losses.ising, ising_log_odds, decoders)


def make_ising_pseudo(task: Task) -> Approach:
    """Return the approach of :class:`mlj.models.ising.Ising`, trained by its pseudo-likelihood.

    Scores are the log-odds of mean field. Decoder: ``climbed_mode``, the best labelset of iterated
    conditional modes. Both are approximate. Missing labels are deleted from the rows that miss them.

    Args:
        task: Sizes and the module under the outputs; beyond 512 labels the couplings are of low rank.
    """

    decoders = {"climbed_mode": ("probable labelset (hill climbing)", iterated_modes)}
    return _approach(task, losses.ising_pseudo_likelihood, mean_field_log_odds, decoders)


def _approach(
    task: Task,
    loss: Callable[..., PerSample],
    log_odds: Callable[..., Scores],
    decoders: Mapping[str, tuple[str, Callable[..., Predictions]]],
) -> Approach:
    rank = None if task.num_labels <= FULL_COUPLINGS else LOW_RANK

    def make(rngs: nnx.Rngs, bias: Array | None) -> Ising:
        trunk = task.make_trunk(rngs)
        return Ising(trunk, task.num_labels, rank=rank, output_bias=bias, rngs=rngs)

    apply_fn, init = function_and_init(make)

    def couplings_of(params: Params) -> Array:
        return apply_fn(params, method=Ising.couplings)

    def objective(params: Params, batch: Batch, key: Array, options: Options) -> Scalar:
        bound = losses.mean_over_samples(partial(loss, couplings=couplings_of(params)))
        return bound(apply_fn(params, batch.features, key=key), batch.labels, where=batch.where)

    def predict(params: Params, features: Any, options: Options) -> Array:
        return log_odds(apply_fn(params, features), couplings=couplings_of(params))

    def decided(decide: Callable[..., Predictions], params: Params, features: Any, options: Options):
        return decide(apply_fn(params, features), couplings=couplings_of(params))

    def options_of(labels: np.ndarray, where: np.ndarray | None) -> dict[str, np.ndarray]:
        return {"output_bias": prior_bias(labels, where)}

    return Approach(
        init=lambda key, options: init(key, options["output_bias"]),
        objective=objective,
        predict=predict,
        scores=lambda outputs: (outputs, None),
        options=options_of,
        decoders={
            name: Decoder(title, partial(decided, decide)) for name, (title, decide) in decoders.items()
        },
    )
