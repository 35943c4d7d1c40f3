"""How fast are exact average precision, ROC-AUC and the best labels of many, beside scikit-learn and PyTorch?

Command: ``python experiments/bench_metrics.py``. Cost: about five minutes on two cores. PyTorch and
torchmetrics take part if they are installed, scikit-learn always does.

Random scores and labels. Every value is checked against scikit-learn in float64, or against a whole sort,
before anything is timed; then all contenders for it take turns in one process. For a macro metric
scikit-learn and torchmetrics loop over the labels, so they get the first few columns only, in place, and
their time is multiplied; one call of scikit-learn with all labels shows what that is worth.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from sklearn.metrics import average_precision_score, roc_auc_score
from timing import Goal, Times, interleaved, judged, machine, write_section
from timing.page import PAGE

from mlj import metrics
from mlj.metrics.top_k import best_labels

try:
    import torch
    from torchmetrics.functional.classification import multilabel_auroc, multilabel_average_precision
except ImportError:
    torch = None

Contenders = dict[str, Callable[[], object]]


@dataclass(frozen=True, kw_only=True)
class Config:
    """What is timed."""

    samples: int = 5000
    """Rows of the macro and micro metrics."""
    labels: int = 4000
    """Labels of the macro metrics."""
    density: float = 0.02
    """Share of the entries that are present."""
    peer_labels: int = 80
    """Labels that the peers get for a macro metric; their time is multiplied by ``labels / peer_labels``."""
    micro_labels: int = 200
    """Labels of the micro metrics, for all contenders."""
    rows: int = 16
    """Rows of the search for the best labels."""
    width: int = 1_000_000
    """Labels to search."""
    k: int = 5
    """How many to find."""
    rounds: int = 15
    """Times each contender is measured."""
    out: Path | None = PAGE
    """The page whose section is replaced; nowhere if None."""


@dataclass(frozen=True)
class Table:
    """Contenders for one value, ours first."""

    heading: str
    contenders: Contenders
    factors: dict[str, float]
    """By what the time of a contender is multiplied; 1 if it is not named."""


def run(config: Config) -> dict[str, object]:
    """Check, time and judge; return the times by table and contender, and whether all goals are met."""
    curves, whole = _curves(config)
    found = {table.heading: _timed(table, config.rounds) for table in (*curves, *_best(config))}
    goals = _goals(config, found)
    body = _body(config, found, whole, goals)
    print(body)
    if config.out is not None:
        write_section(
            "bench_metrics.py: average precision, ROC-AUC and the best labels of many", body, config.out
        )
    return {"times": found, "met": all(goal.met for goal in goals)}


def _timed(table: Table, rounds: int) -> dict[str, Times]:
    times = interleaved(table.contenders, rounds)
    return {
        name: Times(*(seconds * table.factors.get(name, 1) for seconds in some))
        for name, some in times.items()
    }


def _curves(config: Config) -> tuple[list[Table], float]:
    """Return the tables of AP and ROC-AUC, and the seconds of one whole call of scikit-learn."""
    rng = np.random.default_rng(0)
    shape = (config.samples, config.labels)
    present = rng.random(shape) < config.density
    present[0], present[1] = True, False
    scores = (rng.standard_normal(shape) + present).astype(np.float32)
    start = time.perf_counter()
    wanted = average_precision_score(present, scores)
    whole = time.perf_counter() - start
    tables = []
    for average, number, ours in (
        ("macro", config.labels, metrics.macro_average_precision),
        ("macro", config.labels, metrics.macro_roc_auc),
        ("micro", config.micro_labels, metrics.micro_average_precision),
        ("micro", config.micro_labels, metrics.micro_roc_auc),
    ):
        curve = "AP" if "precision" in ours.__name__ else "ROC-AUC"
        known = wanted if (average, curve) == ("macro", "AP") else None
        part = scores[:, :number].copy(), present[:, :number].copy()
        few = number if average == "micro" else min(number, config.peer_labels)
        tables.append(_curve(f"{average} {curve}", ours, part, few, known))
    return tables, whole


def _curve(
    name: str, ours: Callable, part: tuple[np.ndarray, np.ndarray], few: int, known: float | None
) -> Table:
    average, curve = name.split()
    theirs = average_precision_score if curve == "AP" else roc_auc_score
    scores, present = part
    s, y = jnp.asarray(scores), jnp.asarray(present)
    wanted = theirs(present, scores, average=average) if known is None else known
    _agree(name, float(ours(s, y)), wanted)
    few_scores, few_present = scores[:, :few], present[:, :few]
    contenders: Contenders = {
        "mlj": lambda: jax.block_until_ready(ours(s, y)),
        "scikit-learn": lambda: theirs(few_present, few_scores, average=average),
    }
    if torch is not None:
        peer = multilabel_average_precision if curve == "AP" else multilabel_auroc
        # it would take a sigmoid of scores that leave [0, 1]: probabilities spare it that
        probs, truth = (torch.from_numpy(x)[:, :few] for x in (_sigmoid(scores), present.astype(np.int64)))
        options = {"num_labels": few, "average": average, "thresholds": None, "validate_args": False}
        contenders["torchmetrics"] = lambda: peer(probs, truth, **options)
        contenders["torchmetrics, one thread"] = lambda: _on_one_thread(lambda: peer(probs, truth, **options))
    factor = scores.shape[1] / few
    size = f"[{scores.shape[0]:,}, {scores.shape[1]:,}]"
    return Table(f"{name} {size}", contenders, dict.fromkeys(list(contenders)[1:], factor))


def _best(config: Config) -> list[Table]:
    """Return the tables of the best labels of many."""
    rng = np.random.default_rng(1)
    scores = rng.standard_normal((config.rows, config.width)).astype(np.float32)
    present = rng.random(scores.shape) < np.where(scores > 4, 0.5, 1e-5)
    s, y, k = jnp.asarray(scores), jnp.asarray(present), config.k
    find = jax.jit(lambda s: best_labels(s, None, k))
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    if not np.array_equal(find(s), order):
        raise AssertionError("best_labels differs from a whole sort")
    hits = np.take_along_axis(present, order, axis=1).mean(axis=1)
    _agree(f"P@{k}", np.asarray(metrics.precision_at_k(s, y, k=k)), hits)
    top = jax.jit(lambda s: lax.top_k(s, k))
    greatest = jax.jit(lambda s: jnp.max(s, axis=-1))
    plain = jax.jit(lambda s, y: jnp.mean(jnp.take_along_axis(y, lax.top_k(s, k)[1], axis=-1), axis=-1))
    size = f"[{config.rows:,}, {config.width:,}]"
    finding: Contenders = {
        "mlj": lambda: jax.block_until_ready(find(s)),
        "lax.top_k": lambda: jax.block_until_ready(top(s)),
        "row maximum only": lambda: jax.block_until_ready(greatest(s)),
    }
    if torch is not None:
        tensor = torch.from_numpy(scores)
        finding["torch.topk"] = lambda: torch.topk(tensor, k)
    # last, so that none of the others runs beside threads of PyTorch that still spin
    finding["numpy argpartition"] = lambda: np.argpartition(-scores, k, axis=1)
    precision: Contenders = {
        "mlj": lambda: jax.block_until_ready(metrics.precision_at_k(s, y, k=k)),
        "lax.top_k and take": lambda: jax.block_until_ready(plain(s, y)),
    }
    return [Table(f"top {k} of {size}", finding, {}), Table(f"P@{k} {size}", precision, {})]


def _on_one_thread(call: Callable[[], object]) -> None:
    """Call without threads of PyTorch, which wait for each other wherever another process is at work."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    call()
    torch.set_num_threads(threads)


def _sigmoid(scores: np.ndarray) -> np.ndarray:
    return (1 / (1 + np.exp(-scores.astype(np.float64)))).astype(np.float32)


def _agree(name: str, found: object, wanted: object) -> None:
    if not np.allclose(found, wanted, rtol=2e-6, atol=0):
        raise AssertionError(f"{name}: {found} instead of {wanted}")


def _goals(config: Config, found: dict[str, dict[str, Times]]) -> list[Goal]:
    """Return the goals whose peers took part, each against the quickest way to call the peer."""
    macro, top = next(iter(found)), next(name for name in found if name.startswith("top "))
    wanted = ((macro, "scikit-learn", 6), (macro, "torchmetrics", 20), (top, "torch.topk", 5))
    goals = []
    for table, peer, bound in wanted:
        medians = [times.median for name, times in found[table].items() if name.startswith(peer)]
        if medians:
            goals.append(Goal(f"{table}, {peer} / mlj", min(medians) / found[table]["mlj"].median, bound))
    return goals


def _body(config: Config, found: dict[str, dict[str, Times]], whole: float, goals: list[Goal]) -> str:
    lines = [
        f"Exact values, scores in float32, {config.density:.0%} of the entries present, "
        f"{config.rounds} rounds in which contenders take turns. "
        f"{machine('scikit-learn', 'torch', 'torchmetrics')}",
        "",
        "For a macro metric scikit-learn and torchmetrics loop over the labels: they got "
        f"the first {config.peer_labels} columns, in place, and their times are multiplied by "
        f"{config.labels / config.peer_labels:g}. One call of scikit-learn's macro AP with all labels, "
        f"outside the rounds, took {whole:.1f} s.",
        "",
        "| what | contender | median, ms | least, ms | median / mlj |",
        "|---|---|---:|---:|---:|",
    ]
    for heading, times in found.items():
        for name, (median, least) in times.items():
            ratio = median / times["mlj"].median
            lines.append(f"| {heading} | {name} | {median * 1e3:.4g} | {least * 1e3:.4g} | {ratio:.3g} |")
    return "\n".join([*lines, "", judged(goals)])


if __name__ == "__main__":
    import tyro

    warnings.filterwarnings("ignore", category=UserWarning, module="torchmetrics")
    sys.exit(0 if run(tyro.cli(Config))["met"] else 1)
