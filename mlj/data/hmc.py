"""HMC: an ARFF file whose last attribute is a hierarchy of labels, the data of hierarchical classification.

The attribute is declared as ``@attribute class hierarchical a,a/b,a/b/c``, where either each label is named
by its path from the top, or each entry is an edge ``parent/child`` between labels that may have several
parents. A row ends in its most specific labels, joined by ``@``; upper and lower case are the same.
"""

from __future__ import annotations

import re
from os import PathLike
from typing import NamedTuple

import numpy as np

from mlj.data.arff import ArffTable, Attribute, read_header
from mlj.data.arff_encode import encode
from mlj.data.arff_rows import read_rows
from mlj.data.combine import concatenate
from mlj.data.dataset import Dataset
from mlj.data.errors import DataError, in_file
from mlj.data.hierarchy import Hierarchy
from mlj.data.missing import check_option, settle
from mlj.data.naming import bare_name
from mlj.data.nearest import nearest
from mlj.data.streams import decode, plain_name, read_lines, refuse_growth

_CLASS = re.compile(rb"\s*@attribute\s+\S+\s+hierarchical\b\s*(.*)", re.IGNORECASE | re.DOTALL)
_STRUCTURES = ("paths", "edges")


class Hierarchical(NamedTuple):
    """Data whose labels are closed upwards, and the hierarchy that they are closed in."""

    dataset: Dataset
    """Its labels are those of the hierarchy, in that order, and it carries the hierarchy too."""
    hierarchy: Hierarchy


def read_hmc_arff(
    arff: str | PathLike[str],
    *,
    validation: str | PathLike[str] | None = None,
    test: str | PathLike[str] | None = None,
    structure: str | None = None,
    missing_features: str = "error",
    encoding: str = "utf-8",
    name: str | None = None,
) -> Hierarchical:
    """Read an HMC data set and close its labels upwards.

    Args:
        arff: The ARFF file of the training rows, plain or compressed.
        validation: One with the validation rows of the official split, and the same hierarchy.
        test: One with the test rows.
        structure: ``'paths'`` if labels are named by their path, ``'edges'`` if entries are edges; None to
            tell by an entry without a slash, which only a path can be.
        missing_features: What a ``?`` in a feature becomes, see :func:`mlj.data.read_mulan_arff`.
        encoding: How the text is encoded.
        name: What to call the data set; the name of the file if None.

    Returns:
        The data set, with the official split if there is more than one file, and its hierarchy. Of edges
        every name is a label, so that a top above all others is one that every row has.

    Raises:
        DataError: With file and line, if a file is not what the format says, a row has a label twice or one
            that the hierarchy has not, the hierarchy goes round in a circle, or the files have different
            hierarchies.
        ValueError: If an option is none of those above, or there are validation rows without test rows.
    """
    check_option(missing_features)
    if structure not in (None, *_STRUCTURES):
        raise ValueError(f"structure must be one of {', '.join(_STRUCTURES)} or None, got {structure!r}")
    first = _read(arff, structure, encoding)
    name = bare_name(arff) if name is None else name

    def encoded(part: _Part) -> Dataset:
        columns = range(part.num_features, len(part.table.attributes))
        return encode(part.table, columns, missing_features=missing_features, name=name)

    def further(path: str | PathLike[str] | None) -> Dataset | None:
        return None if path is None else encoded(_with_the_same(first, _read(path, structure, encoding)))

    dataset = encoded(first)
    if test is not None or validation is not None:
        if test is None:
            raise ValueError("read_hmc_arff: validation rows without test rows are no official split")
        with in_file(test):
            dataset = concatenate(dataset, further(test), further(validation))
    with in_file(arff):
        settled = settle(dataset, missing_features).replace(hierarchy=first.hierarchy)
        return Hierarchical(settled, first.hierarchy)


class _Part(NamedTuple):
    """One file: the table has the features, then a column of 0 and 1 for each label."""

    table: ArffTable
    num_features: int
    entries: frozenset[str]
    entries_line: int
    hierarchy: Hierarchy


def _read(path: str | PathLike[str], structure: str | None, encoding: str) -> _Part:
    lines = read_lines(path)
    at, entries = _declaration(path, lines, encoding)
    # A blank line in the place of the declaration keeps the numbers of the others.
    lines[at] = b""
    relation, relation_line, attributes, start = read_header(path, lines, encoding)
    if start <= at or any(attribute.line > at + 1 for attribute in attributes):
        raise DataError("the hierarchical attribute must be the last one, before @data", path, at + 1)
    try:
        hierarchy = _hierarchy(entries, structure, path)
    except DataError as error:
        raise DataError(error.reason, path, at + 1) from error
    place = {label.casefold(): column for column, label in enumerate(hierarchy.label_names)}
    labels = [
        _labels(place, decode(text, line, path, encoding), path, line)
        for line, text in _cut_off_labels(lines, start, path)
    ]
    matrix, numbers = read_rows(path, attributes, lines, start, encoding)
    table = _table(path, (relation, relation_line), attributes, matrix, numbers, hierarchy, labels, at + 1)
    return _Part(table, len(attributes), frozenset(map(str.casefold, entries)), at + 1, hierarchy)


def says_hierarchy(path: str | PathLike[str]) -> bool:
    """Return whether an ARFF file declares an attribute of the type hierarchical."""
    lines = read_lines(path)
    end = next((at for at, line in enumerate(lines) if line.strip().lower() == b"@data"), len(lines))
    return any(_CLASS.match(line) for line in lines[:end])


def _declaration(path, lines: list[bytes], encoding: str) -> tuple[int, list[str]]:
    """Return where the hierarchy is declared, from 0, and its entries."""
    found = [(at, match) for at, line in enumerate(lines) if (match := _CLASS.match(line))]
    if len(found) != 1:
        raise DataError(f"one attribute must be of the type hierarchical, {len(found)} are", path)
    at, match = found[0]
    entries = [entry.strip() for entry in decode(match[1], at + 1, path, encoding).split(",")]
    if not all(part for entry in entries for part in entry.split("/")):
        raise DataError("the hierarchy holds an empty name", path, at + 1)
    return at, entries


def _hierarchy(entries: list[str], structure: str | None, path) -> Hierarchy:
    if structure is None:
        structure = "edges" if all("/" in entry for entry in entries) else "paths"
    edges = structure == "edges"
    labels = len({name.casefold() for entry in entries for name in (entry.split("/") if edges else [entry])})
    # Who is below whom is kept for every pair of labels.
    refuse_growth(8 * labels**2, f"a hierarchy of {labels} labels takes", path)
    if not edges:
        return Hierarchy.from_paths(_distinct(entries))
    names: dict[str, str] = {}
    pairs = []
    for entry in entries:
        ends = entry.split("/")
        if len(ends) != 2:
            raise DataError(f"an edge of the hierarchy is written parent/child, got {entry!r}")
        pairs.append(tuple(names.setdefault(end.casefold(), end) for end in ends))
    return Hierarchy.from_edges(tuple(names.values()), pairs)


def _distinct(paths: list[str]) -> list[str]:
    seen: set[str] = set()
    for path in paths:
        if path.casefold() in seen:
            raise DataError(f"two labels of the hierarchy are named {path!r}, whatever the case")
        seen.add(path.casefold())
    return paths


def _cut_off_labels(lines: list[bytes], start: int, path) -> list[tuple[int, bytes]]:
    """Leave the features of each row in ``lines``; return its line, from 1, and what came behind them."""
    found = []
    for at in range(start, len(lines)):
        row = lines[at].strip()
        if not row or row.startswith(b"%"):
            continue
        if row.startswith(b"{"):
            raise DataError("a sparse row {...}; the rows of this format are dense", path, at + 1)
        lines[at], comma, labels = row.partition(b"%")[0].rpartition(b",")
        if not comma:
            raise DataError("the row has no comma: its labels stand after the last one", path, at + 1)
        if not lines[at].strip():
            raise DataError("the row has labels and no values", path, at + 1)
        found.append((at + 1, labels))
    return found


def _labels(place: dict[str, int], text: str, path, line: int) -> list[int]:
    found: dict[int, None] = {}
    for label in text.strip().strip("'\"").split("@"):
        column = place.get(label.strip().casefold())
        if column is None:
            known = nearest(label.strip().casefold(), place)
            raise DataError(f"the row has the label {label!r}, the hierarchy has not: {known}", path, line)
        if column in found:
            raise DataError(f"the row has the label {label!r} twice", path, line)
        found[column] = None
    return list(found)


def _table(path, relation, attributes, matrix, numbers, hierarchy, labels, line: int) -> ArffTable:
    refuse_growth(9 * len(labels) * hierarchy.num_labels, "the labels take", path, line)
    hot = np.zeros((len(labels), hierarchy.num_labels), np.uint8)
    for row, columns in enumerate(labels):
        hot[row, columns] = 1
    declared = tuple(Attribute(label, ("0", "1"), line) for label in hierarchy.label_names)
    whole = np.hstack([matrix, hierarchy.close(hot)])
    return ArffTable(path, *relation, attributes + declared, whole, numbers)


def _with_the_same(first: _Part, other: _Part) -> _Part:
    differing = sorted(first.entries ^ other.entries)
    if differing:
        file = plain_name(first.table.file)
        raise DataError(
            f"the hierarchy is not that of {file}: {differing[0]!r} is in one of them only",
            other.table.file,
            other.entries_line,
        )
    return other
