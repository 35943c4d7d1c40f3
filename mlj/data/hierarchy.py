"""Which labels lie above which: a tree, or a graph in which a label has several parents."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from mlj.data.errors import DataError
from mlj.data.labels import label_matrix
from mlj.data.nearest import nearest


@dataclass(frozen=True, eq=False)
class Hierarchy:
    """Labels and who is above whom, however far; made by :meth:`from_edges` or :meth:`from_paths`.

    A :class:`mlj.data.Dataset` of the same label names can carry it. A label is present wherever one below
    it is: :meth:`close` sees to that.

    >>> tree = Hierarchy.from_paths(["animal", "animal/bird", "animal/bird/owl", "plant"])
    >>> tree.roots.tolist(), tree.depth.tolist()
    ([True, False, False, True], [0, 1, 2, 0])
    >>> tree.close(np.array([[0, 0, 1, 0]])).tolist()
    [[1, 1, 1, 0]]
    """

    label_names: tuple[str, ...]
    """L distinct names."""
    descendants: np.ndarray
    """Bool ``[L, L]``, True at ``[j, i]`` where label i is below label j; no label is below itself."""

    @classmethod
    def from_edges(cls, label_names: Sequence[str], edges: Iterable[tuple[str, str]]) -> Hierarchy:
        """Make a hierarchy of edges ``(parent, child)``, in any order.

        Raises:
            DataError: If a name repeats, an edge speaks of an unknown one, or the edges go round in a circle,
                which is named.

        >>> Hierarchy.from_edges("ab", [("a", "b"), ("b", "a")])
        Traceback (most recent call last):
            ...
        mlj.data.errors.DataError: the hierarchy goes round in a circle: a > b > a
        """
        names = tuple(label_names)
        place = {name: at for at, name in enumerate(names)}
        if len(place) != len(names):
            twice = next(name for at, name in enumerate(names) if place[name] != at)
            raise DataError(f"two labels of the hierarchy are named {twice!r}")
        children: list[set[int]] = [set() for _ in names]
        for edge in edges:
            for name in edge:
                if name not in place:
                    raise DataError(f"the hierarchy has no label {name!r}: {nearest(name, place)}")
            children[place[edge[0]]].add(place[edge[1]])
        return cls(names, _closure(names, children))

    @classmethod
    def from_paths(cls, paths: Sequence[str], separator: str = "/") -> Hierarchy:
        """Make a tree of labels that are named by their whole path; each path but a root's has a parent here.

        Raises:
            DataError: If a path repeats, or the label above it is not listed.

        >>> Hierarchy.from_paths(["01", "01/02/03"])
        Traceback (most recent call last):
            ...
        mlj.data.errors.DataError: the hierarchy has no label '01/02': did you mean '01/02/03'?
        """
        return cls.from_edges(
            paths, [(path.rpartition(separator)[0], path) for path in paths if separator in path]
        )

    @property
    def num_labels(self) -> int:
        """The number of labels, ``L``."""
        return len(self.label_names)

    @property
    def ancestors(self) -> np.ndarray:
        """Bool ``[L, L]``, True at ``[j, i]`` where label i is above label j."""
        return self.descendants.T

    @property
    def roots(self) -> np.ndarray:
        """Bool ``[L]``, True for the labels without any above."""
        return ~self.descendants.any(axis=0)

    @property
    def depth(self) -> np.ndarray:
        """The number of steps from each label to the farthest root above it, ``[L]``."""
        depth = np.zeros(self.num_labels, np.int64)
        for label in np.argsort(self.descendants.sum(axis=0), kind="stable"):
            above = self.descendants[:, label]
            depth[label] = 1 + depth[above].max() if above.any() else 0
        return depth

    def close(self, labels: np.ndarray | sp.sparray) -> np.ndarray | sp.csr_array:
        """Return labels ``[N, L]`` in which all labels above a present one are present too.

        Raises:
            DataError: If the labels are not ``[N, L]``, or one is neither 0 nor 1.
        """
        if labels.ndim != 2 or labels.shape[1] != self.num_labels:
            raise DataError(f"labels must be [N, {self.num_labels}], got {list(labels.shape)}")
        present = label_matrix(labels).astype(np.int64)
        up = sp.csr_array(self.descendants.T | np.eye(self.num_labels, dtype=bool)).astype(np.int64)
        closed = sp.csr_array((present @ up) > 0).astype(np.uint8)
        return closed if sp.issparse(labels) else closed.toarray()

    def is_closed(self, labels: np.ndarray | sp.sparray) -> bool:
        """Return whether everything above a present label is present, in labels ``[N, L]``."""
        return (sp.csr_array(self.close(labels)) != sp.csr_array(labels).astype(bool)).nnz == 0


def _closure(names: tuple[str, ...], children: list[set[int]]) -> np.ndarray:
    """Return who is below whom, children before their parents, or raise if that order does not exist."""
    waiting = [len(found) for found in children]
    parents: list[list[int]] = [[] for _ in names]
    for parent, found in enumerate(children):
        for child in found:
            parents[child].append(parent)
    below = np.zeros((len(names), len(names)), bool)
    ready = [label for label, count in enumerate(waiting) if count == 0]
    done = 0
    while ready:
        label = ready.pop()
        done += 1
        for parent in parents[label]:
            below[parent] |= below[label]
            below[parent, label] = True
            waiting[parent] -= 1
            if waiting[parent] == 0:
                ready.append(parent)
    if done < len(names):
        circle = " > ".join(names[label] for label in _circle(children, waiting))
        raise DataError(f"the hierarchy goes round in a circle: {circle}")
    below.flags.writeable = False
    return below


def _circle(children: list[set[int]], waiting: list[int]) -> list[int]:
    """Walk down among the labels that wait for a child until one comes again."""
    label = next(at for at, count in enumerate(waiting) if count)
    seen: list[int] = []
    while label not in seen:
        seen.append(label)
        label = min(child for child in children[label] if waiting[child])
    return [*seen[seen.index(label) :], label]
