"""One process at a time works in a run's folder, and a dead one holds nothing."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import time

import pytest
from stored_states import assert_is_state

from mlj.storage import Checkpoints, RunLock, RunLocked, lock

HOLD = """
import sys
from mlj.storage import RunLock
with RunLock(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.readline()
"""

TRY = """
import sys
from mlj.storage import RunLock, RunLocked
try:
    with RunLock(sys.argv[1]):
        print("got it")
except RunLocked as error:
    print(error)
"""


@pytest.fixture
def holder(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def _try(folder) -> str:
    ran = subprocess.run([sys.executable, "-c", TRY, folder], capture_output=True, text=True, check=True)
    return ran.stdout


def test_a_second_process_is_refused_and_told_who_holds_the_folder_since_when(holder, tmp_path):
    with pytest.raises(
        RunLocked, match=rf"'{tmp_path}' is in use by process {holder.pid} since 20..-..-..T"
    ) as caught:
        RunLock(tmp_path).__enter__()
    assert caught.value.pid == holder.pid
    assert f"process {holder.pid} since {caught.value.since}" in _try(tmp_path)


@pytest.mark.parametrize("end", ["kill", "terminate", "leave"])
def test_the_lock_ends_with_its_process_however_that_ends(holder, tmp_path, end):
    if end == "leave":
        holder.communicate("\n")
    else:
        getattr(holder, end)()
        holder.wait()
    assert _try(tmp_path) == "got it\n"


def test_a_second_lock_in_the_same_process_is_refused_and_the_first_one_goes_on(tmp_path):
    first = RunLock(tmp_path)
    with first:
        for other in (RunLock(tmp_path), first):
            with pytest.raises(RunLocked, match=f"process {os.getpid()} since"):
                other.__enter__()
        assert f"process {os.getpid()}" in _try(tmp_path)
    assert _try(tmp_path) == "got it\n"


def test_the_lock_is_given_back_after_an_error_and_can_be_taken_again(tmp_path):
    held = RunLock(tmp_path)
    with pytest.raises(ZeroDivisionError), held:
        raise ZeroDivisionError
    with held:
        pass
    with RunLock(tmp_path):
        pass


def test_the_folder_is_made_and_two_folders_are_two_locks(tmp_path):
    with RunLock(tmp_path / "a" / "b"), RunLock(tmp_path / "a" / "c"):
        assert (tmp_path / "a" / "b").is_dir()


@pytest.mark.parametrize("content", [b"", b"\x00\xff", b"{}", b'{"pid": "4711", "since": 3}', b"[" * 2000])
def test_a_lock_file_that_cannot_be_read_still_holds(tmp_path, content):
    with RunLock(tmp_path):
        (tmp_path / "run.lock").write_bytes(content)
        with pytest.raises(RunLocked, match="is in use by another process; wait"):
            RunLock(tmp_path).__enter__()


def test_a_lock_file_that_leads_elsewhere_is_refused_and_what_it_leads_to_is_intact(tmp_path):
    (tmp_path / "thesis").write_text("years of work")
    (tmp_path / "run.lock").symlink_to("thesis")
    with pytest.raises(OSError, match=r"symbolic links: .*run.lock"):
        RunLock(tmp_path).__enter__()
    assert (tmp_path / "thesis").read_text() == "years of work"


def test_a_file_system_without_locks_is_refused_rather_than_trusted(tmp_path, monkeypatch):
    monkeypatch.setattr(lock, "hold", lambda descriptor: "unknown")
    with pytest.raises(OSError, match="is on a file system without locks"):
        RunLock(tmp_path).__enter__()


def test_the_error_travels_between_processes():
    error = pickle.loads(pickle.dumps(RunLocked("runs/a", 3, "now")))
    assert (error.folder, error.pid, error.since) == ("runs/a", 3, "now")


WRITER = """
import sys
from stored_states import state_of
from mlj.storage import Checkpoints
checkpoints = Checkpoints(sys.argv[1], keep=50)
for step in range(int(sys.argv[2]), 20, 2):
    checkpoints.save(step, *state_of(step))
"""


def test_even_without_a_lock_two_processes_that_save_into_one_folder_lose_nothing(tmp_path):
    here = os.path.dirname(__file__)
    command = [sys.executable, "-c", WRITER, tmp_path]
    places = [os.environ["PYTHONPATH"], here, os.path.dirname(os.path.dirname(here))]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(places)}
    writers = [subprocess.Popen([*command, str(first)], env=env) for first in (0, 1)]
    checkpoints, deadline = Checkpoints(tmp_path), time.monotonic() + 60
    while any(writer.poll() is None for writer in writers) and time.monotonic() < deadline:
        state = checkpoints.restore()
        assert state is None or state.rejected == []
    assert [writer.wait() for writer in writers] == [0, 0]
    assert checkpoints.steps() == list(range(20))
    assert_is_state(checkpoints.restore(), 19)
    assert len(os.listdir(tmp_path)) == 20
