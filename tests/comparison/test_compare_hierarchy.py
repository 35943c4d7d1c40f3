"""Labels in a hierarchy are compared like any others; the coherent model never parts one from those above."""

from __future__ import annotations

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mlj.approaches import COHERENT_LINK, JOINT_APPROACHES
from mlj.cli import main
from mlj.comparison import CompareConfig, compare, load_chosen, save_chosen, summarise
from mlj.comparison.evaluate import ONE_THRESHOLD, rules_for
from mlj.comparison.parts import make_parts
from mlj.comparison.run import make_approaches
from mlj.comparison.saved import FORMAT, SavedModel, write_model
from mlj.comparison.tasks import make_task, model_options, sizes_of, task_of
from mlj.data import Dataset, load
from mlj.data.hierarchy import Hierarchy
from mlj.data.scaling import fit_scaling
from mlj.decision import DECISIONS, PlattScaling

GRAPH = Hierarchy.from_edges("abcdef", [("a", "b"), ("a", "c"), ("b", "d"), ("c", "d"), ("e", "f")])
SIZES = {"num_labels": 2, "num_labelsets": 3, "largest_labelset": 2, "missing": False}


def made(rows: int = 150) -> Dataset:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(rows, 5)).astype(np.float32)
    labels = GRAPH.close((features @ rng.normal(size=(5, 6)) > 1.2).astype(np.uint8))
    split = np.repeat([0, 1, 2], [rows // 2, rows // 4, rows - rows // 2 - rows // 4])
    return Dataset(
        features, labels, label_names=GRAPH.label_names, hierarchy=GRAPH, split=split, name="graph"
    )


@pytest.fixture(scope="module")
def outcome():
    config = CompareConfig(
        losses=("sigmoid_cross_entropy",),
        approaches=("coherent",),
        seeds=2,
        learning_rates=(1e-2,),
        max_epochs=12,
        hidden=(16,),
        batch_size=16,
    )
    return compare(made(), config)


@pytest.mark.parametrize("rule", ONE_THRESHOLD)
def test_a_saved_coherent_model_decides_the_same_sets_all_closed_upwards(rule, tmp_path):
    assert rules_for(COHERENT_LINK, None) == rules_for(COHERENT_LINK, np.zeros(3)) == ONE_THRESHOLD
    data, config = made(), CompareConfig(seeds=2, hidden=(8,))
    parts = make_parts(data, config)
    approach = JOINT_APPROACHES["coherent"].make(task_of(config, parts))
    options = approach.options(data.labels, None)
    params = jax.tree.map(lambda leaf: 3 * leaf, approach.init(jax.random.key(0), options))
    far = 5 * np.random.default_rng(1).normal(size=(200, 5)).astype(np.float32)
    scores = approach.scores(approach.predict(params, jnp.asarray(far), options))[0]
    fitted = DECISIONS[rule].fit(scores, jnp.asarray(GRAPH.close(np.eye(6)[np.arange(200) % 6])))
    info = {"format": FORMAT, "contender": "coherent", "metric": "micro_f1", "decoder": None, "model": "mlp"}
    info |= {"model_options": model_options(config, sparse=False), "sizes": sizes_of(parts)}
    info |= {"label_names": data.label_names, "feature_names": data.feature_names}
    scaling, platt = fit_scaling(far), PlattScaling(jnp.ones(()), jnp.zeros(()))
    model = SavedModel(info, approach, params, options, scaling, fitted, platt)
    write_model(model, tmp_path / "model")
    predictions = load_chosen(tmp_path / "model").predict(far)
    np.testing.assert_array_equal(predictions, model.predict(far))
    assert GRAPH.is_closed(predictions.astype(np.uint8))
    assert len(np.unique(predictions, axis=0)) > 3


@pytest.mark.slow
def test_the_coherent_model_stands_in_the_table_with_rules_of_one_threshold_only(outcome):
    rules = {name: set(found.rules) for name, found in outcome.found.items()}
    assert rules["coherent"] == set(ONE_THRESHOLD)
    assert rules["coherent"] < rules["sigmoid_cross_entropy"]


@pytest.mark.slow
def test_micro_average_precision_is_chosen_by_where_labels_lie_in_a_hierarchy(outcome):
    results = summarise(outcome)
    assert "micro_average_precision" in results["chosen"]
    plain = outcome.parts.pool.replace(hierarchy=None)
    other = summarise(outcome._replace(parts=outcome.parts._replace(pool=plain)))
    assert "micro_average_precision" not in other["chosen"]


@pytest.mark.slow
@pytest.mark.parametrize("rule", ONE_THRESHOLD)
def test_a_compared_coherent_model_is_saved_with_its_decision(outcome, rule, tmp_path):
    results = summarise(outcome)
    chosen = {"micro_f1": {"contender": "coherent", "rule": rule}}
    save_chosen(outcome, results | {"chosen": chosen}, tmp_path / "model")
    test = outcome.parts.test
    model = load_chosen(tmp_path / "model")
    predictions = model.predict(test.features)
    expected = results["contenders"]["coherent"]["rules"][rule]["test"]["hamming_loss"][0]
    assert np.mean(predictions != test.labels) == pytest.approx(expected, abs=1e-6)
    assert GRAPH.is_closed(predictions.astype(np.uint8))
    assert 0 < predictions.sum() < predictions.size


def test_labels_side_by_side_are_refused_by_name_and_left_out_of_all():
    task = make_task("mlp", {"hidden": (4,)}, 5, SIZES)
    with pytest.raises(ValueError, match="make_coherent: the labels have no hierarchy"):
        JOINT_APPROACHES["coherent"].make(task)
    assert "coherent" not in make_approaches(("sigmoid_cross_entropy", "coherent"), task, able_only=True)


def _write_hmc(folder, rows: int = 40) -> list[str]:
    data, paths = made(3 * rows), []
    head = ["@relation made", *(f"@attribute x{i} numeric" for i in range(5))]
    head += ["@attribute class hierarchical a/b,a/c,b/d,c/d,e/f", "@data"]
    for part in range(3):
        lines = []
        for row in range(part * rows, (part + 1) * rows):
            names = [name for name, on in zip(GRAPH.label_names, data.labels[row]) if on]
            values = [
                "?" if row % 9 == 0 and i == 1 else f"{x:.3f}" for i, x in enumerate(data.features[row])
            ]
            lines.append(f"{','.join(values)},{'@'.join(names or ['e'])}")
        paths.append(folder / f"made.{part}.arff")
        paths[-1].write_text("\n".join([*head, *lines]) + "\n")
    return [str(path) for path in paths]


@pytest.mark.slow
def test_the_command_line_compares_a_hierarchy_with_its_official_parts(tmp_path, capsys):
    train, valid, test = _write_hmc(tmp_path)
    words = ["compare", train, "--valid", valid, "--test", test, "--missing-features", "mean"]
    words += ["--approaches", "coherent", "--metric", "micro_average_precision", "--seeds", "2"]
    words += ["--learning-rates", "0.01", "--max-epochs", "2", "--hidden", "8", "--batch-size", "16"]
    assert main([*words, "--out", str(tmp_path / "out")]) == 0
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert results["protocol"]["origin"]["validation"].startswith("the official validation part")
    assert set(results["contenders"]) >= {"coherent", "sigmoid_cross_entropy"}
    assert "Micro AP, sorted by validation" in capsys.readouterr().out
    saved = json.loads((tmp_path / "out" / "model" / "model.json").read_text())
    wide = load(train, missing_features="zero").hierarchy
    assert saved["sizes"]["above"] == [np.flatnonzero(row).tolist() for row in wide.ancestors]
