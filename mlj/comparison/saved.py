"""The chosen model on disk: parameters, what they mean, and the decision that belongs to them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse as sp

from mlj.approaches import Approach, get_approach
from mlj.comparison.parts import pad_rows
from mlj.comparison.run import Outcome
from mlj.comparison.tasks import make_task, model_options, sizes_of
from mlj.comparison.texts import READER_FILES, Reader, TokenReader, reader_from
from mlj.data.scaling import Scaling, apply_scaling, fit_scaling
from mlj.decision import PlattScaling, Rule, apply, from_json, platt_probs, to_json
from mlj.storage import read_folder, write_folder

FORMAT = "mlj-model-3"


BLOCK = 1024
"""Rows that are judged at a time."""


Inputs = np.ndarray | sp.csr_array | Sequence[str]
"""What a model is asked about: raw features, or texts for a model that reads them."""


class Judged(NamedTuple):
    """What a model says of rows."""

    scores: np.ndarray
    """``[N, L]``, the larger the surer."""
    probs: np.ndarray
    """``[N, L]``, from the logistic curve that was fitted on validation rows."""
    predictions: np.ndarray | None
    """Bool ``[N, L]``, or None where the model holds no decision."""


class SavedModel(NamedTuple):
    """A trained model with all that is needed to decide on new rows."""

    info: dict[str, Any]
    approach: Approach
    params: Any
    options: dict[str, Any]
    scaling: Scaling
    rule: Rule | None
    platt: PlattScaling
    reader: Reader | None = None
    """How it reads texts; None for a model of features."""

    @property
    def label_names(self) -> list[str]:
        """Names of the labels, in the order of the outputs."""
        return self.info["label_names"]

    @property
    def decides(self) -> bool:
        """Whether a decision was saved."""
        return self.rule is not None or self.info["decoder"] is not None

    def predict(self, features: Inputs) -> np.ndarray:
        """Return the decided labels ``[N, L]``, bool, of raw features ``[N, D]``, or of N texts.

        Raises:
            TypeError: If the model reads texts and these are none.
            ValueError: If the features have another width or kind, or no decision was saved.
        """
        if not self.decides:
            raise ValueError(
                f"the model was chosen for {self.info['metric']}, which needs no decision: none was saved"
            )
        return self.judge(features).predictions

    def probs(self, features: Inputs) -> np.ndarray:
        """Return the probabilities ``[N, L]`` that the logistic curve gives to features or texts."""
        return self.judge(features).probs

    def judge(self, features: Inputs) -> Judged:
        """Return scores, probabilities and decided labels, each ``[N, L]``, of features or of N texts.

        Rows are taken in blocks, so that beside features and result the memory is that of a block.

        Raises:
            TypeError: If the model reads texts and these are none.
            ValueError: If the features have another width or kind.
        """
        _check_kind(features, self.reader)
        found, number = [], features.shape[0] if self.reader is None else len(features)
        for start in range(0, max(number, 1), BLOCK):
            block = features[start : start + BLOCK]
            rows = min(number - start, BLOCK)
            judged = self._judge(self._scaled(block, min(BLOCK, _power_of_two(rows))))
            found.append(jax.tree.map(lambda leaf, rows=rows: np.asarray(leaf)[:rows], judged))
        return jax.tree.map(lambda *leaves: np.concatenate(leaves), *found)

    def _judge(self, features: Any) -> Judged:
        decoder = self.info["decoder"]
        return judge(
            self.approach.predict,
            self.approach.scores,
            None if decoder is None else self.approach.decoders[decoder].decide,
            self.params,
            self.options,
            self.rule,
            self.platt,
            features,
        )

    def _scaled(self, features: Inputs, rows: int):
        """Return features or texts as the model takes them, filled up to ``rows`` rows.

        Rows and entries are rounded up, so that blocks of many sizes share few compiled programs.
        """
        if self.reader is not None:
            features = self.reader.read(features)
        if isinstance(self.reader, TokenReader):
            count, width = features.shape
            return np.pad(features, ((0, rows - count), (0, _power_of_two(width) - width)))
        wanted, more = len(self.info["feature_names"]), rows - features.shape[0]
        if features.shape[1] != wanted:
            raise ValueError(f"the model takes {wanted} features, got {features.shape[1]}")
        scaled = apply_scaling(self.scaling, features)
        if not sp.issparse(scaled):
            return np.pad(scaled, ((0, more), (0, 0)))
        ends = np.pad(scaled.indptr, (0, more), mode="edge")
        longest = int(np.diff(scaled.indptr).max(initial=1))
        filled = sp.csr_array((scaled.data, scaled.indices, ends), (rows, wanted))
        return pad_rows(filled, min(_power_of_two(longest), wanted))


def _check_kind(features: Inputs, reader: Reader | None) -> None:
    is_list = isinstance(features, list | tuple)
    if reader is not None and not (is_list and all(isinstance(text, str) for text in features)):
        raise TypeError(f"the model reads texts: wanted a list of strings, got {type(features).__name__}")
    if reader is None and is_list:
        raise TypeError(f"the model takes features [N, D]: wanted an array, got {type(features).__name__}")


def _power_of_two(number: int) -> int:
    return 1 << (max(number, 1) - 1).bit_length()


@partial(jax.jit, static_argnums=(0, 1, 2))
def judge(
    predict: Callable[..., Any],
    scores_of: Callable[..., Any],
    decide: Callable[..., Any] | None,
    params: Any,
    options: dict[str, Any],
    rule: Rule | None,
    platt: PlattScaling,
    features: Any,
) -> Judged:
    """Judge scaled features by the functions of an approach, and a decoder or a rule; pure."""
    scores, log_count = scores_of(predict(params, features, options))
    probs = platt_probs(platt, scores)
    if decide is not None:
        return Judged(scores, probs, decide(params, features, options))
    if rule is None:
        return Judged(scores, probs, None)
    return Judged(scores, probs, apply(rule, scores, probs=probs, log_count=log_count))


def save_chosen(outcome: Outcome, results: dict[str, Any], folder: Path) -> None:
    """Save the first seed's model of the contender chosen for the leading metric, with its decision.

    ``params.safetensors`` holds the arrays, ``model.json`` all else. The folder is replaced as a whole.
    """
    metric = results["protocol"]["metric"]
    chosen = results["chosen"][metric]
    entry, evidence = outcome.entries[chosen["contender"]], outcome.found[chosen["contender"]]
    pool, rule, texts = outcome.parts.pool, chosen["rule"], outcome.parts.texts
    reader = None if texts is None else texts.reader(entry.config.model)
    of_features = not isinstance(reader, TokenReader)
    scaling = fit_scaling(pool.features) if of_features else Scaling(None, None, None)
    fitted = None if rule is None else evidence.rules[rule].rule

    def first(stacked: Any) -> Any:
        return jax.tree.map(lambda leaf: leaf[0], stacked)

    model = SavedModel(
        {
            "format": FORMAT,
            "contender": entry.contender,
            "metric": metric,
            "model": entry.config.model,
            "model_options": model_options(entry.config, sparse=sp.issparse(pool.features)),
            "sizes": sizes_of(outcome.parts),
            "label_names": list(pool.label_names),
            "feature_names": list(pool.feature_names) if of_features else [],
            "rule_name": rule,
            "decoder": rule if rule is not None and fitted is None else None,
            "data": results["data"]["pool"]["sha256"],
            "versions": results["versions"],
        },
        entry.approach,
        *first((evidence.trained.params, evidence.trained.options)),
        scaling,
        None if fitted is None else first(fitted),
        PlattScaling(*first(tuple(evidence.platt))),
        reader,
    )
    write_model(model, folder)


def write_model(model: SavedModel, folder: Path) -> None:
    """Write a model to a folder, which is replaced as a whole; :func:`load_chosen` reads it again."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    write_folder(folder, model_files(model))


def model_files(model: SavedModel) -> dict[str, bytes]:
    """Return the files of a model by name: arrays as safetensors, all else as JSON."""
    from safetensors.numpy import save

    info = model.info | {
        "texts": None if model.reader is None else model.reader.facts(),
        "row_length": model.scaling.row_length,
        "rule": None if model.rule is None else to_json(model.rule),
        "platt": {name: float(value) for name, value in model.platt._asdict().items()},
    }
    arrays = _arrays({"params": model.params, "options": model.options}, model.scaling)
    files = {
        "model.json": json.dumps(info, allow_nan=False).encode(),
        "params.safetensors": save(dict(sorted(arrays.items()))),
    }
    if model.reader is not None:
        files[model.reader.file] = model.reader.to_json().encode()
    return files


def _arrays(trees: dict[str, Any], scaling: Scaling) -> dict[str, np.ndarray]:
    """Return parameters, options and the scaling by dotted names."""
    arrays = {
        ".".join(str(step.key) for step in path): np.asarray(leaf, order="C")
        for path, leaf in jax.tree_util.tree_leaves_with_path(trees)
    }
    for name in ("shift", "scale"):
        if getattr(scaling, name) is not None:
            arrays[f"scaling.{name}"] = getattr(scaling, name)
    return arrays


def load_chosen(folder: Path) -> SavedModel:
    """Load what :func:`save_chosen` wrote.

    Raises:
        ValueError: If the folder does not hold a model in this format, or holds another's vocabulary.
        OSError: If a file is missing.
    """
    return model_from(read_folder(folder), folder)


def model_from(files: Mapping[str, bytes], folder: Path) -> SavedModel:
    """Return the model whose files :func:`model_files` made.

    Args:
        files: Contents by name.
        folder: Where they come from, for errors.

    Raises:
        ValueError: If they are not the files of a model in this format, or hold another's vocabulary.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        info = json.loads(files["model.json"].decode())
        arrays = load(files["params.safetensors"])
    except (KeyError, UnicodeDecodeError, json.JSONDecodeError, SafetensorError) as error:
        raise ValueError(f"{folder}: not a saved model: {error}") from error
    if not isinstance(info, dict) or info.get("format") != FORMAT:
        raise ValueError(f"{folder / 'model.json'}: wanted format {FORMAT!r}")
    trees: dict[str, dict[Any, Any]] = {"params": {}, "options": {}}
    for name, value in arrays.items():
        kind, *path = name.split(".")
        if kind not in trees:
            continue
        place = trees[kind]
        for step in path[:-1]:
            place = place.setdefault(_key(step), {})
        place[_key(path[-1])] = jnp.asarray(value)
    scaling = Scaling(arrays.get("scaling.shift"), arrays.get("scaling.scale"), info["row_length"])
    rule = None if info["rule"] is None else from_json(info["rule"])
    platt = PlattScaling(**{name: jnp.asarray(value) for name, value in info["platt"].items()})
    reader = _reader(folder, info.get("texts"), files)
    size = len(info["feature_names"]) if reader is None else reader.size
    task = make_task(info["model"], info["model_options"], size, info["sizes"])
    approach = get_approach(info["contender"]).make(task)
    return SavedModel(info, approach, trees["params"], trees["options"], scaling, rule, platt, reader)


def _reader(folder: Path, facts: dict[str, Any] | None, files: Mapping[str, bytes]) -> Reader | None:
    if facts is None:
        return None
    name = READER_FILES[facts["reads"]]
    if name not in files:
        raise ValueError(f"{folder}: not a saved model: {name} is missing, by which it reads texts")
    return reader_from(facts, files[name].decode())


def _key(step: str) -> str | int:
    return int(step) if step.isdigit() else step
