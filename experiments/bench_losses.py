"""How fast are cost and slope of the losses of independent labels, beside peers and straightforward forms?

Command: ``make bench``, or ``python experiments/bench_losses.py``; with PyTorch installed, it is a peer. On a
GPU: ``python experiments/bench_losses.py --device gpu``. Cost: about five minutes on two cores.

Result: in ``benchmarks.md``, written by this file. Every contender computes the mean cost of a batch and its
slope in all logits. Costs and slopes are compared with float64 before anything is timed. Contenders of a
table take turns, in an order that rotates.
"""

from __future__ import annotations

import inspect
import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import tyro
from forms.official import asymmetric, cross_entropy, soft_margin, torch, trained
from forms.straight import STRAIGHT
from timing import Goal, Times, interleaved, judged, machine, write_section
from timing.bandwidth import COPY, copying, device_seconds

from mlj.losses import LOSSES
from mlj.testing import case_of

TRANSCENDENTAL = ("exponential", "exponential-minus-one", "log", "log-plus-one", "logistic", "tanh", "power")


@dataclass(frozen=True, kw_only=True)
class Config:
    """What is timed."""

    device: str = "cpu"
    """``cpu``, or ``gpu`` for the bandwidth that BCE, ASL and ZLPR reach."""
    rounds: int = 15
    """Times that each contender is measured."""
    rounds_of_each: int = 7
    """Likewise in the table of all losses."""
    batch: int = 4096
    """Samples of the tables of moderately many labels."""
    labels: int = 1000
    """Their labels."""
    wide_batch: int = 256
    """Samples of the tables of many labels."""
    wide_labels: int = 131072
    """Their labels."""
    gpu_batch: int = 8192
    """Samples of the table of a GPU."""
    gpu_labels: int = 32768
    """Their labels."""
    losses: tuple[str, ...] = tuple(STRAIGHT)
    """Losses of the table of all."""
    compiled: bool = True
    """Whether ``torch.compile`` is a contender; it needs a C++ compiler."""
    out: bool = True
    """Whether the section of ``benchmarks.md`` is written."""


def run(config: Config) -> dict[str, Any]:
    """Time everything, print and write the tables; return the goals and the times."""
    if config.device == "gpu":
        return run_on_gpu(config)
    bce, bce_goals = cross_entropies(config, config.batch, config.labels)
    wide, wide_goals = cross_entropies(config, config.wide_batch, config.wide_labels)
    asl, asl_goals = asymmetrics(config)
    each, each_goals = all_losses(config)
    goals = [*bce_goals, *wide_goals, *asl_goals, *each_goals]
    body = "\n".join(
        [
            f"`bench_losses.py`. {machine('optax', 'torch')} float32; milliseconds of cost and slope.\n",
            judged(goals),
            _table(f"sigmoid_cross_entropy [{config.batch}, {config.labels}]", bce),
            _table(f"sigmoid_cross_entropy [{config.wide_batch}, {config.wide_labels}]", wide),
            _table(f"asymmetric_focal_shifted [{config.batch}, {config.labels}]", asl),
            each,
        ]
    )
    print(body)
    if config.out:
        write_section("Losses of independent labels on a CPU", body)
    return {"goals": goals, "bce": bce, "wide": wide, "asl": asl}


def samples(batch: int, labels: int) -> tuple[np.ndarray, np.ndarray]:
    """Return logits of spread 3, and labels of which one in fifty is present."""
    rng = np.random.default_rng(0)
    logits = rng.normal(scale=3, size=(batch, labels)).astype(np.float32)
    return logits, (rng.random((batch, labels), np.float32) < 0.02).astype(np.float32)


def compiled(loss: Callable, s: np.ndarray, y: np.ndarray, **more: Any) -> Callable[[], tuple]:
    """Return a function that computes mean cost and slope once and waits for them."""

    def objective(s, y, more):
        return jnp.sum(loss(s, y, **more) / s.shape[0])

    step = jax.jit(jax.value_and_grad(objective))
    given = jax.device_put((s, y, more))
    program = step.lower(*given).compile()
    return lambda: jax.block_until_ready(program(*given))


def check(name: str, step: Callable[[], tuple], wanted: tuple[float, np.ndarray], rtol: float) -> None:
    """Raise ``ValueError`` unless a contender has the cost and the slope that float64 has."""
    value, slope = step()
    scale = np.abs(wanted[1]).max()
    worst = np.abs(np.asarray(slope, np.float64) - wanted[1]).max() / scale
    if abs(float(value) - wanted[0]) > rtol * abs(wanted[0]) or not worst <= rtol:
        raise ValueError(f"{name}: cost {float(value)}, float64 {wanted[0]}; slope off by {worst:.2g}")


def in_float64(s: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray]:
    """Return mean cost and slope of the sigmoid cross-entropy."""
    wide = s.astype(np.float64)
    cost = np.mean(np.logaddexp(0, wide) - wide * y)
    return float(cost), (1 / (1 + np.exp(-wide)) - y) / s.size


def shifted_in_float64(s: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray]:
    """Return mean cost and slope of the asymmetric loss at its defaults."""
    p = 1 / (1 + np.exp(-s.astype(np.float64)))
    q = np.maximum(p - 0.05, 0)
    cost = -y * np.log(p) - (1 - y) * q**4 * np.log1p(-q)
    slope = -y * (1 - p) + (1 - y) * p * (1 - p) * (q**4 / (1 - q) - 4 * q**3 * np.log1p(-q))
    return float(np.mean(cost)), slope / s.size


def cross_entropies(config: Config, batch: int, labels: int) -> tuple[dict[str, Times], list[Goal]]:
    """Time the sigmoid cross-entropy of all libraries."""
    s, y = samples(batch, labels)
    peers = {
        "mlj": compiled(LOSSES["sigmoid_cross_entropy"], s, y),
        "mlj, vmap over samples": compiled(jax.vmap(LOSSES["sigmoid_cross_entropy"]), s, y),
        "optax": compiled(lambda s, y: optax.sigmoid_binary_cross_entropy(s, y).mean(-1), s, y),
    }
    if torch is not None:
        peers["torch"] = trained(cross_entropy, s, y)
        peers["torch, soft margin"] = trained(soft_margin, s, y)
        if config.compiled:
            peers["torch.compile"] = trained(cross_entropy, s, y, compiled=True)
    wanted = in_float64(s, y)
    for name, step in peers.items():
        check(name, step, wanted, 1e-5)
    limit = np.empty_like(s)
    peers["one pass, a product by NumPy"] = lambda: np.multiply(s, y, out=limit)
    times = interleaved(peers, config.rounds)
    ours, shape = times["mlj"].median, f"BCE [{batch}, {labels}]"
    few = labels < 10000
    bounds = {"optax": 7 if few else 3, "torch": 2 if few else 3, "torch.compile": 1.1}
    goals = [
        Goal(f"{shape}, times {name}", times[name].median / ours, bound)
        for name, bound in bounds.items()
        if name in times and (few or name != "torch.compile")
    ]
    vmapped = times["mlj, vmap over samples"].median / ours
    return times, [*goals, Goal(f"{shape}, vmap over the batched form", vmapped, 1.05, least=False)]


def asymmetrics(config: Config) -> tuple[dict[str, Times], list[Goal]]:
    """Time the asymmetric focal loss."""
    s, y = samples(config.batch, config.labels)
    loss = LOSSES["asymmetric_focal_shifted"]
    peers = {
        "mlj": compiled(loss, s, y),
        "straightforward jnp": compiled(STRAIGHT["asymmetric_focal_shifted"], s, y),
    }
    if torch is not None:
        peers["torch, step by step"] = trained(asymmetric, s, y)
        if config.compiled:
            peers["torch.compile"] = trained(asymmetric, s, y, compiled=True)
    wanted = shifted_in_float64(s, y)
    for name, step in peers.items():
        check(name, step, wanted, 2e-5)
    times = interleaved(peers, config.rounds)
    bounds = {"torch, step by step": 8, "torch.compile": 3}
    goals = [
        Goal(f"ASL, times {name}", times[name].median / times["mlj"].median, bound)
        for name, bound in bounds.items()
        if name in times
    ]
    far = jax.grad(lambda s: loss(s, jnp.ones(1))[()])(jnp.array([-1e4]))
    return times, [*goals, Goal("ASL, slope of a present label at -1e4", -float(far[0]), 0.99)]


def all_losses(config: Config) -> tuple[str, list[Goal]]:
    """Time every loss of independent labels against its straightforward form and the cross-entropy."""
    s, y = samples(config.batch, config.labels)
    base = compiled(LOSSES["sigmoid_cross_entropy"], s, y)
    unit = per_transcendental(LOSSES["sigmoid_cross_entropy"], {})
    lines = [
        "| loss | ms | straightforward over it | per transcendental, over BCE's | first call, ms |",
        "|---|---:|---:|---:|---:|",
    ]
    ratios, costs, firsts = {}, {}, {}
    for name in config.losses:
        more = further_inputs(name, y)
        first = first_call(LOSSES[name], s[:2, :8], y[:2, :8], further_inputs(name, y[:2, :8]))
        contenders = {"BCE": base, "mlj": compiled(LOSSES[name], s, y, **more)}
        contenders["straight"] = compiled(STRAIGHT[name], s, y, **more)
        times = interleaved(contenders, config.rounds_of_each)
        ours = times["mlj"].median
        count = per_transcendental(LOSSES[name], more)
        ratios[name], firsts[name] = times["straight"].median / ours, first * 1e3
        costs[name] = ours / times["BCE"].median * unit / max(count, 1) if count else 0.0
        per = f"{costs[name]:.2f}" if count else "none in it"
        lines.append(f"| {name} | {ours * 1e3:.1f} | {ratios[name]:.2f} | {per} | {firsts[name]:.0f} |")
    worst, dearest, slowest = (
        min(ratios, key=ratios.get),
        max(costs, key=costs.get),
        max(firsts, key=firsts.get),
    )
    return "\n".join(["### All", "", *lines, ""]), [
        Goal(f"slowest against its straightforward form: {worst}", ratios[worst], 1),
        Goal(f"dearest per transcendental, over BCE: {dearest}", costs[dearest], 1.5, least=False),
        Goal(f"longest first call, ms: {slowest}", firsts[slowest], 200, least=False),
    ]


def per_transcendental(loss: Callable, more: dict[str, Any]) -> int:
    """Count the exponentials, logarithms and the like in the compiled cost and slope of few samples."""
    s, y = samples(2, 8)
    more = {name: x[..., :8] if jnp.ndim(x) == 1 else x for name, x in more.items()}
    more = {name: x[:2, :8] if jnp.ndim(x) == 2 else x for name, x in more.items()}
    step = jax.jit(jax.value_and_grad(lambda s: jnp.sum(loss(s, y, **more))))
    text = step.lower(s).compile().as_text()
    return sum(len(re.findall(rf" f32\[2,8\]\S* {op}\(", text)) for op in TRANSCENDENTAL)


def further_inputs(name: str, y: np.ndarray) -> dict[str, Any]:
    """Return what else a loss needs, for all labels of ``y``."""
    made, labels = {}, y.shape[-1]
    for extra in case_of(name).extras:
        few = np.asarray(extra.make(y[:, :7] if labels > 7 else np.resize(y, (len(y), 7))))
        made[extra.name] = jnp.asarray(np.tile(few, -(-labels // few.shape[-1]))[..., :labels])
    if "num_samples" in inspect.signature(LOSSES[name]).parameters:
        made["num_samples"] = jnp.float32(4096)
    return made


def first_call(loss: Callable, s: np.ndarray, y: np.ndarray, more: dict[str, Any]) -> float:
    """Return the seconds until the first cost is there, in a function that was never called."""
    fresh = jax.jit(inspect.unwrap(loss))
    start = time.perf_counter()
    jax.block_until_ready(fresh(s, y, **more))
    return time.perf_counter() - start


def run_on_gpu(config: Config) -> dict[str, Any]:
    """Return which share of the speed of a copy cost and slope reach, for logits of 4 and of 2 bytes."""
    shape, key = (config.gpu_batch, config.gpu_labels), jax.random.key(0)
    copy, copied = copying(shape, jax.random.fold_in(key, 0))
    logits = jax.jit(lambda key: 3 * jax.random.normal(key, shape))(jax.random.fold_in(key, 1))
    labels = jax.jit(lambda key: jax.random.bernoulli(key, 0.02, shape))(jax.random.fold_in(key, 2))
    kinds = {
        "float32": (logits, labels.astype(jnp.float32), 12),
        "bfloat16": (logits.astype(jnp.bfloat16), labels.astype(jnp.uint8), 5),
    }
    programs, moved = {COPY: copy}, {COPY: copied}
    for name in ("sigmoid_cross_entropy", "asymmetric_focal_shifted", "zlpr"):
        step = jax.jit(jax.value_and_grad(lambda s, y, loss=LOSSES[name]: jnp.sum(loss(s, y) / shape[0])))
        for kind, (s, y, per_entry) in kinds.items():
            program = step.lower(s, y).compile()
            programs[f"{name}, {kind}"] = lambda program=program, s=s, y=y: program(s, y)
            moved[f"{name}, {kind}"] = per_entry * s.size
    times = device_seconds(programs, config.rounds, calls=10)
    rates = {name: moved[name] / median / 1e9 for name, (median, _) in times.items()}
    lines = ["| program | ms | least | GB/s | share of a copy |", "|---|---:|---:|---:|---:|"]
    for name, (median, least) in times.items():
        share = rates[name] / rates[COPY]
        lines.append(f"| {name} | {median * 1e3:.2f} | {least * 1e3:.2f} | {rates[name]:.0f} | {share:.2f} |")
    goals = [
        Goal(f"{name}, share of a copy", rates[name] / rates[COPY], 0.85) for name in programs if name != COPY
    ]
    told = (
        f"`bench_losses.py --device gpu`. {jax.devices()[0].device_kind}, {machine()} Cost and slope of "
        f"{list(shape)}. A float32 entry moves 12 bytes at least, bfloat16 logits with uint8 labels 5.\n"
    )
    body = "\n".join([told, judged(goals), *lines, ""])
    print(body)
    if config.out:
        write_section("Losses on a GPU", body)
    return {"goals": goals, "rates": rates}


def _table(title: str, times: dict[str, Times]) -> str:
    ours = times["mlj"].median
    lines = [f"### {title}\n", "| contender | median | least | times ours |", "|---|---:|---:|---:|"]
    for name, found in times.items():
        lines.append(
            f"| {name} | {found.median * 1e3:.2f} | {found.least * 1e3:.2f} | {found.median / ours:.2f} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    found = run(tyro.cli(Config))
    sys.exit(not all(goal.met for goal in found["goals"]))
