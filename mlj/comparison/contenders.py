"""Who takes part in a comparison."""

from __future__ import annotations

from collections.abc import Sequence

from mlj._checks import lookup
from mlj.approaches import JOINT_APPROACHES, LOSS_APPROACHES

REFERENCE = "sigmoid_cross_entropy"
"""What joint approaches are compared with where no loss is named: binary relevance."""

USUAL = (
    "sigmoid_cross_entropy",
    "sigmoid_focal",
    "asymmetric_focal",
    "asymmetric_focal_shifted",
    "poly1_sigmoid",
    "jeffreys_divergence",
    "clipped_jeffreys_divergence",
    "hill",
    "softmax_cross_entropy",
    "pick_all_labels",
    "sparsemax",
    "zlpr",
    "lsep",
    "circle",
    "n_pair",
    "lifted_structured",
    "distributional_ranking",
    "pairwise_hinge",
    "pairwise_logistic",
    "soft_f1",
    "softmax_count_mse:exponential",
    "softmax_count_mse:softplus",
    "softmax_count_mse:clipped_linear",
    "softmax_count_poisson",
    "softmax_product_mse",
)
"""The losses of a comparison that names none: one or two of each idea, so that it ends in minutes."""


def choose_contenders(losses: Sequence[str], approaches: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the names of the contenders, losses first.

    ``all`` stands for every one of its kind. Without any name they are the usual losses; with approaches
    alone, these and sigmoid cross-entropy.

    Raises:
        ValueError: If a name is unknown or given twice.

    >>> choose_contenders(("zlpr",))
    ('zlpr',)
    """
    chosen = _named("loss", losses, LOSS_APPROACHES) + _named("approach", approaches, JOINT_APPROACHES)
    if losses:
        return chosen
    return (REFERENCE, *chosen) if chosen else USUAL


def _named(kind: str, names: Sequence[str], table) -> tuple[str, ...]:
    if tuple(names) == ("all",):
        return tuple(table)
    for name in names:
        lookup(kind, name, table)
    if len(set(names)) < len(names):
        raise ValueError(f"one {kind} is named twice: {', '.join(names)}")
    return tuple(names)
