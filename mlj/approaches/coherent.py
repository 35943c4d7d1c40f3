"""Labels in a hierarchy: predictions that never have a label without those above it."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from mlj import losses
from mlj.approaches.approach import Approach, Options, Task
from mlj.approaches.priors import prior_bias
from mlj.losses.structured.hierarchy import coherent_scores, families, hierarchy_max_constraint
from mlj.models import function_and_init
from mlj.training import Batch, Params
from mlj.types import Array, Mask, Scalar, Scores

COHERENT_LINK = "sigmoid_of_maximum"
"""What turns the scores of one label into its probability depends on the labels below it."""


def make_coherent(task: Task, descendants: Mask | None = None) -> Approach:
    """Return the task's model under :func:`mlj.losses.hierarchy_max_constraint`, made coherent by a maximum.

    Its outputs are :func:`mlj.losses.coherent_scores`: whatever one threshold for all labels is put on them,
    a label comes with all labels above it. The labels that it is trained on must be closed upwards, see
    :meth:`mlj.data.hierarchy.Hierarchy.close`.

    Args:
        task: What the approach may know of the data.
        descendants: Bool ``[L, L]``, True at ``[j, i]`` where label ``i`` is below label ``j``, however far;
            those of ``task.above`` if None.

    Raises:
        TypeError: If ``descendants`` are not bool.
        ValueError: If there are none, or they are not ``[L, L]``, give a label that is below itself through
            another, or leave out one that is below a label through another.

    Reference:
        Giunchiglia, Lukasiewicz, *Coherent Hierarchical Multi-Label Classification Networks*, NeurIPS 2020.
    """
    if descendants is None:
        descendants = _descendants(task)
    lists = families(_checked(descendants, task.num_labels))
    mean_loss = losses.mean_over_samples(partial(hierarchy_max_constraint, descendants=lists))
    apply_fn, init = function_and_init(lambda rngs, bias: task.make_model(task.num_labels, bias, rngs))

    def objective(params: Params, batch: Batch, key: Array, options: Options) -> Scalar:
        logits = apply_fn(params, batch.features, key=key)
        return mean_loss(logits, batch.labels, where=batch.where)

    def predict(params: Params, features: Any, options: Options) -> Scores:
        return coherent_scores(apply_fn(params, features), descendants=lists)

    return Approach(
        init=lambda key, options: init(key, options["output_bias"]),
        objective=objective,
        predict=predict,
        scores=lambda outputs: (outputs, None),
        options=lambda labels, where: {"output_bias": prior_bias(labels, where)},
    )


def _descendants(task: Task) -> np.ndarray:
    if task.above is None:
        raise ValueError(
            "make_coherent: the labels have no hierarchy; a data set carries one if its format states it, "
            "such as HMC, or Dataset(..., hierarchy=...) is given it"
        )
    below = np.zeros((len(task.above), len(task.above)), bool)
    for label, found in enumerate(task.above):
        below[list(found), label] = True
    return below


def _checked(descendants: Mask, num_labels: int) -> np.ndarray:
    descendants = np.asarray(descendants)
    if descendants.shape != (num_labels, num_labels):
        raise ValueError(
            f"make_coherent: descendants must be [{num_labels}, {num_labels}], got {list(descendants.shape)}"
        )
    if descendants.dtype == np.bool_:
        both = np.argwhere(np.triu(descendants & descendants.T, 1))
        if len(both):
            raise ValueError(f"make_coherent: labels {both[0][0]} and {both[0][1]} are each below the other")
        step = descendants.astype(np.float32)
        lost = np.argwhere((step @ step > 0) & ~descendants)
        if len(lost):
            raise ValueError(
                f"make_coherent: label {lost[0][1]} is below label {lost[0][0]} through another, "
                "but descendants do not say so"
            )
    return descendants
