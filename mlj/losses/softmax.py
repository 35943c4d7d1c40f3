"""Losses in which all labels share one distribution, ``softmax(s)``.

They do not change when a constant is added to all logits of a sample. A row without present labels costs 0
and teaches nothing. Scores rank the labels; how many to take needs a count or a tuned threshold on the
softmax. Every logit matters, not only those of present labels: the normaliser couples them.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from mlj._checks import as_logits, has_shape, is_bool, same_shape
from mlj.losses._inputs import Terms, read_terms
from mlj.numerics import observed_mean, softmax_terms
from mlj.types import Array, Labels, Logits, Mask, PerSample, Weights


def normalised_labels(sample: Terms) -> Array:
    """Return the labels divided by their sum, or zeros for a row without present labels."""
    total = jnp.sum(sample.labels, axis=-1, keepdims=True)
    return sample.labels / jnp.where(total > 0, total, 1)


def cross_entropy_terms(sample: Terms, mass: Array) -> Array:
    """Return ``w_j mass_j (LSE(s) - s_j)`` over the observed labels."""
    weighted = mass if sample.weights is None else sample.weights * mass
    return softmax_terms(sample.observed_logits(), weighted)


@jax.jit
def softmax_cross_entropy(
    logits: Logits, labels: Labels, *, weights: Weights | None = None, where: Mask | None = None
) -> PerSample:
    r"""Cross-entropy between the softmax and the labels scaled to sum to one.

    With :math:`q_j = y_j / \sum_i y_i`,

    .. math::
        \ell(s, y) = \sum_{j=1}^{L} q_j \Bigl( \log \sum_{i=1}^{L} e^{s_i} - s_j \Bigr).

    Its minimiser is :math:`\mathrm{softmax}(s)_j = E[y_j / |y|]`; ranking by it is consistent for recall at
    k. The labels are normalised inside, so that no row can be invalid.

    Value and gradient are finite for every ``|s| <= finfo.max / L`` (``L >= 2``); a present label that is far
    wrong pulls with ``q_j``.

    Args:
        logits: Scores ``[..., L]`` before the softmax.
        labels: Targets ``[..., L]``, bool, integer or soft in [0, 1].
        weights: Multipliers ``[..., L]`` of the present labels' terms, after the labels are normalised.
        where: Bool ``[..., L]``, True where the label was observed; the others count as deleted.

    Returns:
        The cost of each sample ``[...]``, float32 or wider.

    Raises:
        TypeError: If ``logits`` are not floating-point or ``where`` is not bool.
        ValueError: If two shapes differ.

    Reference:
        Menon, Rawat, Reddi, Kumar, *Multilabel reductions: what is my loss optimising?*, NeurIPS 2019 (there
        pick-all-labels, normalised). TensorFlow's ``softmax_cross_entropy_with_logits`` on such a row.

    >>> round(softmax_cross_entropy(jnp.zeros(4), jnp.array([1, 1, 0, 0])).item(), 4)
    1.3863
    """
    sample = read_terms("softmax_cross_entropy", logits, labels, weights, where)
    return jnp.sum(cross_entropy_terms(sample, normalised_labels(sample)), axis=-1)


@jax.jit
def pick_all_labels(
    logits: Logits, labels: Labels, *, weights: Weights | None = None, where: Mask | None = None
) -> PerSample:
    r"""Softmax cross-entropy added up over the present labels.

    .. math::
        \ell(s, y) = \sum_{j=1}^{L} y_j \Bigl( \log \sum_{i=1}^{L} e^{s_i} - s_j \Bigr)

    It is the negative multinomial log-likelihood of the labels without its coefficient, and ``k`` times
    :func:`softmax_cross_entropy` on ``k`` hard labels. Ranking by it is consistent for precision at k.

    Value and gradient are finite for every ``|s| <= finfo.max / (2 L)``; a present label that is far wrong
    pulls with 1.

    Args:
        logits: Scores ``[..., L]`` before the softmax.
        labels: Targets ``[..., L]``, bool, integer counts or soft in [0, 1].
        weights: Multipliers ``[..., L]`` of the present labels' terms.
        where: Bool ``[..., L]``, True where the label was observed; the others count as deleted.

    Returns:
        The cost of each sample ``[...]``, float32 or wider.

    Raises:
        TypeError: If ``logits`` are not floating-point or ``where`` is not bool.
        ValueError: If two shapes differ.

    Reference:
        Menon, Rawat, Reddi, Kumar, *Multilabel reductions: what is my loss optimising?*, NeurIPS 2019; the
        unnormalised ``softmax_loss`` of Rax.

    >>> round(pick_all_labels(jnp.zeros(4), jnp.array([1, 1, 0, 0])).item(), 4)
    2.7726
    """
    sample = read_terms("pick_all_labels", logits, labels, weights, where)
    return jnp.sum(cross_entropy_terms(sample, sample.labels), axis=-1)


def _simplex_projection(logits: Array) -> Array:
    top = jnp.max(logits, axis=-1, keepdims=True)
    below = jnp.where(logits == top, 0, logits - top)
    # Of the values in descending order, the support is the longest head with 1 + t x_t > x_1 + ... + x_t.
    # Only values within 1 of the top can be in it, and the others could overflow the sums.
    near = jnp.where(below > -1, below, -1)
    ordered = -jnp.sort(-near, axis=-1)
    rank = jnp.arange(1, below.shape[-1] + 1, dtype=below.dtype)
    rank = jnp.broadcast_to(rank, below.shape)
    sums = jnp.cumsum(ordered, axis=-1)
    size = jnp.sum(1 + rank * ordered > sums, axis=-1, keepdims=True)
    head = jnp.sum(jnp.where(rank <= size, ordered, 0), axis=-1, keepdims=True)
    return jnp.maximum(near - (head - 1) / size, 0)


@jax.custom_jvp
def _fenchel_young(logits: Array, q: Array, mass: Array) -> Array:
    top = jnp.max(logits, axis=-1, keepdims=True)
    below = jnp.where(logits == top, 0, logits - top)
    p = _simplex_projection(logits)
    conjugate = jnp.sum(jnp.where(p > 0, p * below, 0) - 0.5 * p * p, axis=-1, keepdims=True)
    own = 0.5 * jnp.sum(q * q, axis=-1, keepdims=True)
    terms = jnp.where(mass == 0, 0 * conjugate, mass * (conjugate + own - below))
    return jnp.sum(jnp.where((logits == -jnp.inf) & (mass > 0), jnp.inf, terms), axis=-1)


@_fenchel_young.defjvp
def _fenchel_young_jvp(primals, tangents):
    logits, _, mass = primals
    # Danskin: the projection maximises what it is put into, so its own derivative does not count.
    drop = jnp.sum(_simplex_projection(logits) * tangents[0], axis=-1, keepdims=True) - tangents[0]
    return _fenchel_young(*primals), jnp.sum(mass * drop, axis=-1)


@jax.jit
def sparsemax(
    logits: Logits, labels: Labels, *, weights: Weights | None = None, where: Mask | None = None
) -> PerSample:
    r"""Fenchel-Young loss of the sparsemax, which gives far labels a probability of exactly zero.

    With :math:`q = y / |y|` and :math:`p^\star` the Euclidean projection of :math:`s` on the simplex,

    .. math::
        \ell(s, y) = (p^\star - q) \cdot s + \tfrac{1}{2} \bigl( \|q\|^2 - \|p^\star\|^2 \bigr),
        \qquad \nabla_s \ell = p^\star - q.

    The support of :math:`p^\star` is itself a candidate set of labels. A weight multiplies the share of its
    present label in the sum over :math:`q_j` of the losses' parts, as in :func:`softmax_cross_entropy`.

    Value and gradient are finite for every ``|s| <= finfo.max / (2 L)``; a present label that is far wrong
    pulls with ``q_j``. Cost O(L log L).

    Args:
        logits: Scores ``[..., L]`` before the projection.
        labels: Targets ``[..., L]``, bool, integer or soft in [0, 1].
        weights: Multipliers ``[..., L]`` of the present labels' terms, after the labels are normalised.
        where: Bool ``[..., L]``, True where the label was observed; the others count as deleted.

    Returns:
        The cost of each sample ``[...]``, float32 or wider.

    Raises:
        TypeError: If ``logits`` are not floating-point or ``where`` is not bool.
        ValueError: If two shapes differ.

    Reference:
        Martins, Astudillo, *From Softmax to Sparsemax*, ICML 2016; Blondel, Martins, Niculae, *Learning with
        Fenchel-Young Losses*, JMLR 2020.

    >>> sparsemax(jnp.array([1.0, 1.0, -1.0]), jnp.array([1, 1, 0])).item()
    0.0
    """
    sample = read_terms("sparsemax", logits, labels, weights, where)
    q = normalised_labels(sample)
    # The derivative rule knows the logits only: labels and weights are constants here.
    q, mass = jax.lax.stop_gradient((q, q if sample.weights is None else sample.weights * q))
    return _fenchel_young(sample.observed_logits(), q, mass)


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
    logits = as_logits(name, logits)
    if logits.ndim < 2 or 0 in logits.shape[-2:]:
        raise ValueError(f"{name}: logits must be [..., H, C], got {list(logits.shape)}")
    labels = jnp.asarray(labels)
    if not jnp.issubdtype(labels.dtype, jnp.integer):
        raise TypeError(f"{name}: labels must be integer class numbers, got {labels.dtype}")
    has_shape(name, "labels", labels, logits.shape[:-1])
    same_shape(name, labels=labels, weights=weights, where=where)
    is_bool(name, "where", where)
    is_bool(name, "class_where", class_where)
    if where is not None:
        logits = jnp.where(where[..., None], logits, 0)
        labels = jnp.where(where, labels, 0)
    if class_where is not None:
        has_shape(name, "class_where", class_where, logits.shape[-2:])
        logits = jnp.where(jnp.broadcast_to(class_where, logits.shape), logits, -jnp.inf)
    classes = jnp.broadcast_to(jnp.arange(logits.shape[-1]), logits.shape)
    truth = (classes == labels[..., None]).astype(logits.dtype)
    costs = jnp.sum(softmax_terms(logits, truth), axis=-1)
    costs += jnp.where((labels < 0) | (labels >= logits.shape[-1]), jnp.nan, 0)
    if weights is not None:
        weights = jnp.asarray(weights).astype(costs.dtype)
        costs = jnp.where(weights == 0, 0, weights * costs)
    return observed_mean(costs, where)
