"""Many lanes in one compiled program: vmapped, or mapped over the cores of a CPU."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, Mesh, PartitionSpec

from mlj.training.lane import Lane, LaneResult, Plan, Problem, run_lane
from mlj.training.step import Batch
from mlj.types import Array


def own_cores() -> int:
    """Return the number of cores that this process may use, which can be fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def use_cores(number: int | None = None) -> None:
    """Let JAX see that many CPU devices, so that a sweep runs one lane on each core at a time.

    It must be called before JAX is first used; afterwards it changes nothing. Accelerators are not touched.

    Args:
        number: How many; :func:`own_cores` if None.
    """
    number = own_cores() if number is None else number
    try:
        jax.config.update("jax_num_cpu_devices", number)
    except RuntimeError:  # JAX has started: its devices are fixed, and a sweep uses those there are
        return


def stack_lanes(lanes: Sequence[Lane]) -> Lane:
    """Stack lanes along a new leading axis.

    Raises:
        ValueError: If there are none.
    """
    if not lanes:
        raise ValueError("stack_lanes: no lanes")
    return jax.tree.map(lambda *leaves: np.stack([np.asarray(leaf) for leaf in leaves]), *lanes)


def lane_axis(devices: Sequence[jax.Device] | None = None) -> str:
    """Return how lanes run by default: ``map`` on CPU devices, ``vmap`` elsewhere.

    On a CPU both ways take about the same time for the same work (``experiments/bench_lanes.py``), but only a
    mapped lane that stops early saves the rest of its time: vmapped lanes run until the last one stops.
    """
    devices = jax.devices() if devices is None else devices
    return "map" if devices[0].platform == "cpu" else "vmap"


class Sweep:
    """A compiled program that trains any lanes of one shape.

    It is made once for a problem, a plan and data, compiled at the first call or by :meth:`compile`, and
    may be called again with other lanes: seeds, rates, rows and options are all traced.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> features = jnp.arange(8.0).reshape(8, 1)
        >>> data = Batch(features, (features > 3).astype(jnp.float32))
        >>> problem = Problem(
        ...     init=lambda key, options: jnp.zeros(()),
        ...     objective=lambda w, batch, key, options: jnp.mean((w * batch.features - batch.labels) ** 2),
        ...     predict=lambda w, features, options: w * features,
        ...     criterion=lambda outputs, labels, where: -jnp.mean((outputs - labels) ** 2),
        ... )
        >>> lane = Lane(0, 0.01, 0.0, jnp.arange(8), 8, jnp.arange(8), 20, False, {})
        >>> plan = Plan(batch_size=4, max_epochs=20, optimizer="sgd")
        >>> result = Sweep(problem, plan, data)(stack_lanes([lane, lane._replace(learning_rate=1e9)]))
        >>> result.failed_step.tolist()
        [-1, 2]
    """

    def __init__(self, problem: Problem, plan: Plan, data: Batch, *, axis: str | None = None):
        """Bind what the lanes share.

        Args:
            problem: The pure functions.
            plan: The static settings.
            data: The rows that all lanes choose from.
            axis: ``map`` (one lane at a time on each device), ``vmap`` (all at once on each device), or None
                for :func:`lane_axis`.

        Raises:
            ValueError: If ``axis`` is another word.
        """
        axis = axis or lane_axis()
        if axis not in ("map", "vmap"):
            raise ValueError(f"Sweep: axis must be 'map' or 'vmap', got {axis!r}")
        self._data = data
        train = partial(run_lane, problem, plan)
        self._devices = np.asarray(jax.devices())
        self._program = jax.jit(_over_devices(train, axis, self._devices))
        self._compiled: Callable[..., LaneResult] | None = None
        self._count = 0

    def compile(self, lanes: Lane) -> Sweep:
        """Compile for stacked lanes of this shape, without running; returns itself."""
        lanes = self._dealt(lanes)
        self._compiled = self._program.lower(self._data, lanes).compile()
        self._count = len(lanes.seed)
        return self

    def __call__(self, lanes: Lane) -> LaneResult:
        """Train stacked lanes and return their results, stacked in the same order, on the host.

        Fewer lanes than it was compiled for are filled up with idle ones, so nothing is compiled again.
        """
        number = len(lanes.seed)
        if self._compiled is None or self._padded(number) > self._count:
            self.compile(lanes)
        result = jax.device_get(self._compiled(self._data, self._dealt(lanes)))
        return jax.tree.map(lambda leaf: leaf[self._places(self._count)[:number]], result)

    def _padded(self, number: int) -> int:
        devices = len(self._devices)
        return max(-(-number // devices) * devices, self._count)

    def _places(self, padded: int) -> np.ndarray:
        """Return where each lane goes: dealt round to the devices, so that each gets a like share."""
        return np.arange(padded).reshape(-1, len(self._devices)).T.reshape(-1).argsort()

    def _dealt(self, lanes: Lane) -> Lane:
        number = len(lanes.seed)
        padded = self._padded(number)
        source = np.minimum(np.arange(padded), number - 1)
        idle = np.arange(padded) >= number
        lanes = jax.tree.map(lambda leaf: np.asarray(leaf)[source], lanes)
        lanes = lanes._replace(max_epochs=np.where(idle, 0, lanes.max_epochs))
        order = self._places(padded).argsort()
        return jax.tree.map(lambda leaf: leaf[order], lanes)


def _over_devices(train: Callable[[Batch, Lane], LaneResult], axis: str, devices: Any):
    def local(data: Batch, lanes: Lane) -> LaneResult:
        one = partial(train, data)
        return jax.lax.map(one, lanes) if axis == "map" else jax.vmap(one)(lanes)

    if len(devices) == 1:
        return local
    mesh = Mesh(devices, ("lanes",), axis_types=(AxisType.Auto,))
    split, whole = PartitionSpec("lanes"), PartitionSpec()
    return jax.shard_map(local, mesh=mesh, in_specs=(whole, split), out_specs=split, check_vma=False)


@partial(jax.jit, static_argnums=0)
def predict_lanes(predict: Callable, params: Any, features: Any, options: dict[str, Array]) -> Any:
    """Return what ``predict`` gives for stacked parameters, each with its options, on the same features.

    Args:
        predict: ``predict(params, features, options) -> outputs``; one that is bound once compiles once, and
            its program is kept. What is asked once is better asked by :func:`predict_lanes_once`.
        params: Parameters of the lanes, stacked along a leading axis.
        features: ``[B, ...]``, shared by the lanes.
        options: Options of the lanes, stacked along a leading axis.

    Returns:
        The outputs, with an axis for the lanes before that of the samples.
    """
    return _one_by_one(predict, params, features, options)


def predict_lanes_once(predict: Callable, params: Any, features: Any, options: dict[str, Array]) -> Any:
    """Return what :func:`predict_lanes` does, without keeping the program.

    Each program on a CPU takes tens to hundreds of memory mappings of its process, of which Linux allows
    65,530: a long comparison must not keep those of contenders that are done.
    """
    return jax.jit(partial(_one_by_one, predict))(params, features, options)


def _one_by_one(predict: Callable, params: Any, features: Any, options: dict[str, Array]) -> Any:
    return jax.lax.map(
        lambda lane: jax.tree.map(jnp.asarray, predict(lane[0], features, lane[1])), (params, options)
    )
