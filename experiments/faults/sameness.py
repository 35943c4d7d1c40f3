"""Which runs give the same bits, and how far apart the others are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from faults.case import Case, digest, make_case
from faults.child import Setting, run_to_end


class Compared(NamedTuple):
    """Two runs that differ in one thing."""

    what: str
    same: bool
    """Whether all bits are the same."""
    apart: float
    """The largest difference between two parameters."""
    promised: bool
    """Whether the same bits are promised."""


def compare_all(case: Case, work: Path, *, lanes: int) -> list[Compared]:
    """Compare runs that should not differ, and runs that may."""
    work.mkdir(parents=True, exist_ok=True)
    return [*_processes(case, work), *_in_process(case, work), *_widths(case, lanes)]


def _processes(case: Case, work: Path) -> list[Compared]:
    """Compare runs of other processes with the first one."""
    cache = work / "compiled"
    settings = {
        "first": Setting(cache=cache, fill=True),
        "the same command again": Setting(),
        "programs from the compilation cache": Setting(cache=cache),
        "two CPU devices in place of one": Setting(devices=2),
        "one core in place of all": Setting(cores=1),
    }
    found = _outs(case, work / "small", settings)
    wide = make_case(work, rows=1000, epochs=2, wide=True)
    cores = {"first": Setting(), "one core in place of all, a wide network": Setting(cores=1)}
    return found + _outs(wide, work / "wide", cores)


def _outs(case: Case, work: Path, settings: dict[str, Setting]) -> list[Compared]:
    """Run under each setting, and compare with the first."""
    work.mkdir()
    outs = {name: work / str(number) for number, name in enumerate(settings)}
    for name, out in outs.items():
        run_to_end(case.command(out), work / f"{out.name}.txt", settings[name])
    first = outs.pop("first")
    return [
        Compared(name, digest(out) == digest(first), _apart(_params(out), _params(first)), "core" not in name)
        for name, out in outs.items()
    ]


def _in_process(case: Case, work: Path) -> list[Compared]:
    """Compare a run that is stopped after every stretch with a whole one, and other ways to cut it."""
    from mlj.data import load
    from mlj.runs import Stopped, TrainConfig, loop, train

    data, config = load(case.data), TrainConfig(**case.settings)
    whole = train(data, config, work / "whole-run")
    parted = None
    while parted is None:
        try:
            parted = train(data, config, work / "parted-run", stop=lambda: True)
        except Stopped:
            continue
    usual, loop.STRETCH_BYTES = loop.STRETCH_BYTES, 1
    try:
        single = train(data, config)
    finally:
        loop.STRETCH_BYTES = usual
    resumed = digest(work / "whole-run") == digest(work / "parted-run")
    other = train(data, replace(config, seed=1))
    return [
        Compared("stopped after every stretch and gone on with", resumed, _of(whole, parted), True),
        Compared("stretches of one step", _of(whole, single) == 0, _of(whole, single), True),
        Compared("another seed", _of(whole, other) == 0, _of(whole, other), False),
    ]


def _widths(case: Case, lanes: int) -> list[Compared]:
    """Compare a row in blocks of other sizes, and a run alone with the same run in a vmapped sweep."""
    from mlj.data import load
    from mlj.runs import TrainConfig, train

    data = load(case.data)
    model = train(data, replace(TrainConfig(**case.settings), max_epochs=2)).model
    features = np.asarray(data.features)[:64]
    block = model.judge(features).scores
    alone = np.concatenate([model.judge(row[None]).scores for row in features])
    swept = {
        "one": _swept(model, data, "vmap", 1),
        "vmap": _swept(model, data, "vmap", lanes),
        "map": _swept(model, data, "map", lanes),
    }
    mapped = _pair(swept["one"], swept["map"])
    return [
        Compared("a row predicted alone or among 64", *_pair(block, alone), False),
        Compared(f"a vmapped sweep of one run or a mapped one of {lanes}", *mapped, False),
        Compared(f"a vmapped sweep of one run or of {lanes}", *_pair(swept["one"], swept["vmap"]), False),
    ]


def _swept(model: Any, data: Any, axis: str, lanes: int) -> Any:
    """Return the parameters of the first of so many seeds that are trained together."""
    import jax
    import jax.numpy as jnp

    from mlj.runs.problem import problem_of
    from mlj.training import Batch, Lane, Plan, Sweep, stack_lanes

    rows = np.arange(data.num_samples, dtype=np.int32)
    batch = Batch(jnp.asarray(data.features), jnp.asarray(data.labels, jnp.float32))
    sweep = Sweep(problem_of(model.approach, "micro_f1"), Plan(max_epochs=5, batch_size=16), batch, axis=axis)
    runs = [
        Lane(np.int32(seed), np.float32(0.01), np.float32(0), rows, np.int32(len(rows)), rows,
             np.int32(5), np.bool_(True), model.options)
        for seed in range(lanes)
    ]  # fmt: skip
    return jax.tree.map(lambda leaf: leaf[0], sweep(stack_lanes(runs)).params)


def _pair(one: Any, other: Any) -> tuple[bool, float]:
    apart = _apart(one, other)
    return apart == 0, apart


def _of(one: Any, other: Any) -> float:
    return _apart(one.model.params, other.model.params)


def _params(out: Path) -> Any:
    from mlj.comparison.saved import load_chosen

    return load_chosen(out / "model").params


def _apart(one: Any, other: Any) -> float:
    import jax

    pairs = zip(jax.tree.leaves(one), jax.tree.leaves(other))
    return max(float(np.max(np.abs(np.asarray(a) - np.asarray(b)))) for a, b in pairs)
