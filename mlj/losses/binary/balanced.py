"""Cross-entropies that know how rare each label is.

All are means over the observed labels; the knowledge is an input ``[L]`` that all samples share. Predict with
the plain scores: what is added to them here belongs to training alone.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from mlj._checks import has_shape
from mlj._label_counts import negative_tolerant_bias, rebalancing_weights
from mlj.label_terms import finished_slope
from mlj.losses._inputs import Terms, read_terms, scalars, shared_by_samples
from mlj.losses._powers import cross_entropy_at_difference, focal_at_difference
from mlj.numerics import bound_logits
from mlj.types import Array, Labels, Logits, Mask, PerSample, Scalar, Weights


def _negative_tolerant(
    sample: Terms, bias: Array, neg_scale: Scalar, gamma: Scalar, alpha: Scalar | None
) -> Array:
    terms = finished_slope(_tolerant, sample.logits, sample.labels, bias, neg_scale, gamma, alpha)
    return sample.plus_infinite(terms)


def _tolerant(
    s: Array, y: Array, bias: Array, neg_scale: Scalar, gamma: Scalar, alpha: Scalar | None
) -> Array:
    s = bound_logits(s, jnp.maximum(neg_scale, 1))
    present = y * focal_at_difference(s, -bias, -1.0, gamma)
    absent = (1 - y) * (focal_at_difference(s, -bias, neg_scale, gamma) / neg_scale)
    if alpha is not None:
        present, absent = alpha * present, (1 - alpha) * absent
    return present + absent


@jax.jit
def negative_tolerant_focal(
    logits: Logits,
    labels: Labels,
    *,
    bias: Array,
    neg_scale: Scalar = 2.0,
    gamma: Scalar = 2.0,
    alpha: Scalar | None = 0.5,
    weights: Weights | None = None,
    where: Mask | None = None,
) -> PerSample:
    r"""Focal cross-entropy with a bias for each label and a gentler pull on absent labels (NTR).

    With :math:`z_j = s_j + \nu_j`,

    .. math::
        \ell(s, y) = \frac{1}{L} \sum_{j=1}^{L}
            y_j\, \alpha\, (1 - \sigma(z_j))^\gamma \log(1 + e^{-z_j})
            + (1 - y_j)(1 - \alpha)\, \sigma(\lambda z_j)^\gamma \tfrac{1}{\lambda} \log(1 + e^{\lambda z_j}).

    ``bias = 0``, ``neg_scale = 1``, ``alpha = None`` is :func:`sigmoid_focal` on hard labels. A larger
    ``neg_scale`` makes the pull on an absent label fade sooner once it is right. The bias of the paper is
    :func:`mlj.weighting.negative_tolerant_bias`, and its rebalancing weights go into ``weights``. Predict
    with the plain ``s``, threshold tuned.

    Value and gradient are finite for every ``gamma >= 0`` and ``|s| <= finfo.max / neg_scale``; a wrong label
    always pulls, with ``alpha / L`` or ``(1 - alpha) / L``.

    Args:
        logits: Scores ``[..., L]`` before the sigmoid.
        labels: Targets ``[..., L]``, hard: bool, or 0 and 1.
        bias: What is added to each label's logit while training, ``[L]``; negative for rare labels.
        neg_scale: Scale of the logit of absent labels, above 0.
        gamma: Focusing exponent, at least 0.
        alpha: Weight of present labels in [0, 1], absent ones get ``1 - alpha``; or None for 1 and 1.
        weights: Multipliers ``[..., L]`` of the label terms; they do not enter the divisor.
        where: Bool ``[..., L]``, True where the label was observed; the others count as deleted.

    Returns:
        The cost of each sample ``[...]``, float32 or wider.

    Raises:
        TypeError: If ``logits`` are not floating-point or ``where`` is not bool.
        ValueError: If two shapes differ or a hyper-parameter is not a scalar.

    Reference:
        Wu, Huang, Liu, Wang, Lin, *Distribution-Balanced Loss for Multi-Label Classification in Long-Tailed
        Datasets*, ECCV 2020, eq. 6, in the form with a focal factor of Huang, Giledereli, Koksal, Ozgur,
        Ozkirimli, *Balancing Methods for Multi-label Text Classification with Long-Tailed Class
        Distribution*, EMNLP 2021. ``1 / neg_scale`` is always applied; the text code forgets it without
        weights, the image code divides the bias by the scale for absent labels.

    >>> negative_tolerant_focal(jnp.array([0.0]), jnp.array([1]), bias=jnp.zeros(1)).item()
    0.08664339780807495
    """
    scalars("negative_tolerant_focal", neg_scale=neg_scale, gamma=gamma, alpha=alpha)
    sample = read_terms("negative_tolerant_focal", logits, labels, weights, where)
    shift = shared_by_samples("negative_tolerant_focal", "bias", bias, sample)
    return sample.mean(_negative_tolerant(sample, shift, neg_scale, gamma, alpha))


@jax.jit
def distribution_balanced(
    logits: Logits,
    labels: Labels,
    *,
    label_counts: Array,
    num_samples: Scalar,
    neg_scale: Scalar = 2.0,
    kappa: Scalar = 0.05,
    gamma: Scalar = 2.0,
    alpha: Scalar | None = 0.5,
    map_alpha: Scalar = 0.1,
    map_beta: Scalar = 10.0,
    map_mu: Scalar = 0.9,
    weights: Weights | None = None,
    where: Mask | None = None,
) -> PerSample:
    r"""Distribution-balanced loss (DB): rebalancing weights and a bias, both from the label counts.

    With :math:`z_j = s_j - \kappa \log(N / n_j - 1)` and, in the sample at hand,
    :math:`r_j = n_j^{-1} / \sum_c y_c n_c^{-1}` and :math:`w_j = a + \sigma(\beta (r_j - \mu))`,

    .. math::
        \ell(s, y) = \frac{1}{L} \sum_{j=1}^{L} w_j \left[
            y_j\, \alpha\, (1 - \sigma(z_j))^\gamma \log(1 + e^{-z_j})
            + (1 - y_j)(1 - \alpha)\, \sigma(\lambda z_j)^\gamma \tfrac{1}{\lambda} \log(1 + e^{\lambda z_j})
        \right].

    It is :func:`negative_tolerant_focal` with its bias and weights made on the way. ``kappa = 0`` leaves the
    bias out. The defaults are those for Reuters; PubMed ``map_mu=.05``, VOC ``map_mu=.3, neg_scale=5``, COCO
    ``map_mu=.2``. Counts are taken as at least 1 and at most ``num_samples - 1``. Predict with the plain
    ``s``, threshold tuned.

    Value and gradient are finite for every ``gamma >= 0`` and ``|s| <= finfo.max / (neg_scale L)``; a wrong
    label always pulls, with ``w alpha / L`` or ``w (1 - alpha) / L``.

    Args:
        logits: Scores ``[..., L]`` before the sigmoid.
        labels: Targets ``[..., L]``, hard: bool, or 0 and 1.
        label_counts: Present entries of each label in the training part, ``[L]``.
        num_samples: Number of training samples N.
        neg_scale: Scale of the logit of absent labels, above 0.
        kappa: Share of the log odds in the bias.
        gamma: Focusing exponent, at least 0.
        alpha: Weight of present labels in [0, 1], absent ones get ``1 - alpha``; or None for 1 and 1.
        map_alpha: Lowest rebalancing weight ``a``.
        map_beta: Steepness of the weight in ``r``.
        map_mu: The ``r`` in the middle between the lowest and the highest weight.
        weights: Multipliers ``[..., L]`` of the label terms; they do not enter the divisor.
        where: Bool ``[..., L]``, True where the label was observed; the others count as deleted.

    Returns:
        The cost of each sample ``[...]``, float32 or wider.

    Raises:
        TypeError: If ``logits`` are not floating-point or ``where`` is not bool.
        ValueError: If two shapes differ or a hyper-parameter is not a scalar.

    Reference:
        Wu, Huang, Liu, Wang, Lin, *Distribution-Balanced Loss for Multi-Label Classification in Long-Tailed
        Datasets*, ECCV 2020; Huang, Giledereli, Koksal, Ozgur, Ozkirimli, *Balancing Methods for Multi-label
        Text Classification with Long-Tailed Class Distribution*, EMNLP 2021, with the defaults of its
        appendix.

    >>> counts = jnp.array([90, 10])
    >>> cost = distribution_balanced(
    ...     jnp.zeros(2), jnp.array([1, 1]), label_counts=counts, num_samples=100
    ... )
    >>> round(cost.item(), 4)
    0.0349
    """
    mapping = {"alpha": map_alpha, "beta": map_beta, "mu": map_mu}
    name = "distribution_balanced"
    focal = {"neg_scale": neg_scale, "gamma": gamma, "alpha": alpha}
    scalars(name, num_samples=num_samples, kappa=kappa, **focal)
    scalars(name, map_alpha=map_alpha, map_beta=map_beta, map_mu=map_mu)
    sample = read_terms(name, logits, labels, weights, where)
    has_shape(name, "label_counts", label_counts, sample.logits.shape[-1:])
    counts = jnp.asarray(label_counts).astype(sample.logits.dtype)
    bias = shared_by_samples(name, "bias", negative_tolerant_bias(counts, num_samples, kappa), sample)
    balance = rebalancing_weights(sample.labels, counts, num_samples, **mapping)
    return sample.mean(balance * _negative_tolerant(sample, bias, **focal))


def _adjusted(s: Array, y: Array, prior: Array, tau: Scalar) -> Array:
    return cross_entropy_at_difference(bound_logits(s, 1), -tau * prior, y)


@jax.jit
def logit_adjusted_sigmoid_cross_entropy(
    logits: Logits,
    labels: Labels,
    *,
    prior_logits: Array,
    tau: Scalar = 1.0,
    weights: Weights | None = None,
    where: Mask | None = None,
) -> PerSample:
    r"""Binary cross-entropy of scores to which the prior log odds of each label are added.

    With the prior :math:`\pi_j` of label j and :math:`z_j = s_j + \tau \log(\pi_j / (1 - \pi_j))`,

    .. math::
        \ell(s, y) = \frac{1}{L} \sum_{j=1}^{L} y_j \log(1 + e^{-z_j}) + (1 - y_j) \log(1 + e^{z_j}).

    The scores learn what distinguishes a label from its prior, so that ``s > 0`` aims at the balanced error
    of each label. ``tau = 0`` is :func:`sigmoid_cross_entropy`. Predict with the plain ``s``.

    Value and gradient are finite for every ``|s| <= finfo.max``; a wrong label always pulls with ``1 / L``.
    An infinite logit costs 0 if it agrees with its label and infinity (with slope ``1 / L``) if not.

    Args:
        logits: Scores ``[..., L]`` before the sigmoid.
        labels: Targets ``[..., L]``, bool, integer or soft in [0, 1].
        prior_logits: Log odds of each label's prior, ``[L]``, such as :func:`mlj.weighting.prior_logits`.
        tau: Share of the prior that is added.
        weights: Multipliers ``[..., L]`` of the label terms; they do not enter the divisor.
        where: Bool ``[..., L]``, True where the label was observed; the others count as deleted.

    Returns:
        The cost of each sample ``[...]``, float32 or wider.

    Raises:
        TypeError: If ``logits`` are not floating-point or ``where`` is not bool.
        ValueError: If two shapes differ or a hyper-parameter is not a scalar.

    Reference:
        Menon, Jayasumana, Rawat, Jain, Veit, Kumar, *Long-tail Learning via Logit Adjustment*, ICLR 2021,
        which speaks of one softmax; its transfer to each label's sigmoid is ours.

    >>> prior = jnp.array([-2.0])
    >>> logit_adjusted_sigmoid_cross_entropy(jnp.array([2.0]), jnp.array([1]), prior_logits=prior).item()
    0.6931471824645996
    """
    scalars("logit_adjusted_sigmoid_cross_entropy", tau=tau)
    sample = read_terms("logit_adjusted_sigmoid_cross_entropy", logits, labels, weights, where)
    prior = shared_by_samples("logit_adjusted_sigmoid_cross_entropy", "prior_logits", prior_logits, sample)
    terms = finished_slope(_adjusted, sample.logits, sample.labels, prior, tau)
    return sample.mean(sample.plus_infinite(terms))
