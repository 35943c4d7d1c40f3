"""The cases of our own losses, and the laws that some of them break on purpose."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from mlj.losses import LOSS_INFO, get_loss
from mlj.testing.case import Case


def _either(k: int, n: int) -> bool:
    return True


def _present(k: int, n: int) -> bool:
    return k > 0


def _pairs(k: int, n: int) -> bool:
    return k > 0 and n > 0


def _mean_pull(k: int, n: int, size: float) -> tuple[float, float]:
    return 1 / (k + n), 1 / (k + n)


def _present_mean_pull(k: int, n: int, size: float) -> tuple[float, float]:
    return 1 / (k + n), 0.0


def _head_pull(heads: int, classes: int, size: float) -> tuple[float, float]:
    return 1 / heads, 1 / heads


def _unit_pull(k: int, n: int, size: float) -> tuple[float, float]:
    return 1.0, 1.0


def _present_unit_pull(k: int, n: int, size: float) -> tuple[float, float]:
    return 1.0, 0.0


def _share_pull(k: int, n: int, size: float) -> tuple[float, float]:
    return 1 / k, 1.0


def _sum_pull(k: int, n: int, size: float) -> tuple[float, float]:
    return 1.0, float(k)


def _pair_mean_pull(k: int, n: int, size: float) -> tuple[float, float]:
    return 1 / k, 1 / n


def _circle_pull(k: int, n: int, size: float) -> tuple[float, float]:
    return 256 * (1.25 + size), 256 * (0.25 + size)


_GAMMA = (0.0, 0.5, 1.0, 2.0)
CASES: Mapping[str, Mapping[str, object]] = {
    "sigmoid_cross_entropy": {"diverges": _either, "pull": _mean_pull},
    "sigmoid_focal": {
        "hyper": (("gamma", (2.0, 0.0, 0.5, 1.0)),),
        "diverges": _either,
        "pull": _mean_pull,
    },
    "asymmetric_focal": {
        "hyper": (("gamma_pos", _GAMMA), ("gamma_neg", (4.0, *_GAMMA))),
        "diverges": _either,
        "pull": _mean_pull,
    },
    "asymmetric_focal_shifted": {
        "hyper": (("gamma_pos", _GAMMA), ("gamma_neg", (4.0, *_GAMMA)), ("shift", (0.05, 0.0, 1e-6, 1.0))),
        "diverges": _present,
        "pull": _present_mean_pull,
    },
    "poly1_sigmoid": {"hyper": (("epsilon", (1.0, -1.0, 0.0)),), "diverges": _either, "pull": _mean_pull},
    "jeffreys_divergence": {
        "hyper": (("eps", (1e-7, 1e-3)),),
        "diverges": _present,
        "pull": _present_unit_pull,
    },
    "clipped_jeffreys_divergence": {"hyper": (("eps", (1e-7, 1e-3)),)},
    "hill": {
        "hyper": (("lam", (1.5, 1.0)), ("margin", (1.0, 0.0)), ("gamma", (2.0, 0.0, 0.5))),
        "diverges": _present,
        "pull": _present_mean_pull,
    },
    "softmax_cross_entropy": {"diverges": _present, "pull": _share_pull},
    "pick_all_labels": {"diverges": _present, "pull": _sum_pull},
    "sparsemax": {"diverges": _present, "pull": _share_pull},
    "multi_output_cross_entropy": {"diverges": _either, "pull": _head_pull},
    "zlpr": {"diverges": _either, "pull": _unit_pull},
    "lsep": {"diverges": _pairs, "pull": _unit_pull},
    "circle": {
        "hyper": (("gamma", (256.0, 0.0, 1.0)), ("margin", (0.25, 0.0))),
        "diverges": _pairs,
        "pull": _circle_pull,
    },
    "n_pair": {"diverges": _pairs, "pull": _sum_pull},
    "lifted_structured": {"hyper": (("margin", (1.0, 0.0)),), "diverges": _pairs, "pull": _unit_pull},
    "distributional_ranking": {
        "hyper": (
            ("tau", (4.0, 1.0)),
            ("smoothness", (6.0, 1.0)),
            ("lambda_pos", (1.0, 0.1)),
            ("lambda_neg", (0.08, 1.0)),
            ("margin", (0.5, 0.0)),
        )
    },
    "pairwise_hinge": {"diverges": _pairs, "pull": _pair_mean_pull},
    "pairwise_logistic": {"diverges": _pairs, "pull": _pair_mean_pull},
    "soft_f1": {},
    "softmax_count_mse": {
        "hyper": (("count_weight", (1.0, 0.0)),),
        "diverges": _present,
        "pull": _share_pull,
    },
    "softmax_count_poisson": {
        "hyper": (("count_weight", (1.0, 0.0)),),
        "diverges": _present,
        "pull": _share_pull,
    },
    "softmax_product_mse": {},
}
"""What a case adds to :data:`mlj.losses.LOSS_INFO`, by loss."""


def case_of(name: str) -> Case:
    """Return the case of a loss of :data:`mlj.losses.LOSSES`.

    Raises:
        ValueError: If there is no such loss.

    >>> case_of("zlpr").reach
    'max / L'
    """
    loss, info = get_loss(name), LOSS_INFO[name]
    return Case(
        name,
        loss,
        soft="soft" in info.labels,
        classes="classes" in info.labels,
        counts=info.needs_count,
        reach=info.reach,
        **CASES[name],
    )


_COUPLED = (
    "a weight multiplies the term of a present label; its logit still counts in the normaliser of the others"
)
_SPREAD = "the softmax divides its mass among k present labels, which costs at least log k for each"

EXCEPTIONS: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        (loss, law): reason
        for law, reasons in {
            "weight_zero_takes_the_influence_of_a_label": {
                "softmax_cross_entropy": _COUPLED,
                "pick_all_labels": _COUPLED,
                "sparsemax": _COUPLED,
                "softmax_count_mse": _COUPLED,
                "softmax_count_poisson": _COUPLED,
                "softmax_product_mse": _COUPLED,
            },
            "right_infinite_logits_cost_nothing": {
                "softmax_cross_entropy": _SPREAD,
                "pick_all_labels": _SPREAD,
                "circle": "a label beyond its goal still adds exp(0) to its set",
                "distributional_ranking": "the smoothed hinge is above 0 at every finite margin",
                "soft_f1": "a sample without present labels costs 1, as F1 is then 0 / 0 read as 0",
                "softmax_count_poisson": "log k! is left out, so that the best cost is k - k log k",
            },
        }.items()
        for loss, reason in reasons.items()
    }
)
"""Why a loss breaks a law, by ``(loss, law)``; every other loss keeps every law."""
