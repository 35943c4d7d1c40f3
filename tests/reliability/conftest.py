"""What is done to runs is in the folder of the experiments."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

FOLDER = str(Path(__file__).parents[2] / "experiments")


@pytest.fixture(scope="session", autouse=True)
def _experiments():
    sys.path.insert(0, FOLDER)
    yield
    sys.path.remove(FOLDER)


@pytest.fixture(scope="session")
def small(tmp_path_factory):
    """Return a small run: a folder to work in, and what is trained."""
    from faults.case import make_case

    work = tmp_path_factory.mktemp("runs")
    return work, make_case(work, rows=100, epochs=6)


@pytest.fixture(scope="session")
def whole(small):
    """Return the small run as it is when nothing disturbs it."""
    from faults.kills import undisturbed

    work, case = small
    return undisturbed(case, work)


@pytest.fixture(scope="session")
def finished(small):
    """Return the folder of the small run, trained in this process."""
    from faults.damage import train_here

    work, case = small
    train_here(case, work / "finished")
    return work / "finished"
