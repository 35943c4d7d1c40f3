"""The rows that terminal, page and figures share, and the numbers behind captions."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from report_samples import results

from mlj.report import findings, rows, style
from mlj.report.learning import held_last, mean_curve
from mlj.report.matrix import rule_medians


def _set(made, name, metric, *, validation, test, rule="global_threshold"):
    holder = made["contenders"][name] if rule is None else made["contenders"][name]["rules"][rule]
    holder["validation"][metric], holder["test"][metric] = validation, test


def test_rows_are_in_the_order_of_validation_whatever_the_test_says():
    made = results()
    for value, name in zip((0.5, 0.9, 0.7), ("sigmoid_cross_entropy", "zlpr", "softmax_count_mse:softplus")):
        _set(made, name, "micro_f1", validation=[value] * 3, test=[1 - value] * 3)
    for name in ("prior_only", "logistic_one_vs_rest"):
        _set(made, name, "micro_f1", validation=[0.6] * 3, test=[0.99] * 3)
    found = [row["contender"] for row in rows(made, "micro_f1")]
    assert found == [
        "zlpr", "softmax_count_mse:softplus", "prior_only", "logistic_one_vs_rest", "sigmoid_cross_entropy",
    ]  # fmt: skip


def test_a_loss_is_better_when_small_and_missing_values_come_last():
    made = results()
    _set(made, "zlpr", "hamming_loss", validation=[0.1] * 3, test=[0.2] * 3)
    _set(made, "sigmoid_cross_entropy", "hamming_loss", validation=[0.0, None, 0.0], test=[0.0] * 3)
    found = [row["contender"] for row in rows(made, "hamming_loss")]
    assert (found[0], found[-1]) == ("zlpr", "sigmoid_cross_entropy")


def test_a_row_holds_mean_sample_deviation_and_the_corrected_p():
    made = results()
    _set(made, "zlpr", "micro_f1", validation=[0.5, 0.6, 0.7], test=[0.4, 0.5, 0.6])
    made["tests"]["micro_f1"]["p"]["zlpr"] = 0.0421
    row = next(row for row in rows(made, "micro_f1") if row["contender"] == "zlpr")
    assert row["validation"] == pytest.approx(0.6)
    assert row["test"] == pytest.approx(0.5)
    assert row["sd"] == pytest.approx(0.1)
    assert (row["p"], row["rule"], row["family"], row["floor"], row["chosen"]) == (
        0.0421, "global_threshold", "ranking", False, False,
    )  # fmt: skip


def test_a_metric_without_a_stored_rule_gets_the_one_that_is_best_on_validation():
    made = results()
    del made["tests"]["micro_f1"]
    _set(made, "zlpr", "micro_f1", validation=[0.99] * 3, test=[0.1] * 3, rule="zero")
    row = next(row for row in rows(made, "micro_f1") if row["contender"] == "zlpr")
    assert (row["rule"], row["test"], row["p"]) == ("zero", pytest.approx(0.1), None)


def test_a_metric_that_no_decision_enters_has_no_rule():
    assert {row["rule"] for row in rows(results(), "coverage_error")} == {None}


def test_an_unknown_metric_is_an_error_that_names_the_known():
    with pytest.raises(ValueError, match="unknown metric 'accuracy'; known: micro_f1"):
        rows(results(), "accuracy")


def test_the_caption_counts_only_contenders_that_cannot_be_told_from_the_chosen():
    made = results()
    made["tests"]["micro_f1"]["p"] = {
        "zlpr": 0.049, "softmax_count_mse:softplus": 0.05, "prior_only": 0.9, "logistic_one_vs_rest": 0.9,
    }  # fmt: skip
    assert findings.of_dots(made, "micro_f1").startswith("1 of the other 2 losses cannot be told from")


def test_the_median_of_a_rule_leaves_floors_and_rules_of_some_losses_out():
    made = results(names=("zlpr", "sigmoid_cross_entropy", "softmax_count_mse:softplus"))
    for value, name in zip((0.1, 0.5, 0.6), ("zlpr", "sigmoid_cross_entropy", "softmax_count_mse:softplus")):
        _set(made, name, "micro_f1", validation=[0.5] * 3, test=[value] * 3, rule="zero")
    found = rule_medians(made, "micro_f1")
    assert found["zero"] == pytest.approx(0.5)
    assert "count_head" not in found


def test_a_run_that_stopped_keeps_its_last_value_in_the_mean():
    made = results(seeds=2)
    made["contenders"]["zlpr"]["validation_curve"] = [[0.2, 0.4, None], [0.4, 0.4, 0.8]]
    np.testing.assert_allclose(mean_curve(made, "zlpr"), [0.3, 0.4, 0.6])
    assert held_last(np.array([])).size == 0


def test_the_curve_of_a_loss_metric_is_turned_back():
    made = results(metric="coverage_error", seeds=2)
    made["contenders"]["zlpr"]["validation_curve"] = [[-9.0, -7.0], [-9.0, -5.0]]
    np.testing.assert_allclose(mean_curve(made, "zlpr"), [9.0, 6.0])


def test_crowded_places_move_apart_in_order_and_stay_inside():
    found = style.spread([0.5, 0.5, 0.51, 0.0], 0.2, 0.0, 0.6)
    assert sorted(found) == pytest.approx([0.0, 0.2, 0.4, 0.6])
    assert found.index(min(found)) == 3
    assert style.spread([], 1.0, 0.0, 1.0) == []


def test_known_families_keep_their_colour_and_all_differ():
    made = results(names=("zlpr", "new_one"))
    colours = style.family_colours(made)
    assert colours["ranking"] == style.family_colours(results())["ranking"]
    assert len(set(colours.values())) == len(colours)


def test_importing_the_report_loads_neither_matplotlib_nor_jax():
    code = "import sys, mlj.report; print(sorted({'matplotlib', 'jax', 'scipy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
