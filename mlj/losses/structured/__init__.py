"""Losses in which labels depend on each other: by couplings between pairs, or by a hierarchy."""

from mlj.losses.structured.hierarchy import (
    Families as Families,
    coherent_scores as coherent_scores,
    families as families,
    hierarchy_max_constraint as hierarchy_max_constraint,
)
from mlj.losses.structured.inference import ising_marginals as ising_marginals, ising_mode as ising_mode
from mlj.losses.structured.ising import ising as ising
from mlj.losses.structured.pseudo_likelihood import ising_pseudo_likelihood as ising_pseudo_likelihood
