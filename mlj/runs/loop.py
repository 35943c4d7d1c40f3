"""The training loop of a long run: cut into stretches, so that it can stop and go on anywhere."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import Partial

from mlj.approaches import Approach
from mlj.runs.config import TrainConfig
from mlj.runs.feed import Feed
from mlj.runs.problem import compiled, options_first
from mlj.training import (
    Batch,
    Params,
    Problem,
    Stretch,
    first_stretch,
    make_optimizer,
    shuffled,
    start,
    train_stretch,
)

STRETCH_SECONDS = 0.5
"""How long a stretch should take: what a signal has to wait for."""
STRETCH_BYTES = 1 << 26
"""Memory of the rows of a stretch at the most, where a batch does not need more."""
VALIDATION_BLOCK = 4096
"""Validation rows that are predicted at a time."""


@dataclass(frozen=True)
class Facts:
    """Where a run stands, beside its arrays; all of it is JSON."""

    epoch: int = 0
    """Passes that were finished and measured."""
    step: int = 0
    """Steps of the present pass that were taken."""
    best_epoch: int = 0
    """Passes that led to the best parameters; 0 if none gave a finite value."""
    best_value: float | None = None
    """The criterion there."""
    train_curve: tuple[float | None, ...] = ()
    """Mean objective of each pass; None where it was not finite."""
    validation_curve: tuple[float | None, ...] = ()
    """Criterion after each pass."""
    failed_step: int | None = None
    """The first step whose numbers were not finite, counted from 0 over all passes."""


class Position(NamedTuple):
    """All that a run needs to go on: arrays and facts."""

    stretch: Stretch
    best: Params
    facts: Facts


class Progress(NamedTuple):
    """Told to the caller after every stretch and every pass."""

    facts: Facts
    steps: int
    """Steps of a pass."""
    objective: float
    """The mean so far in this pass, or of the pass that was finished."""
    measured: bool
    """Whether a pass has just been finished and measured."""
    seconds: float
    """Since this process began to train."""


class Stopped(Exception):
    """The run was asked to stop, and its position was saved."""

    def __init__(self, facts: Facts):
        self.facts = facts
        super().__init__(f"stopped in pass {facts.epoch + 1} after {facts.step} of its steps")


class TrainingFailed(ValueError):
    """No pass gave a finite model."""


class Loop:
    """Trains one model on rows that are fed to it.

    The order of the rows and the randomness of each step follow from seed, pass and step alone, so that a
    run gives the same bits wherever it was stopped and gone on with.
    """

    def __init__(
        self,
        problem: Problem,
        options: dict[str, Any],
        config: TrainConfig,
        feed: Feed,
        train_rows: np.ndarray,
        validation_rows: np.ndarray,
    ):
        """Bind everything and bring the validation rows to the device; nothing is trained yet."""
        self._problem, self._options, self._config = problem, jax.tree.map(jnp.asarray, options), config
        self._feed, self._rows = feed, train_rows
        self._batch_size = min(config.batch_size, len(train_rows))
        self.steps = len(train_rows) // self._batch_size
        room = STRETCH_BYTES // max(feed.bytes_per_row * self._batch_size, 1)
        self._most_steps = min(max(room, 1), self.steps)
        self._optimizer = make_optimizer(config.optimizer, config.rate, config.weight_decay)
        self._validation = [
            feed(validation_rows[at : at + VALIDATION_BLOCK])
            for at in range(0, len(validation_rows), VALIDATION_BLOCK)
        ]
        self.truth = _truth(self._validation)
        """Labels ``[V, L]`` of the validation rows, and what was observed or None."""
        self._ordered: tuple[int, np.ndarray] | None = None
        self.key = jax.random.key(config.seed)
        self._key_init, self._key_order, self._key_step = jax.random.split(self.key, 3)
        self._seconds_per_step: float | None = None

    def first(self) -> Position:
        """Return the position before the first step."""
        params = compiled(self._problem.init, self._key_init, self._options)
        state = start(params, self._optimizer, average=self._config.average_decay > 0)
        return Position(first_stretch(state), jax.tree.map(jnp.copy, params), Facts())

    def goes_on(self, facts: Facts) -> bool:
        """Return whether there is anything left to train."""
        patient = facts.epoch - facts.best_epoch < self._config.patience
        return facts.failed_step is None and facts.epoch < self._config.max_epochs and patient

    def run(
        self,
        position: Position,
        *,
        tell: Callable[[Progress], None],
        save: Callable[[Position], None],
        stop: Callable[[], bool],
    ) -> Position:
        """Train from a position to the end; the position is used up.

        Args:
            position: From :meth:`first` or a checkpoint.
            tell: Called after every stretch and every pass.
            save: Called with a position every ``checkpoint_seconds``, and before it stops.
            stop: Asked after every stretch.

        Returns:
            The last position; its ``best`` are the parameters to keep.

        Raises:
            Stopped: If ``stop`` said so.
        """
        began = saved = time.monotonic()
        while self.goes_on(position.facts):
            measured = position.facts.step == self.steps
            position = self._measured(position) if measured else self._stretched(position)
            now = time.monotonic()
            tell(self._progress(position, measured, now - began))
            if position.facts.failed_step is not None:
                break  # the last checkpoint stays the last good one
            if stop():
                save(position)
                raise Stopped(position.facts)
            if now - saved >= self._config.checkpoint_seconds:
                save(position)
                saved = time.monotonic()
        return position

    def _progress(self, position: Position, measured: bool, seconds: float) -> Progress:
        facts = position.facts
        if measured:
            objective = facts.train_curve[-1]
            mean = math.nan if objective is None else objective
        else:
            mean = float(position.stretch.total) / max(facts.step, 1)
        return Progress(facts, self.steps, mean, measured, seconds)

    def _stretched(self, position: Position) -> Position:
        """Return the position after as many steps as take about :data:`STRETCH_SECONDS`."""
        facts = position.facts
        steps = min(self._next_steps(), self.steps - facts.step)
        first = facts.step * self._batch_size
        rows = self._order(facts.epoch)[first : first + steps * self._batch_size]
        data = self._feed(rows, capacity=self._most_steps * self._batch_size)
        began = time.monotonic()
        stretch = train_stretch(
            position.stretch,
            data,
            jax.random.fold_in(self._key_step, facts.epoch),
            facts.step,
            steps,
            objective=self._objective(facts.epoch),
            optimizer=self._optimizer,
            batch_size=self._batch_size,
            average_decay=self._config.average_decay or None,
        )
        failed = int(stretch.failed_step)
        taken = (time.monotonic() - began) / steps
        # The first stretch compiles, so its time says nothing.
        self._seconds_per_step = math.inf if self._seconds_per_step is None else taken
        facts = replace(
            facts,
            step=facts.step + steps,
            failed_step=None if failed < 0 else facts.epoch * self.steps + failed,
        )
        return Position(stretch, position.best, facts)

    def _objective(self, epoch: int) -> Partial:
        """Return the objective with its options in a pass."""
        at_epoch, options = self._problem.at_epoch, self._options
        if at_epoch is not None:
            options = at_epoch(options, jnp.asarray(epoch, jnp.int32))
        return Partial(options_first(self._problem.objective), options)

    def _next_steps(self) -> int:
        if self._seconds_per_step is None or math.isinf(self._seconds_per_step):
            return min(8, self._most_steps)
        return min(max(int(STRETCH_SECONDS / max(self._seconds_per_step, 1e-9)), 1), self._most_steps)

    def _order(self, epoch: int) -> np.ndarray:
        if self._ordered is None or self._ordered[0] != epoch:
            key = jax.random.fold_in(self._key_order, epoch)
            self._ordered = (epoch, self._rows[np.asarray(shuffled(key, len(self._rows)))])
        return self._ordered[1]

    def predict(self, params: Params) -> Any:
        """Return the outputs of the validation rows."""
        blocks = [
            compiled(self._problem.predict, params, block.features, self._options)
            for block in self._validation
        ]
        return jax.tree.map(lambda *leaves: jnp.concatenate(leaves), *blocks)

    def decide(self, approach: Approach, params: Params) -> dict[str, np.ndarray]:
        """Return what each decoder of the approach decides on the validation rows, bool ``[V, L]``."""
        found = {}
        for name, decoder in approach.decoders.items():
            blocks = [
                compiled(decoder.decide, params, block.features, self._options) for block in self._validation
            ]
            found[name] = np.concatenate([np.asarray(block) for block in blocks])
        return found

    def _measured(self, position: Position) -> Position:
        """Return the position after a pass is measured, with the parameters kept if they are the best."""
        stretch, best, facts = position
        params = stretch.state.smooth
        outputs = self.predict(params)
        sound = bool(_all_finite((params, outputs)))
        value = float(compiled(self._problem.criterion, outputs, *self.truth)) if sound else None
        better = sound and math.isfinite(value) and (facts.best_value is None or value > facts.best_value)
        mean = float(stretch.total) / self.steps
        epoch = facts.epoch + 1
        facts = replace(
            facts,
            epoch=epoch,
            step=0,
            best_epoch=epoch if better else facts.best_epoch,
            best_value=value if better else facts.best_value,
            train_curve=(*facts.train_curve, mean if math.isfinite(mean) else None),
            validation_curve=(
                *facts.validation_curve,
                value if value is None or math.isfinite(value) else None,
            ),
            failed_step=None if sound else epoch * self.steps - 1,
        )
        best = jax.tree.map(jnp.copy, params) if better else best
        return Position(first_stretch(stretch.state), best, facts)


def _truth(blocks: Sequence[Batch]) -> tuple[jax.Array, jax.Array | None]:
    where = [block.where for block in blocks]
    return (
        jnp.concatenate([block.labels for block in blocks]),
        None if where[0] is None else jnp.concatenate(where),
    )


@jax.jit
def _all_finite(tree: Any) -> jax.Array:
    return jnp.all(jnp.stack([jnp.all(jnp.isfinite(leaf)) for leaf in jax.tree.leaves(tree)]))
