"""A process that is killed while it saves leaves the state before or the new one, never a mixture."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def _run(script: str, *arguments: object) -> list[int]:
    command = [sys.executable, HERE / script, *map(str, arguments)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=500)
    assert ran.returncode == 0, ran.stderr
    return [int(number) for number in ran.stdout.split()]


@pytest.mark.parametrize(
    ("what", "how"),
    [("step", "swap"), ("file", "swap")]
    + [(what, how) for what in ("same-step", "folder") for how in ("swap", "set-aside")],
)
def test_a_write_that_is_cut_at_any_call_leaves_the_old_or_the_new(what, how, tmp_path):
    cuts, kept_old = _run("cut_everywhere.py", what, how, tmp_path)
    # Some of the cuts come before the moment from which the new one counts, and some of them after it.
    assert 2 <= kept_old < cuts


@pytest.mark.parametrize("kills", [10, pytest.param(300, marks=pytest.mark.slow)])
def test_kills_at_random_moments_leave_a_state_that_was_wholly_saved(kills, tmp_path):
    (inside,) = _run("kill_at_random.py", kills, 20, tmp_path)
    assert inside >= 1
