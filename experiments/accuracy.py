"""How many units in the last place is each loss off, in value and slope, and where do naive forms break?

Command: ``python experiments/accuracy.py --processes 2``; with PyTorch installed, its losses are too.
Cost: a quarter of an hour, nearly all of it arithmetic with hundreds of digits; installing gmpy2 shortens it.

Result: in ``accuracy.md``, written by this file. Every loss is evaluated over a dense grid of logits up to
the largest that it promises to bear, and compared with its formula in exact arithmetic. A loss of independent
labels is measured on single labels (absent, present and, where it has a meaning, 0.3); any other on samples
of five labels of which one present and one absent logit go through the grid.
"""

from __future__ import annotations

import importlib.metadata
import inspect
import math
import multiprocessing
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from forms.naive import NAIVE
from forms.peers import NOT_OFFERED, OPTAX, TORCH, of_jax
from mpmath import mp, mpf

from mlj.losses import LOSS_INFO, LOSSES
from mlj.testing import EXCEPTIONS, Case, case_of
from mlj.testing.formulas import FORMULAS
from mlj.testing.formulas.parts import numbers

HERE = Path(__file__).with_suffix(".md")
DTYPES = {"float32": jnp.float32, "float64": jnp.float64, "bfloat16": jnp.bfloat16, "float16": jnp.float16}
LABELS = 5
FAMILIES_OF_SINGLE_LABELS = ("binary", "partial")
SMALLER = 0.15
"""Share of the grid's points that dtypes other than float32 get."""
GOAL = 4
"""Ulps that a loss of independent labels may be off in float32."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """What is measured."""

    points: int = 300
    """Logits of the grid, of either sign together."""
    losses: tuple[str, ...] = ()
    """Which losses; all that have a formula if empty."""
    dtypes: tuple[str, ...] = tuple(DTYPES)
    """Dtypes of the logits."""
    processes: int = 1
    """Processes that share the losses."""
    out: Path | None = HERE
    """Where the tables go; nowhere if None."""


class Errors(NamedTuple):
    """The largest errors in units in the last place, and the logit where the slope's is."""

    value: float
    slope: float
    at: float


class Samples(NamedTuple):
    """Samples of a grid with what is exactly true of them."""

    case: Case
    logits: np.ndarray
    labels: np.ndarray
    swept: np.ndarray
    extras: dict
    values: list
    slopes: list
    soft: int
    """Rows from the one on are of the label 0.3, after as many of either hard label."""


def run(config: Config) -> dict[str, dict[str, Errors]]:
    """Return the errors by loss and ``dtype`` or ``dtype peer``; print and write the tables."""
    # A formula sees the observed labels only, which the one loss that counts the others is not content with.
    aware = {name for name, law in EXCEPTIONS if law == "a_masked_label_is_a_deleted_label"}
    names = config.losses or tuple(name for name in LOSSES if name in FORMULAS and name not in aware)
    if config.processes == 1:
        found = {name: measured(config, name) for name in names}
    else:
        with ProcessPoolExecutor(config.processes, multiprocessing.get_context("spawn")) as pool:
            found = dict(zip(names, pool.map(partial(measured, config), names)))
    text = tables(config, found, breaking_points(config))
    if config.out is not None:
        config.out.write_text(text, encoding="utf-8")
    return found


def measured(config: Config, name: str) -> dict[str, Errors]:
    """Return the errors of one loss by ``dtype`` or ``dtype peer``."""
    found = {}
    for kind in config.dtypes:
        with jax.enable_x64(kind == "float64"):
            samples = exact_samples(case_of(name), DTYPES[kind], config.points)
            found[kind] = errors(samples, ours(samples))
            for peer, evaluate in other_forms(name, kind):
                found[f"{kind} {peer}"] = errors(samples, evaluate(samples.logits, samples.labels))
    print(name, {kind: tuple(error) for kind, error in found.items()}, flush=True)
    return found


def other_forms(name: str, kind: str) -> Iterable[tuple[str, Callable]]:
    """Return the peers' and naive forms of a loss, with functions that give costs and slopes."""
    for peer, table in (("optax", OPTAX), ("PyTorch", TORCH)):
        if name in table and (peer, name, kind) not in NOT_OFFERED:
            yield peer, table[name]
    for trick, form in NAIVE.get(name, {}).items():
        yield f"naive: {trick}", of_jax(form)


def grid(case: Case, dtype: jnp.dtype, points: int) -> np.ndarray:
    """Return logits of the dtype, dense up to 120 and in equal ratios up to the largest promised one."""
    half = max(int(points * (1 if dtype == jnp.float32 else SMALLER)) // 2, 8)
    largest = case.largest(dtype)
    dense = np.linspace(0, min(120, largest), half * 3 // 4)
    sizes = [dense]
    if largest > 120:
        # The last step is set by hand: in float64, powers that end at the largest number overflow.
        sizes.append([*np.geomspace(121, largest / 2, half - dense.size - 1), largest])
    logits = np.asarray(jnp.asarray(np.concatenate(sizes), dtype))
    return np.unique(np.concatenate([-logits, logits]))


def exact_samples(case: Case, dtype: jnp.dtype, points: int) -> Samples:
    """Return the samples of a loss and their exact costs and slopes."""
    sweep = grid(case, dtype, points)
    rng = np.random.default_rng(0)
    if LOSS_INFO[case.name].family in FAMILIES_OF_SINGLE_LABELS:
        kinds = (0.0, 1.0, 0.3) if case.soft else (0.0, 1.0)
        logits = np.tile(sweep, len(kinds))[:, None]
        labels = np.repeat(np.asarray(kinds, np.float32), sweep.size)[:, None]
        swept = np.zeros(len(logits), int)
    else:
        swept = np.repeat([0, 1], sweep.size)
        width = LABELS + (case.form == "totals")
        logits = np.tile(np.asarray(jnp.asarray(rng.normal(size=width), dtype)), (swept.size, 1))
        logits[np.arange(swept.size), swept] = np.tile(sweep, 2)
        labels = np.tile(np.array([1, 0, 1, 0, 0], np.float32), (swept.size, 1))
        logits = logits[: sweep.size, 0] if case.form == "total" else logits
        labels, swept = labels[: len(logits)], swept[: len(logits)]
    wide = np.dtype(jnp.promote_types(dtype, jnp.float32))
    extras = {
        name: np.asarray(x, wide) if jnp.issubdtype(x.dtype, jnp.floating) else x
        for name, x in case.further(labels).items()
    }
    facts = [
        exact(case, logits[row], labels[row], own(case, extras, row), wide) for row in range(len(logits))
    ]
    soft = 2 * sweep.size if len(logits) == 3 * sweep.size else len(logits)
    return Samples(case, logits, labels, swept, extras, *map(list, zip(*facts)), soft)


def own(case: Case, extras: dict, row: int) -> dict:
    """Return the further inputs of one sample."""
    return {
        e.name: extras[e.name] if e.axes in ("shared", "pair") else extras[e.name][row] for e in case.extras
    }


def exact(case: Case, s: np.ndarray, y: np.ndarray, extras: dict, wide: np.dtype) -> tuple[mpf, list[mpf]]:
    """Return cost and slopes of one sample by the formula, with digits to spare."""
    size = max(1.0, float(np.max(np.abs(s.astype(np.float64)))))
    # A cost of exp(-size) must keep its digits beside a 1, and a slope of 1 beside a cost of size.
    digits = 100 + min(int(0.44 * size), 310) + (2 * int(math.log10(size)) if size > 1e4 else 0)
    with mp.workdps(digits):
        step = mpf(10) ** -30 / mpf(size)
        s, y, extras = numbers(s), numbers(y), {name: numbers(x) for name, x in extras.items()}
        hyper = {name: mpf(float(wide.type(x))) for name, x in case.settings()[0].items()}
        weights = [mpf(1)] * len(y)

        def value(moved: object) -> mpf:
            return FORMULAS[case.name](moved, y, weights, s, **hyper, **extras)

        if isinstance(s, mpf):
            return +value(s), [(value(s + step) - value(s - step)) / (2 * step)]
        slopes = []
        for j in range(len(s)):
            up, down = ([*s[:j], moved, *s[j + 1 :]] for moved in (s[j] + step, s[j] - step))
            slopes.append((value(up) - value(down)) / (2 * step))
        return +value(s), slopes


def ours(samples: Samples) -> tuple[np.ndarray, np.ndarray]:
    """Return our costs and slopes."""
    case = samples.case
    inputs = {**{name: jnp.asarray(x) for name, x in samples.extras.items()}, **beyond_defaults(case)}
    labels = samples.labels.astype(np.int32) if case.classes else samples.labels
    return of_jax(lambda s, y: case.loss(s, labels, **inputs))(samples.logits, samples.labels)


def beyond_defaults(case: Case) -> dict[str, float]:
    """Return the settings that a loss does not have by itself: a default is not given, as by a user."""
    known = inspect.signature(case.loss).parameters
    defaults = {name: parameter.default for name, parameter in known.items()}
    return {name: value for name, value in case.settings()[0].items() if defaults.get(name) != value}


def ulps(error: mpf, size: mpf, dtype: jnp.dtype) -> float:
    """Return an error in units in the last place of a number of that size."""
    limits = jnp.finfo(dtype)
    # Numbers below the smallest normal one are flushed to zero, and results are made of a few such numbers.
    flushed = 64 * float(limits.tiny)
    if size < flushed and error <= flushed:
        return 0.0
    exponent = mp.floor(mp.log(max(size, mpf(float(limits.tiny))), 2))
    return float(error / (mpf(float(limits.eps)) * mpf(2) ** exponent))


def distance(found: float, wanted: mpf, size: mpf, dtype: jnp.dtype) -> float:
    """Return how far a result is off, in ulps of ``size``; what overflows must be infinite."""
    if abs(wanted) > 0.999 * mpf(float(jnp.finfo(dtype).max)):
        return 0.0 if math.isinf(found) or abs(mpf(found) / wanted - 1) < 0.01 else math.inf
    return ulps(abs(mpf(found) - wanted), size, dtype) if math.isfinite(found) else math.inf


def scale(exact_results: list[mpf], row: int, soft: int) -> mpf:
    """Return the size of a result, or of the larger result of a hard label where 0.3 mixes the two."""
    step = soft // 2
    rows = (row, row - step, row - 2 * step) if row >= soft else (row,)
    return max(abs(exact_results[i]) for i in rows)


def errors(samples: Samples, found: tuple[np.ndarray, np.ndarray]) -> Errors:
    """Return the largest errors of costs, and of slopes in units of a sample's largest slope."""
    costs, slopes = found
    kind = samples.logits.dtype
    wide, sizes = jnp.promote_types(kind, jnp.float32), [abs(cost) for cost in samples.values]
    value = max(
        distance(float(costs[row]), wanted, scale(sizes, row, samples.soft), wide)
        for row, wanted in enumerate(samples.values)
    )
    worst, at = 0.0, 0.0
    steepest = [max(map(abs, slopes)) for slopes in samples.slopes]
    for row, wanted in enumerate(samples.slopes):
        largest = scale(steepest, row, samples.soft)
        for slope, true in zip(np.atleast_1d(slopes[row]), wanted):
            off = distance(float(slope), true, largest, kind)
            if off > worst:
                worst, at = off, float(np.atleast_1d(samples.logits[row])[samples.swept[row]])
    return Errors(value, worst, at)


def breaking_points(config: Config) -> dict[str, dict[str, str]]:
    """Say for each naive form and dtype at which logits it first breaks, going outwards from 0."""
    found: dict[str, dict[str, str]] = {}
    for name, forms in NAIVE.items():
        if config.losses and name not in config.losses:
            continue
        for trick, form in forms.items():
            row = found[f"{name}, {trick}"] = {}
            for kind in config.dtypes:
                with jax.enable_x64(kind == "float64"):
                    row[kind] = first_break(case_of(name), of_jax(form), DTYPES[kind])
    return found


def first_break(case: Case, evaluate: Callable, dtype: jnp.dtype) -> str:
    """Return the first logit of either label and sign at which a form is not finite or its slope wrong.

    A slope is wrong when it is off by more than half of what our own loss gives there.
    """
    sizes = np.arange(0, 1100, 0.25)
    sizes = np.unique(np.asarray(jnp.asarray(sizes, dtype)))
    texts = []
    for label, sign in ((1, 1), (1, -1), (0, 1), (0, -1)):
        logits = np.zeros((sizes.size, 3), sizes.dtype)
        logits[:, 0] = sign * sizes
        labels = np.tile(np.float32([label, 1, 0]), (sizes.size, 1))
        if LOSS_INFO[case.name].family in FAMILIES_OF_SINGLE_LABELS:
            logits, labels = logits[:, :1], labels[:, :1]
        extras = {name: jnp.asarray(x) for name, x in case.further(labels).items()}
        extras |= {"log_count": jnp.ones(sizes.size)} if "log_count" in extras else {}
        hyper = case.settings()[0]
        _, right = of_jax(lambda s, y: case.loss(s, y, **extras, **hyper))(logits, labels)  # noqa: B023
        costs, slopes = (array.astype(np.float64) for array in evaluate(logits, labels))
        true, slope = right[:, 0].astype(np.float64), slopes[:, 0]
        lost = ~(np.isfinite(costs) & np.isfinite(slopes).all(axis=1))
        tiny = float(jnp.finfo(dtype).tiny) / float(jnp.finfo(dtype).eps)
        wrong = ~lost & (np.abs(slope - true) > 0.5 * np.abs(true)) & (np.abs(true) > tiny)
        for what, broken in (("not finite", lost), ("slope wrong", wrong)):
            if broken.any():
                place = sign * float(sizes[np.argmax(broken)])
                texts.append(f"{what} at {place:g}, y = {label}")
    return "; ".join(texts) or "holds to 1100"


INTRO = """# Accuracy of the losses

Written by `experiments/accuracy.py` ({points} logits a loss; {versions}; CPU). Largest error in units in the
last place (ulp), against the formula in exact arithmetic: of the cost in its own dtype (float32 for
half-precision logits), of the slope in the dtype of the logits. The grid is dense up to |s| = 120 and goes on
to the largest logit that the loss promises to bear. Losses of independent labels (families binary and
partial) are measured on single labels, slope by slope; all others on samples of five labels, and an error of
a slope is counted in ulps of the sample's largest slope, one at the label 0.3 in ulps of what the two hard
labels cost or pull. Errors below 64 times the smallest normal number do
not count, since the hardware flushes what is smaller to zero. The goal is {goal} ulp for losses of
independent labels in float32.
"""

BREAKS = """
## Where naive forms break

Going outwards from 0 in steps of a quarter, as far as 1100: the first logit, for either sign and label, at
which cost or slope is not finite, or the slope off by more than half of itself.
"""


def tables(config: Config, found: dict[str, dict[str, Errors]], breaks: dict[str, dict[str, str]]) -> str:
    """Return the page."""
    versions = {
        name: importlib.metadata.version(name) for name in ("jax", "optax", *(["torch"] if TORCH else []))
    }
    versions = ", ".join(f"{name} {version}" for name, version in versions.items())
    singles = [name for name in found if LOSS_INFO[name].family in FAMILIES_OF_SINGLE_LABELS]
    met = [name for name in singles if max(found[name].get("float32", Errors(0, 0, 0))[:2]) <= GOAL]
    heads = [f"{kind} {what}" for kind in config.dtypes for what in ("cost", "slope")]
    others = [name for name in found if name not in singles]
    lines = INTRO.format(points=config.points, versions=versions, goal=GOAL).splitlines()
    lines += ["", f"{len(met)} of the {len(singles)} losses of independent labels keep to it.", ""]
    for title, names in (("Independent labels", singles), ("All others", others)):
        lines += [f"## {title}", "", *header(["loss"], heads)]
        lines += [f"| {name} | {' | '.join(row(found[name], config.dtypes, ''))} |" for name in names]
        lines.append("")
    lines += ["## Beside peers and naive forms", "", *header(["loss", "form"], heads)]
    for name, kinds in found.items():
        forms = dict.fromkeys(kind.split(" ", 1)[1] for kind in kinds if " " in kind)
        for form in ["", *forms] if forms else []:
            lines.append(f"| {name} | {form or 'mlj'} | {' | '.join(row(kinds, config.dtypes, form))} |")
    lines += [*BREAKS.splitlines(), "", f"| form | {' | '.join(config.dtypes)} |"]
    lines.append("|---" * (1 + len(config.dtypes)) + "|")
    lines += [f"| {form} | {' | '.join(texts.values())} |" for form, texts in breaks.items()]
    return "\n".join(lines) + "\n"


def header(names: list[str], heads: list[str]) -> list[str]:
    """Return the first two lines of a table."""
    return [f"| {' | '.join([*names, *heads])} |", "|---" * len(names) + "|---:" * len(heads) + "|"]


def row(kinds: dict[str, Errors], dtypes: tuple[str, ...], form: str) -> list[str]:
    """Return the cells of one form of a loss."""
    found = [kinds.get(f"{kind} {form}".strip()) for kind in dtypes]
    return [cell(errors[i]) if errors else "not offered" for errors in found for i in (0, 1)]


def cell(error: float) -> str:
    """Return an error in a few characters."""
    if math.isinf(error):
        return "not finite"
    return f"{error:.1f}" if error < 1000 else f"{error:.0e}"


if __name__ == "__main__":
    import tyro

    run(tyro.cli(Config))
