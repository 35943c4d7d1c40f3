"""The task that approaches are made for: the sizes of the labels, and the network under the outputs."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import scipy.sparse as sp
from flax import nnx

from mlj._checks import lookup
from mlj.approaches import Task
from mlj.comparison.config import CompareConfig
from mlj.comparison.parts import Parts
from mlj.comparison.texts import text_model_options
from mlj.data import Hierarchy
from mlj.models import INPUTS, MODELS, TRUNKS
from mlj.types import Array


def model_options(config: CompareConfig, *, sparse: bool) -> dict[str, Any]:
    """Return the options of the model, the unset ones filled in by the kind of the features.

    Raises:
        ValueError: If there is no model of that name, or a setting means nothing to it.
    """
    lookup("model", config.model, MODELS)
    if INPUTS[config.model] != "features":
        return text_model_options(config)
    rate = config.input_dropout if config.input_dropout is not None else (0.5 if sparse else 0.2)
    if config.model == "linear":
        return {"input_dropout": 0.0 if config.input_dropout is None else rate}
    if config.model == "conv":
        return _conv_options(config, sparse=sparse)
    return {
        "hidden": config.hidden or ((1024,) if sparse else (128, 128)),
        "dropout": config.dropout if config.dropout is not None else (0.5 if sparse else 0.4),
        "input_dropout": rate,
    }


def _conv_options(config: CompareConfig, *, sparse: bool) -> dict[str, Any]:
    if sparse or config.input_dropout is not None or len(config.hidden) > 1:
        raise ValueError("the model 'conv' takes dense images, one hidden width, and no input_dropout")
    hidden = {"hidden": config.hidden[0]} if config.hidden else {}
    return hidden if config.dropout is None else hidden | {"dropout": config.dropout}


def sizes_of(parts: Parts) -> dict[str, Any]:
    """Return what a task says of the labels of a comparison."""
    pool = parts.pool
    return label_sizes(pool.label_matrix, missing=pool.where is not None, hierarchy=pool.hierarchy)


def label_sizes(labels: sp.csr_array, *, missing: bool, hierarchy: Hierarchy | None = None) -> dict[str, Any]:
    """Return what a task says of labels ``[N, L]`` that may be learned from, ready for JSON."""
    bounds = zip(labels.indptr[:-1], labels.indptr[1:])
    return {
        "num_labels": labels.shape[1],
        "num_labelsets": len({labels.indices[start:end].tobytes() for start, end in bounds}),
        "largest_labelset": int(np.diff(labels.indptr).max()),
        "missing": missing,
        "above": _above(hierarchy),
    }


def _above(hierarchy: Hierarchy | None) -> list[list[int]] | None:
    """Return for each label the labels above it, as JSON can hold them."""
    return None if hierarchy is None else [np.flatnonzero(row).tolist() for row in hierarchy.ancestors]


def make_task(model: str, options: Mapping[str, Any], num_features: int, sizes: Mapping[str, Any]) -> Task:
    """Return the task of a model over so many features.

    Args:
        model: A name in :data:`mlj.models.MODELS`.
        options: From :func:`model_options`.
        num_features: Width of the features, or how many token numbers there are.
        sizes: From :func:`sizes_of`.
    """
    return Task(
        **sizes,
        make_trunk=partial(_trunk, model, num_features, dict(options)),
        make_model=partial(_model, model, num_features, dict(options)),
    )


def task_of(config: CompareConfig, parts: Parts) -> Task:
    """Return the task of a comparison."""
    options = model_options(config, sparse=sp.issparse(parts.pool.features))
    size = parts.pool.num_features if parts.texts is None else parts.texts.reader(config.model).size
    return make_task(config.model, options, size, sizes_of(parts))


def _model(
    model: str,
    num_features: int,
    options: dict[str, Any],
    num_outputs: int,
    output_bias: Array | None,
    rngs: nnx.Rngs,
) -> nnx.Module:
    return lookup("model", model, MODELS)(
        num_features, num_outputs, output_bias=output_bias, rngs=rngs, **options
    )


def _trunk(model: str, num_features: int, options: dict[str, Any], rngs: nnx.Rngs) -> nnx.Module:
    if model not in TRUNKS:
        able = [name for name in TRUNKS if (INPUTS[name] == "features") == (INPUTS[model] == "features")]
        raise ValueError(
            f"the model {model!r} has no hidden layers for a joint approach to stand on: "
            f"take one of {', '.join(able)}"
        )
    return TRUNKS[model](num_features, rngs=rngs, **options)
