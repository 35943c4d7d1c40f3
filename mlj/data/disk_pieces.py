"""Writing the folder of a data set on disk, one piece of rows after the other."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import scipy.sparse as sp

from mlj.data.array_file import ArrayWriter
from mlj.data.dataset import Dataset
from mlj.data.errors import DataError, in_file
from mlj.data.in_place import new_folder
from mlj.data.missing import has_missing
from mlj.data.numbered import numbered_names

FORMAT = "mlj-data-1"
"""What ``data.json`` calls its format."""

_BLOCK = 4096


def write_pieces(source: Iterable[Dataset], folder: Path, *, name: str | None, replace: bool) -> None:
    """Write the pieces to a folder, see :func:`mlj.data.write_disk`, whose arguments these are."""
    with new_folder(folder, replace=replace) as beside, in_file(folder):
        pieces = iter(source)
        first = next(pieces, None)
        if first is None:
            raise DataError("there are no rows to write")
        writer = _Writer(beside, first)
        try:
            writer.append(first)
            for piece in pieces:
                writer.append(piece)
            writer.finish(first.name if name is None else name)
        finally:
            writer.abandon()


class _Writer:
    """Files that grow, and what all pieces must share."""

    def __init__(self, folder: Path, first: Dataset):
        self.folder, self.first = folder, first
        self.is_sparse = sp.issparse(first.features)
        self.arrays: dict[str, ArrayWriter] = {}
        self.rows = 0
        self.ends = {"label": 0, "feature": 0}
        for kind in ("label", "feature") if self.is_sparse else ("label",):
            self._array(f"{kind}_indptr", "<i8").append(np.zeros(1, np.int64))
            self._array(f"{kind}_indices", "<i4")
        if self.is_sparse:
            self._array("feature_values", "<f4")
        else:
            self._array("features", "<f4", first.num_features)
        if first.split is not None:
            self._array("split", "|i1")

    def _array(self, name: str, dtype: str, width: int | None = None) -> ArrayWriter:
        self.arrays[name] = ArrayWriter(self.folder / f"{name}.npy", dtype, width)
        return self.arrays[name]

    def append(self, piece: Dataset) -> None:
        """Append rows, or raise a :class:`DataError` that says what does not fit."""
        self._check(piece)
        self._append_csr("label", piece.label_matrix)
        if self.is_sparse:
            self._append_csr("feature", piece.features)
            self.arrays["feature_values"].append(piece.features.data)
        else:
            self.arrays["features"].append(piece.features)
        if piece.split is not None:
            self.arrays["split"].append(piece.split)
        self._append_where(piece)
        self.rows += piece.num_samples

    def _check(self, piece: Dataset) -> None:
        place = f"the piece from row {self.rows} on"
        for kind in ("feature_names", "label_names"):
            if getattr(piece, kind) != getattr(self.first, kind):
                raise DataError(f"{place} has other {kind.replace('_', ' ')} than the first piece")
        if sp.issparse(piece.features) != self.is_sparse:
            raise DataError(f"{place} is {'dense' if self.is_sparse else 'sparse'}, the first piece is not")
        if (piece.split is None) != (self.first.split is None):
            raise DataError(f"{place} and the first piece: only one has an official split")
        if not _same_hierarchy(piece, self.first):
            raise DataError(f"{place} has another hierarchy of labels than the first piece")
        if has_missing(piece):
            raise DataError(f"{place} has missing features (NaN): fill them with fill_missing")

    def _append_csr(self, kind: str, matrix: sp.csr_array) -> None:
        self.arrays[f"{kind}_indptr"].append(matrix.indptr[1:].astype(np.int64) + self.ends[kind])
        self.arrays[f"{kind}_indices"].append(matrix.indices)
        self.ends[kind] += matrix.nnz

    def _append_where(self, piece: Dataset) -> None:
        labels = self.first.num_labels
        if piece.where is None and "where" not in self.arrays:
            return
        if "where" not in self.arrays:
            where = self._array("where", "|u1", -(-labels // 8))
            for start in range(0, self.rows, _BLOCK):
                where.append(_all_observed(min(_BLOCK, self.rows - start), labels))
        rows = piece.num_samples
        packed = _all_observed(rows, labels) if piece.where is None else np.packbits(piece.where, axis=1)
        self.arrays["where"].append(packed)

    def finish(self, name: str) -> None:
        """Close the files and write down what they are."""
        if not self.rows:
            raise DataError("there are no rows to write")
        for array in self.arrays.values():
            array.close()
        for kind, names in (("feature", self.first.feature_names), ("label", self.first.label_names)):
            plain = names == numbered_names(kind, len(names))
            text = json.dumps(None if plain else names)
            (self.folder / f"{kind}_names.json").write_text(text, encoding="utf-8")
        if self.first.hierarchy is not None:
            above_below = np.argwhere(self.first.hierarchy.descendants).tolist()
            (self.folder / "hierarchy.json").write_text(json.dumps(above_below), encoding="utf-8")
        facts = {
            "format": FORMAT,
            "name": name,
            "num_samples": self.rows,
            "num_features": self.first.num_features,
            "num_labels": self.first.num_labels,
            "sparse": self.is_sparse,
            "files": {path.name: _facts(path) for path in sorted(self.folder.iterdir())},
        }
        (self.folder / "data.json").write_text(json.dumps(facts, indent=1), encoding="utf-8")

    def abandon(self) -> None:
        """Close the files, finished or not."""
        for array in self.arrays.values():
            array.abandon()


def _same_hierarchy(piece: Dataset, first: Dataset) -> bool:
    if piece.hierarchy is None or first.hierarchy is None:
        return piece.hierarchy is first.hierarchy
    return np.array_equal(piece.hierarchy.descendants, first.hierarchy.descendants)


def _all_observed(rows: int, labels: int) -> np.ndarray:
    return np.packbits(np.ones((rows, labels), bool), axis=1)


def _facts(path: Path) -> dict[str, object]:
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return {"size": path.stat().st_size, "sha256": digest}
