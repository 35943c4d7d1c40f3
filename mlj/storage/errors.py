"""What is stored and cannot be trusted."""

from __future__ import annotations

from os import PathLike, fspath


class Damaged(ValueError):
    """Something on disk that is not what was once stored there.

    Args:
        path: The file or folder.
        reason: What is wrong with it.

    >>> raise Damaged("best/arrays.safetensors", "is missing")
    Traceback (most recent call last):
        ...
    mlj.storage.errors.Damaged: best/arrays.safetensors is missing
    """

    def __init__(self, path: str | PathLike[str], reason: str):
        self.path = fspath(path)
        self.reason = reason
        super().__init__(f"{self.path} {reason}")

    def __reduce__(self):
        return Damaged, (self.path, self.reason)
