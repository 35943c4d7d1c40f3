"""The way of a user with texts: describe, train, repeat, evaluate, predict, export; and what is refused."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

from mlj.cli import main
from mlj.data import read_fasttext
from mlj.runs import finished

WORDS = {"sea": "wave salt tide", "sky": "cloud blue gull", "fog": "grey damp mist"}
QUICK = ["--loss", "zlpr", "--rule", "zero", "--max-epochs", "3", "--hidden", "6", "--batch-size", "8"]
TABLE = [
    "--format",
    "csv-text",
    "--text",
    "title",
    "--labels",
    "tags",
    "--separator",
    ";",
    "--ignore",
    "note",
]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("texts")
    rng = np.random.default_rng(0)
    lines, rows = [], []
    for number in range(80):
        present = [label for label in WORDS if rng.random() < 0.5]
        text = " ".join(["the", *(rng.choice(WORDS[label].split()) for label in present), "of", "it"])
        lines.append(" ".join([*(f"__label__{label}" for label in present), text]))
        rows.append([f"r{number}", text, ";".join(present), "x"])
    (folder / "train.txt").write_text("\n".join(lines[:60]))
    (folder / "test.txt").write_text("\n".join(lines[60:]))
    (folder / "plain.txt").write_text("a wave of salt\nblue\n\n")
    with (folder / "train.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([["name", "title", "tags", "note"], *rows])
    made = ["train", str(folder / "train.txt"), "--format", "fasttext", "--model", "bag_of_ngrams", *QUICK]
    assert main([*made, "--out", str(folder / "run")]) == 0
    return folder


@pytest.fixture(scope="module")
def table_run(place):
    words = ["train", str(place / "train.csv"), *TABLE, *QUICK, "--out", str(place / "table_run")]
    assert main([*words[:-2], "--out", str(place / "refused")]) == 2, "the column of names has no role"
    words[words.index("note")] = "note,name"
    assert main(words) == 0
    return place / "table_run"


def test_a_run_over_texts_is_repeated_bit_for_bit_and_keeps_its_vocabulary(place):
    assert main(["train", "--config", str(place / "run" / "config.json"), "--out", str(place / "again")]) == 0
    for name in ("params.safetensors", "vocabulary.json", "model.json"):
        one, other = ((place / run / "model" / name).read_bytes() for run in ("run", "again"))
        assert one == other


def test_the_vocabulary_is_that_of_the_rows_trained_on(place):
    """A word that stands in validation texts alone is not learned."""
    from mlj.runs import TrainConfig, train
    from mlj.runs.feed import divide

    data = read_fasttext(place / "train.txt")
    config = TrainConfig(loss="zlpr", rule="zero", model="bag_of_ngrams", hidden=(4,), max_epochs=1)
    held = divide(data.to_dataset(np.zeros((60, 0))), config).validation
    texts = [f"{text} secret" if row in set(held) else text for row, text in enumerate(data.texts)]
    marked = type(data)(texts, data.label_matrix, label_names=data.label_names)
    for model in ("bag_of_ngrams", "linear"):
        run = train(marked, TrainConfig(loss="zlpr", rule="zero", model=model, max_epochs=1))
        assert "wave" in run.model.reader.to_json()
        assert "secret" not in run.model.reader.to_json()


def test_predictions_of_lines_are_those_of_the_model_with_labels_before_them_or_without(place):
    model = finished(place / "run")
    texts = read_fasttext(place / "test.txt").texts
    for name, wanted in (("test.txt", list(texts)), ("plain.txt", ["a wave of salt", "blue"])):
        out = place / "predicted.jsonl"
        assert main(["predict", str(place / "run"), str(place / name), "--out", str(out)]) == 0
        rows = [json.loads(line) for line in out.read_text().splitlines()]
        found = [[row["probs"][label] for label in model.label_names] for row in rows]
        np.testing.assert_allclose(found, model.probs(wanted), rtol=1e-6)
        decided = model.predict(wanted)
        names = np.array(model.label_names)
        assert [row["labels"] for row in rows] == [sorted(names[row]) for row in decided]


def test_an_evaluation_of_texts_counts_all_rows_and_finds_the_words(place, capsys):
    assert main(["evaluate", str(place / "run"), "--test", str(place / "test.txt")]) == 0
    found = json.loads((place / "run" / "evaluations" / "test" / "evaluation.json").read_text())
    assert found["data"]["rows"] == {"test": 20}
    model, data = finished(place / "run"), read_fasttext(place / "test.txt")
    assert found["mistakes"]
    for mistake in found["mistakes"]:
        assert mistake["text"] == data.texts[mistake["row"]]
    page = (place / "run" / "evaluations" / "test" / "report.html").read_text()
    assert found["mistakes"][0]["text"] in page
    own, trained = json.loads((place / "run" / "evaluation.json").read_text()), place / "train.txt"
    for mistake in own["mistakes"]:
        assert mistake["text"] == read_fasttext(trained).texts[mistake["row"]]
    agree = (model.predict(list(data.texts)) == data.labels).all(axis=1).mean()
    assert found["metrics"]["subset_accuracy"]["value"] == pytest.approx(agree)


def test_a_table_of_texts_is_trained_on_and_predicted_with_the_names_of_its_rows(place, table_run):
    out = place / "predicted.csv"
    words = ["predict", str(table_run), str(place / "train.csv"), "--ids", "name", "--ignore", "note"]
    assert main([*words, "--out", str(out)]) == 0
    with out.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["id"] for row in rows] == [f"r{number}" for number in range(80)]
    assert {row["labels"] for row in rows} > {"sea"}
    assert (table_run / "model" / "text_features.json").exists()


def test_a_model_of_a_table_reads_lines_and_exports(place, table_run):
    assert main(["predict", str(table_run), str(place / "plain.txt"), "--out", str(place / "p.csv")]) == 0
    assert main(["export", str(table_run)]) == 0
    assert (table_run / "exported" / "text_features.json").exists()


def test_options_of_the_training_file_hold_for_its_format_alone(table_run):
    from mlj.runs.applying import open_run, options_for

    model, trained = open_run(table_run)
    assert options_for(model, "new.csv", trained, {})["labels"] == "tags"
    assert options_for(model, "news", trained, {"format": "reuters"}) == {"format": "reuters"}


def test_texts_are_described(place, capsys):
    assert main(["describe", str(place / "train.txt"), "--format", "fasttext", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["rows"], facts["labels"]) == (60, 3)
    assert 3 <= facts["words"] <= 6


REFUSED = {
    "a format of features": (
        ["predict", "{run}", "{train}", "--format", "csv", "--out", "{out}"],
        "the model reads texts, and the format csv holds features",
    ),
    "a folder without a format": (
        ["predict", "{run}", "{folder}", "--out", "{out}"],
        "is a folder; state format=goemotions|reuters",
    ),
    "no text column": (
        ["train", "{table}", "--format", "csv-text", "--labels", "tags", "--out", "{out}"],
        "the format csv-text wants --text, the names of the columns of texts",
    ),
    "a model of images": (
        ["train", "{train}", "--format", "fasttext", "--model", "conv", "--out", "{out}"],
        "the model 'conv' takes dense images",
    ),
    "a setting of another model": (
        [*("train", "{train}", "--format", "fasttext", "--model", "label_attention"), "--hidden", "4"],
        "the model 'label_attention' has no hidden",
    ),
    "no vocabulary": (
        ["train", "{train}", "--format", "fasttext", "--vocabulary", "0", "--out", "{out}"],
        "vocabulary must be at least 1, got 0",
    ),
    "texts to pack": (
        ["pack", "{train}", "--format", "fasttext", "--out", "{out}"],
        "the format fasttext holds texts, and features are wanted",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_refused_and_leaves_nothing(case, place, capsys, monkeypatch):
    words, said = REFUSED[case]
    monkeypatch.chdir(place)
    before = {path.name for path in place.iterdir()}
    names = {"run": place / "run", "train": place / "train.txt", "table": place / "train.csv"}
    filled = [word.format(out=place / "out.csv", folder=place, **names) for word in words]
    assert main(filled) == 2
    assert said in " ".join(capsys.readouterr().err.split())
    assert {path.name for path in place.iterdir()} == before


def test_a_model_of_features_refuses_texts(place, tmp_path, capsys):
    rows = "\n".join(f"{number},{number % 2},{number % 3 == 0:d}" for number in range(40))
    (tmp_path / "d.csv").write_text(f"x,a,b\n{rows}\n")
    words = ["train", str(tmp_path / "d.csv"), "--labels", "last:2", *QUICK, "--out", str(tmp_path / "run")]
    assert main(words) == 0
    words = ["predict", str(tmp_path / "run"), str(place / "plain.txt"), "--format", "fasttext"]
    assert main([*words, "--out", str(tmp_path / "p.csv")]) == 2
    assert "the model takes features, and the format fasttext holds texts" in capsys.readouterr().err
