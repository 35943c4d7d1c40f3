"""A file read in pieces: what the whole file gives, in bounded memory, or the same error."""

from __future__ import annotations

import gzip
import subprocess
import sys

import numpy as np
import pytest
import scipy.sparse as sp

from mlj.cli import main
from mlj.data import DataError, DiskDataset, load, read_pieces, write_disk

ATTRIBUTES = (
    "@attribute x numeric\n@attribute y {red,green,blue}\n@attribute a {0,1}\n@attribute b {0,1}\n@data\n"
)
DENSE_ARFF = "1,red,0,1\n-2,blue,1,?\n0,green,1,0\n4,red,0,0\n5,blue,1,1\n"
SPARSE_ARFF = "{0 1,2 1}\n{}\n{1 blue,3 1}\n{0 2}\n{3 1}\n"
XML = '<labels xmlns="u"><label name="b"/><label name="a"/></labels>'
CSV = "x,name,a,y,b\n1,one,0,3,1\n2,two,1,4,?\n5,six,1,6,0\n7,ten,0,8,0\n"
NAMED_LABELS = {"labels": "a,b", "ignore": "name"}
LISTED = "x,tags\n1,sea;sky\n2,\n3,?\n4,fog\n"
LIBSVM = "1,3 1:2 4:1.5\n2:1\n2 1:1\n3 5:2\n\n"
XC = "5 6 4\n0,1 0:1.5 2:-2\n 1:1\n\n2 4:1\n3 5:1\n"


def _npz(folder, **more):
    rng = np.random.default_rng(0)
    arrays = {"features": rng.normal(size=(5, 3)), "labels": rng.integers(-1, 2, (5, 2))}
    np.savez(folder / "d.npz", **(arrays | more))


def _csr(folder):
    matrix = sp.random_array((5, 4), density=0.5, format="csr", rng=np.random.default_rng(0))
    parts = {"data": matrix.data, "indices": matrix.indices, "indptr": matrix.indptr}
    np.savez(folder / "d.npz", **parts, shape=np.array(matrix.shape), labels=np.eye(5, 2))


NAMED = {"feature_names": np.array(["u", "v", "w"]), "label_names": np.array(["sea", "sky"])}
CASES = {
    "mulan": ("d.arff", "@relation r\n" + ATTRIBUTES + DENSE_ARFF, {}),
    "meka": ("m.arff", "@relation 'r: -C -2'\n" + ATTRIBUTES + DENSE_ARFF, {}),
    "meka with a split": ("m.arff", "@relation 'r: -C -2 -split-number 3'\n" + ATTRIBUTES + DENSE_ARFF, {}),
    "sparse arff": ("m.arff", "@relation r\n" + ATTRIBUTES + SPARSE_ARFF, {"labels": "last:2"}),
    "csv": ("d.csv", CSV, NAMED_LABELS),
    "csv with text": ("d.csv", CSV, {"labels": "a,b", "text": "name"}),
    "listed csv": ("d.csv", LISTED, {"labels": "tags", "separator": ";"}),
    "filled csv": ("d.csv", CSV.replace("5,six", "NA,six"), NAMED_LABELS | {"missing_features": "zero"}),
    "libsvm": ("d.svm", LIBSVM, {"label_base": 1, "feature_base": 1}),
    "sized libsvm": ("d.svm", LIBSVM, {"label_base": 1, "feature_base": 1, "num_features": 9}),
    "xc": ("d.txt", XC, {}),
    "npz": ("d.npz", _npz, {}),
    "named npz": ("d.npz", lambda folder: _npz(folder, **NAMED), {}),
    "npz with a split": ("d.npz", lambda folder: _npz(folder, split=np.array([0, 1, 2, 0, -1])), {}),
    "npz with a named split": (
        "d.npz",
        lambda folder: _npz(folder, s=np.array([0, 0, 2, 0, 1])),
        {"split": "s"},
    ),
    "npz with a choice of rows": (
        "d.npz",
        lambda folder: _npz(folder, valid=np.array([1, 0, 1, 1, 0], bool)),
        {"rows": "valid"},
    ),
    "csr": ("d.npz", _csr, {}),
}
WHOLE = {"csr", "meka with a split", "sized libsvm", "npz with a choice of rows"}


def make(folder, case: str):
    name, content, options = CASES[case]
    if callable(content):
        content(folder)
    else:
        (folder / name).write_text(content)
    (folder / "d.xml").write_text(XML)
    return folder / name, options


@pytest.mark.parametrize("rows", [1, 2, 4096])
@pytest.mark.parametrize("case", CASES)
def test_what_is_written_in_pieces_is_the_whole_file(case, rows, tmp_path):
    path, options = make(tmp_path, case)
    whole = load(path, **options)
    pieces = list(read_pieces(path, most_rows=rows, **options))
    assert len(pieces) == (1 if case in WHOLE else -(-whole.num_samples // rows))
    packed = write_disk(pieces, tmp_path / "packed").to_dataset()
    assert packed.sha256 == whole.sha256
    assert packed.name == whole.name


@pytest.mark.parametrize("case", ["csv", "listed csv", "mulan", "libsvm", "xc", "npz"])
def test_a_test_file_becomes_the_test_part(case, tmp_path):
    path, options = make(tmp_path, case)
    test = path.with_name(f"t{path.suffix}")
    test.write_bytes(path.read_bytes().replace(b"fog", b"ice").replace(b"sky\n", b"sky;ice\n"))
    whole = load(path, test=test, **options)
    pieces = list(read_pieces(path, test=test, most_rows=2, **options))
    assert write_disk(pieces, tmp_path / "packed").to_dataset().sha256 == whole.sha256
    assert {0, 2} == set(whole.split.tolist())


@pytest.mark.parametrize(
    ("name", "text", "options", "said"),
    [
        ("d.csv", CSV.replace("7,ten", "x,ten"), NAMED_LABELS, r"d\.csv:5: column 'x'"),
        ("d.csv", CSV, {}, "which columns are labels"),
        (
            "d.csv",
            LISTED.replace("fog", "fog;"),
            {"labels": "tags", "separator": ";"},
            r"d\.csv:5: an empty label",
        ),
        ("d.csv", CSV.replace("5,six", "?,six"), NAMED_LABELS, r"d\.csv:4: .*missing"),
        ("d.svm", LIBSVM, {}, "state label_base and feature_base"),
        ("d.svm", "1 1:1\n\n1 1:1\n", {"label_base": 1, "feature_base": 1}, r"d\.svm:2: a blank line"),
        ("d.txt", "3 6 4\n0 0:1\n1 1:1\n", {}, r"d\.txt:1: the header says 3 rows, the file has 2"),
        ("m.arff", "@relation r\n" + ATTRIBUTES + "1,red,0,2\n", {"labels": "last:2"}, r"m\.arff:7: "),
    ],
)
def test_a_wrong_file_is_refused_with_its_line_and_leaves_nothing(name, text, options, said, tmp_path):
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=said):
        write_disk(read_pieces(tmp_path / name, most_rows=2, **options), tmp_path / "packed")
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_wrong_options_and_absent_labels_are_refused(tmp_path):
    path, options = make(tmp_path, "csv")
    with pytest.raises(ValueError, match="most_rows must be at least 1"):
        next(read_pieces(path, most_rows=0, **options))
    with pytest.raises(ValueError, match="no option 'ignored': did you mean 'ignore'"):
        next(read_pieces(path, labels="a,b", ignored="name"))
    np.savez(tmp_path / "n.npz", features=np.ones((2, 2)))
    with pytest.raises(DataError, match="no array 'labels'"):
        next(read_pieces(tmp_path / "n.npz"))
    for wrong in (np.zeros(6, int), np.zeros(4, int), np.zeros((5, 1), int)):
        _npz(tmp_path, split=wrong)
        with pytest.raises(DataError, match=r"split must be \[5\], a code per row, is"):
            list(read_pieces(tmp_path / "d.npz"))
    _npz(tmp_path)
    with pytest.raises(DataError, match="no array 'spilt': known: features, labels"):
        next(read_pieces(tmp_path / "d.npz", split="spilt"))


def test_pack_reads_packed_files_and_built_in_data(tmp_path):
    text = CSV.replace("?", "1")
    (tmp_path / "d.csv.gz").write_bytes(gzip.compress(text.encode()))
    words = ["pack", str(tmp_path / "d.csv.gz"), "--labels", "a,b", "--ignore", "name"]
    assert main([*words, "--out", str(tmp_path / "one")]) == 0
    assert (
        DiskDataset(tmp_path / "one").to_dataset().sha256
        == load(tmp_path / "d.csv.gz", labels="a,b", ignore="name").sha256
    )
    assert main(["pack", "yeast", "--out", str(tmp_path / "two")]) == 0
    assert DiskDataset(tmp_path / "two").to_dataset().sha256 == load("yeast").sha256


LARGE = r"""
import re, sys
from pathlib import Path
from mlj.data import read_pieces, write_disk
path = Path(sys.argv[1])
if sys.argv[2] == "write":
    row = ",".join(f"0.{number:05d}" for number in range(250))
    with path.open("w") as stream:
        stream.write(",".join([*(f"x{number}" for number in range(250)), "a", "b"]) + "\n")
        for number in range(60_000):
            stream.write(f"{row},{number % 2},{number % 3 == 0:d}\n")
def highest():
    return int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1024
before = highest()
if sys.argv[2] == "pack":
    print(write_disk(read_pieces(path, labels="last:2"), path.with_name("packed")).num_samples)
print(highest() - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="measures memory as Linux does")
def test_a_table_of_120_megabytes_is_packed_in_less_than_its_size(tmp_path):
    command = [sys.executable, "-c", LARGE, str(tmp_path / "big.csv")]
    subprocess.run([*command, "write"], check=True)
    assert (tmp_path / "big.csv").stat().st_size > 110 << 20
    ran = subprocess.run([*command, "pack"], capture_output=True, text=True, check=True).stdout.split()
    assert int(ran[0]) == 60_000
    assert float(ran[1]) < 100
