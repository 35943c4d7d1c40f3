"""Compressed files: recognised by their content, and refused when they are cut off."""

from __future__ import annotations

import bz2
import gzip
import lzma

import numpy as np
import pytest

from mlj.data import DataError, load

TEXT = b"x,y,a,b\n" + b"".join(b"%d,%d,%d,%d\n" % (at, at % 7, at % 2, at % 3 == 0) for at in range(200))
COMPRESS = {"gzip": gzip.compress, "bzip2": bz2.compress, "xz": lzma.compress}


@pytest.mark.parametrize("kind", COMPRESS)
def test_the_compression_is_told_by_the_first_bytes_and_not_by_the_name(kind, tmp_path):
    plain, packed = tmp_path / "plain.csv", tmp_path / "packed.csv"
    plain.write_bytes(TEXT)
    packed.write_bytes(COMPRESS[kind](TEXT))
    one, two = load(plain, labels="a,b"), load(packed, labels="a,b")
    assert one.sha256 == two.sha256
    np.testing.assert_array_equal(one.features[:, 0], np.arange(200))


@pytest.mark.parametrize("kind", COMPRESS)
@pytest.mark.parametrize("kept", [0.3, 0.98])
def test_a_stream_that_is_cut_off_is_an_error_that_names_the_file(kind, kept, tmp_path):
    path, packed = tmp_path / "cut.csv", COMPRESS[kind](TEXT)
    path.write_bytes(packed[: int(len(packed) * kept)])
    with pytest.raises(DataError, match=rf"cut\.csv: the {kind} stream is cut off or damaged"):
        load(path, labels="a,b")


def test_a_damaged_stream_is_an_error_that_names_the_file(tmp_path):
    packed = bytearray(gzip.compress(TEXT))
    packed[len(packed) // 2] ^= 0xFF
    path = tmp_path / "bad.csv.gz"
    path.write_bytes(packed)
    with pytest.raises(DataError, match=r"bad\.csv\.gz: the gzip stream is cut off or damaged"):
        load(path, labels="a,b")


@pytest.mark.parametrize("content", [b"", b" \n\n", gzip.compress(b"", mtime=0)])
@pytest.mark.parametrize("name", ["e.csv", "e.arff", "e.npz", "e.txt"])
def test_an_empty_file_is_an_error(content, name, tmp_path):
    (tmp_path / name).write_bytes(content)
    (tmp_path / "e.xml").write_text('<labels><label name="a"/></labels>')
    with pytest.raises(DataError, match=r"e\.\w+: the file is empty"):
        load(tmp_path / name, **({"labels": "a"} if name == "e.csv" else {}))


def test_a_file_that_is_not_there_is_an_error_with_its_name(tmp_path):
    with pytest.raises(DataError, match=r"none\.csv: cannot be opened: No such file"):
        load(tmp_path / "none.csv", labels="a")
    with pytest.raises(DataError, match=r"nor a built-in data set: did you mean 'yeast'"):
        load("yaest")


def test_text_in_another_encoding_is_an_error_with_its_line_unless_it_is_stated(tmp_path):
    path = tmp_path / "latin.csv"
    path.write_bytes("x,ärger\n1,0\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"latin\.csv:1: byte 0xe4 is not utf-8"):
        load(path, labels="last:1")
    assert load(path, labels="last:1", encoding="latin-1").label_names == ("ärger",)
    path.write_bytes(b"\xef\xbb\xbfx,a\r\n1,0\r\n2,1\r\n")
    assert load(path, labels="a").feature_names == ("x",)
