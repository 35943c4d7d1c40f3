"""Loading an exported model and asking it about rows of any number."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse as sp

from mlj.exported.names import ARRAYS, FACTS, FORMAT, MODEL, PROGRAM, check_flatbuffers
from mlj.storage import read_folder, unpack_arrays, unpack_json

CALLS = frozenset({"shape_assertion", "stablehlo.dynamic_top_k", "cu_threefry2x32_ffi"})
"""What a program may call beside XLA's own operations: a check of shapes, a sort, random numbers on CUDA."""


class Judged(NamedTuple):
    """What a model says of rows."""

    scores: np.ndarray
    """``[N, L]``, float32, the larger the surer."""
    probs: np.ndarray
    """``[N, L]``, float32."""
    predictions: np.ndarray | None
    """Bool ``[N, L]``, or None where the model holds no decision."""


@dataclass(frozen=True)
class Exported:
    """An exported model."""

    facts: Mapping[str, Any]
    """``export.json``: what the program takes and gives, and what it was made with."""
    info: Mapping[str, Any]
    """``model.json``: what the saved model said of itself."""
    program: Callable[..., tuple[jax.Array, ...]]
    """The program on padded arrays, jitted: it compiles once for every shape that it meets."""

    @property
    def label_names(self) -> list[str]:
        """Names of the labels, in the order of the outputs."""
        return self.info["label_names"]

    @property
    def platforms(self) -> tuple[str, ...]:
        """Where the program runs: of cpu, cuda, tpu."""
        return tuple(self.facts["platforms"])

    def judge(self, features: np.ndarray | sp.sparray) -> Judged:
        """Return scores, probabilities and decided labels, each ``[N, L]``, of raw features.

        Rows are taken in blocks and filled up to a power of two, so that any number of rows shares few
        compiled programs.

        Args:
            features: ``[N, D]``, taken as float32, as a data set is: dense or sparse, whichever the model was
                trained on. For a model of texts that reads tokens, their numbers ``[N, T]``, 0 for padding.

        Raises:
            TypeError: If the features are of the other kind, or no numbers.
            ValueError: If they have another shape.
        """
        rows = _as_rows(features, self.facts)
        number, most = rows.shape[0], self.facts["rows_at_once"]
        found = []
        for start in range(0, max(number, 1), most):
            block = rows[start : start + most]
            inputs = _FILLED[self.facts["kind"]](block, _power_of_two(block.shape[0]), self.facts)
            outputs = self.program(*inputs)
            found.append([np.asarray(output)[: block.shape[0]] for output in outputs])
        joined = [np.concatenate(blocks) for blocks in zip(*found)]
        return Judged(*joined, *[None] * (3 - len(joined)))


def load_exported(folder: str | PathLike[str]) -> Exported:
    """Load what ``mlj export`` wrote.

    Args:
        folder: The folder, whose files are all checked before any is used.

    Raises:
        Damaged: If a file is missing, or is not what the manifest says.
        ValueError: If it is no exported model, or one that this JAX cannot read, its program calls out of
            XLA, or the package flatbuffers is missing.
    """
    folder = Path(folder)
    files = read_folder(folder)
    check_flatbuffers()
    try:
        facts, info = (unpack_json(files[name]) for name in (FACTS, MODEL))
        program = files[PROGRAM]
    except KeyError as error:
        raise ValueError(f"{folder}: not an exported model: {error} is missing") from None
    except ValueError as error:
        raise ValueError(f"{folder}: not an exported model: {error}") from error
    if not isinstance(facts, dict) or not isinstance(info, dict) or facts.get("format") != FORMAT:
        raise ValueError(f"{folder / FACTS}: wanted format {FORMAT!r}")
    call = jax.jit(_program(folder / PROGRAM, program, facts))
    if facts["arrays"] is None:
        return Exported(facts, info, call)
    stored = unpack_arrays(files[ARRAYS])
    arrays = {name: jnp.asarray(stored[name]) for name in facts["arrays"]}
    return Exported(facts, info, lambda *inputs: call(arrays, *inputs))


def _program(path: Path, content: bytes, facts: Mapping[str, Any]) -> Callable[..., Any]:
    from jax import export

    try:
        exported = export.deserialize(bytearray(content))
        calls = set(re.findall(r"custom_call\s*@\"?([\w.$]+)", exported.mlir_module()))
    except Exception as error:  # What a foreign file raises is not documented.
        raise ValueError(
            f"{path}: JAX {jax.__version__} cannot read this program, which JAX {facts['versions']['jax']} "
            f"wrote: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
        ) from error
    if foreign := sorted(calls - CALLS):
        raise ValueError(f"{path}: the program calls {', '.join(foreign)}, which no exported model does")
    return exported.call


def _as_rows(features: Any, facts: Mapping[str, Any]) -> Any:
    """Return features as the kind of rows that the model takes, checked."""
    kind, wanted = facts["kind"], facts["num_features"]
    if sp.issparse(features) != (kind == "sparse"):
        came = "sparse" if sp.issparse(features) else "dense"
        raise TypeError(f"the model takes {_TAKES[kind]}, got a {came} array")
    rows = features if sp.issparse(features) else np.asarray(features)
    if rows.dtype.kind not in ("iu" if kind == "tokens" else "biuf"):
        raise TypeError(f"the model takes {_TAKES[kind]}, got dtype {rows.dtype}")
    if rows.ndim != 2 or (kind != "tokens" and rows.shape[1] != wanted):
        raise ValueError(f"the model takes {_TAKES[kind]} with D = {wanted}, got shape {list(rows.shape)}")
    if kind == "tokens":
        return rows.astype(np.int32)
    if kind == "dense":
        return rows.astype(np.float32)
    rows = sp.csr_array(rows, dtype=np.float32, copy=True)
    rows.sum_duplicates()
    return rows


_TAKES = {
    "dense": "a dense array of features [N, D]",
    "sparse": "a SciPy sparse array of features [N, D]",
    "tokens": "an integer array of token numbers [N, T]",
}


def _dense(block: np.ndarray, rows: int, facts: Mapping[str, Any]) -> tuple[np.ndarray]:
    return (np.pad(block, ((0, rows - block.shape[0]), (0, 0))),)


def _tokens(block: np.ndarray, rows: int, facts: Mapping[str, Any]) -> tuple[np.ndarray]:
    width = facts["width"] or _power_of_two(block.shape[1])
    if block.shape[1] > width:
        raise ValueError(f"the model takes at most {width} token numbers a row, got {block.shape[1]}")
    return (np.pad(block, ((0, rows - block.shape[0]), (0, width - block.shape[1]))),)


def _sparse(block: sp.csr_array, rows: int, facts: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Return column numbers and values, each row padded with the column D and the value 0."""
    lengths = np.diff(block.indptr)
    width = min(_power_of_two(int(lengths.max(initial=1))), max(block.shape[1], 1))
    indices = np.full((rows, width), block.shape[1], np.int32)
    values = np.zeros((rows, width), np.float32)
    places = np.repeat(np.arange(block.shape[0]), lengths)
    within = np.arange(block.nnz) - np.repeat(block.indptr[:-1], lengths)
    indices[places, within] = block.indices
    values[places, within] = block.data
    return indices, values


_FILLED = {"dense": _dense, "sparse": _sparse, "tokens": _tokens}


def _power_of_two(number: int) -> int:
    return 1 << (max(number, 1) - 1).bit_length()
