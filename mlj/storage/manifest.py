"""What a folder holds, with a checksum of every file and of the list itself."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from mlj.storage.names import fault_of
from mlj.storage.plain_json import pack_json, unpack_json

MANIFEST = "manifest.json"
FORMAT = "mlj-folder-1"
LONGEST = 1 << 24
"""Bytes of a manifest that are read at most."""
SHA256 = re.compile(r"[0-9a-f]{64}")


class Entry(NamedTuple):
    """One file of a folder."""

    sha256: str
    size: int


def entry_of(content: bytes) -> Entry:
    """Return the entry of a file with this content."""
    return Entry(hashlib.sha256(content).hexdigest(), len(content))


def write_manifest(entries: Mapping[str, Entry]) -> bytes:
    """Return the manifest of these files: the list, and the sha256 of the list."""
    listed = {"files": {name: entry._asdict() for name, entry in entries.items()}, "format": FORMAT}
    return pack_json({"manifest": listed, "sha256": hashlib.sha256(pack_json(listed)).hexdigest()})


def read_manifest(content: bytes) -> dict[str, Entry]:
    """Return the entries of a manifest, or raise ValueError with what is wrong with it.

    Only the one text that :func:`write_manifest` makes is accepted, so no bit of it can change unseen, not
    even in what JSON calls white space.
    """
    try:
        outer = unpack_json(content)
    except ValueError as error:
        raise ValueError(f"is not JSON ({error})") from error
    match outer:
        case {
            "manifest": {"files": dict() as files, "format": str() as form, **more},
            "sha256": str() as seal,
        }:
            if form != FORMAT:
                raise ValueError(f"has format {form!r}; this version knows {FORMAT!r}")
            if more or len(outer) != 2:
                raise ValueError("has fields that do not belong there")
        case _:
            raise ValueError("lacks its fields manifest (files, format) and sha256")
    # Before anything is packed again: what has this form is not nested deep.
    entries = {name: _entry(name, entry) for name, entry in sorted(files.items())}
    if hashlib.sha256(pack_json(outer["manifest"])).hexdigest() != seal:
        raise ValueError("does not have the sha256 that it names")
    if pack_json(outer) != content:
        raise ValueError("is not written as it was")
    return entries


def check_names(names: list[str]) -> None:
    """Refuse names that leave the folder, that some file system cannot tell apart, or that are taken."""
    seen = {MANIFEST: MANIFEST}
    for name in names:
        if (fault := fault_of(name)) is not None:
            raise ValueError(f"the file name {name!r} {fault}")
        if (other := seen.setdefault(name.casefold(), name)) != name or name == MANIFEST:
            raise ValueError(f"the file name {name!r} is taken by {other!r}")


def _entry(name: str, entry: Any) -> Entry:
    check_names([name])
    match entry:
        case {"sha256": str() as sha256, "size": int() as size} if (
            len(entry) == 2 and type(size) is int and size >= 0 and SHA256.fullmatch(sha256)
        ):
            return Entry(sha256, size)
    raise ValueError(f"does not give a sha256 and a size of {name!r}")
