"""An interrupted experiment goes on where it stopped, and never takes one result for another."""

from __future__ import annotations

import os
import subprocess
from functools import partial
from importlib import import_module
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "experiments"


@pytest.fixture
def store(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    return import_module("units.store")


def test_a_finished_unit_is_not_worked_on_again(store, tmp_path):
    calls, said = [], []

    def work():
        calls.append(1)
        return {"value": 0.1}

    for _ in range(2):
        units = store.Units(tmp_path, 1, said.append)
        assert units.run("yeast-zlpr", {"seeds": 5}, work) == {"value": 0.1}
    assert len(calls) == 1
    assert said[1] == "1/1 yeast-zlpr: kept from an earlier run"
    assert [path.name for path in tmp_path.iterdir()] == ["yeast-zlpr.json"]


def test_other_settings_or_a_damaged_file_are_worked_on_again(store, tmp_path):
    units = store.Units(tmp_path, 4, lambda text: None)
    assert units.run("a", {"seeds": 5}, lambda: {"value": 1}) == {"value": 1}
    assert units.run("a", {"seeds": 6}, lambda: {"value": 2}) == {"value": 2}
    (tmp_path / "a.json").write_text("{")
    assert units.run("a", {"seeds": 6}, lambda: {"value": 3}) == {"value": 3}


def test_work_that_fails_leaves_nothing_behind(store, tmp_path):
    units = store.Units(tmp_path, 1, lambda text: None)

    def fail():
        raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        units.run("a", {}, fail)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("processes", [1, 2])
def test_units_come_back_in_their_order_and_are_kept_whoever_worked_on_them(store, tmp_path, processes):
    said = []
    work = [store.Unit(f"u{number}", {"number": number}, partial(max, number, 1)) for number in range(3)]
    assert list(store.Units(tmp_path, 3, said.append).run_all(work, processes)) == [1, 1, 2]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["u0.json", "u1.json", "u2.json"]
    # A number cannot be called: nothing is worked on again.
    again = [unit._replace(work=0) for unit in work]
    assert list(store.Units(tmp_path, 3, said.append).run_all(again, processes)) == [1, 1, 2]
    assert [line.endswith(": kept from an earlier run") for line in said] == [False] * 3 + [True] * 3


@pytest.mark.parametrize("processes", [1, 2])
def test_an_error_comes_back_and_what_was_done_before_it_is_kept(store, tmp_path, processes):
    work = [store.Unit("good", {}, partial(max, 1, 2)), store.Unit("bad", {}, partial(int, "x"))]
    results = store.Units(tmp_path, 2, lambda text: None).run_all(work, processes)
    assert next(results) == 2
    with pytest.raises(ValueError, match="'x'"):
        next(results)
    assert [path.name for path in tmp_path.iterdir()] == ["good.json"]


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="the system keeps no process to its cores")
def test_processes_do_not_share_cores_while_there_are_enough(store):
    cores = len(os.sched_getaffinity(0))
    work = [store.Unit(f"u{n}", {}, partial(subprocess.check_output, ["nproc"], text=True)) for n in range(2)]
    found = store.Units(None, 2, lambda text: None).run_all(work, 2)
    # The first process has the larger share, and may have done both.
    assert {int(number) for number in found} <= {max(cores // 2, 1), (cores + 1) // 2}


def test_names_that_are_no_file_names_do_not_leave_the_folder_nor_fall_together(store, tmp_path):
    units = store.Units(tmp_path / "in", 2, lambda text: None)
    assert units.run("../x", {}, lambda: {"value": 1}) == {"value": 1}
    assert units.run(".._x", {}, lambda: {"value": 2}) == {"value": 2}
    assert len(list((tmp_path / "in").iterdir())) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_data_are_found_plain_or_compressed_and_a_missing_folder_is_named(monkeypatch, tmp_path, capsys):
    monkeypatch.syspath_prepend(str(FOLDER))
    place = import_module("sources.place")
    (tmp_path / "a.arff.gz").touch()
    assert place.plain_or_packed(tmp_path / "a.arff").name == "a.arff.gz"
    with pytest.raises(FileNotFoundError, match=r"b\.arff is not there"):
        place.plain_or_packed(tmp_path / "b.arff")
    monkeypatch.setenv("MLJ_DATA_DIR", str(tmp_path))
    assert place.data_folder(None) == tmp_path
    assert not place.is_there(tmp_path, "scene")
    assert not place.is_there(None, "scene")
    assert "left out: the folder scene is not in" in capsys.readouterr().out
    (tmp_path / "scene").mkdir()
    assert place.is_there(tmp_path, "scene")
    with pytest.raises(NotADirectoryError, match="nowhere"):
        place.data_folder(tmp_path / "nowhere")
