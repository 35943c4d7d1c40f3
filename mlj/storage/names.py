"""Names that stay where they are put: one file or folder inside another, on every system."""

from __future__ import annotations

import re
from os import PathLike
from pathlib import Path

LONGEST = 180
"""Bytes in a name: file systems allow 255, and the temporary name beside it is longer."""
FORBIDDEN = '/\\:*?"<>|'
DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)
"""Names that some systems take for a device, whatever their ending."""


def fault_of(name: str) -> str | None:
    """Return what keeps ``name`` from being the name of one file, or None if nothing does.

    Args:
        name: The name.

    Returns:
        A clause such as ``"is empty"``, or None.

    >>> fault_of("arrays.safetensors")
    >>> fault_of("../arrays")
    "holds '/'"
    """
    if not name:
        return "is empty"
    if not name.isprintable():
        return "holds a character that cannot be printed"
    for letter in FORBIDDEN:
        if letter in name:
            return f"holds {letter!r}"
    if name.startswith("."):
        return "begins with a dot"
    if name != name.strip() or name.endswith("."):
        return "begins with a space, or ends with a space or a dot"
    if DEVICES.fullmatch(name):
        return "is the name of a device on some systems"
    if len(name.encode()) > LONGEST:
        return f"is longer than {LONGEST} bytes"
    return None


def output_folder(root: str | PathLike[str], name: str) -> Path:
    """Return the folder ``name`` directly inside ``root``, and refuse every name that would leave it.

    Nothing is made on disk.

    Args:
        root: The folder that holds all outputs.
        name: One name: letters, digits and signs that can be printed, without separators; it neither begins
            nor ends with a dot or a space, is no device (``con``, ``nul``), and has at most 180 bytes.

    Returns:
        ``root / name``.

    Raises:
        TypeError: If ``name`` is not a string.
        ValueError: If the name is none of that, or is a link in ``root`` that leads elsewhere.

    >>> output_folder("runs", "yeast-zlpr").as_posix()
    'runs/yeast-zlpr'
    >>> output_folder("runs", "../../etc")
    Traceback (most recent call last):
        ...
    ValueError: the name '../../etc' holds '/'; wanted one name inside 'runs': at most 180 bytes that can be
    printed, none of / \\ : * ? " < > |, no dot or space at either end, no device
    """
    if not isinstance(name, str):
        raise TypeError(f"a name is a string, not {type(name).__name__}")
    root = Path(root)
    folder = root / name if (fault := fault_of(name)) is None else root
    if fault is None and not _is_inside(folder, root):
        fault = "is a link that leads elsewhere"
    if fault is not None:
        raise ValueError(
            f"the name {name!r} {fault}; wanted one name inside {str(root)!r}: at most {LONGEST} bytes that "
            f"can be printed, none of {' '.join(FORBIDDEN)}, no dot or space at either end, no device"
        )
    return folder


def _is_inside(folder: Path, root: Path) -> bool:
    # A link that leads to itself raises in some versions of Python, and is returned as it is in others.
    try:
        end = folder.resolve()
        return end.parent == root.resolve() and not end.is_symlink()
    except (OSError, RuntimeError):
        return False
