"""The estimator: what it gives back, where it can stand, what it refuses."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys

import jax
import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import accuracy_score, f1_score, make_scorer
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mlj.comparison.saved import load_chosen, write_model
from mlj.data import Dataset
from mlj.runs import TrainConfig, train
from mlj.runs.problem import approach_for, compiled
from mlj.sklearn import MultiLabelClassifier
from mlj.sklearn.rows import usual_batch_size, with_validation
from mlj.training.epoch import _train_stretch

QUICK = {"hidden": 8, "max_epochs": 4, "batch_size": 16, "learning_rate": 0.01, "random_state": 0}
"""Settings under which many tests share one compiled program."""
MICRO_F1 = make_scorer(f1_score, average="micro")


def _data(rows=80, seed=0):
    """Return rows of one distribution, whatever the seed."""
    rng, weights = np.random.default_rng(seed), np.random.default_rng(42).normal(size=(5, 3))
    features = rng.normal(size=(rows, 5)).astype(np.float32)
    return features, (features @ weights + 0.3 * rng.normal(size=(rows, 3)) > 0).astype(int)


X, Y = _data()


@pytest.fixture(scope="module")
def fitted():
    return MultiLabelClassifier(**QUICK).fit(X, Y)


def _programs():
    """Return how many programs were compiled for training, and for its validation."""
    return [_train_stretch._cache_size(), compiled._cache_size()]


def _same(one, other):
    for method in ("predict", "predict_proba", "decision_function"):
        np.testing.assert_array_equal(getattr(one, method)(X), getattr(other, method)(X))


def test_predictions_have_the_shape_and_the_type_of_the_labels(fitted):
    predictions = fitted.predict(X)
    assert (predictions.shape, predictions.dtype) == (Y.shape, Y.dtype)
    assert set(np.unique(predictions)) == {0, 1}
    assert fitted.predict_proba(X).shape == fitted.decision_function(X).shape == Y.shape
    assert (fitted.n_labels_, fitted.n_features_in_, fitted.classes_.tolist()) == (3, 5, [0, 1, 2])
    assert fitted.n_iter_ == len(fitted.loss_curve_) == len(fitted.validation_scores_) == 4
    assert fitted.best_iter_ == 1 + int(np.argmax(fitted.validation_scores_))
    assert fitted.score(X, Y) == accuracy_score(Y, predictions)


def test_it_learns_what_can_be_learned():
    features, labels = _data(rows=128, seed=1)
    classifier = MultiLabelClassifier(**QUICK | {"max_epochs": 40}).fit(X, Y)
    assert f1_score(labels, classifier.predict(features), average="micro") > 0.8


def test_it_is_the_model_of_a_training_run_with_the_same_settings(fitted):
    config = TrainConfig(
        hidden=(8,), max_epochs=4, batch_size=16, learning_rate=0.01, rule="global_threshold"
    )
    run = train(Dataset(X, Y), config)
    for one, other in zip(jax.tree.leaves(run.model.params), jax.tree.leaves(fitted.model_.params)):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(run.model.predict(X), fitted.predict(X))
    np.testing.assert_array_equal(run.model.probs(X), fitted.predict_proba(X))
    assert list(run.facts.validation_curve) == fitted.validation_scores_


def test_a_score_above_zero_is_a_decided_label(fitted):
    assert fitted.rule_ == "global_threshold"
    np.testing.assert_array_equal(fitted.decision_function(X) > 0, fitted.predict(X) == 1)
    np.testing.assert_array_equal(
        np.argsort(fitted.decision_function(X), axis=None), np.argsort(fitted.predict_proba(X), axis=None)
    )


def test_one_seed_gives_one_model_and_another_seed_another(fitted):
    _same(fitted, MultiLabelClassifier(**QUICK).fit(X, Y))
    other = MultiLabelClassifier(**QUICK | {"random_state": 1}).fit(X, Y)
    assert not np.array_equal(other.predict_proba(X), fitted.predict_proba(X))


def test_a_random_state_that_is_an_object_is_drawn_from():
    draws = [
        MultiLabelClassifier(**QUICK | {"random_state": np.random.RandomState(seed)}).fit(X, Y)
        for seed in (7, 7, 8)
    ]
    _same(draws[0], draws[1])
    assert not np.array_equal(draws[0].predict_proba(X), draws[2].predict_proba(X))


@pytest.mark.parametrize(
    "through", [copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))], ids=["copy", "pickle"]
)
def test_a_copy_gives_the_same_bits_and_compiles_nothing(fitted, through):
    expected = fitted.predict_proba(X)
    programs = _programs()
    again = through(fitted)
    np.testing.assert_array_equal(again.predict_proba(X), expected)
    _same(again, fitted)
    assert _programs() == programs
    assert again.model_.approach.predict is fitted.model_.approach.predict
    assert again.get_params() == fitted.get_params()


def test_what_is_stored_of_the_model_is_bytes(fitted):
    stored = fitted.__getstate__()["model_"]
    assert {name: type(content) for name, content in stored.items()} == {
        "model.json": bytes,
        "params.safetensors": bytes,
    }


def test_a_clone_has_the_parameters_and_is_not_fitted(fitted):
    fresh = clone(fitted)
    assert fresh.get_params() == fitted.get_params()
    with pytest.raises(NotFittedError):
        fresh.predict(X)


def test_the_model_can_be_written_and_read_again(fitted, tmp_path):
    write_model(fitted.model_, tmp_path / "model")
    np.testing.assert_array_equal(load_chosen(tmp_path / "model").predict(X), fitted.predict(X))


def test_it_stands_in_a_pipeline_in_a_grid_search_that_compiles_the_training_once():
    pipeline = make_pipeline(StandardScaler(), MultiLabelClassifier(**QUICK))
    rates = [0.003, 0.01, 0.03]
    features, labels = _data(rows=160)
    pipeline.fit(X, Y)  # as many rows as each half has
    before = _programs()
    search = GridSearchCV(
        pipeline, {"multilabelclassifier__learning_rate": rates}, cv=2, scoring=MICRO_F1, refit=False
    ).fit(features, labels)
    assert _programs() == before
    assert search.best_params_["multilabelclassifier__learning_rate"] in rates
    assert search.best_score_ > 0.6
    best = clone(pipeline).set_params(**search.best_params_).fit(X, Y)
    assert f1_score(labels, best.predict(features), average="micro") > 0.6


def test_a_loss_is_compiled_once_whatever_labelsets_the_rows_have():
    sizes = {"num_labels": 3, "num_labelsets": 7, "largest_labelset": 3, "missing": False, "above": None}
    more = sizes | {"num_labelsets": 8}
    given = ("mlp", {"hidden": (4,), "dropout": 0.0, "input_dropout": 0.0}, 5)
    assert approach_for("zlpr", *given, sizes) is approach_for("zlpr", *given, more)
    powerset = "label_powerset"
    assert approach_for(powerset, *given, sizes) is not approach_for(powerset, *given, more)


def test_cross_validated_probabilities_have_a_column_for_each_label():
    features, labels = _data(rows=160)
    classifier = MultiLabelClassifier(**QUICK | {"max_epochs": 20})
    probs = cross_val_predict(classifier, features, labels, cv=2, method="predict_proba")
    assert probs.shape == labels.shape
    assert probs[labels == 1].mean() > probs[labels == 0].mean() + 0.1


def test_a_fitted_estimator_takes_sparse_and_dense_features_alike(fitted):
    np.testing.assert_array_equal(fitted.predict_proba(sp.csr_matrix(X)), fitted.predict_proba(X))
    thin = np.where(np.abs(X) > 0.5, X, 0)
    sparse = MultiLabelClassifier(**QUICK).fit(sp.csc_array(thin), Y)
    np.testing.assert_array_equal(sparse.predict_proba(thin), sparse.predict_proba(sp.coo_array(thin)))
    assert not np.array_equal(sparse.predict_proba(thin), fitted.predict_proba(thin))


def test_sparse_labels_come_back_sparse_from_the_same_model(fitted):
    predictions = MultiLabelClassifier(**QUICK).fit(X, sp.csr_matrix(Y)).predict(X)
    assert isinstance(predictions, sp.csr_array)
    assert predictions.dtype == Y.dtype
    np.testing.assert_array_equal(predictions.toarray(), fitted.predict(X))


@pytest.mark.parametrize("kind", [np.asarray, sp.csr_array], ids=["dense", "sparse"])
def test_a_label_that_was_not_observed_teaches_nothing(kind):
    gaps = np.random.default_rng(1).random(Y.shape) < 0.3
    labels = np.where(gaps, np.nan, Y.astype(float))
    found = MultiLabelClassifier(**QUICK).fit(X, kind(labels))
    run = train(
        Dataset(X, Y, where=~gaps),
        TrainConfig(hidden=(8,), max_epochs=4, batch_size=16, learning_rate=0.01, rule="global_threshold"),
    )
    np.testing.assert_array_equal(found.predict_proba(X), run.model.probs(X))
    predictions = found.predict(X)
    predictions = predictions.toarray() if sp.issparse(predictions) else predictions
    assert predictions.dtype == np.float64
    assert not np.isnan(predictions).any()


def test_a_label_that_is_constant_is_learned_beside_the_others():
    labels = np.column_stack([Y[:, :1], np.zeros_like(Y[:, 0]), np.ones_like(Y[:, 0])])
    probs = MultiLabelClassifier(**QUICK | {"max_epochs": 12}).fit(X, labels).predict_proba(X)
    assert np.isfinite(probs).all()
    assert probs[:, 1].mean() < 0.2 < 0.8 < probs[:, 2].mean()


def test_a_vector_of_two_classes_is_one_label_and_comes_back_as_classes():
    names = np.where(Y[:, 0] == 1, "yes", "no")
    found = MultiLabelClassifier(**QUICK).fit(X, names)
    column = MultiLabelClassifier(**QUICK).fit(X, Y[:, :1])
    assert found.classes_.tolist() == ["no", "yes"]
    np.testing.assert_array_equal(found.predict(X) == "yes", column.predict(X)[:, 0] == 1)
    np.testing.assert_array_equal(found.predict_proba(X)[:, 1:], column.predict_proba(X))
    np.testing.assert_allclose(found.predict_proba(X).sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_array_equal(found.decision_function(X), column.decision_function(X)[:, 0])


@pytest.mark.parametrize("share", [0.01, 0.2, 0.99])
@pytest.mark.parametrize("rows", [2, 3, 5, 9, 40])
def test_rows_that_can_choose_nothing_are_not_held_out(rows, share):
    labels = np.zeros((rows, 2), int)
    labels[0, 0] = 1
    found = with_validation(Dataset(X[:rows], labels), TrainConfig(validation_share=share))
    for part in ("train", "validation"):
        np.testing.assert_array_equal(found.part(part).features, X[:rows])
        np.testing.assert_array_equal(found.part(part).labels, labels)


def test_parts_that_differ_by_a_row_hold_out_as_many():
    held = [with_validation(Dataset(*_data(rows)), TrainConfig()) for rows in (1500, 1501, 1502)]
    assert [int(dataset.split.sum()) for dataset in held] == [288, 288, 288]


def test_a_pass_has_eight_steps_where_no_batch_size_is_given():
    sizes = [
        usual_batch_size(with_validation(Dataset(*_data(rows)), TrainConfig())) for rows in (9, 80, 4000)
    ]
    assert sizes == [1, 8, 128]


@pytest.mark.slow
@pytest.mark.parametrize("rows", [2, 3, 5, 9])
def test_few_rows_both_teach_and_choose(rows):
    labels = np.zeros((rows, 2), int)
    labels[0, 0] = 1
    found = MultiLabelClassifier(hidden=4, max_epochs=2, random_state=0).fit(X[:rows], labels)
    assert found.predict(X).shape == (80, 2)


@pytest.mark.slow
def test_every_rule_is_tried_when_none_is_named():
    found = MultiLabelClassifier(**QUICK | {"rule": None}).fit(X, Y)
    run = train(Dataset(X, Y), TrainConfig(hidden=(8,), max_epochs=4, batch_size=16, learning_rate=0.01))
    assert found.rule_ == run.decision.name
    assert len(run.decision.values) > 8
    np.testing.assert_array_equal(found.predict(X), run.model.predict(X))


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings", [{"loss": "zlpr"}, {"approach": "label_powerset"}, {"rule": "expected_f1"}]
)
def test_losses_joint_models_and_rules_of_all_kinds_fit_and_copy(settings):
    found = MultiLabelClassifier(**QUICK | settings).fit(X, Y)
    _same(found, pickle.loads(pickle.dumps(found)))
    assert f1_score(Y, found.predict(X), average="micro") > 0.5


REFUSED_LABELS = {
    "labelsets of many sizes": ([[0], [1, 2]] * 40, "list of labelsets.*MultiLabelBinarizer"),
    "labelsets as sets": ([{"a"}, {"b"}] * 40, "list of labelsets.*MultiLabelBinarizer"),
    "labelsets of names": ([["a", "b"]] * 80, "0, 1 or NaN.*MultiLabelBinarizer"),
    "a two": (2 * Y, r"label \d of row 1 is 2"),
    "a sparse two": (sp.csr_array(2 * Y), r"label \d of row 1 is 2"),
    "three classes": (np.arange(80) % 3, "Only binary classification.*LabelBinarizer"),
    "one class": (np.ones(80), "one class only"),
    "gaps in a vector": (np.where(np.arange(80) % 2, np.nan, 1), "only a multi-hot y can have gaps"),
    "no labels": (Y[:, :0], r"L > 0, got \[80, 0\]"),
    "three axes": (Y[:, None], r"\[80, 1, 3\]"),
    "too few rows": (Y[:-1], "inconsistent numbers of samples"),
    "nothing observed": (np.full(Y.shape, np.nan), "no label was observed"),
    "nothing": (None, "requires y"),
}


@pytest.mark.parametrize("case", REFUSED_LABELS)
def test_labels_that_are_not_multi_hot_are_refused_in_words(case):
    labels, words = REFUSED_LABELS[case]
    with pytest.raises(ValueError, match=words):
        MultiLabelClassifier(**QUICK).fit(X, labels)


REFUSED_SETTINGS = {
    "loss": ("zlp", "did you mean 'zlpr'"),
    "rule": ("half_", "did you mean 'half'"),
    "hidden": ((0,), "at least 1 unit"),
    "weight_decay": (-1.0, "weight_decay must be at least 0"),
    "model": ("kim_cnn", "reads texts"),
    "random_state": (-1, "seed must be from 0"),
}


@pytest.mark.parametrize("name", REFUSED_SETTINGS)
def test_a_setting_that_cannot_be_used_is_refused_when_it_is_fitted(name):
    value, words = REFUSED_SETTINGS[name]
    classifier = MultiLabelClassifier(**QUICK | {name: value})
    with pytest.raises(ValueError, match=words):
        classifier.fit(X, Y)


@pytest.mark.parametrize(
    ("name", "value"), [("max_epochs", 2.5), ("learning_rate", "0.1"), ("hidden", 1.5), ("loss", 1)]
)
def test_a_setting_of_another_type_is_refused_by_name(name, value):
    with pytest.raises(TypeError, match=f"{name} must be"):
        MultiLabelClassifier(**QUICK | {name: value}).fit(X, Y)


def test_numbers_of_numpy_are_numbers(fitted):
    given = {"hidden": (np.int64(8),), "max_epochs": np.int32(4), "learning_rate": np.float64(0.01)}
    _same(MultiLabelClassifier(**QUICK | given).fit(X, Y), fitted)


def test_features_of_another_shape_or_size_are_refused(fitted):
    with pytest.raises(ValueError, match="Expected 2D array"):
        MultiLabelClassifier(**QUICK).fit(X[:, 0], Y)
    with pytest.raises(ValueError, match="X has 4 features, but MultiLabelClassifier is expecting 5"):
        fitted.predict(X[:, :4])
    with pytest.raises(ValueError, match="too large for float32"):
        fitted.predict(np.where(X > 2, 1e39, X.astype(float)))


def test_runs_are_imported_without_scikit_learn():
    code = "import sys, mlj.runs; print('sklearn' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"
