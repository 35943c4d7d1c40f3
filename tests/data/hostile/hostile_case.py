"""What a hostile file is, and how the files of several formats are put together."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np


class Later:
    """Bytes that are made when they are written, since they are many."""

    def __init__(self, make: Callable[[], bytes]):
        self.make = make

    def __add__(self, other: bytes | Later) -> Later:
        return Later(lambda: self.make() + made(other))

    def __radd__(self, other: bytes) -> Later:
        return Later(lambda: other + self.make())


def made(content: bytes | Later) -> bytes:
    """Return the bytes."""
    return content.make() if isinstance(content, Later) else content


def times(content: bytes, count: int) -> Later:
    """Return the bytes so many times."""
    return Later(lambda: content * count)


Content = bytes | Later | Callable[[Path], None]


@dataclass(frozen=True)
class Case:
    """A file that must be refused.

    ``content`` are its bytes, or a function that makes something at the path. ``beside`` are further files of
    the same folder. With ``folder`` the reader is given the folder and not the file.
    """

    file: str
    content: Content
    reader: str
    says: str
    line: int | None = None
    options: dict[str, object] = field(default_factory=dict)
    beside: dict[str, Content] = field(default_factory=dict)
    folder: bool = False

    def write(self, folder: Path) -> str:
        """Write the files and return the path that the reader is given."""
        for name, content in {**self.beside, self.file: self.content}.items():
            if callable(content):
                content(folder / name)
            else:
                (folder / name).write_bytes(made(content))
        return str(folder if self.folder else folder / self.file)


def npy(array: np.ndarray) -> bytes:
    """Return the bytes of an ``.npy`` file."""
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=True)
    return stream.getvalue()


def npy_that_says(header: str | bytes, content: bytes = b"", version: tuple[int, int] = (1, 0)) -> bytes:
    """Return an ``.npy`` file of any header."""
    header = header if isinstance(header, bytes) else header.encode("latin-1")
    size = struct.pack("<H" if version[0] == 1 else "<I", len(header))
    return b"\x93NUMPY" + bytes(version) + size + header + content


def shape(sizes: object, descr: object = "<f4", order: object = False) -> str:
    """Return the text of an ``.npy`` header."""
    return repr({"descr": descr, "fortran_order": order, "shape": sizes}) + "\n"


@dataclass(frozen=True)
class Member:
    """A member of a zip archive, in which every field can be a lie."""

    name: str
    content: bytes
    size: int | None = None
    method: int = 0
    flags: int = 0
    mode: int = 0o100644
    packed: bytes | None = None
    crc: int | None = None


def archive(*members: Member) -> bytes:
    """Return a zip archive of exactly these members."""
    local, central = b"", b""
    for member in members:
        packed = member.content if member.packed is None else member.packed
        size = len(member.content) if member.size is None else member.size
        crc = zlib.crc32(member.content) if member.crc is None else member.crc
        name = member.name.encode()
        common = struct.pack(
            "<HHHHIIIHH", member.flags, member.method, 0, 33, crc, len(packed), size, len(name), 0
        )
        central += b"PK\x01\x02" + struct.pack("<HH", 0x0314, 20) + common
        central += struct.pack("<HHHII", 0, 0, 0, member.mode << 16, len(local)) + name
        local += b"PK\x03\x04" + struct.pack("<H", 20) + common + name + packed
    count = len(members)
    end = struct.pack("<HHHHIIH", 0, 0, count, count, len(central), len(local), 0)
    return local + central + b"PK\x05\x06" + end


def deflated_zeros(start: bytes, megabytes: int) -> bytes:
    """Return the deflate stream of ``start`` and so many megabytes of zeros, without deflating them all."""
    begin, block, end = (
        zlib.compressobj(9, wbits=-15),
        zlib.compressobj(9, wbits=-15),
        zlib.compressobj(wbits=-15),
    )
    stream = begin.compress(start) + begin.flush(zlib.Z_FULL_FLUSH)
    one = block.compress(bytes(1 << 20)) + block.flush(zlib.Z_FULL_FLUSH)
    return stream + one * megabytes + end.flush()


def arrays(**named: np.ndarray) -> bytes:
    """Return an NPZ file."""
    return archive(*(Member(f"{name}.npy", npy(array)) for name, array in named.items()))
