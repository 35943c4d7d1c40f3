"""Can a multi-label network choose antennas as well as trying all subsets, and which loss teaches it best?

Command: ``python experiments/antenna_selection.py``.
Cost: 7 minutes on two idle cores.

Result: in ``antenna_selection.md``, written by this file. The labels of a random channel are the k of m
antennas with the largest capacity, found by exhaustive search; a small network that does not know the
numbering of the antennas is trained on them by each loss, and decided by its k largest logits.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from units import Units, settings_of

HERE = Path(__file__).with_suffix(".md")
CASES = ((8, 2), (8, 4), (12, 4), (16, 4))
LOSSES = ("sigmoid_cross_entropy", "softmax_cross_entropy", "conditional_bernoulli", "k_subset", "zlpr")
GOALS = {(8, 4): 0.99, (16, 4): 0.985}


@dataclass(frozen=True, kw_only=True)
class Config:
    """What is learned and measured."""

    cases: tuple[tuple[int, int], ...] = CASES
    """Pairs of antennas to choose from, and to choose."""
    losses: tuple[str, ...] = LOSSES
    """Losses that the network is trained by."""
    seeds: int = 3
    """Networks for each loss."""
    samples: int = 10_000
    """Channels to learn from."""
    tests: int = 5_000
    """Other channels to measure on."""
    epochs: int = 8
    """Passes over the channels."""
    learning_rate: float = 2e-3
    """That of AdamW."""
    receivers: int = 4
    """Antennas of the receiver."""
    snr_db: float = 10.0
    """The signal-to-noise ratio in decibels."""
    rounds: int = 5
    """Times each decision is timed; the fastest counts."""
    work: Path | None = Path("runs/experiments/antenna_selection")
    """Where finished units are kept; nowhere if None."""
    out: Path | None = HERE
    """Where the table goes; nowhere if None."""


def run(config: Config) -> dict[str, dict[str, list[float]]]:
    """Return the shares of the optimal capacity, by case and way to choose: one for each seed."""
    from mlj.training import use_cores

    use_cores()
    units, found, seconds = Units(config.work, len(config.cases)), {}, {}
    for m, k in config.cases:
        name = f"{k} of {m}"
        settings = settings_of(replace(config, cases=((m, k),)))
        found[name], seconds[name] = units.run(name, settings, lambda m=m, k=k: _case(config, m, k))
    table = _table(config, found, seconds)
    print(table)
    if config.out is not None:
        config.out.write_text(table, encoding="utf-8")
    return found


def _case(config: Config, m: int, k: int) -> tuple[dict[str, list[float]], dict[str, float]]:
    import jax
    from antennas.channel import capacity, draw_grams
    from antennas.search import at_random, exhaustive, greedy, strongest

    snr = 10 ** (config.snr_db / 10)
    key_learn, key_test, key_random = jax.random.split(jax.random.key(m * 100 + k), 3)
    gram = draw_grams(key_test, config.tests, config.receivers, m)
    every = partial(exhaustive, k=k, snr=snr)
    optimum = capacity(gram, every(gram), k=k, snr=snr).sum()

    def share(chosen) -> float:
        return (capacity(gram, chosen, k=k, snr=snr).sum() / optimum).item()

    found = {
        "random": [share(at_random(key_random, number=config.tests, num_antennas=m, k=k))],
        "largest norm": [share(strongest(gram, k=k))],
        "greedy": [share(greedy(gram, k=k, snr=snr))],
    }
    learn = draw_grams(key_learn, config.samples, config.receivers, m)
    labels = every(learn)
    for name in config.losses:
        decide, networks = _trained(config, name, k, snr, learn, labels)
        found[name] = [share(decide(params, gram)) for params in networks]
        print(f"{k} of {m}", name, [f"{100 * x:.2f}" for x in found[name]], flush=True)
    seconds = {
        "exhaustive": _seconds(config, every, gram),
        "greedy": _seconds(config, partial(greedy, k=k, snr=snr), gram),
        "network": _seconds(config, partial(decide, networks[0]), gram),
    }
    return found, seconds


def _trained(config: Config, name: str, k: int, snr: float, gram, labels) -> tuple[Callable, list]:
    """Return ``decide(params, gram)`` and the parameters of a network for each seed."""
    import jax
    import jax.numpy as jnp
    from antennas.features import describe
    from antennas.network import AntennaNetwork
    from antennas.search import largest
    from flax import nnx

    from mlj import losses
    from mlj.models import as_function
    from mlj.training import Batch, Plan, Problem, Sweep, stack_lanes

    bound = {"max_present": k} if name == "conditional_bernoulli" else {}
    mean_loss = losses.mean_over_samples(partial(losses.get_loss(name), **bound))

    def build(key):
        return as_function(AntennaNetwork(rngs=nnx.Rngs(key)))

    apply_fn = build(jax.random.key(0))[0]
    problem = Problem(
        init=lambda key, options: build(key)[1],
        objective=lambda params, batch, key, options: mean_loss(
            apply_fn(params, batch.features, key=key), batch.labels
        ),
        predict=lambda params, features, options: apply_fn(params, features),
        criterion=lambda outputs, labels, where: -jnp.mean(mean_loss(outputs, labels)),
    )
    data = Batch(describe(gram, k=k, snr=snr), labels.astype(jnp.float32))
    plan = Plan(max_epochs=config.epochs, average_decay=0.99)
    lanes = stack_lanes([_lane(config, seed) for seed in range(config.seeds)])
    params = Sweep(problem, plan, data)(lanes).params

    @jax.jit
    def decide(params, gram):
        return largest(apply_fn(params, describe(gram, k=k, snr=snr)), k=k)

    return decide, [jax.tree.map(lambda leaf, seed=seed: leaf[seed], params) for seed in range(config.seeds)]


def _lane(config: Config, seed: int):
    """Return a run of all epochs on all channels; the few it is watched on are its own."""
    import numpy as np

    from mlj.training import Lane

    rows = np.arange(config.samples, dtype=np.int32)
    return Lane(
        seed=np.int32(seed),
        learning_rate=np.float32(config.learning_rate),
        weight_decay=np.float32(1e-4),
        train_rows=rows,
        num_train=np.int32(config.samples),
        validation_rows=rows[:128],
        max_epochs=np.int32(config.epochs),
        keep_last=np.bool_(True),
        options={},
    )


def _seconds(config: Config, decide: Callable, gram) -> float:
    """Return the processor's seconds for one decision, of all made at once."""
    import jax

    jax.block_until_ready(decide(gram))
    spent = []
    for _ in range(config.rounds):
        start = time.process_time()
        jax.block_until_ready(decide(gram))
        spent.append(time.process_time() - start)
    return min(spent) / len(gram)


def _table(config: Config, found, seconds) -> str:
    import jax

    cases = list(found)
    lines = [
        "# Choosing antennas",
        "",
        "Capacity as a share of that of the best subset, in per cent, both summed over "
        f"{config.tests} channels of independent complex normals, {config.receivers} receiving antennas, "
        f"{config.snr_db:g} dB. Networks: mean of {config.seeds} seeds, the smallest and the largest in "
        f"brackets; {config.samples} channels to learn from, {config.epochs} passes.",
        "",
        "| choice | " + " | ".join(cases) + " |",
        "|---|" + "---|" * len(cases),
    ]
    ways = list(found[cases[0]])
    lines += [f"| {way} | " + " | ".join(_cell(found[case][way]) for case in cases) + " |" for way in ways]
    lines += [
        "",
        f"Microseconds of one core for a decision, {config.tests} at a time; the network's "
        "includes its features.",
        "",
    ]
    lines += ["| choice | " + " | ".join(cases) + " |", "|---|" + "---|" * len(cases)]
    for way in ("exhaustive", "greedy", "network"):
        lines.append(f"| {way} | " + " | ".join(f"{1e6 * seconds[case][way]:.1f}" for case in cases) + " |")
    goals = [
        f"{k} of {m}: at least {100 * goal:g} %: "
        + ("met by " + ", ".join(met) if (met := _met(found[f"{k} of {m}"], goal)) else "missed")
        for (m, k), goal in GOALS.items()
        if f"{k} of {m}" in found
    ]
    lines += ["", *(f"Goal for {goal}.  " for goal in goals)]
    lines += ["", f"jax {jax.__version__}, {jax.device_count()} CPU devices, {platform.machine()}."]
    return "\n".join(lines) + "\n"


def _met(shares: dict[str, list[float]], goal: float) -> list[str]:
    """Return the losses whose every network reaches the goal."""
    return [name for name, values in shares.items() if name in LOSSES and min(values) >= goal]


def _cell(shares: list[float]) -> str:
    mean = 100 * sum(shares) / len(shares)
    if len(shares) == 1:
        return f"{mean:.2f}"
    return f"{mean:.2f} ({100 * min(shares):.2f} to {100 * max(shares):.2f})"


if __name__ == "__main__":
    import tyro

    run(tyro.cli(Config))
