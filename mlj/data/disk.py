"""A data set that stays on disk, for data that does not fit into memory.

It is a folder: ``data.json`` with the sizes and the sha256 of every other file, ``features.npy`` (dense) or
``feature_indptr.npy``, ``feature_indices.npy`` and ``feature_values.npy`` (CSR), the labels in
``label_indptr.npy`` and ``label_indices.npy``, the names in ``feature_names.json`` and ``label_names.json``,
and if there are any, ``where.npy`` (the bits of each row, the first label highest), ``split.npy`` and
``hierarchy.json`` (pairs: the number of a label, and that of one below it). Names that only count the columns
are written as ``null``.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from os import PathLike
from pathlib import Path

import numpy as np
import scipy.sparse as sp

from mlj.data.array_file import ArrayFile
from mlj.data.dataset import PARTS, Dataset
from mlj.data.disk_pieces import FORMAT, write_pieces
from mlj.data.errors import DataError, in_file
from mlj.data.hierarchy import Hierarchy
from mlj.data.numbered import numbered_names

_BLOCK = 1 << 16
_SIZES = ("num_samples", "num_features", "num_labels")


def is_disk(path: str | PathLike[str]) -> bool:
    """Return whether ``path`` is a folder that holds a data set as :func:`write_disk` writes it."""
    return (Path(path) / "data.json").is_file()


def write_disk(
    source: Dataset | DiskDataset | Iterable[Dataset],
    folder: str | PathLike[str],
    *,
    name: str | None = None,
    replace: bool = False,
) -> DiskDataset:
    """Write a data set to a folder, piece by piece, and return it.

    Only one piece is in memory at a time. The folder is put in place as a whole when everything is on the
    disk; after an error nothing is left behind.

    Args:
        source: A data set, or its rows in pieces: data sets with the same names, all dense or all sparse, all
            or none with an official split.
        folder: Where to. A folder that is there already must be empty.
        name: What to call the data set; as its first piece if None.
        replace: Whether a data set that is there already is replaced.

    Raises:
        DataError: If there are no rows, pieces do not fit together, a feature is missing (NaN), or something
            else stands at ``folder``.

    >>> import tempfile
    >>> pieces = (Dataset(np.full((2, 3), at), np.eye(2)) for at in range(5))
    >>> write_disk(pieces, Path(tempfile.mkdtemp()) / "big")
    DiskDataset('data': 10 samples, 3 features, 2 labels)
    """
    folder = Path(folder)
    if replace and folder.is_dir() and any(folder.iterdir()) and not is_disk(folder):
        raise DataError("holds something else than a data set; it is not replaced", folder)
    if isinstance(source, Dataset):
        source = [source]
    elif isinstance(source, DiskDataset):
        source = source.iter_rows()
    write_pieces(source, folder, name=name, replace=replace)
    return DiskDataset(folder)


class DiskDataset:
    """Samples with features and labels in a folder; rows are read when they are asked for.

    What it shares with :class:`mlj.data.Dataset` has the same name. Opening it reads the names, the split and
    the headers of the arrays; :meth:`verify` reads everything.

    Args:
        folder: What :func:`write_disk` wrote.

    Raises:
        DataError: If a file is absent, or is not of the size and type that ``data.json`` says.

    >>> import tempfile
    >>> data = Dataset(np.arange(6.0).reshape(3, 2), np.array([[1, 0], [0, 0], [1, 1]]), name="small")
    >>> disk = write_disk(data, Path(tempfile.mkdtemp()) / "small")
    >>> disk
    DiskDataset('small': 3 samples, 2 features, 2 labels)
    >>> disk.rows(np.array([2, 0])).features.tolist()
    [[4.0, 5.0], [0.0, 1.0]]
    >>> [piece.num_samples for piece in disk.iter_rows(2)]
    [2, 1]
    >>> disk.verify()
    """

    def __init__(self, folder: str | PathLike[str]):
        self.folder = Path(folder)
        facts = self._facts = _read_facts(self.folder / "data.json")
        self.name: str = facts["name"]
        self.num_samples, self.num_features, self.num_labels = (facts[size] for size in _SIZES)
        self.is_sparse: bool = facts["sparse"]
        self.feature_names = self._names("feature", self.num_features)
        self.label_names = self._names("label", self.num_labels)
        self.hierarchy = self._read_hierarchy() if "hierarchy.json" in facts["files"] else None
        rows, packed = self.num_samples, -(-self.num_labels // 8)
        if self.is_sparse:
            self._features = self._csr("feature_indptr", "feature_indices", "feature_values")
        else:
            self._features = (self._array("features", "<f4", (rows, self.num_features)),)
        self._labels = self._csr("label_indptr", "label_indices")
        self._where = self._array("where", "|u1", (rows, packed)) if "where.npy" in facts["files"] else None
        self.split = self._read_split() if "split.npy" in facts["files"] else None

    def __repr__(self) -> str:
        return (
            f"DiskDataset({self.name!r}: {self.num_samples} samples, {self.num_features} features, "
            f"{self.num_labels} labels)"
        )

    def __len__(self) -> int:
        return self.num_samples

    @property
    def has_missing_labels(self) -> bool:
        """Whether some label of some row was not observed."""
        return self._where is not None

    @property
    def label_matrix(self) -> sp.csr_array:
        """All labels ``[N, L]``, read into memory: four bytes for each that is present."""
        return self._gather(self._labels, np.arange(self.num_samples), self.num_labels, np.uint8)

    @property
    def sha256(self) -> str:
        """Fingerprint of the files, made from the sha256 of each that ``data.json`` holds; not of the name.

        It is not the fingerprint that the same rows have as a :class:`mlj.data.Dataset`.
        """
        files = self._facts["files"]
        known = "".join(f"{file} {files[file]['sha256']}\n" for file in sorted(files))
        return hashlib.sha256(known.encode()).hexdigest()

    @functools.cached_property
    def longest_row(self) -> int:
        """The most entries of a row: those of sparse features, or the number of features."""
        if not self.is_sparse:
            return self.num_features
        indptr, longest = self._features[0], 0
        for start in range(0, self.num_samples, _BLOCK):
            bounds = indptr.read(start, min(start + _BLOCK, self.num_samples) + 1)
            longest = max(longest, int(np.diff(bounds).max(initial=0)))
        return longest

    def rows(self, index: np.ndarray | slice) -> Dataset:
        """Return the samples that ``index`` names (integers, a bool mask or a slice), in that order.

        The disk is read in the order of the rows, neighbours at once.

        Raises:
            DataError: If the files hold what no data set holds, such as a value that is not finite.
        """
        index = self._as_index(index)
        rising = bool((np.diff(index) > 0).all())
        wanted, place = (index, None) if rising else np.unique(index, return_inverse=True)
        where = self._read_where(wanted)
        with in_file(self.folder):
            found = Dataset(
                self._read_features(wanted),
                self._gather(self._labels, wanted, self.num_labels, np.uint8),
                where=where,
                feature_names=self.feature_names,
                label_names=self.label_names,
                split=None if self.split is None else self.split[wanted],
                name=self.name,
            )
        # As with rows of a data set in memory, the mask stays where these rows need none. That labels are
        # closed upwards was seen to when they were written.
        found = found._with(where=where, hierarchy=self.hierarchy)
        return found if place is None else found.rows(place)

    def iter_rows(self, batch: int = 4096) -> Iterator[Dataset]:
        """Yield all samples in their order, ``batch`` at a time, the last time those that are left."""
        if batch < 1:
            raise ValueError(f"batch must be at least 1, got {batch}")
        for start in range(0, self.num_samples, batch):
            yield self.rows(slice(start, start + batch))

    def part_index(self, part: str) -> np.ndarray:
        """Return which rows are the ``'train'``, ``'validation'`` or ``'test'`` part of the official split.

        Raises:
            DataError: If there is no official split, or no row in that part of it.
        """
        if part not in PARTS:
            raise DataError(f"unknown part {part!r}; known: {', '.join(PARTS)}")
        if self.split is None:
            raise DataError(f"{self.name} has no official split; write it with one", self.folder)
        index = np.flatnonzero(self.split == PARTS[part])
        if not len(index):
            raise DataError(f"the split of {self.name} has no {part} rows", self.folder)
        return index

    def verify(self) -> None:
        """Read every file and compare its sha256 with the one in ``data.json``.

        Raises:
            DataError: That names the first file which differs.
        """
        for name, facts in self._facts["files"].items():
            with (self.folder / name).open("rb") as stream:
                found = hashlib.file_digest(stream, "sha256").hexdigest()
            if found != facts["sha256"]:
                reason = f"its sha256 is {found}, data.json says {facts['sha256']}: the file is damaged"
                raise DataError(reason, self.folder / name)

    def to_dataset(self) -> Dataset:
        """Return the data set with all its rows in memory."""
        return self.rows(slice(None))

    def _as_index(self, index: np.ndarray | slice) -> np.ndarray:
        if isinstance(index, slice):
            return np.arange(self.num_samples)[index]
        index = np.asarray(index)
        if index.dtype == np.bool_:
            if index.shape != (self.num_samples,):
                raise ValueError(f"a mask of rows must be [{self.num_samples}], got {list(index.shape)}")
            return np.flatnonzero(index)
        if index.ndim != 1 or (index.size and index.dtype.kind not in "iu"):
            raise TypeError(f"index must be integers [n], a mask or a slice, got {index.dtype} {index.shape}")
        index = index.astype(np.int64)
        index = np.where(index < 0, index + self.num_samples, index)
        if ((index < 0) | (index >= self.num_samples)).any():
            raise IndexError(f"a row outside 0 to {self.num_samples - 1} is asked for")
        return index

    def _read_features(self, wanted: np.ndarray) -> np.ndarray | sp.csr_array:
        if self.is_sparse:
            return self._gather(self._features, wanted, self.num_features, np.float32)
        features = self._features[0].take(wanted)
        features.flags.writeable = False  # so that the data set takes it without a copy
        return features

    def _read_where(self, wanted: np.ndarray) -> np.ndarray | None:
        if self._where is None:
            return None
        return np.unpackbits(self._where.take(wanted), axis=1, count=self.num_labels).astype(bool)

    def _gather(self, arrays: tuple[ArrayFile, ...], wanted: np.ndarray, width: int, dtype) -> sp.csr_array:
        indptr, indices, *values = arrays
        starts, ends = _pairs(indptr, wanted)
        rising = (starts <= ends).all() and (ends[:-1] <= starts[1:]).all()
        if not rising or (starts < 0).any() or (ends > len(indices)).any():
            raise DataError("does not rise from row to row: the file is damaged", indptr.path)
        columns = indices.take_stretches(starts, ends)
        if ((columns < 0) | (columns >= width)).any():
            raise DataError(f"holds an index outside 0 to {width - 1}: the file is damaged", indices.path)
        data = values[0].take_stretches(starts, ends) if values else np.ones(len(columns), dtype)
        bounds = np.concatenate([[0], np.cumsum(ends - starts)])
        return sp.csr_array((data, columns, bounds), shape=(len(wanted), width))

    def _csr(self, *names: str) -> tuple[ArrayFile, ...]:
        indptr = self._array(names[0], "<i8", (self.num_samples + 1,))
        types = ("<i4", "<f4")
        arrays = [self._array(name, dtype, (None,)) for name, dtype in zip(names[1:], types)]
        (first,), (last,) = indptr.read(0, 1), indptr.read(self.num_samples, self.num_samples + 1)
        for array in arrays:
            if (first, last) != (0, len(array)):
                reason = f"goes from {first} to {last}, {array.path.name} holds {len(array)} values"
                raise DataError(reason, indptr.path)
        return indptr, *arrays

    def _array(self, name: str, dtype: str, shape: tuple[int | None, ...]) -> ArrayFile:
        array = ArrayFile(self._known(f"{name}.npy"))
        wanted = tuple(size if want is None else want for size, want in zip(array.shape, shape))
        if (
            array.dtype != np.dtype(dtype)
            or array.shape != wanted
            or len(wanted) != len(shape)
            or array.fortran
        ):
            reason = (
                f"holds {array.dtype} {list(array.shape)}, data.json says {np.dtype(dtype)} {list(shape)}"
            )
            raise DataError(reason, array.path)
        return array

    def _known(self, name: str) -> Path:
        path, facts = self.folder / name, self._facts["files"].get(name)
        if facts is None:
            raise DataError(f"names no file {name!r}", self.folder / "data.json")
        try:
            size = path.stat().st_size
        except OSError as error:
            raise DataError(f"cannot be opened: {error.strerror or error}", path) from error
        if size != facts["size"]:
            raise DataError(f"holds {size} bytes, data.json says {facts['size']}: the file is damaged", path)
        return path

    def _names(self, kind: str, count: int) -> Sequence[str]:
        path = self._known(f"{kind}_names.json")
        names = _read_json(path)
        if names is None:
            return numbered_names(kind, count)
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise DataError("is not a list of names", path)
        if len(names) != count or len(set(names)) != count:
            raise DataError(f"holds {len(names)} names, {count} different ones are wanted", path)
        return tuple(names)

    def _read_hierarchy(self) -> Hierarchy:
        path, names = self._known("hierarchy.json"), self.label_names
        pairs = _read_json(path)
        if not isinstance(pairs, list) or not all(
            isinstance(pair, list)
            and len(pair) == 2
            and all(type(label) is int and 0 <= label < len(names) for label in pair)
            for pair in pairs
        ):
            raise DataError(f"is not a list of pairs of labels, 0 to {len(names) - 1}", path)
        with in_file(path):
            return Hierarchy.from_edges(names, ((names[above], names[below]) for above, below in pairs))

    def _read_split(self) -> np.ndarray:
        array = self._array("split", "|i1", (self.num_samples,))
        split = array.read(0, self.num_samples)
        if not np.isin(split, (-1, *PARTS.values())).all():
            raise DataError(
                "holds 0 (train), 1 (validation), 2 (test) and -1 (unused), nothing else", array.path
            )
        split.flags.writeable = False
        return split


def _pairs(indptr: ArrayFile, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where each wanted row begins and where it ends."""
    both = np.union1d(wanted, wanted + 1)
    bounds, at = indptr.take(both), np.searchsorted(both, wanted)
    return bounds[at], bounds[at + 1] if len(at) else bounds


def _read_json(path: Path) -> object:
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        raise DataError(f"cannot be opened: {error.strerror or error}", path) from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"is not JSON: {str(error)[:200]}", path) from error


def _read_facts(path: Path) -> dict[str, object]:
    facts = _read_json(path)
    if not isinstance(facts, dict) or facts.get("format") != FORMAT:
        found = facts.get("format") if isinstance(facts, dict) else type(facts).__name__
        raise DataError(f"the format is {str(found)[:40]!r}, wanted is {FORMAT!r}", path)
    for size in _SIZES:
        if type(facts.get(size)) is not int or facts[size] < 0:
            raise DataError(f"{size} is {facts.get(size)!r}, a number of rows or columns is wanted", path)
    files = facts.get("files")
    if type(facts.get("sparse")) is not bool or not isinstance(facts.get("name"), str):
        raise DataError("needs sparse (true or false) and a name", path)
    if not isinstance(files, dict) or not all(
        isinstance(file, dict) and type(file.get("size")) is int and isinstance(file.get("sha256"), str)
        for file in files.values()
    ):
        raise DataError("needs files, each with size and sha256", path)
    # Only names that this format has are ever opened: a name cannot lead out of the folder.
    for name in files:
        if Path(name).name != name:
            raise DataError(f"names a file {name!r} outside the folder", path)
    return facts
