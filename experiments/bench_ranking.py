"""How fast are the losses of pairs, and how does cost grow with the number of labels?

Command: ``python experiments/bench_ranking.py``. Cost: about three minutes and 6 GB on two cores. The result
is the section of this file in ``benchmarks.md`` and a picture; the exit status is 1 if a goal is missed.

Value and gradient of the mean over samples. Peers form a table ``[L, L]`` of all pairs of each sample: rax
where it is installed, else the table that one would write. They take seconds a call, so that they are timed
in fewer rounds of their own, after ours. Before any time is taken, all are compared with the sum over the
pairs of each row in float64 NumPy, ours in double precision too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from timing import Goal, Times, interleaved, judged, machine, write_section
from timing.page import PAGE

from mlj import losses

try:
    import rax
except ImportError:  # The tables below stand for it.
    rax = None

HEADING = "bench_ranking.py: losses of pairs, and cost against the number of labels"
AHEAD = {"pairwise_logistic": 1000, "pairwise_hinge": 500, "lsep": 1000}
"""How many times as fast as its peer each loss should be."""
PICTURE = Path(__file__).with_name("cost_against_labels.png")
SWEPT = (*AHEAD, "zlpr", "softmax_cross_entropy", "sigmoid_cross_entropy")
TONES = ("#D55E00", "#0072B2", "#882255", "#C98500", "#009E73", "#555555")

Objective = Callable[[jax.Array, jax.Array], jax.Array]


@dataclass(frozen=True, kw_only=True)
class Config:
    """What is timed."""

    shape: tuple[int, int, int] = (64, 2048, 5)
    """Samples, labels and present labels of each sample, where peers are timed."""
    wide: tuple[int, int, int] = (16, 131072, 8)
    """The same where a table of pairs would take 1.1 TB."""
    sweep: tuple[int, ...] = (512, 2048, 8192, 32768, 131072)
    """Numbers of labels in the picture."""
    sweep_samples: int = 16
    """Samples in the picture."""
    sweep_present: int = 5
    """Present labels of each sample in the picture."""
    rounds: int = 15
    """Times each of our forms is measured."""
    peer_rounds: int = 3
    """Times each peer is measured."""
    peer_bytes: int = 2 << 30
    """Temporary memory beyond which a peer is left out of the picture."""
    out: Path | None = PAGE
    """The page whose section is written; nowhere if None."""
    picture: Path | None = PICTURE
    """Where the picture goes; nowhere if None."""


def run(config: Config) -> dict:
    """Return the goals, the times of every contender and those of the picture, after writing them down."""
    goals: list[Goal] = []
    lines = [machine("rax")]
    if rax is None:
        lines.append(
            "rax is not installed: its losses are replaced by the table of pairs that one would write."
        )
    found = {"small": _beside_peers(config, lines, goals), "wide": _alone(config, lines, goals)}
    found["sweep"] = _swept(config, lines)
    text = "\n\n".join([*lines, judged(goals)])
    print(text)
    if config.out is not None:
        write_section(HEADING, text, config.out)
    if config.picture is not None:
        _draw(found["sweep"], config)
    return {"goals": goals, "times": found}


def _inputs(samples: int, labels: int, present: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(labels)
    truth = np.zeros((samples, labels), np.float32)
    for row in truth:
        row[rng.choice(labels, present, replace=False)] = 1
    return (2 * rng.normal(size=truth.shape)).astype(np.float32), truth


def _ours(present: int) -> dict[str, Objective]:
    """Return our forms; a loss that can be told how many labels are present comes in both."""
    forms = {name: losses.LOSSES[name] for name in AHEAD}
    told = {"pairwise_logistic, max_present": partial(losses.pairwise_logistic, max_present=present)}
    return {name: lambda s, y, loss=loss: jnp.mean(loss(s, y)) for name, loss in (forms | told).items()}


def _pairs(s: jax.Array, y: jax.Array) -> tuple[jax.Array, jax.Array]:
    return s[..., None, :] - s[..., :, None], (y[..., :, None] > 0) & (y[..., None, :] <= 0)


def _pair_mean(cost: Callable[[jax.Array], jax.Array]) -> Objective:
    def objective(s: jax.Array, y: jax.Array) -> jax.Array:
        gap, pair = _pairs(s, y)
        return jnp.sum(jnp.where(pair, cost(gap), 0)) / jnp.sum(pair)

    return objective


def _lsep_table(s: jax.Array, y: jax.Array) -> jax.Array:
    gap, pair = _pairs(s, y)
    return jnp.mean(jnp.log1p(jnp.sum(jnp.where(pair, jnp.exp(gap), 0), axis=(-2, -1))))


def _peers() -> dict[str, Objective]:
    """Return the mean over a batch whose samples have as many present labels each, from tables of pairs."""
    if rax is None:
        logistic, hinge = _pair_mean(jax.nn.softplus), _pair_mean(lambda gap: jax.nn.relu(1 + gap))
    else:
        logistic, hinge = rax.pairwise_logistic_loss, rax.pairwise_hinge_loss
    return {"pairwise_logistic": logistic, "pairwise_hinge": hinge, "lsep": _lsep_table}


def _row_by_row(name: str, s: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray]:
    """Return the mean over samples of a loss and its slope, in float64, from the pairs of each row."""
    costs, slope = np.zeros(len(s)), np.zeros(s.shape)
    for i, row in enumerate(np.float64(s)):
        present = y[i] > 0
        gap = row[None, ~present] - row[present, None]
        if name == "lsep":
            total = np.sum(np.exp(gap))
            costs[i], steep = np.log1p(total), np.exp(gap) / (1 + total)
        elif name == "pairwise_hinge":
            costs[i], steep = np.mean(np.maximum(1 + gap, 0)), (gap > -1) / gap.size
        else:
            costs[i], steep = np.mean(np.logaddexp(0, gap)), np.exp(-np.logaddexp(0, -gap)) / gap.size
        slope[i, ~present], slope[i, present] = np.sum(steep, axis=0), -np.sum(steep, axis=1)
    return np.mean(costs), slope / len(s)


def _distance(found: tuple[jax.Array, jax.Array], wanted: tuple[float, np.ndarray]) -> float:
    """Return the larger relative error: of the value, or of the slope against its largest entry."""
    value, slope = (np.float64(x) for x in found)
    return max(abs(value / wanted[0] - 1), np.max(np.abs(slope - wanted[1])) / np.max(np.abs(wanted[1])))


def _compiled(forms: Mapping[str, Objective], s: jax.Array, y: jax.Array) -> dict:
    return {name: jax.jit(jax.value_and_grad(form)).lower(s, y).compile() for name, form in forms.items()}


def _bytes(compiled) -> int:
    return compiled.memory_analysis().temp_size_in_bytes


def _errors(compiled: Mapping, s: np.ndarray, y: np.ndarray, limit: float) -> dict[str, float]:
    """Return how far each form is off the float64 sum over pairs, or raise if one is wrong."""
    truths = {name: _row_by_row(name, s, y) for name in AHEAD}
    found = {name: _distance(call(s, y), truths[name.split(",")[0]]) for name, call in compiled.items()}
    for name, error in found.items():
        if not error < limit:
            raise AssertionError(f"{name} is off by {error:.3g} relative, more than {limit:g}")
    return found


def _double_error(present: int, s: np.ndarray, y: np.ndarray) -> float:
    with jax.enable_x64(True):
        s = np.float64(s)
        return max(_errors(_compiled(_ours(present), s, y), s, y, 1e-12).values())


def _timed(compiled: Mapping, s: jax.Array, y: jax.Array, rounds: int) -> dict[str, Times]:
    calls = {name: lambda call=call: jax.block_until_ready(call(s, y)) for name, call in compiled.items()}
    return interleaved(calls, rounds)


def _beside_peers(config: Config, lines: list[str], goals: list[Goal]) -> dict:
    s, y = _inputs(*config.shape)
    ours, peers = (_compiled(forms, s, y) for forms in (_ours(config.shape[2]), _peers()))
    # Peers err more, as they should be allowed to.
    errors, theirs = _errors(ours, s, y, 1e-5), _errors(peers, s, y, 1e-3)
    double = _double_error(config.shape[2], s, y)
    s, y = jnp.asarray(s), jnp.asarray(y)
    times, slow = _timed(ours, s, y, config.rounds), _timed(peers, s, y, config.peer_rounds)
    rows = [
        "| loss | ours, ms | least | temp, MiB | off float64 | peer, ms | least | temp, MiB | off float64 "
        "| times as fast |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for form, call in ours.items():
        name = form.split(",")[0]
        told = f"{name}, max_present" in ours and form == name
        ratio, share = slow[name].median / times[form].median, _bytes(call) / _bytes(peers[name])
        rows.append(
            f"| `{form}` | {_ms(times[form])} | {_bytes(call) / 2**20:.2f} | {errors[form]:.1e} "
            f"| {_ms(slow[name])} | {_bytes(peers[name]) / 2**20:.0f} | {theirs[name]:.1e} | {ratio:.0f} |"
        )
        if not told:
            goals.append(Goal(f"`{form}`: times as fast as its peer", ratio, AHEAD[name]))
        goals.append(Goal(f"`{form}`: temporary memory over its peer's", share, 0.01, False))
        goals.append(Goal(f"`{form}`: relative error", errors[form], 1e-6, False))
    goals.append(Goal("largest relative error in double precision", double, 1e-12, False))
    who = "the table of pairs" if rax is None else "rax, for lsep the table of pairs"
    lines += [
        f"### Beside peers: {_named(config.shape)}",
        f"Peers are {who}. Medians of {config.rounds} rounds of ours and of {config.peer_rounds} of theirs.",
        "\n".join(rows),
    ]
    return {"ours": times, "peers": slow}


def _alone(config: Config, lines: list[str], goals: list[Goal]) -> dict[str, Times]:
    s, y = _inputs(*config.wide)
    ours = _compiled(_ours(config.wide[2]), s, y)
    errors = _errors(ours, s, y, 1e-5)
    times = _timed(ours, jnp.asarray(s), jnp.asarray(y), config.rounds)
    rows = ["| loss | ms | least | temp, MiB | off float64 |", "|---|---:|---:|---:|---:|"]
    for name, call in ours.items():
        rows.append(f"| `{name}` | {_ms(times[name])} | {_bytes(call) / 2**20:.1f} | {errors[name]:.1e} |")
        goals.append(Goal(f"`{name}`, {config.wide[1]} labels: ms", 1e3 * times[name].median, 100, False))
        goals.append(Goal(f"`{name}`, {config.wide[1]} labels: relative error", errors[name], 1e-6, False))
    lines += [f"### Alone: {_named(config.wide)}", "\n".join(rows)]
    return times


def _swept(config: Config, lines: list[str]) -> dict[str, dict[str, dict[int, float]]]:
    """Return the median milliseconds of each loss and of each table that fits, by number of labels."""
    found: dict[str, dict[str, dict[int, float]]] = {
        "ours": {name: {} for name in SWEPT},
        "tables": {name: {} for name in AHEAD},
    }
    for labels in config.sweep:
        s, y = (jnp.asarray(x) for x in _inputs(config.sweep_samples, labels, config.sweep_present))
        forms = {name: lambda s, y, loss=losses.LOSSES[name]: jnp.mean(loss(s, y)) for name in SWEPT}
        for name, times in _timed(_compiled(forms, s, y), s, y, config.rounds).items():
            found["ours"][name][labels] = 1e3 * times.median
        # Two float32 tables of all pairs are the least that a value and its gradient can do with.
        if config.sweep_samples * labels**2 * 8 > config.peer_bytes:
            continue
        tables = {
            name: call
            for name, call in _compiled(_peers(), s, y).items()
            if _bytes(call) <= config.peer_bytes
        }
        for name, times in (_timed(tables, s, y, config.peer_rounds) if tables else {}).items():
            found["tables"][name][labels] = 1e3 * times.median
    rows = [
        f"| ms at labels | {' | '.join(f'{n:,}' for n in config.sweep)} |",
        f"|---|{'---:|' * len(config.sweep)}",
    ]
    for kind, tail in (("ours", ""), ("tables", ", its peer")):
        for name, points in found[kind].items():
            cells = (f"{points[n]:.2f}" if n in points else "" for n in config.sweep)
            rows.append(f"| `{name}`{tail} | {' | '.join(cells)} |")
    named = f"{config.sweep_samples} samples, {config.sweep_present} present labels each"
    lines += [f"### Cost against the number of labels: {named}", "\n".join(rows)]
    lines.append("![Cost against the number of labels](cost_against_labels.png)")
    return found


def _ms(times: Times) -> str:
    return f"{1e3 * times.median:.2f} | {1e3 * times.least:.2f}"


def _named(shape: tuple[int, int, int]) -> str:
    return f"{shape[0]} samples, {shape[1]} labels, {shape[2]} of them present"


def _draw(swept: dict[str, dict[str, dict[int, float]]], config: Config) -> None:
    from mlj.report import style

    ours, tables, last = swept["ours"], swept["tables"], max(config.sweep)
    tones = dict(zip(ours, TONES))
    with style.drawing():
        figure = style.new_figure(8.2, 4.9)
        axes = style.place_axes(figure, 0.75, 0.6, 5.3, 3.75)
        axes.set(xscale="log", yscale="log", xlabel="labels", ylabel="ms a call")
        for name, points in ours.items():
            axes.plot(*zip(*points.items()), "o-", ms=3.5, lw=1.7, color=tones[name])
        for name, points in tables.items():
            if points:
                axes.plot(*zip(*points.items()), "o--", ms=3.5, lw=1.2, color=tones[name], mfc="white")
        ends = [(points[last], last, name, tones[name]) for name, points in ours.items()]
        _name_ends(axes, ends)
        _name_ends(
            axes,
            [(points[max(points)], max(points), f"{_peer_of(name)}: {name}", tones[name])
             for name, points in tables.items() if points],
        )  # fmt: skip
        axes.set_xticks(config.sweep, [f"{n:,}" for n in config.sweep])
        axes.minorticks_off()
        axes.yaxis.set_major_formatter(lambda ms, _: f"{ms:g}")
        axes.grid(axis="y")
        shape = f"{config.sweep_samples} samples, {config.sweep_present} present labels each"
        axes.set_title(f"Value and gradient, {shape}: ours (lines) and tables of all pairs (dashed)")
        figure.savefig(config.picture, dpi=160)


def _peer_of(name: str) -> str:
    return "table" if rax is None or name == "lsep" else "rax"


def _name_ends(axes, ends: list[tuple[float, int, str, str]]) -> None:
    """Write each name beside the last point of its line, moved up and down where names would touch."""
    low, high = np.log(axes.get_ylim())
    room = 0.045 * (high - low)
    places = np.log([value for value, *_ in sorted(ends)])
    steps = room * np.arange(len(places))
    # Pushed up from below and pushed down from above, names keep their distances, and so do the means.
    up = np.maximum.accumulate(places - steps) + steps
    down = np.flip(np.minimum.accumulate(np.flip(places - steps))) + steps
    for place, (_, labels, name, tone) in zip(np.exp((up + down) / 2), sorted(ends)):
        axes.annotate(
            name, (labels, place), xytext=(8, 0), textcoords="offset points", va="center", fontsize=8,
            color=tone, annotation_clip=False,
        )  # fmt: skip


if __name__ == "__main__":
    import sys

    import tyro

    sys.exit(not all(goal.met for goal in run(tyro.cli(Config))["goals"]))
