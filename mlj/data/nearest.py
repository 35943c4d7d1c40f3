"""The known name that a mistyped one was meant to be."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a sentence that names the closest known name, or the first few.

    >>> nearest("Clas1", ["Class1", "Att1"])
    "did you mean 'Class1'?"
    """
    known = list(known)
    close = difflib.get_close_matches(name, known, n=1)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"known: {', '.join(known[:8])}{', ...' if len(known) > 8 else ''}"
