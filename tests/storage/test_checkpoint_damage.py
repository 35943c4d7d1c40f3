"""Whatever happens to a checkpoint on the disk, it is seen, and the one before it comes back."""

from __future__ import annotations

import os
import random
import shutil

import pytest
from stored_states import assert_is_state, flip, state_of

from mlj.storage import Checkpoints, Damaged

FILES = ["arrays.safetensors", "checkpoint.json", "manifest.json"]


@pytest.fixture
def run(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    for step in (1, 2):
        checkpoints.save(step, *state_of(step))
    return tmp_path


def _assert_only_the_older_one_comes_back(run, name: str) -> None:
    state = Checkpoints(run).restore()
    assert_is_state(state, 1)
    assert len(state.rejected) == 1
    assert state.rejected[0].startswith(f"{run / 'step-000000000002'}")
    assert name in state.rejected[0]


DAMAGE = {
    "truncated to half": lambda path: os.truncate(path, path.stat().st_size // 2),
    "truncated by a byte": lambda path: os.truncate(path, path.stat().st_size - 1),
    "a byte longer": lambda path: os.truncate(path, path.stat().st_size + 1),
    "emptied": lambda path: os.truncate(path, 0),
    "deleted": lambda path: path.unlink(),
    "garbled": lambda path: path.write_bytes(random.Random(0).randbytes(path.stat().st_size)),
    "zeroed": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "taken from the older step": lambda path: shutil.copy(
        path.parent.parent / "step-000000000001" / path.name, path
    ),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "a link to itself": lambda path: (path.unlink(), path.symlink_to(path.name)),
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_is_named_and_the_state_before_comes_back(run, name, damage):
    DAMAGE[damage](run / "step-000000000002" / name)
    named = name
    if damage == "taken from the older step" and name == "manifest.json":
        # The manifest is in order and the files are not its own.
        named = "arrays.safetensors"
    _assert_only_the_older_one_comes_back(run, named)


def test_every_single_flipped_bit_of_a_manifest_brings_back_the_state_before(run):
    path = run / "step-000000000002" / "manifest.json"
    checkpoints = Checkpoints(run)
    for bit in range(8 * path.stat().st_size):
        flip(path, bit)
        state = checkpoints.restore()
        assert (state.step, len(state.rejected)) == (1, 1), bit
        assert "manifest.json" in state.rejected[0], bit
        flip(path, bit)
    assert_is_state(checkpoints.restore(), 2)


def test_two_hundred_random_flipped_bits_of_the_contents_bring_back_the_state_before(run):
    chance = random.Random(6)
    for _ in range(200):
        name = chance.choice(FILES[:2])
        path = run / "step-000000000002" / name
        bit = chance.randrange(8 * path.stat().st_size)
        flip(path, bit)
        _assert_only_the_older_one_comes_back(run, name)
        flip(path, bit)
    assert_is_state(Checkpoints(run).restore(), 2)


def test_a_whole_state_copied_over_another_one_is_seen(run):
    shutil.rmtree(run / "step-000000000002")
    shutil.copytree(run / "step-000000000001", run / "step-000000000002")
    _assert_only_the_older_one_comes_back(run, "is the state of step 1")


def test_where_nothing_is_whole_every_state_is_named_with_its_reason(run):
    flip(run / "step-000000000001" / "arrays.safetensors", 5)
    (run / "step-000000000002" / "manifest.json").unlink()
    with pytest.raises(Damaged) as caught:
        Checkpoints(run).restore()
    assert f"{run} has no checkpoint that is whole: " in str(caught.value)
    assert "step-000000000002/manifest.json is missing; " in str(caught.value)
    assert "step-000000000001/arrays.safetensors does not have the sha256" in str(caught.value)
    assert sorted(os.listdir(run)) == ["step-000000000001", "step-000000000002"]


def test_after_a_fall_back_saving_goes_on_and_puts_the_damaged_step_right(run):
    flip(run / "step-000000000002" / "arrays.safetensors", 5)
    checkpoints = Checkpoints(run)
    assert_is_state(checkpoints.restore(), 1)
    checkpoints.save(2, *state_of(2))
    state = Checkpoints(run).restore()
    assert_is_state(state, 2)
    assert state.rejected == []
