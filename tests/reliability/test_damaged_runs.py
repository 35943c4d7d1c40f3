"""What happens to a small run is seen, and it comes to the end of the one that nothing happened to."""

from __future__ import annotations

import json
import shutil
import signal
from unittest.mock import ANY

import pytest


def test_flipped_bits_of_the_newest_checkpoint_lead_back_to_the_one_before_it(small, finished, tmp_path):
    from faults.damage import flip_bits

    run = shutil.copytree(finished, tmp_path / "run")
    found = flip_bits(small[1], run, flips=30, seed=1)
    assert sorted(found) == ["arrays.safetensors", "checkpoint.json", "manifest.json"]
    assert [counts["noticed"] for counts in found.values()] == [10, 10, 10]


def test_a_flip_that_nobody_checks_is_counted_as_wrong(small, finished, tmp_path, monkeypatch):
    from faults.damage import flip_bits

    from mlj.storage import folder

    monkeypatch.setattr(folder, "entry_of", lambda content: ANY)
    run = shutil.copytree(finished, tmp_path / "run")
    found = flip_bits(small[1], run, flips=30, seed=1)
    assert found["arrays.safetensors"]["wrong"] > 0


def test_harmed_files_lead_to_the_same_bits_or_to_an_error_that_names_them(small, finished):
    from faults.damage import HARMS, harm_all

    work, case = small
    names = {"arrays.safetensors", "config.json", "log.jsonl", "params.safetensors"}
    found = harm_all(case, finished, work / "harmed", lambda path: path.name in names)
    assert len(found) == 4 * len(HARMS)
    for one in found:
        assert one.outcome != "other bits", one
        if one.outcome == "refused":
            assert one.file in one.said, one
        if "checkpoints" in one.file:
            assert one.outcome == "same bits", one
            assert one.file in one.said, one


def test_a_run_is_not_gone_on_with_by_settings_that_were_changed_in_its_folder(small, finished, tmp_path):
    from mlj.data import load
    from mlj.runs import read_config, train

    out = shutil.copytree(finished, tmp_path / "changed")
    saved = json.loads((out / "config.json").read_text())
    saved["config"]["learning_rate"] = 0.02
    (out / "config.json").write_text(json.dumps(saved))
    with pytest.raises(ValueError, match="other settings or data"):
        train(load(small[1].data), read_config(out / "config.json")[0], out)


def test_a_run_that_is_killed_inside_a_save_goes_on_to_the_same_bits(small, finished):
    from faults.case import digest
    from faults.child import Child, Setting
    from faults.damage import train_here
    from faults.watch import Point

    work, case = small
    out, point = work / "killed", Point("checkpoint", 3, 11)
    child = Child(case.command(out), work / "killed.txt", Setting(hold=point))
    assert child.wait_until("held")
    child.signal(signal.SIGKILL)
    assert child.end() == -signal.SIGKILL
    # What the killed process was writing lies there, and goes when the run goes on.
    assert any(path.name.startswith(".") for path in (out / "checkpoints").iterdir())
    train_here(case, out)
    assert not any(path.name.startswith(".") for path in (out / "checkpoints").iterdir())
    assert digest(out) == digest(finished)


def test_the_digest_of_a_run_sees_one_changed_bit_of_a_checkpoint_and_of_a_log(finished, tmp_path):
    from faults.case import digest

    from mlj.storage import Checkpoints

    before = digest(finished)
    log = shutil.copytree(finished, tmp_path / "log") / "log.jsonl"
    log.write_text(log.read_text().replace('"epoch": 3', '"epoch": 2'))
    assert digest(log.parent) != before
    assert digest(log.parent, log=False) == digest(finished, log=False)
    other = shutil.copytree(finished, tmp_path / "other")
    checkpoints = Checkpoints(other / "checkpoints")
    state = checkpoints.restore()
    name = next(name for name in state.arrays if name.startswith("stretch"))
    arrays = {key: array.copy() for key, array in state.arrays.items()}
    arrays[name].reshape(-1).view("u1")[0] ^= 1
    checkpoints.save(state.step, arrays, state.facts)
    assert digest(other) != before


def test_a_flipped_bit_of_a_payload_is_never_taken_for_right(tmp_path):
    from faults.damage import flip_payload

    found = flip_payload(tmp_path, size=1000, flips=20, seed=0)
    assert found["mlj"] == {"refused": 20, "same bits": 0, "silently wrong": 0}
