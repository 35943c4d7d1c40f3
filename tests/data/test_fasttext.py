"""Text in the format of fastText: what is read, every way to be wrong, and the published counts."""

from __future__ import annotations

import numpy as np
import pytest

from mlj.data import DataError
from mlj.data.fasttext import read_fasttext


def write(folder, name: str, text: str):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_labels_of_both_parts_have_a_column_and_words_are_parted_by_one_space(tmp_path):
    train = write(tmp_path, "k.train", "__label__b __label__a  why  ?\nno label here\n\n")
    data = read_fasttext(train, test=write(tmp_path, "k.valid", "__label__c crème brûlée\r\n__label__a\r\n"))
    assert data.label_names == ("a", "b", "c")
    assert data.texts == ("why ?", "no label here", "crème brûlée", "")
    assert data.labels.tolist() == [[1, 1, 0], [0, 0, 0], [0, 0, 1], [1, 0, 0]]
    assert data.split.tolist() == [0, 0, 2, 2]
    assert read_fasttext(train).split is None


WRONG = {
    "__label__a x\n\n__label__a y\n": (2, "the line is empty"),
    "__label__a x\n__label__ y\n": (2, "a label is '__label__' without a name"),
    "__label__a __label__b __label__a y\n": (1, "label 'a' stands twice in the line"),
    "__label__a x\n__label__a y __label__b\n": (2, "__label__b stands behind the text; labels come first"),
    "x\ny\n": (None, "no line begins with __label__: the file has no labels"),
}


@pytest.mark.parametrize("text", WRONG)
def test_a_wrong_line_is_refused_with_its_number(text, tmp_path):
    path = write(tmp_path, "wrong.txt", text)
    with pytest.raises(DataError) as caught:
        read_fasttext(path)
    assert (caught.value.file, caught.value.line, caught.value.reason) == (str(path), *WRONG[text])


@pytest.mark.parametrize("prefix", ["", "a b", " "])
def test_a_prefix_that_is_no_word_is_refused(prefix, tmp_path):
    with pytest.raises(ValueError, match="prefix must be a word, got"):
        read_fasttext(write(tmp_path, "k.txt", "__label__a x\n"), prefix=prefix)


def test_bytes_that_are_no_utf8_are_refused_with_their_line(tmp_path):
    path = tmp_path / "latin.txt"
    path.write_bytes(b"__label__a x\n__label__a caf\xe9\n")
    with pytest.raises(DataError, match=r"latin.txt:2: byte 0xe9 is not utf-8"):
        read_fasttext(path)


def test_cooking_has_the_published_counts(data_dir):
    folder = data_dir / "cooking_stackexchange"
    data = read_fasttext(folder / "cooking.train.gz", test=folder / "cooking.valid.gz")
    assert np.bincount(data.split).tolist() == [12404, 0, 3000]
    assert data.num_labels == 736
    assert int(data.labels[data.split == 0].any(axis=0).sum()) == 735
    assert round(float(data.labels.sum(axis=1).mean()), 3) == 2.307
