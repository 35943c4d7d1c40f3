"""CSV and TSV: named columns, some of which are labels."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike

from mlj.data.cells import MISSING, Dialect, read_table
from mlj.data.combine import concatenate
from mlj.data.dataset import Dataset
from mlj.data.errors import in_file
from mlj.data.missing import check_option, settle
from mlj.data.naming import bare_name
from mlj.data.table_columns import column_roles, labels_found, numeric_features, observed_labels, with_text


def read_csv(
    path: str | PathLike[str],
    labels: str | Sequence[str],
    *,
    separator: str | None = None,
    label_names: Sequence[str] | None = None,
    test: str | PathLike[str] | None = None,
    ignore: str | Sequence[str] = (),
    text: str | Sequence[str] = (),
    missing: Sequence[str] = MISSING,
    missing_features: str = "error",
    delimiter: str | None = None,
    quote: str | None = '"',
    header: bool = True,
    encoding: str = "utf-8",
    name: str | None = None,
) -> Dataset:
    """Read a table of numbers whose label columns the caller names.

    Every column that is neither a label, nor ignored, nor text is a feature and must hold numbers.

    Args:
        path: The file, plain or compressed.
        labels: The label columns, which hold 0 and 1 (or ``false`` and ``true``): names, ``'first:12'``,
            ``'last:12'`` or a pattern such as ``'Class*'``, see :func:`mlj.data.columns.choose_columns`.
        separator: If given, ``labels`` is ONE column of present labels with this between them, as in
            ``sea;sky``. An empty cell is then an empty labelset.
        label_names: With ``separator``, the labels that there are; those found, sorted, if None.
        test: A file with the test rows of the official split; its columns are matched by name.
        ignore: Columns to leave out, named as ``labels`` are.
        text: Columns of text, each of which becomes hashed character n-grams
            (:func:`mlj.data.text.hashed_ngrams`).
        missing: The cells that mean a missing value. A missing label is an unobserved label.
        missing_features: What a missing feature becomes, see :func:`mlj.data.read_mulan_arff`.
        delimiter: What stands between cells; by the suffix if None: a comma for ``.csv``, a tab for ``.tsv``.
        quote: The quote character, None for none.
        header: Whether the first line holds the names; if not, they are ``column_0`` and so on.
        encoding: How the text is encoded.
        name: What to call the data set; the name of the file if None.

    Raises:
        DataError: With file and line, for a ragged row, a column that is absent or named twice, or a cell
            that is neither a number nor missing.
    """
    check_option(missing_features)
    name = bare_name(path) if name is None else name
    paths = [path] if test is None else [path, test]
    tables = [read_table(file, Dialect(delimiter, quote, header, encoding)) for file in paths]
    chosen = [column_roles(table, labels, ignore, text) for table in tables]
    if separator is not None and label_names is None:
        label_names = labels_found(tables, chosen, separator, missing)
    parts = []
    for table, roles in zip(tables, chosen):
        observed = observed_labels(table, roles["labels"], separator, label_names, missing)
        features, names = numeric_features(table, roles["features"], missing, missing_features == "error")
        features, names = with_text(features, names, table, roles["text"])
        with in_file(table.file):
            parts.append(Dataset(features, feature_names=names, name=name, allow_missing=True, **observed))
    with in_file(paths[-1]):
        return settle(parts[0] if test is None else concatenate(*parts), missing_features)
