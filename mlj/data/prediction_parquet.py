"""Predictions as a Parquet file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mlj.data.prediction_text import largest


class ParquetRows:
    """Rows of a Parquet file, a group of rows for each call, see :class:`mlj.data.PredictionWriter`."""

    def __init__(self, path: Path, label_names: Sequence[str], top: int | None, with_ids: bool):
        self.top, self.with_ids = top, with_ids
        self._names = pa.array([str(name) for name in label_names], pa.string())
        fields = [("row", pa.int64())]
        fields += [("id", pa.string())] if with_ids else []
        fields += [("labels", pa.list_(pa.string()))]
        fields += [("top_labels", pa.list_(pa.string()))] if top is not None else []
        fields += [("probs", pa.list_(pa.float32()))]
        facts = {"label_names": json.dumps(self._names.to_pylist())}
        self._schema = pa.schema(fields, metadata=facts)
        self._writer = pq.ParquetWriter(path, self._schema)

    def append(
        self, first_row: int, probs: np.ndarray, predictions: np.ndarray, ids: Sequence[str] | None
    ) -> None:
        """Append rows."""
        if not len(probs):
            return
        rows, columns = np.nonzero(predictions)
        counts = np.bincount(rows, minlength=len(probs))
        arrays = [pa.array(np.arange(first_row, first_row + len(probs)), pa.int64())]
        if self.with_ids:
            arrays.append(pa.array([str(name) for name in ids], pa.string()))
        arrays.append(_lists(self._names.take(pa.array(columns)), counts))
        if self.top is not None:
            best = largest(probs, self.top)
            probs = np.take_along_axis(probs, best, axis=1)
            arrays.append(_lists(self._names.take(pa.array(best.ravel())), np.full(len(best), self.top)))
        flat = pa.array(np.ascontiguousarray(probs, np.float32).ravel(), pa.float32())
        arrays.append(_lists(flat, np.full(len(probs), probs.shape[1])))
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema))

    def close(self) -> None:
        """Finish the file."""
        self._writer.close()


def _lists(values: pa.Array, counts: np.ndarray) -> pa.Array:
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), values)
