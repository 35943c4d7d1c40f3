"""The data set that a command works on, and how to read it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from mlj.data import Dataset, load


@dataclass(frozen=True)
class Source:
    """A data set and the options of its reader."""

    data: Positional[str]
    """A file (ARFF, CSV, TSV, NPZ, XC or LIBSVM text, plain or compressed), or yeast, digits, openml:NAME."""
    test: str | None = None
    """File with the test rows, if they are in a file of their own."""
    labels: str | None = None
    """Label columns: a,b,c or first:12 or last:12 or 'Class*'; for Mulan ARFF the XML file."""
    format: Literal["arff", "csv", "libsvm", "npz", "xc"] | None = None
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
    """CSV: columns of text, read as hashed character n-grams."""
    missing_features: Annotated[
        Literal["error", "mean", "zero"],
        arg(help="What stands in for a missing feature value; mean: of the rows trained on."),
    ] = "error"
    label_base: int | None = None
    """LIBSVM: the number of the first label, 0 or 1."""
    feature_base: int | None = None
    """LIBSVM: the number of the first feature, 0 or 1."""

    def load(self) -> Dataset:
        """Read the data set.

        Raises:
            DataError: If the file is wrong, with its name and line.
            ValueError: If an option does not belong to the format.
        """
        given = {
            field.name: value
            for field in fields(self)
            if field.name not in ("data", "missing_features")
            and (value := getattr(self, field.name)) is not None
        }
        if self.missing_features != "error":
            # The mean must be of training rows, which are chosen later: NaN stays until then.
            given["missing_features"] = "keep" if self.missing_features == "mean" else self.missing_features
        return load(self.data, **given)
