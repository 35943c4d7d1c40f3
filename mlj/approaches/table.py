"""Every approach by name, with what has to be known of it to read its results."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import NamedTuple

from mlj import losses
from mlj._checks import lookup
from mlj.approaches.approach import Approach, Task
from mlj.approaches.chains import make_chain_any_order, make_chain_ensemble, make_classifier_chain
from mlj.approaches.coherent import COHERENT_LINK, make_coherent
from mlj.approaches.conditional_bernoulli import make_conditional_bernoulli_size
from mlj.approaches.factorised import FACTORISED
from mlj.approaches.ising import make_ising_exact, make_ising_pseudo
from mlj.approaches.label_correlation import make_label_correlation
from mlj.approaches.label_graph import make_label_graph
from mlj.approaches.label_sequence import (
    make_sequence_gru,
    make_sequence_gru_learned_order,
    make_sequence_gru_order_free,
    make_sequence_gru_rare_first,
    make_sequence_transformer,
)
from mlj.approaches.losses import LossApproach
from mlj.approaches.powerset import make_label_powerset
from mlj.approaches.rakel import make_rakel_disjoint, make_rakel_overlapping


class Contender(NamedTuple):
    """An approach before it knows its task."""

    make: Callable[[Task], Approach]
    """Makes the approach; raises ``ValueError`` if it cannot take on such a task."""
    family: str
    """The kind of loss, or of model."""
    link: str
    """What turns scores into probabilities, as in :class:`mlj.losses.LossInfo`."""
    calibration: str
    """What these probabilities are worth, as in :class:`mlj.losses.LossInfo`."""
    source: str
    """Where it was published."""


def _of_loss(name: str, count_head: str | None = None) -> Contender:
    info = losses.LOSS_INFO[name]
    return Contender(LossApproach(name, count_head), info.family, info.link, info.calibration, info.source)


def _losses() -> Mapping[str, Contender]:
    found: dict[str, Contender] = {}
    for name, info in losses.LOSS_INFO.items():
        if not info.plain:
            continue
        if not info.needs_count:
            found[name] = _of_loss(name)
        elif name == "softmax_count_mse":
            found |= {f"{name}:{head}": _of_loss(name, head) for head in losses.COUNT_HEADS}
        else:
            found[name] = _of_loss(name, "exponential")
    return MappingProxyType(found)


LOSS_APPROACHES = _losses()
"""Every loss that needs no more than logits and multi-hot labels, and the losses that need a count, once for
each head that may give it; one row of outputs under each."""


def _factorised() -> Mapping[str, Contender]:
    """Return the factorised models that are more than a loss with one unit for the count."""
    kinds = ("poisson", "negative_binomial", "categorical", "dirichlet_multinomial")
    names = [f"factorised_{kind}" for kind in kinds]
    source = "stats.stackexchange 207794"
    return {
        name: Contender(FACTORISED[name], "counts", "count_times_softmax", "count", source) for name in names
    }


def _joint(make: Callable[[Task], Approach], family: str, calibration: str, source: str) -> Contender:
    return Contender(make, family, "sigmoid", calibration, source)


_CHAINS = "Read et al., ECML PKDD 2009; Dembczynski et al., ICML 2010"
_SEQUENCES = "Nam et al., NIPS 2017"
_SUBSETS = "Tsoumakas et al., TKDE 2011"
_ISING = "Ghamrawi and McCallum, CIKM 2005"

JOINT_APPROACHES: Mapping[str, Contender] = MappingProxyType(
    {
        **_factorised(),
        "conditional_bernoulli_size": _joint(
            make_conditional_bernoulli_size, "counts", "joint", "Chen and Liu, Statistica Sinica 1997"
        ),
        "classifier_chain": _joint(make_classifier_chain, "chain", "joint", _CHAINS),
        "chain_ensemble": _joint(make_chain_ensemble, "chain", "joint", _CHAINS),
        "chain_any_order": _joint(make_chain_any_order, "chain", "joint", "Uria et al., ICML 2014"),
        "sequence_gru": _joint(make_sequence_gru, "sequence", "joint", _SEQUENCES),
        "sequence_gru_rare_first": _joint(make_sequence_gru_rare_first, "sequence", "joint", _SEQUENCES),
        "sequence_gru_learned_order": _joint(
            make_sequence_gru_learned_order, "sequence", "joint", "Tsai and Lee, AAAI 2020"
        ),
        "sequence_gru_order_free": _joint(
            make_sequence_gru_order_free, "sequence", "joint", "Qin et al., NAACL 2019"
        ),
        "sequence_transformer": _joint(make_sequence_transformer, "sequence", "joint", _SEQUENCES),
        "label_powerset": _joint(
            make_label_powerset, "powerset", "joint", "Boutell et al., Pattern Recognition 2004"
        ),
        "label_powerset_shared": _joint(
            partial(make_label_powerset, label_units=True),
            "powerset",
            "joint",
            "Ghamrawi and McCallum, CIKM 2005",
        ),
        "rakel_disjoint": _joint(make_rakel_disjoint, "powerset", "joint", _SUBSETS),
        "rakel_overlapping": _joint(make_rakel_overlapping, "powerset", "joint", _SUBSETS),
        "ising_exact": _joint(make_ising_exact, "structured", "joint", _ISING),
        "ising_pseudo": _joint(make_ising_pseudo, "structured", "joint", _ISING),
        "label_graph": _joint(make_label_graph, "structured", "proper", "Lanchantin et al., CVPR 2021"),
        "label_correlation": _joint(make_label_correlation, "structured", "proper", "Xun et al., KDD 2020"),
        "coherent": Contender(
            make_coherent,
            "structured",
            COHERENT_LINK,
            "proper",
            "Giunchiglia and Lukasiewicz, NeurIPS 2020",
        ),
    }
)
"""Models whose labels depend on each other or come in a predicted number, each with its loss and decoders."""

APPROACHES: Mapping[str, Contender] = MappingProxyType({**LOSS_APPROACHES, **JOINT_APPROACHES})
"""All approaches."""


def get_approach(name: str) -> Contender:
    """Return the approach of that name.

    Raises:
        ValueError: If there is none; the message names the nearest.

    >>> get_approach("zlpr").make
    LossApproach(loss='zlpr', count_head=None)
    """
    return lookup("approach", name, APPROACHES)
