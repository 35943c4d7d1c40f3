"""What is saved comes back, the newest few stay, and nothing older goes before the new one is safe."""

from __future__ import annotations

import os

import numpy as np
import pytest
from stored_states import assert_is_state, flip, state_of

from mlj.storage import Checkpoints, Damaged, exchange


def _save(checkpoints: Checkpoints, *steps: int) -> None:
    for step in steps:
        checkpoints.save(step, *state_of(step))


def test_a_state_comes_back_bit_for_bit_in_a_new_process_of_thought(tmp_path):
    _save(Checkpoints(tmp_path / "made" / "on" / "demand"), 0, 7)
    state = Checkpoints(tmp_path / "made" / "on" / "demand").restore()
    assert_is_state(state, 7)
    assert state.rejected == []


def test_a_state_may_hold_no_arrays_and_no_facts(tmp_path):
    Checkpoints(tmp_path).save(0, {}, {})
    state = Checkpoints(tmp_path).restore()
    assert (state.step, state.arrays, state.facts) == (0, {}, {})


@pytest.mark.parametrize("exists", [True, False])
def test_where_nothing_was_saved_there_is_nothing_to_restore(tmp_path, exists):
    folder = tmp_path if exists else tmp_path / "no"
    assert Checkpoints(folder).restore() is None
    assert Checkpoints(folder).steps() == []
    assert os.path.exists(folder) is exists


@pytest.mark.parametrize("keep", [1, 2, 3])
def test_the_newest_states_stay_and_older_ones_go(tmp_path, keep):
    checkpoints = Checkpoints(tmp_path, keep=keep)
    for last in range(1, 7):
        _save(checkpoints, 10 * last)
        assert checkpoints.steps() == [10 * step for step in range(1, last + 1)][-keep:]
        assert len(os.listdir(tmp_path)) == min(keep, last)
    assert_is_state(checkpoints.restore(), 60)


def test_the_steps_are_ordered_as_numbers(tmp_path):
    _save(Checkpoints(tmp_path), 9, 10, 100_000_000_000)
    assert sorted(os.listdir(tmp_path))[-1] == "step-100000000000"
    assert_is_state(Checkpoints(tmp_path).restore(), 100_000_000_000)


def test_a_damaged_state_does_not_count_among_those_that_are_kept(tmp_path):
    _save(Checkpoints(tmp_path), 1, 2, 3)
    flip(tmp_path / "step-000000000002" / "arrays.safetensors", 99)
    flip(tmp_path / "step-000000000003" / "manifest.json", 99)
    checkpoints = Checkpoints(tmp_path, keep=1)
    assert_is_state(checkpoints.restore(), 1)
    _save(Checkpoints(tmp_path, keep=2), 4)
    assert Checkpoints(tmp_path).steps() == [1, 2, 3, 4]
    _save(checkpoints, 5)
    assert checkpoints.steps() == [5]


def test_the_last_good_state_stays_while_all_newer_ones_are_damaged(tmp_path):
    _save(Checkpoints(tmp_path), 100, 200, 300)
    for step in ("200", "300"):
        flip(tmp_path / f"step-000000000{step}" / "checkpoint.json", 7)
    _save(Checkpoints(tmp_path, keep=1), 50)
    assert Checkpoints(tmp_path).steps() == [50, 100, 200, 300]
    assert_is_state(Checkpoints(tmp_path).restore(), 100)


def test_the_state_that_was_just_saved_stays_even_among_newer_ones(tmp_path):
    _save(Checkpoints(tmp_path, keep=2), 8, 9)
    _save(Checkpoints(tmp_path, keep=1), 3)
    assert Checkpoints(tmp_path).steps() == [3, 9]


def test_an_older_state_goes_only_after_the_new_one_is_in_place_and_on_the_disk(tmp_path, monkeypatch):
    checkpoints = Checkpoints(tmp_path, keep=1)
    _save(checkpoints, 1)
    seen = []
    real = os.fsync

    def watching(descriptor):
        real(descriptor)
        seen.append(checkpoints.steps())

    monkeypatch.setattr(os, "fsync", watching)
    _save(checkpoints, 2)
    assert seen[0] == [1]
    assert seen[-1] == [1, 2]
    assert checkpoints.steps() == [2]


def test_saving_the_same_state_again_writes_nothing(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    _save(checkpoints, 1)
    before = os.stat(tmp_path / "step-000000000001")
    _save(checkpoints, 1)
    assert os.path.samestat(before, os.stat(tmp_path / "step-000000000001"))


@pytest.mark.parametrize("can_swap", [True, False])
def test_saving_another_state_of_the_same_step_replaces_it(tmp_path, can_swap, monkeypatch):
    if not can_swap:
        monkeypatch.setattr(exchange, "swap", lambda one, other: False)
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(1, {"w": np.zeros(3)}, {"old": True})
    _save(checkpoints, 1)
    assert_is_state(checkpoints.restore(), 1)
    assert os.listdir(tmp_path) == ["step-000000000001"]


@pytest.mark.parametrize("what", ["damaged", "a file", "a link", "another folder"])
@pytest.mark.parametrize("can_swap", [True, False])
def test_saving_puts_right_whatever_stands_in_the_place_of_the_step(tmp_path, what, can_swap, monkeypatch):
    if not can_swap:
        monkeypatch.setattr(exchange, "swap", lambda one, other: False)
    checkpoints, place = Checkpoints(tmp_path / "run"), tmp_path / "run" / "step-000000000001"
    _save(checkpoints, 0)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "precious").write_text("")
    if what == "damaged":
        _save(checkpoints, 1)
        (place / "manifest.json").unlink()
    elif what == "a file":
        place.write_text("")
    elif what == "a link":
        place.symlink_to(tmp_path / "elsewhere")
    else:
        place.mkdir()
    assert_is_state(checkpoints.restore(), 0)
    _save(checkpoints, 1)
    assert_is_state(checkpoints.restore(), 1)
    assert sorted(os.listdir(tmp_path / "run")) == ["step-000000000000", "step-000000000001"]
    assert os.listdir(tmp_path / "elsewhere") == ["precious"]


def test_what_a_killed_save_left_goes_at_the_next_save_and_at_the_next_opening(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    left = tmp_path / ".step-000000000007.1.0123456789abcdef.new"
    for clear in (lambda: _save(checkpoints, 1), lambda: Checkpoints(tmp_path), checkpoints.restore):
        left.mkdir()
        (left / "arrays.safetensors").write_text("half")
        clear()
        assert os.listdir(tmp_path) in (["step-000000000001"], [])


def test_folders_of_other_names_are_left_alone(tmp_path):
    names = ["step-1", "step-0000000000001", "step-00000000000x", "step-000000000009.bak", "notes", ".git"]
    for name in names:
        (tmp_path / name).mkdir()
    _save(Checkpoints(tmp_path, keep=1), 1, 2)
    assert sorted(os.listdir(tmp_path)) == sorted([*names, "step-000000000002"])
    assert_is_state(Checkpoints(tmp_path).restore(), 2)


@pytest.mark.parametrize("step", [-1, 10**12, 1.0, "1", None, True])
def test_a_step_is_a_whole_number_of_at_most_twelve_digits(tmp_path, step):
    with pytest.raises(ValueError, match="wanted a whole number from 0 to 999999999999"):
        Checkpoints(tmp_path).save(step, {}, {})
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("keep", [0, -1, 1.5, None])
def test_at_least_one_state_is_kept(tmp_path, keep):
    with pytest.raises(ValueError, match="keep is"):
        Checkpoints(tmp_path, keep=keep)


def test_what_would_not_come_back_is_refused_before_the_disk_is_touched(tmp_path):
    checkpoints = Checkpoints(tmp_path / "run")
    with pytest.raises(TypeError, match="the array 'w' has dtype object"):
        checkpoints.save(1, {"w": np.array([{}])}, {})
    with pytest.raises(ValueError, match=r"\['facts'\]\['loss'\] is nan"):
        checkpoints.save(1, {}, {"loss": float("nan")})
    assert os.listdir(tmp_path) == []


def test_a_state_under_the_name_of_another_step_is_refused(tmp_path):
    _save(Checkpoints(tmp_path), 1, 2)
    (tmp_path / "step-000000000001").rename(tmp_path / "step-000000000005")
    state = Checkpoints(tmp_path).restore()
    assert_is_state(state, 2)
    assert "step-000000000005 is the state of step 1, under another name" in state.rejected[0]


def test_a_folder_of_another_kind_under_the_name_of_a_step_is_refused(tmp_path):
    from mlj.storage import pack_arrays, pack_json, write_folder

    arrays = pack_arrays({})
    pickled = b"\x80\x04K\x01."
    kinds = {
        "holds names.txt": {"names.txt": b""},
        "holds nothing": {},
        "cannot be used": {"arrays.safetensors": pickled, "checkpoint.json": None},
        "is not JSON": {"arrays.safetensors": arrays, "checkpoint.json": pickled},
        "is not of the format": {"arrays.safetensors": arrays, "checkpoint.json": pack_json({"step": 1})},
    }
    for reason, files in kinds.items():
        about = pack_json({"facts": {}, "format": "mlj-checkpoint-1", "step": 1})
        files = {name: about if content is None else content for name, content in files.items()}
        write_folder(tmp_path / "step-000000000001", files)
        with pytest.raises(Damaged, match=reason):
            Checkpoints(tmp_path).restore()


def test_a_link_in_the_place_of_a_step_is_refused_even_if_it_leads_to_a_good_one(tmp_path):
    _save(Checkpoints(tmp_path / "run"), 1, 2)
    (tmp_path / "run" / "step-000000000002").rename(tmp_path / "outside")
    (tmp_path / "run" / "step-000000000002").symlink_to(tmp_path / "outside")
    state = Checkpoints(tmp_path / "run").restore()
    assert_is_state(state, 1)
    assert state.rejected == [f"{tmp_path / 'run' / 'step-000000000002'} is a link"]
