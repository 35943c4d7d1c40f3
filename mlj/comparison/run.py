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
from mlj.data import Dataset, TextDataset, check_trainable, fill_missing
from mlj.data.missing import has_missing
from mlj.decision import AVERAGES, DECISIONS
from mlj.models import INPUTS
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


class Entry(NamedTuple):
    """One contender on one model."""

    contender: str
    """A name in :data:`mlj.approaches.APPROACHES`."""
    config: CompareConfig
    """The settings, whose model is this one's."""
    approach: Approach


class Outcome(NamedTuple):
    """What a comparison found."""

    config: CompareConfig
    parts: Parts
    entries: dict[str, Entry]
    titles: dict[str, str]
    """What each rule and decoder is called."""
    found: dict[str, Evidence | Failed]
    seconds: float


def compare(
    dataset: Dataset | TextDataset,
    config: CompareConfig | None = None,
    *,
    tell: Callable[[Event], None] = lambda event: None,
) -> Outcome:
    """Train every contender, fit every decision rule on validation rows, and score the test part once.

    Args:
        dataset: What to learn from; its official parts are kept. Texts are read as the model does.
        config: The protocol.
        tell: Called after each contender.

    Raises:
        DataError: If the data cannot be learned from.
        ValueError: If the configuration names something unknown, or a model that reads texts for features.

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
    _check_trainable(dataset)
    parts = make_parts(dataset, config)
    entries = make_entries(names, config, parts)
    judge = Judge(config, parts)
    total = len(entries) + 2
    found: dict[str, Evidence | Failed] = {}

    def add(name: str, evidence: Evidence | Failed) -> None:
        found[name] = evidence
        tell(Event(name, len(found), total, evidence))

    with ThreadPoolExecutor(1) as beside:
        start = time.monotonic()
        trainers = Ahead(entries, parts, beside)
        logistic = beside.submit(floors.logistic_scores, parts)
        add(floors.PRIOR, judge.floor(*floors.prior_scores(parts), start))
        for name, trainer in trainers:
            start = time.monotonic()
            trained = trainer.run()
            if isinstance(trained, Failed):
                add(name, trained)
            else:
                entry = entries[name]
                add(name, judge.contender(APPROACHES[entry.contender], entry.approach, trained, start))
        start = time.monotonic()
        add(floors.LOGISTIC, judge.floor(*logistic.result(), start))
    titles = {name: rule.title for name, rule in DECISIONS.items()}
    for entry in entries.values():
        titles |= {name: decoder.title for name, decoder in entry.approach.decoders.items()}
    return Outcome(config, parts, entries, titles, found, time.monotonic() - began)


def _check_trainable(dataset: Dataset | TextDataset) -> None:
    """Check what is known before rows are divided: words become features, and gaps are filled, after that."""
    if isinstance(dataset, TextDataset):
        dataset = dataset.to_dataset(np.ones((dataset.num_samples, 1)))
    check_trainable(fill_missing(dataset, "zero") if has_missing(dataset) else dataset)


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


def make_entries(names: Sequence[str], config: CompareConfig, parts: Parts) -> dict[str, Entry]:
    """Return every contender on every model, by its name, with the model's before it if there are several.

    Raises:
        ValueError: If an approach refuses the labels or a model, unless all approaches were asked for.
    """
    able_only = tuple(config.approaches) == ("all",)
    configs, found = config.for_each_model(), {}
    for one in configs:
        made = make_approaches(names, task_of(one, parts), able_only=able_only)
        for name, approach in made.items():
            found[name if len(configs) == 1 else f"{one.model} / {name}"] = Entry(name, one, approach)
    return found


class Ahead:
    """The trainers in order, each compiled beside the run of the one before it."""

    def __init__(self, entries: Mapping[str, Entry], parts: Parts, beside: ThreadPoolExecutor):
        """Start to compile the first."""
        self._entries, self._parts, self._beside = entries, parts, beside
        readers = {INPUTS[entry.config.model]: entry.config.model for entry in entries.values()}
        self._batches = {kind: device_batches(parts, model) for kind, model in readers.items()}
        self._names = list(entries)
        self._next = self._submit(0)

    def _submit(self, index: int) -> Future[Trainer]:
        def prepare() -> Trainer:
            entry = self._entries[self._names[index]]
            batches = self._batches[INPUTS[entry.config.model]]
            return Trainer(entry.approach, entry.config, self._parts, *batches).compile()

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
