"""The page of one run: the numbers it shows, hostile names, and what is missing or undefined."""

from __future__ import annotations

import copy
import re
from html.parser import HTMLParser

import pytest

from mlj.report import run_page as run_page_module, write_run_report
from mlj.report.run_page import run_page

VOID = {"meta", "input", "path", "use", "br", "image"}
LONG = "x" * 10_000
HOSTILE = (
    "<script>evil()</script>", "</script><img src=x onerror=alert(1)>", "\" onclick='evil()' \"",
    "a\x00b", "\u202edesrever\u2066", LONG, "</title></style><svg onload=evil()>", "\ud800 $x_1$ &amp;",
)  # fmt: skip


class Reader(HTMLParser):
    """Collects elements, cells of tables and text, and checks that elements nest."""

    def __init__(self, text: str):
        super().__init__()
        self.open, self.found, self.text, self.tables = [], [], [], {}
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.found.append((tag, attrs))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self.rows = self.tables.setdefault(attrs["class"].split()[-1], [])
        elif tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_startendtag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] not in (["script"], ["style"]):
            self.text.append(data)
        if {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data

    def words(self) -> str:
        return " ".join("".join(self.text).split())


def evidence(names=("cat", "dog", "fox", "owl"), part="test"):
    """Return evidence with every key, the numbers of the labels made from their places."""
    labels = [
        {
            "name": name, "threshold": 0.25, "observed": 917, "present": 900 - index,
            "predicted": 2000 + index,
            "precision": 0.5, "recall": 0.25, "f1": max(0.75 - index / 16, 0), "average_precision": 0.875,
            "roc_auc": 0.9,
        }
        for index, name in enumerate(names)
    ]  # fmt: skip
    return {
        "format": "mlj-run-1", "name": "sample", "part": part, "contender": "zlpr", "metric": "micro_f1",
        "rule": {"name": "global_threshold", "title": "global threshold"},
        "config": {"learning_rate": 0.01, "hidden": [64, 32], "model": {"dropout": 0.5}, "note": None},
        "data": {"features": 103, "sha256": "ab" * 32, "rows": {"train": 1200, "validation": 300}},
        "versions": {"mlj": "0.1.0", "jax": "0.10.2"},
        "curve": {"train": [0.9, 0.7, None], "validation": [0.4, 0.6, 0.5], "best_epoch": 2},
        "judged": {
            "rows": 917, "exact": 250, "without_predicted": 100, "without_present": 0, "cardinality": 4.24,
            "predicted_cardinality": 4.5,
        },
        "metrics": {
            "micro_f1": {
                "title": "Micro F1", "value": 0.6789, "greater_is_better": True, "standard_error": 0.011,
            },
            "hamming_loss": {"title": "Hamming loss", "value": 0.1987, "greater_is_better": False},
            "macro_average_precision": {
                "title": "Macro AP", "value": None, "greater_is_better": True, "skipped": 2,
            },
        },
        "rules": [
            {"name": "zero", "title": "score > 0", "value": 0.61},
            {"name": "global_threshold", "title": "global threshold", "value": 0.67},
            {"name": "count_head", "title": "top k, k predicted", "value": None},
        ],
        "labels": labels,
        "threshold_curve": {
            "thresholds": [0.25, 0.5, 0.75], "micro_f1": [0.5, 0.625, 0.25], "macro_f1": [0.25, 0.5, 0.125],
            "precision": [0.25, 0.75, None], "recall": [0.9, 0.5, 0.1],
        },
        "reliability": {
            "prob": [0.1, None, 0.8], "present": [0.2, None, 0.5], "count": [900, 0, 60],
            "expected_calibration_error": 0.0312, "brier": 0.1456,
        },
        "mistakes": [
            {"row": 1234, "missed": [names[0]], "added": [], "present": list(names[:2]), "surprise": 31.25},
            {"row": 7, "missed": [], "added": list(names) * 4, "present": [], "surprise": None},
        ],
        "confusions": [
            {"missed": names[0], "added": names[-1], "count": 1042, "expected": 104.2},
            {"missed": names[-1], "added": names[0], "count": 3, "expected": 0.0},
        ],
    }  # fmt: skip


@pytest.fixture(scope="module")
def whole() -> str:
    return run_page(evidence())


def test_the_first_screen_says_what_was_found_and_how_sure_it_is(whole):
    words = Reader(whole).words()
    for said in (
        "sample: zlpr on test rows",
        "zlpr, decided by “global threshold”, reaches a Micro F1 of 0.679 on 917 test rows.",
        "between 0.657 and 0.700 in 95 of 100 cases",
        "In 27.3 % of the rows every label is right; 10.9 % get no label at all (0 % have none).",
        "A row gets 4.50 labels on average and has 4.24.",
        "Best is cat with an F1 of 0.750 (present in 900), weakest owl with 0.562 (in 897)",
        "Probabilities are off by 0.031 on average",
        "4 labels; 4.24 present per row; label density 106 %; 1,200 train rows; 300 validation rows",
    ):
        assert said in words, said


def test_mistakes_in_texts_show_how_the_text_begins():
    made = evidence()
    made["mistakes"][0]["text"] = "how <thick> ?"
    table = Reader(run_page(made)).tables["mistakes"]
    assert table[0][:3] == ["Row", "Text", "Missed"]
    assert table[1][:3] == ["1234", "how <thick> ?", "cat"]
    assert table[2][:3] == ["7", "", "–"]


def test_validation_rows_are_said_to_have_been_chosen_on():
    words = Reader(run_page(evidence(part="validation"))).words()
    assert "The same rows also chose the epoch and the decision" in words
    assert "The same rows" not in Reader(run_page(evidence())).words()


def test_the_tables_hold_the_numbers(whole):
    tables = Reader(whole).tables
    assert tables["labels"][0] == [
        "Label", "Present", "Predicted", "Threshold", "Precision", "Recall", "F1", "Average precision",
    ]  # fmt: skip
    assert tables["labels"][2] == ["dog", "899", "2,001", "0.250", "0.500", "0.250", "0.688", "0.875"]
    assert tables["mistakes"][1] == ["1234", "cat", "–", "cat, dog", "31.2"]
    assert tables["mistakes"][2][2] == "cat, dog, fox, owl, cat, dog, fox, owl and 8 more"
    assert tables["mistakes"][2][4] == "∞"
    assert tables["mistakes"][0] == ["Row", "Missed", "Wrongly added", "In truth present", "Surprise"]
    assert tables["confusions"][1:] == [
        ["cat", "owl", "1,042", "104.2", "10.0 ×"], ["owl", "cat", "3", "0.0", "–"],
    ]  # fmt: skip
    assert tables["rules"][1:] == [
        ["global threshold (chosen)", "0.670"], ["score > 0", "0.610"], ["top k, k predicted", "–"],
    ]  # fmt: skip
    assert tables["metrics"][1] == ["Micro F1", "larger", "0.679", "0.011", ""]
    assert tables["metrics"][3] == ["Macro AP", "larger", "–", "–", "without 2 labels where it is undefined"]


def test_settings_data_and_versions_are_written_out(whole):
    words = Reader(whole).words()
    for said in (
        "learning rate0.01",
        "hidden64, 32",
        "model · dropout0.5",
        "jax0.10.2",
        "features103",
        "ab" * 32,
    ):
        assert said in words, said


def test_the_figures_are_drawn_with_a_sentence_each(whole):
    reader = Reader(whole)
    drawn = [attrs["aria-label"] for tag, attrs in reader.found if tag == "svg"]
    assert drawn == [
        "With one threshold for all labels, micro F1 is best at 0.50 (0.625); at 0.50 it is 0.625.",
        "Furthest off: labels said to be present with 80 % are so in 50 % of the cases.",
        "Epoch 2 of 3 was kept.",
    ]
    assert "Micro F1 on validation rows" in reader.words()


def test_tables_can_be_read_by_a_screen_reader_and_scroll_by_themselves(whole):
    reader = Reader(whole)
    regions = [attrs for tag, attrs in reader.found if attrs.get("role") == "region"]
    captions = [tag for tag, _ in reader.found if tag == "caption"]
    assert len(regions) == len(captions) == 5
    assert all(attrs["aria-label"] and attrs["tabindex"] == "0" for attrs in regions)
    assert {attrs.get("scope") for tag, attrs in reader.found if tag == "th"} == {"col", "row"}
    assert len([tag for tag, _ in reader.found if tag == "h1"]) == 1


def test_the_page_loads_nothing_and_says_so_in_its_policy(whole):
    for tag, attrs in Reader(whole).found:
        assert tag not in ("link", "iframe", "object", "embed", "base", "form"), tag
        assert not (tag == "script" and "src" in attrs)
        for key in ("src", "href", "xlink:href", "data", "poster", "srcset"):
            assert attrs.get(key, "#").startswith(("#", "data:")), (tag, attrs)
    assert not re.search(r"@import|url\((?!#)|https?://|\beval\b|innerHTML", whole)
    assert "content=\"default-src 'none';" in whole


def test_names_from_data_are_text_wherever_they_stand():
    made = evidence(HOSTILE)
    del made["threshold_curve"], made["reliability"]
    for bad in HOSTILE:
        made["config"][bad] = made["versions"][bad] = bad
        made["data"][bad] = {bad: [bad, {bad: bad}]}
        made["metrics"][bad] = {"title": bad, "value": 0.5, "greater_is_better": True}
        made["rules"].append({"name": bad, "title": bad, "value": 0.5})
        made |= {
            "name": bad,
            "part": bad,
            "contender": bad,
            "metric": bad,
            "rule": {"name": bad, "title": bad},
        }
        text = run_page(made)
        reader = Reader(text)
        assert [tag for tag, _ in reader.found].count("script") == 1
        assert not {"img", "onerror", "onclick", "onload"} & {
            word for tag, attrs in reader.found for word in (tag, *attrs)
        }
        assert not re.search("[\x00\u202e\u2066\ud800]", text)
        text.encode("utf-8")
    assert "evil()" in "".join(reader.text)


def test_a_long_name_is_cut_where_it_stands_and_whole_on_hovering():
    reader = Reader(run_page(evidence((LONG, "dog", "fox", "owl"))))
    assert LONG not in reader.words()
    assert "x" * 47 + "…" in reader.tables["labels"][1][0]
    assert ("bdi", {"title": LONG}) in reader.found


def test_of_many_labels_the_most_frequent_are_seen_and_the_page_says_so():
    reader = Reader(run_page(evidence([f"label {index}" for index in range(1200)])))
    hidden = [("hidden" in attrs) for tag, attrs in reader.found if tag == "tr"][1:1201]
    assert hidden == [False] * 200 + [True] * 1000
    assert "Of 1,200 labels the first 200 in the chosen order are shown." in reader.words()
    table = next(attrs for tag, attrs in reader.found if "labels" in attrs.get("class", ""))
    assert (table["data-most"], table["data-seek"]) == ("200", "Label contains")


def test_a_page_says_how_many_labels_it_leaves_out_and_keeps_the_most_frequent(monkeypatch):
    monkeypatch.setattr(run_page_module.run_sections, "HELD", 40)
    made = evidence([f"label {index}" for index in range(60)])
    made["labels"][59]["present"] = 10_000
    reader = Reader(run_page(made))
    assert "The 20 least frequent labels are left out of this page." in reader.words()
    assert len(reader.tables["labels"]) == 41
    assert reader.tables["labels"][1][0] == "label 59"


def test_only_the_keys_that_must_be_there_are_needed():
    kept = ("format", "name", "part", "contender", "metric", "rule", "labels", "metrics")
    made = {key: value for key, value in evidence().items() if key in kept} | {"rule": None, "metrics": {}}
    words = Reader(run_page(made)).words()
    assert "zlpr was judged on test rows; micro_f1 is undefined there." in words
    assert "No row misses one label and wrongly adds another." in words


def test_undefined_numbers_are_dashes_and_break_no_figure():
    made = copy.deepcopy(evidence(["only"]))
    for label in made["labels"]:
        label |= dict.fromkeys(("precision", "recall", "f1", "average_precision", "threshold", "predicted"))
        label["present"] = 0
    made["metrics"]["micro_f1"] |= {"value": None, "standard_error": None}
    made["judged"] |= {"rows": 0, "cardinality": None, "predicted_cardinality": None}
    made["threshold_curve"] = {"thresholds": [0.5], "micro_f1": [None], "macro_f1": [None]}
    made["reliability"] = {"prob": [None], "present": [None], "count": [0]}
    made["curve"] = {"train": [None], "validation": [0.5], "best_epoch": None}
    made["rules"], made["mistakes"], made["confusions"] = [], [], []
    reader = Reader(run_page(made))
    assert reader.tables["labels"][1] == ["only", "0", "–", "–", "–", "–", "–", "–"]
    assert "nan" not in reader.words().lower()
    assert "None" not in reader.words().replace("None.", "")
    assert "1 label is never present here" in reader.words()
    assert [attrs["aria-label"] for tag, attrs in reader.found if tag == "svg"] == ["Trained for 1 epoch."]


def test_the_same_evidence_gives_the_same_bytes_and_an_error_leaves_the_old_file(tmp_path, monkeypatch):
    target = tmp_path / "new" / "report.html"
    write_run_report(evidence(), target)
    first = target.read_bytes()
    write_run_report(evidence(), target)
    assert target.read_bytes() == first

    def fail(*_):
        raise RuntimeError("no ink")

    monkeypatch.setattr(run_page_module.run_figures, "draw_learning", fail)
    with pytest.raises(RuntimeError, match="no ink"):
        write_run_report(evidence(), target)
    assert [(path.name, path.read_bytes()) for path in target.parent.iterdir()] == [("report.html", first)]


def test_another_format_is_refused():
    with pytest.raises(ValueError, match="wanted evidence of format 'mlj-run-1', got 'mlj-run-9'"):
        run_page(evidence() | {"format": "mlj-run-9"})
