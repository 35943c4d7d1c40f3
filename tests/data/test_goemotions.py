"""GoEmotions: what is read, every way to be wrong with its file and line, and the published counts."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from mlj.data import DataError
from mlj.data.goemotions import read_goemotions


def folder(tmp_path, train: str = "so glad\t0\ta\n", names: str = "joy\ngrief\n"):
    (tmp_path / "labels.txt").write_text(names, encoding="utf-8")
    (tmp_path / "train.tsv").write_text(train, encoding="utf-8")
    (tmp_path / "dev.tsv.gz").write_bytes(gzip.compress(b"all of it\t0,1\tb\n"))
    (tmp_path / "test.tsv").write_text("gone\t1\tc\n", encoding="utf-8")
    return tmp_path


def test_quotation_marks_and_line_separators_are_text(tmp_path):
    data = read_goemotions(folder(tmp_path, 'say "\t1,0\ta\nodd\u2028line 😂\t0\tb\n'))
    assert data.texts == ('say "', "odd\u2028line 😂", "all of it", "gone")
    assert data.labels.tolist() == [[1, 1], [1, 0], [1, 1], [0, 1]]
    assert data.split.tolist() == [0, 0, 1, 2]


WRONG = {
    "x\t0\ta\ny\t0\n": (2, "the row has 2 columns; it is text, labels and identifier, parted by tabs"),
    "x\t0\ta\n\ny\t0\tb\n": (2, "the row has 1 columns"),
    "x\t0\ta\ny\t\tb\n": (2, "a label is '', which is not an integer"),
    "x\t0\ta\ny\tjoy\tb\n": (2, "a label is 'joy', which is not an integer"),
    "x\t0\ta\ny\t2\tb\n": (2, "label index 2 is beyond the last one, 1"),
    "x\t0\ta\ny\t-1\tb\n": (2, "label index -1: indices begin at 0"),
    "x\t0\ta\ny\t1,1\tb\n": (2, "label index 1 stands twice in the row"),
}


@pytest.mark.parametrize("train", WRONG)
def test_a_wrong_row_is_refused_with_file_and_line(train, tmp_path):
    line, reason = WRONG[train]
    with pytest.raises(DataError) as caught:
        read_goemotions(folder(tmp_path, train))
    assert (caught.value.file, caught.value.line) == (str(tmp_path / "train.tsv"), line)
    assert reason in caught.value.reason


def test_a_missing_file_and_a_repeated_name_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"there is neither labels\.txt nor labels\.txt\.gz in this folder"):
        read_goemotions(tmp_path)
    with pytest.raises(DataError, match=r"labels\.txt:2: two labels are named 'joy', the first in line 1"):
        read_goemotions(folder(tmp_path, names="joy\njoy\n"))
    with pytest.raises(DataError, match=r"labels\.txt:3: the line is empty; it is the name of a label"):
        read_goemotions(folder(tmp_path, names="joy\ngrief\n \n"))


def test_goemotions_has_the_published_counts(data_dir):
    data = read_goemotions(data_dir / "goemotions")
    assert np.bincount(data.split).tolist() == [43410, 5426, 5427]
    assert (data.num_labels, data.label_names[-1]) == (28, "neutral")
    means = [data.labels[data.split == part].sum(axis=1).mean() for part in range(3)]
    assert np.round(means, 3).tolist() == [1.177, 1.176, 1.166]
    train = data.labels[data.split == 0]
    assert len(np.unique(train, axis=0)) == 711
    assert int(train[:, data.label_names.index("grief")].sum()) == 77
