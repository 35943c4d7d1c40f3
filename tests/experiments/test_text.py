"""The text experiment runs in small, on data of the shapes that it reads, and says whether goals are met."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parents[2] / "experiments"
WORDS = ("salt", "sea", "sky", "wind", "bread", "stove")


def sentences(count: int, seed: int) -> list[tuple[str, list[int]]]:
    """Return texts whose labels are the first and the last word, each one of three."""
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(count):
        first, last = rng.integers(0, 3, 2)
        rows.append((f"{WORDS[first]} {WORDS[3 + rng.integers(3)]} {WORDS[last]}", sorted({first, last})))
    return rows


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "goemotions").mkdir()
    (tmp_path / "goemotions" / "labels.txt").write_text("a\nb\nc\n")
    (tmp_path / "cooking_stackexchange").mkdir()
    for seed, (part, count) in enumerate({"dev": 20, "train": 60, "test": 20}.items()):
        rows = sentences(count, seed)
        tsv = "".join(f"{text}\t{','.join(map(str, labels))}\tid\n" for text, labels in rows)
        (tmp_path / "goemotions" / f"{part}.tsv").write_text(tsv)
        lines = "".join(
            " ".join(f"__label__{label}" for label in labels) + f" {text}\n" for text, labels in rows
        )
        name = "cooking.valid.gz" if part == "test" else "cooking.train.gz"
        (tmp_path / "cooking_stackexchange" / name).write_text(lines)
    return tmp_path


@pytest.mark.slow
def test_the_text_experiment_runs_in_small(folder, monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    text = import_module("text")
    config = text.Config(
        data_dir=folder,
        data=("goemotions", "cooking"),
        seeds=2,
        network_seeds=1,
        max_epochs=1,
        work=None,
        out=folder / "t.md",
    )
    found = text.run(config)
    assert set(found) == {"goemotions", "cooking"}
    assert len(found["goemotions"]) == 5
    for contenders in found.values():
        for one in contenders.values():
            assert all(0 <= value <= 1 for value in one["precision_at_1"])
            assert set(one["decisions"]) == {"micro_f1", "macro_f1"}
    page = (folder / "t.md").read_text()
    assert "macro-F1 at least 0.46:" in page
    assert "A QUICK RUN of at most 1 passes" in page
    left_out = replace(config, data=("reuters",), out=folder / "none.md")
    assert text.run(left_out) == {}
    assert not left_out.out.exists()
    with pytest.raises(ValueError, match="unknown data set 'cookin': did you mean 'cooking'"):
        text.run(replace(config, data=("cookin",)))


def test_all_that_a_result_depends_on_is_in_its_settings(folder, monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    recipes = import_module("texts.recipes")
    for name, contenders in recipes.CONTENDERS.items():
        said = [json.dumps([recipes.SOURCES[name].said(), one.said()], sort_keys=True) for one in contenders]
        assert len(set(said)) == len(contenders)
    assert recipes.SOURCES["cooking"]._replace(length=3).said() != recipes.SOURCES["cooking"].said()
    one = recipes.CONTENDERS["cooking"][0]
    assert one._replace(model=recipes.Linear).said() != one.said()
    assert "squared hinge" in recipes.SOURCES["reuters"].remark


def test_folds_are_fifths_of_the_training_part_or_the_official_validation_part(folder, monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    sources, recipes = import_module("texts.sources"), import_module("texts.recipes")
    cooking = sources.divided(recipes.SOURCES["cooking"].read(folder))
    assert (cooking.num_train, cooking.num_pool, cooking.data.num_samples) == (60, 60, 80)
    folds = sources.folds_of(cooking, 5, seed=0)
    assert np.sort(np.concatenate(folds.held)).tolist() == list(range(60))
    assert all(not set(train) & set(held) for train, held in zip(*folds))
    emotions = sources.divided(recipes.SOURCES["goemotions"].read(folder))
    folds = sources.folds_of(emotions, 5, seed=0)
    assert [len(rows) for rows in (*folds.train, *folds.held)] == [60, 20]
    assert emotions.data.split.tolist() == [0] * 60 + [1] * 20 + [2] * 20
