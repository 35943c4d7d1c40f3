"""Per-label thresholds on real scores: shrunk, they gain macro-F1 and cost next to no micro-F1."""

from __future__ import annotations

import numpy as np
import pytest

from mlj import decision, metrics
from mlj.data import load


def _dense(features):
    return features if isinstance(features, np.ndarray) else features.toarray()


def scores_of(data, seed):
    """Return validation and test scores of a logistic regression per label, with the truth of both."""
    from sklearn.linear_model import LogisticRegression

    train, test = data.part("train"), data.part("test")
    order = np.random.default_rng(seed).permutation(train.num_samples)
    held, kept = train.rows(order[: len(order) // 5]), train.rows(order[len(order) // 5 :])
    found = [np.full(part.labels.shape, -12.0, np.float32) for part in (held, test)]
    # liblinear takes 32-bit indices only, and is as fast on dense features of this size
    features = [_dense(part.features) for part in (kept, held, test)]
    for j in np.flatnonzero(kept.labels.any(axis=0)):
        model = LogisticRegression(C=0.3, solver="liblinear", max_iter=300)
        model.fit(features[0], kept.labels[:, j])
        for scores, part in zip(found, features[1:]):
            scores[:, j] = model.decision_function(part)
    return (found[0], held.labels), (found[1], test.labels)


def micro_and_macro(fit, validation, test):
    rule = fit(*validation)
    found = metrics.evaluate_predictions(decision.apply(rule, test[0]), test[1])
    return float(found["micro_f1"]), float(found["macro_f1"])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["enron", pytest.param("bibtex", marks=pytest.mark.slow)])
def test_shrunk_label_thresholds_gain_macro_f1_and_cost_at_most_a_hundredth_of_micro_f1(name, data_dir):
    data = load(data_dir / name / f"{name}-train.arff.gz", test=data_dir / name / f"{name}-test.arff.gz")
    runs = [scores_of(data, seed) for seed in (0, 1)]

    def mean(fit):
        return np.mean([micro_and_macro(fit, *run) for run in runs], axis=0)

    reference, naive = mean(decision.global_threshold), mean(decision.naive_label_thresholds)
    for fit in (decision.label_thresholds, decision.tuned_label_thresholds):
        micro, macro = mean(fit) - reference
        assert micro > -0.01, fit
        assert macro > 0, fit
    assert naive[0] < reference[0] - 0.05
    assert mean(decision.micro_label_thresholds)[0] > reference[0] - 0.002
