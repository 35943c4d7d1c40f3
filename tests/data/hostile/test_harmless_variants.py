"""What an editor, another system or a compressor does to a file changes nothing that is read from it."""

from __future__ import annotations

import bz2
import gzip
import lzma

import numpy as np
import pytest
import scipy.sparse as sp

from mlj.data import (
    Dataset,
    load,
    read_csv,
    read_fasttext,
    read_goemotions,
    read_hmc_arff,
    read_libsvm,
    read_meka_arff,
    read_mulan_arff,
    read_npz,
    read_reuters,
    read_xc,
)

ARFF = (
    b"@relation 'r: -C -2'\n@attribute x numeric\n@attribute y {red,green,blue}\n@attribute a {0,1}\n"
    b"@attribute b {1,0}\n@data\n"
)
DENSE = ARFF + b"1.5,red,0,1\n-2e3,'green',1,0\n0,blue,?,1\n"
SPARSE = ARFF + b"{0 1.5,2 1}\n{}\n{1 green,3 0}\n"
FILES = {
    "mulan dense": ("d.arff", DENSE, read_mulan_arff),
    "mulan sparse": ("d.arff", SPARSE, read_mulan_arff),
    "meka": ("d.arff", DENSE, read_meka_arff),
    "hmc": (
        "d.arff",
        b"@relation r\n@attribute x numeric\n@attribute class hierarchical a,a/b,c\n@data\n1,a/b\n2,c@a\n",
        lambda path: read_hmc_arff(path).dataset,
    ),
    "csv": ("d.csv", b'x,"y, z",a,b\n1.5,"2",0,1\n-1e3,3,1,?\n', lambda path: read_csv(path, "a,b")),
    "listed csv": ("d.csv", b"x,l\n1,sea;sky\n2,\n3,?\n", lambda path: read_csv(path, "l", separator=";")),
    "tsv": ("d.tsv", b"x\ty\ta\n1.5\t2\t0\n-1e3\t3\t1\n", lambda path: read_csv(path, "a")),
    "libsvm": (
        "d.svm",
        b"1,3 1:2 4:1.5\n2:1\n2 1:1 2:-2\n",
        lambda path: read_libsvm(path, label_base=1, feature_base=1),
    ),
    "xc": ("d.txt", b"3 5 3\n0,1 0:1.5 2:-2e0\n 1:1\n2 4:1\n", read_xc),
    "xc, found": ("d.txt", b"3 5 3\n0,1 0:1.5 2:-2e0\n 1:1\n2 4:1\n", load),
    "fasttext": ("d.txt", b"__label__a __label__b how thick ?\n__label__c why flat\nnone\n", read_fasttext),
    "goemotions": ("train.tsv", b"so glad\t0\ti\nall\t0,1\tj\n", lambda path: read_goemotions(path.parent)),
    "reuters": (
        "a.sgm",
        b'<REUTERS TOPICS="YES" LEWISSPLIT="TRAIN" NEWID="1">\n<TOPICS><D>a</D><D>b</D></TOPICS>\n'
        b"<TEXT><TITLE>t</TITLE>\n<BODY>words</BODY></TEXT></REUTERS>\n",
        lambda path: read_reuters(path.parent, labels="all"),
    ),
}
ENDS_WITH_TEXT = ("goemotions",)
"""In these a blank line is a row, and refused."""

CHANGES = {
    "a byte order mark": lambda content: b"\xef\xbb\xbf" + content,
    "CRLF": lambda content: content.replace(b"\n", b"\r\n"),
    "lone CR": lambda content: content.replace(b"\n", b"\r"),
    "a byte order mark and CRLF": lambda content: b"\xef\xbb\xbf" + content.replace(b"\n", b"\r\n"),
    "no end of the last line": lambda content: content.rstrip(b"\n"),
    "blank lines at the end": lambda content: content + b"\n\n",
    "blank lines of CRLF at the end": lambda content: content.replace(b"\n", b"\r\n") + b"\r\n\r\n",
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "gzip in two parts": lambda content: gzip.compress(content[:30]) + gzip.compress(content[30:]),
    "xz in two parts": lambda content: lzma.compress(content[:30]) + b"\0" * 8 + lzma.compress(content[30:]),
}
LABELS = b'<?xml version="1.0"?>\n<labels>\n<label name="b"/>\n<label name="a"/>\n</labels>\n'


def read(kind: str, content: bytes, folder):
    name, _, reader = FILES[kind]
    folder.mkdir(exist_ok=True)
    (folder / "d.xml").write_bytes(LABELS)
    if kind == "goemotions":
        (folder / "labels.txt").write_bytes(b"joy\ngrief\n")
        for part in ("dev.tsv", "test.tsv"):
            (folder / part).write_bytes(FILES[kind][1])
    (folder / name).write_bytes(content)
    return reader(folder / name)


def equal(one, other) -> None:
    np.testing.assert_array_equal(one.labels, other.labels)
    assert one.label_names == other.label_names
    if isinstance(one, Dataset):
        features = [
            data.features.toarray() if sp.issparse(data.features) else data.features for data in (one, other)
        ]
        np.testing.assert_array_equal(*features)
        assert one.feature_names == other.feature_names
        assert (one.where is None) == (other.where is None)
        assert one.where is None or (one.where == other.where).all()
    else:
        assert one.texts == other.texts


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        (kind, change)
        for kind in FILES
        for change in CHANGES
        if "blank lines" not in change or kind not in ENDS_WITH_TEXT
    ],
)
def test_a_harmless_change_leaves_labels_features_and_names_as_they_are(kind, change, tmp_path):
    content = FILES[kind][1]
    equal(read(kind, content, tmp_path / "one"), read(kind, CHANGES[change](content), tmp_path / "two"))


def test_the_labels_of_an_xml_file_are_the_same_in_every_encoding_and_with_every_line_end(tmp_path):
    wanted = read("mulan dense", DENSE, tmp_path / "one")
    for content in (
        b"\xef\xbb\xbf" + LABELS,
        LABELS.replace(b"\n", b"\r\n"),
        LABELS.replace(b"\n", b"\r"),
        LABELS.decode().replace('"1.0"', '"1.0" encoding="utf-16"').encode("utf-16"),
        gzip.compress(LABELS),
    ):
        (tmp_path / "one" / "other.xml").write_bytes(content)
        equal(wanted, read_mulan_arff(tmp_path / "one" / "d.arff", tmp_path / "one" / "other.xml"))


def test_utf_16_is_read_when_it_is_stated(tmp_path):
    text = FILES["csv"][1].decode()
    wanted = read("csv", text.encode(), tmp_path / "one")
    for encoding in ("utf-16", "utf-16-le", "utf-32"):
        content = text.encode(encoding)
        content = "\ufeff".encode(encoding) + content if encoding == "utf-16-le" else content
        (tmp_path / "wide.csv").write_bytes(content)
        equal(wanted, read_csv(tmp_path / "wide.csv", "a,b", encoding=encoding))
    with pytest.raises(ValueError, match="unknown encoding 'utf-99'"):
        read_csv(tmp_path / "wide.csv", "a,b", encoding="utf-99")


UNSORTED = {
    "libsvm": b"3,1 4:1.5 1:2\n2:1\n2 2:-2 1:1\n",
    "xc": b"3 5 3\n1,0 2:-2e0 0:1.5\n 1:1\n2 4:1\n",
    "mulan sparse": ARFF + b"{2 1,0 1.5}\n{}\n{3 0,1 green}\n",
}


@pytest.mark.parametrize("kind", UNSORTED)
def test_indices_in_any_order_are_the_same_row(kind, tmp_path):
    equal(read(kind, FILES[kind][1], tmp_path / "one"), read(kind, UNSORTED[kind], tmp_path / "two"))


def test_unsorted_csr_parts_packed_arrays_and_other_byte_orders_are_the_same_data(tmp_path):
    parts = {"data": [1.0, 2.0, 3.0], "indices": [0, 2, 1], "indptr": [0, 2, 3], "shape": [2, 3]}
    mixed = parts | {"data": [2.0, 1.0, 3.0], "indices": [2, 0, 1]}
    labels = np.array([[1, 0], [0, -1]])
    np.savez(tmp_path / "one.npz", labels=labels, **{key: np.array(part) for key, part in parts.items()})
    wanted = read_npz(tmp_path / "one.npz")
    swapped = {key: np.array(part).astype(">f8" if key == "data" else ">i4") for key, part in mixed.items()}
    np.savez_compressed(tmp_path / "two.npz", labels=np.asfortranarray(labels).astype(">i2"), **swapped)
    equal(wanted, read_npz(tmp_path / "two.npz"))
    (tmp_path / "three.npz").write_bytes(gzip.compress((tmp_path / "two.npz").read_bytes()))
    equal(wanted, read_npz(tmp_path / "three.npz"))
