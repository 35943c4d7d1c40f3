"""The table of metrics by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Literal, NamedTuple

from mlj.metrics import curves, predictions, probabilities, propensity, ranking, top_k
from mlj.types import Array


class Metric(NamedTuple):
    """What a metric is called, needs and means."""

    function: Callable[..., Array]
    """``(prediction, labels, *, where=None)``; what it is a function of is said by ``needs``."""
    needs: Literal["predictions", "scores", "probs"]
    """What the first argument must be."""
    greater_is_better: bool
    title: str
    """For the head of a table."""
    per_sample: bool = False
    """True if the function returns one value per sample; the metric is their mean."""
    propensities: bool = False
    """True if the function also needs ``inverse_propensities``."""


def _at(k: int) -> dict[str, Metric]:
    return {
        f"precision_at_{k}": Metric(partial(top_k.precision_at_k, k=k), "scores", True, f"P@{k}", True),
        f"recall_at_{k}": Metric(partial(top_k.recall_at_k, k=k), "scores", True, f"R@{k}", True),
        f"ndcg_at_{k}": Metric(partial(top_k.ndcg_at_k, k=k), "scores", True, f"nDCG@{k}", True),
        f"psp_at_{k}": Metric(
            partial(propensity.psp_at_k, k=k), "scores", True, f"PSP@{k}", propensities=True
        ),
        f"psndcg_at_{k}": Metric(
            partial(propensity.psndcg_at_k, k=k), "scores", True, f"PSnDCG@{k}", propensities=True
        ),
    }


_METRICS = {
    "micro_precision": Metric(predictions.micro_precision, "predictions", True, "Micro precision"),
    "micro_recall": Metric(predictions.micro_recall, "predictions", True, "Micro recall"),
    "micro_f1": Metric(predictions.micro_f1, "predictions", True, "Micro F1"),
    "micro_jaccard": Metric(predictions.micro_jaccard, "predictions", True, "Micro Jaccard"),
    "macro_precision": Metric(predictions.macro_precision, "predictions", True, "Macro precision"),
    "macro_recall": Metric(predictions.macro_recall, "predictions", True, "Macro recall"),
    "macro_f1": Metric(predictions.macro_f1, "predictions", True, "Macro F1"),
    "macro_jaccard": Metric(predictions.macro_jaccard, "predictions", True, "Macro Jaccard"),
    "samples_precision": Metric(predictions.samples_precision, "predictions", True, "Samples precision"),
    "samples_recall": Metric(predictions.samples_recall, "predictions", True, "Samples recall"),
    "samples_f1": Metric(predictions.samples_f1, "predictions", True, "Samples F1"),
    "samples_jaccard": Metric(predictions.samples_jaccard, "predictions", True, "Samples Jaccard"),
    "macro_f1_over_present": Metric(
        predictions.macro_f1_over_present, "predictions", True, "Macro F1, labels present"
    ),
    "hamming_loss": Metric(predictions.hamming_loss, "predictions", False, "Hamming loss"),
    "subset_accuracy": Metric(predictions.subset_accuracy, "predictions", True, "Subset accuracy"),
    "one_error": Metric(ranking.one_error, "scores", False, "One-error", per_sample=True),
    "coverage_error": Metric(ranking.coverage_error, "scores", False, "Coverage", per_sample=True),
    "label_ranking_loss": Metric(
        ranking.label_ranking_loss, "scores", False, "Ranking loss", per_sample=True
    ),
    "label_ranking_average_precision": Metric(
        ranking.label_ranking_average_precision, "scores", True, "LRAP", per_sample=True
    ),
    "macro_average_precision": Metric(curves.macro_average_precision, "scores", True, "Macro AP"),
    "micro_average_precision": Metric(curves.micro_average_precision, "scores", True, "Micro AP"),
    "macro_roc_auc": Metric(curves.macro_roc_auc, "scores", True, "Macro AUC"),
    "micro_roc_auc": Metric(curves.micro_roc_auc, "scores", True, "Micro AUC"),
    **_at(1),
    **_at(3),
    **_at(5),
    "brier": Metric(probabilities.brier_score, "probs", False, "Brier score"),
    "log_loss": Metric(probabilities.log_loss, "probs", False, "Log-loss"),
    "expected_calibration_error": Metric(
        probabilities.expected_calibration_error, "probs", False, "Calibration error"
    ),
}

METRICS: Mapping[str, Metric] = MappingProxyType(_METRICS)
"""Every metric by name. The metrics at k are listed for 1, 3 and 5; ``ks`` of ``evaluate_scores`` gives
others.

>>> METRICS["micro_f1"].needs, METRICS["hamming_loss"].greater_is_better
('predictions', False)
"""
