"""Fitted rules to and from JSON, so that a model and its decision are kept together."""

from __future__ import annotations

import math
from collections.abc import Mapping

import jax.numpy as jnp
import numpy as np

from mlj._checks import lookup
from mlj.decision.rules import CountTopK, ExpectedF1, LabelThresholds, ProbThreshold, Rule, Threshold, TopK
from mlj.types import Array

_NAMES = {
    "threshold": Threshold,
    "prob_threshold": ProbThreshold,
    "label_thresholds": LabelThresholds,
    "top_k": TopK,
    "count_top_k": CountTopK,
    "expected_f1": ExpectedF1,
}
_INTEGER = frozenset({"k"})


def to_json(rule: Rule) -> dict:
    """Return a rule as a dict that ``json.dumps`` takes and :func:`from_json` reads back bit for bit.

    A rule that a ``vmap`` fitted for several models keeps its leading axis, as nested lists.

    Raises:
        TypeError: If ``rule`` is no rule.
        ValueError: If a value is not finite: JSON has no name for it.

    >>> to_json(Threshold(jnp.array(0.25)))
    {'rule': 'threshold', 'threshold': 0.25}
    """
    names = {kind: name for name, kind in _NAMES.items()}
    if type(rule) not in names:
        raise TypeError(f"to_json: {type(rule).__name__} is not a decision rule")
    found: dict = {"rule": names[type(rule)]}
    for field, value in rule._asdict().items():
        value = np.asarray(value)
        if not np.all(np.isfinite(value)):
            raise ValueError(f"to_json: {field} must be finite, got {value[~np.isfinite(value)][0]}")
        found[field] = value.tolist()
    return found


def from_json(saved: Mapping) -> Rule:
    """Return the rule that :func:`to_json` wrote.

    Raises:
        ValueError: If the rule is unknown, or a field is missing, unknown, ragged or not made of finite
        numbers.

    >>> from_json({"rule": "top_k", "k": 3})
    TopK(k=Array(3, dtype=int32))
    """
    if not isinstance(saved, Mapping) or not isinstance(saved.get("rule"), str):
        raise ValueError("from_json: a saved rule is an object with a text 'rule'")
    kind = lookup("decision rule", saved["rule"], _NAMES)
    given = {name: value for name, value in saved.items() if name != "rule"}
    if set(given) != set(kind._fields):
        wanted = list(kind._fields)
        raise ValueError(f"from_json: {saved['rule']} has the fields {wanted}, got {sorted(given)}")
    return kind(**{name: _array(name, value) for name, value in given.items()})


def _array(name: str, value: object) -> Array:
    wanted = int if name in _INTEGER else float

    def check(entry):
        if isinstance(entry, list):
            for inner in entry:
                check(inner)
        elif isinstance(entry, bool) or not isinstance(entry, (int, wanted)) or not math.isfinite(entry):
            raise ValueError(f"from_json: {name} must hold finite {wanted.__name__} numbers, got {entry!r}")

    check(value)
    if name == "thresholds" and not isinstance(value, list):
        raise ValueError(f"from_json: {name} must be a list with one number per label, got {value!r}")
    try:
        return jnp.asarray(np.array(value, np.int32 if wanted is int else np.float32))
    except (ValueError, OverflowError) as error:
        raise ValueError(f"from_json: {name} is ragged or out of range: {error}") from None
