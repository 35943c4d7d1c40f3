"""Several multi-class questions about one sample."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from mlj._checks import as_logits, has_shape, is_bool, same_shape
from mlj.label_terms import observed_mean
from mlj.numerics import softmax_terms
from mlj.types import Array, Labels, Logits, Mask, PerSample, Weights


def class_costs(
    function: str,
    logits: Logits,
    labels: Labels,
    class_where: Mask | None,
    weights: Weights | None,
    where: Mask | None,
    *,
    truth: str = "labels",
    axes: str = "[..., H, C]",
) -> Array:
    """Return the weighted cross-entropy of each multi-class question ``[..., H]``, unmasked but finite.

    Args:
        function: Name of the loss, for messages.
        logits: Scores ``[..., H, C]``.
        labels: Class numbers ``[..., H]``.
        class_where: Bool ``[H, C]``, or None.
        weights: Multipliers ``[..., H]``, or None.
        where: Bool ``[..., H]``, or None; logits and labels of the others are not looked at.
        truth: What the loss calls ``labels``.
        axes: What the loss calls the axes of ``logits``.
    """
    logits = as_logits(function, logits)
    if logits.ndim < 2 or 0 in logits.shape[-2:]:
        raise ValueError(f"{function}: logits must be {axes}, got {list(logits.shape)}")
    labels = jnp.asarray(labels)
    if not jnp.issubdtype(labels.dtype, jnp.integer):
        raise TypeError(f"{function}: {truth} must be integer class numbers, got {labels.dtype}")
    has_shape(function, truth, labels, logits.shape[:-1])
    same_shape(function, **{truth: labels}, weights=weights, where=where)
    is_bool(function, "where", where)
    is_bool(function, "class_where", class_where)
    if where is not None:
        logits = jnp.where(where[..., None], logits, 0)
        labels = jnp.where(where, labels, 0)
    if class_where is not None:
        has_shape(function, "class_where", class_where, logits.shape[-2:])
        logits = jnp.where(jnp.broadcast_to(class_where, logits.shape), logits, -jnp.inf)
    classes = jnp.broadcast_to(jnp.arange(logits.shape[-1]), logits.shape)
    hits = (classes == labels[..., None]).astype(logits.dtype)
    costs = jnp.sum(softmax_terms(logits, hits), axis=-1)
    costs += jnp.where((labels < 0) | (labels >= logits.shape[-1]), jnp.nan, 0)
    return weighted(costs, weights)


def weighted(costs: Array, weights: Weights | None) -> Array:
    """Multiply costs by weights; a weight of 0 takes even an infinite cost away."""
    if weights is None:
        return costs
    weights = jnp.asarray(weights).astype(costs.dtype)
    return jnp.where(weights == 0, 0, weights * costs)


@jax.jit
def multi_output_cross_entropy(
    logits: Logits,
    labels: Labels,
    *,
    class_where: Mask | None = None,
    weights: Weights | None = None,
    where: Mask | None = None,
) -> PerSample:
    r"""Softmax cross-entropy of several multi-class questions, averaged over the questions.

    For heads :math:`h = 1 \ldots H` with one true class :math:`t_h` each,

    .. math::
        \ell(s, t) = \frac{1}{H} \sum_{h=1}^{H} \Bigl( \log \sum_{c=1}^{C} e^{s_{hc}} - s_{h t_h} \Bigr).

    Strictly proper: ``softmax(s_h)`` estimates the class probabilities. Predict the argmax of each head.

    Value and gradient are finite for every ``|s| <= finfo.max / C`` (``C >= 2``). A class number outside
    ``0 .. C - 1`` on an observed head gives NaN, never a silent zero.

    Args:
        logits: Scores ``[..., H, C]`` before the softmax over classes.
        labels: Class numbers ``[..., H]``, integers.
        class_where: Bool ``[H, C]``, True for the classes that a head has, where heads differ in size.
        weights: Multipliers ``[..., H]`` of the heads' terms; they do not enter the divisor.
        where: Bool ``[..., H]``, True where the head's class was observed; the others count as deleted.

    Returns:
        The cost of each sample ``[...]``, float32 or wider.

    Raises:
        TypeError: If ``logits`` are not floating-point, ``labels`` not integers, or a mask not bool.
        ValueError: If shapes do not fit as above.

    Reference:
        Categorical cross-entropy per output, as for scikit-learn's multi-class multi-output problems. Code
        that sums over the heads is larger by ``H``.

    >>> round(multi_output_cross_entropy(jnp.zeros((2, 4)), jnp.array([3, 0])).item(), 4)
    1.3863
    """
    name = "multi_output_cross_entropy"
    return observed_mean(class_costs(name, logits, labels, class_where, weights, where), where)
