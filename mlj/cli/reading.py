"""Options of a reader that a command may overrule, where those of the training file do not hold."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

FeatureFormat = Literal["arff", "csv", "disk", "hmc", "libsvm", "npy", "npz", "xc"]
TextFormat = Literal["csv-text", "fasttext", "goemotions", "reuters"]


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How the file is read; what is left out is as it was for the training file."""

    format: FeatureFormat | TextFormat | None = None
    """The format, where the file's name does not tell it."""
    labels: str | None = None
    """Label columns, where the file has any: a,b,c or first:12 or last:12 or 'Class*'; or the XML file."""
    separator: str | None = None
    """CSV: what separates the labels inside the one label column."""
    delimiter: str | None = None
    """CSV: what separates the columns."""
    ignore: str | None = None
    """CSV: columns to leave out."""
    text: str | None = None
    """CSV: columns of text, as hashed character n-grams or for a model that reads texts."""
    missing_features: Literal["error", "mean", "zero"] | None = None
    """What stands in for a missing feature value; mean: of the rows trained on."""
    label_base: int | None = None
    """LIBSVM: the number of the first label, 0 or 1."""
    feature_base: int | None = None
    """LIBSVM: the number of the first feature, 0 or 1."""

    def given(self) -> dict[str, Any]:
        """Return the options that were not left out."""
        return {name: value for name, value in asdict(self).items() if value is not None}
