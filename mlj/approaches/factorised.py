"""Factorised models: a distribution over the labels, and a count of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from mlj import losses
from mlj._checks import lookup
from mlj.approaches.approach import Approach, Decoder, Options, Task
from mlj.approaches.priors import label_prior
from mlj.decision.count_distributions import (
    log_expected_count,
    negative_binomial_log_probs,
    poisson_log_probs,
)
from mlj.decision.sized_subsets import likeliest_size_top_k
from mlj.models import function_and_init
from mlj.models.factorised import Factorised, FactorisedOutput
from mlj.training import Batch, Params
from mlj.types import Array, Labels, Mask, PerSample, Predictions, Scalar, Scores
from mlj.weighting import dirichlet_count_prior


class CountHead(NamedTuple):
    """What the units of a count mean."""

    num_units: Callable[[int], int]
    """``num_units(largest) -> C`` for labelsets of at most so many labels."""
    start: Callable[[np.ndarray, int], np.ndarray]
    """``start(counts [n], largest) -> [C]``: where the units' bias starts."""
    log_count: Callable[[Array], PerSample]
    """``log_count(units [..., C]) -> [...]``: logarithm of the expected count."""
    log_probs: Callable[[Array, int], Array] | None = None
    """``log_probs(units, largest) -> [..., K + 1]`` of the counts 0 to K; None for a head that gives a mean
    and no distribution."""
    prior: Callable[[np.ndarray, int], np.ndarray] | None = None
    """``prior(counts, largest) -> [C]``: what is added to the units and not trained; None for nothing."""


def _mean_count(counts: np.ndarray) -> float:
    return max(float(np.mean(counts)), 0.1)


def _one_unit(head: str, start: Callable[[float], float], log_probs: Any = None) -> CountHead:
    """Return the head of one unit by a name in :data:`mlj.losses.COUNT_HEADS`."""
    return CountHead(
        lambda largest: 1,
        lambda counts, largest: np.array([start(_mean_count(counts))], np.float32),
        lambda units: losses.COUNT_HEADS[head](units[..., 0]),
        log_probs,
    )


def _start_negative_binomial(counts: np.ndarray, largest: int) -> np.ndarray:
    mean = _mean_count(counts)
    excess = max(float(np.var(counts)) - mean, mean * mean / _LARGEST_SIZE)
    return np.log([mean, mean * mean / excess]).astype(np.float32)


def _count_prior(counts: np.ndarray, largest: int) -> np.ndarray:
    histogram = np.bincount(np.minimum(counts.astype(int), largest), minlength=largest + 1)
    return np.asarray(dirichlet_count_prior(jnp.asarray(histogram)))


_LARGEST_SIZE = 100.0
"""Size from which a negative binomial is as good as Poisson; where counts spread less, it starts here."""

COUNT_HEADS: Mapping[str, CountHead] = MappingProxyType(
    {
        "clipped_linear": _one_unit("clipped_linear", float),
        "softplus": _one_unit("softplus", lambda mean: float(np.log(np.expm1(mean)))),
        "exponential": _one_unit("exponential", lambda mean: float(np.log(mean))),
        "poisson": _one_unit(
            "exponential",
            lambda mean: float(np.log(mean)),
            lambda units, largest: poisson_log_probs(units[..., 0], largest),
        ),
        "negative_binomial": CountHead(
            lambda largest: 2,
            _start_negative_binomial,
            lambda units: units[..., 0],
            lambda units, largest: negative_binomial_log_probs(units[..., 0], units[..., 1], largest),
        ),
        "categorical": CountHead(
            lambda largest: largest + 1,
            lambda counts, largest: np.zeros(largest + 1, np.float32),
            log_expected_count,
            lambda units, largest: jax.nn.log_softmax(units, axis=-1),
            _count_prior,
        ),
    }
)
"""Count heads by name: ``clipped_linear``, ``softplus`` and ``exponential`` give a mean,
``poisson``, ``negative_binomial`` and ``categorical`` a distribution."""


def _judged(loss: Callable[..., PerSample]) -> Callable[..., Callable[..., PerSample]]:
    """Return a maker of costs from a loss that takes the logarithm of a count."""

    def of_head(head: CountHead) -> Callable[..., PerSample]:
        def cost(logits: Array, labels: Labels, *, units: Array, where: Mask | None = None) -> PerSample:
            return loss(logits, labels, log_count=head.log_count(units), where=where)

        return cost

    return of_head


def _apart(
    which: Callable[..., PerSample], how_many: Callable[..., PerSample]
) -> Callable[..., Callable[..., PerSample]]:
    """Return a maker of costs that are a loss of the labels plus one of their number."""

    def of_head(head: CountHead) -> Callable[..., PerSample]:
        def cost(logits: Array, labels: Labels, *, units: Array, where: Mask | None = None) -> PerSample:
            return which(logits, labels, where=where) + how_many(units, labels, where=where)

        return cost

    return of_head


def _negative_binomial(units: Array, labels: Labels, *, where: Mask | None) -> PerSample:
    return losses.negative_binomial_count(units[..., 0], labels, log_dispersion=units[..., 1], where=where)


def _dirichlet_multinomial(logits: Array, labels: Labels, *, where: Mask | None) -> PerSample:
    return losses.dirichlet_multinomial(logits, labels > 0, where=where)


class Factorisation(NamedTuple):
    """A count head, and what both parts are judged by."""

    count: str
    """A name in :data:`COUNT_HEADS`."""
    cost_of: Callable[[CountHead], Callable[..., PerSample]]
    """``cost_of(head) -> cost(logits, labels, *, units, where=None) -> [...]``."""


FACTORISATIONS: Mapping[str, Factorisation] = MappingProxyType(
    {
        "clipped_linear": Factorisation("clipped_linear", _judged(losses.softmax_count_mse)),
        "softplus": Factorisation("softplus", _judged(losses.softmax_count_mse)),
        "poisson": Factorisation("poisson", _judged(losses.softmax_count_poisson)),
        "negative_binomial": Factorisation(
            "negative_binomial", _apart(losses.softmax_cross_entropy, _negative_binomial)
        ),
        "categorical": Factorisation(
            "categorical", _apart(losses.softmax_cross_entropy, losses.categorical_count)
        ),
        "dirichlet_multinomial": Factorisation(
            "categorical", _apart(_dirichlet_multinomial, losses.categorical_count)
        ),
        "product_mse": Factorisation("exponential", _judged(losses.softmax_product_mse)),
        "product_jeffreys": Factorisation("exponential", _judged(losses.softmax_product_jeffreys)),
    }
)
"""Factorised models by name: the first six judge labels and count apart, the last two their product."""


def make_factorised(name: str, task: Task) -> Approach:
    r"""Return the approach in which ``softmax(s)`` says which labels and a count Z how many.

    The scores are :math:`\log(Z\, \mathrm{softmax}(s))`, to be thresholded, and ``log_count`` is
    :math:`\log Z`, with which the rule ``count_head`` takes the top ``round(Z)`` labels. Where the count has
    a distribution, a decoder takes the top k labels for the most probable k. Count and labels are then also
    a distribution over all labelsets of at most ``task.largest_labelset`` labels,
    :func:`mlj.decision.count_distributions.sized_set_log_prob`. Its most probable labelset is no decoder: a
    softmax fitted to shares of labels is too even a distribution for it, and one with
    :func:`mlj.losses.conditional_bernoulli` in its place is not.

    An unobserved label is deleted, from the softmax and from the count: where labels are missing, Z is the
    number of present labels that are observed.

    Args:
        name: A name in :data:`FACTORISATIONS`.
        task: The sizes, and the module under the head.

    Raises:
        ValueError: If there is no such name.

    >>> from mlj.models import Trunk
    >>> task = Task(3, 4, 2, False, lambda rngs: Trunk(5, hidden=(8,), rngs=rngs), None)
    >>> make_factorised("poisson", task).options(np.eye(3), None)["output_bias"].shape
    (4,)
    """
    recipe = lookup("factorisation", name, FACTORISATIONS)
    head, largest = COUNT_HEADS[recipe.count], max(task.largest_labelset, 1)
    mean_cost = losses.mean_over_samples(recipe.cost_of(head))

    def make(rngs: nnx.Rngs, bias: Array | None) -> Factorised:
        return Factorised(
            task.make_trunk(rngs),
            task.num_labels,
            num_count_units=head.num_units(largest),
            output_bias=bias,
            rngs=rngs,
        )

    apply_fn, init = function_and_init(make)

    def outputs(
        params: Params, features: Any, options: Options, key: Array | None = None
    ) -> FactorisedOutput:
        found = apply_fn(params, features, key=key)
        if head.prior is None:
            return found
        prior = jnp.broadcast_to(options["count_prior"], found.count_units.shape)
        return found._replace(count_units=found.count_units + prior)

    def objective(params: Params, batch: Batch, key: Array, options: Options) -> Scalar:
        found = outputs(params, batch.features, options, key)
        return mean_cost(found.logits, batch.labels, units=found.count_units, where=batch.where)

    return Approach(
        init=lambda key, options: init(key, options["output_bias"]),
        objective=objective,
        predict=outputs,
        scores=partial(_scores, head),
        options=partial(_options, head, largest),
        decoders=_decoders(head, largest, outputs),
    )


def _scores(head: CountHead, outputs: FactorisedOutput) -> tuple[Scores, PerSample]:
    log_count = head.log_count(outputs.count_units)
    return jax.nn.log_softmax(outputs.logits, axis=-1) + log_count[..., None], log_count


def _options(
    head: CountHead, largest: int, labels: np.ndarray, where: np.ndarray | None
) -> dict[str, np.ndarray]:
    prior, counts = label_prior(labels, where), labels.sum(axis=1)
    bias = np.concatenate([np.log(prior / prior.sum()), head.start(counts, largest)])
    options = {"output_bias": bias.astype(np.float32)}
    return options if head.prior is None else options | {"count_prior": head.prior(counts, largest)}


def _decoders(head: CountHead, largest: int, outputs: Callable[..., FactorisedOutput]) -> dict[str, Decoder]:
    if head.log_probs is None:
        return {}

    def by_mode(params: Params, features: Any, options: Options) -> Predictions:
        found = outputs(params, features, options)
        return likeliest_size_top_k(found.logits, head.log_probs(found.count_units, largest))

    return {"count_mode": Decoder("top k, k most probable", by_mode)}


FACTORISED: Mapping[str, Callable[[Task], Approach]] = MappingProxyType(
    {f"factorised_{name}": partial(make_factorised, name) for name in FACTORISATIONS}
)
"""The makers of the approaches by their names, such as ``factorised_poisson``."""
