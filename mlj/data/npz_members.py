"""The arrays of an NPZ file, checked against the bytes that are there before anything is allocated."""

from __future__ import annotations

import contextlib
import io
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from os import PathLike

import numpy as np

from mlj.data.array_file import Header, read_header
from mlj.data.errors import DataError, in_file
from mlj.data.nearest import nearest
from mlj.data.streams import read_bytes, refuse_growth

_ENDING = ".npy"
_FREE = 128 << 20
_PIECE = 1 << 20
_LONGEST_EMPTY = 1_000_000
_ENCRYPTED = 1
_DAMAGED = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    EOFError,
    IndexError,
    KeyError,
    NotImplementedError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
)


class NpzMembers(Mapping[str, np.ndarray]):
    """The arrays of an NPZ file by name, each read when it is asked for; nothing is unpacked to the disk.

    Args:
        path: The file, plain or compressed once more.

    Raises:
        DataError: If it is no such file, or a member has the name of another, is a link, lies in a folder, is
            encrypted or is no array. An array raises it when it is asked for and holds Python objects, other
            bytes than its header says, or more than the file may become (:mod:`mlj.data.streams`).

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "a.npz"
    >>> np.savez(path, ones=np.ones(3))
    >>> arrays = NpzMembers(path)
    >>> list(arrays), arrays["ones"].tolist()
    (['ones'], [1.0, 1.0, 1.0])
    """

    def __init__(self, path: str | PathLike[str]):
        self._path, self._read = path, 0
        content = read_bytes(path)
        with in_file(path), _no_zip_errors():
            if not content.startswith(b"PK"):
                raise DataError("is not an NPZ file")
            self._archive = zipfile.ZipFile(io.BytesIO(content))
            self._members = _members(self._archive)

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)

    def __contains__(self, name: object) -> bool:
        return name in self._members

    def __getitem__(self, name: str) -> np.ndarray:
        member = self._members[name]
        self._read += member.file_size
        refuse_growth(self._read, "its arrays take", self._path, free=_FREE)
        with in_file(self._path), _no_zip_errors():
            try:
                return _array(self._archive, member)
            except DataError as error:
                raise DataError(f"array {name!r} {error.reason}") from error


def stored_array(path: str | PathLike[str], name: str) -> np.ndarray:
    """Return one array of an NPZ file that is not compressed once more; nothing else of it is read.

    Raises:
        DataError: As :class:`NpzMembers`, and if there is no such array.
    """
    with in_file(path), _no_zip_errors(), zipfile.ZipFile(path) as archive:
        members = _members(archive)
        if name not in members:
            raise DataError(f"no array {name!r}: {nearest(name, members)}")
        refuse_growth(members[name].file_size, "its arrays take", path, free=_FREE)
        try:
            return _array(archive, members[name])
        except DataError as error:
            raise DataError(f"array {name!r} {error.reason}") from error


@contextlib.contextmanager
def _no_zip_errors() -> Iterator[None]:
    try:
        yield
    except DataError:
        raise
    except _DAMAGED as error:
        raise DataError(f"cannot be read as NPZ: {error}") from error


def _members(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    members: dict[str, zipfile.ZipInfo] = {}
    for member in archive.infolist():
        file = member.filename
        name = file.removesuffix(_ENDING)
        if name in members:
            raise DataError(f"two arrays are named {name!r}")
        if "/" in file or "\\" in file or not name:
            raise DataError(f"member {file!r} lies in a folder; an NPZ file holds arrays side by side")
        if stat.S_ISLNK(member.external_attr >> 16):
            raise DataError(f"member {file!r} is a link, not an array")
        if name == file:
            raise DataError(f"member {file!r} is no array: its name does not end in {_ENDING}")
        if member.flag_bits & _ENCRYPTED:
            raise DataError(f"member {file!r} is encrypted")
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise DataError(f"member {file!r} is compressed by method {member.compress_type}, not deflated")
        members[name] = member
    return members


def _array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> np.ndarray:
    with archive.open(member) as stream:
        header = read_header(stream, "biufUS")
        found = member.file_size - stream.tell()
        _check_size(header, found)
        values = np.empty(header.num_bytes, np.uint8)
        at = 0
        while piece := stream.read(_PIECE):
            values[at : at + len(piece)] = np.frombuffer(piece, np.uint8)
            at += len(piece)
    if at != len(values):
        raise DataError(f"is cut off: {at} of {len(values)} bytes are there")
    if header.dtype.kind == "b" and len(values) and values.max() > 1:
        raise DataError(f"holds bytes other than 0 and 1 as {header.dtype}")
    return values.view(header.dtype).reshape(header.shape, order="F" if header.fortran else "C")


def _check_size(header: Header, found: int) -> None:
    shape, dtype = header.shape, header.dtype
    if header.num_bytes != found:
        raise DataError(f"says {list(shape)} {dtype}, {header.num_bytes:,} bytes, and holds {found:,}")
    if not found and max(shape, default=1) > _LONGEST_EMPTY:
        raise DataError(f"says {list(shape)} {dtype} and holds nothing")
