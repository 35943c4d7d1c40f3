"""The folder of the downloaded data sets, and the files in it."""

from __future__ import annotations

import os
from pathlib import Path

ENVIRONMENT = "MLJ_DATA_DIR"
PACKED = ("", ".gz", ".bz2", ".xz")


def data_folder(given: Path | None) -> Path | None:
    """Return the folder given, else that of the environment's MLJ_DATA_DIR, else None.

    Raises:
        NotADirectoryError: If there is no such folder.
    """
    named = given or (Path(os.environ[ENVIRONMENT]) if os.environ.get(ENVIRONMENT) else None)
    if named is not None and not named.is_dir():
        raise NotADirectoryError(f"the folder of the data sets is not there: {named}")
    return named


def is_there(folder: Path | None, name: str) -> bool:
    """Return whether the folder of the data sets holds that of one of them; say so if it does not."""
    found = folder is not None and (folder / name).is_dir()
    if not found:
        where = f"not in {folder}" if folder else f"not known: give --data-dir or set {ENVIRONMENT}"
        print(f"left out: the folder {name} is {where}", flush=True)
    return found


def plain_or_packed(path: Path) -> Path:
    """Return the file as it is there: as named, or compressed.

    Raises:
        FileNotFoundError: If it is there in no form.
    """
    for suffix in PACKED:
        packed = path.with_name(path.name + suffix)
        if packed.exists():
            return packed
    raise FileNotFoundError(f"{path} is not there, nor compressed ({', '.join(filter(None, PACKED))})")
