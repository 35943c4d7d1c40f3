"""How should the lanes of a sweep run on a CPU: all in one batch, or one after the other on each core?

Command: ``python experiments/bench_lanes.py``. Cost: about one minute on two cores.

Twenty runs of a small network, the same arithmetic in both contenders, which take turns; medians of the
rounds. The table is printed and written beside this file, to ``bench_lanes.md``.
"""

from __future__ import annotations

import os
import platform
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).with_suffix(".md")


@dataclass(frozen=True, kw_only=True)
class Config:
    """What is timed."""

    lanes: int = 20
    """Runs in a sweep."""
    epochs: int = 10
    """Passes of each run."""
    rounds: int = 15
    """Times each contender is measured."""
    widths: tuple[int, ...] = (32, 128)
    """Widths of the two hidden layers, one table row each."""
    out: Path | None = HERE
    """Where the table goes; nowhere if None."""


def run(config: Config) -> dict[str, dict[str, float]]:
    """Return the median seconds of a sweep for each width and way."""
    from mlj.training import use_cores

    use_cores()
    found = {}
    for width in config.widths:
        sweeps = {axis: _sweep(config, width, axis) for axis in ("vmap", "map")}
        seconds = {axis: [] for axis in sweeps}
        for turn in range(config.rounds):
            for axis in sorted(sweeps, reverse=turn % 2 == 1):
                start = time.perf_counter()
                sweeps[axis]()
                seconds[axis].append(time.perf_counter() - start)
        found[str(width)] = {axis: statistics.median(times) for axis, times in seconds.items()}
    table = _table(config, found)
    print(table)
    if config.out is not None:
        config.out.write_text(table, encoding="utf-8")
    return found


def _sweep(config: Config, width: int, axis: str):
    """Return a function that runs a compiled sweep to its end."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    from flax import nnx

    from mlj import losses, models
    from mlj.training import Batch, Lane, Plan, Problem, Sweep, stack_lanes

    rows, held = 1200, 300
    features = jax.random.normal(jax.random.key(0), (rows + held, 103))
    labels = jax.random.bernoulli(jax.random.key(1), 0.3, (rows + held, 14)).astype(jnp.float32)
    mean_loss = losses.mean_over_samples(losses.sigmoid_cross_entropy)

    def build(key):
        return models.as_function(models.MLP(103, 14, hidden=(width, width), rngs=nnx.Rngs(key)))

    apply_fn, _ = build(jax.random.key(0))
    problem = Problem(
        init=lambda key, options: build(key)[1],
        objective=lambda params, batch, key, options: mean_loss(
            apply_fn(params, batch.features, key=key), batch.labels
        ),
        predict=lambda params, features, options: apply_fn(params, features),
        criterion=lambda outputs, labels, where: -jnp.mean((outputs - labels) ** 2),
    )
    lanes = stack_lanes(
        [
            Lane(
                seed=np.int32(seed),
                learning_rate=np.float32(1e-3),
                weight_decay=np.float32(0),
                train_rows=np.arange(rows, dtype=np.int32),
                num_train=np.int32(rows),
                validation_rows=np.arange(rows, rows + held, dtype=np.int32),
                max_epochs=np.int32(config.epochs),
                keep_last=np.bool_(True),
                options={},
            )
            for seed in range(config.lanes)
        ]
    )
    sweep = Sweep(problem, Plan(max_epochs=config.epochs), Batch(features, labels), axis=axis).compile(lanes)
    sweep(lanes)
    return lambda: sweep(lanes)


def _table(config: Config, found: dict[str, dict[str, float]]) -> str:
    import jax

    lines = [
        "# Lanes of a sweep: one batch, or one after the other",
        "",
        f"{config.lanes} runs of {config.epochs} epochs, 103 features, 14 labels, batches of 128, median of "
        f"{config.rounds} rounds. jax {jax.__version__}, {jax.device_count()} CPU devices, "
        f"{platform.machine()}, load {os.getloadavg()[0]:.1f}.",
        "",
        "| hidden | all at once (`vmap`), s | one after the other (`map`), s | ratio |",
        "|---|---|---|---|",
    ]
    for width, seconds in found.items():
        ratio = seconds["vmap"] / seconds["map"]
        lines.append(f"| {width}, {width} | {seconds['vmap']:.3f} | {seconds['map']:.3f} | {ratio:.2f} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    import tyro

    run(tyro.cli(Config))
