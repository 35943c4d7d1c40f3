"""Precision, recall, F1 and Jaccard of counts, in their micro, macro, samples and per-label averages.

All are read off :class:`mlj.metrics.counts.Counts`. The undefined case 0/0 takes the value ``empty``, 0
unless told otherwise, which is scikit-learn's ``zero_division=0``:

- precision where nothing was predicted, recall where nothing is present, F1 and Jaccard where neither is;
- in the macro average this happens per label, in the samples average per sample, in micro once.

So a label that never occurs in the test part counts ``empty`` in the macro average if it is never predicted,
and 0 otherwise. :func:`macro_over_present` averages over the labels with a positive only: another metric. A
label without one observed entry and a sample without one observed label are deleted from every average.
"""

from __future__ import annotations

import jax.numpy as jnp

from mlj.metrics.counts import Counts, ratio
from mlj.types import Array, Scalar


def fbeta(tp: Array, fp: Array, fn: Array, *, beta: Scalar = 1.0, empty: Scalar = 0.0) -> Array:
    r"""Return the F measure of counts, :math:`(1+\beta^2) tp / ((1+\beta^2) tp + fp + \beta^2 fn)`.

    ``beta = 1`` is F1; a larger ``beta`` weighs recall more.

    >>> fbeta(jnp.array(1.0), jnp.array(1.0), jnp.array(0.0), beta=2.0).item()
    0.8333333134651184
    """
    square = jnp.asarray(beta, jnp.float32) ** 2
    return ratio((1 + square) * tp, (1 + square) * tp + fp + square * fn, empty)


def _ratios(tp: Array, fp: Array, fn: Array, empty: Scalar) -> dict[str, Array]:
    return {
        "precision": ratio(tp, tp + fp, empty),
        "recall": ratio(tp, tp + fn, empty),
        "f1": ratio(2 * tp, 2 * tp + fp + fn, empty),
        "jaccard": ratio(tp, tp + fp + fn, empty),
    }


def _as_float(counts: Counts) -> tuple[Array, Array, Array]:
    # int32 would overflow once the entries of many labels are summed; float32 is exact to 2^24, 1e-7 beyond
    return tuple(c.astype(jnp.float32) for c in (counts.tp, counts.fp, counts.fn))


def per_label(counts: Counts, *, empty: Scalar = 0.0) -> dict[str, Array]:
    """Return ``precision``, ``recall``, ``f1`` and ``jaccard`` of each label, ``[..., L]``."""
    return _ratios(*_as_float(counts), empty)


def micro(counts: Counts, *, empty: Scalar = 0.0) -> dict[str, Array]:
    """Return the four ratios of the counts summed over labels, ``[...]``.

    >>> from mlj.metrics.counts import count
    >>> counts = count(jnp.array([[True, False], [True, True]]), jnp.array([[1, 0], [0, 1]]))
    >>> round(micro(counts)["f1"].item(), 6)
    0.8
    """
    return _ratios(*(jnp.sum(c, axis=-1) for c in _as_float(counts)), empty)


def _label_mean(values: Array, kept: Array) -> Array:
    return ratio(jnp.sum(jnp.where(kept, values, 0), axis=-1), jnp.sum(kept, axis=-1))


def macro(counts: Counts, *, empty: Scalar = 0.0) -> dict[str, Array]:
    """Return the mean over all labels of the four ratios of each, ``[...]``.

    The mean runs over every label that was observed at least once, with ``empty`` where a ratio is 0/0.
    """
    observed = (counts.tp + counts.fp + counts.fn + counts.tn) > 0
    return {name: _label_mean(values, observed) for name, values in per_label(counts, empty=empty).items()}


def macro_over_present(counts: Counts, *, empty: Scalar = 0.0) -> dict[str, Array]:
    """Return the mean of the four ratios over the labels with at least one positive, ``[...]``.

    It is larger than :func:`macro` wherever labels are missing from the test part: say which one is reported.
    """
    present = (counts.tp + counts.fn) > 0
    return {name: _label_mean(values, present) for name, values in per_label(counts, empty=empty).items()}


def samples(counts: Counts, *, empty: Scalar = 0.0) -> dict[str, Array]:
    """Return the mean over samples of the four ratios of each, ``[...]``.

    ``f1`` is known as example-based F1. A sample with nothing present and nothing predicted counts ``empty``
    in ``f1`` and ``jaccard``: 0 unless told otherwise, as in scikit-learn, where others give it 1.
    """
    undefined = {
        "precision": (counts.precision_sum, counts.without_predicted),
        "recall": (counts.recall_sum, counts.without_present),
        "f1": (counts.f1_sum, counts.without_either),
        "jaccard": (counts.jaccard_sum, counts.without_either),
    }
    return {name: ratio(total + empty * none, counts.samples) for name, (total, none) in undefined.items()}


def hamming(counts: Counts) -> Array:
    """Return the share of observed entries that are wrong, ``[...]``; 0 if nothing is observed."""
    wrong = (counts.fp + counts.fn).astype(jnp.float32)
    right = (counts.tp + counts.tn).astype(jnp.float32)
    return ratio(jnp.sum(wrong, axis=-1), jnp.sum(wrong, axis=-1) + jnp.sum(right, axis=-1))


def subset(counts: Counts) -> Array:
    """Return the share of samples whose observed labels are all right, ``[...]``; 0 if there is no sample."""
    return ratio(counts.exact, counts.samples)


def summarise(counts: Counts, *, empty: Scalar = 0.0) -> dict[str, Array]:
    """Return every metric of predictions that :data:`mlj.metrics.METRICS` names, from one state.

    Two counts come along: ``labels_never_present``, the labels whose recall is 0/0 (``empty`` in the macro
    average), and ``labels_never_predicted``, those whose precision is.

    >>> from mlj.metrics.counts import count
    >>> counts = count(jnp.array([[True, False]]), jnp.array([[1, 0]]))
    >>> found = summarise(counts)
    >>> found["macro_f1"].item(), found["labels_never_present"].item()
    (0.5, 1)
    """
    averages = {"micro": micro, "macro": macro, "samples": samples}
    found = {
        f"{average}_{name}": value
        for average, of in averages.items()
        for name, value in of(counts, empty=empty).items()
    }
    found["macro_f1_over_present"] = macro_over_present(counts, empty=empty)["f1"]
    found["hamming_loss"] = hamming(counts)
    found["subset_accuracy"] = subset(counts)
    observed = (counts.tp + counts.fp + counts.fn + counts.tn) > 0
    found["labels_never_present"] = jnp.sum(observed & (counts.tp + counts.fn == 0), axis=-1)
    found["labels_never_predicted"] = jnp.sum(observed & (counts.tp + counts.fp == 0), axis=-1)
    return found
