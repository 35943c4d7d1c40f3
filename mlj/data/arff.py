"""The ARFF grammar: attributes, and dense or sparse rows as numbers with the line of each.

A nominal value is read as its position in the declaration, so that what a sparse row leaves out is what the
format says it is: 0 for a number, the FIRST declared value for a nominal attribute.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from os import PathLike

import numpy as np
import scipy.sparse as sp

from mlj.data.errors import DataError
from mlj.data.streams import decode, read_lines

# Possessive, since a quote that is never closed would else be given back one character at a time.
_TOKEN = re.compile(
    r"""\s*(?:'((?:[^'\\]++|\\.)*+)'|"((?:[^"\\]++|\\.)*+)"|([{},])|(%.*)|([^\s{},%]+))""", re.DOTALL
)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPED = {"t": "\t", "n": "\n", "r": "\r", "\\": "\\", "'": "'", '"': '"', "%": "%"}
_NUMERIC = ("numeric", "real", "integer")
_LONGEST_RELATION = 100_000
_WORD, _QUOTED, _MARK = "word", "quoted", "mark"


@dataclass(frozen=True)
class Attribute:
    """One declared column; ``values`` are the declared ones of a nominal attribute, None for a number."""

    name: str
    values: tuple[str, ...] | None
    line: int


@dataclass(frozen=True)
class ArffTable:
    """A parsed file.

    ``matrix [N, A]`` is float64, dense or CSR, with NaN for ``?`` and positions for nominal values.
    """

    file: str | PathLike[str]
    relation: str
    relation_line: int
    attributes: tuple[Attribute, ...]
    matrix: np.ndarray | sp.csr_array
    lines: np.ndarray

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the attributes, in the order of the file."""
        return tuple(attribute.name for attribute in self.attributes)


def read_arff_table(path: str | PathLike[str], encoding: str = "utf-8") -> ArffTable:
    """Parse a whole ARFF file.

    Raises:
        DataError: With file and line, for anything that the format does not allow, for types that are not
            numbers (string, date, relational), and for numbers that are not finite.
    """
    from mlj.data.arff_rows import read_rows

    lines = read_lines(path)
    relation, relation_line, attributes, start = read_header(path, lines, encoding)
    matrix, numbers = read_rows(path, attributes, lines, start, encoding)
    return ArffTable(path, relation, relation_line, attributes, matrix, numbers)


def read_relation(path: str | PathLike[str], encoding: str = "utf-8") -> str:
    """Return the name of the relation of an ARFF file, which MEKA puts its options into."""
    return read_header(path, read_lines(path), encoding)[0]


def read_header(path, lines: list[bytes], encoding: str) -> tuple[str, int, tuple[Attribute, ...], int]:
    """Return the relation, its line, the attributes, and the number of lines up to the data."""
    relation, relation_line = "", 0
    attributes: dict[str, Attribute] = {}
    for at, raw in enumerate(lines):
        line = at + 1
        text = decode(raw, line, path, encoding).strip()
        if not text or text.startswith("%"):
            continue
        keyword, _, rest = (text.replace("\t", " ", 1) if "\t" in text.split(" ")[0] else text).partition(" ")
        keyword = keyword.lower()
        if keyword == "@data":
            if not attributes:
                raise DataError("@data before any @attribute", path, line)
            return relation, relation_line, tuple(attributes.values()), at + 1
        if keyword == "@relation":
            if len(rest) > _LONGEST_RELATION:
                raise DataError(f"the name of the relation has {len(rest)} characters", path, line)
            found = [token for _, token in tokens(rest, path, line)]
            relation, relation_line = " ".join(found), line
        elif keyword == "@attribute":
            attribute = _attribute(rest, path, line)
            if attribute.name in attributes:
                first = attributes[attribute.name].line
                raise DataError(
                    f"attribute {attribute.name!r} was declared on line {first} already", path, line
                )
            attributes[attribute.name] = attribute
        else:
            raise DataError(f"expected @relation, @attribute or @data, got {text[:40]!r}", path, line)
    raise DataError("the file ends before @data", path, len(lines))


def _attribute(text: str, path, line: int) -> Attribute:
    found = tokens(text, path, line)
    first = list(itertools.islice(found, 2))
    if len(first) < 2 or first[0][0] == _MARK:
        raise DataError("an attribute needs a name and a type", path, line)
    name = first[0][1]
    if first[1] == (_MARK, "{"):
        return Attribute(name, _nominal_values(name, found, path, line), line)
    kind = first[1][1].lower()
    if kind not in _NUMERIC:
        known = ("string", "date", "relational")
        why = "is not a feature or a label: remove it" if kind in known else "is not a type of this format"
        raise DataError(f"attribute {name!r}: {kind} {why}", path, line)
    for _, more in found:
        raise DataError(f"attribute {name!r}: unexpected {more!r} after the type", path, line)
    return Attribute(name, None, line)


def _nominal_values(name: str, found: Iterator[tuple[str, str]], path, line: int) -> tuple[str, ...]:
    values: dict[str, None] = {}
    mark = (_MARK, ",")
    # Each token is dropped when it was looked at: a line of megabytes would be gigabytes of tokens.
    for kind, text in found:
        if mark != (_MARK, ","):
            break
        if kind == _MARK:
            raise DataError(f"attribute {name!r}: an empty value", path, line)
        if text in values:
            raise DataError(f"attribute {name!r} declares a value twice", path, line)
        values[text] = None
        mark = next(found, None)
    else:
        if mark == (_MARK, "}"):
            return tuple(values)
    raise DataError(f"attribute {name!r}: values are written {{first,second,...}}", path, line)


def tokens(text: str, path: str | PathLike[str], line: int) -> Iterator[tuple[str, str]]:
    """Yield ``(kind, text)``: words, quoted strings (unescaped) and the marks ``{``, ``}`` and ``,``."""
    at, end = 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        single, double, mark, comment, word = match.groups()
        at = match.end()
        if comment is not None:
            return
        if mark is not None:
            yield _MARK, mark
        elif word is not None:
            if word[0] in "'\"":
                raise DataError(f"a quote is opened and not closed: {word[:40]}", path, line)
            yield _WORD, word
        else:
            yield _QUOTED, _unescape(single if double is None else double, path, line)


def _unescape(text: str, path, line: int) -> str:
    def plain(match: re.Match[str]) -> str:
        code = match[1]
        if len(code) == 5:
            char = chr(int(code[1:], 16))
            if "\ud800" <= char <= "\udfff":
                raise DataError(f"\\{code} in {text[:40]!r} is half a character", path, line)
            return char
        if code not in _ESCAPED:
            raise DataError(f"unknown escape \\{code} in {text[:40]!r}", path, line)
        return _ESCAPED[code]

    return _ESCAPE.sub(plain, text) if "\\" in text else text
