"""The page: what it holds, that it needs nothing else, and that it is written whole or not at all."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import numpy as np
import pytest
from report_samples import results

from mlj.report import page as page_module, summary_figure, write_report
from mlj.report.page import page

VOID = {"meta", "input", "path", "use", "br", "image"}
SECTIONS = ("use", "losses", "figures", "data", "protocol", "failures", "versions", "numbers")
FIGURES = ("dots", "rules", "labels", "reliability", "thresholds", "learning")
HOSTILE = '<img src=x onerror="alert(1)">&"\'</svg><script>evil()</script>$x_1$\x00\ud800'


class Reader(HTMLParser):
    """Collects elements and checks that they nest."""

    def __init__(self, text: str):
        super().__init__()
        self.open, self.found, self.text = [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] not in (["script"], ["style"]):
            self.text.append(data)

    def ids(self) -> list[str]:
        return [attrs["id"] for _, attrs in self.found if "id" in attrs]


@pytest.fixture(scope="module")
def whole() -> str:
    return page(results())


def test_all_sections_and_figures_are_there_and_every_element_is_closed(whole):
    reader = Reader(whole)
    assert reader.open == []
    assert "�" not in whole
    assert {*SECTIONS, *FIGURES} <= set(reader.ids())
    assert sum(tag == "svg" for tag, _ in reader.found) == 6 + 3 + 4
    assert [f"Figure {index}." in whole for index in range(1, 8)] == [True] * 6 + [False]


def test_the_page_loads_nothing(whole):
    for tag, attrs in Reader(whole).found:
        assert tag not in ("link", "iframe", "object", "embed", "base"), tag
        assert not (tag == "script" and "src" in attrs)
        for key in ("src", "href", "xlink:href", "data", "poster", "srcset"):
            assert attrs.get(key, "#").startswith(("#", "data:")), (tag, attrs)
    assert not re.search(r"@import|url\((?!#)|https?://", whole)


def test_ids_are_unique_and_every_reference_has_its_target(whole):
    ids = Reader(whole).ids()
    assert len(ids) == len(set(ids))
    referred = re.findall(r'href="#([^"]*)"|url\(#([^)]*)\)|\bfor="([^"]*)"', whole)
    assert {next(filter(None, found)) for found in referred} <= set(ids)


def test_names_from_data_are_text_wherever_they_stand():
    made = results(names=("zlpr", HOSTILE), data_name=HOSTILE, labels=3, label_names=(HOSTILE, "b", "c"))
    made["contenders"][HOSTILE] |= {"family": HOSTILE, "source": HOSTILE}
    made["failed"] = {HOSTILE + "2": [{"learning_rate": 0.1, "seed": 0, "step": 3}]}
    made["rules"]["zero"] = made["metrics"]["micro_f1"]["title"] = HOSTILE
    made["versions"][HOSTILE] = made["machine"]["platform"] = HOSTILE
    text = page(made)
    reader = Reader(text)
    assert reader.open == []
    assert [tag for tag, _ in reader.found].count("script") == 1
    assert not {"img", "onerror"} & {word for tag, attrs in reader.found for word in (tag, *attrs)}
    assert "evil()" in "".join(reader.text)
    assert "\x00" not in text
    text.encode("utf-8")


def test_the_verdict_the_choice_and_the_protocol_are_said(whole):
    words = " ".join("".join(Reader(whole).text).split())
    for said in (
        "On sample, the loss sigmoid_cross_entropy was best on validation.",
        "0.680 ± 0.010",
        "cross-fitting",
        "Platt",
        "paired t-test",
        "scored on the test part once",
        "all 1,000 rows that may be learned from",
        "at most 5 epochs",
        "16 × 16",
        "ab" * 32,
        "12.5 %",
        "every run of every loss stayed finite",
    ):
        assert said in words, said


def test_the_same_results_give_the_same_bytes(tmp_path):
    write_report(results(), tmp_path / "a.html")
    write_report(results(), tmp_path / "b.html")
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_an_error_while_drawing_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    target = tmp_path / "deep" / "report.html"

    def fail(results):
        raise RuntimeError("no ink")

    monkeypatch.setattr(page_module, "draw_learning", fail)
    with pytest.raises(RuntimeError, match="no ink"):
        write_report(results(), target)
    assert not target.parent.exists()
    target.parent.mkdir()
    target.write_text("old")
    with pytest.raises(RuntimeError, match="no ink"):
        write_report(results(), target)
    assert [(path.name, path.read_text()) for path in target.parent.iterdir()] == [("report.html", "old")]


def test_the_summary_picture_is_wide_and_the_same_each_time_and_an_error_keeps_the_old_one(
    tmp_path, monkeypatch
):
    target = tmp_path / "summary.png"
    summary_figure(results(), target)
    first = target.read_bytes()
    assert first.startswith(b"\x89PNG")
    assert int.from_bytes(first[16:20]) == 1610
    summary_figure(results(), target)
    assert target.read_bytes() == first
    with pytest.raises(KeyError):
        summary_figure({**results(), "chosen": {}, "metrics": {}}, target)
    assert [path.name for path in tmp_path.iterdir()] == ["summary.png"]
    assert target.read_bytes() == first


def test_failed_runs_are_named_with_their_step():
    made = results()
    made["contenders"]["zlpr"]["failures"] = [{"learning_rate": 0.01, "seed": 2, "step": 4321, "final": True}]
    made["failed"] = {"hopeless": [{"learning_rate": 0.1, "seed": 0, "step": 17}]}
    words = "".join(Reader(page(made)).text)
    assert "2 runs stopped" in words
    assert "4,321" in words
    assert "hopeless" in words


def test_missing_values_are_dashes_and_break_no_figure():
    made = results()
    for entry in made["contenders"].values():
        entry["test"] = {key: [None] * 3 for key in entry["test"]}
        entry["validation"] = {}
        entry["reliability"] = {"prob": [None], "present": [None], "count": [0.0]}
        entry["threshold_curve"] = {"threshold": [0.5], "micro_f1": [None], "macro_f1": [None]}
        entry["rules"]["zero"]["label_f1"][0] = None
        for rule in entry["rules"].values():
            rule["test"]["macro_f1"] = [0.5, None, 0.5]
            rule["validation"]["hamming_loss"] = [None] * 3
        if not entry["floor"]:
            entry["validation_curve"] = entry["train_curve"] = [[None] * 5] * 3
    made["tests"]["micro_f1"]["p"] = dict.fromkeys(made["tests"]["micro_f1"]["p"])
    made["chosen"]["macro_f1"] |= {"test": None, "test_sd": None, "validation": None}
    made["data"]["pool"] |= {"mean_irlbl": None}
    text = page(made)
    assert "nan" not in "".join(Reader(text).text).lower()
    assert "None" not in "".join(part for part in Reader(text).text if "every run" not in part)


def test_one_contender_with_two_seeds_led_by_a_score_metric():
    made = results(names=("zlpr",), seeds=2, metric="coverage_error")
    made["chosen"] = {"coverage_error": made["chosen"]["coverage_error"]}
    made["tests"] = {"coverage_error": {"best": "zlpr", "p": {}, "rules": {}}}
    reader = Reader(page(made))
    assert {*SECTIONS, "dots", "learning"} <= set(reader.ids())
    assert "rules" not in reader.ids()


def test_no_rule_applies_to_all_and_a_family_is_new():
    made = results(names=("zlpr", "brand_new"))
    del made["contenders"]["brand_new"]["rules"]["zero"]
    assert "novel" in page(made)


def test_four_thousand_labels_make_a_small_page():
    text = page(results(labels=4000))
    assert len(text.encode()) < 600_000
    assert "3,800 labels more in results.json" in text
    assert 'href="data:image/png;base64' in text


def test_labels_that_never_occur_stand_at_zero():
    made = results(labels=3)
    made["data"]["label_counts"] = [0, 0, 0]
    assert Reader(page(made)).open == []


@pytest.mark.parametrize("greater", [True, False])
def test_curves_of_one_and_the_same_value_get_an_axis_that_can_be_drawn(greater):
    from mlj.report.learning import _limits

    results = {
        "protocol": {"metric": "micro_f1"},
        "metrics": {"micro_f1": {"greater_is_better": greater}},
    }
    low, high = _limits(results, [np.array([0.5]), np.array([0.5])])
    assert low < 0.5 < high
