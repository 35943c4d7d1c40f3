"""Metrics of predictions: bool multi-hot decisions against the truth.

Each takes ``(predictions [..., N, L], labels [..., N, L], *, where=None)`` and returns ``[...]``. The rules
for 0/0 are in :mod:`mlj.metrics.averages`. For a test set that comes in batches, add the
:class:`mlj.metrics.counts.Counts` instead: the mean of batch values is another number, and a wrong one.
"""

from __future__ import annotations

import jax

from mlj.metrics import averages
from mlj.metrics.counts import count
from mlj.types import Array, Labels, Mask, Predictions, Scalar


@jax.jit
def micro_precision(
    predictions: Predictions, labels: Labels, *, where: Mask | None = None, empty: Scalar = 0.0
) -> Array:
    r"""Share of the predicted entries that are right, over all samples and labels.

    .. math::
        \sum_j tp_j / \sum_j (tp_j + fp_j)

    It is ``empty`` if nothing is predicted.

    >>> import jax.numpy as jnp
    >>> truth = jnp.array([[1, 0], [0, 1]])
    >>> round(micro_precision(jnp.array([[True, False], [True, True]]), truth).item(), 4)
    0.6667
    """
    return averages.micro(count(predictions, labels, where=where), empty=empty)["precision"]


@jax.jit
def micro_recall(
    predictions: Predictions, labels: Labels, *, where: Mask | None = None, empty: Scalar = 0.0
) -> Array:
    r"""Share of the present entries that are predicted, over all samples and labels.

    .. math::
        \sum_j tp_j / \sum_j (tp_j + fn_j)

    It is ``empty`` if nothing is present.

    >>> import jax.numpy as jnp
    >>> truth = jnp.array([[1, 0], [0, 1]])
    >>> round(micro_recall(jnp.array([[True, False], [True, True]]), truth).item(), 4)
    1.0
    """
    return averages.micro(count(predictions, labels, where=where), empty=empty)["recall"]


@jax.jit
def micro_f1(
    predictions: Predictions, labels: Labels, *, where: Mask | None = None, empty: Scalar = 0.0
) -> Array:
    r"""Harmonic mean of micro precision and recall: one F1 of all entries.

    .. math::
        2 \sum_j tp_j / \sum_j (2 tp_j + fp_j + fn_j)

    It is ``empty`` if nothing is predicted or present.

    >>> import jax.numpy as jnp
    >>> truth = jnp.array([[1, 0], [0, 1]])
    >>> round(micro_f1(jnp.array([[True, False], [True, True]]), truth).item(), 4)
    0.8
    """
    return averages.micro(count(predictions, labels, where=where), empty=empty)["f1"]


@jax.jit
def micro_jaccard(
    predictions: Predictions, labels: Labels, *, where: Mask | None = None, empty: Scalar = 0.0
) -> Array:
    r"""Predicted and present entries over predicted or present ones.

    .. math::
        \sum_j tp_j / \sum_j (tp_j + fp_j + fn_j)

    It is ``empty`` if nothing is predicted or present.

    >>> import jax.numpy as jnp
    >>> truth = jnp.array([[1, 0], [0, 1]])
    >>> round(micro_jaccard(jnp.array([[True, False], [True, True]]), truth).item(), 4)
    0.6667
    """
    return averages.micro(count(predictions, labels, where=where), empty=empty)["jaccard"]


@jax.jit
def macro_precision(
    predictions: Predictions, labels: Labels, *, where: Mask | None = None, empty: Scalar = 0.0
) -> Array:
    r"""Mean over labels of the precision of each.

    .. math::
        \frac{1}{L} \sum_j tp_j / (tp_j + fp_j)

    It is ``empty`` for a label that is never predicted.

    >>> import jax.numpy as jnp
    >>> truth = jnp.array([[1, 0], [0, 1]])
    >>> round(macro_precision(jnp.array([[True, False], [True, True]]), truth).item(), 4)
    0.75
    """
    return averages.macro(count(predictions, labels, where=where), empty=empty)["precision"]


@jax.jit
def macro_recall(
    predictions: Predictions, labels: Labels, *, where: Mask | None = None, empty: Scalar = 0.0
) -> Array:
    r"""Mean over labels of the recall of each.

    .. math::
        \frac{1}{L} \sum_j tp_j / (tp_j + fn_j)

    It is ``empty`` for a label that is never present.

    >>> import jax.numpy as jnp
    >>> truth = jnp.array([[1, 0], [0, 1]])
    >>> round(macro_recall(jnp.array([[True, False], [True, True]]), truth).item(), 4)
    1.0
    """
    return averages.macro(count(predictions, labels, where=where), empty=empty)["recall"]


@jax.jit
def macro_f1(
    predictions: Predictions, labels: Labels, *, where: Mask | None = None, empty: Scalar = 0.0
) -> Array:
    r"""Mean over labels of the F1 of each; rare labels weigh as much as common ones.

    .. math::
        \frac{1}{L} \sum_j 2 tp_j / (2 tp_j + fp_j + fn_j)

    It is ``empty`` for a label that is neither predicted nor present.

    >>> import jax.numpy as jnp
    >>> truth = jnp.array([[1, 0], [0, 1]])
    >>> round(macro_f1(jnp.array([[True, False], [True, True]]), truth).item(), 4)
    0.8333
    """
    return averages.macro(count(predictions, labels, where=where), empty=empty)["f1"]


@jax.jit
def macro_jaccard(
    predictions: Predictions, labels: Labels, *, where: Mask | None = None, empty: Scalar = 0.0
) -> Array:
    r"""Mean over labels of the Jaccard index of each.

    .. math::
        \frac{1}{L} \sum_j tp_j / (tp_j + fp_j + fn_j)

    It is ``empty`` for a label that is neither predicted nor present.

    >>> import jax.numpy as jnp
    >>> truth = jnp.array([[1, 0], [0, 1]])
    >>> round(macro_jaccard(jnp.array([[True, False], [True, True]]), truth).item(), 4)
    0.75
    """
    return averages.macro(count(predictions, labels, where=where), empty=empty)["jaccard"]


@jax.jit
def samples_precision(
    predictions: Predictions, labels: Labels, *, where: Mask | None = None, empty: Scalar = 0.0
) -> Array:
    r"""Mean over samples of the share of predicted labels that are right.

    .. math::
        \frac{1}{N} \sum_n |\hat Y_n \cap Y_n| / |\hat Y_n|

    It is ``empty`` for a sample without predicted labels.

    >>> import jax.numpy as jnp
    >>> truth = jnp.array([[1, 0], [0, 1]])
    >>> round(samples_precision(jnp.array([[True, False], [True, True]]), truth).item(), 4)
    0.75
    """
    return averages.samples(count(predictions, labels, where=where), empty=empty)["precision"]


@jax.jit
def samples_recall(
    predictions: Predictions, labels: Labels, *, where: Mask | None = None, empty: Scalar = 0.0
) -> Array:
    r"""Mean over samples of the share of present labels that are predicted.

    .. math::
        \frac{1}{N} \sum_n |\hat Y_n \cap Y_n| / |Y_n|

    It is ``empty`` for a sample without present labels.

    >>> import jax.numpy as jnp
    >>> truth = jnp.array([[1, 0], [0, 1]])
    >>> round(samples_recall(jnp.array([[True, False], [True, True]]), truth).item(), 4)
    1.0
    """
    return averages.samples(count(predictions, labels, where=where), empty=empty)["recall"]


@jax.jit
def samples_f1(
    predictions: Predictions, labels: Labels, *, where: Mask | None = None, empty: Scalar = 0.0
) -> Array:
    r"""Mean over samples of the F1 of each; also called example-based F1.

    .. math::
        \frac{1}{N} \sum_n 2 |\hat Y_n \cap Y_n| / (|\hat Y_n| + |Y_n|)

    It is ``empty`` for a sample with neither predicted nor present labels.

    >>> import jax.numpy as jnp
    >>> truth = jnp.array([[1, 0], [0, 1]])
    >>> round(samples_f1(jnp.array([[True, False], [True, True]]), truth).item(), 4)
    0.8333
    """
    return averages.samples(count(predictions, labels, where=where), empty=empty)["f1"]


@jax.jit
def samples_jaccard(
    predictions: Predictions, labels: Labels, *, where: Mask | None = None, empty: Scalar = 0.0
) -> Array:
    r"""Mean over samples of the Jaccard index of each; also called multi-label accuracy.

    .. math::
        \frac{1}{N} \sum_n |\hat Y_n \cap Y_n| / |\hat Y_n \cup Y_n|

    It is ``empty`` for a sample with neither predicted nor present labels.

    >>> import jax.numpy as jnp
    >>> truth = jnp.array([[1, 0], [0, 1]])
    >>> round(samples_jaccard(jnp.array([[True, False], [True, True]]), truth).item(), 4)
    0.75
    """
    return averages.samples(count(predictions, labels, where=where), empty=empty)["jaccard"]


@jax.jit
def macro_f1_over_present(predictions: Predictions, labels: Labels, *, where: Mask | None = None) -> Array:
    """Mean F1 over the labels with at least one positive; 0 if there is none.

    :func:`macro_f1` averages over all labels instead.

    >>> import jax.numpy as jnp
    >>> macro_f1_over_present(jnp.array([[True, False]]), jnp.array([[1, 0]])).item()
    1.0
    """
    return averages.macro_over_present(count(predictions, labels, where=where))["f1"]


@jax.jit
def hamming_loss(predictions: Predictions, labels: Labels, *, where: Mask | None = None) -> Array:
    r"""Share of the observed entries that are wrong.

    .. math::
        \frac{1}{|O|} \sum_{(n, j) \in O} [\hat y_{nj} \ne y_{nj}]

    with O the observed entries; 0 if there is none.

    >>> import jax.numpy as jnp
    >>> hamming_loss(jnp.array([[True, False], [True, True]]), jnp.array([[1, 0], [0, 1]])).item()
    0.25
    """
    return averages.hamming(count(predictions, labels, where=where))


@jax.jit
def subset_accuracy(predictions: Predictions, labels: Labels, *, where: Mask | None = None) -> Array:
    r"""Share of the samples whose observed labels are all right.

    .. math::
        \frac{1}{N} \sum_n [\hat Y_n = Y_n]

    A sample without an observed label is no sample; 0 if there is none.

    >>> import jax.numpy as jnp
    >>> subset_accuracy(jnp.array([[True, False], [True, True]]), jnp.array([[1, 0], [0, 1]])).item()
    0.5
    """
    return averages.subset(count(predictions, labels, where=where))
