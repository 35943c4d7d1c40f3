"""A finished run as one program for CPU, CUDA and TPU, from raw features to decided labels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from mlj.comparison.saved import SavedModel, load_chosen
from mlj.comparison.texts import TokenReader
from mlj.data.scaling import Scaling
from mlj.decision import apply, platt_probs
from mlj.exported.names import FACTS, FORMAT, PROGRAM, README, check_flatbuffers
from mlj.models import SparseRows
from mlj.runs.config import versions
from mlj.storage import pack_json, read_folder, write_folder
from mlj.types import Array

PLATFORMS = ("cpu", "cuda", "tpu")
MOST_BAKED = 64 * 2**20
"""Bytes of parameters up to which they are constants of the program; beyond, they are its first argument,
since compiling a program with large constants takes long and holds them several times."""
MOST_ROWS = {False: 1024, True: 256}
"""Rows that the loader asks about at a time: whole batches, or row by row, which holds all rows at once where
an approach would take them in turns."""
KINDS = {"dense": ("features",), "sparse": ("indices", "values"), "tokens": ("tokens",)}
"""The inputs of each kind of model."""


class Program(NamedTuple):
    """A model as ``jax.export`` gives it."""

    exported: Any
    """``jax.export.Exported``."""
    by_rows: bool
    """Whether samples are mapped over one by one, since the model cannot take a batch of unknown size."""
    width: int | None
    """Entries of a row of tokens, where their number is fixed."""
    refused: dict[str, str]
    """Platforms that it could not be lowered for, each with the reason."""


def export_run(run: Path, out: Path | None = None) -> Path:
    """Write the model of a run as a folder that is used without the code it was built from.

    ``model.jaxexport`` is the program, from raw features to scores, probabilities and predictions: scaling,
    network and decision, with a batch of any size. ``export.json`` says what it takes and gives. Beside it
    lie the run's ``params.safetensors`` and ``model.json``, and a ``README.txt`` with the use of it all.
    :func:`mlj.exported.load_exported` loads the folder.

    Args:
        run: The folder of a run, or of a comparison, with a folder ``model`` in it.
        out: The folder to write, replaced as a whole if an older export is there; ``run / "exported"`` if
            None.

    Returns:
        The folder.

    Raises:
        Damaged: If a file of the model is not what its manifest says.
        ValueError: If there is no such model, or the package flatbuffers is missing.
    """
    check_flatbuffers()
    folder = run / "exported" if out is None else out
    files, model = read_folder(run / "model"), load_chosen(run / "model")
    leaves, _ = _named_leaves(model)
    baked = sum(np.asarray(leaf).nbytes for leaf in leaves.values()) <= MOST_BAKED
    program = export_model(model, baked=baked)
    facts = _facts(model, program, None if baked else list(leaves))
    folder.parent.mkdir(parents=True, exist_ok=True)
    written = {
        PROGRAM: bytes(program.exported.serialize()),
        FACTS: pack_json(facts),
        README: _readme(facts).encode(),
    }
    write_folder(folder, files | written)
    return folder


def export_model(model: SavedModel, *, baked: bool = True) -> Program:
    """Return the program of a model for every platform that it can be lowered for.

    Args:
        model: A saved model.
        baked: Whether parameters are constants; otherwise the first argument, by the names that they have in
            ``params.safetensors``.

    Raises:
        NotImplementedError: If it cannot be lowered for any platform.
    """
    try:
        return _export(model, baked, PLATFORMS)
    except NotImplementedError:
        refused, able = {}, []
        for platform in PLATFORMS:
            try:
                _export(model, baked, (platform,))
                able.append(platform)
            except NotImplementedError as error:
                refused[platform] = str(error).splitlines()[0]
        if not able:
            raise
        return _export(model, baked, tuple(able))._replace(refused=refused)


def _export(model: SavedModel, baked: bool, platforms: Sequence[str]) -> Program:
    """Export batches whole if their size may stay unknown, else row by row, else at a fixed width too."""
    from jax import export

    leaves, rebuild = _named_leaves(model)
    shapes = {name: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype) for name, leaf in leaves.items()}
    widths, reader, failed = [None], model.reader, None
    if isinstance(reader, TokenReader):
        widths.append(_power_of_two(reader.length * (2 if reader.buckets else 1)))
    for width, by_rows in product(widths, (False, True)):

        def function(arrays: dict[str, Array], *inputs: Array, by_rows: bool = by_rows) -> tuple[Array, ...]:
            return _judge(model, by_rows, rebuild(arrays), *inputs)

        given = [*([] if baked else [shapes]), *_inputs(model, width)]
        whole = jax.jit(partial(function, leaves) if baked else function)
        try:
            exported = export.export(whole, platforms=platforms)(*given)
        except jax.errors.InconclusiveDimensionOperation as error:
            failed = error
            continue
        return Program(exported, by_rows, width, {})
    raise NotImplementedError(f"no program for batches of any size: {failed}")


def _named_leaves(model: SavedModel) -> tuple[dict[str, Array], Callable[[dict[str, Array]], dict[str, Any]]]:
    """Return the arrays of a model by their names in ``params.safetensors``, and the way back."""
    trees = {"params": model.params, "options": model.options}
    paths, structure = jax.tree_util.tree_flatten_with_path(trees)
    leaves = {".".join(str(step.key) for step in path): jnp.asarray(leaf) for path, leaf in paths}
    names = list(leaves)
    return leaves, lambda arrays: jax.tree.unflatten(structure, [arrays[name] for name in names])


def _kind(model: SavedModel) -> str:
    if isinstance(model.reader, TokenReader):
        return "tokens"
    return "dense" if model.scaling.row_length is None else "sparse"


def _num_features(model: SavedModel) -> int:
    return len(model.info["feature_names"])


def _inputs(model: SavedModel, width: int | None) -> list[jax.ShapeDtypeStruct]:
    from jax import export

    batch, entries = export.symbolic_shape("b, w")
    match _kind(model):
        case "dense":
            return [jax.ShapeDtypeStruct((batch, _num_features(model)), jnp.float32)]
        case "sparse":
            return [jax.ShapeDtypeStruct((batch, entries), dtype) for dtype in (jnp.int32, jnp.float32)]
    return [jax.ShapeDtypeStruct((batch, width or entries), jnp.int32)]


def _judge(model: SavedModel, by_rows: bool, trees: dict[str, Any], *inputs: Array) -> tuple[Array, ...]:
    """Judge raw inputs: scores, probabilities and, if the model decides, predictions."""
    approach, decoder = model.approach, model.info["decoder"]
    features = _scaled(model, inputs)

    def asked(function: Callable[..., Any]) -> Any:
        def whole(rows: Any) -> Any:
            return function(trees["params"], rows, trees["options"])

        return _by_rows(whole, features) if by_rows else whole(features)

    scores, log_count = asked(lambda *given: approach.scores(approach.predict(*given)))
    probs = platt_probs(model.platt, scores)
    if decoder is not None:
        return scores, probs, asked(approach.decoders[decoder].decide)
    if model.rule is None:
        return scores, probs

    def decide(rows: tuple[Array, Array, Array | None]) -> Array:
        return apply(model.rule, rows[0], probs=rows[1], log_count=rows[2])

    # By rows: some rules take large batches in turns, whose number must be known.
    return scores, probs, _by_rows(decide, (scores, probs, log_count))


def _by_rows(function: Callable[[Any], Any], rows: Any) -> Any:
    """Apply a function of batches to each sample."""

    def of_one(row: Any) -> Any:
        return jax.tree.map(lambda leaf: leaf[0], function(jax.tree.map(lambda leaf: leaf[None], row)))

    return jax.vmap(of_one)(rows)


def _scaled(model: SavedModel, inputs: tuple[Array, ...]) -> Any:
    match _kind(model):
        case "dense":
            return scale_dense(model.scaling, *inputs)
        case "sparse":
            return scale_sparse(model.scaling.row_length, *inputs)
    return inputs[0]


def scale_dense(scaling: Scaling, features: Array) -> Array:
    """Scale float32 features ``[B, D]`` as :func:`mlj.data.scaling.apply_scaling` does in float64.

    The shift is taken off in two parts of float32, so that what is left of a large feature keeps its digits.

    >>> scaling = Scaling(np.array([1000000.3]), np.array([0.5]), None)
    >>> round(scale_dense(scaling, jnp.array([[1000000.5]])).item(), 4)
    0.4
    """
    high = scaling.shift.astype(np.float32)
    low = (scaling.shift - high).astype(np.float32)
    # The barrier keeps a compiler from adding up the two parts, which would round the second away.
    coarse = jax.lax.optimization_barrier(features - high[None])
    return (coarse - low[None]) / scaling.scale.astype(np.float32)[None]


def scale_sparse(row_length: float, indices: Array, values: Array) -> SparseRows:
    """Bring each row of ``indices`` and ``values [B, W]`` to a length; a row of zeros stays as it is.

    Rows are divided by their largest entry first, so that no square overflows or vanishes.

    >>> scale_sparse(10.0, jnp.array([[0, 2]]), jnp.array([[3e30, 4e30]])).values.round(4).tolist()
    [[6.0, 8.0]]
    """
    largest = jnp.max(jnp.abs(values), axis=-1, keepdims=True)
    unit = jnp.where(largest > 0, values / jnp.where(largest > 0, largest, 1), 0)
    length = jnp.sqrt(jnp.sum(unit**2, axis=-1, keepdims=True))
    return SparseRows(indices, unit * (row_length / jnp.where(length > 0, length, 1)))


def _facts(model: SavedModel, program: Program, arrays: list[str] | None) -> dict[str, Any]:
    """Return what ``export.json`` holds."""
    exported, kind, outputs = program.exported, _kind(model), ("scores", "probs", "predictions")
    inputs = exported.in_avals[len(exported.in_avals) - len(KINDS[kind]) :]
    return {
        "format": FORMAT,
        "kind": kind,
        "num_features": _num_features(model),
        "width": program.width,
        "inputs": [_signature(name, aval) for name, aval in zip(KINDS[kind], inputs)],
        "outputs": [_signature(name, aval) for name, aval in zip(outputs, exported.out_avals)],
        "arrays": arrays,
        "rows_at_once": MOST_ROWS[program.by_rows],
        "platforms": list(exported.platforms),
        "not_lowered": program.refused,
        "calling_convention_version": exported.calling_convention_version,
        "versions": versions(),
    }


def _signature(name: str, aval: Any) -> dict[str, Any]:
    shape = [side if isinstance(side, int) else str(side) for side in aval.shape]
    return {"name": name, "dtype": str(aval.dtype), "shape": shape}


def _readme(facts: dict[str, Any]) -> str:
    """Return ten lines on how to use the folder."""
    takes, gives = (
        ", ".join(f"{one['name']} {one['dtype']}[{', '.join(map(str, one['shape']))}]" for one in facts[side])
        for side in ("inputs", "outputs")
    )
    first = "" if facts["arrays"] is None else "arrays, "
    names = first + ", ".join(one["name"] for one in facts["inputs"])
    return "\n".join(
        [
            "A multi-label model, from raw inputs to decided labels, as one program of jax.export.",
            f"It runs on: {', '.join(facts['platforms'])}. b is any number of rows from 1.",
            f"Takes: {first}{takes}",
            f"Gives: {gives}",
            "With mlj:     from mlj.exported import load_exported",
            "              scores, probs, predictions = load_exported('FOLDER').judge(features)",
            "Without mlj:  program = jax.export.deserialize(bytearray(open('model.jaxexport', 'rb').read()))",
            f"              jax.jit(program.call)({names})",
            _LAST[facts["kind"]] + _ARGUMENTS * (facts["arrays"] is not None),
            "model.json names labels, features and rule; manifest.json has the sha256 of every file.\n",
        ]
    )


_LAST = {
    "dense": "Features are not scaled: the program does that.",
    "sparse": "Rows are padded with the column number D and the value 0; the program scales them.",
    "tokens": "Token numbers are those of vocabulary.json, rows padded with 0.",
}
_ARGUMENTS = " arrays: those of params.safetensors that export.json lists, by name."


def _power_of_two(number: int) -> int:
    return 1 << (max(number, 1) - 1).bit_length()
