"""Paired comparison of contenders over the same seeds."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np


def paired_p_values(values: Mapping[str, np.ndarray], best: str) -> dict[str, float]:
    """Test every contender against the best, paired by seed, and correct for the number of tests.

    Two-sided paired t-tests; the p-values are corrected by Holm's step-down method, so that the chance of
    one false difference in the whole table is bounded. A difference that is the same at every seed has p 0,
    or 1 if it is none. The seeds share one test part: the tests speak of repeated training, not of other
    test rows.

    Args:
        values: A metric ``[S]`` over the same seeds, by contender.
        best: Whom the others are compared with.

    Returns:
        Corrected p-values of all but the best; NaN, and not counted as a test, where a value is not finite.

    Reference:
        Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics
        6, 1979.

    >>> rows = dict(zip("abc", np.array([[0.9, 0.8, 0.85], [0.5, 0.4, 0.44], [0.9, 0.79, 0.86]])))
    >>> {name: round(p, 3) for name, p in paired_p_values(rows, "a").items()}
    {'b': 0.0, 'c': 1.0}
    """
    raw = {name: _paired_t(values[best] - row) for name, row in values.items() if name != best}
    tests = sorted((p, name) for name, p in raw.items() if not np.isnan(p))
    corrected, running = dict.fromkeys(raw, float("nan")), 0.0
    for rank, (p, name) in enumerate(tests):
        running = max(running, min(1.0, p * (len(tests) - rank)))
        corrected[name] = running
    return corrected


def _paired_t(differences: np.ndarray) -> float:
    from scipy.stats import t

    if not np.isfinite(differences).all():
        return float("nan")
    deviation = differences.std(ddof=1)
    if deviation == 0:
        return 1.0 if differences.mean() == 0 else 0.0
    statistic = differences.mean() / (deviation / np.sqrt(len(differences)))
    return float(2 * t.sf(abs(statistic), df=len(differences) - 1))
