"""The comparison keeps to its protocol: what is chosen where, and what the test part may not touch."""

from __future__ import annotations

import contextlib
import dataclasses
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.sparse as sp
import scipy.stats

from mlj import losses
from mlj.approaches import APPROACHES, JOINT_APPROACHES, LOSS_APPROACHES
from mlj.approaches.losses import output_bias, scores_of
from mlj.comparison import (
    CompareConfig,
    choose_contenders,
    compare,
    load_chosen,
    read_results,
    save_chosen,
    summarise,
    write_results,
)
from mlj.comparison.contenders import USUAL
from mlj.comparison.evaluate import fold_of_rows
from mlj.comparison.floors import logistic_scores
from mlj.comparison.parts import device_batches, make_parts
from mlj.comparison.run import make_approaches
from mlj.comparison.statistics import paired_p_values
from mlj.comparison.tasks import make_task, task_of
from mlj.comparison.train import Failed, Trainer, make_problem
from mlj.data import DataError, Dataset, load
from mlj.storage import read_folder, write_folder

CONFIG = CompareConfig(
    losses=("zlpr", "softmax_count_poisson"),
    seeds=2,
    learning_rates=(3e-3, 1e-2),
    max_epochs=30,
    hidden=(16,),
    batch_size=32,
)


def _data(seed: int = 0, rows: int = 160) -> Dataset:
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(rows, 6)).astype(np.float32)
    labels = features @ rng.normal(size=(6, 4)) + 0.3 * rng.normal(size=(rows, 4)) > 0.4
    split = np.where(np.arange(rows) < rows * 3 // 4, 0, 2)
    return Dataset(features, labels, split=split, name="made")


@pytest.fixture(scope="module")
def data() -> Dataset:
    return _data()


@pytest.fixture(scope="module")
def outcome(data):
    return compare(data, CONFIG)


@pytest.fixture(scope="module")
def results(outcome):
    return summarise(outcome)


@pytest.mark.slow
def test_every_loss_that_logits_and_labels_are_enough_for_is_a_contender():
    logits, labels, count = jnp.zeros((2, 3)), jnp.ones((2, 3)), jnp.zeros(2)
    able = set()
    for name, loss in losses.LOSSES.items():
        with contextlib.suppress(TypeError, ValueError):
            extra = {"log_count": count} if losses.LOSS_INFO[name].needs_count else {}
            able |= {name} if loss(logits, labels, **extra).shape == (2,) else set()
    found = {contender.make.loss for contender in LOSS_APPROACHES.values()}
    assert found <= able
    # The others take labels of another kind, or something else than a logit for each label.
    others = [losses.LOSS_INFO[name] for name in able - found]
    assert all("hard" not in info.labels or info.prediction != "logits [..., L]" for info in others)
    assert sum(entry.make.loss == "softmax_count_mse" for entry in LOSS_APPROACHES.values()) == 3


def test_a_comparison_that_names_no_loss_takes_the_usual_ones_and_all_takes_all():
    assert choose_contenders(()) == USUAL
    assert set(USUAL) < set(LOSS_APPROACHES)
    assert len(set(USUAL)) == len(USUAL) == 25
    assert choose_contenders(("all",)) == tuple(LOSS_APPROACHES)
    assert choose_contenders(("zlpr",)) == ("zlpr",)


def test_joint_approaches_alone_are_compared_with_binary_relevance():
    assert choose_contenders((), ("all",)) == ("sigmoid_cross_entropy", *JOINT_APPROACHES)
    assert choose_contenders(("zlpr",), ("all",)) == ("zlpr", *JOINT_APPROACHES)


def test_all_joint_approaches_are_those_that_can_take_on_the_labels():
    sizes = {"num_labels": 13, "num_labelsets": 9, "largest_labelset": 3, "missing": True}
    task = make_task("mlp", {"hidden": (4,)}, 6, sizes)
    names = ("sigmoid_cross_entropy", "ising_exact", "classifier_chain", "label_correlation")
    assert list(make_approaches(names, task, able_only=True)) == [names[0], names[3]]
    with pytest.raises(ValueError, match="ising_exact: looks at all labelsets"):
        make_approaches(names, task)


@pytest.mark.slow
def test_a_decoder_of_a_joint_approach_is_judged_and_saved_like_a_rule(data, tmp_path):
    name = "label_powerset"
    config = dataclasses.replace(
        CONFIG, losses=(), approaches=(name,), learning_rates=(1e-2,), max_epochs=8, batch_size=16
    )
    outcome = compare(data, config)
    results = summarise(outcome)
    chosen = {results["protocol"]["metric"]: {"contender": name, "rule": "mode"}}
    save_chosen(outcome, results | {"chosen": chosen}, tmp_path / "model")
    model, test = load_chosen(tmp_path / "model"), data.part("test")
    predictions = model.predict(test.features)
    expected = results["contenders"][name]["rules"]["mode"]["test"]["subset_accuracy"][0]
    assert model.rule is None
    assert np.mean(np.all(predictions == test.labels, axis=1)) == pytest.approx(expected, abs=1e-6)
    known, decided = (
        {tuple(row) for row in rows.astype(bool)} for rows in (outcome.parts.pool.labels, predictions)
    )
    assert decided <= known
    assert len(decided) > 1


def test_a_comparison_trains_with_the_options_of_each_pass():
    sizes = {"num_labels": 3, "num_labelsets": 4, "largest_labelset": 2, "missing": False}
    task = make_task("mlp", {"hidden": (4,)}, 6, sizes)
    for name in ("sequence_gru", "zlpr"):
        approach = APPROACHES[name].make(task)
        assert make_problem(approach, CONFIG).at_epoch is approach.at_epoch
        assert (approach.at_epoch is None) == (name == "zlpr")


def test_training_validation_and_test_rows_are_disjoint_and_complete(data):
    parts = make_parts(data, CONFIG)
    assert parts.test.num_samples == (data.split == 2).sum()
    for train, validation in zip(parts.train_rows, parts.validation_rows):
        assert not set(train) & set(validation)
        assert sorted([*train, *validation]) == list(range(parts.pool.num_samples))
    assert not np.array_equal(parts.validation_rows[0], parts.validation_rows[1])


def test_test_labels_decide_nothing(data, results):
    flipped = data.labels.copy()
    flipped[data.split == 2] = 1 - flipped[data.split == 2]
    other = summarise(compare(data.replace(labels=flipped), CONFIG))
    for name, contender in results["contenders"].items():
        same = other["contenders"][name]
        assert contender["validation"] == same["validation"]
        assert contender.get("learning_rate") == same.get("learning_rate")
        for rule in contender["rules"]:
            assert contender["rules"][rule]["fitted"] == same["rules"][rule]["fitted"]
            assert contender["rules"][rule]["test"] != same["rules"][rule]["test"]
    for metric, best in results["chosen"].items():
        assert (best["contender"], best["rule"]) == (
            other["chosen"][metric]["contender"],
            other["chosen"][metric]["rule"],
        )


@pytest.mark.slow
def test_the_same_configuration_gives_the_same_numbers(data, results):
    again = summarise(compare(data, CONFIG))
    for key in ("chosen", "tests"):
        assert again[key] == results[key]


def test_what_is_chosen_is_best_on_validation(results):
    best = results["chosen"]["micro_f1"]
    rows = [
        np.mean(rule["validation"]["micro_f1"])
        for contender in results["contenders"].values()
        if not contender["floor"]
        for rule in contender["rules"].values()
    ]
    assert best["validation"] == pytest.approx(max(rows), abs=1e-6)


def test_a_trained_loss_beats_the_floor_of_priors_on_test(results):
    prior = results["contenders"]["prior_only"]["rules"]["global_threshold"]["test"]["micro_f1"]
    assert results["chosen"]["micro_f1"]["test"] > np.mean(prior) + 0.1


def test_only_losses_with_a_count_are_decided_by_one(results):
    assert "count_head" in results["contenders"]["softmax_count_poisson"]["rules"]
    assert "count_head" not in results["contenders"]["zlpr"]["rules"]
    assert "zero" not in results["contenders"]["softmax_count_poisson"]["rules"]


def test_metrics_of_the_chosen_predictions_equal_scikit_learns(data, outcome, results, tmp_path):
    from sklearn.metrics import f1_score

    save_chosen(outcome, results, tmp_path / "model")
    model = load_chosen(tmp_path / "model")
    test = data.part("test")
    best = results["chosen"]["micro_f1"]
    expected = results["contenders"][best["contender"]]["rules"][best["rule"]]["test"]["micro_f1"][0]
    predictions = model.predict(test.features)
    assert f1_score(test.labels, predictions, average="micro") == pytest.approx(expected, abs=1e-6)
    assert model.probs(test.features).shape == test.labels.shape


def test_a_saved_model_refuses_other_features_and_a_damaged_file(outcome, results, tmp_path):
    save_chosen(outcome, results, tmp_path / "model")
    with pytest.raises(ValueError, match="takes 6 features, got 5"):
        load_chosen(tmp_path / "model").predict(np.zeros((2, 5), np.float32))
    files = read_folder(tmp_path / "model")
    (tmp_path / "model" / "params.safetensors").write_bytes(b"\x10")
    with pytest.raises(ValueError, match=r"params.safetensors has 1 bytes; its manifest names"):
        load_chosen(tmp_path / "model")
    write_folder(tmp_path / "model", files | {"params.safetensors": b"\x10"})
    with pytest.raises(ValueError, match="not a saved model"):
        load_chosen(tmp_path / "model")


def test_results_are_written_whole_or_not_at_all(results, tmp_path):
    path = tmp_path / "run" / "results.json"
    write_results(results, path)
    assert read_results(path) == json.loads(json.dumps(results))
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_results(results | {"seconds": float("nan")}, path)
    assert read_results(path)["verdict"] == results["verdict"]
    assert [entry.name for entry in path.parent.iterdir()] == ["results.json"]
    path.write_text("{}")
    with pytest.raises(ValueError, match="wanted format 'mlj-comparison-1', got None"):
        read_results(path)


def test_unobserved_labels_count_nowhere_even_as_nan(data):
    rng = np.random.default_rng(1)
    where = rng.random(data.labels.shape) < 0.8
    noise = np.where(where, data.labels, np.nan)
    config = dataclasses.replace(CONFIG, losses=("zlpr",), learning_rates=(1e-2,))
    zeros = summarise(compare(data.replace(labels=np.where(where, data.labels, 0), where=where), config))
    nans = summarise(compare(data.replace(labels=noise, where=where), config))
    assert zeros["chosen"] == nans["chosen"]


@pytest.mark.slow
def test_a_loss_that_never_is_finite_is_reported_and_the_others_go_on(data):
    config = dataclasses.replace(CONFIG, learning_rates=(1e30,), losses=("softmax_count_poisson",))
    found = compare(data, config).found["softmax_count_poisson"]
    assert isinstance(found, Failed)
    assert {failure["seed"] for failure in found.failures} == {0, 1}
    assert all(failure["step"] >= 0 for failure in found.failures)


def test_data_that_cannot_be_learned_from_is_refused(data):
    with pytest.raises(DataError, match="label"):
        compare(data.replace(labels=np.zeros_like(data.labels)), CONFIG)
    with pytest.raises(DataError, match="label"):
        compare(data.replace(where=np.zeros(data.labels.shape, bool)), CONFIG)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"losses": ("zlrp",)}, "unknown loss 'zlrp': did you mean 'zlpr'"),
        ({"losses": ("zlpr", "zlpr")}, "named twice"),
        ({"metric": "micro_f2"}, "unknown metric 'micro_f2': did you mean 'micro_f1'"),
        ({"metric": "hamming_loss"}, "cannot be led by 'hamming_loss'"),
        ({"optimizer": "adan"}, "unknown optimizer"),
        ({"model": "mpl"}, "unknown model 'mpl': did you mean 'mlp'"),
    ],
)
def test_an_unknown_name_is_refused_before_training(data, changes, message):
    with pytest.raises(ValueError, match=message):
        compare(data, dataclasses.replace(CONFIG, **changes))


def test_numbers_that_cannot_be_are_refused():
    for changes in ({"seeds": 1}, {"validation_share": 0.0}, {"learning_rates": (0.0,)}):
        with pytest.raises(ValueError, match="must be"):
            CompareConfig(**changes)


def test_scores_of_a_softmax_ignore_the_level_of_the_logits():
    outputs = jnp.array([[1.0, 2.0, 0.5]])
    for name in ("softmax_cross_entropy", "sparsemax"):
        shifted, _ = scores_of(APPROACHES[name].make, outputs + 3)
        np.testing.assert_allclose(shifted, scores_of(APPROACHES[name].make, outputs)[0], atol=1e-6)
    scores, log_count = scores_of(APPROACHES["softmax_count_poisson"].make, outputs)
    np.testing.assert_allclose(jnp.exp(scores).sum(), jnp.exp(log_count)[0], rtol=1e-6)


@pytest.mark.parametrize("name", LOSS_APPROACHES)
def test_a_head_starts_at_the_priors_and_the_mean_count(name):
    labels = np.array(
        [[1, 0, 0], [1, 1, 0], [0, 0, 0], [1, 0, 0], [0, 0, 0], [0, 0, 0], [0, 0, 0], [0, 0, 0]]
    )
    approach = LOSS_APPROACHES[name].make
    scores, log_count = scores_of(approach, jnp.asarray(output_bias(approach, labels, None)))
    if log_count is not None:
        assert float(jnp.exp(log_count)) == pytest.approx(0.5, rel=1e-5)
    if approach.info.link == "sigmoid":
        np.testing.assert_allclose(jax.nn.sigmoid(scores), [0.4, 0.2, 0.1], rtol=1e-5)


def test_paired_tests_agree_with_scipy_and_holm_by_hand():
    rng = np.random.default_rng(0)
    rows = {name: rng.normal(size=5) + shift for name, shift in (("a", 0.0), ("b", 2.0), ("c", 0.1))}
    raw = {name: scipy.stats.ttest_rel(rows["a"], rows[name]).pvalue for name in ("b", "c")}
    small, large = sorted(raw, key=raw.get)
    found = paired_p_values(rows, "a")
    assert found[small] == pytest.approx(2 * raw[small])
    assert found[large] == pytest.approx(min(1, max(raw[large], 2 * raw[small])))


def test_folds_are_even_and_drawn_for_each_seed():
    folds = fold_of_rows(23, seeds=2)
    assert all(np.bincount(row).max() - np.bincount(row).min() <= 1 for row in folds)
    assert not np.array_equal(folds[0], folds[1])


@pytest.mark.slow
def test_sparse_features_are_trained_on_like_dense_ones():
    made = load("digits", num_samples=120)
    sparse = made.replace(features=sp.csr_array(made.features))
    config = dataclasses.replace(CONFIG, losses=("zlpr",), learning_rates=(1e-2,))
    parts = make_parts(sparse, config)
    approach = APPROACHES["zlpr"].make(task_of(config, parts))
    found = Trainer(approach, config, parts, *device_batches(parts)).run()
    assert np.isfinite(found.test_outputs).all()
    assert found.values[1e-2][0] > 0.3
    validation, test = logistic_scores(parts)
    assert validation.shape == found.validation_outputs.shape
    assert np.isfinite(test).all()
    assert test.std(axis=1).min() > 0
