"""XC, LIBSVM, CSV, TSV and NPZ: what is read, and every way to be wrong with its file and line."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import scipy.sparse as sp

from mlj.data import DataError, load, read_csv, read_libsvm, read_npz, read_xc


def write(folder, name: str, text: str):
    path = folder / name
    path.write_text(text)
    return path


def fails(call, path, line, reason):
    with pytest.raises(DataError) as caught:
        call()
    place = f"{path}:" + ("" if line is None else f"{line}:")
    assert str(caught.value).startswith(place + " ")
    assert reason in caught.value.reason


def test_the_xc_format_counts_from_zero_and_its_header_declares_the_sizes(tmp_path):
    path = write(tmp_path, "d_train.txt", "4 3 2\n0,1 0:1.5 2:-2e0\n 1:1\n\n1\n")
    data = load(path)
    assert data.features.toarray().tolist() == [[1.5, 0, -2], [0, 1, 0], [0, 0, 0], [0, 0, 0]]
    assert data.labels.tolist() == [[1, 1], [0, 0], [0, 0], [0, 1]]
    assert data.name == "d"
    both = load(path, test=write(tmp_path, "d_test.txt", "1 3 2\r\n0 2:1\r\n\r\n"))
    assert both.split.tolist() == [0, 0, 0, 0, 2]
    wide = write(tmp_path, "wide.txt", "1 4 2\n0 3:1\n")
    fails(
        lambda: load(path, test=wide),
        wide,
        1,
        "the header says [4, 2] features and labels, that of train [3, 2]",
    )


XC = {
    "3 3 2\n0 0:1\n1 1:1\n": (1, "the header says 3 rows, the file has 2"),
    "1 3 2\n0 0:1\n1 1:1\n": (1, "the header says 1 rows, the file has 2"),
    "2 3 2\n0 0:1\n2 1:1\n": (3, "label index 2 is beyond the last one, 1"),
    "2 3 2\n0 0:1\n-1 1:1\n": (3, "label index -1: indices begin at 0"),
    "2 3 2\n0 0:1\n1,1 1:1\n": (3, "label index 1 stands twice in the row"),
    "2 3 2\n0 0:1\n1, 1:1\n": (3, "a label is '', which is not an integer"),
    "2 3 2\n0 0:1\n0.5 1:1\n": (3, "a label is '0.5', which is not an integer"),
    "2 3 2\n0 0:1\n1 3:1\n": (3, "feature index 3 is beyond the last one, 2"),
    "2 3 2\n0 0:1\n1 -1:1\n": (3, "feature index -1: indices begin at 0"),
    "2 3 2\n0 0:1\n1 1:1 1:2\n": (3, "feature index 1 stands twice in the row"),
    "2 3 2\n0 0:1\n1 1:nan\n": (3, "feature 1 is 'nan', which is not finite"),
    "2 3 2\n0 0:1\n1 1:1e999\n": (3, "does not fit into float32"),
    "2 3 2\n0 0:1\n1 1:x\n": (3, "feature 1 is 'x', which is not a number"),
    "2 3 2\n0 0:1\n1 1:\n": (3, "feature 1 is '', which is not a number"),
    "2 3 2\n0 0:1\n1 1 1:2\n": (3, "expected index:value, got '1'"),
    "2 3 2\n0 0:1\n1 1:2:3\n": (3, "feature 1 is '2:3', which is not a number"),
    "2 3 2\n0 0:1\n1 2000000000000:1\n": (3, "is beyond the last one"),
    "2 3\n0 0:1\n": (1, "the first line must be 'rows features labels'"),
}


@pytest.mark.parametrize("text", XC)
def test_a_wrong_xc_file_is_an_error_with_file_line_and_reason(text, tmp_path):
    path = write(tmp_path, "d.txt", text)
    fails(lambda: read_xc(path), path, *XC[text])


def test_libsvm_text_is_read_with_the_bases_that_are_stated(tmp_path):
    path = write(tmp_path, "d.svm", "1,3 1:2 4:1 # note\n2:1\n 3:1\n2\t1:1\t2:2\n")
    ones = load(path, label_base=1, feature_base=1)
    assert (ones.num_features, ones.num_labels) == (4, 3)
    assert ones.labels.tolist() == [[1, 0, 1], [0, 0, 0], [0, 0, 0], [0, 1, 0]]
    assert ones.features.toarray()[3].tolist() == [1, 2, 0, 0]
    zeros = load(path, label_base=0, feature_base=0, num_features=9, num_labels=5)
    assert (zeros.features.shape, zeros.labels[0].tolist()) == ((4, 9), [0, 1, 0, 1, 0])
    test = write(tmp_path, "t.svm", "4 6:1\n")
    both = read_libsvm(path, label_base=1, feature_base=1, test=test)
    assert (both.num_features, both.num_labels, both.split.tolist()) == (6, 4, [0, 0, 0, 0, 2])


def test_the_bases_of_libsvm_text_are_never_guessed(tmp_path):
    path = write(tmp_path, "d.svm", "1 1:2\n")
    fails(lambda: load(path), path, None, "state label_base and feature_base")
    fails(lambda: load(path, label_base=1), path, None, "state label_base and feature_base")
    with pytest.raises(ValueError, match="label_base must be 0 or 1, got '1'"):
        load(path, label_base="1", feature_base=1)


LIBSVM = {
    "1 1:1\n0 1:1\n": (2, "label index 0: indices begin at 1"),
    "1 1:1\n1 0:1\n": (2, "feature index 0: indices begin at 1"),
    "1 1:1\n1 4:1\n": (2, "feature index 4 is beyond the last one, 3 (indices begin at 1)"),
    "1 1:1\n3 1:1\n": (2, "label index 3 is beyond the last one, 2"),
    "1 1:1\n\n1 1:1\n": (2, "a blank line between rows"),
    "1 1:1\n1 qid:1\n": (2, "a feature index is 'qid', which is not an integer"),
    "1 1:1\n1 1:inf\n": (2, "feature 1 is 'inf', which is not finite"),
    "1 1:1\n1,nan 1:1\n": (2, "a label is 'nan', which is not an integer"),
    "1 1:1\n1 2:1 2:1\n": (2, "feature index 2 stands twice in the row"),
}


@pytest.mark.parametrize("text", LIBSVM)
def test_a_wrong_libsvm_file_is_an_error_with_file_line_and_reason(text, tmp_path):
    path = write(tmp_path, "d.svm", text)
    fails(
        lambda: read_libsvm(path, label_base=1, feature_base=1, num_features=3, num_labels=2),
        path,
        *LIBSVM[text],
    )


def test_a_table_has_its_labels_where_the_caller_says(tmp_path):
    text = 'x,"a, b",c,id\n1,0,1,i\n 2.5 ,1.0,False,j\n3,NA,,k\n'
    path = write(tmp_path, "t.csv", text)
    for labels in (["a, b", "c"], '"a, b",c'):
        data = load(path, labels=labels, ignore="id")
        assert (data.feature_names, data.label_names) == (("x",), ("a, b", "c"))
        assert data.features.tolist() == [[1], [2.5], [3]]
        assert data.labels.tolist() == [[0, 1], [1, 0], [0, 0]]
        assert data.where.tolist() == [[True, True], [True, True], [False, False]]
    tabs = write(tmp_path, "t.tsv", "c\tx\n1\t2\n0\t3\n")
    assert load(tabs, labels="first:1").features.tolist() == [[2], [3]]
    bars = write(tmp_path, "t.dat", "c|x\n1|2\n0|3\n")
    assert load(bars, labels="c", format="csv", delimiter="|").features.tolist() == [[2], [3]]
    fails(lambda: load(bars, labels="c", format="csv"), bars, None, "state delimiter=")
    fails(lambda: load(bars, labels="c"), bars, None, "the format cannot be told")


def test_one_column_can_list_the_labels_and_the_test_part_shares_their_names(tmp_path):
    train = write(tmp_path, "l.csv", "x,tags\n1,sea; sky\n2,\n3,?\n4,sky\n")
    test = write(tmp_path, "m.csv", "tags,x\nsun,5\n")
    data = load(train, test=test, labels="tags", separator=";")
    assert data.label_names == ("sea", "sky", "sun")
    assert data.labels.tolist() == [[1, 1, 0], [0, 0, 0], [0, 0, 0], [0, 1, 0], [0, 0, 1]]
    assert data.where.all(axis=1).tolist() == [True, True, False, True, True]
    named = load(train, labels="tags", separator=";", label_names=["sky", "sea", "sand"])
    assert named.labels[0].tolist() == [1, 1, 0]
    unknown = {"labels": "tags", "separator": ";", "label_names": ["sky"]}
    fails(lambda: load(train, **unknown), train, 2, "label 'sea' is not one of label_names")
    twice = write(tmp_path, "n.csv", "x,tags\n1,a\n1,a;a\n")
    fails(lambda: load(twice, labels="tags", separator=";"), twice, 3, "a label stands twice in 'a;a'")
    empty = write(tmp_path, "o.csv", "x,tags\n1,a\n1,a;;b\n")
    fails(lambda: load(empty, labels="tags", separator=";"), empty, 3, "an empty label in 'a;;b'")
    fails(lambda: load(train, labels="x,tags", separator=";"), train, 1, "the labels stand in one column")


CSV = {
    "x,y,a\n1,2,0\n1,0\n": (3, "the row has 2 cells, the header has 3"),
    "x,y,a\n1,2,0\n1,2,0,1\n": (3, "the row has 4 cells, the header has 3"),
    "x,y,a\n1,2,0\n\n1,2,0\n": (3, "a blank line between rows"),
    "x,x,a\n1,2,0\n": (1, "two columns are named 'x'"),
    "x,,a\n1,2,0\n": (1, "column 2 has no name"),
    "x,y,b\n1,2,0\n": (1, "label column 'a' is absent"),
    "x,y,a\n": (1, "a header and no rows"),
    "x,y,a\n1,2,0\n1,2,2\n": (3, "label 'a' is '2'; a label is 0, 1 or missing"),
    "x,y,a\n1,2,0\n1,yes,0\n": (
        3,
        "column 'y' is 'yes', which is not a number; leave the column out with ignore",
    ),
    "x,y,a\n1,2,0\n1,inf,0\n": (3, "column 'y' is 'inf', which is not finite"),
    "x,y,a\n1,2,0\n1,1_0,0\n": (3, "column 'y' is '1_0', which is not a number"),
    "x,y,a\n1,2,0\n1,1e40,0\n": (3, "does not fit into float32"),
    "x,y,a\n1,2,0\n1,,0\n": (3, "feature 'y' is missing (''); state what stands in for it"),
    "x,y,a\n1,2,0\n1,nan,0\n": (3, "feature 'y' is missing ('nan')"),
    'x,y,a\n1,2,0\n1,"2,0\n': (3, "is not a table"),
    'x,y,a\n"1\n",2,0\n1,z,0\n': (4, "column 'y' is 'z'"),
}


@pytest.mark.parametrize("text", CSV)
def test_a_wrong_table_is_an_error_with_file_line_and_reason(text, tmp_path):
    path = write(tmp_path, "t.csv", text)
    fails(lambda: load(path, labels="a"), path, *CSV[text])


def test_columns_are_chosen_by_rules_that_say_when_they_fail(tmp_path):
    path = write(tmp_path, "t.csv", "x,a1,a2,b\n1,0,1,1\n2,1,0,1\n")
    assert load(path, labels="a*", ignore="b").label_names == ("a1", "a2")
    assert load(path, labels="last:3").label_names == ("a1", "a2", "b")
    for labels, line, reason in (
        ("z*", 1, "label column 'z*' is absent"),
        ("last:5", 1, "last:5 label columns of a table that has 4"),
        ("first:0", 1, "first:0 label columns"),
        ("", 1, "no label column is named"),
        (None, None, "which columns are labels?"),
    ):
        fails(lambda labels=labels: load(path, labels=labels), path, line, reason)
    fails(lambda: load(path, labels="b", ignore="b"), path, 1, "column 'b' is named in labels and ignore")
    with pytest.raises(ValueError, match="read_csv has no option 'ignored': did you mean 'ignore'"):
        load(path, labels="b", ignored="x")


def test_a_missing_feature_of_a_table_is_filled_as_stated(tmp_path):
    train = write(tmp_path, "m.csv", "x,a\n1,0\n,1\n3,1\n")
    test = write(tmp_path, "n.csv", "x,a\nNA,0\n")
    assert load(train, test=test, labels="a", missing_features="mean").features.tolist() == [
        [1],
        [2],
        [3],
        [2],
    ]
    assert load(train, labels="a", missing_features="zero").features.tolist() == [[1], [0], [3]]
    fails(lambda: load(train, labels="a", missing=["?"]), train, 3, "column 'x' is '', which is not a number")


def test_text_columns_become_hashed_ngrams_that_train_and_test_share(tmp_path):
    train = write(tmp_path, "t.csv", "x,s,a\n1,CCO,0\n2,CCN,1\n")
    test = write(tmp_path, "u.csv", "x,s,a\n1,CCO,0\n")
    data = load(train, test=test, labels="a", text="s")
    assert sp.issparse(data.features)
    assert data.describe()["test_rows_in_train"] == 1
    assert (data.features[[0]] != data.features[[1]]).nnz > 0


ARRAYS = {
    "features": np.arange(6.0).reshape(3, 2),
    "labels": np.array([[1, -1], [0, 1], [1, 0]], np.int8),
    "label_names": np.array(["a", "b"]),
    "split": np.array([0, 0, 2], np.int8),
    "other_split": np.array([2, 0, -1], np.int8),
    "valid": np.array([True, False, True]),
}
CSR = {
    "indices": np.array([1, 0, 1], np.int16),
    "indptr": np.array([0, 1, 1, 3], np.int32),
    "shape": np.array([3, 2]),
    "labels": np.array([[1], [0], [1]], np.uint8),
}


def save(folder, arrays, name="d.npz"):
    np.savez(folder / name, **arrays)
    return folder / name


def test_arrays_are_read_by_name_and_minus_one_is_an_unobserved_label(tmp_path):
    path = save(tmp_path, ARRAYS)
    data = load(path)
    assert data.where.tolist() == [[True, False], [True, True], [True, True]]
    assert data.labels.tolist() == [[1, 0], [0, 1], [1, 0]]
    assert (data.label_names, data.split.tolist()) == (("a", "b"), [0, 0, 2])
    assert load(path, split="other_split").split.tolist() == [2, 0, -1]
    assert load(path, rows="valid").features.tolist() == [[0, 1], [4, 5]]
    assert load(path, test=path).split.tolist() == [0, 0, 0, 2, 2, 2]
    where = np.array([[True, True], [False, True], [True, True]])
    both = read_npz(save(tmp_path, ARRAYS | {"where": where}, "w.npz"))
    assert both.where.tolist() == [[True, False], [False, True], [True, True]]


def test_csr_parts_without_data_are_ones(tmp_path):
    data = load(save(tmp_path, CSR))
    assert data.features.toarray().tolist() == [[0, 1], [0, 0], [1, 1]]
    data = load(save(tmp_path, CSR | {"data": np.array([2.0, 3, 4])}))
    assert data.features.toarray().tolist() == [[0, 2], [0, 0], [3, 4]]


NPZ = [
    (ARRAYS, {"labels": None}, {}, "no array 'labels'"),
    (ARRAYS, {"features": None}, {}, "no array 'features', nor CSR parts"),
    (ARRAYS, {"features": np.full((3, 2), np.nan)}, {}, "feature 0 of row 0 is nan"),
    (ARRAYS, {"labels": np.full((3, 2), 2)}, {}, "label 0 of row 0 is 2"),
    (ARRAYS, {"labels": np.zeros(3)}, {}, "labels must be numbers [N, L]"),
    (ARRAYS, {"labels": np.zeros((2, 2))}, {}, "3 rows of features but 2 rows of labels"),
    (ARRAYS, {"where": np.ones((3, 1), bool)}, {}, "where must be bool [3, 2]"),
    (ARRAYS, {"label_names": np.array(["a"])}, {}, "1 label names for 2 label columns"),
    (ARRAYS, {"label_names": np.array([1, 2])}, {}, "label_names must be a list of text"),
    (ARRAYS, {"split": np.array([0, 0, 5])}, {}, "split holds"),
    (ARRAYS, {}, {"split": "othr_split"}, "no array 'othr_split': did you mean 'other_split'?"),
    (ARRAYS, {}, {"rows": "split"}, "split must be bool [3]"),
    (CSR, {"indices": np.array([1, 0, 2])}, {}, "feature index 2 of row 2 is outside 0 to 1"),
    (CSR, {"indices": np.array([-1, 0, 1])}, {}, "feature index -1 of row 0 is outside 0 to 1"),
    (CSR, {"indices": np.array([1, 0, 0])}, {}, "the sparse features hold an entry twice"),
    (CSR, {"indices": np.array([1.0, 0, 1])}, {}, "indices must be a list of integers"),
    (CSR, {"indptr": np.array([0, 2, 1, 3])}, {}, "indptr must rise from 0 to 3"),
    (CSR, {"indptr": np.array([0, 3])}, {}, "indptr must rise from 0 to 3"),
    (CSR, {"data": np.ones(2)}, {}, "data must be [3] as indices are"),
    (CSR, {"shape": np.array([3])}, {}, "shape must be two sizes"),
]


@pytest.mark.parametrize(("arrays", "changes", "options", "reason"), NPZ)
def test_wrong_arrays_are_an_error_with_the_file_and_the_reason(arrays, changes, options, reason, tmp_path):
    kept = {key: value for key, value in (arrays | changes).items() if value is not None}
    path = save(tmp_path, kept)
    fails(lambda: load(path, **options), path, None, reason)


class Trap:
    def __reduce__(self):
        return exec, ("raise SystemExit('a pickle was executed')",)


def test_pickled_objects_are_refused_and_never_executed(tmp_path):
    path = tmp_path / "p.npz"
    np.savez(path, **ARRAYS | {"label_names": np.array([Trap(), Trap()], object)})
    fails(lambda: load(path), path, None, "holds pickled Python objects")
    path.write_bytes(pickle.dumps(Trap()))
    fails(lambda: load(path), path, None, "is not an NPZ file")
    whole = save(tmp_path, ARRAYS).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    fails(lambda: load(path), path, None, "cannot be read as NPZ")


def test_options_that_a_file_answers_itself_are_refused(tmp_path):
    path = save(tmp_path, ARRAYS)
    fails(
        lambda: load(path, labels="a"), path, None, "a file of the format npz says itself what its labels are"
    )
    fails(
        lambda: load(path, test=path, split="split"), path, None, "give a split or a test file, and not both"
    )
    with pytest.raises(ValueError, match="unknown format 'parquet'"):
        load(path, format="parquet")
    assert load(save(tmp_path, ARRAYS, "n.npz").rename(tmp_path / "n.data")).num_samples == 3
    assert read_csv(write(tmp_path, "r.csv", "1,0\n2,1\n"), "last:1", header=False).label_names == (
        "column_1",
    )
