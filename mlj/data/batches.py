"""The rows of a file of any format, a few at a time, as a model wants them.

>>> import tempfile
>>> path = Path(tempfile.mkdtemp()) / "birds.csv"
>>> _ = path.write_text("wings,weight,ring\\n2,0.5,a7\\n2,5,b1\\n0,9,c3\\n")
>>> for batch in read_batches(path, rows=2, feature_names=("weight", "wings"), ids="ring"):
...     print(batch.first_row, batch.features.tolist(), batch.ids)
0 [[0.5, 2.0], [5.0, 2.0]] ['a7', 'b1']
2 [[9.0, 0.0]] ['c3']
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from os import PathLike
from pathlib import Path
from types import MappingProxyType

from mlj.data.batch import Batch as Batch, MissingFeatures, Wanted, check_missing_option
from mlj.data.batches_arff import arff_batches, is_hierarchical
from mlj.data.batches_arrays import dataset_batches, npy_batches, npz_batches
from mlj.data.batches_csv import csv_batches
from mlj.data.batches_index import libsvm_batches, xc_batches
from mlj.data.disk import DiskDataset, is_disk
from mlj.data.errors import DataError
from mlj.data.hmc import read_hmc_arff
from mlj.data.index_text import xc_header
from mlj.data.line_stream import blocks
from mlj.data.nearest import nearest
from mlj.data.numbered import NumberedNames
from mlj.data.streams import plain_name

_BY_SUFFIX = MappingProxyType(
    {".arff": "arff", ".csv": "csv", ".tsv": "csv", ".tab": "csv", ".npy": "npy", ".npz": "npz"}
)
_READERS = MappingProxyType(
    {
        "arff": arff_batches,
        "csv": csv_batches,
        "libsvm": libsvm_batches,
        "npy": npy_batches,
        "npz": npz_batches,
        "xc": xc_batches,
    }
)
BATCH_FORMATS = ("disk", "hmc", *_READERS)
"""The formats that :func:`read_batches` can be told to read."""


def read_batches(
    path: str | PathLike[str],
    *,
    rows: int = 4096,
    feature_names: Sequence[str] | None = None,
    label_names: Sequence[str] | None = None,
    with_labels: bool = True,
    missing_features: MissingFeatures = "error",
    ids: str | None = None,
    format: str | None = None,
    **options: object,
) -> Iterator[Batch]:
    """Yield the rows of a file, ``rows`` at a time, in their order; the last batch has those that are left.

    The values are those that :func:`mlj.data.load` reads from the same file. In memory are about
    ``rows x (D + L) x 8`` bytes, three times; the cells of a table as text, some 60 bytes each; and one line.
    Three things are read whole: CSR in ``.npz``, any ``.npz`` with the option ``rows_key`` (the array of the
    rows to keep, :func:`mlj.data.read_npz` calls it ``rows``), and hierarchical ARFF.

    ============  ============================================================================================
    a folder      what :func:`mlj.data.write_disk` wrote; columns are matched by name
    ``.npy``      features ``[N, D]`` in the order of the model
    ``.npz``      the arrays of :func:`mlj.data.read_npz`, labels or not; matched by name if it holds names
    ``.csv``      also ``.tsv``, matched by name, see :func:`mlj.data.batches_csv.csv_batches`
    ``.arff``     matched by name, see :func:`mlj.data.batches_arff.arff_batches`
    XC, LIBSVM    features and labels in the order of the model
    ============  ============================================================================================

    Args:
        path: The file or folder, text plain or compressed.
        rows: How many rows a batch has.
        feature_names: The features of the model, in its order; those of the file if None.
        label_names: The labels of the model, in its order. A file has all of them or none.
        with_labels: Whether labels are looked at; if not, they are ignored, and may be anything.
        missing_features: What stands in for a missing feature: ``'error'``, ``'zero'``, ``'keep'`` (NaN) or
            an array with a value per feature, such as the means of the training rows.
        ids: A column of a table with names of the rows, for :attr:`Batch.ids`; it is no feature.
        format: One of :data:`BATCH_FORMATS`, to overrule the name of the file.
        **options: Passed on to the reader of the format: those of the function that reads a whole file, but
            for ``test`` and ``name``.

    Raises:
        DataError: If the file is not what its format says; a feature of the model is absent, or a column is
            unknown, when the first batch is asked for.
        ValueError: If an option is not one of the reader's.
    """
    if rows < 1:
        raise ValueError(f"rows must be at least 1, got {rows}")
    feature_names, label_names = _names(feature_names), _names(label_names)
    check_missing_option(missing_features, None if feature_names is None else len(feature_names))
    kind = batch_format(path) if format is None else format
    if kind not in BATCH_FORMATS:
        raise ValueError(f"unknown format {kind!r}: known are {', '.join(BATCH_FORMATS)}")
    if ids is not None and kind != "csv":
        raise ValueError(f"only a table has a column of names of rows (ids), not the format {kind}")
    wanted = Wanted(rows, feature_names, label_names, with_labels, missing_features, ids)
    known = batch_options(kind)
    for option in options:
        if option not in known:
            hint = nearest(option, known) if known else "it has none"
            raise ValueError(f"the format {kind} has no option {option!r}: {hint}")
    if kind == "disk":
        return dataset_batches(DiskDataset(path), wanted, path)
    if kind == "hmc":
        return dataset_batches(read_hmc_arff(path, missing_features="keep", **options).dataset, wanted, path)
    if kind == "libsvm" and not {"label_base", "feature_base"} <= options.keys():
        raise DataError("state label_base and feature_base: LIBSVM text does not say where it begins", path)
    return _READERS[kind](path, wanted, **options)


def batch_options(format: str) -> tuple[str, ...]:
    """Return the options that :func:`read_batches` takes for a format, besides its own.

    >>> batch_options("arff"), batch_options("npy")
    (('labels', 'encoding'), ())
    """
    if format == "disk":
        return ()
    if format == "hmc":
        return ("structure", "encoding")
    names = inspect.signature(_READERS[format]).parameters
    return tuple(name for name in names if name not in ("path", "wanted"))


def _names(names: Sequence[str] | None) -> Sequence[str] | None:
    return names if names is None or isinstance(names, NumberedNames) else tuple(names)


def batch_format(path: str | PathLike[str]) -> str:
    """Return the format of a file, by its name, or else by its first lines.

    Raises:
        DataError: If neither tells.
    """
    if is_disk(path):
        return "disk"
    suffix = Path(plain_name(path)).suffix.lower()
    if suffix == ".arff":
        return "hmc" if is_hierarchical(path) else "arff"
    if suffix in _BY_SUFFIX:
        return _BY_SUFFIX[suffix]
    if Path(path).is_dir():
        raise DataError("is a folder without a data set: there is no data.json in it", path)
    start = next(blocks(path))
    if start.startswith(b"PK"):
        return "npz"
    if start.startswith(b"\x93NUMPY"):
        return "npy"
    lines = [line for line in start.splitlines() if line.strip()] or [b""]
    first = lines[0].strip()
    if first.startswith(b"%") or first.lower().startswith(b"@relation"):
        return "arff"
    if xc_header(start.splitlines()[0]):
        return "xc"
    if any(word.partition(b":")[0].isdigit() and b":" in word for word in first.split()[:2]):
        return "libsvm"
    raise DataError(
        f"the format cannot be told from the name or the first line; state format={'|'.join(_READERS)}", path
    )
