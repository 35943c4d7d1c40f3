"""The parsers under fuzzing: valid files to begin with, how each is read, what must hold of the result."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.sparse as sp

from mlj.data import (
    DataError,
    Dataset,
    TextDataset,
    read_arff,
    read_batches,
    read_csv,
    read_csv_texts,
    read_fasttext,
    read_goemotions,
    read_hmc_arff,
    read_libsvm,
    read_meka_arff,
    read_mulan_arff,
    read_npz,
    read_pieces,
    read_reuters,
    read_text_batches,
    read_xc,
)
from mlj.data.array_file import ArrayFile
from mlj.data.batch import Batch
from mlj.data.mulan import read_label_names

_MOST_CELLS = 20_000
_NEXT = b"\n<next>\n"
_ARFF = (
    b"@relation 'r: -C -2 -split-number 1'\n% c\n@attribute x numeric\n"
    b"@attribute 'y z' {red,'light green',\"b\"}\n@attribute a {0,1}\n@attribute b {1,0}\n@data\n"
)
_DENSE = _ARFF + b"1.5,red,0,1\n-2e3,'light green',1,0 % c\n0,b,?,1\n"
_SPARSE = _ARFF + b"{0 1.5,2 1}\n{}\n{1 'light green', 3 0}\n{0 2}\n"
_PATHS = (
    b"@relation r\n@attribute x numeric\n@attribute c {p,q,r}\n@attribute class hierarchical a,a/b,a/b/c,d\n"
    b"@data\n1,p,a/b\n2,q,a/b/c@d\n3,r,'D'\n"
)
_EDGES = b"@relation r\n@attribute x real\n@attribute class hierarchical r/x,r/y,x/z,y/z\n@data\n0,Z\n1,Y@x\n"
_XML = (
    b'<?xml version="1.0" encoding="utf-8"?>\n<labels xmlns="u">\n<label name="a"><label name="b"/></label>'
    b"</labels>"
)
_CSV = b'x,"y ""z""",a,b\n1.5,2,0,1\r\n-1e3,"3",1,?\n 4,5,true,0\n'
_LISTED = 'x,l\n1,sea;sky\n2,\n3,?\n4,"sky;ärger"\n'.encode()
_LIBSVM = b"1,3 1:2 4:1.5e1 # note\n2:1\n 3:1\n2\t1:1\t2:-2\n"
_XC = b"4 5 3\n0,1 0:1.5 2:-2e0\n 1:1\n\n2 4:1\n"
_FASTTEXT = "__label__a __label__b how thick ?\n__label__ä why flat\nno label\n".encode()
_TEXTS = b'x,a,b\n"how ""thick"", ?",0,1\r\nNA,1,0\n 4,true,0\n"two\nlines",0,1\n'
_GOEMOTIONS = b"so glad\t0\tid1\nall of it\t0,1\tid2\n"
_REUTERS = (
    b'<!DOCTYPE lewis>\n<REUTERS TOPICS="YES" LEWISSPLIT="TRAIN" NEWID="1">'
    b"<TOPICS><D>a</D><D>b</D></TOPICS>\n<TEXT>&#2;<TITLE>T &lt;x></TITLE>"
    b"<DATELINE>d</DATELINE><BODY>b &#3;</BODY></TEXT></REUTERS>\n"
    b'<REUTERS TOPICS="NO" LEWISSPLIT="TEST" NEWID="2"><TOPICS></TOPICS>'
    b'<TEXT TYPE="UNPROC">u</TEXT></REUTERS>\n'
)


@dataclass(frozen=True)
class Parser:
    """A parser, with the name that its file has and files that it reads."""

    file: str
    read: Callable[[Path], object]
    seeds: tuple[bytes, ...]
    words: tuple[bytes, ...] = ()
    """What a file of the format is made of."""
    as_file: Callable[[bytes], bytes] = bytes
    """Makes the file of the fuzzed bytes."""


def _npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def _members(**arrays: np.ndarray) -> bytes:
    return _NEXT.join(name.encode() + b"\n" + _npy(array) for name, array in arrays.items())


def _zipped(content: bytes) -> bytes:
    """Return an archive of the members, so that a changed byte is no wrong checksum; an archive stays one."""
    if content.startswith(b"PK"):
        return content
    stream, seen = io.BytesIO(), set()
    with zipfile.ZipFile(stream, "w") as archive:
        for member in content.split(_NEXT):
            name, _, array = member.partition(b"\n")
            file = zipfile.ZipInfo(name[:50].decode("latin-1").replace("\0", "0") + ".npy")
            if file.filename not in seen:
                archive.writestr(file, array)
            seen.add(file.filename)
    return stream.getvalue()


def _archive() -> bytes:
    stream = io.BytesIO()
    np.savez_compressed(stream, features=np.eye(2), labels=np.eye(2, dtype=np.uint8))
    # The times of the members would make every run another one.
    with zipfile.ZipFile(stream) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return stream.getvalue()


_DENSE_ARRAYS = _members(
    features=np.array([[1.5, 0], [2, -1], [0, 3]], np.float32),
    labels=np.array([[1, 0, -1], [0, 1, 1], [0, 0, 1]], np.int8),
    where=np.array([[True, True, False], [True] * 3, [False, True, True]]),
    feature_names=np.array(["x", "ÿ"]),
    label_names=np.array([b"a", b"b", b"c"]),
    split=np.array([0, 1, -1]),
)
_SPARSE_ARRAYS = _members(
    data=np.array([1.0, 2.0]),
    indices=np.array([0, 3]),
    indptr=np.array([0, 1, 1, 2]),
    shape=np.array([3, 4]),
    labels=np.eye(3),
)


def _mulan(path: Path) -> Dataset:
    path.with_suffix(".xml").write_bytes(b'<labels><label name="b"/><label name="a"/></labels>')
    return read_mulan_arff(path, missing_features="zero")


def _goemotions(path: Path) -> TextDataset:
    path.with_name("labels.txt").write_bytes(b"joy\ngrief\n")
    for part in ("dev", "test"):
        path.with_name(f"{part}.tsv").write_bytes(_GOEMOTIONS)
    return read_goemotions(path.parent)


def _array(path: Path) -> np.ndarray:
    array = ArrayFile(path)
    return array.read(0, array.shape[0])


def _csv(path: Path) -> Dataset:
    return read_csv(path, "last:2", missing_features="keep")


def _listed_csv(path: Path) -> Dataset:
    return read_csv(path, "l", separator=";")


def _csv_texts(path: Path) -> TextDataset:
    return read_csv_texts(path, "first:1", "last:2")


def _libsvm(path: Path) -> Dataset:
    return read_libsvm(path, label_base=0, feature_base=0)


def _in_batches(
    read: Callable[[Path], Dataset],
    sizes: Callable[[Dataset], dict[str, object]] = lambda whole: {},
    **options: object,
) -> Callable[[Path], Dataset | None]:
    """Return a reader of two rows at a time, which must find what ``read`` finds in the whole file.

    ``sizes`` are options that tell what is known of the whole. What ``read`` refuses may be read here:
    a promise about all rows cannot be held by two of them.
    """

    def both(path: Path) -> Dataset | None:
        try:
            whole = read(path)
        except DataError:
            for batch in read_batches(path, rows=2, missing_features="keep", **options):
                assert not np.isinf(batch.features.data).any()
            return None
        names = {"feature_names": whole.feature_names, "label_names": whole.label_names}
        known = {"missing_features": "keep", **names, **sizes(whole), **options}
        try:
            batches = list(read_batches(path, rows=2, **known))
        except DataError as error:
            raise AssertionError("what is read as a whole is refused in batches") from error
        _check_batches(whole, batches)
        return whole

    return both


def _texts_in_batches(
    read: Callable[[Path], TextDataset], **options: object
) -> Callable[[Path], TextDataset | None]:
    """Return a reader of two texts at a time, which must find what ``read`` finds in the whole file."""

    def both(path: Path) -> TextDataset | None:
        try:
            whole = read(path)
        except DataError:
            for batch in read_text_batches(path, rows=2, label_names=("a", "b"), **options):
                assert all(isinstance(text, str) for text in batch.features)
            return None
        batches = list(read_text_batches(path, rows=2, label_names=whole.label_names, **options))
        assert [batch.first_row for batch in batches] == list(range(0, whole.num_samples, 2))
        for batch in batches:
            rows = slice(batch.first_row, batch.first_row + 2)
            assert batch.features == list(whole.texts[rows])
            np.testing.assert_array_equal(_dense(batch.labels), _dense(whole.label_matrix[rows]))
        return whole

    return both


def _in_pieces(read: Callable[[Path], Dataset], **options: object) -> Callable[[Path], Dataset | None]:
    """Return a reader of two rows at a time, which must find what ``read`` finds in the whole file."""

    def both(path: Path) -> Dataset | None:
        try:
            whole = read(path)
        except DataError:
            for piece in read_pieces(path, most_rows=2, **options):
                check(piece)
            return None
        pieces = list(read_pieces(path, most_rows=2, **options))
        assert sum(piece.num_samples for piece in pieces) == whole.num_samples
        first = 0
        for piece in pieces:
            rows = slice(first, first + piece.num_samples)
            np.testing.assert_array_equal(_dense(piece.features), _dense(whole.features[rows]))
            np.testing.assert_array_equal(_dense(piece.label_matrix), _dense(whole.label_matrix[rows]))
            assert (piece.feature_names, piece.label_names) == (whole.feature_names, whole.label_names)
            assert (piece.split is None) == (whole.split is None)
            assert whole.split is None or piece.split.tolist() == whole.split[rows].tolist()
            everything = np.ones(piece.label_matrix.shape, bool)
            one, other = (
                everything if where is None else where
                for where in (piece.where, None if whole.where is None else whole.where[rows])
            )
            np.testing.assert_array_equal(one, other)
            first = rows.stop
        return whole

    return both


def _sizes(whole: Dataset) -> dict[str, object]:
    return {"num_features": whole.num_features, "num_labels": whole.num_labels}


def _check_batches(whole: Dataset, batches: list[Batch]) -> None:
    assert [batch.first_row for batch in batches] == list(range(0, whole.num_samples, 2))
    everything = np.ones(whole.label_matrix.shape, bool)
    for batch in batches:
        rows = slice(batch.first_row, batch.first_row + 2)
        np.testing.assert_array_equal(_dense(batch.features), _dense(whole.features[rows]))
        np.testing.assert_array_equal(_dense(batch.labels), _dense(whole.label_matrix[rows]))
        wanted = (everything if whole.where is None else whole.where)[rows]
        np.testing.assert_array_equal(everything[rows] if batch.where is None else batch.where, wanted)


def _dense(matrix: np.ndarray | sp.csr_array) -> np.ndarray:
    assert np.prod(matrix.shape, dtype=float) < 1e8
    return matrix.toarray() if sp.issparse(matrix) else matrix


_ARFF_WORDS = (
    b"@attribute",
    b"@data",
    b"@relation",
    b"numeric",
    b"{0,1}",
    b"{a,b,c}",
    b"{",
    b"}",
    b"?",
    b"'",
    b"%",
)
_NUMPY_WORDS = (
    b"'descr'",
    b"'<f4'",
    b"'|O'",
    b"'<U0'",
    b"'|b1'",
    b"'>i8'",
    b"'<c16'",
    b"'<M8[D]'",
    b"(3, 2)",
    b"(0,)",
)
PARSERS = {
    "mulan_arff": Parser("d.arff", _mulan, (_DENSE, _SPARSE), _ARFF_WORDS),
    "arff": Parser("d.arff", lambda path: read_arff(path, "last:2"), (_DENSE, _SPARSE), _ARFF_WORDS),
    "meka_arff": Parser(
        "d.arff",
        lambda path: read_meka_arff(path, missing_features="mean"),
        (_DENSE, _SPARSE),
        (*_ARFF_WORDS, b"-C 2", b"-C -1", b"-split-number 2"),
    ),
    "hmc_arff": Parser(
        "d.arff",
        lambda path: read_hmc_arff(path, missing_features="zero").dataset,
        (_PATHS, _EDGES),
        (*_ARFF_WORDS, b"hierarchical", b"a/b", b"@", b"/"),
    ),
    "xml": Parser(
        "d.xml", read_label_names, (_XML,), (b"<!DOCTYPE", b"<!ENTITY", b"&lt;", b"<label", b"name=", b"/>")
    ),
    "csv": Parser("d.csv", _csv, (_CSV,), (b'"', b'""', b",", b"\r", b"NA", b"true")),
    "listed_csv": Parser("d.csv", _listed_csv, (_LISTED,), (b'"', b";", b",", b"?", b"nan")),
    "listed_csv_pieces": Parser(
        "d.csv",
        _in_pieces(_listed_csv, labels="l", separator=";"),
        (_LISTED,),
        (b'"', b";", b",", b"?", b"nan"),
    ),
    "libsvm": Parser(
        "d.svm",
        _libsvm,
        (_LIBSVM,),
        (b":", b",", b"#", b"1:1"),
    ),
    "xc": Parser("d.txt", read_xc, (_XC,), (b":", b",", b"4 5 3", b"1:1")),
    "csv_batches": Parser(
        "d.csv", _in_batches(_csv, labels="last:2"), (_CSV,), (b'"', b'""', b",", b"\r", b"NA", b"true")
    ),
    "arff_batches": Parser(
        "d.arff",
        _in_batches(lambda path: read_arff(path, "last:2", missing_features="keep"), labels="last:2"),
        (_DENSE, _SPARSE),
        _ARFF_WORDS,
    ),
    "libsvm_batches": Parser(
        "d.svm",
        _in_batches(_libsvm, _sizes, label_base=0, feature_base=0, format="libsvm"),
        (_LIBSVM,),
        (b":", b",", b"#", b"1:1"),
    ),
    "xc_batches": Parser("d.txt", _in_batches(read_xc, format="xc"), (_XC,), (b":", b",", b"4 5 3", b"1:1")),
    "npz": Parser("d.npz", read_npz, (_DENSE_ARRAYS, _SPARSE_ARRAYS, _archive()), _NUMPY_WORDS, _zipped),
    "npz_pieces": Parser(
        "d.npz", _in_pieces(read_npz), (_DENSE_ARRAYS, _SPARSE_ARRAYS, _archive()), _NUMPY_WORDS, _zipped
    ),
    "npy": Parser(
        "d.npy", _array, (_npy(np.arange(6.0).reshape(3, 2)), _npy(np.arange(4, dtype=">i2"))), _NUMPY_WORDS
    ),
    "fasttext": Parser("d.txt", read_fasttext, (_FASTTEXT,), (b"__label__", b" ")),
    "fasttext_batches": Parser(
        "d.txt", _texts_in_batches(read_fasttext, format="fasttext"), (_FASTTEXT,), (b"__label__", b" ")
    ),
    "csv_text": Parser("d.csv", _csv_texts, (_TEXTS,), (b'"', b'""', b",", b"\r", b"true")),
    "csv_text_batches": Parser(
        "d.csv",
        _texts_in_batches(_csv_texts, text="first:1"),
        (_TEXTS,),
        (b'"', b'""', b",", b"\r", b"true"),
    ),
    "goemotions": Parser("train.tsv", _goemotions, (_GOEMOTIONS,), (b"\t", b",")),
    "reuters": Parser(
        "a.sgm",
        lambda path: read_reuters(path.parent, labels="all"),
        (_REUTERS,),
        (b"<REUTERS", b"</REUTERS>", b"<D>", b"</D>", b"<TEXT>", b"<TITLE>", b"&#", b"&#1114112;", b'"'),
    ),
    "compressed": Parser(
        "d.csv",
        _csv,
        (gzip.compress(_CSV, mtime=0), bz2.compress(_CSV), lzma.compress(_CSV)),
        (b"\x1f\x8b", b"BZh"),
    ),
}


def try_file(parser: Parser, content: bytes, folder: Path) -> bool:
    """Read the bytes as a file and return whether they were valid; raise if something else happens."""
    for old in folder.iterdir():
        old.unlink()
    path = folder / parser.file
    path.write_bytes(parser.as_file(content))
    try:
        found = parser.read(path)
    except DataError as error:
        refused = error
    else:
        check(found)
        return True
    assert refused.file is not None, refused
    assert str(refused).isprintable(), refused
    return False


def check(found: object) -> None:
    """Raise unless what a parser returned is what it promises."""
    if isinstance(found, Dataset):
        _check_features(found)
    if isinstance(found, Dataset | TextDataset):
        _check_labels(found)
    if isinstance(found, Dataset) and found.hierarchy is not None:
        assert found.hierarchy.is_closed(found.label_matrix)
    if isinstance(found, dict):
        assert found
        assert all(isinstance(name, str) and line > 0 for name, line in found.items())


def _check_features(data: Dataset) -> None:
    values = data.features.data if sp.issparse(data.features) else data.features
    assert values.dtype == np.float32
    assert not np.isinf(values).any()
    assert data.allow_missing or not np.isnan(values).any()
    assert data.features.shape == (data.num_samples, len(data.feature_names))
    if data.num_features < _MOST_CELLS:
        assert len(set(data.feature_names)) == data.num_features
        "".join(data.feature_names).encode()
    if data.where is not None:
        assert data.where.shape == data.label_matrix.shape
        assert data.where.dtype == bool
        assert not data.where.all()
        rows, columns = data.label_matrix.nonzero()
        assert data.where[rows, columns].all()


def _check_labels(data: Dataset | TextDataset) -> None:
    matrix = data.label_matrix
    assert matrix.shape == (data.num_samples, data.num_labels)
    assert (matrix.data == 1).all()
    again = sp.csr_array((matrix.data, matrix.indices, matrix.indptr), shape=matrix.shape, copy=True)
    again.sum_duplicates()
    assert np.array_equal(again.indices, matrix.indices)
    assert len(data.label_names) == data.num_labels
    if data.num_labels < _MOST_CELLS:
        assert len(set(data.label_names)) == data.num_labels
        "".join(data.label_names).encode()
    if data.num_samples * data.num_labels < _MOST_CELLS:
        assert set(np.unique(matrix.toarray())) <= {0, 1}
    assert data.split is None or set(data.split.tolist()) <= {-1, 0, 1, 2}
    if max(matrix.shape[1], getattr(data, "num_features", 0)) < _MOST_CELLS:
        assert len(data.sha256) == 64
