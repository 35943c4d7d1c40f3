"""How near a program on an accelerator comes to the speed at which its memory copies."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp

COPY = "a copy"


def device_seconds(
    programs: Mapping[str, Callable[[], Any]], rounds: int, calls: int
) -> dict[str, tuple[float, float]]:
    """Return the median and least seconds of one call of each program.

    Every program is warmed up; programs take turns in an order that rotates. A round makes so many calls one
    after the other and waits for the last, so that the launch of one hides behind the work of another.
    """
    names, seconds = list(programs), {name: [] for name in programs}
    for name in names:
        jax.block_until_ready(programs[name]())
    for turn in range(rounds):
        shift = turn % len(names)
        for name in names[shift:] + names[:shift]:
            start, result = time.perf_counter(), None
            for _ in range(calls):
                result = None
                result = programs[name]()
            jax.block_until_ready(result)
            seconds[name].append((time.perf_counter() - start) / calls)
    return {name: (statistics.median(some), min(some)) for name, some in seconds.items()}


def copying(shape: tuple[int, ...], key: jax.Array) -> tuple[Callable[[], jax.Array], int]:
    """Return a program that reads and writes float32 numbers of a shape, and the bytes that it moves."""
    numbers = jax.random.normal(key, shape)
    copy = jax.jit(lambda x: x * jnp.float32(1.0001))
    return lambda: copy(numbers), 2 * numbers.nbytes
