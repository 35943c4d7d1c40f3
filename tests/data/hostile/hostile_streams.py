"""Files that are no files, and compressed ones that unfold to too much."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
from pathlib import Path

from hostile_case import Case, Content, Later, times

TEXT = b"x,a,b\n" + b"1,0,1\n" * 1000
MEBIBYTE = 1 << 20
_BOMB = "is it a decompression bomb?"


def _csv(content: Content, says: str, file: str = "d.csv") -> Case:
    return Case(file, content, "csv", says, None, {"labels": "a,b"})


def _load(content: Content, says: str, file: str) -> Case:
    options = {"labels": "a,b"} if ".csv" in file else {}
    return Case(file, content, "load", says, None, options)


def _gigabyte(compress, size: int) -> Later:
    """Return a stream of many parts, which together are a gigabyte of zeros."""
    return Later(lambda: compress(bytes(size)) * (1024 * MEBIBYTE // size))


def _lines(compress) -> Later:
    return Later(lambda: compress(b"x,a,b\n" + b"1,0,1\n" * 2_000_000))


def _huge_dictionary() -> bytes:
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 30}]
    return lzma.compress(TEXT, lzma.FORMAT_XZ, filters=filters)


def _damaged(packed: bytes) -> bytes:
    return packed[:40] + bytes([packed[40] ^ 255]) + packed[41:]


def _zero_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _circle(path: Path) -> None:
    path.symlink_to(path.name)


def _nowhere(path: Path) -> None:
    path.symlink_to("nowhere.csv")


def _sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(20 << 30)


_DEVICE = "is a pipe, a socket or a device, not a file"
STREAMS = {
    "a gigabyte of zeros by gzip": _csv(_gigabyte(gzip.compress, MEBIBYTE), _BOMB),
    "a gigabyte of zeros by bzip2": _csv(_gigabyte(bz2.compress, 8 * MEBIBYTE), _BOMB),
    "a gigabyte of zeros by xz": _csv(_gigabyte(lzma.compress, 16 * MEBIBYTE), _BOMB),
    "a gigabyte that load looks at": _load(_gigabyte(gzip.compress, MEBIBYTE), _BOMB, "d.csv.gz"),
    "rows without end by gzip": _csv(_lines(gzip.compress), _BOMB),
    "rows without end by bzip2": _csv(_lines(bz2.compress), _BOMB),
    "a bomb in an XML file": Case("d.xml", _gigabyte(bz2.compress, 8 * MEBIBYTE), "xml", _BOMB),
    "a bomb in XC text": Case("d.txt", _gigabyte(lzma.compress, 16 * MEBIBYTE), "xc", _BOMB),
    "a bomb in LIBSVM text": Case(
        "d.svm",
        _gigabyte(lzma.compress, 16 * MEBIBYTE),
        "libsvm",
        _BOMB,
        None,
        {"label_base": 0, "feature_base": 0},
    ),
    "a bomb in ARFF": Case("d.arff", _gigabyte(bz2.compress, 8 * MEBIBYTE), "meka_arff", _BOMB),
    "a bomb in NPZ": Case("d.npz", _gigabyte(bz2.compress, 8 * MEBIBYTE), "npz", _BOMB),
    "gzip in gzip": Case(
        "d.csv", gzip.compress(gzip.compress(TEXT)), "csv", "byte 0x8b is not utf-8", 1, {"labels": "a,b"}
    ),
    "a dictionary of a gigabyte": _csv(_huge_dictionary(), "the xz stream is cut off or damaged"),
    "gzip that is cut off": _csv(gzip.compress(TEXT)[:-9], "the gzip stream is cut off or damaged"),
    "bzip2 that is cut off": _csv(bz2.compress(TEXT)[:-9], "the bzip2 stream is cut off or damaged"),
    "xz that is cut off": _csv(lzma.compress(TEXT)[:-9], "the xz stream is cut off or damaged"),
    "gzip that is damaged": _csv(_damaged(gzip.compress(TEXT)), "the gzip stream is cut off or damaged"),
    "bzip2 that is damaged": _csv(_damaged(bz2.compress(TEXT)), "the bzip2 stream is cut off or damaged"),
    "xz that is damaged": _csv(_damaged(lzma.compress(TEXT)), "the xz stream is cut off or damaged"),
    "gzip with more behind it": _csv(gzip.compress(TEXT) + b"rows", "the gzip stream is cut off or damaged"),
    "xz with more behind it": _csv(lzma.compress(TEXT) + b"rows", "the xz stream is cut off or damaged"),
    "a gzip head and no more": _csv(b"\x1f\x8b", "the gzip stream is cut off or damaged"),
    "nothing": _csv(b"", "the file is empty"),
    "blank lines": _csv(b" \r\n\t\n" * 1000, "the file is empty"),
    "nothing, by gzip": _csv(gzip.compress(b""), "the file is empty"),
    "a folder": _csv(Path.mkdir, "cannot be opened: Is a directory"),
    "a folder that load looks at": _load(Path.mkdir, "cannot be opened: Is a directory", "d.csv"),
    "a pipe": _csv(os.mkfifo, _DEVICE),
    "a pipe that load looks at": _load(os.mkfifo, _DEVICE, "d"),
    "a pipe for ARFF": Case("d.arff", os.mkfifo, "meka_arff", _DEVICE),
    "a pipe for NPZ": Case("d.npz", os.mkfifo, "npz", _DEVICE),
    "a pipe for NPY": Case("d.npy", os.mkfifo, "npy", _DEVICE),
    "zeros without end": _csv(_zero_device, _DEVICE),
    "a link to itself": _csv(_circle, "cannot be opened"),
    "a link to nowhere": _csv(_nowhere, "cannot be opened: No such file"),
    "a hole of 20 GiB": _csv(_sparse, "more than the 17,179,869,184 that are read"),
    "no file": Case(
        "d.csv", TEXT, "csv", "cannot be opened: No such file", None, {"labels": "a", "test": "@none.csv"}
    ),
    "a file of no known format": _load(b"\x7fELF" + bytes(1000), "the format cannot be told", "d"),
    "a megabyte of spaces": _load(times(b" ", 2 * MEBIBYTE) + b"x", "the format cannot be told", "d"),
}
