"""Training every contender of a data set, choosing its decision on validation rows, and scoring the test."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from units import Units

from mlj.comparison.evaluate import Scored, fold_of_rows, judge_rule
from mlj.metrics import label_ranking_average_precision, precision_at_k
from mlj.training import Batch
from texts.learning import Scores, learn
from texts.recipes import CONTENDERS, SOURCES, Contender
from texts.sources import Source, Texts, divided, folds_of

RULES = ("global_threshold", "label_thresholds", "micro_label_thresholds", "naive_label_thresholds")
SHOWN = ("micro_f1", "macro_f1", "samples_f1", "subset_accuracy")


def contenders_of(name: str, config: Any) -> list[tuple[Contender, int]]:
    """Return who is compared on the data set of that name, each with the number of seeds."""
    first, *networks = CONTENDERS[name]
    return [(first, config.seeds), *((one, config.network_seeds) for one in networks if config.network_seeds)]


def compared(name: str, folder: Path, config: Any, units: Units) -> dict[str, dict]:
    """Return what each contender gives on the data set of that name."""
    source = SOURCES[name]
    data = source.read(folder)
    texts = divided(data if config.max_rows is None else _fewer(data, config.max_rows))
    limits = {"max_rows": config.max_rows, "max_epochs": config.max_epochs}
    found = {}
    for one, seeds in contenders_of(name, config):
        settings = {
            "recipe": one.said(),
            "source": source.said(),
            "data": data.sha256,
            "seeds": seeds,
            **limits,
        }
        work = partial(_judged, one, source, texts, seeds, config.max_epochs)
        found[one.title] = units.run(f"{name}-{one.title}", settings, work)
    return found


def _fewer(data, rows: int):
    parts = [np.flatnonzero(data.split == part)[:rows] for part in (0, 1, 2)]
    return data.rows(np.concatenate(parts))


def _judged(
    contender: Contender, source: Source, texts: Texts, seeds: int, max_epochs: int | None
) -> dict[str, Any]:
    inputs = contender.inputs(texts, source)
    labels = texts.data.labels.astype(np.float32)
    pool = Batch(inputs.pool, jnp.asarray(labels[: texts.num_pool]))
    recipe = contender.recipe(inputs.size, texts.data.num_labels)
    if max_epochs is not None:
        recipe = recipe._replace(epochs=max_epochs)
    folds = [folds_of(texts, contender.folds, seed) for seed in range(seeds)]
    scores = learn(recipe, pool, inputs.test, folds, metric=source.metric, final=contender.final)
    held = np.stack([labels[np.concatenate(fold.held)] for fold in folds])
    return _measured(scores, held, labels[texts.num_pool :])


def _measured(scores: Scores, held: np.ndarray, truth: np.ndarray) -> dict[str, Any]:
    """Return metrics of scores, and of the decision that is best on validation rows for micro and macro."""
    validation = _scored(scores.validation, held)
    test = _scored(scores.test, np.broadcast_to(truth, (len(held), *truth.shape)))
    folds = fold_of_rows(held.shape[1], len(held))
    found: dict[str, Any] = {"seconds": scores.seconds, "epochs": scores.epochs, "decisions": {}}
    per_row = {
        "precision_at_1": jax.jit(lambda s, y: jnp.mean(precision_at_k(s, y, k=1))),
        "ranking_average_precision": jax.jit(lambda s, y: jnp.mean(label_ranking_average_precision(s, y))),
    }
    for metric, measure in per_row.items():
        found[metric] = [float(measure(s, y)) for s, y in zip(test.scores, test.labels)]
    for target in ("micro_f1", "macro_f1"):
        evidence = {rule: judge_rule(rule, target, validation, test, folds) for rule in RULES}
        best = max(RULES, key=lambda rule: float(np.mean(evidence[rule].validation[target])))
        found["decisions"][target] = {
            "rule": best,
            "validation": evidence[best].validation[target].tolist(),
            **{metric: evidence[best].test[metric].tolist() for metric in SHOWN},
        }
    return found


def _scored(scores: np.ndarray, labels: np.ndarray) -> Scored:
    return Scored(jnp.asarray(scores), None, jnp.asarray(labels), jnp.ones(labels.shape, bool))
