"""The chosen model on disk: parameters, what they mean, and the decision that belongs to them."""

from __future__ import annotations

import json
import os
import shutil
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
from mlj.data.scaling import Scaling, apply_scaling, fit_scaling
from mlj.decision import PlattScaling, Rule, apply, from_json, platt_probs, to_json

FORMAT = "mlj-model-2"


class SavedModel(NamedTuple):
    """A trained model with all that is needed to decide on new rows."""

    info: dict[str, Any]
    approach: Approach
    params: Any
    options: dict[str, Any]
    scaling: Scaling
    rule: Rule | None
    platt: PlattScaling

    @property
    def label_names(self) -> list[str]:
        """Names of the labels, in the order of the outputs."""
        return self.info["label_names"]

    def predict(self, features: np.ndarray | sp.csr_array) -> np.ndarray:
        """Return the decided labels ``[N, L]``, bool, of raw features ``[N, D]``.

        Raises:
            ValueError: If the features have another width or kind, or no decision was saved.
        """
        approach, features = self.approach, self._scaled(features)
        if self.info["decoder"] is not None:
            decide = approach.decoders[self.info["decoder"]].decide
            return np.asarray(jax.jit(decide)(self.params, features, self.options))
        if self.rule is None:
            raise ValueError(
                f"the model was chosen for {self.info['metric']}, which needs no decision: none was saved"
            )
        scores, log_count = approach.scores(approach.predict(self.params, features, self.options))
        return np.asarray(
            apply(self.rule, scores, probs=platt_probs(self.platt, scores), log_count=log_count)
        )

    def probs(self, features: np.ndarray | sp.csr_array) -> np.ndarray:
        """Return the probabilities ``[N, L]`` that the logistic curve gives the scores of raw features."""
        outputs = self.approach.predict(self.params, self._scaled(features), self.options)
        return np.asarray(platt_probs(self.platt, self.approach.scores(outputs)[0]))

    def _scaled(self, features: np.ndarray | sp.csr_array):
        wanted = len(self.info["feature_names"])
        if features.shape[1] != wanted:
            raise ValueError(f"the model takes {wanted} features, got {features.shape[1]}")
        scaled = apply_scaling(self.scaling, features)
        if sp.issparse(scaled):
            scaled = pad_rows(scaled, int(np.diff(scaled.indptr).max(initial=1)))
        return scaled


def save_chosen(outcome: Outcome, results: dict[str, Any], folder: Path) -> None:
    """Save the first seed's model of the contender chosen for the leading metric, with its decision.

    ``params.safetensors`` holds the arrays, ``model.json`` all else. The folder is replaced as a whole.
    """
    from safetensors.numpy import save_file

    metric = results["protocol"]["metric"]
    chosen = results["chosen"][metric]
    evidence = outcome.found[chosen["contender"]]
    pool, rule = outcome.parts.pool, chosen["rule"]
    scaling = fit_scaling(pool.features)
    fitted = None if rule is None else evidence.rules[rule].rule
    info = {
        "format": FORMAT,
        "contender": chosen["contender"],
        "metric": metric,
        "model": outcome.config.model,
        "model_options": model_options(outcome.config, sparse=sp.issparse(pool.features)),
        "sizes": sizes_of(outcome.parts),
        "label_names": list(pool.label_names),
        "feature_names": list(pool.feature_names),
        "row_length": scaling.row_length,
        "rule": None if fitted is None else to_json(jax.tree.map(lambda leaf: leaf[0], fitted)),
        "decoder": rule if rule is not None and fitted is None else None,
        "platt": {name: float(value[0]) for name, value in evidence.platt._asdict().items()},
        "data": results["data"]["pool"]["sha256"],
        "versions": results["versions"],
    }
    arrays = _arrays({"params": evidence.trained.params, "options": evidence.trained.options}, scaling)
    folder.parent.mkdir(parents=True, exist_ok=True)
    new = folder.with_name(f".{folder.name}.{os.getpid()}")
    try:
        new.mkdir()
        save_file(arrays, new / "params.safetensors")
        (new / "model.json").write_text(json.dumps(info, allow_nan=False), encoding="utf-8")
        if folder.exists():
            shutil.rmtree(folder)
        os.replace(new, folder)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _arrays(stacked: dict[str, Any], scaling: Scaling) -> dict[str, np.ndarray]:
    """Return the first seed's parameters and options, and the scaling, by dotted names."""
    arrays = {
        ".".join(str(step.key) for step in path): np.ascontiguousarray(leaf[0])
        for path, leaf in jax.tree_util.tree_leaves_with_path(stacked)
    }
    for name in ("shift", "scale"):
        if getattr(scaling, name) is not None:
            arrays[f"scaling.{name}"] = getattr(scaling, name)
    return arrays


def load_chosen(folder: Path) -> SavedModel:
    """Load what :func:`save_chosen` wrote.

    Raises:
        ValueError: If the folder does not hold a model in this format.
        OSError: If a file is missing.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        info = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        arrays = load_file(folder / "params.safetensors")
    except (UnicodeDecodeError, json.JSONDecodeError, SafetensorError) as error:
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
    task = make_task(info["model"], info["model_options"], len(info["feature_names"]), info["sizes"])
    approach = get_approach(info["contender"]).make(task)
    return SavedModel(info, approach, trees["params"], trees["options"], scaling, rule, platt)


def _key(step: str) -> str | int:
    return int(step) if step.isdigit() else step
