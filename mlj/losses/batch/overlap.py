"""Overlap of predicted and true sets over a batch: of each label (macro) or of all entries (micro)."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from mlj.label_terms import observed_mean
from mlj.losses._inputs import Terms, scalars
from mlj.losses.batch._inputs import Batch, read_batch
from mlj.losses.overlap.index import overlap_cost
from mlj.types import Array, Labels, Logits, Mask, Scalar


def _macro(batch: Batch, logits: Array, alpha: Scalar, beta: Scalar, smooth: Scalar) -> Array:
    """Average the cost of each label over the labels that are observed at all."""
    columns = Terms(logits.T, batch.labels.T, None, batch.where.T)
    costs = overlap_cost(columns, columns.logits, alpha, beta, smooth)
    return batch.unhidden(observed_mean(costs, jnp.any(batch.where, axis=0)))


@jax.jit
def macro_soft_tversky(
    logits: Logits,
    labels: Labels,
    *,
    alpha: Scalar = 0.3,
    beta: Scalar = 0.7,
    smooth: Scalar = 0.0,
    where: Mask | None = None,
) -> Array:
    r"""One minus the Tversky index of each label over the batch, averaged over the labels.

    .. math::
        \ell(S, Y) = 1 - \frac{1}{L} \sum_{j=1}^{L}
            \frac{tp_j + c}{tp_j + \alpha\, fp_j + \beta\, fn_j + c}, \qquad
        tp_j = \sum_b p_{bj} y_{bj}, \quad fp_j = \sum_b p_{bj} (1 - y_{bj}), \quad
        fn_j = \sum_b (1 - p_{bj}) y_{bj}

    with :math:`p = \sigma(s)` and :math:`c` = ``smooth``. ``alpha = beta = .5`` is :func:`macro_soft_f1`,
    with ``smooth`` 1 :func:`macro_soft_dice`; ``alpha = beta = 1`` is :func:`macro_soft_jaccard`. Without
    ``smooth`` a label without present samples costs 1 with gradient 0 and counts in the mean; set ``where``
    False to drop it. With it such a label learns to stay empty. The cost depends on who else is in the batch.

    Value and gradient are finite for all logits, the infinite ones included. By its definition the gradient
    dies where ``p`` saturates.

    Args:
        logits: Scores ``[B, L]`` before the sigmoid.
        labels: Targets ``[B, L]``, bool, integer or soft in [0, 1].
        alpha: Price of a false alarm.
        beta: Price of a miss.
        smooth: What is added to both sides of the ratio.
        where: Bool ``[B, L]``, True where the label was observed; a label that is observed nowhere does not
            count in the mean.

    Returns:
        The cost of the batch ``[]``, float32 or wider; 0 where nothing was observed.

    Raises:
        TypeError: If ``logits`` are not floating-point or ``where`` is not bool.
        ValueError: If logits are not ``[B, L]``, two shapes differ or a hyper-parameter is not a scalar.

    Reference:
        Salehi, Erdogmus, Gholipour, *Tversky Loss Function for Image Segmentation Using 3D Fully
        Convolutional Deep Networks*, MLMI 2017, over the samples of a batch in place of voxels.

    >>> round(macro_soft_tversky(jnp.zeros((2, 1)), jnp.array([[1], [0]])).item(), 4)
    0.5
    """
    scalars("macro_soft_tversky", alpha=alpha, beta=beta, smooth=smooth)
    batch = read_batch("macro_soft_tversky", logits, labels, where)
    return _macro(batch, batch.logits, alpha, beta, smooth)


@jax.jit
def macro_soft_f1(logits: Logits, labels: Labels, *, where: Mask | None = None) -> Array:
    r"""One minus the F1 score of each label over the batch, averaged over the labels.

    .. math::
        \ell(S, Y) = 1 - \frac{1}{L} \sum_{j=1}^{L}
            \frac{2 \sum_b p_{bj} y_{bj}}{\sum_b p_{bj} + \sum_b y_{bj}}

    with :math:`p = \sigma(s)`: a smooth stand-in for the macro-averaged F1 score. A label without present
    samples costs 1 with gradient 0 and counts in the mean, as in the official code; set ``where`` False to
    drop it. With few samples in a batch many labels are so. The cost depends on who else is in the batch.

    Value and gradient are finite for all logits, the infinite ones included. By its definition the gradient
    dies where ``p`` saturates.

    Args:
        logits: Scores ``[B, L]`` before the sigmoid.
        labels: Targets ``[B, L]``, bool, integer or soft in [0, 1].
        where: Bool ``[B, L]``, True where the label was observed; a label that is observed nowhere does not
            count in the mean.

    Returns:
        The cost of the batch ``[]``, float32 or wider; 0 where nothing was observed.

    Raises:
        TypeError: If ``logits`` are not floating-point or ``where`` is not bool.
        ValueError: If logits are not ``[B, L]``, two shapes differ or a hyper-parameter is not a scalar.

    Reference:
        Maiza, *The Unknown Benefits of using a Soft-F1 Loss in Classification Systems* (macroSoftF1), 2019;
        Benedict, Koops, Odijk, de Rijke, *sigmoidF1: A Smooth F1 Score Surrogate Loss for Multilabel
        Classification*, arXiv 2108.10566, at beta = 1 and eta = 0. Others add a small
        number to the denominator.

    >>> round(macro_soft_f1(jnp.zeros((2, 1)), jnp.array([[1], [0]])).item(), 4)
    0.5
    """
    batch = read_batch("macro_soft_f1", logits, labels, where)
    return _macro(batch, batch.logits, 0.5, 0.5, 0.0)


@jax.jit
def macro_soft_dice(
    logits: Logits,
    labels: Labels,
    *,
    smooth: Scalar = 1.0,
    where: Mask | None = None,
) -> Array:
    r"""One minus the smoothed Dice coefficient of each label over the batch, averaged over the labels.

    .. math::
        \ell(S, Y) = 1 - \frac{1}{L} \sum_{j=1}^{L}
            \frac{2 \sum_b p_{bj} y_{bj} + 2 c}{\sum_b p_{bj} + \sum_b y_{bj} + 2 c}

    with :math:`p = \sigma(s)` and :math:`c` = ``smooth``; ``smooth = 0`` is :func:`macro_soft_f1`. A label
    without present samples costs ``sum(p) / (sum(p) + 2 smooth)``, so that it learns to stay empty. The cost
    depends on who else is in the batch.

    Value and gradient are finite for all logits, the infinite ones included. By its definition the gradient
    dies where ``p`` saturates.

    Args:
        logits: Scores ``[B, L]`` before the sigmoid.
        labels: Targets ``[B, L]``, bool, integer or soft in [0, 1].
        smooth: What is added to the hits, and twice to the sizes.
        where: Bool ``[B, L]``, True where the label was observed; a label that is observed nowhere does not
            count in the mean.

    Returns:
        The cost of the batch ``[]``, float32 or wider; 0 where nothing was observed.

    Raises:
        TypeError: If ``logits`` are not floating-point or ``where`` is not bool.
        ValueError: If logits are not ``[B, L]``, two shapes differ or a hyper-parameter is not a scalar.

    Reference:
        Milletari, Navab, Ahmadi, *V-Net*, 3DV 2016, with the sizes not squared, over the samples of a batch.

    >>> round(macro_soft_dice(jnp.zeros((2, 1)), jnp.array([[1], [0]])).item(), 4)
    0.25
    """
    scalars("macro_soft_dice", smooth=smooth)
    batch = read_batch("macro_soft_dice", logits, labels, where)
    return _macro(batch, batch.logits, 0.5, 0.5, smooth)


@jax.jit
def macro_soft_jaccard(
    logits: Logits,
    labels: Labels,
    *,
    smooth: Scalar = 0.0,
    where: Mask | None = None,
) -> Array:
    r"""One minus the Jaccard index of each label over the batch, averaged over the labels.

    .. math::
        \ell(S, Y) = 1 - \frac{1}{L} \sum_{j=1}^{L}
            \frac{\sum_b p_{bj} y_{bj} + c}{\sum_b (p_{bj} + y_{bj} - p_{bj} y_{bj}) + c}

    with :math:`p = \sigma(s)` and :math:`c` = ``smooth``. Without ``smooth`` a label without present samples
    costs 1 with gradient 0 and counts in the mean; set ``where`` False to drop it. The cost depends on who
    else is in the batch.

    Value and gradient are finite for all logits, the infinite ones included. By its definition the gradient
    dies where ``p`` saturates.

    Args:
        logits: Scores ``[B, L]`` before the sigmoid.
        labels: Targets ``[B, L]``, bool, integer or soft in [0, 1].
        smooth: What is added to both sides of the ratio.
        where: Bool ``[B, L]``, True where the label was observed; a label that is observed nowhere does not
            count in the mean.

    Returns:
        The cost of the batch ``[]``, float32 or wider; 0 where nothing was observed.

    Raises:
        TypeError: If ``logits`` are not floating-point or ``where`` is not bool.
        ValueError: If logits are not ``[B, L]``, two shapes differ or a hyper-parameter is not a scalar.

    Reference:
        Rahman, Wang, *Optimizing Intersection-Over-Union in Deep Neural Networks for Image Segmentation*,
        ISVC 2016, over the samples of a batch in place of pixels.

    >>> round(macro_soft_jaccard(jnp.zeros((2, 1)), jnp.array([[1], [0]])).item(), 4)
    0.6667
    """
    scalars("macro_soft_jaccard", smooth=smooth)
    batch = read_batch("macro_soft_jaccard", logits, labels, where)
    return _macro(batch, batch.logits, 1.0, 1.0, smooth)


@jax.jit
def macro_sigmoid_f1(
    logits: Logits,
    labels: Labels,
    *,
    beta: Scalar = 1.0,
    eta: Scalar = 0.0,
    where: Mask | None = None,
) -> Array:
    r"""Macro soft F1 with a sigmoid of its own slope and offset (sigmoidF1).

    .. math::
        \ell(S, Y) = 1 - \frac{1}{L} \sum_{j=1}^{L}
            \frac{2 \sum_b p_{bj} y_{bj}}{\sum_b p_{bj} + \sum_b y_{bj}}, \qquad
        p = \sigma(\beta (s + \eta))

    ``beta = 1, eta = 0`` is :func:`macro_soft_f1`. A steep sigmoid comes closer to counting decisions and
    saturates sooner. A label without present samples costs 1 with gradient 0 and counts in the mean. The cost
    depends on who else is in the batch.

    Value and gradient are finite for all logits, the infinite ones included. By its definition the gradient
    dies where ``p`` saturates.

    Args:
        logits: Scores ``[B, L]`` before the sigmoid.
        labels: Targets ``[B, L]``, bool, integer or soft in [0, 1].
        beta: Slope of the sigmoid.
        eta: What is added to the logit; decisions are made at ``s = -eta``.
        where: Bool ``[B, L]``, True where the label was observed; a label that is observed nowhere does not
            count in the mean.

    Returns:
        The cost of the batch ``[]``, float32 or wider; 0 where nothing was observed.

    Raises:
        TypeError: If ``logits`` are not floating-point or ``where`` is not bool.
        ValueError: If logits are not ``[B, L]``, two shapes differ or a hyper-parameter is not a scalar.

    Reference:
        Benedict, Koops, Odijk, de Rijke, *sigmoidF1: A Smooth F1 Score Surrogate Loss for Multilabel
        Classification*, arXiv 2108.10566, on logits as in the paper. The official code applies a sigmoid
        first, whose values its default slope and offset map to nearly 1.

    >>> round(macro_sigmoid_f1(jnp.zeros((2, 1)), jnp.array([[1], [0]]), eta=-1.0).item(), 4)
    0.6502
    """
    scalars("macro_sigmoid_f1", beta=beta, eta=eta)
    batch = read_batch("macro_sigmoid_f1", logits, labels, where)
    return _macro(batch, beta * (batch.logits + eta), 0.5, 0.5, 0.0)


@jax.jit
def micro_soft_f1(logits: Logits, labels: Labels, *, where: Mask | None = None) -> Array:
    r"""One minus the F1 score of all entries of the batch together.

    .. math::
        \ell(S, Y) = 1 - \frac{2 \sum_{b, j} p_{bj} y_{bj}}{\sum_{b, j} p_{bj} + \sum_{b, j} y_{bj}}

    with :math:`p = \sigma(s)`: a smooth stand-in for the micro-averaged F1 score. Frequent labels dominate
    it. A batch without present entries costs 1 with gradient 0. The cost depends on who else is in the batch.

    Value and gradient are finite for all logits, the infinite ones included. By its definition the gradient
    dies where ``p`` saturates.

    Args:
        logits: Scores ``[B, L]`` before the sigmoid.
        labels: Targets ``[B, L]``, bool, integer or soft in [0, 1].
        where: Bool ``[B, L]``, True where the label was observed; the others count as deleted.

    Returns:
        The cost of the batch ``[]``, float32 or wider; 0 where nothing was observed.

    Raises:
        TypeError: If ``logits`` are not floating-point or ``where`` is not bool.
        ValueError: If logits are not ``[B, L]`` or two shapes differ.

    Reference:
        Benedict, Koops, Odijk, de Rijke, *sigmoidF1: A Smooth F1 Score Surrogate Loss for Multilabel
        Classification*, arXiv 2108.10566, at beta = 1 and eta = 0, over all entries instead
        of over each label.

    >>> round(micro_soft_f1(jnp.zeros((1, 2)), jnp.array([[1, 0]])).item(), 4)
    0.5
    """
    batch = read_batch("micro_soft_f1", logits, labels, where)
    whole = Terms(batch.logits.ravel(), batch.labels.ravel(), None, batch.where.ravel())
    return overlap_cost(whole, whole.logits, 0.5, 0.5, 0.0)
