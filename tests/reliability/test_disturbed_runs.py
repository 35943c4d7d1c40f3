"""Kills, signals, full disks, hard numbers and much data: each section of the experiment, in small."""

from __future__ import annotations

import signal

import pytest


@pytest.mark.slow
def test_a_run_that_gets_sigterm_while_it_saves_ends_with_143_and_goes_on_to_the_same_bits(small, whole):
    from faults.asking import ask, go_on
    from faults.child import Child, Setting
    from faults.watch import Point

    work, case = small
    out = work / "asked"
    child = Child(
        case.command(out), work / "asked.txt", Setting(hold=Point("checkpoint", 2, 5), cache=whole.cache)
    )
    assert child.wait_until("held")
    seconds, status = ask(child, signal.SIGTERM)
    assert "by SIGTERM; saved. To go on" in child.output()
    asked = go_on(case, whole, out, "", signal.SIGTERM, seconds, status)
    assert (asked.status, asked.same) == (143, True)
    assert asked.step > 0


@pytest.mark.slow
def test_runs_that_are_killed_at_any_moment_go_on_to_the_same_bits(small, whole):
    from faults.kills import kill_all

    work, case = small
    killed = kill_all(case, whole, work / "kills", kills=6, seed=7, at_once=2)
    assert [one.same for one in killed] == [True] * 6
    assert sum(" save " in one.where for one in killed) == 3


@pytest.mark.slow
def test_runs_that_are_asked_at_any_moment_end_by_the_rule_and_go_on_to_the_same_bits(small, whole):
    from faults.asking import ask_all

    work, case = small
    for asked in ask_all(case, whole, work / "asks", trials=5, seed=7):
        assert asked.status == {"SIGTERM": 143, "SIGINT": 130}[asked.signal]
        assert asked.same


@pytest.mark.slow
def test_full_disks_read_only_folders_and_second_processes_are_named_and_cost_nothing(small, whole):
    from faults.room import hinder_all

    work, case = small
    found = hinder_all(case, whole, work / "hindered")
    assert len(found) >= 2
    for one in found:
        assert (one.status, one.damaged, one.same) == (2, 0, True), one
        assert one.said.startswith("mlj train: "), one
        assert "RUN" in one.said, one


@pytest.mark.slow
def test_every_harmed_file_leads_to_the_same_bits_or_to_an_error(small, finished):
    from faults.damage import harm_all

    work, case = small
    outcomes = {one.outcome for one in harm_all(case, finished, work / "harmed-all")}
    assert outcomes <= {"same bits", "refused"}


@pytest.mark.slow
@pytest.mark.parametrize("contender", ["squared_hinge", "lsep", "soft_dice", "classifier_chain"])
def test_hard_numbers_end_in_a_finite_model_or_a_clear_stop(contender, tmp_path):
    from faults.hardship import HARDSHIPS, endure_all

    found = endure_all((contender,), tmp_path, rows=60, epochs=2)
    assert [one.hardship for one in found] == list(HARDSHIPS)
    for one in found:
        assert one.outcome in ("finite", "stopped"), one
        assert one.outcome == "finite" or one.said, one


@pytest.mark.slow
def test_what_is_promised_to_be_the_same_is_the_same(small):
    from faults.sameness import compare_all

    work, case = small
    found = compare_all(case, work / "same", lanes=3)
    assert [one.what for one in found if one.promised and not one.same] == []
    assert not next(one for one in found if one.what == "another seed").same


@pytest.mark.slow
def test_the_memory_of_predictions_packing_and_training_from_disk_is_bounded(tmp_path):
    from faults.load import pack_table, predict_many, train_from_disk

    few, many = predict_many(tmp_path / "predict", (10_000, 150_000), 200, 100)
    assert many.on_disk > 100 << 20
    assert many.measured.own < few.measured.own + (60 << 20)
    packed = pack_table(tmp_path / "pack", 100_000, 100, 20)
    assert packed.on_disk > 90 << 20
    assert packed.measured.peak < 150 << 20
    trained = train_from_disk(tmp_path / "train", 60_000, 100, 20)
    assert trained.measured.peak < 3 << 29
