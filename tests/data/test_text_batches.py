"""Texts of tables and lines: the whole file, and the same a few rows at a time."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from mlj.data import DataError, TextDataset, read_csv_texts, read_fasttext, read_text_batches

TABLE = 'id,title,sea,body,sky\na1,Tide,1,"salt, wet",0\na2,NA,0,,1\na3,Gull,1,"over\nlines",1\n'
LISTED = "text|tags\nwet salt|sea;sky\nnothing|\nblue|sky\n"
LINES = "__label__sea __label__sky wet salt\nno label\n__label__sky blue\n\n"


def write(folder, name: str, text: str):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_columns_of_text_are_joined_and_a_cell_that_looks_missing_is_a_text(tmp_path):
    data = read_csv_texts(write(tmp_path, "d.csv", TABLE), "body,title", "sea,sky", ignore="id")
    assert data.texts == ("Tide\nsalt, wet", "NA\n", "Gull\nover\nlines")
    assert data.label_names == ("sea", "sky")
    assert data.labels.tolist() == [[1, 0], [0, 1], [1, 1]]
    assert data.split is None
    assert data.name == "d"


def test_a_test_file_may_have_its_columns_in_another_order(tmp_path):
    test = write(tmp_path, "t.csv", "sky,sea,title\n1,0,Air\n")
    train = write(tmp_path, "d.csv", "title,sea,sky\nTide,1,0\n")
    data = read_csv_texts(train, "title", "sea,sky", test=test)
    assert data.texts == ("Tide", "Air")
    assert data.labels.tolist() == [[1, 0], [0, 1]]
    assert data.split.tolist() == [0, 2]


def test_listed_labels_are_those_of_both_files(tmp_path):
    test = write(tmp_path, "t.csv", "text|tags\nair|fog\n")
    data = read_csv_texts(
        write(tmp_path, "d.csv", LISTED), "text", "tags", separator=";", delimiter="|", test=test
    )
    assert data.label_names == ("fog", "sea", "sky")
    assert data.labels.tolist() == [[0, 1, 1], [0, 0, 0], [0, 0, 1], [1, 0, 0]]


WRONG_TABLES = {
    "id,title,sea\na,b,1\n": (1, "column 'id' is neither text nor a label: leave it out (ignore='id')"),
    "title,sea\na,1\nb,?\n": (3, "label 'sea' is missing; labels of texts are 0 or 1"),
    "title,sea\na,1\nb,2\n": (3, "label 'sea' is '2'; a label is 0, 1 or missing"),
    "title,sea\na,1\nb\n": (3, "the row has 1 cells, the header has 2"),
    "titel,sea\na,1\n": (1, "text column 'title' is absent: did you mean 'titel'?"),
}


@pytest.mark.parametrize("text", WRONG_TABLES)
def test_a_wrong_table_of_texts_is_refused_with_its_line(text, tmp_path):
    path = write(tmp_path, "d.csv", text)
    with pytest.raises(DataError) as caught:
        read_csv_texts(path, "title", "sea")
    assert (caught.value.file, caught.value.line, caught.value.reason) == (str(path), *WRONG_TABLES[text])


def test_no_text_column_and_labels_of_another_file_are_refused(tmp_path):
    path = write(tmp_path, "d.csv", "title,sea\na,1\n")
    with pytest.raises(DataError, match="no column of text is named: give text="):
        read_csv_texts(path, (), "sea", ignore="title")
    with pytest.raises(DataError, match=r"t.csv:1: label 'sea' is absent"):
        read_csv_texts(path, "title", "last:1", test=write(tmp_path, "t.csv", "title,sky\na,1\n"))
    with pytest.raises(DataError, match=r"t.csv:1: has labels that the first file has not"):
        read_csv_texts(path, "title", "s*", test=write(tmp_path, "t.csv", "title,sea,sky\na,1,1\n"))


def rows_of(data: TextDataset, path, rows: int, order=None, **options):
    """Return texts and labels of a file read in batches, after checking that the rows follow one another."""
    names = data.label_names if order is None else [data.label_names[at] for at in order]
    batches = list(read_text_batches(path, rows=rows, label_names=names, **options))
    assert [batch.first_row for batch in batches] == list(range(0, data.num_samples, rows))
    assert all(batch.num_rows == len(batch.features) for batch in batches)
    assert all(batch.labels.has_sorted_indices for batch in batches)
    labels = np.concatenate([batch.labels.toarray() for batch in batches])
    return [text for batch in batches for text in batch.features], labels.tolist()


CASES = {
    "table": ("d.csv", TABLE, {"text": "title,body", "ignore": "id"}, {"labels": "sea,sky"}),
    "listed": (
        "d.txt",
        LISTED,
        {"text": "text", "labels": "tags", "separator": ";", "delimiter": "|", "format": "csv-text"},
        {},
    ),
    "lines": ("d.txt", LINES, {}, {}),
}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("rows", [1, 2, 3, 7])
@pytest.mark.parametrize("kind", CASES)
def test_texts_in_batches_are_those_of_the_whole_file(kind, rows, packed, tmp_path):
    name, text, options, more = CASES[kind]
    path = write(tmp_path, name, text)
    if packed:
        (tmp_path / f"{name}.gz").write_bytes(gzip.compress(text.encode()))
        path = tmp_path / f"{name}.gz"
    read = read_fasttext if kind == "lines" else read_csv_texts
    whole = read(path, **{key: value for key, value in (options | more).items() if key != "format"})
    assert rows_of(whole, path, rows, **options) == (list(whole.texts), whole.labels.tolist())
    turned = rows_of(whole, path, rows, order=(1, 0), **options)
    assert turned == (list(whole.texts), whole.labels[:, [1, 0]].tolist())


def test_a_long_document_is_one_cell(tmp_path):
    long = "sea and sky " * 100_000
    path = write(tmp_path, "d.csv", f'title,sea\n"{long}\n{long}",1\nshort,0\n')
    whole = read_csv_texts(path, "title", "sea")
    assert whole.texts == (f"{long}\n{long}".strip(), "short")
    assert rows_of(whole, path, 1, text="title") == (list(whole.texts), [[1], [0]])


def test_what_is_not_looked_at_may_be_anything(tmp_path):
    path = write(tmp_path, "d.txt", "__label__unknown a b\nc\n")
    (batch,) = read_text_batches(path, label_names=("sea",), with_labels=False)
    assert (batch.features, batch.labels, batch.num_rows) == (["a b", "c"], None, 2)
    table = write(tmp_path, "d.csv", "name,title,sea\nx,a,17\n")
    (batch,) = read_text_batches(table, label_names=("sea",), with_labels=False, text="title", ids="name")
    assert (batch.features, batch.labels, batch.ids) == (["a"], None, ["x"])


def test_the_test_part_of_a_folder_is_read_where_labels_are_wanted(tmp_path):
    (tmp_path / "labels.txt").write_text("joy\ngrief\n")
    for part in ("train", "dev", "test"):
        (tmp_path / f"{part}.tsv").write_text(f"so {part}\t0\tid1\nall {part}\t0,1\tid2\n")
    options = {"label_names": ("grief", "joy"), "format": "goemotions", "rows": 1}
    judged = list(read_text_batches(tmp_path, **options))
    assert [(batch.first_row, batch.features) for batch in judged] == [(0, ["so test"]), (1, ["all test"])]
    assert [batch.labels.toarray().tolist() for batch in judged] == [[[0, 1]], [[1, 1]]]
    assert len(list(read_text_batches(tmp_path, with_labels=False, **options))) == 6


WRONG_BATCHES = {
    ("d.txt", "__label__see a\n"): (1, "label 'see' is none of the model's: did you mean 'sea'?"),
    ("d.txt", "a\nb\n"): (None, "no line begins with __label__: the file has no labels"),
    ("d.txt", "__label__sea a\n\nb\n"): (2, "the line is empty"),
    ("d.csv", "title,see\na,1\n"): (
        1,
        "column 'see' is no label of the model: did you mean 'sea'? Leave it out with ignore",
    ),
    ("d.csv", "title,sea\na,1\n"): (1, "label 'sky' is absent, 'sea' is there: all labels or none"),
}


@pytest.mark.parametrize("case", WRONG_BATCHES)
def test_labels_that_are_not_the_models_are_refused_with_their_line(case, tmp_path):
    path = write(tmp_path, *case)
    options = {"text": "title"} if case[0] == "d.csv" else {}
    with pytest.raises(DataError) as caught:
        list(read_text_batches(path, label_names=("sea", "sky"), **options))
    assert (caught.value.file, caught.value.line, caught.value.reason) == (str(path), *WRONG_BATCHES[case])


def test_wrong_options_are_refused_before_anything_is_read(tmp_path):
    path, names = tmp_path / "none.txt", {"label_names": ("sea",)}
    for options, said in (
        ({"rows": 0}, "rows must be at least 1"),
        ({"format": "csv"}, "unknown format of texts 'csv'"),
        ({"ids": "name"}, "only a table has a column of names of rows"),
        ({"prefx": "#"}, "has no option 'prefx': did you mean 'prefix'"),
    ):
        with pytest.raises(ValueError, match=said):
            read_text_batches(path, **names, **options)
    with pytest.raises(DataError, match=r"is a folder; state format=goemotions\|reuters"):
        read_text_batches(tmp_path, **names)
    with pytest.raises(DataError, match="no column of text is named"):
        list(read_text_batches(write(tmp_path, "d.csv", TABLE), **names))


def test_texts_are_described_as_data_are_but_for_their_features():
    labels = np.array([[1, 0], [1, 1], [0, 0]])
    split = np.array([0, 2, 2])
    data = TextDataset(["a b", "a b", "c"], labels, label_names=("sea", "sky"), split=split)
    facts = data.describe()
    assert facts["words"] == pytest.approx(5 / 3)
    assert facts["cardinality"] == 1
    assert facts["test_rows_in_train"] == 1
    assert facts["duplicated_rows"] == 1
    assert facts["sha256"] == data.sha256
    assert not {"features", "feature_density"} & set(facts)
