"""Rows of files of every format, a few at a time: those of the whole file, and every error with its place."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import subprocess
import sys
import textwrap
import zipfile

import numpy as np
import pytest
import scipy.sparse as sp

from mlj.data import DataError, Dataset, load
from mlj.data.array_file import ArrayFile
from mlj.data.batches import batch_format, batch_options, read_batches
from mlj.data.disk import write_disk
from mlj.data.line_stream import byte_lines, text_lines

SIZES = (1, 2, 3, 1000)
rng = np.random.default_rng(0)


def write(folder, name: str, content: str | bytes):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def fails(call, path, line, reason):
    with pytest.raises(DataError) as caught:
        list(call())
    place = f"{path}:" + ("" if line is None else f"{line}:")
    assert str(caught.value).startswith(place + " "), caught.value
    assert reason in caught.value.reason


def dense(matrix) -> np.ndarray:
    return matrix.toarray() if sp.issparse(matrix) else matrix


def joined(batches) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
    """Put batches together, and see to it that they follow on one another and are float32."""
    batches = list(batches)
    rows = 0
    for batch in batches:
        assert batch.first_row == rows
        assert batch.features.dtype == np.float32
        rows += batch.num_rows
    kinds = {sp.issparse(batch.features) for batch in batches}
    assert len(kinds) == 1
    features = np.vstack([dense(batch.features) for batch in batches])
    if batches[0].labels is None:
        return features, None, None
    where = [np.ones(batch.labels.shape, bool) if batch.where is None else batch.where for batch in batches]
    return features, np.vstack([dense(batch.labels) for batch in batches]), np.vstack(where)


def same(path, data: Dataset, **options):
    """Every batch size gives the features, labels and mask of the whole file."""
    observed = np.ones(data.labels.shape, bool) if data.where is None else data.where
    for rows in SIZES:
        batches = list(read_batches(path, rows=rows, **options))
        assert all(batch.num_rows == rows for batch in batches[:-1])
        features, labels, where = joined(batches)
        np.testing.assert_array_equal(features, dense(data.features))
        np.testing.assert_array_equal(labels, data.labels)
        np.testing.assert_array_equal(where, observed)
        assert sp.issparse(batches[0].features) == sp.issparse(data.features)


def by_model(data: Dataset) -> dict[str, object]:
    return {"feature_names": data.feature_names, "label_names": data.label_names}


CSV = (
    'id,"size, cm",note,tall,wide\n'
    '1,2.5,"two\nlines",1,0\n'
    "2,-0,,0,?\n"
    '3,"1e3",x,true,FALSE\n'
    '4,0.1,"q""q",0,1\n'
)


def test_a_table_gives_the_values_of_the_whole_file(tmp_path):
    path = write(tmp_path, "t.csv", CSV)
    chosen = {"labels": "last:2", "ignore": "id", "text": "note"}
    data = load(path, **chosen)
    same(path, data, **chosen)
    same(path, data, **by_model(data), ignore="id")
    crlf = write(tmp_path, "crlf.tsv", "\ufeff" + CSV.replace("\n", "\r\n").replace(",", "\t"))
    tabs = load(crlf, labels="tall,wide", ignore="id,note")
    same(crlf, tabs, **by_model(tabs), ignore="id,note")
    bare = write(tmp_path, "bare.csv", "1;2;0\n3;4;1\n\n\n")
    options = {"labels": "column_2", "delimiter": ";", "header": False}
    same(bare, load(bare, **options), **options)


def test_text_is_read_through_every_compression_and_encoding(tmp_path):
    data = load(write(tmp_path, "t.csv", CSV), labels="last:2", ignore="id,note")
    for name, pack in (("a.csv.gz", gzip.compress), ("b.csv.bz2", bz2.compress), ("c.csv.xz", lzma.compress)):
        same(write(tmp_path, name, pack(CSV.encode())), data, **by_model(data), ignore="id,note")
    wide = write(tmp_path, "w.csv", CSV.replace("note", "nöte").encode("utf-16"))
    same(wide, data, **by_model(data), ignore="id,nöte", encoding="utf-16")
    cut = write(tmp_path, "cut.csv.gz", gzip.compress(CSV.encode())[:-9])
    fails(lambda: read_batches(cut, **by_model(data), ignore="id,note"), cut, None, "gzip stream is cut off")


def test_the_columns_of_a_table_are_found_by_the_names_of_the_model(tmp_path):
    path = write(tmp_path, "p.csv", "b,extra,a,yes\n1,x,2,0\n3,y,4,1\n")
    names = {"feature_names": ["a", "b"], "label_names": ["yes"]}
    batch = next(read_batches(path, **names, ignore="extra", ids="extra"))
    assert (batch.features.tolist(), batch.ids) == ([[2, 1], [4, 3]], ["x", "y"])
    assert batch.labels.toarray().tolist() == [[0], [1]]
    unlabelled = write(tmp_path, "u.csv", "b,a\n1,2\n")
    assert next(read_batches(unlabelled, **names, ignore="extra")).labels is None
    wrong_labels = write(tmp_path, "w.csv", "b,a,yes\n1,2,perhaps\n")
    assert next(read_batches(wrong_labels, **names, with_labels=False)).labels is None
    fails(lambda: read_batches(wrong_labels, **names), wrong_labels, 2, "label 'yes' is 'perhaps'")


def test_a_missing_or_unknown_column_is_named_with_the_nearest(tmp_path):
    names = {"feature_names": ["height", "weight"], "label_names": ["tall", "wide"]}
    path = write(tmp_path, "a.csv", "height,wieght\n1,2\n")
    fails(
        lambda: read_batches(path, **names),
        path,
        1,
        "column 'wieght' is no feature of the model and no label: did you mean 'weight'?",
    )
    fails(
        lambda: read_batches(path, **names, ignore="wieght"),
        path,
        None,
        "feature 'weight' of the model is absent",
    )
    half = write(tmp_path, "h.csv", "height,weight,tall\n1,2,1\n")
    fails(lambda: read_batches(half, **names), half, 1, "label 'wide' is absent, 'tall' is there")
    fails(
        lambda: read_batches(half, **names, ids="nam"), half, 1, "the column of names of rows, 'nam', is abs"
    )


TABLES = {
    "a,b\n1,2\n3\n": (3, "the row has 1 cells, the header has 2"),
    "a,b\n1,2\n\n3,4\n": (3, "a blank line between rows"),
    "a,b\n1,2\n3,x\n": (3, "column 'b' is 'x', which is not a number"),
    'a,b\n1,2\n3,"\n4"\n5,y\n': (5, "column 'b' is 'y', which is not a number"),
    "a,b\n1,2\n3,inf\n": (3, "column 'b' is 'inf', which is not finite"),
    "a,b\n1,2\n3,1e39\n": (3, "does not fit into float32"),
    "a,b\n1,2\n3,?\n": (3, "feature 'b' is missing ('?')"),
    "a,b\n1,2\n3,\udcff\n": (3, "byte 0xff is not utf-8"),
    "a,b\n1,2\n3,\0\n": (3, "a NUL character"),
    'a,b\n1,2\n3,"4\n': (3, "is not a table: unexpected end of data"),
    "a,a\n1,2\n": (1, "two columns are named 'a'"),
    "a,\n1,2\n": (1, "column 2 has no name"),
    "a,b\n": (1, "a header and no rows"),
    " \n ": (None, "the file is empty"),
}


@pytest.mark.parametrize("text", TABLES)
def test_a_wrong_table_is_an_error_with_file_line_and_reason(text, tmp_path):
    path = write(tmp_path, "t.csv", text.encode("utf-8", "surrogateescape"))
    for rows in (1, 100):
        fails(lambda rows=rows: read_batches(path, rows=rows, feature_names=["a", "b"]), path, *TABLES[text])


def test_the_good_rows_before_a_wrong_one_are_given_first(tmp_path):
    path = write(tmp_path, "t.csv", "a\n1\n2\nx\n")
    batches = read_batches(path, rows=1, feature_names=["a"])
    assert [next(batches).features.tolist() for _ in range(2)] == [[[1]], [[2]]]
    fails(lambda: batches, path, 4, "column 'a' is 'x'")


def test_words_in_a_table_become_the_columns_that_the_model_knows(tmp_path):
    names = ["size", "colour=red", "colour=green", "colour=blue", "sex=f"]
    path = write(tmp_path, "w.csv", "sex,colour,size\nf,green,1\nm,red,2\n")
    found = next(read_batches(path, feature_names=names))
    assert found.features.tolist() == [[1, 0, 1, 0, 1], [2, 1, 0, 0, 0]]
    pink = write(tmp_path, "p.csv", "sex,colour,size\nf,gren,1\n")
    reason = "feature 'colour' is 'gren', which the model does not know: did you mean 'green'?"
    fails(lambda: read_batches(pink, feature_names=names), pink, 2, reason)
    gap = write(tmp_path, "g.csv", "sex,colour,size\nf,,1\n")
    fails(lambda: read_batches(gap, feature_names=names), gap, 2, "feature 'colour' is missing ('')")
    zero = next(read_batches(gap, feature_names=names, missing_features="zero"))
    assert zero.features.tolist() == [[1, 0, 0, 0, 1]]


def test_labels_listed_in_one_column_are_those_of_the_model(tmp_path):
    path = write(tmp_path, "l.csv", "x,tags\n1,sea; sky\n2,\n3,?\n4,sky\n")
    data = load(path, labels="tags", separator=";")
    same(path, data, **by_model(data), labels="tags", separator=";")
    sun = write(tmp_path, "s.csv", "x,tags\n1,sun\n")
    read = {**by_model(data), "labels": "tags", "separator": ";"}
    fails(lambda: read_batches(sun, **read), sun, 2, "label 'sun' is not one of label_names")
    assert next(read_batches(sun, **read, with_labels=False)).labels is None
    fails(lambda: read_batches(path, labels="tags", separator=";"), path, None, "give label_names")


def test_a_missing_feature_is_what_the_caller_says(tmp_path):
    path = write(tmp_path, "m.csv", "a,b,y\n1,NA,0\n,4,1\n")
    names = {"feature_names": ["a", "b"], "label_names": ["y"]}
    same(path, load(path, labels="y", missing_features="zero"), **names, missing_features="zero")
    same(path, load(path, labels="y", missing_features="keep"), **names, missing_features="keep")
    means, _, _ = joined(read_batches(path, **names, missing_features=np.array([7.0, 8.0])))
    assert means.tolist() == [[1, 8], [7, 4]]
    with pytest.raises(ValueError, match=r"missing_features must be \[2\], a value per feature, got \[3\]"):
        read_batches(path, **names, missing_features=np.zeros(3))
    with pytest.raises(ValueError, match="missing_features must be 'error', 'zero', 'keep' or an array"):
        read_batches(path, **names, missing_features="mean")


def test_sparse_text_gives_the_values_of_the_whole_file(tmp_path):
    xc = write(tmp_path, "d.txt", "5 3 2\n0,1 0:1.5 2:-2e0\n 1:1\n\n1\n0 2:1e-60\n\n")
    same(xc, load(xc))
    same(gzip_of(xc), load(xc), **by_model(load(xc)))
    text = "1,2 1:0.5 # why\n 2:1\n2\n"
    svm = write(tmp_path, "d.svm", text + "\n\n")
    bases = {"label_base": 1, "feature_base": 1}
    data = load(svm, **bases)
    same(svm, data, **bases, num_features=2, num_labels=2)
    same(svm, load(svm, **bases, num_features=9, num_labels=5), **bases, num_features=9, num_labels=5)
    assert next(read_batches(svm, **bases, num_features=2)).labels is None
    fails(lambda: read_batches(svm, **bases), svm, None, "state num_features")
    fails(
        lambda: read_batches(svm, **bases, feature_names=["x"]), svm, 2, "feature index 2 is beyond the last"
    )
    with pytest.raises(DataError, match="state label_base and feature_base"):
        read_batches(svm)


def gzip_of(path):
    packed = path.with_name(path.name + ".gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    return packed


SPARSE = {
    "3 3 2\n0 0:1\n1 1:1\n": (1, "the header says 3 rows, the file has 2"),
    "1 3 2\n0 0:1\n1 1:1\n": (1, "the header says 1 rows, the file has more"),
    "2 3 2\n0 0:1\n2 1:1\n": (3, "label index 2 is beyond the last one, 1"),
    "2 3 2\n0 0:1\n1 1:1 1:2\n": (3, "feature index 1 stands twice in the row"),
    "2 3 2\n0 0:1\n1 1:nan\n": (3, "feature 1 is 'nan', which is not finite"),
    "2 3 2\n0 0:1\n1 2147483648:1\n": (3, "feature index 2147483648 is beyond the last one"),
    "1 3 999999999\n0 0:1\n": (1, "999999999 labels are declared"),
    "rows\n": (1, "the first line must be 'rows features labels'"),
    "0 3 2\n": (1, "the header says 0 rows"),
}


@pytest.mark.parametrize("text", SPARSE)
def test_a_wrong_sparse_file_is_an_error_with_file_line_and_reason(text, tmp_path):
    path = write(tmp_path, "d.txt", text)
    for rows in (1, 100):
        fails(lambda rows=rows: read_batches(path, rows=rows, format="xc"), path, *SPARSE[text])


def test_a_blank_line_between_rows_of_libsvm_text_is_refused(tmp_path):
    path = write(tmp_path, "d.svm", "0 0:1\n\n\n0 0:1\n")
    read = {"label_base": 0, "feature_base": 0, "num_features": 1}
    for rows in (1, 100):
        fails(lambda rows=rows: read_batches(path, rows=rows, **read), path, 2, "a blank line between rows")


HEADER = """\
% about it
@relation 'birds: -C 2'
@attribute 'y 1' {0,1}
@attribute y2 {1,0}
@attribute size numeric
@attribute colour {red,green,'light blue'}
@attribute ring {1,0}
@attribute sex {m,f}
@attribute only {a}
@data
"""
DENSE_ROWS = "0,1,1.5,green,1,f,a\n% no row\n\n1,0,-2,'light blue',0,m,a\n1,?,1e3,red,0,f,a\n"
SPARSE_ROWS = "{0 1,2 1.5,3 green,5 f}\n{}\n{1 0, 4 0}\n"


def test_arff_gives_the_values_of_the_whole_file(tmp_path):
    for rows in (DENSE_ROWS, SPARSE_ROWS):
        path = write(tmp_path, f"{len(rows)}.arff", HEADER + rows)
        data = load(path)
        same(path, data)
        same(path, data, **by_model(data))
        same(gzip_of(path), data, labels=["y 1", "y2"])
    assert "colour=light blue" in data.feature_names
    plain = write(tmp_path, "n.arff", "@relation n\n@attribute a real\n@attribute b {0,1}\n@data\n1,1\n2,0\n")
    write(tmp_path, "n.xml", '<labels><label name="b"/></labels>')
    same(plain, load(plain))
    same(plain, load(plain), labels=str(tmp_path / "n.xml"))
    same(plain, load(plain), **by_model(load(plain)))


def test_a_nominal_attribute_means_what_its_values_are_called_whatever_their_order(tmp_path):
    trained = load(write(tmp_path, "train.arff", HEADER + DENSE_ROWS))
    other = """\
@relation birds
@attribute only {a}
@attribute sex {f,m}
@attribute ring {0,1}
@attribute colour {'light blue',pink,red}
@attribute size numeric
@data
"""
    cells = "a,f,1,'light blue',1.5\na,m,0,red,2\n"
    wanted = [[1.5, 0, 0, 1, 1, 1, 1], [2, 1, 0, 0, 0, 0, 1]]
    assert trained.feature_names[1:4] == ("colour=red", "colour=green", "colour=light blue")
    names = by_model(trained)
    path = write(tmp_path, "p.arff", other + cells)
    assert joined(read_batches(path, rows=1, **names))[0].tolist() == wanted
    sparse = write(tmp_path, "s.arff", other + "{2 1,4 1.5}\n{1 m,3 red,4 2}\n")
    assert joined(read_batches(sparse, rows=1, **names))[0].tolist() == wanted
    gap = write(tmp_path, "gap.arff", other + "a,f,1,?,1.5\n")
    fails(lambda: read_batches(gap, **names), gap, 8, "feature 'colour=red' is missing")
    filled = next(read_batches(gap, **names, missing_features=np.arange(7.0) / 8))
    assert filled.features.tolist() == [[1.5, 1 / 8, 2 / 8, 3 / 8, 1, 1, 1]]
    pink = write(tmp_path, "pink.arff", other + "a,f,1,red,1\na,f,1,pink,1\n")
    fails(
        lambda: read_batches(pink, **names), pink, 8 + 1, "attribute 'colour' is 'pink', which the model does"
    )


ATTRIBUTES = {
    "@attribute size {1,2}": (2, "attribute 'size' is a number for the model, here it is one of {1,2}"),
    "@attribute size real\n@attribute colour real": (
        3,
        "attribute 'colour' is a number, the model knows it as",
    ),
    "@attribute size real\n@attribute colour {red}\n@attribute more real": (
        4,
        "attribute 'more' is no feature",
    ),
    "@attribute size real\n@attribute colr {red}": (
        None,
        "feature 'colour=red' of the model is absent: did you",
    ),
    "@attribute size real\n@attribute colour {red,a,b}": (
        3,
        "declares 3 values, the model knows two, one of",
    ),
}


@pytest.mark.parametrize("text", ATTRIBUTES)
def test_attributes_that_are_not_those_of_the_model_are_refused(text, tmp_path):
    path = write(tmp_path, "a.arff", f"@relation r\n{text}\n@data\n1,red,1\n")
    names = ["size", "colour=red"]
    fails(lambda: read_batches(path, feature_names=names), path, *ATTRIBUTES[text])


ROWS = {
    "@data\n1,2\n1\n": (5, "the row has 1 values for 2 attributes"),
    "@data\n1,2\n{0 1}\n": (5, "a sparse row"),
    "@data\n{0 1}\n1,2\n": (5, "a dense row"),
    "@data\n1,2\n1,x\n": (5, "attribute 'b' is 'x', which is not a number"),
    "@data\n1,2\n1,?\n": (5, "feature 'b' is missing"),
    "@data\n": (3, "no rows after @data"),
    "oops\n@data\n": (3, "expected @relation, @attribute or @data, got 'oops'"),
    "% the end\n": (3, "the file ends before @data"),
}


@pytest.mark.parametrize("text", ROWS)
def test_a_wrong_arff_file_is_an_error_with_file_line_and_reason(text, tmp_path):
    path = write(tmp_path, "a.arff", "@attribute a real\n@attribute b real\n" + text)
    for rows in (1, 100):
        fails(lambda rows=rows: read_batches(path, rows=rows, feature_names=["a", "b"]), path, *ROWS[text])


def test_hierarchical_arff_is_read_with_its_labels(tmp_path):
    text = (
        "@relation h\n@attribute a numeric\n@attribute class hierarchical 1,1/2,3\n@data\n1,1/2\n2,3@1\n5,1\n"
    )
    path = write(tmp_path, "h.arff", text)
    data = load(path, format="hmc")
    same(path, data)
    same(path, data, **by_model(data))


def arrays(rows: int = 7, width: int = 5, labels: int = 3) -> dict[str, np.ndarray]:
    return {
        "features": rng.normal(size=(rows, width)),
        "labels": rng.integers(-1, 2, (rows, labels)).astype(np.int8),
        "feature_names": np.array([f"f{at}" for at in range(width)]),
        "label_names": np.array([f"l{at}" for at in range(labels)]),
    }


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_the_arrays_of_an_npz_file_are_streamed_as_they_are_read_whole(save, tmp_path):
    path = tmp_path / "a.npz"
    found = arrays()
    save(path, **found)
    data = load(path)
    assert data.where is not None
    same(path, data)
    same(path, data, **by_model(data))
    order = {"feature_names": data.feature_names[::-1], "label_names": data.label_names[::-1]}
    features, labels, where = joined(read_batches(path, rows=2, **order))
    np.testing.assert_array_equal(features, data.features[:, ::-1])
    np.testing.assert_array_equal(labels, data.labels[:, ::-1])
    np.testing.assert_array_equal(where, data.where[:, ::-1])
    save(path, **{**found, "features": np.asfortranarray(found["features"].astype(np.int16))})
    same(path, load(path))
    save(path, features=found["features"], labels=found["labels"] > 0, where=found["labels"] >= 0)
    same(path, load(path))
    save(path, features=found["features"])
    assert next(read_batches(path)).labels is None
    csr = sp.csr_array(found["features"] > 0.5, dtype=np.float64)
    parts = {name: getattr(csr, name) for name in ("data", "indices", "indptr")}
    save(path, labels=found["labels"], shape=np.array(csr.shape), **parts)
    same(path, load(path))
    save(path, **found, valid=np.arange(7) % 2 == 0)
    same(path, load(path, rows="valid"), rows_key="valid")


def test_an_npz_file_that_lies_is_refused(tmp_path):
    path = tmp_path / "a.npz"
    found = arrays()
    np.savez(path, **{**found, "features": np.full((2, 2), np.nan)}, allow_pickle=False)
    fails(lambda: read_batches(path, with_labels=False), path, None, "feature 0 of row 0 is missing")
    np.savez(path, features=found["features"], labels=np.zeros((3, 1)))
    fails(lambda: read_batches(path), path, None, "labels must be [7, L] as there are rows, are [3, 1]")
    np.savez(path, features=found["features"], labels=np.full((7, 2), 0.5))
    fails(lambda: read_batches(path), path, None, "label 0 of row 0 is 0.5; an observed label is 0 or 1")
    np.savez(path, features=np.array([["x"]]))
    fails(lambda: read_batches(path), path, None, "holds <U1 values; numbers are wanted")
    np.savez(path, features=found["features"])
    fails(
        lambda: read_batches(path, feature_names=["a"]), path, None, "there are 5 features, the model has 1"
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("features.npy", npy_bytes(np.zeros((3, 2)))[:-8])
    fails(lambda: read_batches(path), path, None, "'features' holds fewer values than its header says")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("features.npy", npy_bytes(np.zeros((3, 2))) + b"12345678")
    fails(lambda: read_batches(path), path, None, "'features' holds more values than its header says")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("features.npy", npy_bytes(np.zeros((3, 2))).replace(b"(3, 2), }  ", b"(3, 9**9)}  "))
        archive.writestr("labels.npy", npy_bytes(np.zeros((3, 1))))
    fails(lambda: read_batches(path), path, None, "is not an NPY file")
    with zipfile.ZipFile(path, "w") as archive:
        wide = npy_bytes(np.zeros((3, 2))).replace(b"(3, 2), }" + b" " * 9, b"(3, 2000000000), }")
        archive.writestr("features.npy", wide)
    fails(lambda: read_batches(path), path, None, "a batch of array 'features' takes 48,000,000,000 bytes")
    np.savez(path, features=found["features"])
    content = bytearray(path.read_bytes())
    content[200] ^= 1
    path.write_bytes(content)
    fails(lambda: read_batches(path), path, None, "cannot be read as NPZ")


def npy_bytes(array: np.ndarray) -> bytes:
    import io

    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


@pytest.mark.parametrize("dtype", ["<f4", ">f8", "<f2", "|i1", "|b1"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_an_npy_file_is_read_in_blocks_whatever_its_type_and_order(dtype, order, tmp_path):
    array = np.array(rng.integers(0, 2, (5, 3)), dtype=dtype, order=order)
    path = tmp_path / "x.npy"
    np.save(path, array)
    for rows in SIZES:
        features, labels, _ = joined(read_batches(path, rows=rows, feature_names=list("abc")))
        np.testing.assert_array_equal(features, array.astype(np.float32))
        assert labels is None
    fails(
        lambda: read_batches(path, feature_names=list("ab")),
        path,
        None,
        "there are 3 features, the model has",
    )


def test_an_npy_file_that_lies_is_refused(tmp_path):
    good = npy_bytes(np.zeros((3, 2), np.float32))
    path = write(tmp_path, "x.npy", good[:-1])
    fails(lambda: read_batches(path), path, None, "holds 23 bytes of values, float32 [3, 2] takes 24")
    longer = write(tmp_path, "x.npy", good + b"x")
    fails(lambda: read_batches(longer), path, None, "holds 25 bytes of values, float32 [3, 2] takes 24")
    huge = good.replace(b"(3, 2)", b"(3, 9)")
    fails(lambda: read_batches(write(tmp_path, "x.npy", huge)), path, None, "float32 [3, 9] takes 108")
    negative = good.replace(b"(3, 2)", b"(3,-2)")
    fails(lambda: read_batches(write(tmp_path, "x.npy", negative)), path, None, "which no array has")
    objects = good.replace(b"'<f4'", b"'|O' ")
    fails(lambda: read_batches(write(tmp_path, "x.npy", objects)), path, None, "pickled Python objects")
    fails(lambda: read_batches(write(tmp_path, "x.npy", b"\x93NUMPY")), path, None, "is not an NPY file")
    row = write(tmp_path, "x.npy", npy_bytes(np.zeros(3)))
    fails(lambda: read_batches(row), path, None, "features must be [N, D], are [3]")
    infinite = write(tmp_path, "x.npy", npy_bytes(np.array([[1.0], [1e39]])))
    fails(lambda: read_batches(infinite, rows=1), path, None, "feature 0 of row 1 is inf")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"'shape': (2,)", b"'shape': \x002,)"),
        (b"'<U1'", b"'|V4'"),
        (b"(2,)", b"(9,)"),
        (b"u\0\0\0", b"\xff" * 4),
    ],
)
def test_names_in_an_npz_file_that_lie_are_refused(old, new, tmp_path):
    """They are read with the care that features get: a text of bytes that are none was once no DataError."""
    stream = io.BytesIO()
    np.save(stream, np.array(["u", "v"]))
    harmed = stream.getvalue().replace(old, new)
    assert harmed != stream.getvalue()
    np.savez(tmp_path / "d.npz", features=np.ones((3, 2)), labels=np.ones((3, 1)))
    with zipfile.ZipFile(tmp_path / "d.npz", "a") as archive:
        archive.writestr("feature_names.npy", harmed)
    with pytest.raises(DataError, match=r"d\.npz"):
        list(read_batches(tmp_path / "d.npz", feature_names=("u", "v")))


def test_an_array_that_is_cut_off_while_it_is_read_is_an_error(tmp_path):
    path = write(tmp_path, "x.npy", npy_bytes(np.zeros((1000, 9))))
    array = ArrayFile(path)
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(DataError, match="was cut off while it was read"):
        array.read(900, 901)


def test_a_data_set_on_disk_is_read_with_its_columns_by_name(tmp_path):
    np.savez(tmp_path / "a.npz", **arrays())
    data = load(tmp_path / "a.npz")
    disk = write_disk(data, tmp_path / "disk")
    same(disk.folder, data)
    back = {"feature_names": data.feature_names[::-1], "label_names": data.label_names[::-1]}
    features, labels, _ = joined(read_batches(disk.folder, rows=2, **back))
    np.testing.assert_array_equal(features, data.features[:, ::-1])
    np.testing.assert_array_equal(labels, data.labels[:, ::-1])
    wrong = [*data.feature_names[:-1], "f_4"]
    fails(
        lambda: read_batches(disk.folder, feature_names=wrong),
        disk.folder,
        None,
        "feature 'f_4' of the model is absent: did you mean 'f4'?",
    )


def test_the_format_is_told_by_the_name_or_by_the_first_lines(tmp_path):
    contents = {
        "a.csv": b"a\n1\n",
        "b.bin": npy_bytes(np.zeros((1, 1))),
        "c": b"1 2 3\n0 0:1\n",
        "d": b"0 1:2\n",
        "e": b"% note\n@relation r\n",
        "f.arff.gz": gzip.compress(b"@relation r\n@attribute class hierarchical 1\n@data\n"),
    }
    found = {name: batch_format(write(tmp_path, name, content)) for name, content in contents.items()}
    formats = ["csv", "npy", "xc", "libsvm", "arff", "hmc"]
    assert found == dict(zip(contents, formats))
    fails(lambda: batch_format(tmp_path), tmp_path, None, "is a folder without a data set")
    prose = write(tmp_path, "g", b"hello there\n")
    fails(lambda: batch_format(prose), prose, None, "the format cannot be told")
    absent = tmp_path / "absent"
    fails(lambda: batch_format(absent), absent, None, "cannot be opened")


def test_unknown_options_are_refused_before_anything_is_read(tmp_path):
    path = write(tmp_path, "t.csv", "a\n1\n")
    with pytest.raises(
        ValueError, match="the format csv has no option 'delimeter': did you mean 'delimiter'"
    ):
        read_batches(path, delimeter=";")
    with pytest.raises(ValueError, match="the format npy has no option 'labels': it has none"):
        read_batches(path, format="npy", labels="a")
    with pytest.raises(ValueError, match="rows must be at least 1, got 0"):
        read_batches(path, rows=0)
    with pytest.raises(ValueError, match="unknown format 'excel'"):
        read_batches(path, format="excel")
    with pytest.raises(ValueError, match="only a table has a column of names of rows"):
        read_batches(path, format="npy", ids="a")
    assert "delimiter" in batch_options("csv")


def test_lines_are_the_same_wherever_the_blocks_end(tmp_path, monkeypatch):
    content = b"\xef\xbb\xbfone\r\ntwo\rthr\xc3\xa9e\n\n\r\r\nlast"
    path = write(tmp_path, "t.txt", content)
    whole = content.removeprefix(b"\xef\xbb\xbf").splitlines()
    ends = ["one\r\n", "two\r", "thrée\n", "\n", "\r", "\r\n", "last"]
    for size in range(1, 12):
        monkeypatch.setattr("mlj.data.streams._BLOCK", size)
        if size >= 3:
            assert list(byte_lines(path)) == whole
            assert list(text_lines(path)) == ends


def test_a_line_without_end_is_refused_before_it_fills_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("mlj.data.line_stream.LONGEST_LINE", 1 << 20)
    path = write(tmp_path, "t.csv.gz", gzip.compress(b"a\n" + b"7" * (3 << 20), 1))
    fails(lambda: read_batches(path, feature_names=["a"]), path, 2, "the line is longer than 1048576 bytes")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["csv", "csv.gz", "svm", "arff", "npy", "npz", "disk"])
def test_a_file_of_200_megabytes_is_read_in_a_quarter_of_its_size(kind, tmp_path):
    code = f"""
    import gzip, resource, sys
    import numpy as np
    from pathlib import Path
    from mlj.data import Dataset
    from mlj.data.batches import read_batches
    from mlj.data.disk import write_disk

    path, kind = Path({str(tmp_path / f"big.{kind}")!r}), {kind!r}
    names = [f"f{{at}}" for at in range(500)]
    options = {{"label_base": 0, "feature_base": 0}} if kind == "svm" else {{}}
    if sys.argv[1] == "write":
        rows = np.random.default_rng(0).normal(size=(1000, 500)).astype(np.float32)
        if kind in ("npy", "npz"):
            big = np.tile(rows, (105, 1))
            np.save(path, big) if kind == "npy" else np.savez(path, features=big)
        elif kind == "disk":
            pieces = (Dataset(rows, np.zeros((1000, 2)), feature_names=names) for _ in range(105))
            write_disk(pieces, path)
        else:
            start = {{"arff": " ", "svm": " "}}.get(kind, ",").join(names) + "\\n"
            if kind == "arff":
                start = "".join(f"@attribute {{name}} real\\n" for name in names) + "@data\\n"
            lines = [",".join(f"{{value:.5f}}" for value in row) for row in rows]
            if kind == "svm":
                start = ""
                lines = [" ".join(f"{{at}}:{{value:.5f}}" for at, value in enumerate(row)) for row in rows]
                lines = [f"0 {{line}}" for line in lines]
            block = ("\\n".join(lines) + "\\n").encode()
            with (gzip.open(path, "wb", 1) if kind.endswith("gz") else path.open("wb")) as stream:
                stream.write(start.encode())
                for _ in range(50):
                    stream.write(block)
    else:
        total = sum(
            batch.num_rows
            for batch in read_batches(path, rows=512, feature_names=names, with_labels=False, **options)
        )
        print(total, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    """
    code = textwrap.dedent(code)
    subprocess.run([sys.executable, "-c", code, "write"], check=True)
    base = [
        sys.executable,
        "-c",
        "import mlj.data.batches, resource\nprint(0, resource.getrusage(0).ru_maxrss / 1024)",
    ]
    ran = [
        subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        for command in (base, [sys.executable, "-c", code, "read"])
    ]
    rows = 50_000 if kind in ("csv", "csv.gz", "svm", "arff") else 105_000
    assert int(ran[1][0]) == rows
    assert float(ran[1][1]) - float(ran[0][1]) < 50


def test_an_encoding_that_is_none_is_refused_by_name(tmp_path):
    path = write(tmp_path, "a.arff", "@relation r\n@attribute x numeric\n@attribute a {0,1}\n@data\n1,0\n")
    with pytest.raises(ValueError, match="unknown encoding 'utf-99'"):
        list(read_batches(path, labels="last:1", encoding="utf-99"))
