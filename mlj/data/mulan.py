"""Mulan: an ARFF file of features and labels, and an XML file that names the labels.

The order of the labels is that of the ARFF file: the XML of yeast, enron and others lists them in another
order, so the two are matched by name.
"""

from __future__ import annotations

import xml.parsers.expat
from os import PathLike
from pathlib import Path

from mlj.data.arff import ArffTable, read_arff_table
from mlj.data.arff_encode import encode
from mlj.data.columns import choose_columns
from mlj.data.combine import concatenate
from mlj.data.dataset import Dataset
from mlj.data.errors import DataError, in_file
from mlj.data.missing import check_option, settle
from mlj.data.naming import bare_name, stems
from mlj.data.nearest import nearest
from mlj.data.streams import plain_name, read_bytes


def read_mulan_arff(
    arff: str | PathLike[str],
    xml: str | PathLike[str] | None = None,
    *,
    test: str | PathLike[str] | None = None,
    missing_features: str = "error",
    encoding: str = "utf-8",
    name: str | None = None,
) -> Dataset:
    """Read a Mulan data set, dense or sparse.

    Args:
        arff: The ARFF file, plain or compressed.
        xml: The XML file with the names of the labels; the one beside ``arff`` (:func:`labels_beside`) if
            None.
        test: An ARFF file with the test rows of the official split; its columns are matched by name.
        missing_features: What a ``?`` in a feature becomes: ``'error'``, ``'mean'`` (of the training rows),
            ``'zero'`` or ``'keep'`` (NaN, see :func:`mlj.data.fill_missing`). A ``?`` in a label is an
            unobserved label.
        encoding: How the ARFF text is encoded.
        name: What to call the data set; the name of the file if None.

    Raises:
        DataError: With file and line, if either file is not what its format says or a label is no attribute.
    """
    check_option(missing_features)
    xml = labels_beside(arff) if xml is None else Path(xml)
    labels = read_label_names(xml)

    def part(path: str | PathLike[str]) -> Dataset:
        table = read_arff_table(path, encoding)
        columns = _label_columns(table, labels, xml)
        return encode(table, columns, missing_features=missing_features, name=name or bare_name(arff))

    dataset = part(arff)
    if test is not None:
        with in_file(test):
            dataset = concatenate(dataset, part(test))
    with in_file(arff):
        return settle(dataset, missing_features)


def read_arff(
    arff: str | PathLike[str],
    labels: str | list[str],
    *,
    test: str | PathLike[str] | None = None,
    missing_features: str = "error",
    encoding: str = "utf-8",
    name: str | None = None,
) -> Dataset:
    """Read an ARFF file whose labels the caller names, see :func:`mlj.data.columns.choose_columns`.

    The other arguments are those of :func:`read_mulan_arff`.
    """
    check_option(missing_features)

    def part(path: str | PathLike[str]) -> Dataset:
        table = read_arff_table(path, encoding)
        with in_file(path):
            columns = choose_columns(table.names, labels)
        return encode(table, columns, missing_features=missing_features, name=name or bare_name(arff))

    dataset = part(arff)
    if test is not None:
        with in_file(test):
            dataset = concatenate(dataset, part(test))
    with in_file(arff):
        return settle(dataset, missing_features)


def _label_columns(table: ArffTable, labels: dict[str, int], xml: Path) -> list[int]:
    place = {name: column for column, name in enumerate(table.names)}
    for label, line in labels.items():
        if label not in place:
            file = plain_name(table.file)
            raise DataError(f"label {label!r} is no attribute of {file}: {nearest(label, place)}", xml, line)
    return [place[label] for label in labels]


def read_label_names(xml_path: str | PathLike[str]) -> dict[str, int]:
    """Return the names in a Mulan XML file, nested ones too, in its order, with the line of each.

    Raises:
        DataError: With file and line, if it is no such file, names none, or names one twice.
    """
    content = read_bytes(xml_path)
    names: dict[str, int] = {}
    parser = xml.parsers.expat.ParserCreate()

    def start(tag: str, attributes: dict[str, str]) -> None:
        line = parser.CurrentLineNumber
        tag = tag.rpartition(":")[2]
        if tag not in ("labels", "label"):
            raise DataError(
                f"unexpected element <{tag}>: expected <labels> with <label name=...>", xml_path, line
            )
        if tag == "label":
            if "name" not in attributes:
                raise DataError("a <label> without a name", xml_path, line)
            if attributes["name"] in names:
                raise DataError(f"label {attributes['name']!r} is named twice", xml_path, line)
            names[attributes["name"]] = line

    def declares(*_: object) -> None:
        raise DataError("a document type declaration is not allowed here", xml_path, parser.CurrentLineNumber)

    parser.StartElementHandler = start
    parser.StartDoctypeDeclHandler = declares
    try:
        parser.Parse(content, True)
    except xml.parsers.expat.ExpatError as error:
        reason = xml.parsers.expat.ErrorString(error.code)
        raise DataError(f"is not well-formed XML: {reason}", xml_path, error.lineno) from error
    except (LookupError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"is in an encoding that XML cannot be read in: {error}", xml_path, 1) from error
    if not names:
        raise DataError("the file names no label", xml_path)
    return names


def labels_beside(arff: str | PathLike[str]) -> Path:
    """Return the XML file that belongs to an ARFF file: the same name, or that without its last words.

    For ``NAME-train-sparse.arff.gz`` these are ``NAME-train-sparse.xml``, ``NAME-train.xml`` and
    ``NAME.xml``; the words are train, test, sparse and dense, after ``-``, ``_`` or ``.``. The first that
    exists is taken.

    Raises:
        DataError: If none of them exists.
    """
    tried = _xml_candidates(arff)
    for candidate in tried:
        if candidate.is_file():
            return candidate
    names = ", ".join(path.name for path in tried)
    raise DataError(f"no XML file with the names of the labels beside it (looked for {names})", arff)


def _xml_candidates(arff: str | PathLike[str]) -> list[Path]:
    return [Path(arff).with_name(stem + ".xml") for stem in stems(arff)]
