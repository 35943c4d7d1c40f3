"""CSV and TSV whose rows are texts, with their labels beside them."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike

import numpy as np
import scipy.sparse as sp

from mlj.data.cells import MISSING, Dialect, Table, read_table
from mlj.data.errors import DataError
from mlj.data.labels import label_matrix
from mlj.data.naming import bare_name
from mlj.data.table_columns import column_roles, labels_found, observed_labels
from mlj.data.text_dataset import TextDataset


def read_csv_texts(
    path: str | PathLike[str],
    text: str | Sequence[str],
    labels: str | Sequence[str],
    *,
    separator: str | None = None,
    label_names: Sequence[str] | None = None,
    test: str | PathLike[str] | None = None,
    ignore: str | Sequence[str] = (),
    missing: Sequence[str] = MISSING,
    delimiter: str | None = None,
    quote: str | None = '"',
    header: bool = True,
    encoding: str = "utf-8",
    name: str | None = None,
) -> TextDataset:
    """Read a table of texts whose label columns the caller names.

    Args:
        path: The file, plain or compressed.
        text: The columns of text; several are joined by line breaks, in the order of the table.
        labels: The label columns, as :func:`mlj.data.read_csv` takes them.
        separator: If given, ``labels`` is ONE column of present labels with this between them.
        label_names: With ``separator``, the labels that there are; those found, sorted, if None.
        test: A file with the test rows of the official split; its columns are matched by name.
        ignore: Columns to leave out; every column is text, a label, or left out.
        missing: The cells that mean a missing label, which is refused here. A text may be any of them.
        delimiter: What stands between cells; by the suffix if None: a comma for ``.csv``, a tab for ``.tsv``.
        quote: The quote character, None for none.
        header: Whether the first line holds the names; if not, they are ``column_0`` and so on.
        encoding: How the text is encoded.
        name: What to call the data set; the name of the file if None.

    Raises:
        DataError: With file and line, for a ragged row, a column that is absent, named twice or has no role,
            or a label that is neither 0 nor 1.

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "notes.csv"
    >>> _ = path.write_text('title,body,sea,sky\\nTide,"salt, wet",1,0\\nGull,blue air,1,1\\n')
    >>> data = read_csv_texts(path, "title,body", "sea,sky")
    >>> data.texts, data.labels.tolist()
    (('Tide\\nsalt, wet', 'Gull\\nblue air'), [[1, 0], [1, 1]])
    """
    tables = [
        read_table(file, Dialect(delimiter, quote, header, encoding))
        for file in ([path] if test is None else [path, test])
    ]
    chosen = [column_roles(table, labels, ignore, text) for table in tables]
    for table, roles in zip(tables, chosen):
        _check_roles(table, roles)
    if separator is not None and label_names is None:
        label_names = labels_found(tables, chosen, separator, missing)
    found = [
        _observed(table, observed_labels(table, roles["labels"], separator, label_names, missing))
        for table, roles in zip(tables, chosen)
    ]
    names = found[0]["label_names"]
    return TextDataset(
        [text for table, roles in zip(tables, chosen) for text in joined_texts(table, roles["text"])],
        sp.vstack([_in_order(one, names, table) for one, table in zip(found, tables)], format="csr"),
        label_names=names,
        split=None if test is None else np.repeat([0, 2], [len(table.rows) for table in tables]),
        name=bare_name(path) if name is None else name,
    )


def joined_texts(table: Table, columns: Sequence[int]) -> list[str]:
    """Return the text of each row: the cells of these columns, joined by line breaks."""
    return ["\n".join(cells) for cells in zip(*(table.column(column) for column in columns))]


def _check_roles(table: Table, roles: dict[str, list[int]]) -> None:
    if not roles["text"]:
        raise DataError("no column of text is named: give text=", table.file, table.header_line)
    if roles["features"]:
        name = table.names[roles["features"][0]]
        reason = f"column {name!r} is neither text nor a label: leave it out (ignore={name!r})"
        raise DataError(reason, table.file, table.header_line)


def _observed(table: Table, found: dict) -> dict:
    """Return labels of which none is missing."""
    if found["where"] is not None and not found["where"].all():
        row, column = np.argwhere(~found["where"])[0]
        reason = f"label {found['label_names'][column]!r} is missing; labels of texts are 0 or 1"
        raise DataError(reason, table.file, table.lines[row])
    return found


def _in_order(found: dict, names: Sequence[str], table: Table) -> sp.csr_array:
    """Return the labels of a file in the order of the first file's."""
    columns = {name: at for at, name in enumerate(found["label_names"])}
    absent = next((name for name in names if name not in columns), None)
    if absent is not None or len(columns) != len(names):
        reason = f"label {absent!r} is absent" if absent else "has labels that the first file has not"
        raise DataError(reason, table.file, table.header_line)
    return label_matrix(found["labels"])[:, [columns[name] for name in names]]
