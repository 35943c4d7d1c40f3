"""Are several multi-class questions better asked by a softmax each than by a sigmoid for every answer?

Command: ``python experiments/multi_output.py``.
Cost: 4 minutes on two idle cores.

Result: in ``multi_output.md``, written by this file. A canvas shows up to four handwritten digits; which
one is in each of its quarters, or none, are four questions of eleven classes. The same convolutional network
ends in four softmax heads, or in 44 independent sigmoids, decided at one half or by the largest in each
quarter.
"""

from __future__ import annotations

import platform
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from units import Units, settings_of

HERE = Path(__file__).with_suffix(".md")


@dataclass(frozen=True, kw_only=True)
class Config:
    """What is learned and measured."""

    samples: int = 4000
    """Canvases, a quarter of them for the test."""
    seeds: int = 5
    """Networks of each kind."""
    learning_rates: tuple[float, ...] = (1e-3, 3e-3)
    """Rates to choose from, by the validation rows."""
    epochs: int = 30
    """Passes at the most."""
    validation_share: float = 0.2
    """Share of the training canvases that the rate and the number of passes are chosen by."""
    channels: tuple[int, ...] = (12, 24)
    """What the convolutions find."""
    hidden: int = 96
    """Width of the dense layer."""
    work: Path | None = Path("runs/experiments/multi_output")
    """Where finished units are kept; nowhere if None."""
    out: Path | None = HERE
    """Where the table goes; nowhere if None."""


class Way(NamedTuple):
    """How the questions are asked and answered."""

    num_outputs: int
    objective: Callable
    """``objective(outputs [B, 44], labels [B, 44]) -> scalar``"""
    decisions: dict[str, Callable]
    """Functions by name from outputs to multi-hot answers ``[B, 44]``; the first is validated."""


def run(config: Config) -> dict[str, dict[str, list[float]]]:
    """Return the metrics by way of asking and answering: one value for each seed."""
    from mlj.training import use_cores

    use_cores()
    from mlj.data.digit_positions import digit_positions

    data = digit_positions(config.samples)
    ways, found = _ways(), {}
    units = Units(config.work, len(ways))
    for name, way in ways.items():
        settings = settings_of(config) | {"way": name}
        found |= units.run(name, settings, partial(_measured, config, data, name, way))
    table = _table(config, found)
    print(table)
    if config.out is not None:
        config.out.write_text(table, encoding="utf-8")
    return found


def _measured(config: Config, data, name: str, way: Way) -> dict[str, dict[str, list[float]]]:
    outputs = _trained(config, data, way)
    labels = data.part("test").labels
    return {
        f"{name}, {decision}": _metrics([decide(seed) for seed in outputs], labels)
        for decision, decide in way.decisions.items()
    }


def _ways() -> dict[str, Way]:
    import jax
    import jax.numpy as jnp

    from mlj import losses
    from mlj.data.digit_positions import CLASSES, POSITIONS
    from mlj.decision.multi_output import argmax_classes

    shape = (len(POSITIONS), len(CLASSES))
    of_heads = losses.mean_over_samples(losses.multi_output_cross_entropy)

    def heads(outputs, labels):
        return of_heads(outputs.reshape(-1, *shape), jnp.argmax(labels.reshape(-1, *shape), axis=2))

    def largest(outputs):
        chosen = argmax_classes(outputs.reshape(-1, *shape))
        return jax.nn.one_hot(chosen, shape[1], dtype=bool).reshape(len(outputs), -1)

    size = shape[0] * shape[1]
    each_largest = {"the largest of each quarter": largest}
    above = {"above one half": lambda outputs: outputs > 0}
    sigmoids = losses.mean_over_samples(losses.sigmoid_cross_entropy)
    return {
        "4 softmax heads": Way(size, heads, each_largest),
        "44 sigmoids": Way(size, sigmoids, each_largest | above),
    }


def _trained(config: Config, data, way: Way) -> list:
    """Return the outputs on the test canvases, one array for each seed, of the rate that was chosen."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    from mlj.training import Batch, Plan, Problem, Sweep, predict_lanes, stack_lanes

    pool, test = data.part("train"), data.part("test")
    apply_fn, init = _network(config, pool)

    def predict(params, features, options):
        return apply_fn(params, features).reshape(-1, way.num_outputs)

    decide = next(iter(way.decisions.values()))
    problem = Problem(
        init=init,
        objective=lambda params, batch, key, options: way.objective(
            apply_fn(params, batch.features, key=key).reshape(-1, way.num_outputs), batch.labels
        ),
        predict=predict,
        criterion=lambda outputs, labels, where: jnp.mean(jnp.all(decide(outputs) == (labels > 0), axis=1)),
    )
    batch = Batch(jnp.asarray(pool.features), jnp.asarray(pool.labels, jnp.float32))
    plan = Plan(batch_size=64, max_epochs=config.epochs, patience=config.epochs, average_decay=0.99)
    grid = [(rate, seed) for rate in config.learning_rates for seed in range(config.seeds)]
    result = Sweep(problem, plan, batch)(
        stack_lanes([_lane(config, pool.num_samples, rate, seed) for rate, seed in grid])
    )
    values = result.best_value.reshape(len(config.learning_rates), config.seeds).mean(axis=1)
    best = int(np.argmax(values))
    chosen = slice(best * config.seeds, (best + 1) * config.seeds)
    params = jax.tree.map(lambda leaf: leaf[chosen], result.params)
    outputs = predict_lanes(predict, params, jnp.asarray(test.features), {})
    return list(outputs)


def _network(config: Config, pool) -> tuple[Callable, Callable]:
    """Return the network as a function to ``[B, 4, 11]``, and ``init(key, options) -> params``."""
    import jax
    import jax.numpy as jnp
    from flax import nnx

    from mlj.data.digit_positions import CLASSES, POSITIONS
    from mlj.models import as_function
    from mlj.models.conv import ConvTrunk
    from mlj.models.multi_output import MultiOutput

    prior = pool.labels.mean(axis=0).reshape(len(POSITIONS), len(CLASSES))

    def build(key):
        rngs = nnx.Rngs(key)
        trunk = ConvTrunk(
            pool.num_features, channels=config.channels, cells=(2, 2), hidden=config.hidden, rngs=rngs
        )
        bias = jnp.log(jnp.asarray(prior) + 1e-3)
        return as_function(MultiOutput(trunk, [len(CLASSES)] * len(POSITIONS), output_bias=bias, rngs=rngs))

    return build(jax.random.key(0))[0], lambda key, options: build(key)[1]


def _lane(config: Config, rows: int, rate: float, seed: int):
    """Return a run on training canvases drawn by the seed, measured on the others."""
    import numpy as np

    from mlj.training import Lane

    order = np.random.default_rng(seed).permutation(rows).astype(np.int32)
    held = round(rows * config.validation_share)
    return Lane(
        seed=np.int32(seed),
        learning_rate=np.float32(rate),
        weight_decay=np.float32(1e-4),
        train_rows=order[held:],
        num_train=np.int32(rows - held),
        validation_rows=order[:held],
        max_epochs=np.int32(config.epochs),
        keep_last=np.bool_(False),
        options={},
    )


def _metrics(predictions: list, labels) -> dict[str, list[float]]:
    import numpy as np

    from mlj.data.digit_positions import CLASSES, POSITIONS

    right = [(np.asarray(chosen) == (labels > 0)) for chosen in predictions]
    heads = [hit.reshape(-1, len(POSITIONS), len(CLASSES)).all(axis=2) for hit in right]
    return {
        "all four right": [float(head.all(axis=1).mean()) for head in heads],
        "each right": [float(head.mean()) for head in heads],
    }


def _table(config: Config, found: dict[str, dict[str, list[float]]]) -> str:
    import jax
    import numpy as np

    columns = list(next(iter(found.values())))
    lines = [
        "# Four questions of eleven classes",
        "",
        f"{config.samples} canvases of up to four digits, a quarter for the test, no image in both parts; "
        f"share of the test canvases in per cent, mean and standard deviation of {config.seeds} seeds. "
        "Learning rate and number of passes by validation of the largest in each quarter, however decided.",
        "",
        "| asked and decided by | " + " | ".join(columns) + " |",
        "|---|" + "---|" * len(columns),
    ]
    for name, metrics in found.items():
        cells = [f"{100 * np.mean(metrics[c]):.1f} ± {100 * np.std(metrics[c]):.1f}" for c in columns]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    lines += ["", f"jax {jax.__version__}, {jax.device_count()} CPU devices, {platform.machine()}."]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    import tyro

    run(tyro.cli(Config))
