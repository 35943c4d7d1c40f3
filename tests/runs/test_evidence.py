"""The numbers behind the page of a run, against scikit-learn and against loops in plain Python."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from sklearn import metrics as oracle

from mlj.report import write_run_report
from mlj.runs import evidence as evidence_module, judged
from mlj.runs.evidence import evidence_of

NAMES = ["a", "b", "c", "d", "e"]


def _drawn(rows=260, labels=5, seed=0, hidden=0.0):
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(rows, labels)).astype(np.float32)
    probs = (1 / (1 + np.exp(1 - 2 * scores))).astype(np.float32)
    truth = (rng.random((rows, labels)) < 1 / (1 + np.exp(1 - scores))).astype(np.int8)
    where = None if hidden == 0 else rng.random((rows, labels)) >= hidden
    return scores, probs, probs > 0.4, truth, where


def _close(found, wanted):
    assert found == pytest.approx(wanted, rel=1e-5, abs=1e-6)


@pytest.fixture(scope="module")
def full():
    drawn = _drawn()
    return drawn, evidence_of(*drawn, label_names=NAMES, thresholds=0.4)


@pytest.fixture(scope="module")
def masked():
    drawn = _drawn(hidden=0.3)
    return drawn, evidence_of(*drawn, label_names=NAMES)


def test_metrics_agree_with_scikit_learn(full):
    (scores, probs, predictions, truth, _), found = full
    value = {name: entry["value"] for name, entry in found["metrics"].items()}
    for average in ("micro", "macro", "samples"):
        _close(value[f"{average}_f1"], oracle.f1_score(truth, predictions, average=average, zero_division=0))
    for average in ("micro", "macro"):
        _close(
            value[f"{average}_average_precision"],
            oracle.average_precision_score(truth, scores, average=average),
        )
        _close(value[f"{average}_roc_auc"], oracle.roc_auc_score(truth, scores, average=average))
    _close(value["hamming_loss"], oracle.hamming_loss(truth, predictions))
    _close(value["subset_accuracy"], oracle.accuracy_score(truth, predictions))
    _close(value["coverage_error"], oracle.coverage_error(truth, scores))
    _close(value["brier"], oracle.brier_score_loss(truth.ravel(), probs.ravel()))
    _close(value["log_loss"], oracle.log_loss(truth.ravel(), probs.ravel().astype(float)))
    assert found["metrics"]["hamming_loss"]["greater_is_better"] is False
    assert found["metrics"]["micro_f1"]["title"] == "Micro F1"


def test_numbers_of_each_label_agree_with_scikit_learn(full):
    (scores, _, predictions, truth, _), found = full
    precision, recall, f1, present = oracle.precision_recall_fscore_support(truth, predictions)
    for index, label in enumerate(found["labels"]):
        _close(label["precision"], precision[index])
        _close(label["recall"], recall[index])
        _close(label["f1"], f1[index])
        _close(label["average_precision"], oracle.average_precision_score(truth[:, index], scores[:, index]))
        _close(label["roc_auc"], oracle.roc_auc_score(truth[:, index], scores[:, index]))
        assert (label["present"], label["predicted"]) == (present[index], predictions[:, index].sum())
        assert (label["name"], label["observed"], label["threshold"]) == (NAMES[index], 260, 0.4)


def test_what_is_unobserved_enters_no_number_of_a_label(masked):
    (scores, _, predictions, truth, where), found = masked
    for index, label in enumerate(found["labels"]):
        kept = where[:, index]
        _close(label["f1"], oracle.f1_score(truth[kept, index], predictions[kept, index]))
        _close(
            label["average_precision"],
            oracle.average_precision_score(truth[kept, index], scores[kept, index]),
        )
        assert label["observed"] == kept.sum()
        assert label["present"] == truth[kept, index].sum()


def test_nothing_changes_when_what_is_unobserved_is_nonsense(masked):
    (scores, probs, predictions, truth, where), found = masked
    spoilt = (np.where(where, scores, np.nan), np.where(where, probs, np.inf))
    again = evidence_of(*spoilt, predictions ^ ~where, truth ^ ~where, where, label_names=NAMES)
    assert again == found


@pytest.mark.parametrize("kind", ["full", "masked"])
def test_the_threshold_curve_agrees_with_deciding_anew_at_each_threshold(kind, request):
    (_, probs, _, truth, where), found = request.getfixturevalue(kind)
    seen = np.ones(truth.shape, bool) if where is None else where
    curve = found["threshold_curve"]
    for index, threshold in list(enumerate(curve["thresholds"]))[::7]:
        decided = (probs > np.float32(threshold)) & seen
        true, flat = truth[seen], decided[seen]
        _close(curve["micro_f1"][index], oracle.f1_score(true, flat))
        _close(curve["recall"][index], oracle.recall_score(true, flat))
        if flat.any():
            _close(curve["precision"][index], oracle.precision_score(true, flat))
        else:
            assert curve["precision"][index] is None
        each = [
            oracle.f1_score(truth[seen[:, label], label], decided[seen[:, label], label], zero_division=0)
            for label in range(5)
        ]
        _close(curve["macro_f1"][index], np.mean(each))


@pytest.mark.parametrize("kind", ["full", "masked"])
def test_reliability_agrees_with_a_loop_over_entries(kind, request):
    (_, probs, _, truth, where), found = request.getfixturevalue(kind)
    bins = [[] for _ in range(15)]
    for prob, label, seen in zip(
        probs.ravel(), truth.ravel(), np.broadcast_to(True if where is None else where, truth.shape).ravel()
    ):
        if seen:
            bins[min(int(np.float32(prob) * np.float32(15)), 14)].append((float(prob), int(label)))
    kept = found["reliability"]
    assert kept["count"] == [len(held) for held in bins]
    for held, prob, present in zip(bins, kept["prob"], kept["present"]):
        if held:
            _close(prob, sum(entry[0] for entry in held) / len(held))
            _close(present, sum(entry[1] for entry in held) / len(held))
        else:
            assert prob is None
            assert present is None
    _close(kept["brier"], found["metrics"]["brier"]["value"])
    _close(kept["expected_calibration_error"], found["metrics"]["expected_calibration_error"]["value"])


@pytest.mark.parametrize("kind", ["full", "masked"])
def test_the_worst_mistakes_are_those_of_a_loop_in_plain_python(kind, request):
    (_, probs, predictions, truth, where), found = request.getfixturevalue(kind)
    rows = []
    for number in range(len(truth)):
        cost, missed, added = 0.0, [], []
        for label, name in enumerate(NAMES):
            if where is not None and not where[number, label]:
                continue
            prob = float(probs[number, label])
            cost -= math.log(prob if truth[number, label] else 1 - prob)
            if truth[number, label] and not predictions[number, label]:
                missed.append((prob, name))
            if predictions[number, label] and not truth[number, label]:
                added.append((-prob, name))
        if missed or added:
            rows.append((cost, number, [name for _, name in sorted(missed)], [n for _, n in sorted(added)]))
    rows.sort(key=lambda row: -row[0])
    assert len(found["mistakes"]) == 50
    for (cost, number, missed, added), mistake in zip(rows, found["mistakes"]):
        assert (mistake["row"], mistake["missed"], mistake["added"]) == (number, missed, added)
        _close(mistake["surprise"], cost)
        seen = np.ones(5, bool) if where is None else where[number]
        assert mistake["present"] == [
            NAMES[label] for label in range(5) if truth[number, label] and seen[label]
        ]


@pytest.mark.parametrize("kind", ["full", "masked"])
def test_confusions_and_what_independence_would_give_agree_with_a_loop(kind, request):
    (_, _, predictions, truth, where), found = request.getfixturevalue(kind)
    seen = np.ones(truth.shape, bool) if where is None else where
    missed, added = (truth == 1) & ~predictions & seen, predictions & (truth == 0) & seen
    wanted = {}
    for i in range(5):
        for j in range(5):
            number = sum(bool(missed[row, i] and added[row, j]) for row in range(len(truth)))
            both = sum(bool(seen[row, i] and seen[row, j]) for row in range(len(truth)))
            rate = missed[:, i].sum() / seen[:, i].sum() * added[:, j].sum() / seen[:, j].sum()
            if number:
                wanted[NAMES[i], NAMES[j]] = (number, rate * both)
    pairs = {
        (pair["missed"], pair["added"]): (pair["count"], pair["expected"]) for pair in found["confusions"]
    }
    assert pairs.keys() == wanted.keys()
    for key, (number, expected) in wanted.items():
        assert pairs[key][0] == number
        _close(pairs[key][1], expected)
    counts = [pair["count"] for pair in found["confusions"]]
    assert counts == sorted(counts, reverse=True)


def test_the_standard_error_is_that_of_leaving_out_every_twentieth_row(full):
    (_, _, predictions, truth, _), found = full
    kept = [np.arange(260) % 20 != group for group in range(20)]
    for name, of in (
        ("micro_f1", lambda y, p: oracle.f1_score(y, p, average="micro")),
        ("hamming_loss", oracle.hamming_loss),
    ):
        values = np.array([of(truth[rows], predictions[rows]) for rows in kept])
        wanted = np.sqrt(19 / 20 * np.sum((values - values.mean()) ** 2))
        assert found["metrics"][name]["standard_error"] == pytest.approx(wanted, rel=1e-3)
    assert "standard_error" not in found["metrics"]["macro_roc_auc"]


def test_sizes_are_counted_over_rows_that_were_observed(full):
    (_, _, predictions, truth, _), found = full
    assert found["judged"] == {
        "rows": 260,
        "without_present": int((truth.sum(1) == 0).sum()),
        "exact": int((truth == predictions).all(1).sum()),
        "without_predicted": int((predictions.sum(1) == 0).sum()),
        "cardinality": pytest.approx(truth.sum() / 260),
        "predicted_cardinality": pytest.approx(predictions.sum() / 260),
    }


def test_small_blocks_give_what_one_block_gives(full, monkeypatch):
    drawn, found = full
    monkeypatch.setattr(judged, "BLOCK", 35)
    monkeypatch.setattr(evidence_module, "BLOCK", 35)
    again = evidence_of(*drawn, label_names=NAMES, thresholds=0.4)
    assert [again[key] for key in ("labels", "threshold_curve", "mistakes", "confusions")] == [
        found[key] for key in ("labels", "threshold_curve", "mistakes", "confusions")
    ]
    for name, entry in found["metrics"].items():
        _close(again["metrics"][name]["value"], entry["value"])


def test_micro_curves_of_many_entries_are_close_to_the_exact_ones(full, monkeypatch):
    (scores, *_), found = full
    monkeypatch.setattr(evidence_module, "SORTED", 0)
    _, probs, predictions, truth, _ = _drawn()
    again = evidence_of(scores, probs, predictions, truth, label_names=NAMES)["metrics"]
    for name in ("micro_average_precision", "micro_roc_auc"):
        assert again[name]["value"] == pytest.approx(found["metrics"][name]["value"], abs=2e-4)
    ties = np.round(scores)
    tied = evidence_of(ties, probs, predictions, truth, label_names=NAMES)["metrics"]
    _close(tied["micro_roc_auc"]["value"], oracle.roc_auc_score(truth, ties, average="micro"))
    _close(
        tied["micro_average_precision"]["value"],
        oracle.average_precision_score(truth, ties, average="micro"),
    )


@pytest.mark.parametrize(
    "case", ["all absent", "all present", "all unobserved", "one row of one label", "no row"]
)
def test_what_is_undefined_is_none_and_nothing_fails(case):
    rows, labels = {"one row of one label": (1, 1), "no row": (0, 1)}.get(case, (260, 5))
    scores, probs, predictions, truth, _ = _drawn(rows, labels)
    where = np.zeros(truth.shape, bool) if case == "all unobserved" else None
    truth = {"all absent": np.zeros_like(truth), "all present": np.ones_like(truth)}.get(case, truth)
    found = evidence_of(scores, probs, predictions, truth, where, label_names=NAMES[:labels])
    json.dumps(found, allow_nan=False)
    values = {name: entry["value"] for name, entry in found["metrics"].items()}
    if case in ("all unobserved", "no row"):
        assert set(values.values()) == {None}
        assert (found["mistakes"], found["confusions"]) == ([], [])
        assert found["judged"]["rows"] == 0
    if case == "all absent":
        assert [label["recall"] for label in found["labels"]] == [None] * 5
        assert [label["average_precision"] for label in found["labels"]] == [None] * 5
        assert values["macro_average_precision"] is None
        assert values["micro_roc_auc"] is None
        assert found["metrics"]["macro_average_precision"]["skipped"] == 5
        assert values["hamming_loss"] == pytest.approx(predictions.mean())
    if case == "all present":
        assert values["micro_average_precision"] == pytest.approx(1)
        assert values["macro_roc_auc"] is None


def test_without_decisions_only_scores_and_probabilities_are_judged():
    scores, probs, _, truth, _ = _drawn()
    found = evidence_of(scores, probs, None, truth, label_names=NAMES)
    assert "micro_f1" not in found["metrics"]
    assert found["metrics"]["brier"]["value"] is not None
    assert found["labels"][0]["predicted"] is None
    assert (found["mistakes"], found["confusions"]) == ([], [])
    assert "exact" not in found["judged"]


def test_rows_keep_the_names_they_came_with_and_infinite_thresholds_are_none():
    scores, probs, predictions, truth, _ = _drawn()
    plain = evidence_of(scores, probs, predictions, truth, label_names=NAMES, most=4)
    found = evidence_of(
        scores, probs, predictions, truth, label_names=NAMES, most=4,
        rows=np.arange(1000, 1260), thresholds=[0.2, np.inf, np.nan, 0.0, 1.0],
    )  # fmt: skip
    assert [row["row"] - 1000 for row in found["mistakes"]] == [row["row"] for row in plain["mistakes"]]
    assert len(found["mistakes"]) == 4
    assert [label["threshold"] for label in found["labels"]] == [0.2, None, None, 0.0, 1.0]


def test_a_wrong_shape_type_or_length_is_named():
    scores, probs, predictions, truth, _ = _drawn(30, 3)
    with pytest.raises(ValueError, match=r"probs must be \[N, L\] like labels \[30, 3\], got \[30, 2\]"):
        evidence_of(scores, probs[:, :2], predictions, truth, label_names=NAMES[:3])
    with pytest.raises(TypeError, match="predictions must be bool, got float32"):
        evidence_of(scores, probs, probs, truth, label_names=NAMES[:3])
    with pytest.raises(ValueError, match="label_names must have 3 entries, got 5"):
        evidence_of(scores, probs, predictions, truth, label_names=NAMES)
    with pytest.raises(ValueError, match="rows must have 30 entries, got 2"):
        evidence_of(scores, probs, predictions, truth, label_names=NAMES[:3], rows=[1, 2])
    with pytest.raises(ValueError, match=r"thresholds must be one number or 3, got \[2\]"):
        evidence_of(scores, probs, predictions, truth, label_names=NAMES[:3], thresholds=[0.1, 0.2])
    with pytest.raises(ValueError, match="at least one label"):
        evidence_of(*(array[:, :0] for array in (scores, probs, predictions, truth)), label_names=[])


def test_what_was_measured_makes_a_page(full, tmp_path):
    _, found = full
    told = {"format": "mlj-run-1", "name": "drawn", "part": "test", "contender": "zlpr", "rule": None}
    write_run_report(told | {"metric": "micro_f1"} | found, tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    for number in (
        f"{found['metrics']['micro_f1']['value']:.3f}",
        f"{found['labels'][0]['f1']:.3f}",
        f"{found['confusions'][0]['expected']:.1f}",
        f"{found['mistakes'][0]['surprise']:.1f}",
        f"{found['reliability']['brier']:.3f}",
    ):
        assert f">{number}<" in text or f" {number}" in text, number
