"""The table of decision rules by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from mlj.decision import counts, micro_thresholds, one_threshold, per_label, proportion
from mlj.decision.rules import Rule


class Decision(NamedTuple):
    """How a decision is fitted, and what it needs."""

    fit: Callable[..., Rule]
    """``(scores, labels, *, where=None, metric="micro_f1", probs=None, log_count=None) -> rule``."""
    title: str
    """For the head of a table."""
    needs: tuple[str, ...] = ()
    """Which of ``probs`` and ``log_count`` must be given to ``apply`` beside the scores."""


_DECISIONS = {
    "zero": Decision(one_threshold.zero_threshold, "score > 0"),
    "half": Decision(one_threshold.fixed_threshold, "prob > 0.5", ("probs",)),
    "global_threshold": Decision(one_threshold.global_threshold, "global threshold"),
    "label_thresholds": Decision(per_label.label_thresholds, "per-label thresholds, shrunk"),
    "tuned_label_thresholds": Decision(
        per_label.tuned_label_thresholds, "per-label thresholds, shrinkage tuned"
    ),
    "naive_label_thresholds": Decision(per_label.naive_label_thresholds, "per-label thresholds, not shrunk"),
    "micro_label_thresholds": Decision(
        micro_thresholds.micro_label_thresholds, "per-label thresholds for micro-F1"
    ),
    "cardinality_threshold": Decision(proportion.cardinality_threshold, "cardinality matched"),
    "proportional_thresholds": Decision(proportion.proportional_thresholds, "priors matched (PCut)"),
    "top_k": Decision(counts.top_k, "top k, best k (RCut)"),
    "cardinality_top_k": Decision(counts.cardinality_top_k, "top k, k = cardinality"),
    "count_head": Decision(counts.count_head, "top k, k predicted", ("log_count",)),
    "expected_f1": Decision(counts.expected_f1, "expected-F1-optimal set", ("probs",)),
}

DECISIONS: Mapping[str, Decision] = MappingProxyType(_DECISIONS)
"""Every decision rule by name."""
