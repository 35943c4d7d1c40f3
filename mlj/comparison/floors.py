"""Two rows that any loss must beat: the label priors alone, and logistic regression for each label."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from mlj.approaches import label_prior, prior_logits
from mlj.comparison.parts import Parts
from mlj.data.scaling import apply_scaling, fit_scaling

PRIOR = "prior_only"
LOGISTIC = "logistic_one_vs_rest"


def prior_scores(parts: Parts) -> tuple[np.ndarray, np.ndarray]:
    """Return validation ``[S, V, L]`` and test scores ``[S, T, L]`` that ignore the features.

    The score of a label is the logit of its share in the rows that the seed trains on; for the test part, in
    all rows of the pool.
    """

    def logits(rows: np.ndarray) -> np.ndarray:
        where = parts.pool.where
        return prior_logits(label_prior(parts.pool.labels[rows], None if where is None else where[rows]))

    everything = logits(np.arange(parts.pool.num_samples))
    validation = [
        np.tile(logits(train), (len(held), 1)) for train, held in zip(parts.train_rows, parts.validation_rows)
    ]
    test = np.tile(everything, (len(parts.train_rows), parts.test.num_samples, 1))
    return np.stack(validation).astype(np.float32), test.astype(np.float32)


def logistic_scores(parts: Parts) -> tuple[np.ndarray, np.ndarray]:
    """Return validation ``[S, V, L]`` and test scores ``[S, T, L]`` of logistic regression for each label.

    scikit-learn's, L2 with C = 1, on the same scaled features. It learns from the observed rows of a label
    only. A label without both kinds of rows gets its prior's logit: scikit-learn's own one-vs-rest would
    rank it above others. The test scores are of one fit on the whole pool, the same for every seed: it has
    no randomness.
    """
    scaling = fit_scaling(parts.pool.features)
    pool, test = apply_scaling(scaling, parts.pool.features), apply_scaling(scaling, parts.test.features)
    everything = np.arange(parts.pool.num_samples)
    on_test = _fit_and_score(parts, pool, everything, test)
    validation = [
        _fit_and_score(parts, pool, train, pool[held])
        for train, held in zip(parts.train_rows, parts.validation_rows)
    ]
    return np.stack(validation), np.tile(on_test, (len(validation), 1, 1))


def _fit_and_score(parts: Parts, features, rows: np.ndarray, measured) -> np.ndarray:
    from sklearn.linear_model import LogisticRegression

    labels, where = parts.pool.labels, parts.pool.where
    prior = label_prior(labels[rows], None if where is None else where[rows])
    scores = np.tile(prior_logits(prior), (measured.shape[0], 1))
    for label in range(labels.shape[1]):
        seen = rows if where is None else rows[where[rows, label]]
        truth = labels[seen, label]
        if truth.min(initial=1) == truth.max(initial=0):
            continue
        model = LogisticRegression(solver="liblinear", max_iter=200)
        model.fit(_rows(features, seen), truth)
        scores[:, label] = model.decision_function(_rows(measured, slice(None)))
    return scores.astype(np.float32)


def _rows(features, rows):
    chosen = features[rows]
    if not sp.issparse(chosen):
        return chosen
    # scikit-learn's liblinear takes 32-bit indices only, and slicing a sparse array may widen them.
    pointers = (chosen.indices.astype(np.int32), chosen.indptr.astype(np.int32))
    return sp.csr_matrix((chosen.data, *pointers), chosen.shape)
