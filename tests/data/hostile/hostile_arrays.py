"""Hostile NPZ and NPY files."""

from __future__ import annotations

import numpy as np
from hostile_case import Case, Later, Member, archive, arrays, deflated_zeros, npy, npy_that_says, shape

FEATURES = np.eye(3, dtype=np.float32)
LABELS = np.array([[1, 0], [0, 1], [1, 1]])
GIGABYTE = 1024


class Trap:
    """An object that leaves a trace when it is unpickled."""

    def __reduce__(self):
        return (exit, (3,))


def _npz(content: bytes | Later, says: str, **options: object) -> Case:
    return Case("d.npz", content, "npz", says, None, options)


def _with(says: str, **named: np.ndarray) -> Case:
    return _npz(arrays(**{"features": FEATURES, "labels": LABELS} | named), says)


def _features(content: bytes, says: str, **fields: object) -> Case:
    labels = Member("labels.npy", npy(LABELS))
    return _npz(archive(Member("features.npy", content, **fields), labels), says)


def _csr(says: str, **named: object) -> Case:
    parts = {"data": [1.0, 2.0], "indices": [0, 1], "indptr": [0, 1, 2, 2], "shape": [3, 3]} | named
    return _npz(arrays(labels=LABELS, **{key: np.array(part) for key, part in parts.items()}), says)


def _zeros(megabytes: int, says: str, size: int | None = None) -> Case:
    values = megabytes << 18
    start = npy_that_says(shape((values // 4, 4)))
    size = len(start) + (megabytes << 20) if size is None else size

    def content() -> bytes:
        packed = deflated_zeros(start, megabytes)
        zeros = Member("features.npy", start, packed=packed, method=8, size=size)
        return archive(zeros, Member("labels.npy", npy(LABELS)))

    return _npz(Later(content), says)


_CUT = "and holds 36"
NPZ = {
    "a nan": _with("feature 0 of row 0 is nan", features=FEATURES * np.nan),
    "an infinity": _with("is inf in float32", features=np.where(FEATURES, np.inf, 0)),
    "1e300": _with("is inf in float32", features=FEATURES.astype(float) * 1e300),
    "labels of 1.5": _with("label 0 of row 0 is 1.5", labels=LABELS * 1.5),
    "labels of nan": _with("label 0 of row 0 is nan", labels=LABELS * np.nan),
    "labels of yes": _with("labels must be numbers", labels=np.array([["yes"]])),
    "labels of 2": _with("label 0 of row 0 is 2", labels=LABELS * 2),
    "too few labels": _with("3 rows of features but 2 rows of labels", labels=LABELS[:2]),
    "complex features": _with("complex128 values", features=FEATURES.astype(complex)),
    "dates": _with("datetime64[D] values", features=np.zeros((3, 3), "M8[D]")),
    "records": _with("values; numbers or text are wanted", features=np.zeros(3, [("a", "f4")])),
    "pickled objects": _with("holds pickled Python objects", features=np.array([[Trap()]], object)),
    "pickled objects as names": _with("holds pickled", label_names=np.array([Trap(), Trap()], object)),
    "names that are no text": _with(
        "label_names holds what is no text", label_names=np.array([b"\xff", b"a"])
    ),
    "names that are half a character": _with("holds half a character", label_names=np.array(["\ud800", "a"])),
    "names beyond the last character": _npz(
        archive(
            Member("features.npy", npy(FEATURES)),
            Member("labels.npy", npy(LABELS)),
            Member("label_names.npy", npy_that_says(shape((2,), "<U1"), b"\xff" * 8)),
        ),
        "label_names holds what is no text",
    ),
    "names twice": _with("two labels are named 'a'", label_names=np.array(["a", "a"])),
    "a split of text": _with("split holds 0 (train)", split=np.array(["0", "1", "2"])),
    "a split of 1.5": _with("split holds 0 (train)", split=np.array([0, 1.5, 2])),
    "where of another shape": _with("where must be bool", where=np.ones((3, 3), bool)),
    "where of bytes that are no truth": _npz(
        archive(
            Member("features.npy", npy(FEATURES)),
            Member("labels.npy", npy(LABELS)),
            Member("where.npy", npy_that_says(shape((3, 2), "|b1"), b"\x00\x01\x02\x03\xff\x01")),
        ),
        "holds bytes other than 0 and 1",
    ),
    "more values than there are": _features(npy_that_says(shape((2_000_000_000, 4)), bytes(36)), _CUT),
    "a petabyte": _features(npy_that_says(shape((10**15, 10**15)), bytes(36)), _CUT),
    "fewer values than there are": _features(npy_that_says(shape((2, 2)), bytes(36)), _CUT),
    "a negative size": _features(npy_that_says(shape((-3, -3)), bytes(36)), "which no array has"),
    "a size of 1.5": _features(
        npy_that_says(shape((1.5, 6)), bytes(36)), "array 'features' is not an NPY file"
    ),
    "a size that is true": _features(npy_that_says(shape((True, 9)), bytes(36)), "which no array has"),
    "2e9 rows of nothing": _features(npy_that_says(shape((2_000_000_000, 0))), "and holds nothing"),
    "2e9 columns of no rows": _features(npy_that_says(shape((0, 2_000_000_000))), "and holds nothing"),
    "text of no length": _features(npy_that_says(shape((2_000_000_000,), "<U0")), "features"),
    "a header that is code": _features(npy_that_says("__import__('os').abort()\n"), "is not an NPY file"),
    "a header of brackets": _features(npy_that_says("(" * 9000 + "\n"), "is not an NPY file"),
    "a header of 60 kB": _features(npy_that_says("{" + " " * 60_000 + "}\n"), "is not an NPY file"),
    "a header of 4 GB": _features(
        b"\x93NUMPY\x02\x00\xff\xff\xff\xff" + b" " * 100, "array 'features' is not an NPY file"
    ),
    "a header that is no text": _features(npy_that_says(b"\xff\xfe\x00\n"), "is not an NPY file"),
    "an unknown type": _features(npy_that_says(shape((3, 3), "<f3"), bytes(36)), "is not an NPY file"),
    "an NPY version of tomorrow": _features(b"\x93NUMPY\x09\x00" + bytes(40), "features"),
    "no NPY at all": _features(b"<html>", "array 'features' is not an NPY file"),
    "a gigabyte of zeros in a megabyte": _zeros(GIGABYTE, "its arrays take 1,073,74"),
    "a gigabyte that says it is small": _zeros(GIGABYTE, "cannot be read as NPZ", size=1000),
    "a small array that says it is a gigabyte": _features(
        npy_that_says(shape((1 << 26, 4)), bytes(36)), "its arrays take", size=(1 << 30) + 128
    ),
    "a wrong checksum": _features(npy(FEATURES), "Bad CRC-32", crc=1),
    "a name that climbs out": _npz(
        archive(Member("../../features.npy", npy(FEATURES))), "member '../../features.npy' lies in a folder"
    ),
    "an absolute name": _npz(
        archive(Member("/etc/cron.d/features.npy", npy(FEATURES))), "lies in a folder; an NPZ file holds"
    ),
    "a name with backslashes": _npz(archive(Member("..\\features.npy", npy(FEATURES))), "lies in a folder"),
    "a link": _features(b"/etc/passwd", "member 'features.npy' is a link", mode=0o120777),
    "an encrypted member": _features(npy(FEATURES), "member 'features.npy' is encrypted", flags=1),
    "an unknown compression": _features(npy(FEATURES), "is compressed by method 99", method=99),
    "LZMA": _features(npy(FEATURES), "is compressed by method 14", method=14),
    "a stream that is damaged": _features(npy(FEATURES), "cannot be read as NPZ", method=8),
    "an array twice": _npz(
        archive(*(Member("labels.npy", npy(LABELS * at)) for at in (0, 1))), "two arrays are named 'labels'"
    ),
    "a member that is no array": _npz(archive(Member("labels", b"1")), "member 'labels' is no array"),
    "an archive in an archive": _npz(
        archive(Member("features.npz", arrays(features=FEATURES))), "member 'features.npz' is no array"
    ),
    "an archive without members": _npz(archive(), "no array 'features'"),
    "an archive that is cut off": _npz(
        arrays(features=FEATURES, labels=LABELS)[:-30], "cannot be read as NPZ"
    ),
    "no archive": _npz(npy(FEATURES), "is not an NPZ file"),
    "no labels": _npz(arrays(features=FEATURES), "no array 'labels'"),
    "an index of 2e9": _csr(
        "feature index 2000000000 of row 1 is outside 0 to 2", indices=[0, 2_000_000_000]
    ),
    "a negative index": _csr("feature index -1 of row 1 is outside", indices=[0, -1]),
    "an index twice": _csr("the sparse features hold an entry twice", indices=[0, 0], indptr=[0, 2, 2, 2]),
    "indices that fall": _csr("indptr must rise", indptr=[0, 2, 1, 2]),
    "steps beyond every type": _csr("indptr must rise", indptr=[0, 2**63 - 1, -2, 2]),
    "indices of 1.5": _csr("indices must be a list of integers", indices=[0.5, 1.5]),
    "2e9 rows": _csr("indptr must rise", shape=[2_000_000_000, 3]),
    "2e9 columns": _csr("2000000000 features are declared", shape=[3, 2_000_000_000]),
    "sizes below zero": _csr("shape must be two sizes", shape=[-3, 3]),
    "values that are text": _csr("data must be real numbers", data=["a", "b"]),
    "values that are complex": _csr("complex128 values", data=[1j, 2j]),
    "a value that is nan": _csr("is nan in float32", data=[1, np.nan]),
}


def _npy(content: bytes, says: str) -> Case:
    return Case("d.npy", content, "npy", says)


NPY = {
    "more values than there are": _npy(npy_that_says(shape((2_000_000_000, 4)), bytes(36)), "d.npy"),
    "fewer values than there are": _npy(npy_that_says(shape((2, 2)), bytes(36)), "d.npy"),
    "a negative size": _npy(npy_that_says(shape((-3, -3)), bytes(36)), "which no array has"),
    "pickled objects": _npy(npy(np.array([Trap()], object)), "holds pickled Python objects"),
    "a header of brackets": _npy(npy_that_says("[" * 9000 + "\n"), "is not an NPY file"),
    "a header of 4 GB": _npy(b"\x93NUMPY\x02\x00\xff\xff\xff\xff" + b" " * 100, "is not an NPY file"),
    "no NPY at all": _npy(b"\x7fELF" + bytes(100), "is not an NPY file"),
    "nothing": _npy(b"", "is not an NPY file"),
}
