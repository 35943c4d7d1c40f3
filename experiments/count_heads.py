"""Which count head should a factorised model have, and does it matter where its units start?

Command: ``python experiments/count_heads.py``. Cost: about five minutes of one core.

Result: from the mean count all heads decide about alike; the distributions (Poisson, negative binomial,
categorical) are a little ahead, and the categorical count errs least, 2.29 on yeast and .23 on digits. From
below its floor the clipped linear count moved in none of ten runs: no label is ever predicted. All other
heads leave a bad start, but within 30 epochs only the categorical count comes near a good one from below
(error 3.0 on yeast, .26 on digits; Poisson 10.7 and 3.0, softplus 4.4 and 1.2). From above, on digits, the
clipped linear and the softplus count are still six labels off (error 36, others below 1). Tables of all in
``count_heads.md``, written by this file.

A softmax says which labels a sample has, a count Z how many; the top round(Z) labels are decided on. The
count of each head starts at the mean number of labels (good), far below it or at all labels (both bad). Below
means the unit -3 in every head: a count of about .05, which the floor of the clipped linear head makes .01.
Rates are chosen for each head and start by the validation F1 of the decision; the test part is scored once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from units import Units, settings_of

from mlj.approaches.approach import Approach
from mlj.approaches.factorised import FACTORISED
from mlj.comparison.config import CompareConfig
from mlj.comparison.parts import Parts, device_batches, make_parts
from mlj.comparison.tasks import task_of
from mlj.data import load
from mlj.decision import top_k_sets
from mlj.decision.rules import counted_k
from mlj.metrics import micro_f1, samples_f1
from mlj.training import Batch, Lane, Plan, Problem, Sweep, predict_lanes, stack_lanes
from mlj.types import Array

HERE = Path(__file__).with_suffix(".md")
HEADS = (
    "factorised_clipped_linear",
    "factorised_softplus",
    "factorised_poisson",
    "factorised_negative_binomial",
    "factorised_categorical",
)
STARTS = ("mean", "low", "high")
LOW = -3.0
"""Where the unit of a low start is: the logarithm of .05, and below the floor of the clipped linear head."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """What is compared."""

    data: tuple[str, ...] = ("yeast", "digits")
    """Data sets that need no file."""
    heads: tuple[str, ...] = HEADS
    """Factorised approaches."""
    seeds: int = 5
    """Validation parts, initial parameters and orders of samples."""
    learning_rates: tuple[float, ...] = (1.5e-3, 4e-3)
    """Rates that every head and start tries."""
    max_epochs: int = 30
    """Passes over the training part at the most."""
    hidden: tuple[int, ...] = (128, 128)
    """Widths of the hidden layers."""
    work: Path | None = Path("runs/experiments/count_heads")
    """Where finished units are kept; nowhere if None."""
    out: Path | None = HERE
    """Where the table goes; nowhere if None."""


class Found(NamedTuple):
    """What one head gives from one start, for every seed."""

    rate: float
    count_error: list[float]
    """Mean squared error of the count on the test part."""
    samples_f1: list[float]
    micro_f1: list[float]
    never_moved: int
    """Seeds whose predicted count is the same for every test sample."""


def run(config: Config) -> dict[str, dict[str, Found]]:
    """Return what was found by data set and ``head start``; print and write the table."""
    units = Units(config.work, len(config.data))
    found = {}
    for name in config.data:
        settings = settings_of(replace(config, data=(name,)))
        entries = units.run(name, settings, partial(compared, config, name))
        found[name] = {key: Found(**entry) for key, entry in entries.items()}
    table = _table(config, found)
    print(table)
    if config.out is not None:
        config.out.write_text(table, encoding="utf-8")
    return found


def compared(config: Config, name: str) -> dict[str, dict[str, Any]]:
    """Return the fields of what every head and start gives on one data set."""
    settings = CompareConfig(seeds=config.seeds, hidden=config.hidden)
    parts = make_parts(load(name), settings)
    batches, task = device_batches(parts), task_of(settings, parts)
    return {
        f"{head} {start}": one._asdict()
        for head in config.heads
        for start, one in head_from_every_start(config, FACTORISED[head](task), head, parts, *batches).items()
    }


def decided(approach: Approach, outputs: Any) -> Array:
    """Return the top round(Z) labels."""
    scores, log_count = approach.scores(outputs)
    return top_k_sets(scores, counted_k(log_count, scores.shape[-1]))


def head_from_every_start(
    config: Config, approach: Approach, head: str, parts: Parts, pool: Batch, test: Batch
) -> dict[str, Found]:
    """Train one head from every start, all in one program."""
    problem = Problem(
        approach.init,
        approach.objective,
        approach.predict,
        lambda outputs, labels, where: samples_f1(decided(approach, outputs), labels, where=where),
    )
    grid = [(s, r, n) for s in STARTS for r in config.learning_rates for n in range(config.seeds)]
    lane = partial(_lane, config, approach, head, parts)
    plan = Plan(max_epochs=config.max_epochs, patience=10)
    sweep = Sweep(problem, plan, pool).compile(stack_lanes([lane(*place) for place in grid]))
    tried = sweep(stack_lanes([lane(*place) for place in grid]))
    shape = (len(STARTS), len(config.learning_rates), config.seeds)
    best = tried.best_value.reshape(shape).mean(axis=-1).argmax(axis=-1)
    epochs = np.maximum(tried.best_epoch.reshape(shape), 1)
    chosen = [
        lane(start, config.learning_rates[best[i]], seed, int(epochs[i, best[i], seed]))
        for i, start in enumerate(STARTS)
        for seed in range(config.seeds)
    ]
    lanes = stack_lanes(chosen)
    outputs = predict_lanes(approach.predict, sweep(lanes).params, test.features, lanes.options)
    measured = jax.device_get(jax.lax.map(partial(_measured, approach, test), outputs))
    return {
        start: Found(
            config.learning_rates[best[i]],
            *(x[i * config.seeds : (i + 1) * config.seeds].tolist() for x in measured[:-1]),
            int(measured[-1][i * config.seeds : (i + 1) * config.seeds].sum()),
        )
        for i, start in enumerate(STARTS)
    }


def _measured(approach: Approach, test: Batch, outputs: Any) -> tuple[Array, ...]:
    count = jnp.exp(approach.scores(outputs)[1])
    sets, truth = decided(approach, outputs), jnp.sum(test.labels, axis=-1)
    return (
        jnp.mean((count - truth) ** 2),
        samples_f1(sets, test.labels),
        micro_f1(sets, test.labels),
        jnp.all(count == count[0]),
    )


def _lane(
    config: Config,
    approach: Approach,
    head: str,
    parts: Parts,
    start: str,
    rate: float,
    seed: int,
    epochs: int | None = None,
) -> Lane:
    """Return one run: on the training rows with early stopping, or on all rows for a set time."""
    train, validation = parts.train_rows[seed], parts.validation_rows[seed]
    options = approach.options(parts.pool.labels[train], None)
    final = epochs is not None
    return Lane(
        seed=np.int32(seed),
        learning_rate=np.float32(rate),
        weight_decay=np.float32(0.01),
        train_rows=np.concatenate([train, validation]).astype(np.int32),
        num_train=np.int32(len(train) + final * len(validation)),
        validation_rows=validation.astype(np.int32),
        max_epochs=np.int32(epochs if final else config.max_epochs),
        keep_last=np.bool_(final),
        options=started(head, options, parts.pool.num_labels, start),
    )


def started(head: str, options: Mapping[str, np.ndarray], labels: int, start: str) -> dict[str, np.ndarray]:
    """Return the options with the bias of the count where the start says."""
    if start == "mean":
        return dict(options)
    bias, low = options["output_bias"].copy(), start == "low"
    unit = LOW if low else np.log(labels)
    if head == "factorised_clipped_linear":
        unit = LOW if low else labels
    elif head == "factorised_softplus":
        unit = LOW if low else np.log(np.expm1(labels))
    elif head == "factorised_categorical":
        # Each further label is e^3 times less probable, or more.
        counts = np.arange(len(bias) - labels)
        bias[labels:] = (LOW if low else -LOW) * counts
        return {"output_bias": bias, "count_prior": np.zeros_like(options["count_prior"])}
    bias[labels] = unit
    return {**options, "output_bias": bias}


def _cell(values: list[float]) -> str:
    return f"{np.mean(values):.3f} ± {np.std(values, ddof=1) if len(values) > 1 else 0:.3f}"


def _table(config: Config, found: dict[str, dict[str, Found]]) -> str:
    lines = [
        "# Count heads of a factorised model, from good and bad starts",
        "",
        f"Written by `experiments/count_heads.py` ({config.seeds} seeds, at most {config.max_epochs} epochs, "
        f"rates {', '.join(map(str, config.learning_rates))}; jax {jax.__version__}). Test part, the top "
        "round(Z) labels; mean ± standard deviation of the seeds. The last column counts the seeds in which "
        "every test sample has the same count.",
    ]
    for name, rows in found.items():
        lines += [
            "",
            f"## {name}",
            "",
            "| head | start | rate | squared error of the count | samples F1 | micro F1 | same for all |",
            "|---|---|---:|---:|---:|---:|---:|",
        ]
        for key, one in rows.items():
            head, start = key.split(" ")
            lines.append(
                f"| {head.removeprefix('factorised_')} | {start} | {one.rate:g} | {_cell(one.count_error)} | "
                f"{_cell(one.samples_f1)} | {_cell(one.micro_f1)} | {one.never_moved} of {config.seeds} |"
            )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    import tyro

    run(tyro.cli(Config))
