"""The experiment on hierarchies: what is measured, and that a folder without data is named."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

TREE = "01,01/02,01/03,05"
GRAPH = "root/x,root/y,x/z,y/z,z/w"


@pytest.fixture(scope="module")
def experiment():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parents[2] / "experiments"))
        yield import_module("hierarchy")


def written(folder, classes, labels):
    """Write the files of a small data set whose first feature tells the label; the second has gaps."""
    rng = np.random.default_rng(0)
    for part, rows in (("train", 40), ("valid", 16), ("test", 16)):
        lines = ["@relation tiny", "@attribute a numeric", "@attribute b numeric"]
        lines += [f"@attribute class hierarchical {classes}", "@data"]
        for row in range(rows):
            which = rng.integers(len(labels))
            lines.append(f"{which + rng.normal() / 9:.4f},{'?' if row % 3 else row},{labels[which]}")
        (folder / f"tiny.{part}.arff.gz").write_text("\n".join(lines), encoding="utf-8")


def test_all_classes_of_a_tree_are_measured_and_of_a_graph_those_under_the_second_level(experiment, tmp_path):
    written(tmp_path, TREE, ["01/02", "05"])
    found = experiment.prepare(tmp_path, "tiny")
    assert found.counted.tolist() == [True] * 4
    assert [len(rows) for rows in (found.train, found.validation, found.test)] == [40, 16, 16]
    assert np.isfinite(found.features).all()
    written(tmp_path, GRAPH, ["W", "Y"])
    assert experiment.prepare(tmp_path, "tiny").counted.tolist() == [False, False, False, True, True]


@pytest.mark.slow
def test_the_experiment_learns_a_tree_that_can_be_learned(experiment, tmp_path, monkeypatch):
    folder = tmp_path / experiment.FOLDER
    folder.mkdir()
    written(folder, TREE, ["01/02", "01/03", "05"])
    monkeypatch.setitem(experiment.PUBLISHED, "tiny", 0.5)
    small = {"runs": 2, "trials": 1, "learning_rates": (0.03,), "epochs": 6, "hidden": (16,)}
    small |= {"dropout": 0.0, "input_dropout": 0.0, "batch_size": 8, "work": None, "out": None}
    config = experiment.Config(data_dir=tmp_path, datasets=("tiny",), **small)
    found = experiment.run(config)["tiny"]
    assert set(found) == {"coherent", "independent, closed upwards", "independent, as it is"}
    assert all(len(values) == 2 and min(values) > 0.9 for values in found.values())


def test_a_folder_without_the_data_is_named(experiment, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"tiny\.train\.arff is not there"):
        experiment.prepare(tmp_path, "tiny")
    out = tmp_path / "page.md"
    assert experiment.run(experiment.Config(data_dir=tmp_path, work=None, out=out)) == {}
    assert not out.exists()


def test_results_of_other_data_are_not_taken(experiment, tmp_path, monkeypatch):
    monkeypatch.setattr(experiment, "_trained", lambda config, data, way, lists: ([0.5], [0.4], data.sha256))
    (tmp_path / experiment.FOLDER).mkdir()
    said = []
    for labels in (["01/02", "05"], ["01/02", "05"], ["01/02", "01/03"]):
        written(tmp_path / experiment.FOLDER, TREE, labels)
        config = experiment.Config(
            data_dir=tmp_path, datasets=("tiny",), work=tmp_path / "w", out=tmp_path / "p"
        )
        experiment.run(config)
        said.append(config.out.read_text())
    assert said[0] == said[1] != said[2]
    assert "not untouched" in said[0]
