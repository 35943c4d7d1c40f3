"""The data set that a command works on, and how to read it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from mlj.cli.reading import TextFormat
from mlj.data import (
    Dataset,
    TextDataset,
    load,
    read_csv_texts,
    read_fasttext,
    read_goemotions,
    read_pieces,
    read_reuters,
)

FeatureFormat = Literal["arff", "csv", "hmc", "libsvm", "npz", "xc"]
_TEXTS = {
    "csv-text": (read_csv_texts, ("test", "labels", "separator", "delimiter", "ignore", "text")),
    "fasttext": (read_fasttext, ("test",)),
    "goemotions": (read_goemotions, ()),
    "reuters": (read_reuters, ()),
}
"""Formats of texts: the reader, and its options."""


@dataclass(frozen=True)
class Source:
    """A data set and the options of its reader."""

    data: Positional[str]
    """A file (ARFF, CSV, TSV, NPZ, XC or LIBSVM text, plain or compressed), or yeast, digits, openml:NAME;
    with --format fasttext or csv-text a file of texts, with goemotions or reuters the folder of that data."""
    validation: Annotated[
        str | None, arg(aliases=("--valid",), help="HMC: file with the official validation rows.")
    ] = None
    test: str | None = None
    """File with the test rows, if they are in a file of their own."""
    labels: str | None = None
    """Label columns: a,b,c or first:12 or last:12 or 'Class*'; for Mulan ARFF the XML file."""
    format: FeatureFormat | TextFormat | None = None
    """The format, where the file's name does not tell it."""
    split: str | None = None
    """NPZ: which array of the file says what is train (0), validation (1) and test (2)."""
    rows: str | None = None
    """NPZ: which boolean array of the file says what rows to use."""
    separator: str | None = None
    """CSV: what separates the labels inside the one label column."""
    delimiter: str | None = None
    """CSV: what separates the columns."""
    ignore: str | None = None
    """CSV: columns to leave out."""
    text: str | None = None
    """CSV: columns of text, read as hashed character n-grams; with --format csv-text the texts themselves."""
    missing_features: Annotated[
        Literal["error", "mean", "zero"],
        arg(help="What stands in for a missing feature value; mean: of the rows trained on."),
    ] = "error"
    label_base: int | None = None
    """LIBSVM: the number of the first label, 0 or 1."""
    feature_base: int | None = None
    """LIBSVM: the number of the first feature, 0 or 1."""

    def read(self) -> Dataset | TextDataset:
        """Read the data set, or the texts that are not features yet.

        Raises:
            DataError: If the file is wrong, with its name and line.
            ValueError: If an option does not belong to the format.
        """
        if self.format not in _TEXTS:
            return self.load()
        options = {name: value for name, value in self._given().items() if name != "format"}
        read, able = _TEXTS[self.format]
        for name in options:
            if name not in able:
                raise ValueError(f"the format {self.format} has no option {name!r}")
        if self.format == "csv-text":
            for name, what in (("text", "columns of texts"), ("labels", "label columns")):
                if name not in options:
                    raise ValueError(f"the format csv-text wants --{name}, the names of the {what}")
        return read(self.data, **options)

    def load(self) -> Dataset:
        """Read the data set.

        Raises:
            DataError: If the file is wrong, with its name and line.
            ValueError: If an option does not belong to the format, or the format is one of texts.
        """
        self._check_features()
        return load(self.data, **self._given())

    def pieces(self) -> Iterator[Dataset]:
        """Yield the data set some rows at a time, as :func:`mlj.data.read_pieces` does.

        Raises:
            DataError: If the file is wrong, with its name and line.
            ValueError: If an option does not belong to the format, or the format is one of texts.
        """
        self._check_features()
        return read_pieces(self.data, **self._given())

    def _check_features(self) -> None:
        if self.format in _TEXTS:
            raise ValueError(
                f"the format {self.format} holds texts, and features are wanted: mlj compare and mlj train "
                "read texts"
            )

    def _given(self) -> dict[str, object]:
        given = {
            field.name: value
            for field in fields(self)
            if field.name not in ("data", "missing_features")
            and (value := getattr(self, field.name)) is not None
        }
        if self.missing_features != "error":
            # The mean must be of training rows, which are chosen later: NaN stays until then.
            given["missing_features"] = "keep" if self.missing_features == "mean" else self.missing_features
        return given
