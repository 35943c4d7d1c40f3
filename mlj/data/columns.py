"""Naming the label columns of a table: by name, by pattern, or as the first or last so many."""

from __future__ import annotations

import csv
import fnmatch
from collections.abc import Sequence

from mlj.data.errors import DataError
from mlj.data.nearest import nearest


def choose_columns(names: Sequence[str], chosen: str | Sequence[str], what: str = "label") -> list[int]:
    """Return the columns that ``chosen`` names, in the order of the table.

    Args:
        names: The columns of the table.
        chosen: A sequence of names, or one string: ``'first:12'``, ``'last:12'``, or names separated by
            commas, a name with a comma in it in double quotes. A name with ``*``, ``?`` or ``[`` that is no
            column is a pattern.
        what: What the columns are, for messages.

    Raises:
        DataError: If a name is no column, a pattern fits none, or there are not so many columns.

    >>> choose_columns(["a", "b", "rain", "snow"], "last:2")
    [2, 3]
    >>> choose_columns(["Att1", "Class1", "Class2"], "Class*")
    [1, 2]
    """
    if isinstance(chosen, str):
        end, _, count = chosen.partition(":")
        counted = count.isascii() and count.isdigit() and len(count) < 19
        if chosen not in names and end in ("first", "last") and counted:
            return _from_end(len(names), end, int(count), what)
        chosen = next(csv.reader([chosen], skipinitialspace=True), [])
    found: set[int] = set()
    place = {name: column for column, name in enumerate(names)}
    for name in chosen:
        found.update(_matches(place, name, what))
    if not found:
        raise DataError(f"no {what} column is named")
    return sorted(found)


def _from_end(width: int, end: str, count: int, what: str) -> list[int]:
    if not 0 < count <= width:
        raise DataError(f"{end}:{count} {what} columns of a table that has {width}")
    return list(range(count) if end == "first" else range(width - count, width))


def _matches(place: dict[str, int], name: str, what: str) -> list[int]:
    if name in place:
        return [place[name]]
    if any(mark in name for mark in "*?["):
        matched = [column for known, column in place.items() if fnmatch.fnmatchcase(known, name)]
        if matched:
            return matched
    raise DataError(f"{what} column {name!r} is absent: {nearest(name, place)}")
