"""The comparison: every contender trained, decided and measured on one protocol."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from mlj.approaches import APPROACHES, JOINT_APPROACHES, Approach, Contender, Task
from mlj.comparison import floors, pictures
from mlj.comparison.config import CompareConfig
from mlj.comparison.contenders import choose_contenders
from mlj.comparison.evaluate import (
    RuleEvidence,
    Scored,
    fold_of_rows,
    judge_rule,
    judge_sets,
    measure_scores,
    padded,
    rules_for,
)
from mlj.comparison.parts import Parts, device_batches, make_parts
from mlj.comparison.tasks import task_of
from mlj.comparison.train import Failed, Trained, Trainer, check_names
from mlj.data import Dataset, check_trainable
from mlj.decision import AVERAGES, DECISIONS
from mlj.types import Array
from mlj.weighting import inverse_propensities


class Evidence(NamedTuple):
    """All that was measured of one contender or floor."""

    contender: Contender | None
    """None for a floor."""
    trained: Trained | None
    """None for a floor."""
    platt: Any
    validation: dict[str, np.ndarray]
    """Metrics ``[S]`` of scores and probabilities on the validation rows."""
    test: dict[str, np.ndarray]
    rules: dict[str, RuleEvidence]
    reliability: dict[str, list[float]]
    threshold_curve: dict[str, list[float]]
    seconds: float


class Event(NamedTuple):
    """Told to the caller when a contender or floor is done."""

    name: str
    done: int
    total: int
    found: Evidence | Failed


class Outcome(NamedTuple):
    """What a comparison found."""

    config: CompareConfig
    parts: Parts
    task: Task
    titles: dict[str, str]
    """What each rule and decoder is called."""
    found: dict[str, Evidence | Failed]
    seconds: float


def compare(
    dataset: Dataset,
    config: CompareConfig | None = None,
    *,
    tell: Callable[[Event], None] = lambda event: None,
) -> Outcome:
    """Train every contender, fit every decision rule on validation rows, and score the test part once.

    Args:
        dataset: What to learn from; its official parts are kept.
        config: The protocol.
        tell: Called after each contender.

    Raises:
        DataError: If the data cannot be learned from.
        ValueError: If the configuration names something unknown.

    Example:
        >>> from mlj.data import load
        >>> data = load("digits", num_samples=120)
        >>> config = CompareConfig(losses=("zlpr",), seeds=2, learning_rates=(1e-3,), max_epochs=2)
        >>> outcome = compare(data, config)
        >>> sorted(outcome.found)
        ['logistic_one_vs_rest', 'prior_only', 'zlpr']
    """
    config = config or CompareConfig()
    began = time.monotonic()
    names = choose_contenders(config.losses, config.approaches)
    check_names(config)
    check_trainable(dataset)
    parts = make_parts(dataset, config)
    task = task_of(config, parts)
    approaches = make_approaches(names, task, able_only=tuple(config.approaches) == ("all",))
    judge = Judge(config, parts)
    total = len(approaches) + 2
    found: dict[str, Evidence | Failed] = {}

    def add(name: str, evidence: Evidence | Failed) -> None:
        found[name] = evidence
        tell(Event(name, len(found), total, evidence))

    with ThreadPoolExecutor(1) as beside:
        start = time.monotonic()
        trainers = Ahead(approaches, config, parts, beside)
        logistic = beside.submit(floors.logistic_scores, parts)
        add(floors.PRIOR, judge.floor(*floors.prior_scores(parts), start))
        for name, trainer in trainers:
            start = time.monotonic()
            trained = trainer.run()
            if isinstance(trained, Failed):
                add(name, trained)
            else:
                add(name, judge.contender(APPROACHES[name], approaches[name], trained, start))
        start = time.monotonic()
        add(floors.LOGISTIC, judge.floor(*logistic.result(), start))
    titles = {name: rule.title for name, rule in DECISIONS.items()}
    for approach in approaches.values():
        titles |= {name: decoder.title for name, decoder in approach.decoders.items()}
    return Outcome(config, parts, task, titles, found, time.monotonic() - began)


def make_approaches(names: Sequence[str], task: Task, *, able_only: bool = False) -> dict[str, Approach]:
    """Return the approaches by name.

    Args:
        names: In :data:`mlj.approaches.APPROACHES`.
        task: What they are made for.
        able_only: Leave out joint approaches that refuse the task, such as those that need all labels
            observed.

    Raises:
        ValueError: If an approach that is not left out refuses the task.
    """
    made = {}
    for name in names:
        try:
            made[name] = APPROACHES[name].make(task)
        except ValueError:
            if not able_only or name not in JOINT_APPROACHES:
                raise
    return made


class Ahead:
    """The trainers in order, each compiled beside the run of the one before it."""

    def __init__(
        self,
        approaches: Mapping[str, Approach],
        config: CompareConfig,
        parts: Parts,
        beside: ThreadPoolExecutor,
    ):
        """Start to compile the first."""
        self._approaches, self._config, self._parts, self._beside = approaches, config, parts, beside
        self._pool, self._test = device_batches(parts)
        self._names = list(approaches)
        self._next = self._submit(0)

    def _submit(self, index: int) -> Future[Trainer]:
        def prepare() -> Trainer:
            approach = self._approaches[self._names[index]]
            return Trainer(approach, self._config, self._parts, self._pool, self._test).compile()

        return self._beside.submit(prepare)

    def __iter__(self) -> Iterator[tuple[str, Trainer]]:
        """Yield names and compiled trainers."""
        for index, name in enumerate(self._names):
            trainer = self._next.result()
            if index + 1 < len(self._names):
                self._next = self._submit(index + 1)
            yield name, trainer


class Judge:
    """Measures scores of any origin on the validation and test rows of a comparison."""

    def __init__(self, config: CompareConfig, parts: Parts):
        """Bring the truth to the device once, for all contenders."""
        self._metric = config.metric if config.metric in AVERAGES else "micro_f1"
        pool, test, seeds = parts.pool, parts.test, config.seeds
        labels, where = pool.labels, _where(pool)
        held = parts.validation_rows
        self._validation = _truth([labels[rows] for rows in held], [where[rows] for rows in held])
        self._test = _truth([test.labels] * seeds, [_where(test)] * seeds)
        self._folds = jnp.asarray(fold_of_rows(len(held[0]), seeds))
        self._propensities = inverse_propensities(jnp.asarray(labels.sum(axis=0)), pool.num_samples)

    def contender(self, contender: Contender, approach: Approach, trained: Trained, start: float) -> Evidence:
        """Measure a trained contender; ``start`` is when its work began."""
        validation, test = (
            approach.scores(jax.tree.map(jnp.asarray, outputs))
            for outputs in (trained.validation_outputs, trained.test_outputs)
        )
        return self._measure(contender, trained, validation, test, start)

    def floor(self, validation: np.ndarray, test: np.ndarray, start: float) -> Evidence:
        """Measure scores that no contender made."""
        return self._measure(None, None, (jnp.asarray(validation), None), (jnp.asarray(test), None), start)

    def _measure(self, contender, trained, validation, test, start: float) -> Evidence:
        held = Scored(*validation, *self._validation)
        last = Scored(*test, *self._test)
        rows = max(held.labels.shape[1], last.labels.shape[1])
        platt, on_validation = measure_scores(held, padded(held, rows), self._propensities)
        _, on_test = measure_scores(held, padded(last, rows), self._propensities)
        link = "none" if contender is None else contender.link
        rules = {
            name: judge_rule(name, self._metric, held, last, self._folds)
            for name in rules_for(link, held.log_count)
        }
        for name in () if trained is None else trained.validation_sets:
            rules[name] = judge_sets(trained.validation_sets[name], trained.test_sets[name], held, last)
        return Evidence(
            contender,
            trained,
            platt,
            on_validation,
            on_test,
            rules,
            pictures.reliability(pictures.stacked_probs(platt, last), last),
            pictures.threshold_curve(pictures.stacked_probs(platt, held), held),
            time.monotonic() - start,
        )


def _where(dataset: Dataset) -> np.ndarray:
    return np.ones(dataset.labels.shape, bool) if dataset.where is None else dataset.where


def _truth(labels: list[np.ndarray], where: list[np.ndarray]) -> tuple[Array, Array]:
    return jnp.asarray(np.stack(labels), jnp.float32), jnp.asarray(np.stack(where))
