"""One door for every format: the reader is chosen by the content and the name of the file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path
from types import MappingProxyType

from mlj.data.arff import read_relation
from mlj.data.arrays import read_npz
from mlj.data.dataset import Dataset
from mlj.data.digits import digits
from mlj.data.errors import DataError
from mlj.data.hmc import read_hmc_arff, says_hierarchy
from mlj.data.index_text import read_libsvm, read_xc, xc_header
from mlj.data.meka import read_meka_arff, says_labels
from mlj.data.mulan import labels_beside, read_arff, read_mulan_arff
from mlj.data.nearest import nearest
from mlj.data.openml import openml
from mlj.data.streams import plain_name, read_start
from mlj.data.table import read_csv
from mlj.data.yeast import yeast

BUILT_IN: MappingProxyType[str, Callable[..., Dataset]] = MappingProxyType({"digits": digits, "yeast": yeast})
"""Data sets that need no file."""

FORMATS = ("arff", "csv", "hmc", "libsvm", "npz", "xc")
"""The formats that :func:`load` can be told to read."""

_BY_SUFFIX = {".arff": "arff", ".csv": "csv", ".tsv": "csv", ".tab": "csv", ".npz": "npz"}


def load(
    path: str | PathLike[str],
    *,
    test: str | PathLike[str] | None = None,
    labels: str | PathLike[str] | Sequence[str] | None = None,
    format: str | None = None,
    **options: object,
) -> Dataset:
    """Read a data set from a file of any known format, or make a built-in one.

    A file that would become out of all proportion in memory, such as a decompression bomb, is refused; the
    environment variable ``MLJ_MAX_BYTES`` allows it, see :mod:`mlj.data.streams`.

    ======================  ==================================================================================
    ``yeast``, ``digits``   the built-in data, unless a file has that name; ``openml:NAME`` is fetched
    ``.arff``               Mulan if ``labels`` is an XML file or one lies beside (:func:`labels_beside`);
                            HMC if an attribute is hierarchical; MEKA if the relation has ``-C``; else
                            ``labels`` names the label columns
    ``.csv``, ``.tsv``      :func:`read_csv`; ``labels`` names the label columns
    ``.npz``                :func:`read_npz`
    anything else           XC if the first line is three integers; LIBSVM if the first row has
    ``index:value``,
                            and then ``label_base`` and ``feature_base`` are required
    ======================  ==================================================================================

    Args:
        path: The file, plain or compressed, or a built-in name.
        test: A file with the test rows of the official split.
        labels: For ARFF an XML file; for CSV and ARFF the label columns: ``'a,b'``, ``'first:12'``,
            ``'last:12'``, a pattern such as ``'Class*'``, or a sequence of names.
        format: One of ``arff``, ``csv``, ``hmc``, ``libsvm``, ``npz`` and ``xc``, to overrule the name of the
            file.
        **options: Passed on to the reader.

    Raises:
        DataError: If the file is not what its format says, or its format cannot be told.
        ValueError: If an option is not one of the reader's.

    >>> load("yeast")
    Dataset('yeast': 2417 samples, 103 features, 14 labels)
    """
    name = str(path)
    if not Path(path).is_file():
        if name in BUILT_IN or name.startswith("openml:"):
            return _built_in(name, test, labels, options)
        if not Path(name).suffix and "/" not in name:
            raise DataError(f"no such file, nor a built-in data set: {nearest(name, BUILT_IN)}", path)
    kind = _format(path) if format is None else format
    if kind not in FORMATS:
        raise ValueError(f"unknown format {kind!r}: known are {', '.join(FORMATS)}")
    options |= {} if test is None else {"test": test}
    if kind == "arff":
        return _arff(path, labels, options)
    if kind == "csv":
        if labels is None:
            raise DataError(
                "which columns are labels? Give labels='a,b', 'first:12', 'last:12' or 'Class*'", path
            )
        return _call(read_csv, path, labels, **options)
    if labels is not None:
        raise DataError(
            f"a file of the format {kind} says itself what its labels are: leave labels out", path
        )
    if kind == "libsvm" and not {"label_base", "feature_base"} <= options.keys():
        raise DataError(
            "LIBSVM text does not say whether its indices begin at 0 or 1: state label_base and feature_base",
            path,
        )
    if kind == "hmc":
        return _hmc(path, options)
    return _call({"npz": read_npz, "xc": read_xc, "libsvm": read_libsvm}[kind], path, **options)


def _built_in(name: str, test, labels, options: dict[str, object]) -> Dataset:
    if test is not None or labels is not None:
        raise DataError(
            "a built-in data set has its own labels and test part: leave labels and test out", name
        )
    if name.startswith("openml:"):
        return _call(openml, name.removeprefix("openml:"), **options)
    return _call(BUILT_IN[name], **options)


def _call(reader: Callable[..., Dataset], *arguments: object, **options: object) -> Dataset:
    code = reader.__code__
    known = code.co_varnames[len(arguments) : code.co_argcount + code.co_kwonlyargcount]
    for option in options:
        if option not in known:
            raise ValueError(f"{reader.__name__} has no option {option!r}: {nearest(option, known)}")
    return reader(*arguments, **options)


def _format(path: str | PathLike[str]) -> str:
    suffix = Path(plain_name(path)).suffix.lower()
    if suffix in _BY_SUFFIX:
        return _BY_SUFFIX[suffix]
    content = read_start(path, 1 << 20)
    if content.startswith(b"PK"):
        return "npz"
    lines = content.splitlines()
    first = next((line.strip() for line in lines if line.strip()), b"")
    if first.startswith(b"%") or first.lower().startswith(b"@relation"):
        return "arff"
    if xc_header(lines[0]):
        return "xc"
    if any(word.partition(b":")[0].isdigit() and b":" in word for word in first.split()[:2]):
        return "libsvm"
    raise DataError(
        f"the format cannot be told from the name or the first line; state format={'|'.join(FORMATS)}", path
    )


def _hmc(path: str | PathLike[str], options: dict[str, object]) -> Dataset:
    """Return the data set, which carries its hierarchy."""
    return _call(read_hmc_arff, path, **options).dataset


def _arff(path: str | PathLike[str], labels, options: dict[str, object]) -> Dataset:
    if labels is not None:
        if isinstance(labels, (str, PathLike)) and str(labels).lower().endswith(".xml"):
            return _call(read_mulan_arff, path, labels, **options)
        return _call(read_arff, path, labels, **options)
    try:
        xml = labels_beside(path)
    except DataError as error:
        if says_hierarchy(path):
            return _hmc(path, options)
        if says_labels(read_relation(path, str(options.get("encoding", "utf-8")))):
            return _call(read_meka_arff, path, **options)
        raise DataError(
            f"{error.reason}; no attribute is hierarchical, nor does its relation hold MEKA's -C; "
            "give labels=FILE.xml, or name the label columns",
            path,
        ) from None
    return _call(read_mulan_arff, path, xml, **options)
