"""The way of a user: pack, train, evaluate, predict, repeat; and what each says when it is asked wrongly."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from mlj.cli import main

QUICK = ["--loss", "zlpr", "--rule", "zero", "--max-epochs", "2", "--hidden", "6", "--batch-size", "8"]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("user")
    rng = np.random.default_rng(0)
    features = rng.normal(size=(60, 3))
    labels = (features @ rng.normal(size=(3, 2)) > 0).astype(int)
    rows = [",".join(map(str, (*x, *y))) for x, y in zip(features.round(4), labels)]
    for name, chosen in (("train", rows[:40]), ("test", rows[40:])):
        (folder / f"{name}.csv").write_text("\n".join(["a,b,c,sea,=sky", *chosen]))
    assert (
        main(["train", str(folder / "train.csv"), "--labels", "last:2", *QUICK, "--out", str(folder / "run")])
        == 0
    )
    return folder


def test_a_run_holds_its_settings_its_log_its_numbers_its_page_and_its_model(place):
    run = place / "run"
    assert {path.name for path in run.iterdir()} >= {
        "config.json",
        "log.jsonl",
        "evaluation.json",
        "report.html",
        "model",
        "checkpoints",
    }
    assert [json.loads(line)["epoch"] for line in (run / "log.jsonl").read_text().splitlines()] == [1, 2]
    evaluation = json.loads((run / "evaluation.json").read_text())
    assert [label["name"] for label in evaluation["labels"]] == ["sea", "=sky"]
    assert evaluation["part"] == "validation"


def test_config_json_repeats_a_run_bit_for_bit(place):
    assert main(["train", "--config", str(place / "run" / "config.json"), "--out", str(place / "again")]) == 0
    one, other = (place / name / "model" / "params.safetensors" for name in ("run", "again"))
    assert one.read_bytes() == other.read_bytes()


def test_a_finished_run_is_not_trained_again(place, capsys):
    before = (place / "run" / "log.jsonl").read_bytes()
    assert main(["train", "--config", str(place / "run" / "config.json")]) == 0
    assert (place / "run" / "log.jsonl").read_bytes() == before


def test_predictions_are_those_of_the_model_with_labels_by_name(place):
    from mlj.data import load
    from mlj.runs import finished

    out = place / "predictions.csv"
    assert main(["predict", str(place / "run"), str(place / "test.csv"), "--out", str(out)]) == 0
    features = load(place / "test.csv", labels="last:2").features
    model = finished(place / "run")
    with out.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == ["row", "labels", "sea", "'=sky"]
    np.testing.assert_array_equal(
        np.array([[row["sea"], row["'=sky"]] for row in rows], np.float32), model.probs(features)
    )
    wanted = [";".join(np.array(["sea", "=sky"])[decided]) for decided in model.predict(features)]
    assert [row["labels"].removeprefix("'") for row in rows] == wanted


def test_an_evaluation_agrees_with_scikit_learn(place, capsys):
    from sklearn.metrics import f1_score

    from mlj.data import load
    from mlj.runs import finished

    assert main(["evaluate", str(place / "run"), "--test", str(place / "test.csv")]) == 0
    found = json.loads((place / "run" / "evaluations" / "test" / "evaluation.json").read_text())
    data = load(place / "test.csv", labels="last:2")
    decided = finished(place / "run").predict(data.features)
    wanted = f1_score(data.labels, decided, average="micro")
    assert found["metrics"]["micro_f1"]["value"] == pytest.approx(wanted, abs=1e-6)
    assert (place / "run" / "evaluations" / "test" / "report.html").exists()
    assert main(["evaluate", str(place / "run"), "--test", str(place / "test.csv")]) == 0
    assert "was scored before" in capsys.readouterr().out


def test_a_packed_data_set_trains_from_disk(place):
    packed = str(place / "packed")
    assert main(["pack", str(place / "train.csv"), "--labels", "last:2", "--out", packed]) == 0
    assert main(["train", packed, *QUICK, "--out", str(place / "from-disk")]) == 0
    assert main(["predict", str(place / "from-disk"), packed, "--out", str(place / "p.jsonl")]) == 0
    assert len((place / "p.jsonl").read_text().splitlines()) == 40


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["train", "train.csv", "--labels", "last:2", "--loss", "zlrp"], "did you mean 'zlpr'"),
        (["train", "train.csv"], "which columns are labels"),
        (["train", "nowhere.csv", "--labels", "last:2"], "nowhere.csv"),
        (["predict", "run", "nowhere.csv", "--out", "p.csv"], "nowhere.csv"),
        (["predict", "run", "test.csv", "--out", "p.xlsx"], "p.xlsx"),
        (["predict", "nowhere", "test.csv", "--out", "p.csv"], "nowhere is no folder"),
        (["evaluate", "run", "--test", "test.csv", "--name", "../up"], "../up"),
        (["train", "train.csv", "--labels", "last:2", "--loss", "lsep", "--out", "run"], "holds another run"),
    ],
)
def test_a_wrong_command_says_what_was_wanted_and_exits_with_2(place, monkeypatch, capsys, words, said):
    monkeypatch.chdir(place)
    assert main(words) == 2
    assert said in capsys.readouterr().err


def test_a_model_refuses_rows_without_one_of_its_features(place, capsys):
    (place / "other.csv").write_text("a,b,d\n1,2,3\n")
    words = ["predict", str(place / "run"), str(place / "other.csv"), "--out", str(place / "none.csv")]
    assert main(words) == 2
    assert "column 'd' is no feature of the model" in capsys.readouterr().err
    assert not (place / "none.csv").exists()


@pytest.mark.parametrize(
    ("number", "status"),
    [(signal.SIGTERM, 143), pytest.param(signal.SIGINT, 130, marks=pytest.mark.slow)],
)
def test_a_signal_saves_says_how_to_go_on_and_exits_by_its_number(place, number, status):
    out = place / f"stopped-{status}"
    words = [sys.executable, "-m", "mlj.cli", "train", str(place / "train.csv"), "--labels", "last:2", *QUICK]
    words += ["--max-epochs", "100000", "--patience", "100000", "--out", str(out)]
    child = subprocess.Popen(words, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    log = out / "log.jsonl"
    while not log.exists() and child.poll() is None:
        time.sleep(0.05)
    os.kill(child.pid, number)
    said = child.communicate(timeout=60)[1]
    assert child.returncode == status
    assert f"mlj train --config {out / 'config.json'}" in said
    assert list((out / "checkpoints").glob("step-*"))


def test_tensorboard_files_hold_the_passes(place):
    from tensorboardX.proto.event_pb2 import Event

    out = place / "board"
    words = [
        "train",
        str(place / "train.csv"),
        "--labels",
        "last:2",
        *QUICK,
        "--tensorboard",
        "--out",
        str(out),
    ]
    assert main([*words, "--metric", "coverage_error"]) == 0
    (file,) = (out / "events").iterdir()
    content, tags = file.read_bytes(), []
    while content:
        size = int.from_bytes(content[:8], "little")
        event = Event.FromString(content[12 : 12 + size])
        tags += [(value.tag, value.simple_value) for value in event.summary.value]
        content = content[16 + size :]
    assert [tag for tag, _ in tags] == ["objective", "validation/coverage_error"] * 2
    log = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    assert [line["coverage_error"] for line in log] == pytest.approx([v for t, v in tags if "cover" in t])
    assert min(line["coverage_error"] for line in log) > 0


def test_a_model_of_a_table_judges_an_array_without_the_tables_options(place):
    from mlj.data import load

    features = load(place / "test.csv", labels="last:2").features
    np.save(place / "test.npy", features)
    for name in ("csv", "npy"):
        words = [
            "predict",
            str(place / "run"),
            str(place / f"test.{name}"),
            "--out",
            str(place / f"{name}.jsonl"),
        ]
        assert main(words) == 0
    assert (place / "csv.jsonl").read_bytes() == (place / "npy.jsonl").read_bytes()
    assert main([*words, "--delimiter", ";"]) == 2


def test_missing_features_are_filled_with_the_means_of_the_rows_trained_on(place):
    text = (place / "train.csv").read_text().splitlines()
    (place / "gaps.csv").write_text("\n".join([text[0], "," + text[1].split(",", 1)[1], *text[2:]]))
    words = ["train", str(place / "gaps.csv"), "--labels", "last:2", "--missing-features", "mean", *QUICK]
    assert main([*words, "--out", str(place / "gapped")]) == 0
    info = json.loads((place / "gapped" / "model" / "model.json").read_text())
    (place / "holes.csv").write_text("a,b,c\n,1,2\n")
    (place / "filled.csv").write_text(f"a,b,c\n{np.float32(info['feature_means'][0])},1,2\n")
    for name in ("holes", "filled"):
        words = [
            "predict",
            str(place / "gapped"),
            str(place / f"{name}.csv"),
            "--out",
            str(place / f"{name}.jsonl"),
        ]
        assert main(words) == 0
    assert (place / "holes.jsonl").read_bytes() == (place / "filled.jsonl").read_bytes()


def test_an_evaluation_that_cannot_be_made_leaves_nothing_behind(place, capsys):
    assert main(["evaluate", str(place / "run"), "--test", str(place / "nowhere.csv")]) == 2
    assert "nowhere.csv" in capsys.readouterr().err
    assert not (place / "run" / "evaluations" / "nowhere").exists()
