"""All experiments by one command: who has which cores, what is told, and what a failure does."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "experiments"
SCRIPT = """
import os
print("data in", os.environ["MLJ_DATA_DIR"])
print("cores", *sorted(os.sched_getaffinity(0)))
print("1/2 first: kept from an earlier run")
print("2/2 second: 1 s, about 0 min left")
"""


@pytest.fixture
def all_tables(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(FOLDER))
    module = import_module("all_tables")
    monkeypatch.setattr(module, "FOLDER", tmp_path)
    for name in module.EXPERIMENTS:
        (tmp_path / f"{name}.py").write_text(SCRIPT)
    return module


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="the system keeps no process to its cores")
def test_experiments_share_the_cores_and_the_last_has_all(all_tables, tmp_path, capsys):
    page = tmp_path / "page.md"
    ran = {one.name: one for one in all_tables.run(all_tables.Config(data_dir=tmp_path, out=page))}
    lines = capsys.readouterr().out.splitlines()
    assert set(ran) == set(all_tables.EXPERIMENTS)
    assert all(one.exit_code == 0 and one.kept == 1 for one in ran.values())
    mine = sorted(os.sched_getaffinity(0))
    told = [line.split() for line in lines]
    had = {words[0].rstrip(":"): words[2:] for words in told if words[1:2] == ["cores"] and words[0] != "|"}
    assert had["joint_models"] == [str(core) for core in mine]
    assert {name: len(cores) for name, cores in had.items()} == {name: one.cores for name, one in ran.items()}
    assert ran["text"].cores <= (len(mine) + 1) // 2
    assert {f"{name}: data in {tmp_path}" for name in ran} <= set(lines)
    assert "| `text.py` |" in page.read_text()
    assert f"| {len(ran)} | |" in page.read_text()


def test_an_experiment_that_fails_is_named_and_the_others_go_on(all_tables, tmp_path):
    (tmp_path / "text.py").write_text("raise SystemExit(3)")
    page = tmp_path / "page.md"
    ran = all_tables.run(all_tables.Config(data_dir=tmp_path, experiments=("text", "hierarchy"), out=page))
    assert {one.name: one.exit_code for one in ran} == {"text": 3, "hierarchy": 0}
    assert "failed with 3" in page.read_text()
    assert page.read_text().count("| measured |") == 1


def test_an_unknown_experiment_is_refused_with_the_nearest_name(all_tables):
    with pytest.raises(ValueError, match="did you mean 'hierarchy'"):
        all_tables.run(all_tables.Config(experiments=("hierarchi",), out=None))
