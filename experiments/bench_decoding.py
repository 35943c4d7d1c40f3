"""How fast are chains of labels in training, and sampled label sequences in decoding?

Command: ``python experiments/bench_decoding.py``. Cost: about a minute. The result is the section of this
file in ``benchmarks.md``; the exit status is 1 if a goal is missed.

A chain's logits given the labels before each, value and gradient, on batches of 128 with 64 hidden units: one
label after the other, as a CPU takes them, and all at once, as accelerators do. Sampled sequences of a
recurrent network with fresh weights that emits 1.2 labels on average and 15 at the most: through all steps,
and until every path of a block has ended; with blocks of 32 and of 256 samples, 20 paths each. All forms are
compared before they are timed, and take turns.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from timing import Goal, Times, interleaved, judged, machine, write_section
from timing.page import PAGE

HEADING = "bench_decoding.py: chains in training, label sequences in decoding"
PATHS = 20


@dataclass(frozen=True, kw_only=True)
class Config:
    """What is timed."""

    labels: tuple[int, ...] = (14, 90, 478)
    """Labels of the chains; the goal is that of 90, or of the last."""
    batch_size: int = 128
    """Samples of a chain's batch."""
    hidden: int = 64
    """Hidden units of a chain."""
    samples: int = 1024
    """Samples whose label sequences are drawn."""
    rounds: int = 15
    """Times each contender is measured."""
    out: Path | None = PAGE
    """The page whose section is written; nowhere if None."""


def run(config: Config) -> dict:
    """Return the goals and the times of every contender, after writing them down."""
    chains = {labels: _chain(config, labels) for labels in config.labels}
    sequences = _sequences(config)
    of_goal = chains.get(90, chains[config.labels[-1]])
    goals = [
        Goal("a chain of 90 labels: all at once by one after the other",
             of_goal["all at once"].median / of_goal["one by one"].median, 3),
        Goal("sampled sequences: all steps of 256 samples by until the end of 32",
             sequences["all steps, 256"].median / sequences["until the end, 32"].median, 2),
    ]  # fmt: skip
    text = "\n\n".join([machine("flax"), _table(chains, sequences), judged(goals)])
    print(text)
    if config.out is not None:
        write_section(HEADING, text, config.out)
    return {"goals": goals, "times": {"chains": chains, "sequences": sequences}}


def _chain(config: Config, labels: int) -> dict[str, Times]:
    """Time value and gradient of a chain's logits in both forms."""
    import jax
    import jax.numpy as jnp

    from mlj.models.chain import InOrder, all_at_once, one_by_one

    size = config.batch_size, config.hidden
    keys = jax.random.split(jax.random.key(0), 5)
    weights = [0.1 * jax.random.normal(key, (labels, config.hidden)) for key in keys[2:]]
    present = jax.random.bernoulli(keys[1], 0.1, (config.batch_size, labels)).astype(jnp.float32)
    given = InOrder(jax.random.normal(keys[0], size), present, *weights)
    forms = {
        name: jax.jit(jax.value_and_grad(lambda given, form=form: jnp.sum(jnp.sin(form(given)))))
        for name, form in (("one by one", one_by_one), ("all at once", all_at_once))
    }
    return _compared({name: partial(form, given) for name, form in forms.items()}, config.rounds)


def _sequences(config: Config) -> dict[str, Times]:
    """Time the paths drawn for every sample, stopping early or not, in blocks of two sizes."""
    import jax
    import jax.numpy as jnp
    from flax import nnx

    from mlj.decision.autoregressive import label_steps, sample_paths
    from mlj.models import Trunk, as_function
    from mlj.models.label_sequence import SequenceGRU

    labels, length, mean = 90, 16, 1.2
    bias = jnp.log(jnp.append(jnp.full(labels, mean / labels), 1.0))
    model = SequenceGRU(Trunk(32, hidden=(64,), rngs=nnx.Rngs(0)), labels, output_bias=bias, rngs=nnx.Rngs(1))
    apply_fn, params = as_function(model)
    features = jax.random.normal(jax.random.key(2), (config.samples, 32))

    def draw(end: int | None, block: int):
        def one(state):
            step = partial(apply_fn, params, method=SequenceGRU.step)
            step, state = label_steps(step, state, num_labels=labels, length=length)
            how = {"number": PATHS, "length": length, "start": labels, "end": end}
            return sample_paths(step, state, jax.random.key(3), **how).choices

        def every(features):
            states = apply_fn(params, features, length=length, method=SequenceGRU.encode)
            return jax.lax.map(one, states, batch_size=block)

        return partial(jax.jit(every), features)

    contenders = {
        f"{text}, {block}": draw(end, block)
        for text, end in (("all steps", None), ("until the end", labels))
        for block in (256, 32)
    }
    return _compared(contenders, config.rounds)


def _compared(contenders: dict, rounds: int) -> dict[str, Times]:
    """Time forms that give the same."""
    import jax
    import numpy as np

    first, *others = (call() for call in contenders.values())
    for other in others:
        jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-3, atol=1e-3), first, other)
    calls = {name: lambda call=call: jax.block_until_ready(call()) for name, call in contenders.items()}
    return interleaved(calls, rounds)


def _table(chains: dict[int, dict[str, Times]], sequences: dict[str, Times]) -> str:
    lines = [
        "| chain: value and gradient | one by one, ms | all at once, ms | ratio |",
        "|---|---:|---:|---:|",
    ]
    for labels, times in chains.items():
        one, all_ = (1e3 * times[name].median for name in ("one by one", "all at once"))
        lines.append(f"| {labels} labels | {one:.2f} | {all_:.2f} | {all_ / one:.2f} |")
    lines += ["", "| sampled sequences: form, samples at a time | ms | by the last |", "|---|---:|---:|"]
    last = list(sequences.values())[-1].median
    lines += [
        f"| {name} | {1e3 * times.median:.1f} | {times.median / last:.2f} |"
        for name, times in sequences.items()
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    import sys

    import tyro

    sys.exit(not all(goal.met for goal in run(tyro.cli(Config))["goals"]))
