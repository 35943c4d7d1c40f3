"""What a comparison found, as one dictionary that JSON can hold."""

from __future__ import annotations

import datetime
import platform
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import jax
import numpy as np
import scipy.sparse as sp

from mlj.comparison.floors import LOGISTIC, PRIOR
from mlj.comparison.run import Entry, Evidence, Outcome
from mlj.comparison.statistics import paired_p_values
from mlj.comparison.tasks import model_options
from mlj.comparison.texts import Texts
from mlj.comparison.train import Failed, learning_rates
from mlj.data import Dataset
from mlj.decision import to_json
from mlj.metrics import METRICS

FORMAT = "mlj-comparison-1"
PACKAGES = ("mlj", "jax", "jaxlib", "flax", "optax", "numpy", "scipy", "scikit-learn")
SIGNIFICANT = 0.05
ENOUGH = 5
"""Contenders from which on a spread over them is worth saying."""
HEADLINES = (
    "micro_f1",
    "macro_f1",
    "samples_f1",
    "subset_accuracy",
    "hamming_loss",
    "precision_at_1",
    "label_ranking_average_precision",
    "macro_average_precision",
    "macro_roc_auc",
    "expected_calibration_error",
)
"""Metrics for each of which a contender and a rule are chosen on validation rows."""
HIERARCHY_HEADLINE = "micro_average_precision"
"""One more where labels lie in a hierarchy: AU(PRC), by which models of hierarchies are published."""


def summarise(outcome: Outcome) -> dict[str, Any]:
    """Return everything that a comparison found, ready for JSON and for the report.

    Numbers that are not finite become None. Keys: ``format``, ``data``, ``protocol``, ``versions``,
    ``metrics``, ``rules``, ``contenders`` (floors among them), ``failed``, ``chosen``, ``tests``,
    ``verdict``.
    """
    found = {name: item for name, item in outcome.found.items() if isinstance(item, Evidence)}
    failed = {name: item.failures for name, item in outcome.found.items() if isinstance(item, Failed)}
    metric = _leading(outcome)
    chosen = {name: choose(found, name) for name in _headlines(outcome)}
    tests = {name: _tests(found, chosen[name], name) for name in chosen}
    pool, test = outcome.parts.pool, outcome.parts.test
    return _plain(
        {
            "format": FORMAT,
            "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "seconds": outcome.seconds,
            "data": {
                "name": pool.name,
                "labels": list(pool.label_names),
                "label_counts": pool.labels.sum(axis=0).tolist(),
                "pool": _described(pool),
                "test": _described(test),
                "repeated_in_test": _repeated(pool, test),
            },
            "protocol": _protocol(outcome, metric),
            "versions": {name: version(name) for name in PACKAGES} | {"python": platform.python_version()},
            "machine": {
                "platform": platform.platform(),
                "devices": [str(device) for device in jax.devices()],
            },
            "metrics": {
                name: {"title": info.title, "greater_is_better": info.greater_is_better, "needs": info.needs}
                for name, info in METRICS.items()
            },
            "rules": outcome.titles,
            "contenders": {name: _contender(item, outcome.entries.get(name)) for name, item in found.items()},
            "failed": failed,
            "chosen": chosen,
            "tests": tests,
            "spread": spread(found, metric),
            "verdict": verdict(
                pool.name, metric, outcome.titles, chosen[metric], tests[metric], spread(found, metric)
            ),
        }
    )


def _leading(outcome: Outcome) -> str:
    return outcome.config.metric


def _headlines(outcome: Outcome) -> list[str]:
    of_hierarchy = () if outcome.parts.pool.hierarchy is None else (HIERARCHY_HEADLINE,)
    return list(dict.fromkeys((_leading(outcome), *of_hierarchy, *HEADLINES)))


def _described(dataset: Dataset) -> dict[str, Any]:
    return dataset.describe() | {"sha256": dataset.sha256}


def _repeated(pool: Dataset, test: Dataset) -> int:
    from mlj.data.describe import row_keys

    known = set(row_keys(pool.features))
    return sum(key in known for key in row_keys(test.features))


def _protocol(outcome: Outcome, metric: str) -> dict[str, Any]:
    config, parts = outcome.config, outcome.parts
    return {
        "metric": metric,
        "seeds": list(range(config.seeds)),
        "learning_rates": list(learning_rates(config)),
        "optimizer": config.optimizer,
        "weight_decay": config.weight_decay,
        "model": ", then ".join(one.model for one in config.for_each_model()),
        "model_options": _model_options(outcome),
        "texts": None if parts.texts is None else _read_as(parts.texts),
        "batch_size": config.batch_size,
        "max_epochs": config.max_epochs,
        "patience": config.patience,
        "rows": {
            "train": len(parts.train_rows[0]),
            "validation": len(parts.validation_rows[0]),
            "test": parts.test.num_samples,
        },
        "origin": parts.origin,
    }


def _model_options(outcome: Outcome) -> dict[str, Any]:
    """Return the options of the model, or those of all with the name of each before them."""
    sparse = sp.issparse(outcome.parts.pool.features)
    found = {one.model: model_options(one, sparse=sparse) for one in outcome.config.for_each_model()}
    if len(found) == 1:
        return next(iter(found.values()))
    return {f"{model} {name}": value for model, own in found.items() for name, value in own.items()}


def _read_as(texts: Texts) -> dict[str, Any]:
    return {kind: reader.facts() | {"size": reader.size} for kind, reader in texts.readers.items()}


def _contender(found: Evidence, entry: Entry | None) -> dict[str, Any]:
    said: dict[str, Any] = {"floor": found.contender is None, "seconds": found.seconds}
    if found.contender is not None:
        contender, trained = found.contender, found.trained
        said |= {
            "approach": entry.contender,
            "model": entry.config.model,
            "family": contender.family,
            "link": contender.link,
            "calibration": contender.calibration,
            "source": contender.source,
            "learning_rate": trained.learning_rate,
            "best_epochs": trained.best_epochs,
            "grid": {str(rate): values for rate, values in trained.values.items()},
            "failures": trained.failures,
            "train_curve": trained.train_curve,
            "validation_curve": trained.validation_curve,
        }
    return said | {
        "platt": found.platt._asdict(),
        "validation": found.validation,
        "test": found.test,
        "reliability": found.reliability,
        "threshold_curve": found.threshold_curve,
        "rules": {
            name: {
                "validation": rule.validation,
                "test": rule.test,
                "label_f1": rule.label_f1.mean(axis=0),
                "fitted": None
                if rule.rule is None
                else [
                    to_json(jax.tree.map(lambda leaf, seed=seed: leaf[seed], rule.rule))
                    for seed in range(len(rule.label_f1))
                ],
            }
            for name, rule in found.rules.items()
        },
    }


def choose(found: Mapping[str, Evidence], metric: str) -> dict[str, Any]:
    """Return the contender and rule that are best on validation rows, and what they give on the test rows.

    Floors are not eligible. Metrics that no decision enters have no rule.
    """
    info = METRICS[metric]
    sign = 1 if info.greater_is_better else -1
    rows = [
        (name, rule, values)
        for name, evidence in found.items()
        if evidence.contender is not None
        for rule, values in _rows(evidence, metric)
    ]
    name, rule, (validation, test) = max(
        rows, key=lambda row: sign * np.nan_to_num(row[2][0].mean(), nan=-np.inf * sign)
    )
    return {
        "contender": name,
        "rule": rule,
        "validation": float(validation.mean()),
        "test": float(test.mean()),
        "test_sd": float(test.std(ddof=1)),
        "test_seeds": test.tolist(),
    }


def _rows(evidence: Evidence, metric: str) -> list[tuple[str | None, tuple[np.ndarray, np.ndarray]]]:
    if METRICS[metric].needs != "predictions":
        return [(None, (evidence.validation[metric], evidence.test[metric]))]
    return [(name, (rule.validation[metric], rule.test[metric])) for name, rule in evidence.rules.items()]


def best_rule(evidence: Evidence, metric: str) -> tuple[str | None, np.ndarray, np.ndarray]:
    """Return the rule that is best for a contender on validation rows, with its values there and on test."""
    sign = 1 if METRICS[metric].greater_is_better else -1
    rule, (validation, test) = max(
        _rows(evidence, metric), key=lambda row: np.nan_to_num(sign * row[1][0].mean(), nan=-np.inf)
    )
    return rule, validation, test


def _tests(found: Mapping[str, Evidence], best: Mapping[str, Any], metric: str) -> dict[str, Any]:
    """Compare every contender, each with its own validation-chosen rule, with the chosen one on test rows."""
    values = {name: best_rule(evidence, metric)[2] for name, evidence in found.items()}
    return {
        "best": best["contender"],
        "p": paired_p_values(values, best["contender"]),
        "rules": {name: best_rule(evidence, metric)[0] for name, evidence in found.items()},
    }


def spread(found: Mapping[str, Evidence], metric: str) -> dict[str, float]:
    """Return how far the metric moves on test rows with the loss, and with the decision rule.

    Both are standard deviations. ``losses``: over the contenders, each with its validation-chosen rule.
    ``rules``: over the rules that all contenders have, of each rule's median over the contenders; NaN for
    metrics without decisions.
    """
    real = [evidence for evidence in found.values() if evidence.contender is not None]
    losses = np.array([best_rule(evidence, metric)[2].mean() for evidence in real])
    rules = float("nan")
    if METRICS[metric].needs == "predictions":
        shared = set.intersection(*(set(evidence.rules) for evidence in real))
        rules = float(
            np.std([np.median([e.rules[rule].test[metric].mean() for e in real]) for rule in shared])
        )
    return {"losses": float(losses.std()), "rules": rules}


def verdict(
    name: str,
    metric: str,
    titles: Mapping[str, str],
    best: Mapping[str, Any],
    tests: Mapping[str, Any],
    moved: Mapping[str, float],
) -> str:
    """Return the finding in one or two sentences."""
    title = METRICS[metric].title
    others = {key: p for key, p in tests["p"].items() if key not in (PRIOR, LOGISTIC)}
    alike = [key for key, p in others.items() if not p < SIGNIFICANT]
    decided = f" decided by “{titles[best['rule']]}”" if best["rule"] else ""
    said = (
        f"On {name}, {best['contender']}{decided} was best on validation and reaches a test {title} of "
        f"{best['test']:.3f} ± {best['test_sd']:.3f}."
    )
    if others:
        said += (
            f" Of {len(others)} other contenders {len(alike)} cannot be told from it "
            f"(Holm-corrected p ≥ {SIGNIFICANT})."
        )
    if len(others) + 1 >= ENOUGH and np.isfinite(moved["rules"]) and moved["losses"] > 0:
        said += (
            f" Across the table {title} moves by {moved['rules']:.3f} with the decision rule and by "
            f"{moved['losses']:.3f} with the loss (standard deviations)."
        )
    return said


def _plain(value: Any) -> Any:
    """Turn arrays into lists, round to seven digits, and anything not finite into None."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | jax.Array):
        return _plain(np.asarray(value).tolist())
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float):
        return float(f"{value:.7g}") if np.isfinite(value) else None
    return value
