"""How fast is training: one small network, 32 of them in one sweep, and a loss mapped over samples?

Command: ``python experiments/bench_training.py``. Cost: about a minute on two cores. The result is the
section of this file in ``benchmarks.md``; the exit status is 1 if a goal is missed.

Yeast, 1500 rows to train on and 917 to measure after each epoch: one hidden layer, Adam, shuffled batches of
128. The peer is a plain loop of torch on one thread, with the same network, batches, optimizer and
measurements; without torch, our times stand alone. Before any time is taken, one step of both is compared
with a float64 NumPy step, and so are the training losses that both reach in the end.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from timing import Goal, Times, interleaved, judged, machine, write_section
from timing.page import PAGE

HEADING = "bench_training.py: one network, a sweep of them, and losses over samples"


@dataclass(frozen=True, kw_only=True)
class Config:
    """What is timed."""

    lanes: int = 32
    """Networks in a sweep, each with its own seed."""
    epochs: int = 10
    """Passes of each network."""
    widths: tuple[int, ...] = (32, 128)
    """Widths of the hidden layer; the goals are those of the first."""
    rows: int = 1500
    """Rows of yeast to train on."""
    batch_size: int = 128
    """Rows of a step."""
    peers: bool = True
    """Whether torch is timed where it is installed."""
    loss_shape: tuple[int, int] = (4096, 1000)
    """Samples and labels of the losses."""
    rounds: int = 15
    """Times each contender is measured."""
    out: Path | None = PAGE
    """The page whose section is written; nowhere if None."""


def run(config: Config) -> dict:
    """Return the goals and the times of every contender, after writing them down."""
    from mlj.training import use_cores

    use_cores()
    peers = config.peers and find_spec("torch") is not None
    goals: list[Goal] = []
    lines: list[str] = []
    if not peers:
        lines.append("torch is not installed here or was not asked for: no ratios.")
    found = {}
    for width in config.widths:
        found[f"hidden {width}"] = _networks(config, width, peers, lines, goals)
    found["losses"] = _losses(config, lines, goals)
    text = "\n\n".join([machine("optax", "flax", "torch"), *lines, judged(goals)])
    print(text)
    if config.out is not None:
        write_section(HEADING, text, config.out)
    return {"goals": goals, "times": found}


def _networks(config: Config, width: int, peers: bool, lines: list[str], goals: list[Goal]) -> dict:
    """Check, time and describe the training of networks of one width."""
    from networks import case as cases, ours, reference

    case = cases.yeast_case(config.rows, config.batch_size, config.epochs, width)
    reference.check_step("mlj", *ours.first_step(case), case)
    sweep, alone = ours.sweep(case, config.lanes), ours.sweep(case, 1)
    losses = {"mlj": statistics.mean(sweep().train_curve[:, -1].tolist())}
    contenders: dict[str, Callable[[], object]] = {
        "a sweep": sweep,
        "a sweep of one": alone,
        "epochs of `train_epoch`": ours.own_loop(case),
    }
    models = {"a sweep": config.lanes}
    if peers:
        from networks import torch_loop

        reference.check_step("torch", *torch_loop.first_step(case), case)
        losses["torch"] = statistics.mean(torch_loop.train(case, seed) for seed in range(8))
        reference.check_ends(losses)
        contenders["torch eager, 1 thread"] = lambda: torch_loop.train(case, 0)
    times = interleaved(contenders, config.rounds)
    each = {name: Times(*(seconds / models.get(name, 1) for seconds in some)) for name, some in times.items()}
    work = {name: _processor_seconds(call) / models.get(name, 1) for name, call in contenders.items()}
    lines.append(_network_table(config, width, each, work, losses))
    if peers and width == config.widths[0]:
        torch = each["torch eager, 1 thread"].median
        goals += [
            Goal(f"{config.lanes} networks in a sweep, hidden {width}: torch's time by ours, each",
                 torch / each["a sweep"].median, 10),
            Goal(f"one network alone, hidden {width}: torch's time by ours",
                 torch / each["a sweep of one"].median, 4),
        ]  # fmt: skip
    return each


def _processor_seconds(call: Callable[[], object]) -> float:
    """Return the least processor time of three calls, over all threads: another program cannot stretch it."""
    seconds = []
    for _ in range(3):
        start = time.process_time()
        call()
        seconds.append(time.process_time() - start)
    return min(seconds)


def _network_table(config: Config, width: int, each: dict, work: dict, losses: dict) -> str:
    import jax

    peer = "torch eager, 1 thread"
    ends = ", ".join(f"{name} {value:.4f}" for name, value in losses.items())
    lines = [
        f"### One hidden layer of {width}, {config.epochs} epochs of {config.rows} rows, batches of "
        f"{config.batch_size}",
        "",
        f"The sweep has {config.lanes} networks on {jax.device_count()} CPU devices. Mean objective of the "
        f"last epoch over the seeds: {ends}. Milliseconds for each network; processor time is that of all "
        "threads.",
        "",
        "| contender | median | least | processor | torch's median by this | processor by processor |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, some in each.items():
        ratio = f"{each[peer].median / some.median:.2f}" if peer in each else "-"
        share = f"{work[peer] / work[name]:.2f}" if peer in work else "-"
        lines.append(
            f"| {name} | {1e3 * some.median:.2f} | {1e3 * some.least:.2f} | {1e3 * work[name]:.2f} "
            f"| {ratio} | {share} |"
        )
    return "\n".join(lines)


def _losses(config: Config, lines: list[str], goals: list[Goal]) -> dict:
    """Time value and gradient of the mean of a loss: mapped over samples, and on the batch as it is."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    from mlj import losses

    samples, labels = config.loss_shape
    logits = 3 * jax.random.normal(jax.random.key(0), (samples, labels))
    truth = jax.random.bernoulli(jax.random.key(1), 0.05, (samples, labels)).astype(jnp.float32)
    found = {}
    rows = ["| loss | mapped, ms | batched, ms | ratio | ratio of the least |", "|---|---:|---:|---:|---:|"]
    for name in ("sigmoid_cross_entropy", "asymmetric_focal_shifted", "zlpr"):
        loss = losses.LOSSES[name]
        forms = {
            "mapped": jax.jit(jax.value_and_grad(losses.mean_over_samples(loss))),
            "batched": jax.jit(jax.value_and_grad(lambda s, y, loss=loss: jnp.mean(loss(s, y)))),
        }
        values = {way: form(logits, truth) for way, form in forms.items()}
        for one, other in zip(*(jax.tree.leaves(value) for value in values.values())):
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-9)
        calls = {
            way: lambda form=form: jax.block_until_ready(form(logits, truth)) for way, form in forms.items()
        }
        times = found[name] = interleaved(calls, config.rounds)
        ratio = times["mapped"].median / times["batched"].median
        least = times["mapped"].least / times["batched"].least
        rows.append(
            f"| `{name}` | {1e3 * times['mapped'].median:.2f} | {1e3 * times['batched'].median:.2f} "
            f"| {ratio:.3f} | {least:.3f} |"
        )
        goals.append(Goal(f"{name} mapped over samples: time by the batched form's", ratio, 1.05, False))
    shape = f"[{samples}, {labels}]"
    lines += [f"### Value and gradient of a mean over samples, {shape}", "\n".join(rows)]
    return found


if __name__ == "__main__":
    import sys

    import tyro

    sys.exit(not all(goal.met for goal in run(tyro.cli(Config))["goals"]))
