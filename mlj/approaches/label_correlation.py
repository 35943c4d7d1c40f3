"""Independent labels with low-rank corrections from each other."""

from __future__ import annotations

from typing import Any

import numpy as np
from flax import nnx

from mlj import losses
from mlj.approaches.approach import Approach, Options, Task
from mlj.approaches.priors import prior_bias
from mlj.models import function_and_init
from mlj.models.label_correlation import LabelCorrelation
from mlj.training import Batch, Params
from mlj.types import Array, Scalar


def make_label_correlation(task: Task, *, rank: int = 64, blocks: int = 2) -> Approach:
    """Return the approach of :class:`mlj.models.label_correlation.LabelCorrelation` under sigmoid
    cross-entropy.

    Scores are the corrected logits; all decisions are those of :mod:`mlj.decision`. Missing labels are left
    out of the loss.

    Args:
        task: Sizes and the module under the outputs.
        rank: Width of a correction.
        blocks: Number of corrections.

    Raises:
        ValueError: If ``rank`` or ``blocks`` is below 1.
    """
    loss = losses.mean_over_samples(losses.sigmoid_cross_entropy)

    def make(rngs: nnx.Rngs, bias: Array | None) -> LabelCorrelation:
        trunk = task.make_trunk(rngs)
        return LabelCorrelation(trunk, task.num_labels, rank=rank, blocks=blocks, output_bias=bias, rngs=rngs)

    apply_fn, init = function_and_init(make)

    def objective(params: Params, batch: Batch, key: Array, options: Options) -> Scalar:
        return loss(apply_fn(params, batch.features, key=key), batch.labels, where=batch.where)

    def predict(params: Params, features: Any, options: Options) -> Array:
        return apply_fn(params, features)

    def options_of(labels: np.ndarray, where: np.ndarray | None) -> dict[str, np.ndarray]:
        return {"output_bias": prior_bias(labels, where)}

    return Approach(
        init=lambda key, options: init(key, options["output_bias"]),
        objective=objective,
        predict=predict,
        scores=lambda outputs: (outputs, None),
        options=options_of,
    )
