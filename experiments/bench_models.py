"""How fast are chains of labels and convolutions in training, and sampled label sequences in decoding?

Command: ``python experiments/bench_models.py``. Cost: about a minute. The result is the section of this file
in ``benchmarks.md``; the exit status is 1 if a goal is missed.

A chain's logits given the labels before each, value and gradient, on batches of 128 with 64 hidden units: one
label after the other, as a CPU takes them, and all at once, as accelerators do. Two convolutions on batches
of 128 digits canvases, the gradient inside a scan over batches, as training is: by one product of all
windows, as a CPU takes them, and by the library's convolution. Sampled sequences of a recurrent network with
fresh weights that emits 1.2 labels on average and 15 at the most: through all steps, and until every path of
a block has ended; with blocks of 32 and of 256 samples, 20 paths each. The forms are compared before they are
timed, and take turns.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from timing import Goal, Times, interleaved, judged, machine, write_section
from timing.page import PAGE

HEADING = "bench_models.py: chains, convolutions and label sequences"
PATHS = 20


@dataclass(frozen=True, kw_only=True)
class Config:
    """What is timed."""

    labels: tuple[int, ...] = (14, 90, 478)
    """Labels of the chains; the goal is that of 90, or of the last."""
    batch_size: int = 128
    """Samples of a chain's or a convolution's batch."""
    hidden: int = 64
    """Hidden units of a chain."""
    side: int = 24
    """Height and width of the images."""
    samples: int = 1024
    """Samples whose label sequences are drawn."""
    rounds: int = 15
    """Times each contender is measured."""
    out: Path | None = PAGE
    """The page whose section is written; nowhere if None."""


def run(config: Config) -> dict:
    """Return the goals and the times of every contender, after writing them down."""
    chains = {labels: _chain(config, labels) for labels in config.labels}
    convolutions = _convolutions(config)
    sequences = _sequences(config)
    of_goal = chains.get(90, chains[config.labels[-1]])
    goals = [
        Goal("a chain of 90 labels: all at once by one after the other",
             of_goal["all at once"].median / of_goal["one by one"].median, 3),
        Goal("convolutions in a scan: the library's by one product",
             convolutions["library's convolution"].median / convolutions["one product"].median, 5),
        Goal("sampled sequences: all steps of 256 samples by until the end of 32",
             sequences["all steps, 256"].median / sequences["until the end, 32"].median, 2),
    ]  # fmt: skip
    text = "\n\n".join([machine("flax"), _table(chains, convolutions, sequences), judged(goals)])
    print(text)
    if config.out is not None:
        write_section(HEADING, text, config.out)
    return {"goals": goals, "times": {"chains": chains, "convolutions": convolutions, "sequences": sequences}}


def _chain(config: Config, labels: int) -> dict[str, Times]:
    """Time value and gradient of a chain's logits in both forms."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    from mlj.models.chain import InOrder, all_at_once, one_by_one

    size = config.batch_size, config.hidden
    keys = jax.random.split(jax.random.key(0), 5)
    weights = [0.1 * jax.random.normal(key, (labels, config.hidden)) for key in keys[2:]]
    present = jax.random.bernoulli(keys[1], 0.1, (config.batch_size, labels)).astype(jnp.float32)
    given = InOrder(jax.random.normal(keys[0], size), present, *weights)
    forms = {"one by one": one_by_one, "all at once": all_at_once}
    np.testing.assert_allclose(*(form(given) for form in forms.values()), rtol=1e-4, atol=1e-4)

    def cost(form, given):
        return jnp.sum(jnp.sin(form(given)))

    sloped = {name: jax.jit(jax.value_and_grad(partial(cost, form))) for name, form in forms.items()}
    return _timed({name: partial(form, given) for name, form in sloped.items()}, config.rounds)


def _convolutions(config: Config) -> dict[str, Times]:
    """Time the gradient of two convolutions inside a scan over four batches, in both forms."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    from flax import nnx

    from mlj.models.conv import ConvTrunk, as_product

    model = ConvTrunk(config.side**2, channels=(16, 32), rngs=nnx.Rngs(0)).convolutions
    parts, weights = nnx.split(model)
    images = jax.random.normal(jax.random.key(0), (4, config.batch_size, config.side, config.side, 1))

    def slopes(form, images):
        def cost(weights, images):
            for convolution in nnx.merge(parts, weights):
                images = jax.nn.relu(form(convolution, images))[:, ::2, ::2]
            return jnp.sum(jnp.sin(images))

        def one(total, batch):
            return jax.tree.map(jnp.add, total, jax.grad(cost)(weights, batch)), None

        return jax.lax.scan(one, jax.tree.map(jnp.zeros_like, weights), images)[0]

    forms = {"one product": as_product, "library's convolution": lambda layer, images: layer(images)}
    np.testing.assert_allclose(*(form(model[0], images[0]) for form in forms.values()), rtol=1e-4, atol=1e-4)
    sloped = {name: partial(jax.jit(partial(slopes, form)), images) for name, form in forms.items()}
    return _timed(sloped, config.rounds)


def _sequences(config: Config) -> dict[str, Times]:
    """Time the paths drawn for every sample, stopping early or not, in blocks of two sizes."""
    import jax
    import jax.numpy as jnp
    import numpy as np
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
    first, *others = (np.asarray(call()) for call in contenders.values())
    for other in others:
        # A uniform number that falls on the edge between two choices may fall on the other side of it.
        np.testing.assert_array_less(np.mean(first != other), 1e-3)
    return _timed(contenders, config.rounds)


def _timed(contenders: dict, rounds: int) -> dict[str, Times]:
    import jax

    calls = {name: lambda call=call: jax.block_until_ready(call()) for name, call in contenders.items()}
    return interleaved(calls, rounds)


def _table(
    chains: dict[int, dict[str, Times]], convolutions: dict[str, Times], sequences: dict[str, Times]
) -> str:
    lines = [
        "| chain: value and gradient | one by one, ms | all at once, ms | ratio |",
        "|---|---:|---:|---:|",
    ]
    for labels, times in chains.items():
        one, all_ = (1e3 * times[name].median for name in ("one by one", "all at once"))
        lines.append(f"| {labels} labels | {one:.2f} | {all_:.2f} | {all_ / one:.2f} |")
    lines += _rows("four batches through two convolutions, gradient in a scan", convolutions)
    lines += _rows("sampled sequences: form, samples at a time", sequences)
    return "\n".join(lines)


def _rows(title: str, times: dict[str, Times]) -> list[str]:
    last = list(times.values())[-1].median
    return ["", f"| {title} | ms | by the last |", "|---|---:|---:|"] + [
        f"| {name} | {1e3 * some.median:.1f} | {some.median / last:.2f} |" for name, some in times.items()
    ]


if __name__ == "__main__":
    import sys

    import tyro

    sys.exit(not all(goal.met for goal in run(tyro.cli(Config))["goals"]))
