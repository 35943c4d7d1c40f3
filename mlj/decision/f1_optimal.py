r"""The labelset of largest expected F1, from probabilities, if labels are independent given the sample.

Sort the labels by probability, :math:`p_1 \ge \dots \ge p_L`. Under independence some prefix of this order is
optimal, so it is enough to know for each k

.. math::
    E_k = \sum_{a=0}^{k} \sum_{b=0}^{L-k} P(A_k = a) P(B_k = b) \frac{2 a}{k + a + b}

where :math:`A_k` counts the present labels among the first k and :math:`B_k` those among the rest: two
Poisson-binomial variables, whose distributions grow by one label a step. All terms are positive, so nothing
cancels.
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
from jax import lax

from mlj.decision.k_best import top_k_sets
from mlj.types import Array, Predictions, Probs

_SAMPLES_AT_ONCE = 256


def _one_more(distribution: Array, prob: Array) -> Array:
    """Return the distribution of a count after one more label; the last entry means 'that many or more'."""
    kept = distribution * (1 - prob)
    grown = jnp.concatenate([jnp.zeros((1,), prob.dtype), distribution[:-1] * prob])
    return (kept + grown).at[-1].add(distribution[-1] * prob)


def _sample_curve(probs: Array, limit: int) -> Array:
    """Return :math:`E_1..E_{limit}` of one sample, ``probs [L]`` sorted descending."""
    nothing = jnp.zeros((limit + 1,), probs.dtype).at[0].set(1)
    head, tail = probs[:limit], probs[limit:]

    def grow(distribution, prob):
        grown = _one_more(distribution, prob)
        return grown, grown

    beyond, _ = lax.scan(lambda d, p: (_one_more(d, p), None), nothing, tail)
    _, first = lax.scan(grow, nothing, head)
    _, rest = lax.scan(lambda d, p: (_one_more(d, p), d), beyond, head, reverse=True)

    def expected(_, one):
        k, a_probs, b_probs = one
        a = jnp.arange(limit + 1, dtype=probs.dtype)
        gain = 2 * a[:, None] / (k + a[:, None] + a[None, :])
        return None, jnp.dot(a_probs @ gain, b_probs)

    sizes = jnp.arange(1, limit + 1, dtype=probs.dtype)
    return lax.scan(expected, None, (sizes, first, rest))[1]


@partial(jax.jit, static_argnames="limit")
def expected_f1_curve(probs: Probs, *, limit: int = 64) -> Array:
    r"""Return the expected F1 of predicting the k most probable labels, for every k up to a limit.

    See the formula at :mod:`mlj.decision.f1_optimal`. The cost is :math:`O(L m + m^3)` a sample with
    :math:`m = \min(L, limit)`. For :math:`L \le limit` it is exact. For more labels a count beyond m of the
    present labels outside the prefix is taken as m, which raises :math:`E_k` by at most :math:`P(B_k > m)`,
    and larger labelsets than m are not considered: keep ``limit`` well above the label cardinality.

    Args:
        probs: Probabilities ``[N, L]``; values outside [0, 1] are clipped, NaN is 0.
        limit: Largest labelset considered; static.

    Returns:
        ``[N, min(L, limit)]``, entry k - 1 for the k most probable labels. The empty set has expected F1 0.

    >>> [round(value, 4) for value in expected_f1_curve(jnp.array([[0.9, 0.5]])).tolist()[0]]
    [0.75, 0.7833]
    """
    probs = jnp.clip(jnp.nan_to_num(probs.astype(jnp.promote_types(probs.dtype, jnp.float32))), 0, 1)
    limit = min(limit, probs.shape[-1])
    descending = jnp.flip(jnp.sort(probs, axis=-1), axis=-1)
    curve = partial(_sample_curve, limit=limit)
    return lax.map(curve, descending, batch_size=min(_SAMPLES_AT_ONCE, max(probs.shape[0], 1)))


@partial(jax.jit, static_argnames="limit")
def f1_optimal_sets(probs: Probs, *, limit: int = 64) -> Predictions:
    """Predict the labelset of largest expected F1 in each sample, from probabilities alone.

    It is the exact maximiser of :func:`expected_f1_curve`; of equal sizes the smallest wins, of equal
    probabilities the lowest index. A sample whose probabilities are all 0 gets no label. It is as good as
    the probabilities are calibrated, and says nothing about labels that depend on each other.

    Args:
        probs: Probabilities ``[N, L]``.
        limit: Largest labelset considered; static.

    Returns:
        Predictions ``[N, L]``, bool.

    Reference:
        The optimality of a prefix: Lewis, Evaluating and optimizing autonomous text classification systems,
        SIGIR 1995. Faster recursions: Ye, Chai, Lee, Chieu, Optimizing F-measures: a tale of two approaches,
        ICML 2012. Dependent labels: Dembczynski et al., An exact algorithm for F-measure maximization, NIPS
        2011.

    >>> f1_optimal_sets(jnp.array([[0.9, 0.5, 0.01], [0.3, 0.2, 0.0]])).tolist()
    [[True, True, False], [True, True, False]]
    """
    curve = expected_f1_curve(probs, limit=limit)
    size = jnp.where(jnp.max(curve, axis=-1) > 0, jnp.argmax(curve, axis=-1) + 1, 0)
    return top_k_sets(jnp.nan_to_num(probs), size.astype(jnp.int32))
