"""Predictions as files: read back exactly, safe to open in a spreadsheet, whole or not there at all."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from mlj.data import DataError
from mlj.data.prediction_text import SEPARATORS, CsvText, cell, largest
from mlj.data.predictions import PredictionWriter, prediction_format

NAMES = [
    "sea",
    "salt; fine",
    'say "hi"',
    "two\nlines",
    "=cmd()",
    "'=quoted",
    "-5",
    "@me",
    "\tx",
    "100 %s",
    "日本",
]


def make(rows: int = 9, labels: int = len(NAMES)) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    probs = rng.random((rows, labels)).astype(np.float32)
    probs[0, 0], probs[0, 1], probs[1, 0] = 0, 1, 1e-30
    return probs, rng.random((rows, labels)) < 0.3


def write(path, probs, predictions, names=NAMES, *, size: int = 4, ids=None, **options):
    with PredictionWriter(path, names, **options) as out:
        for start in range(0, len(probs), size):
            part = slice(start, start + size)
            out.write(start, probs[part], predictions[part], ids=None if ids is None else ids[part])
    return path


def text_of(found: str) -> str:
    """Undo the apostrophe before a formula, as the documentation says."""
    return found[1:] if re.match(r"'+[=+\-@\t\r]", found) else found


def labels_of(found: str, names) -> list[str]:
    """Undo the list of labels in one cell, as the documentation says."""
    mark = next((mark for mark in SEPARATORS if not any(mark in name for name in names)), None)
    found = text_of(found)
    if not found:
        return []
    if mark is not None:
        return found.split(mark)
    return [re.sub(r"\\(.)", r"\1", name) for name in re.findall(r"(?:\\.|[^;\\])+", found)]


def read_csv(path) -> list[list[str]]:
    content = path.read_bytes()
    text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
    return list(csv.reader(io.StringIO(text, newline="")))


def chosen(predictions, names=NAMES) -> list[list[str]]:
    return [[names[at] for at in np.flatnonzero(row)] for row in predictions]


NO_FREE_SEPARATOR = ["a;b", "c|d", "e/f", "g,h", "i~j", "k^l", "back\\slash", "x\\;y"]


@pytest.mark.parametrize("suffix", ["csv", "csv.gz"])
@pytest.mark.parametrize(
    "names", [NAMES, NO_FREE_SEPARATOR, ["plain", "words"]], ids=["odd", "full", "plain"]
)
def test_a_table_is_read_back_exactly(suffix, names, tmp_path):
    probs, predictions = make(9, len(names))
    ids = ["=a", "b", "c,d", *"efghij"][:9]
    for given in (None, ids):
        path = write(tmp_path / f"p.{suffix}", probs, predictions, names, ids=given)
        header, *rows = read_csv(path)
        first = 2 if given is None else 3
        assert header[:first] == (["row", "labels"] if given is None else ["row", "id", "labels"])
        assert [text_of(name) for name in header[first:]] == names
        assert [int(row[0]) for row in rows] == list(range(9))
        assert [labels_of(row[first - 1], names) for row in rows] == chosen(predictions, names)
        np.testing.assert_array_equal(np.array([row[first:] for row in rows]).astype(np.float32), probs)
        if given:
            assert [text_of(row[1]) for row in rows] == ids


def test_json_lines_are_read_back_exactly(tmp_path):
    probs, predictions = make()
    ids = [f'"{at}\n' for at in range(9)]
    for given in (None, ids):
        path = write(tmp_path / "p.jsonl", probs, predictions, ids=given)
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n")[:-1]]
        assert [row["row"] for row in rows] == list(range(9))
        assert [row["labels"] for row in rows] == chosen(predictions)
        assert [row.get("id") for row in rows] == (ids if given else [None] * 9)
        found = np.array([[row["probs"][name] for name in NAMES] for row in rows], np.float32)
        np.testing.assert_array_equal(found, probs)


def test_the_largest_probabilities_are_written_in_their_order(tmp_path):
    probs, predictions = make()
    best = np.argsort(-probs, axis=1, kind="stable")[:, :3]
    rows = [
        json.loads(line)
        for line in write(tmp_path / "p.jsonl", probs, predictions, top=3).read_text().splitlines()
    ]
    assert [list(row["probs"]) for row in rows] == [[NAMES[at] for at in row] for row in best]
    assert [row["labels"] for row in rows] == chosen(predictions)
    header, *cells = read_csv(write(tmp_path / "p.csv", probs, predictions, top=3))
    assert header == ["row", "labels", "label_1", "prob_1", "label_2", "prob_2", "label_3", "prob_3"]
    for row, (columns, values) in zip(cells, zip(best, np.take_along_axis(probs, best, axis=1))):
        assert [text_of(name) for name in row[2::2]] == [NAMES[at] for at in columns]
        np.testing.assert_array_equal(np.array(row[3::2], np.float32), values)
    everything = read_csv(write(tmp_path / "q.csv", probs, predictions, top=99))
    assert len(everything[0]) == 2 + 2 * len(NAMES)


def test_of_equal_probabilities_the_first_label_comes_first():
    rng = np.random.default_rng(0)
    probs = rng.integers(0, 4, (300, 9)) / 4
    wanted = np.argsort(-probs, axis=1, kind="stable")
    for count in range(1, 10):
        np.testing.assert_array_equal(largest(probs, count), wanted[:, :count])


def test_no_cell_of_text_begins_as_a_formula_and_numbers_stay_as_they_are(tmp_path):
    names = ["=1+1", "+a", "-b", "@c", "\td", "\re", "'=f", "''+g", "'h", "i=1"]
    probs = np.full((1, 10), -0.5, np.float32)
    for predicted in (np.eye(1, 10, dtype=bool), np.eye(1, 10, 4, dtype=bool)):
        for options in ({}, {"top": 10}):
            path = write(tmp_path / "p.csv", probs, predicted, names, ids=["=cmd|' /C calc'!A0"], **options)
            cells = [found for row in read_csv(path) for found in row]
            unsafe = [found for found in cells if re.match(r"[=+\-@\t\r]", found)]
            assert unsafe == ["-0.5"] * 10
    assert len({cell(name) for name in names}) == 10
    assert [text_of(cell(name)) for name in names] == names


def test_a_name_of_several_lines_stays_one_cell_and_plain_lists_need_no_quotes():
    text = CsvText(["a\r\nb", "c"], None, False)
    assert text.header() == 'row,labels,"a\r\nb",c\n'
    plain = CsvText(["a", "b"], None, False)
    assert plain.rows(7, np.array([[0.5, 1.0]]), np.array([[True, True]]), None) == "7,a;b,0.5,1\n"


def test_an_error_or_an_interrupt_leaves_no_file_and_keeps_the_former_one(tmp_path):
    path = tmp_path / "p.csv"
    probs, predictions = make()
    for former in (False, True):
        for error in (RuntimeError, KeyboardInterrupt):
            writer = PredictionWriter(path, NAMES)
            writer.__enter__()
            writer.write(0, probs, predictions)
            assert len(list(tmp_path.iterdir())) == 1 + former
            writer.__exit__(error, error(), None)
            assert path.exists() == former
            assert len(list(tmp_path.iterdir())) == former
        path.write_text("former")
    assert path.read_text() == "former"
    write(path, probs, predictions)
    assert path.read_text().startswith("row,labels,")
    assert len(list(tmp_path.iterdir())) == 1


def test_no_rows_are_a_file_with_a_header(tmp_path):
    with PredictionWriter(tmp_path / "p.csv", ["a"]):
        pass
    assert (tmp_path / "p.csv").read_text() == "row,labels,a\n"
    with PredictionWriter(tmp_path / "p.jsonl", ["a"]) as out:
        out.write(0, np.zeros((0, 1)), np.zeros((0, 1), bool))
    assert (tmp_path / "p.jsonl").read_text() == ""


def test_a_full_disk_is_an_error_that_names_the_file(tmp_path, monkeypatch):
    probs, predictions = make()

    def full(self, content):
        raise OSError(28, "No space left on device")

    writer = PredictionWriter(tmp_path / "p.csv.gz", NAMES)
    writer.__enter__()
    monkeypatch.setattr(gzip.GzipFile, "write", full)
    with pytest.raises(DataError, match=r"p\.csv\.gz: cannot be written: No space left on device") as caught:
        writer.write(0, probs, predictions)
    writer.__exit__(DataError, caught.value, None)
    assert not list(tmp_path.iterdir())
    with pytest.raises(DataError, match="cannot be written: No such file"):
        PredictionWriter(tmp_path / "absent" / "p.csv", NAMES).__enter__()


WRONG = {
    "probs must be [n, 11], got [9, 3]": lambda probs, made: (0, probs[:, :3], made),
    "predictions must be [9, 11], got [8, 11]": lambda probs, made: (0, probs, made[1:]),
    "row 3 was written already, the next one is 5": lambda probs, made: (3, probs, made),
    "2 ids for 9 rows": lambda probs, made: (5, probs, made, ["a", "b"]),
    "ids are given with every call or with none": lambda probs, made: (5, probs, made, list("abcdefghi")),
    "the probability of 'sea' in row 5 is nan": lambda probs, made: (5, np.full_like(probs, np.nan), made),
}


@pytest.mark.parametrize("reason", WRONG)
def test_what_is_no_prediction_is_refused(reason, tmp_path):
    probs, predictions = make()
    writer = PredictionWriter(tmp_path / "p.csv", NAMES).__enter__()
    writer.write(0, probs[:5], predictions[:5])
    with pytest.raises(ValueError, match=re.escape(reason)) as caught:
        writer.write(*WRONG[reason](probs, predictions))
    with pytest.raises(TypeError, match="predictions must be bool, got uint8"):
        writer.write(5, probs, predictions.astype(np.uint8))
    with pytest.raises(TypeError, match="probs must be floats, got int64"):
        writer.write(5, probs.astype(int), predictions)
    writer.__exit__(ValueError, caught.value, None)
    with pytest.raises(RuntimeError, match="writes in a with block"):
        writer.write(0, probs, predictions)


def test_the_format_is_told_by_the_suffix(tmp_path):
    names = ("a.csv", "b.CSV.gz", "c.jsonl", "d.parquet")
    assert [prediction_format(name) for name in names] == ["csv", "csv", "jsonl", "parquet"]
    for name in ("a.txt", "a", "a.csv.xz", "a.parquet.gz"):
        with pytest.raises(ValueError, match=re.escape(name)):
            prediction_format(name)
    with pytest.raises(ValueError, match="unknown format 'xls'"):
        PredictionWriter("a.csv", ["a"], format="xls")
    with pytest.raises(ValueError, match="top must be at least 1, got 0"):
        PredictionWriter("a.csv", ["a"], top=0)
    path = write(tmp_path / "plain", *make(), format="jsonl")
    assert json.loads(path.read_text().splitlines()[0])["row"] == 0


def test_the_same_predictions_are_the_same_bytes(tmp_path):
    for name in ("p.csv", "p.csv.gz", "p.jsonl.gz"):
        one = write(tmp_path / name, *make(), size=2).read_bytes()
        assert write(tmp_path / name, *make(), size=9).read_bytes() == one


def test_parquet_without_pyarrow_says_what_to_install_before_anything_is_computed(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match=r"pip install 'mlj\[parquet\]', or write .csv or .jsonl"):
        PredictionWriter("p.parquet", ["a"])


def test_parquet_is_read_back_exactly(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    probs, predictions = make()
    table = parquet.read_table(write(tmp_path / "p.parquet", probs, predictions, ids=list("abcdefghi")))
    assert table.column_names == ["row", "id", "labels", "probs"]
    assert table["row"].to_pylist() == list(range(9))
    assert table["id"].to_pylist() == list("abcdefghi")
    assert table["labels"].to_pylist() == chosen(predictions)
    np.testing.assert_array_equal(np.array(table["probs"].to_pylist(), np.float32), probs)
    assert json.loads(table.schema.metadata[b"label_names"]) == NAMES
    table = parquet.read_table(write(tmp_path / "p.parquet", probs, predictions, top=2))
    best = np.argsort(-probs, axis=1, kind="stable")[:, :2]
    assert table["top_labels"].to_pylist() == [[NAMES[at] for at in row] for row in best]
    np.testing.assert_array_equal(
        np.array(table["probs"].to_pylist(), np.float32), np.take_along_axis(probs, best, axis=1)
    )


@pytest.mark.slow
def test_a_table_of_half_a_gigabyte_is_written_in_an_eighth_of_it(tmp_path):
    code = f"""
    import resource
    import numpy as np
    from mlj.data.predictions import PredictionWriter

    rng = np.random.default_rng(0)
    probs = rng.random((4096, 1000), np.float32)
    base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with PredictionWriter({str(tmp_path / "p.csv")!r}, [f"label {{at}}" for at in range(1000)]) as out:
        for start in range(0, 12 * 4096, 4096):
            out.write(start, probs, probs > 0.99)
    print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - base) / 1024)
    """
    code = textwrap.dedent(code)
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (tmp_path / "p.csv").stat().st_size > 500e6
    assert float(ran.stdout) < 64
