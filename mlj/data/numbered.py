"""The names of columns that have none, made when they are looked at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import overload

_MANY = 100_000


class NumberedNames(Sequence[str]):
    """Behaves as the tuple ``('feature_0', 'feature_1', ...)`` and takes no memory.

    A sparse file may have a hundred million columns, whose names would take more than all else.

    Args:
        kind: What stands before the number.
        count: How many there are.

    >>> names = NumberedNames("label", 10**8)
    >>> names[-1], len(names), "label_7" in names, names == NumberedNames("label", 3)
    ('label_99999999', 100000000, True, False)
    """

    def __init__(self, kind: str, count: int):
        self._kind, self._count = kind, count

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, at: int) -> str: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[str, ...]: ...
    def __getitem__(self, at):
        if isinstance(at, slice):
            return tuple(self._name(index) for index in range(self._count)[at])
        return self._name(range(self._count)[at])

    def __iter__(self) -> Iterator[str]:
        return map(self._name, range(self._count))

    def __contains__(self, name: object) -> bool:
        number = name.removeprefix(f"{self._kind}_") if isinstance(name, str) else ""
        known = number.isascii() and number.isdigit() and len(number) < 20
        return known and int(number) < self._count and name == self._name(int(number))

    def __eq__(self, other: object) -> bool:
        if isinstance(other, NumberedNames):
            return (self._kind, self._count) == (other._kind, other._count)
        if not isinstance(other, tuple):
            return NotImplemented
        return len(other) == self._count and all(mine == its for mine, its in zip(self, other))

    def __hash__(self) -> int:
        return hash((self._kind, self._count))

    def __repr__(self) -> str:
        return f"NumberedNames({self._kind!r}, {self._count})"

    def _name(self, index: int) -> str:
        return f"{self._kind}_{index}"


def numbered_names(kind: str, count: int) -> Sequence[str]:
    """Return ``count`` names: a tuple, or what behaves as one where there are very many.

    >>> numbered_names("feature", 2)
    ('feature_0', 'feature_1')
    """
    names = NumberedNames(kind, count)
    return names if count > _MANY else tuple(names)
