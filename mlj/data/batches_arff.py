"""Batches of ARFF, whose attributes are found by the names that the model knows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp

from mlj.data.arff import ArffTable, Attribute, read_header
from mlj.data.arff_encode import encode
from mlj.data.arff_rows import read_rows
from mlj.data.batch import Batch, Wanted, settle_rows
from mlj.data.batches_index import NumberedLines
from mlj.data.columns import choose_columns
from mlj.data.errors import DataError, in_file
from mlj.data.line_stream import byte_lines
from mlj.data.meka import label_columns, says_labels, says_split
from mlj.data.mulan import labels_beside, read_label_names
from mlj.data.nearest import nearest
from mlj.data.streams import decode

_TRUTH = (("0", "1"), ("1", "0"), ("0",))
"""Declarations that :func:`mlj.data.arff_encode.encode` reads as the number that they spell."""


def arff_batches(
    path: str | PathLike[str],
    wanted: Wanted,
    *,
    labels: str | PathLike[str] | Sequence[str] | None = None,
    encoding: str = "utf-8",
) -> Iterator[Batch]:
    """Yield the rows of an ARFF file, dense or sparse; ``labels`` and ``encoding`` are those of
    :func:`mlj.data.load`.

    With the names of a model, attributes are found by name, and a nominal one is read by what its values are
    called: the file may declare them in another order, or fewer. A value that the model does not know is an
    error in the row that holds it, unless the model knows only one of two, when any other is the other.
    Attributes that are neither a feature nor a label of the model are an error.
    """
    lines = byte_lines(path)
    header = _header_lines(lines, path, encoding)
    relation, relation_line, attributes, start = read_header(path, header, encoding)
    names = tuple(attribute.name for attribute in attributes)
    table = ArffTable(path, relation, relation_line, attributes, np.empty((0, len(names))), np.empty(0, int))
    if wanted.feature_names is None:
        columns, plan = _label_columns(table, labels), None
    else:
        label_names = wanted.label_names
        if label_names is None:
            label_names = [names[at] for at in _label_columns(table, labels)] if labels is not None else ()
        columns, plan = _by_name(table, label_names, wanted.with_labels), _Plan.of(table, wanted, label_names)
    done, is_sparse = 0, None
    for block in _blocks(lines, start, wanted.rows):
        matrix, numbers = read_rows(path, attributes, block, block.first, encoding)
        is_sparse = sp.issparse(matrix) if is_sparse is None else is_sparse
        if sp.issparse(matrix) != is_sparse:
            kind, other = ("dense", "sparse") if is_sparse else ("sparse", "dense")
            raise DataError(f"a {kind} row in a file of {other} rows", path, int(numbers[0]))
        part = replace(table, matrix=matrix, lines=numbers)
        yield _batch(part, columns, plan, wanted, done)
        done += len(numbers)
    if not done:
        raise DataError("no rows after @data", path, start)


class ArffColumns(NamedTuple):
    """What a header says of the columns."""

    features: list[str]
    """The names of the features, one for each value of a nominal attribute."""
    labels: list[str]
    """The names of the labels, in the order of the file."""
    splits: bool
    """Whether the relation says which rows are for training, as MEKA's may."""


def arff_columns(
    path: str | PathLike[str],
    *,
    labels: str | PathLike[str] | Sequence[str] | None = None,
    encoding: str = "utf-8",
) -> ArffColumns:
    """Return the names of features and labels as :func:`mlj.data.load` has them; no row is read.

    Raises:
        DataError: If the header is wrong, or it is not known which attributes are labels.
    """
    header = _header_lines(byte_lines(path), path, encoding)
    relation, relation_line, attributes, _ = read_header(path, header, encoding)
    nothing = np.empty((0, len(attributes)))
    table = ArffTable(path, relation, relation_line, attributes, nothing, np.empty(0, int))
    columns = _label_columns(table, labels)
    data = encode(table, columns, missing_features="keep", name="header")
    return ArffColumns(list(data.feature_names), list(data.label_names), says_split(relation))


def _header_lines(lines: Iterator[bytes], path: str | PathLike[str], encoding: str) -> list[bytes]:
    """Return the lines up to ``@data``, or up to the first that no header has, which is then refused."""
    found: list[bytes] = []
    for line in lines:
        found.append(line)
        word = decode(line, len(found), path, encoding).strip().lower()
        if word.startswith("@data") or (word and not word.startswith(("@", "%"))):
            break
    return found


def is_hierarchical(path: str | PathLike[str]) -> bool:
    """Return whether an ARFF file declares an attribute of the type hierarchical."""
    # The words that matter are ASCII; Latin-1 is never refused.
    header = _header_lines(byte_lines(path), path, "latin-1")
    words = (line.split() for line in header if line.lstrip()[:1] == b"@")
    return any(len(word) > 2 and word[2].lower() == b"hierarchical" for word in words)


def _blocks(lines: Iterator[bytes], start: int, rows: int) -> Iterator[NumberedLines]:
    """Yield the lines of so many rows at a time; comments and blank lines are no rows."""
    block: list[bytes] = []
    found = 0
    for line in lines:
        block.append(line)
        text = line.strip()
        found += bool(text) and not text.startswith(b"%")
        if found == rows or (not found and len(block) == rows):
            if found:
                yield NumberedLines(start, block)
            start += len(block)
            block, found = [], 0
    if found:
        yield NumberedLines(start, block)


def _label_columns(table: ArffTable, labels) -> list[int]:
    """Return the columns of the labels, told by an option, an XML file or the relation."""
    path = table.file
    if labels is None:
        try:
            labels = labels_beside(path)
        except DataError:
            if says_labels(table.relation):
                return label_columns(table)
            raise
    if isinstance(labels, Path) or (isinstance(labels, str) and labels.lower().endswith(".xml")):
        place = {name: column for column, name in enumerate(table.names)}
        named = read_label_names(labels)
        for label, line in named.items():
            if label not in place:
                raise DataError(f"label {label!r} is no attribute: {nearest(label, place)}", labels, line)
        return sorted(place[label] for label in named)
    with in_file(path):
        return choose_columns(table.names, labels)


def _by_name(table: ArffTable, label_names: Sequence[str], with_labels: bool) -> list[int]:
    """Return the label columns in the order of the model; none if the file has no labels."""
    place = {name: column for column, name in enumerate(table.names)}
    found = [name for name in label_names if name in place]
    if not with_labels or not found:
        return []
    for name in label_names:
        if name not in place:
            raise DataError(
                f"label {name!r} is absent, {found[0]!r} is there: all labels or none", table.file
            )
    return [place[name] for name in label_names]


def _batch(part: ArffTable, columns: list[int], plan: _Plan | None, wanted: Wanted, first: int) -> Batch:
    labels = where = None
    if plan is None:
        data = encode(part, columns, missing_features="keep", name="batch")
        features = data.features
    else:
        features = plan.features(part)
        if columns:
            # Only the labels are left, in the order of the model.
            attributes = tuple(part.attributes[column] for column in columns)
            only = replace(part, attributes=attributes, matrix=part.matrix[:, columns])
            data = encode(only, range(len(columns)), missing_features="keep", name="batch")
    if columns and wanted.with_labels:
        labels, where = data.label_matrix, data.where
    names = data.feature_names if plan is None else wanted.feature_names
    settled = settle_rows(
        features, wanted.missing_features, names, part.file, lines=part.lines, first_row=first
    )
    return Batch(first, settled, labels, where)


@dataclass(frozen=True)
class _Plan:
    """How the features of a model are made of the attributes of a file."""

    columns: np.ndarray
    """The attribute of each feature ``[D]``."""
    positions: np.ndarray
    """The position of the value that the feature stands for ``[D]``; -1 for a number, -2 for none."""
    flipped: np.ndarray
    """Whether the attribute is declared {1,0}, bool ``[D]``."""
    unknown: dict[int, tuple[int, ...]]
    """The positions of values that the model does not know, of each attribute that must not hold them."""

    @classmethod
    def of(cls, table: ArffTable, wanted: Wanted, label_names: Sequence[str]) -> _Plan:
        """Find the features among the attributes, or raise a :class:`DataError` that names what is wrong."""
        place = {name: column for column, name in enumerate(table.names)}
        found = [_source(table, place, name, wanted.feature_names) for name in wanted.feature_names]
        columns = np.array([column for column, _ in found], np.int64)
        for attribute in table.attributes:
            column = place[attribute.name]
            if attribute.name not in label_names and column not in set(columns.tolist()):
                known = [*wanted.feature_names, *label_names]
                reason = f"is no feature of the model and no label: {nearest(attribute.name, known)}"
                raise DataError(f"attribute {attribute.name!r} {reason}", table.file, attribute.line)
        words: dict[int, list[str]] = {}
        for column, word in found:
            if word is not None:
                words.setdefault(column, []).append(word)
        return cls(
            columns,
            np.array([_position(table.attributes[column], word) for column, word in found], np.int64),
            np.array(
                [word is None and table.attributes[column].values == ("1", "0") for column, word in found]
            ),
            {column: _unknown(table, column, known) for column, known in words.items()},
        )

    def features(self, part: ArffTable) -> np.ndarray | sp.csr_array:
        """Return the features of the model ``[n, D]``, NaN where one is missing."""
        for column, unknown in self.unknown.items():
            _refuse_unknown(part, column, unknown)
        plain = (self.positions == -1) & ~self.flipped
        if plain.all():
            return part.matrix[:, self.columns]
        blocks = [part.matrix[:, self.columns[plain]]]
        for feature in np.flatnonzero(~plain):
            values = _dense_column(part, self.columns[feature])
            made = 1 - values if self.flipped[feature] else (values == self.positions[feature]).astype(float)
            made[np.isnan(values)] = np.nan
            blocks.append(sp.csr_array(made[:, None]) if sp.issparse(part.matrix) else made[:, None])
        stacked = sp.csr_array(sp.hstack(blocks)) if sp.issparse(part.matrix) else np.hstack(blocks)
        order = np.concatenate([np.flatnonzero(plain), np.flatnonzero(~plain)])
        return stacked[:, np.argsort(order)]


def _source(table: ArffTable, place: dict[str, int], name: str, names) -> tuple[int, str | None]:
    """Return the attribute that a feature is made of, and the value that it stands for, if it does."""
    if name in place:
        attribute = table.attributes[place[name]]
        if attribute.values is not None and attribute.values not in _TRUTH:
            shown = ",".join(attribute.values[:6])
            reason = f"attribute {name!r} is a number for the model, here it is one of {{{shown}}}"
            raise DataError(reason, table.file, attribute.line)
        return place[name], None
    for at, mark in enumerate(name):
        if mark == "=" and name[:at] in place:
            attribute = table.attributes[place[name[:at]]]
            if attribute.values is None:
                reason = (
                    f"attribute {attribute.name!r} is a number, the model knows it as the feature {name!r}"
                )
                raise DataError(reason, table.file, attribute.line)
            return place[name[:at]], name[at + 1 :]
    known, word = set(names), name.partition("=")[0] or name
    others = [other for other in place if other not in known] or list(place)
    raise DataError(f"feature {name!r} of the model is absent: {nearest(word, others)}", table.file)


def _position(attribute: Attribute, word: str | None) -> int:
    if word is None:
        return -1
    return attribute.values.index(word) if word in attribute.values else -2


def _unknown(table: ArffTable, column: int, known: list[str]) -> tuple[int, ...]:
    attribute = table.attributes[column]
    unknown = tuple(at for at, value in enumerate(attribute.values) if value not in known)
    if len(known) > 1:
        return unknown
    if len(unknown) > 1:
        reason = f"declares {len(attribute.values)} values, the model knows two, one of them {known[0]!r}"
        raise DataError(f"attribute {attribute.name!r} {reason}", table.file, attribute.line)
    return ()


def _refuse_unknown(part: ArffTable, column: int, unknown: tuple[int, ...]) -> None:
    rows = np.flatnonzero(np.isin(_dense_column(part, column), unknown)) if unknown else ()
    if len(rows):
        attribute = part.attributes[column]
        word = attribute.values[int(_dense_column(part, column)[rows[0]])]
        reason = f"attribute {attribute.name!r} is {word!r}, which the model does not know"
        raise DataError(reason, part.file, int(part.lines[rows[0]]))


def _dense_column(part: ArffTable, column: int) -> np.ndarray:
    values = part.matrix[:, [column]]
    return (values.toarray() if sp.issparse(values) else values)[:, 0]
