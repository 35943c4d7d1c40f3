"""One run: the same bits however it is cut, clear stops, nothing silently changed."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import jax
import numpy as np
import pytest
import scipy.sparse as sp

from mlj.data import DataError, Dataset, TextDataset, write_disk
from mlj.runs import Stopped, TrainConfig, TrainingFailed, finished, train
from mlj.runs.feed import Feed, divide
from mlj.storage import Checkpoints, RunLock, RunLocked

QUICK = TrainConfig(
    loss="zlpr",
    rule="zero",
    max_epochs=3,
    batch_size=8,
    hidden=(6,),
    learning_rate=0.01,
    checkpoint_seconds=0,
)


def _data(rows=60, seed=0, sparse=False, where=False):
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(rows, 5)).astype(np.float32)
    labels = (features @ rng.normal(size=(5, 3)) + rng.normal(size=(rows, 3)) > 0).astype(int)
    if sparse:
        features = sp.csr_array(np.where(rng.random(features.shape) < 0.5, features, 0))
    return Dataset(features, labels, where=rng.random(labels.shape) < 0.8 if where else None)


def _texts(rows=60):
    rng = np.random.default_rng(0)
    labels = rng.random((rows, 3)) < 0.5
    words = np.array([f"word{number}" for number in range(6)])
    texts = [" ".join([*np.array(["sea", "sky", "fog"])[row], *rng.choice(words, 3)]) for row in labels]
    return TextDataset(texts, labels.astype(int), label_names=("sea", "sky", "fog"))


def _sha256(out: Path) -> str:
    """Return the hash of parameters, optimizer state, key and step of the last checkpoint."""
    state = Checkpoints(out / "checkpoints").restore()
    digest = hashlib.sha256(f"{state.step} {json.dumps(state.facts, sort_keys=True)}".encode())
    for name in sorted(state.arrays):
        digest.update(name.encode() + state.arrays[name].tobytes())
    return digest.hexdigest()


class _StopAfter:
    """Says stop at the n-th time it is asked."""

    def __init__(self, times: int):
        self.left = times

    def __call__(self) -> bool:
        self.left -= 1
        return self.left == 0


KINDS = {
    "dense": (_data, {}),
    "sparse": (partial(_data, sparse=True), {}),
    "missing": (partial(_data, where=True), {}),
    "texts": (_texts, {}),
    "tokens": (_texts, {"model": "bag_of_ngrams", "text_length": 4}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_that_is_stopped_again_and_again_ends_with_the_bits_of_one_that_was_not(tmp_path, kind):
    make, changes = KINDS[kind]
    data, config = make(), replace(QUICK, **changes)
    whole = train(data, config, tmp_path / "whole")
    stops, parted = 0, None
    while parted is None:
        try:
            parted = train(data, config, tmp_path / "parted", stop=_StopAfter(2))
        except Stopped:
            stops += 1
    assert stops == 3
    assert _sha256(tmp_path / "whole") == _sha256(tmp_path / "parted")
    assert whole.facts == parted.facts
    for one, other in zip(jax.tree.leaves(whole.model.params), jax.tree.leaves(parted.model.params)):
        np.testing.assert_array_equal(one, other)
    lines = [(tmp_path / name / "log.jsonl").read_text().splitlines() for name in ("whole", "parted")]
    logs = [[{k: v for k, v in json.loads(line).items() if k != "seconds"} for line in log] for log in lines]
    assert logs[0] == logs[1]


def test_a_data_set_on_disk_trains_to_the_bits_of_the_same_data_in_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("mlj.runs.feed.MOST_STRATIFIED", 0)
    data = _data()
    disk = write_disk(data, tmp_path / "disk")
    runs = [train(source, QUICK) for source in (data, disk)]
    for one, other in zip(*(jax.tree.leaves(run.model.params) for run in runs)):
        np.testing.assert_array_equal(one, other)


def test_stretches_of_any_length_give_the_same_bits(monkeypatch):
    data = _data()
    whole = train(data, QUICK)
    monkeypatch.setattr("mlj.runs.loop.STRETCH_BYTES", 1)
    single = train(data, QUICK)
    assert whole.facts == single.facts
    for one, other in zip(jax.tree.leaves(whole.model.params), jax.tree.leaves(single.model.params)):
        np.testing.assert_array_equal(one, other)


def test_another_seed_gives_another_model():
    runs = [train(_data(), replace(QUICK, seed=seed)) for seed in (0, 1)]
    assert not np.array_equal(*(jax.tree.leaves(run.model.params)[0] for run in runs))


def test_a_folder_that_holds_another_run_is_refused_and_left_alone(tmp_path):
    train(_data(), QUICK, tmp_path / "run")
    before = _sha256(tmp_path / "run")
    with pytest.raises(ValueError, match=r"learning_rate is 0\.01, not 0\.02"):
        train(_data(), replace(QUICK, learning_rate=0.02), tmp_path / "run")
    with pytest.raises(ValueError, match="its data is"):
        train(_data(seed=1), QUICK, tmp_path / "run")
    assert _sha256(tmp_path / "run") == before


def test_a_second_process_in_the_folder_is_refused(tmp_path):
    with RunLock(tmp_path / "run"), pytest.raises(RunLocked, match="in use"):
        train(_data(), QUICK, tmp_path / "run")


HARMS = {
    "deleted": lambda lines: None,
    "emptied": lambda lines: [],
    "cut in the last line": lambda lines: [*lines[:-1], lines[-1][:-9]],
    "without its second line": lambda lines: [lines[0], *lines[2:]],
    "with a line twice": lambda lines: [lines[0], *lines],
    "with another number": lambda lines: [
        line.replace('"best_epoch": ', '"best_epoch": 1') for line in lines
    ],
    "with a line that is no entry": lambda lines: ['[1]\n{"epoch": []}\n', *lines],
    "of bytes that are no text": lambda lines: ["\udcff", *lines],
}


@pytest.mark.parametrize("harm", HARMS)
def test_a_log_that_is_harmed_is_mended_from_the_checkpoint(harm, tmp_path):
    train(_data(), QUICK, tmp_path)
    log = tmp_path / "log.jsonl"
    before = log.read_text()
    lines = HARMS[harm](before.splitlines(keepends=True))
    log.unlink()
    if lines is not None:
        log.write_bytes("".join(lines).encode(errors="surrogateescape"))
    train(_data(), QUICK, tmp_path)
    found, wanted = ([json.loads(line) for line in text.splitlines()] for text in (log.read_text(), before))
    assert len(found) == QUICK.max_epochs
    for one, other in zip(found, wanted):
        assert one["seconds"] in (None, other["seconds"])
        assert one | {"seconds": None} == other | {"seconds": None}
    lost = [entry["epoch"] for entry in found if entry["seconds"] is None]
    assert lost == LOST[harm]


LOST = {
    "deleted": [1, 2, 3],
    "emptied": [1, 2, 3],
    "cut in the last line": [3],
    "without its second line": [2],
    "with a line twice": [],
    "with another number": [1, 2, 3],
    "with a line that is no entry": [],
    "of bytes that are no text": [1],
}
"""The passes whose seconds are not known any more."""


def test_a_damaged_checkpoint_is_told_and_the_one_before_it_leads_to_the_same_end(tmp_path):
    out, said = tmp_path / "run", []
    with pytest.raises(Stopped):
        train(_data(), QUICK, out, stop=_StopAfter(3))
    newest = sorted((out / "checkpoints").glob("step-*"))[-1] / "arrays.safetensors"
    content = bytearray(newest.read_bytes())
    content[-1] ^= 1
    newest.write_bytes(content)
    train(_data(), QUICK, out, say=said.append)
    train(_data(), QUICK, tmp_path / "whole")
    assert "refused" in said[0]
    assert "sha256" in said[0]
    assert _sha256(out) == _sha256(tmp_path / "whole")


def test_a_finished_run_gives_its_model_again_without_training(tmp_path):
    run = train(_data(), QUICK, tmp_path / "run")
    told = []
    again = train(_data(), QUICK, tmp_path / "run", tell=told.append)
    assert told == []
    features = _data().features
    np.testing.assert_array_equal(run.model.predict(features), again.model.predict(features))
    np.testing.assert_array_equal(run.model.predict(features), finished(tmp_path / "run").predict(features))


def test_a_rate_that_explodes_stops_with_the_step_and_saves_no_model(tmp_path):
    config = replace(QUICK, optimizer="sgd", learning_rate=1e30, loss="squared_hinge", average_decay=0.0)
    with pytest.raises(TrainingFailed, match=r"not finite|stopped being finite at step \d+"):
        train(_data(), config, tmp_path / "run")
    assert not (tmp_path / "run" / "model").exists()
    assert _finite(Checkpoints(tmp_path / "run" / "checkpoints").restore())


def _finite(state) -> bool:
    return state is None or all(np.isfinite(array).all() for array in state.arrays.values())


def test_a_run_that_fails_late_keeps_its_best_finite_model(tmp_path):
    config = replace(QUICK, optimizer="sgd", learning_rate=1.0, loss="squared_hinge", max_epochs=40)
    run = train(_data(), config, tmp_path / "run")
    assert run.facts.failed_step is not None
    assert run.facts.best_epoch == run.facts.epoch == 1
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(run.model.params))
    assert _finite(Checkpoints(tmp_path / "run" / "checkpoints").restore())


@pytest.mark.parametrize("rows", [1, 2])
def test_too_few_rows_are_refused_and_leave_no_folder_behind(rows, tmp_path):
    with pytest.raises(DataError, match=r"empty|constant|unlabelled"):
        train(Dataset(np.ones((rows, 2)), np.ones((rows, 2), int)), QUICK, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_flipped_bit_in_packed_data_is_found_before_training(tmp_path):
    disk = write_disk(_data(), tmp_path / "disk")
    file = tmp_path / "disk" / "features.npy"
    content = bytearray(file.read_bytes())
    content[-2] ^= 1
    file.write_bytes(content)
    with pytest.raises(DataError, match="damaged"):
        train(disk, QUICK, tmp_path / "run")


def test_features_of_extreme_size_give_a_finite_model_or_a_clear_stop():
    data = _data(rows=200)
    features = data.features.copy()
    wild = np.random.default_rng(0).random(features.shape) < 0.01
    features[wild] = np.where(np.random.default_rng(1).random(wild.sum()) < 0.5, 1e30, -1e30)
    run = train(data.replace(features=features), QUICK)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(run.model.params))
    assert np.isfinite(run.model.probs(features)).all()


def test_batches_without_a_present_label_train_to_a_finite_model():
    labels = np.zeros((80, 3), int)
    labels[:8, 0] = 1
    features = np.random.default_rng(0).normal(size=(80, 5))
    run = train(Dataset(features, labels), QUICK)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(run.model.params))


def test_official_parts_are_kept_and_the_test_part_is_never_fed():
    split = np.repeat([0, 1, 2], 20)
    data = _data().replace(split=split)
    division = divide(data, QUICK)
    assert division.train.tolist() == list(range(20))
    assert division.validation.tolist() == list(range(20, 40))


def test_a_feed_gives_the_rows_that_were_asked_for_and_empty_ones_behind():
    from mlj.data.scaling import fit_scaling

    for sparse in (False, True):
        data = _data(sparse=sparse)
        feed = Feed(data, fit_scaling(data.features), masked=False)
        batch = feed(np.array([3, 1]), capacity=4)
        assert batch.labels.tolist() == [*data.labels[[3, 1]].tolist(), [0] * 3, [0] * 3]
        assert {leaf.shape[0] for leaf in jax.tree.leaves(batch)} == {4}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"loss": "zlrp"}, "did you mean 'zlpr'"),
        ({"loss": None, "approach": "clasifier_chain"}, "did you mean 'classifier_chain'"),
        ({"approach": "classifier_chain"}, "not both"),
        ({"metric": "micro_f2"}, "micro_f"),
        ({"batch_size": 0}, "batch_size must be at least 1"),
        ({"learning_rate": -1.0}, "learning_rate must be positive"),
        ({"seed": -1}, "seed must be from 0"),
    ],
)
def test_a_setting_that_no_run_can_have_is_refused_by_name(changes, said):
    with pytest.raises(ValueError, match=said):
        replace(QUICK, **changes)


def test_a_rule_that_does_not_exist_is_refused_before_training():
    with pytest.raises(ValueError, match="did you mean 'top_k'"):
        train(_data(), replace(QUICK, rule="topk"), tell=lambda progress: pytest.fail("it trained"))
