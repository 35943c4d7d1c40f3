"""The known name that a mistyped one was meant to be."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterable

# Comparing takes time that grows with the square of the length, and names can come from a hostile file.
_LONGEST = 100
_MOST_NAMES = 20_000


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a sentence that names the closest known name, or the first few.

    >>> nearest("Clas1", ["Class1", "Att1"])
    "did you mean 'Class1'?"
    """
    known = list(itertools.islice(known, _MOST_NAMES + 1))
    candidates = [candidate for candidate in known[:_MOST_NAMES] if len(candidate) <= _LONGEST]
    close = difflib.get_close_matches(name, candidates, n=1) if len(name) <= _LONGEST else []
    if close:
        return f"did you mean {close[0]!r}?"
    shown = [candidate[:_LONGEST] for candidate in known[:8]]
    return f"known: {', '.join(shown)}{', ...' if len(known) > 8 else ''}"
