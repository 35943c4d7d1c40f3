"""All losses by name, and what one has to know about each to use it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from mlj._checks import lookup
from mlj.losses.binary import (
    asymmetric_focal,
    asymmetric_focal_shifted,
    poly1_sigmoid,
    sigmoid_cross_entropy,
    sigmoid_focal,
)
from mlj.losses.counts import softmax_count_mse, softmax_count_poisson, softmax_product_mse
from mlj.losses.divergence import clipped_jeffreys_divergence, jeffreys_divergence
from mlj.losses.overlap import soft_f1
from mlj.losses.pairwise import pairwise_hinge, pairwise_logistic
from mlj.losses.partial import hill
from mlj.losses.ranking import circle, distributional_ranking, lifted_structured, lsep, n_pair, zlpr
from mlj.losses.softmax import multi_output_cross_entropy, pick_all_labels, softmax_cross_entropy, sparsemax
from mlj.types import LossFn


class LossInfo(NamedTuple):
    """What a loss accepts, what its logits mean and how to decide with them.

    ``labels``: kinds of truth, ``hard`` multi-hot, ``soft`` in [0, 1], ``classes`` (integers), ``unmarked``
    (0 means unknown).

    ``link``: what turns logits into the probabilities that the loss speaks of: ``sigmoid``, ``softmax``,
    ``sparsemax``, ``count_times_softmax`` or ``none``. Whether they can be trusted says ``calibration``.

    ``rules``: decision rules that belong to the loss, the most natural first: ``zero`` (s > 0), ``threshold``
    (tuned on validation data), ``predicted_count`` (top k), ``support`` (of the sparse softmax), ``argmax``
    (of each head).

    ``calibration``: ``proper`` (the link gives P(y=1|x)), ``conditional`` (the link gives E[y/k]),
    ``class`` (the zero threshold is consistent, probabilities are not), ``rank`` (only the order is), ``no``.

    ``reach``: the largest \\|s\\| for which value and gradient are promised to be finite, as a text in
    ``max`` (the largest finite number), ``L`` and the hyper-parameters.
    """

    family: str
    labels: tuple[str, ...]
    link: str
    rules: tuple[str, ...]
    calibration: str
    cost: str
    reach: str
    source: str
    needs_count: bool = False


LOSSES: Mapping[str, LossFn] = MappingProxyType(
    {
        "sigmoid_cross_entropy": sigmoid_cross_entropy,
        "sigmoid_focal": sigmoid_focal,
        "asymmetric_focal": asymmetric_focal,
        "asymmetric_focal_shifted": asymmetric_focal_shifted,
        "poly1_sigmoid": poly1_sigmoid,
        "jeffreys_divergence": jeffreys_divergence,
        "clipped_jeffreys_divergence": clipped_jeffreys_divergence,
        "hill": hill,
        "softmax_cross_entropy": softmax_cross_entropy,
        "pick_all_labels": pick_all_labels,
        "sparsemax": sparsemax,
        "multi_output_cross_entropy": multi_output_cross_entropy,
        "zlpr": zlpr,
        "lsep": lsep,
        "circle": circle,
        "n_pair": n_pair,
        "lifted_structured": lifted_structured,
        "distributional_ranking": distributional_ranking,
        "pairwise_hinge": pairwise_hinge,
        "pairwise_logistic": pairwise_logistic,
        "soft_f1": soft_f1,
        "softmax_count_mse": softmax_count_mse,
        "softmax_count_poisson": softmax_count_poisson,
        "softmax_product_mse": softmax_product_mse,
    }
)
"""Every per-sample loss by name, read-only."""


_SOFT = ("hard", "soft")
_COUNT = ("predicted_count", "threshold")
_ANY, _SHARE, _HALF_SHARE, _SQUARE = "max", "max / L", "max / (2 L)", "sqrt(max / L) / gamma"


def _ranking(source: str, *, cost: str = "L", reach: str = _SHARE) -> LossInfo:
    return LossInfo("ranking", ("hard",), "none", _COUNT, "no", cost, reach, source)


LOSS_INFO: Mapping[str, LossInfo] = MappingProxyType(
    {
        "sigmoid_cross_entropy": LossInfo(
            "binary", _SOFT, "sigmoid", ("zero", "threshold"), "proper", "L", _ANY, "cross-entropy per label"
        ),
        "sigmoid_focal": LossInfo(
            "binary", _SOFT, "sigmoid", ("zero", "threshold"), "class", "L", _ANY, "Lin et al., ICCV 2017"
        ),
        "asymmetric_focal": LossInfo(
            "binary", _SOFT, "sigmoid", ("threshold",), "no", "L", _ANY, "Ridnik et al., ICCV 2021"
        ),
        "asymmetric_focal_shifted": LossInfo(
            "binary", _SOFT, "sigmoid", ("threshold",), "no", "L", _ANY, "Ridnik et al., ICCV 2021"
        ),
        "poly1_sigmoid": LossInfo(
            "binary", _SOFT, "sigmoid", ("zero", "threshold"), "class", "L", _ANY, "Leng et al., ICLR 2022"
        ),
        "jeffreys_divergence": LossInfo(
            "divergence", _SOFT, "sigmoid", ("threshold",), "no", "L", _SHARE, "stats.stackexchange 207794"
        ),
        "clipped_jeffreys_divergence": LossInfo(
            "divergence", _SOFT, "sigmoid", ("threshold",), "no", "L", _ANY, "stats.stackexchange 207794"
        ),
        "hill": LossInfo(
            "partial", ("unmarked", *_SOFT), "sigmoid", ("threshold",), "no", "L", _ANY, "arXiv 2112.07368"
        ),
        "softmax_cross_entropy": LossInfo(
            "softmax", _SOFT, "softmax", _COUNT, "conditional", "L", _SHARE, "Menon et al., NeurIPS 2019"
        ),
        "pick_all_labels": LossInfo(
            "softmax", _SOFT, "softmax", _COUNT, "rank", "L", _HALF_SHARE, "Menon et al., NeurIPS 2019"
        ),
        "sparsemax": LossInfo(
            "softmax",
            _SOFT,
            "sparsemax",
            ("support", *_COUNT),
            "conditional",
            "L log L",
            _HALF_SHARE,
            "Martins and Astudillo, ICML 2016",
        ),
        "multi_output_cross_entropy": LossInfo(
            "softmax", ("classes",), "softmax", ("argmax",), "proper", "H C", _SHARE, "cross-entropy per head"
        ),
        "zlpr": LossInfo(
            "ranking", _SOFT, "none", ("zero", "threshold"), "no", "L", _SHARE, "Su et al., arXiv 2208.02955"
        ),
        "lsep": _ranking("Li et al., CVPR 2017"),
        "circle": _ranking("Sun et al., CVPR 2020", reach=_SQUARE),
        "n_pair": _ranking("Sohn, NIPS 2016", reach=_HALF_SHARE),
        "lifted_structured": _ranking("Oh Song et al., CVPR 2016"),
        "distributional_ranking": _ranking("Qian et al., CVPR 2020", reach=_ANY),
        "pairwise_hinge": _ranking("Crammer and Singer, JMLR 2003", cost="L log L"),
        "pairwise_logistic": _ranking("Burges et al., ICML 2005", cost="k L"),
        "soft_f1": LossInfo(
            "overlap", _SOFT, "sigmoid", ("threshold",), "no", "L", _ANY, "Benedict et al., arXiv 2108.10566"
        ),
        "softmax_count_mse": LossInfo(
            "counts", _SOFT, "softmax", _COUNT, "conditional", "L", _SHARE, "stats.stackexchange 207794", True
        ),
        "softmax_count_poisson": LossInfo(
            "counts", _SOFT, "softmax", _COUNT, "conditional", "L", _SHARE, "Poisson count likelihood", True
        ),
        "softmax_product_mse": LossInfo(
            "counts",
            _SOFT,
            "count_times_softmax",
            ("predicted_count", "threshold"),
            "proper",
            "L",
            _SHARE,
            "stats.stackexchange 207794",
            True,
        ),
    }
)
"""What to know about each loss of ``LOSSES``, under the same names."""


def get_loss(name: str) -> LossFn:
    """Return the loss of that name.

    Raises:
        ValueError: If there is none; the message names the nearest one.

    >>> get_loss("sigmoid_focl")
    Traceback (most recent call last):
        ...
    ValueError: unknown loss 'sigmoid_focl': did you mean 'sigmoid_focal'?
    """
    return lookup("loss", name, LOSSES)
