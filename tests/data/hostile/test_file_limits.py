"""How much a file may become, who may say otherwise, and what that leaves to honest files."""

from __future__ import annotations

import gzip
import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from hostile_case import Member, archive, npy

from mlj.data import DataError, Dataset, read_csv, read_libsvm, read_npz, read_xc
from mlj.data.nearest import nearest
from mlj.data.numbered import NumberedNames
from mlj.data.streams import FREE_BYTES, MOST_BYTES, MOST_TIMES, most_bytes, read_bytes, read_start

ZEROS = bytes(FREE_BYTES + 1)


def test_a_file_may_become_two_hundred_times_its_size_within_bounds(monkeypatch):
    monkeypatch.delenv("MLJ_MAX_BYTES", raising=False)
    assert most_bytes(0) == most_bytes(1000) == FREE_BYTES
    assert most_bytes(10**6) == MOST_TIMES * 10**6
    assert most_bytes(MOST_BYTES) == most_bytes(10**12) == MOST_BYTES
    assert most_bytes(0, free=1 << 40) == MOST_BYTES


def test_what_is_refused_as_a_bomb_is_read_when_the_environment_says_so(monkeypatch, tmp_path):
    path = tmp_path / "zeros.gz"
    path.write_bytes(gzip.compress(ZEROS))
    with pytest.raises(
        DataError, match=r"zeros\.gz: becomes more than 8,388,608 bytes.*MLJ_MAX_BYTES to more"
    ):
        read_bytes(path)
    assert len(read_start(path, 1000)) >= 1000
    monkeypatch.setenv("MLJ_MAX_BYTES", str(len(ZEROS)))
    assert read_bytes(path) == ZEROS
    monkeypatch.setenv("MLJ_MAX_BYTES", str(len(ZEROS) - 1))
    with pytest.raises(DataError, match="decompression bomb"):
        read_bytes(path)


def test_the_environment_can_allow_less_and_must_say_a_number(monkeypatch, tmp_path):
    path = tmp_path / "d.csv"
    path.write_text("x,a\n1,0\n")
    monkeypatch.setenv("MLJ_MAX_BYTES", "5")
    with pytest.raises(DataError, match=r"d\.csv: has 8 bytes, more than the 5 that are read"):
        read_csv(path, "a")
    monkeypatch.setenv("MLJ_MAX_BYTES", "4G")
    with pytest.raises(ValueError, match="MLJ_MAX_BYTES must be a number of bytes, is '4G'"):
        read_csv(path, "a")


def test_text_that_compresses_as_real_text_does_is_read_whatever_its_size(tmp_path):
    rng = np.random.default_rng(0)
    row = "\n".join(
        ",".join(map(str, values)) for values in (rng.random((1000, 50)) < 0.03).astype(int).tolist()
    )
    content = (",".join(f"c{at}" for at in range(50)) + "\n" + (row + "\n") * 85).encode()
    assert len(content) > FREE_BYTES
    packed = b"".join(gzip.compress(content[at : at + 10_000]) for at in range(0, len(content), 10_000))
    assert 8 < len(content) / len(packed) < MOST_TIMES / 4
    (tmp_path / "d.csv.gz").write_bytes(packed)
    assert read_bytes(tmp_path / "d.csv.gz") == content


def test_an_archive_of_arrays_of_zeros_is_no_bomb(tmp_path):
    features = np.zeros((2000, 2000), np.float32)
    features[5, 7] = 1
    np.savez_compressed(tmp_path / "d.npz", features=features, labels=np.zeros((2000, 20), np.int8))
    assert features.nbytes > MOST_TIMES * (tmp_path / "d.npz").stat().st_size
    assert np.array_equal(read_npz(tmp_path / "d.npz").features, features)


def test_an_array_that_nobody_asks_for_is_not_unpacked(tmp_path):
    asked = (Member(f"{name}.npy", npy(np.eye(2))) for name in ("features", "labels"))
    others = Member("more.npy", b"", size=1 << 31), Member("notes.npy", npy(np.array([{}], object)))
    (tmp_path / "d.npz").write_bytes(archive(*asked, *others))
    assert read_npz(tmp_path / "d.npz").labels.tolist() == [[1, 0], [0, 1]]


def test_tens_of_millions_of_columns_take_no_memory_for_their_names(tmp_path):
    for name in ("train", "test"):
        (tmp_path / f"{name}.txt").write_text("1 90000000 80000000\n7,79999999 89999999:1\n")
    data = read_xc(tmp_path / "train.txt", test=tmp_path / "test.txt")
    assert (data.num_features, data.num_labels) == (90_000_000, 80_000_000)
    assert data.feature_names[-1] == "feature_89999999"
    assert data.label_matrix.indices.tolist() == [7, 79_999_999] * 2
    (tmp_path / "d.svm").write_text("0 40000000:1\n")
    data = read_libsvm(tmp_path / "d.svm", label_base=0, feature_base=0)
    assert data.num_features == 40_000_001
    assert data.replace(name="other").feature_names == data.feature_names


def test_numbered_names_are_those_of_a_tuple():
    names, plain = NumberedNames("label", 3), ("label_0", "label_1", "label_2")
    assert names == plain
    assert plain == names
    assert (tuple(names), names[1], names[-1], names[1:], len(names)) == (
        plain,
        plain[1],
        plain[2],
        plain[1:],
        3,
    )
    assert names != ("label_0", "label_1")
    assert names != NumberedNames("feature", 3)
    assert ["label_1" in names, "label_3" in names, "label_01" in names, 1 in names] == [
        True,
        False,
        False,
        False,
    ]
    assert hash(names) == hash(NumberedNames("label", 3))
    with pytest.raises(IndexError):
        names[3]


def test_a_message_is_short_and_printable_whatever_the_data_holds():
    error = DataError("label '" + "\x1b[2J\r\n" + "a" * 10_000_000 + "' is unknown", "d.csv", 3)
    assert len(str(error)) < 2000
    assert str(error).isprintable()
    assert str(error).startswith("d.csv:3: label '\\x1b[2J\\r\\naaa")
    assert str(error).endswith("a' is unknown")
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.file, again.line) == (str(error), "d.csv", 3)


def test_the_nearest_name_is_found_among_many_and_long_ones():
    assert nearest("c_1", (f"c{at}" for at in range(10**6))) == "did you mean 'c1'?"
    assert len(nearest("x" * 10**6, ["y" * 10**6] * 3)) < 1000


def test_names_are_text_that_can_be_written():
    with pytest.raises(DataError, match=r"the name of label 'a.*' holds half a character"):
        Dataset(np.eye(1), np.eye(1), label_names=["a\ud800"])
    assert Dataset(np.eye(1), np.eye(1), label_names=["ä"]).label_names == ("ä",)


def test_complex_sparse_features_and_a_split_of_text_are_refused():
    with pytest.raises(DataError, match="features must be real numbers, got complex128"):
        Dataset(sp.csr_array(np.eye(2) * 1j), np.eye(2))
    with pytest.raises(DataError, match=r"split holds 0 \(train\)"):
        Dataset(np.eye(2), np.eye(2), split=np.array(["0", "2"]))
