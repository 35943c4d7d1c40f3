"""Batches of CSV and TSV, whose columns are found by the names that the model knows."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from os import PathLike

import numpy as np
import scipy.sparse as sp

from mlj.data.batch import Batch, Wanted, chosen_columns, settle_rows
from mlj.data.cells import MISSING, Dialect, Table, read_tables
from mlj.data.columns import choose_columns
from mlj.data.errors import DataError
from mlj.data.labels import label_matrix
from mlj.data.missing import HOW_TO_FILL
from mlj.data.nearest import nearest
from mlj.data.table_columns import listed_labels, numeric_features, observed_labels, with_text
from mlj.data.table_texts import joined_texts


@dataclass(frozen=True)
class _Roles:
    """What each column of a file is; numbers of columns."""

    numbers: tuple[int, ...]
    text: tuple[int, ...]
    categories: dict[int, tuple[str, ...]]
    """Columns of words, and the words that the model knows."""
    labels: tuple[int, ...]
    ids: int | None


def csv_batches(
    path: str | PathLike[str],
    wanted: Wanted,
    *,
    labels: str | Sequence[str] | None = None,
    separator: str | None = None,
    ignore: str | Sequence[str] = (),
    text: str | Sequence[str] = (),
    missing: Sequence[str] = MISSING,
    delimiter: str | None = None,
    quote: str | None = '"',
    header: bool = True,
    encoding: str = "utf-8",
) -> Iterator[Batch]:
    """Yield the rows of a table; the options are those of :func:`mlj.data.read_csv`.

    With the names of a model, columns are found by name. A feature is a column of its name; ``name#0``,
    ``name#1`` and so on are the n-grams of a column of text; and if only ``name=word`` are known, the column
    holds words: one that the model does not know is an error, unless the model knows only one of two, when
    any other is the other. A label column is one of the model's labels, or the one that ``labels`` names if
    there is a ``separator``. Any other column must be in ``ignore``.
    """
    tables = read_tables(path, Dialect(delimiter, quote, header, encoding), wanted.rows)
    first = next(tables)
    if wanted.feature_names is None:
        roles = _roles_by_option(first, wanted, labels, ignore, text)
    else:
        roles = _roles_by_name(first, wanted, labels if separator is not None else None, ignore)
    label_names = wanted.label_names
    if separator is not None and label_names is None and wanted.with_labels:
        raise DataError("labels listed in one column are known when the file ends: give label_names", path)
    done = 0
    for table in itertools.chain([first], tables):
        found = _with_features(table, roles, wanted, missing)
        features = settle_rows(
            found, wanted.missing_features, wanted.feature_names, table.file, lines=table.lines
        )
        present, where = _labels(table, roles, separator, label_names, missing)
        ids = None if roles.ids is None else table.column(roles.ids)
        yield Batch(done, features, present, where, ids)
        done += len(table.rows)


def csv_text_batches(
    path: str | PathLike[str],
    wanted: Wanted,
    *,
    text: str | Sequence[str] = (),
    labels: str | Sequence[str] | None = None,
    separator: str | None = None,
    ignore: str | Sequence[str] = (),
    missing: Sequence[str] = MISSING,
    delimiter: str | None = None,
    quote: str | None = '"',
    header: bool = True,
    encoding: str = "utf-8",
) -> Iterator[Batch]:
    """Yield the texts of a table; the options are those of :func:`mlj.data.table_texts.read_csv_texts`.

    A label column is one of the model's labels, or with a ``separator`` the one that ``labels`` names. Any
    other column is text, the column of names of rows, or in ``ignore``.
    """
    tables = read_tables(path, Dialect(delimiter, quote, header, encoding), wanted.rows)
    first = next(tables)
    if not text:
        raise DataError("no column of text is named: give text=", path, first.header_line)
    roles = _text_roles(first, wanted, text, labels if separator is not None else None, ignore)
    done = 0
    for table in itertools.chain([first], tables):
        present, where = _labels(table, roles, separator, wanted.label_names, missing)
        ids = None if roles.ids is None else table.column(roles.ids)
        yield Batch(done, joined_texts(table, roles.text), present, where, ids)
        done += len(table.rows)


def csv_columns(
    paths: Sequence[str | PathLike[str]],
    *,
    labels: str | Sequence[str],
    separator: str | None = None,
    ignore: str | Sequence[str] = (),
    text: str | Sequence[str] = (),
    missing: Sequence[str] = MISSING,
    delimiter: str | None = None,
    quote: str | None = '"',
    header: bool = True,
    encoding: str = "utf-8",
) -> tuple[list[str], list[str]]:
    """Return the names of features and labels as :func:`mlj.data.read_csv` has them, of several files.

    With a ``separator`` the files are read to their end, since the labels are those that stand there.
    """
    dialect = Dialect(delimiter, quote, header, encoding)
    first = next(read_tables(paths[0], dialect, 1))
    roles = _roles_by_option(first, Wanted(), labels, ignore, text)
    _, features = with_text(
        np.empty((1, 0)), [first.names[at] for at in roles.numbers], first, list(roles.text)
    )
    if separator is None:
        return features, [first.names[at] for at in roles.labels]
    found: set[str] = set()
    for path in paths:
        for table in read_tables(path, dialect, Wanted().rows):
            column = list(_roles_by_option(table, Wanted(), labels, ignore, text).labels)
            for present in listed_labels(table, column, separator, missing):
                found.update(present or ())
    return features, sorted(found)


def _roles_by_option(table: Table, wanted: Wanted, labels, ignore, text) -> _Roles:
    taken: set[int] = set()
    chosen: dict[str, tuple[int, ...]] = {}
    ids = _id_column(table, wanted)
    for role, names in (("labels", labels), ("ignore", ignore), ("text", text)):
        chosen[role] = _chosen(table, names, role.removesuffix("s")) if names else ()
        twice = taken & set(chosen[role])
        if twice:
            name = table.names[min(twice)]
            raise DataError(f"column {name!r} is named in {role} too", table.file, table.header_line)
        taken |= set(chosen[role])
    rest = tuple(at for at in range(len(table.names)) if at not in taken and at != ids)
    return _Roles(rest, chosen["text"], {}, chosen["labels"] if wanted.with_labels else (), ids)


def _chosen(table: Table, names, what: str) -> tuple[int, ...]:
    try:
        return tuple(choose_columns(table.names, names, what))
    except DataError as error:
        raise DataError(error.reason, table.file, table.header_line) from error


def _id_column(table: Table, wanted: Wanted) -> int | None:
    if wanted.ids is None:
        return None
    if wanted.ids not in table.names:
        reason = f"the column of names of rows, {wanted.ids!r}, is absent: {nearest(wanted.ids, table.names)}"
        raise DataError(reason, table.file, table.header_line)
    return table.names.index(wanted.ids)


def _roles_by_name(table: Table, wanted: Wanted, listed: str | None, ignore) -> _Roles:
    features = {name: at for at, name in enumerate(wanted.feature_names)}
    words = _known_words(wanted.feature_names)
    label_names = set(wanted.label_names or ())
    ids = _id_column(table, wanted)
    ignored = _ignored(table, ignore)
    numbers, text, categories, labels = [], [], {}, []
    for at, name in enumerate(table.names):
        if name in features:
            numbers.append(at)
        elif at == ids or at in ignored:
            continue
        elif name in label_names or name == listed:
            labels.append(at)
        elif f"{name}#0" in features:
            text.append(at)
        elif name in words:
            categories[at] = words[name]
        else:
            known = [*wanted.feature_names, *label_names]
            reason = f"column {name!r} is no feature of the model and no label: {nearest(name, known)}"
            raise DataError(f"{reason} Leave it out with ignore", table.file, table.header_line)
    numbers.sort(key=lambda at: features[table.names[at]])
    present = _by_name(table, labels, wanted, listed) if wanted.with_labels else ()
    return _Roles(tuple(numbers), tuple(text), categories, present, ids)


def _text_roles(table: Table, wanted: Wanted, text, listed: str | None, ignore) -> _Roles:
    texts, ids, ignored = _chosen(table, text, "text"), _id_column(table, wanted), _ignored(table, ignore)
    label_names, labels = set(wanted.label_names), []
    for at, name in enumerate(table.names):
        if at in texts or at == ids or at in ignored:
            continue
        if name not in label_names and name != listed:
            reason = f"column {name!r} is no label of the model: {nearest(name, wanted.label_names)}"
            raise DataError(f"{reason} Leave it out with ignore", table.file, table.header_line)
        labels.append(at)
    present = _by_name(table, labels, wanted, listed) if wanted.with_labels else ()
    return _Roles((), texts, {}, present, ids)


def _ignored(table: Table, ignore) -> set[int]:
    try:
        return set(choose_columns(table.names, ignore, "ignore")) if ignore else set()
    except DataError:
        # An ignored column need not be there; another unknown one is refused where columns get their roles.
        return set()


def _by_name(table: Table, labels: list[int], wanted: Wanted, listed: str | None) -> tuple[int, ...]:
    """Return the label columns in the order of the model; none if the file has no labels."""
    if listed is not None or not labels:
        return tuple(labels)
    place = {table.names[at]: at for at in labels}
    for name in wanted.label_names:
        if name not in place:
            reason = f"label {name!r} is absent, {table.names[labels[0]]!r} is there: all labels or none"
            raise DataError(reason, table.file, table.header_line)
    return tuple(place[name] for name in wanted.label_names)


def _known_words(feature_names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return the words of each column of words: those behind ``name=``."""
    known: dict[str, tuple[str, ...]] = {}
    for feature in feature_names:
        name, equals, word = feature.partition("=")
        if equals and name:
            known[name] = (*known.get(name, ()), word)
    return known


def _with_features(table: Table, roles: _Roles, wanted: Wanted, missing: Sequence[str]):
    refuse = isinstance(wanted.missing_features, str) and wanted.missing_features == "error"
    features, names = numeric_features(table, list(roles.numbers), missing, refuse)
    for column, words in roles.categories.items():
        features = np.hstack([features, _one_column_a_word(table, column, words, missing, refuse)])
        names = [*names, *(f"{table.names[column]}={word}" for word in words)]
    features, names = with_text(features, names, table, list(roles.text))
    if wanted.feature_names is None:
        return features
    order = chosen_columns(wanted.feature_names, names, table.file)
    return features if order is None else features[:, order]


def _one_column_a_word(
    table: Table, column: int, words: tuple[str, ...], missing: Sequence[str], refuse: bool
) -> np.ndarray:
    gaps, name = frozenset(missing), table.names[column]
    place = {word: at for at, word in enumerate(words)}
    block = np.zeros((len(table.rows), len(words)))
    for row, (cell, line) in enumerate(zip(table.column(column), table.lines)):
        if cell in place:
            block[row, place[cell]] = 1
        elif cell in gaps:
            if refuse:
                raise DataError(f"feature {name!r} is missing ({cell!r}); {HOW_TO_FILL}", table.file, line)
            block[row] = np.nan
        elif len(words) > 1:
            reason = f"feature {name!r} is {cell!r}, which the model does not know: {nearest(cell, words)}"
            raise DataError(reason, table.file, line)
    return block


def _labels(
    table: Table, roles: _Roles, separator: str | None, label_names, missing
) -> tuple[sp.csr_array | None, np.ndarray | None]:
    if not roles.labels:
        return None, None
    found = observed_labels(table, list(roles.labels), separator, label_names, missing)
    where = found["where"]
    where = None if where is None or where.all() else where
    return label_matrix(found["labels"], where=where), where
