"""What a trained model got right and wrong on rows with known labels, as plain numbers for a page or a file.

Beside its arguments it holds one block of rows or of columns at a time, and tables over labels: never an
array of all rows by all labels. Whatever is unobserved enters nothing, and a number that is undefined, as
the recall of a label that never occurs, is None.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from mlj.metrics import (
    METRICS,
    brier_of,
    calibration,
    count,
    count_ranking,
    log_loss_of,
    macro_calibration_error,
    merge,
    reliability,
    summarise,
    summarise_ranking,
)
from mlj.metrics.curves import flat_tally, label_auc_of, label_precision_of, label_tally
from mlj.runs.confusions import confusions_of, mistakes_of
from mlj.runs.judged import BLOCK, JudgedRows, row_blocks
from mlj.types import Array

SORTED = 1 << 23
"""Up to so many entries the micro-averaged curves are exact; beyond, scores that agree in 20 bits tie."""
GROUPS = 20
"""Groups of rows that are left out in turn for the standard errors."""
LEAST_ROWS = 10 * GROUPS
"""With fewer rows there are no standard errors."""
GRID = np.linspace(0.01, 0.99, 99).round(2)
"""Thresholds on the probability at which the decision is tried."""
_EPS = np.finfo(np.float32).eps
_CURVES = ("average_precision", "roc_auc")


def evidence_of(
    scores: Any,
    probs: Any,
    predictions: Any,
    labels: Any,
    where: Any = None,
    *,
    label_names: Sequence[str],
    thresholds: Any = None,
    rows: Sequence[int] | None = None,
    most: int = 50,
) -> dict[str, Any]:
    r"""Measure a model on rows with known labels, and find where it fails.

    ``metrics`` are those of :data:`mlj.metrics.METRICS`, by name, with their titles. Where a metric is a
    function of sums over rows and there are 200 rows, ``standard_error`` is that of the delete-a-group
    jackknife with G = 20 groups of every twentieth row,

    .. math::
        \sqrt{\frac{G - 1}{G} \sum_{g=1}^{G} (m_{-g} - \bar m)^2}.

    ``mistakes`` are the rows with a wrong decision that cost most: the sum of the negative log-likelihoods of
    the row's labels, in nats, with probabilities kept 1.2e-7 away from 0 and 1. ``missed`` begins with the
    least probable, ``added`` with the most probable label. ``confusions`` are pairs: label i was missed where
    label j was wrongly added, with the count that independent errors would give. With more than 2,048
    labels, those with the most errors are paired.

    Args:
        scores: Scores ``[N, L]``; anything that can be sliced, as an array on disk.
        probs: Probabilities ``[N, L]``.
        predictions: Decisions ``[N, L]``, bool; None if nothing was decided.
        labels: Multi-hot truth ``[N, L]``.
        where: Observed entries ``[N, L]``, bool; None if all are.
        label_names: The L names.
        thresholds: What each probability had to pass, ``[L]`` or one number; None if the rule has none.
        rows: What the N rows are called in ``mistakes``; their numbers from 0 on without it.
        most: How many mistakes and confusions are kept.

    Returns:
        A dictionary that JSON can hold, with ``judged`` (sizes), ``metrics``, ``labels``,
        ``threshold_curve``, ``reliability``, ``mistakes`` and ``confusions``.

    Raises:
        TypeError: If ``predictions`` or ``where`` is not bool.
        ValueError: If shapes or lengths differ, or there is no label.

    >>> truth = np.array([[1, 0], [0, 1]])
    >>> probs = np.array([[0.9, 0.2], [0.6, 0.3]], np.float32)
    >>> found = evidence_of(probs, probs, probs > 0.5, truth, label_names=["cat", "dog"])
    >>> found["mistakes"][0]["missed"], found["mistakes"][0]["added"], found["metrics"]["micro_f1"]["value"]
    (['dog'], ['cat'], 0.5)
    """
    given = JudgedRows(scores, probs, predictions, labels, where)
    names = [str(name) for name in label_names]
    cuts = _checked(given, names, thresholds, rows)
    groups, histogram, worst = _first_pass(given, most)
    counts = merge(*(group[0] for group in groups))
    tried = _tried(groups)
    columns = _label_curves(given)
    decided = predictions is not None
    return {
        "judged": _sizes(counts, decided),
        "metrics": _metrics(tried, counts, columns, _micro_curves(given), decided),
        "labels": _labels(names, cuts, counts, columns, decided),
        "threshold_curve": _threshold_curve(histogram, counts),
        "reliability": _reliability(tried),
        "mistakes": mistakes_of(given, worst, names, rows) if decided else [],
        "confusions": confusions_of(given, counts, names, most) if decided else [],
    }


def _checked(given: JudgedRows, names: list[str], thresholds: Any, rows: Sequence[int] | None) -> list[Any]:
    """Return the threshold of each label, after checking all arguments."""
    shape = tuple(given.labels.shape)
    for name, array in given._asdict().items():
        if array is not None and (tuple(array.shape) != shape or len(shape) != 2):
            raise ValueError(f"{name} must be [N, L] like labels {list(shape)}, got {list(array.shape)}")
        if array is not None and name in ("predictions", "where") and array.dtype != bool:
            raise TypeError(f"{name} must be bool, got {array.dtype}")
    if shape[1] == 0:
        raise ValueError("there must be at least one label")
    for name, wanted, found in (("label_names", shape[1], names), ("rows", shape[0], rows)):
        if found is not None and len(found) != wanted:
            raise ValueError(f"{name} must have {wanted} entries, got {len(found)}")
    if thresholds is None:
        return [None] * shape[1]
    cuts = np.asarray(thresholds, float)
    if cuts.shape not in ((), (shape[1],)):
        raise ValueError(f"thresholds must be one number or {shape[1]}, got {list(cuts.shape)}")
    return [_number(cut) for cut in np.broadcast_to(cuts, shape[1])]


def _number(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None


def _share(part: Any, whole: Any) -> float | None:
    return float(part / whole) if whole > 0 else None


@jax.jit
def _states(block: JudgedRows):
    observed = {"where": block.where}
    return (
        count(block.predictions, block.labels, **observed),
        count_ranking(block.scores, block.labels, **observed),
        calibration(block.probs, block.labels, **observed),
    )


def _first_pass(given: JudgedRows, most: int):
    """Return what adds over rows for each group, entries by label and threshold, and the worst rows."""
    total, length = given.labels.shape
    groups = GROUPS if total >= LEAST_ROWS else 1
    found: list[Any] = [None] * groups
    histogram = np.zeros((length, len(GRID) + 1, 2), np.int64)
    worst = np.zeros((0, 2))
    shape = None
    for group, start, block in row_blocks(given, groups):
        shape = shape or (max(1, len(block.labels)), length)
        new = jax.tree.map(_wide, jax.device_get(_states(block.padded(shape))))
        found[group] = new if found[group] is None else merge(found[group], new)
        histogram += _histogram(block)
        worst = _worst(worst, block, start + groups * np.arange(len(block.labels)), most)
    return found, histogram, worst


def _wide(leaf: np.ndarray) -> np.ndarray:
    return leaf.astype(np.float64 if leaf.dtype.kind == "f" else np.int64)


def _histogram(block: JudgedRows) -> np.ndarray:
    """Count entries by label, by how many thresholds the probability passes, and by truth."""
    length, steps = block.labels.shape[1], len(GRID) + 1
    passed = np.searchsorted(GRID.astype(block.probs.dtype), np.nan_to_num(block.probs, nan=0.0))
    place = (np.arange(length) * steps + passed) * 2 + block.labels
    return np.bincount(place[block.where], minlength=length * steps * 2).reshape(length, steps, 2)


def _worst(kept: np.ndarray, block: JudgedRows, numbers: np.ndarray, most: int) -> np.ndarray:
    """Return surprise and number of the worst rows so far, worst first; a probability of NaN is the worst."""
    wrong = block.predictions != block.labels
    mistaken = wrong.any(axis=1)
    numbers, present, seen = (array[mistaken] for array in (numbers, block.labels, block.where))
    safe = np.clip(block.probs[mistaken], _EPS, 1 - _EPS)
    costs = -np.log(np.where(present, safe, 1 - safe))
    surprise = np.nan_to_num(np.sum(costs, axis=1, where=seen, dtype=float), nan=np.inf)
    both = np.concatenate([kept, np.stack([surprise, numbers], axis=1)])
    return both[np.lexsort((both[:, 1], -both[:, 0]))[:most]]


@jax.jit
def _summaries(counts: Any, ranking: Any, calibrated: Any) -> dict[str, Array]:
    return {
        **summarise(counts),
        **summarise_ranking(ranking),
        "brier": brier_of(calibrated),
        "log_loss": log_loss_of(calibrated),
        "expected_calibration_error": macro_calibration_error(calibrated),
        "reliability": reliability(calibrated),
    }


def _tried(groups: list[Any]) -> dict[str, Any]:
    """Return the metrics of sums over rows: first of all rows, then without each group in turn."""
    whole = merge(*groups)
    without = [jax.tree.map(np.subtract, whole, group) for group in groups] if len(groups) > 1 else []
    stacked = jax.tree.map(lambda *leaves: np.stack(leaves), whole, *without)
    return jax.device_get(jax.vmap(_summaries)(*jax.tree.map(_narrow, stacked)))


def _metrics(
    tried: dict[str, Any], counts: Any, columns: Any, micro: dict[str, Any], decided: bool
) -> dict[str, Any]:
    """Return every metric that there are numbers for, in the order of the table of metrics."""
    observed = counts.samples > 0
    found = {}
    for name, metric in METRICS.items():
        average, _, curve = name.partition("_")
        entry = {"title": metric.title, "greater_is_better": metric.greater_is_better}
        if curve in _CURVES and average in ("micro", "macro"):
            values = columns[curve]
            mean = _share(np.nansum(values), np.isfinite(values).sum())
            skipped = int(np.isnan(values[_observed(counts)]).sum())
            found[name] = entry | ({"value": micro[curve]} if average == "micro" else {"value": mean})
            found[name] |= {} if average == "micro" else {"skipped": skipped}
        elif name in tried and (decided or metric.needs != "predictions"):
            first, *others = tried[name]
            error = np.sqrt((len(others) - 1) * np.var(others, dtype=float)) if others else np.nan
            found[name] = entry | {"value": _number(first) if observed else None}
            found[name]["standard_error"] = _number(error) if observed else None
    return found


def _narrow(leaf: np.ndarray) -> np.ndarray:
    return leaf.astype(np.float32 if leaf.dtype.kind == "f" else np.int32)


def _observed(counts: Any) -> np.ndarray:
    return counts.tp + counts.fp + counts.fn + counts.tn > 0


@jax.jit
def _column_values(scores: Array, labels: Array, where: Array):
    found = label_tally(scores, labels, where)
    return tuple(
        jnp.where(of.defined, of.values, jnp.nan) for of in (label_precision_of(found), label_auc_of(found))
    )


def _label_curves(given: JudgedRows) -> dict[str, np.ndarray]:
    """Return average precision and ROC-AUC of each label ``[L]``, NaN where undefined."""
    total, length = given.labels.shape
    width = min(length, max(16, BLOCK // max(total, 1)))
    found = []
    for start in range(0, length, width):
        block = given.take(slice(None), slice(start, start + width)).padded((max(total, 1), width))
        found.append(jax.device_get(_column_values(block.scores, block.labels, block.where)))
    return {name: np.concatenate(parts)[:length] for name, parts in zip(_CURVES, zip(*found))}


def _micro_curves(given: JudgedRows) -> dict[str, float | None]:
    """Return average precision and ROC-AUC of all entries as one list, None where undefined."""
    if 0 < given.labels.size <= SORTED:
        block = given.take(slice(None))
        tally = jax.jit(flat_tally)(block.scores, block.labels, block.where)
        found = (label_precision_of(tally), label_auc_of(tally))
        return {name: float(of.values) if of.defined else None for name, of in zip(_CURVES, found)}
    hits, misses = (part.astype(float) for part in _score_histogram(given))
    hits_above, misses_above = np.cumsum(hits), np.cumsum(misses)
    present, absent = hits_above[-1], misses_above[-1]
    precision = hits_above / np.maximum(hits_above + misses_above, 1)
    wrong = np.sum(hits * (misses_above - misses / 2))
    return {
        "average_precision": _share(np.sum(hits * precision), present),
        "roc_auc": _share(present * absent - wrong, present * absent),
    }


def _score_histogram(given: JudgedRows) -> np.ndarray:
    """Count present and absent entries by the leading 20 bits of the score, from the highest down."""
    found = np.zeros(2 << 20, np.int64)
    for _, _, block in row_blocks(given):
        bits = (block.scores.astype(np.float32) + np.float32(0)).view(np.uint32)
        key = np.where(bits >> 31, ~bits, bits | np.uint32(1 << 31)) >> 12
        key = np.where(np.isnan(block.scores), 0, key)
        found += np.bincount((key * 2 + block.labels)[block.where].astype(np.int64), minlength=len(found))
    return found.reshape(-1, 2)[::-1, ::-1].T


def _sizes(counts: Any, decided: bool) -> dict[str, Any]:
    """Return how many rows and entries were judged; rows without an observed label are no rows."""
    present, predicted = (int(np.sum(counts.tp + other)) for other in (counts.fn, counts.fp))
    found = {"rows": counts.samples, "without_present": counts.without_present}
    decisions = {"exact": counts.exact, "without_predicted": counts.without_predicted}
    return {
        **{name: int(value) for name, value in (found | (decisions if decided else {})).items()},
        "cardinality": _share(present, counts.samples),
        "predicted_cardinality": _share(predicted, counts.samples) if decided else None,
    }


def _labels(
    names: list[str], cuts: list[Any], counts: Any, columns: Any, decided: bool
) -> list[dict[str, Any]]:
    found = []
    for index, name in enumerate(names):
        tp, fp, fn, tn = (int(part[index]) for part in counts[:4])
        entry = {"name": name, "threshold": cuts[index], "observed": tp + fp + fn + tn, "present": tp + fn}
        decisions = {
            "predicted": tp + fp,
            "precision": _share(tp, tp + fp),
            "recall": _share(tp, tp + fn),
            "f1": _share(2 * tp, 2 * tp + fp + fn),
        }
        entry |= decisions if decided else dict.fromkeys(decisions)
        found.append(entry | {name: _number(columns[name][index]) for name in _CURVES})
    return found


def _threshold_curve(histogram: np.ndarray, counts: Any) -> dict[str, list[float | None]]:
    """Return micro and macro F1, precision and recall at each threshold; 0/0 is 0 in the macro mean."""
    above = np.cumsum(histogram[:, ::-1], axis=1)[:, ::-1]
    present = above[:, 0, 1]
    tp, size = above[:, 1:, 1], above[:, 1:].sum(axis=2) + present[:, None]
    each = 2 * tp / np.maximum(size, 1)
    observed = _observed(counts)
    hits, sizes = tp.sum(axis=0), size.sum(axis=0)
    return {
        "thresholds": GRID.tolist(),
        "micro_f1": [_share(2 * hit, both) for hit, both in zip(hits, sizes)],
        "macro_f1": [_share(total, observed.sum()) for total in each[observed].sum(axis=0)],
        "precision": [_share(hit, both - present.sum()) for hit, both in zip(hits, sizes)],
        "recall": [_share(hit, present.sum()) for hit in hits],
    }


def _reliability(tried: dict[str, Any]) -> dict[str, Any]:
    """Return what is said and what is so in bins of equal width, None in an empty bin."""
    points = type(tried["reliability"])(*(part[0] for part in tried["reliability"]))
    held, seen = points.number > 0, points.number.sum() > 0
    return {
        "prob": [_number(value) if some else None for value, some in zip(points.prob, held)],
        "present": [_number(value) if some else None for value, some in zip(points.frequency, held)],
        "count": [int(value) for value in points.number],
        **{
            name: _number(tried[name][0]) if seen else None
            for name in ("expected_calibration_error", "brier")
        },
    }
