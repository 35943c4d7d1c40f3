"""Every experiment runs, in small."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "experiments"
SMALL = {"bench_lanes": {"lanes": 2, "epochs": 1, "rounds": 1, "widths": (8,), "out": None}}


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.stem)
def test_an_experiment_runs_in_small(path, monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    module = import_module(path.stem)
    assert module.run(module.Config(**SMALL[path.stem]))
