"""Where nothing can be written the save says which path, and what was saved before stays as it was."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from stored_states import assert_is_state, state_of

from mlj.storage import Checkpoints, write_folder

HERE = Path(__file__).parent

LIMITS = [0, 100, 4096, 70_000]
LIMITED = """
import resource, sys
import numpy as np
from stored_states import state_of
from mlj.storage import Checkpoints
checkpoints = Checkpoints(sys.argv[1])
arrays, facts = state_of(2)
for limit in map(int, sys.argv[2:]):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        checkpoints.save(2, {**arrays, "large": np.ones(10_000)}, facts)
    except OSError as error:
        print(error)
"""

READ_ONLY = """
import os, sys
from stored_states import state_of
from mlj.storage import Checkpoints
os.chdir(sys.argv[1])
state = state_of(2)
if os.geteuid() == 0:
    # Permissions do not bind the superuser.
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
checkpoints = Checkpoints(".")
assert checkpoints.restore().step == 1
try:
    checkpoints.save(2, *state)
except PermissionError as error:
    print(error)
"""


def _run(code: str, *arguments: object) -> str:
    ran = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=100,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([os.environ["PYTHONPATH"], str(HERE), str(HERE.parents[1])]),
        },
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.fixture
def run(tmp_path):
    Checkpoints(tmp_path).save(1, *state_of(1))
    return tmp_path


def test_a_file_that_finds_no_room_leaves_the_state_before_and_nothing_half(run):
    said = _run(LIMITED, run, *LIMITS)
    assert said.splitlines() == [f"[Errno 27] File too large: '{run / 'step-000000000002'}'"] * len(LIMITS)
    assert os.listdir(run) == ["step-000000000001"]
    assert_is_state(Checkpoints(run).restore(), 1)


def test_a_read_only_folder_can_be_restored_from_and_not_saved_to(run):
    run.chmod(0o555)
    try:
        said = _run(READ_ONLY, run)
    finally:
        run.chmod(0o755)
    assert "Permission denied: 'step-000000000002'" in said
    assert os.listdir(run) == ["step-000000000001"]


def test_a_file_in_the_place_of_the_folder_is_named(tmp_path):
    (tmp_path / "checkpoints").write_text("")
    with pytest.raises(OSError, match="step-000000000001"):
        Checkpoints(tmp_path / "checkpoints").save(1, *state_of(1))
    with pytest.raises(OSError, match="checkpoints"):
        Checkpoints(tmp_path / "checkpoints").restore()
    with pytest.raises(OSError, match="model"):
        write_folder(tmp_path / "checkpoints" / "model", {})
    assert (tmp_path / "checkpoints").read_text() == ""


@pytest.fixture
def small_disk(tmp_path):
    """Mount a file system of 256 KiB, where that is allowed."""
    place = tmp_path / "disk"
    place.mkdir()
    try:
        made = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", place], capture_output=True
        )
    except FileNotFoundError:
        pytest.skip("there is no mount command")
    if made.returncode != 0:
        pytest.skip("this user may not mount a file system")
    try:
        yield place
    finally:
        subprocess.run(["umount", place], check=True)


def test_a_full_disk_leaves_the_state_before_and_room_enough_to_save_a_smaller_one(small_disk):
    import numpy as np

    checkpoints = Checkpoints(small_disk / "run", keep=1)
    checkpoints.save(1, *state_of(1))
    for size in (20_000, 29_000, 30_000, 10**6):
        with pytest.raises(OSError, match=r"No space left on device: '.*step-000000000002'"):
            checkpoints.save(2, {"large": np.ones(size)}, {"text": "x" * 100_000})
        assert os.listdir(small_disk / "run") == ["step-000000000001"]
        assert_is_state(Checkpoints(small_disk / "run").restore(), 1)
    checkpoints.save(2, *state_of(2))
    assert checkpoints.steps() == [2]
