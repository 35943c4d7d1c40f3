"""One training run from a data set to a model on disk, which may be killed at any moment and goes on."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mlj.comparison.saved import FORMAT, SavedModel, load_chosen, write_model
from mlj.comparison.tasks import label_sizes, model_options
from mlj.data import DataError, Dataset, DiskDataset, TextDataset, check_trainable
from mlj.data.scaling import Scaling
from mlj.data.streamed import streamed_label_counts
from mlj.runs.config import TrainConfig, fingerprint, read_config, to_json, versions
from mlj.runs.decide import Decision, choose_decision
from mlj.runs.feed import AnyDataset, Division, Feed
from mlj.runs.inputs import read_data
from mlj.runs.loop import Facts, Loop, Position, Progress, TrainingFailed
from mlj.runs.problem import approach_for, problem_of
from mlj.runs.snapshot import arrays_of, facts_of, position_from
from mlj.storage import Checkpoints, RunLock, write_file

MOST_OPTION_ROWS = 100_000
"""Rows from which an approach's options are made at the most, such as priors and tables of labelsets."""


class Run(NamedTuple):
    """What a training run gave."""

    config: TrainConfig
    model: SavedModel
    facts: Facts
    decision: Decision
    validation: Any
    """What the best parameters give on the validation rows: :class:`mlj.comparison.saved.Judged`."""
    division: Division


def _nothing(*_: Any) -> None:
    return None


def train(
    dataset: AnyDataset | TextDataset,
    config: TrainConfig | None = None,
    out: Path | None = None,
    *,
    source: Mapping[str, Any] | None = None,
    tell: Callable[[Progress], None] = _nothing,
    say: Callable[[str], None] = _nothing,
    stop: Callable[[], bool] = lambda: False,
) -> Run:
    """Train one model, choose its decision on validation rows, and keep both.

    With a folder, the position is saved there as it goes; called again with the same data and settings, it
    goes on where it was, with the same bits as if it had never been stopped.

    Args:
        dataset: In memory, or a :class:`mlj.data.DiskDataset` that stays on disk. Texts are read by what is
            learned from those that are trained on.
        config: The settings.
        out: The run's folder: ``config.json``, ``checkpoints``, ``log.jsonl`` and ``model``; nothing is
            written if None.
        source: Where the data came from, for ``config.json``.
        tell: Called after every stretch of steps.
        say: Called with what the user should know, such as a checkpoint that was refused.
        stop: Asked after every stretch; True saves the position and raises :class:`Stopped`.

    Raises:
        DataError: If the data cannot be learned from, or a file on disk is not as it was written.
        TrainingFailed: If no pass gave a finite model.
        Stopped: If ``stop`` said so.
        ValueError: If the folder holds another run.
        RunLocked: If another process works in the folder.

    Example:
        >>> from mlj.data import load
        >>> run = train(load("digits", num_samples=120), TrainConfig(loss="zlpr", max_epochs=2, rule="zero"))
        >>> run.model.predict(load("digits", num_samples=3).features).shape
        (3, 10)
    """
    config = config or TrainConfig()
    if isinstance(dataset, DiskDataset):
        dataset.verify()
    setting = _Setting(dataset, config)  # before anything is written: it refuses what cannot be trained
    with contextlib.ExitStack() as held:
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)
            held.enter_context(RunLock(out))
            _claim(out, to_json(config, source, dataset.sha256), say)
        keeper = _Keeper(out, setting.loop, config, dataset.sha256, say)
        position = setting.loop.run(keeper.position(), tell=keeper.telling(tell), save=keeper.save, stop=stop)
        if position.facts.failed_step is None:
            keeper.save(position)
        run = setting.finish(position)
        if out is not None:
            write_model(run.model, out / "model")
    return run


class _Setting:
    """All that is made of data and settings before the first step."""

    def __init__(self, given: AnyDataset | TextDataset, config: TrainConfig):
        self.config = config
        self.data = data = read_data(given, config)
        dataset, rows = data.dataset, data.division.train
        _check(dataset, rows)
        labels = dataset.label_matrix[rows]
        masked = dataset.has_missing_labels
        self.sizes = label_sizes(labels, missing=masked, hierarchy=getattr(dataset, "hierarchy", None))
        sparse = data.scaling is not None and data.scaling.row_length is not None
        self.model_options = model_options(config, sparse=sparse)
        self.approach = approach_for(
            config.contender, config.model, self.model_options, data.size, self.sizes
        )
        config.check_rule(self.approach.decoders)
        known = dataset.rows(rows[:: -(-len(rows) // MOST_OPTION_ROWS)])
        self.options = self.approach.options(known.labels, known.where)
        problem = problem_of(self.approach, config.metric)
        feed = Feed(dataset, data.scaling, masked=masked)
        self.loop = Loop(problem, self.options, config, feed, rows, data.division.validation)

    def finish(self, position: Position) -> Run:
        """Return the best model with its decision.

        Raises:
            TrainingFailed: If there is none.
        """
        facts = position.facts
        if facts.best_epoch == 0:
            raise TrainingFailed(_why_failed(facts, self.config, self.loop.steps))
        labels, where = self.loop.truth
        data = self.data
        decision = choose_decision(
            self.config,
            self.approach,
            self.loop.predict(position.best),
            self.loop.decide(self.approach, position.best),
            labels,
            where,
        )
        model = SavedModel(
            {
                "format": FORMAT,
                "contender": self.config.contender,
                "metric": self.config.metric,
                "model": self.config.model,
                "model_options": self.model_options,
                "sizes": self.sizes,
                "feature_means": None if data.means is None else data.means.tolist(),
                "label_names": list(data.given.label_names),
                "feature_names": list(data.feature_names),
                "rule_name": decision.name,
                "decoder": decision.name if decision.rule is None else None,
                "data": data.given.sha256,
                "versions": versions(),
            },
            self.approach,
            position.best,
            self.options,
            Scaling(None, None, None) if data.scaling is None else data.scaling,
            decision.rule,
            decision.platt,
            data.reader,
        )
        judged = model.judge(data.rows(data.division.validation))
        return Run(self.config, model, facts, decision, judged, data.division)


def _check(dataset: AnyDataset, rows: np.ndarray) -> None:
    """Raise :class:`DataError` if the training rows cannot teach anything."""
    if isinstance(dataset, Dataset):
        check_trainable(dataset.rows(rows).replace(split=None))
        return
    present, observed = streamed_label_counts(dataset, rows)
    if not ((present > 0) & (present < observed)).any():
        raise DataError(f"every label is constant over the {len(rows)} training rows", dataset.name)


def _why_failed(facts: Facts, config: TrainConfig, steps: int) -> str:
    if facts.failed_step is None:
        return f"the {config.metric} of the validation rows was undefined after all {facts.epoch} passes"
    return (
        f"the numbers stopped being finite at step {facts.failed_step} "
        f"(pass {facts.failed_step // steps + 1}), before any pass gave a model: "
        f"try a learning rate below {config.rate:g}, and look for extreme features"
    )


def _claim(out: Path, wanted: dict[str, Any], say: Callable[[str], None]) -> None:
    """Write the settings of a new run, or check that the run that is there has the same.

    Raises:
        ValueError: If the folder holds another run.
    """
    path = out / "config.json"
    if not path.exists():
        if (out / "checkpoints").exists() or (out / "model").exists():
            raise ValueError(f"{out} holds a run without its config.json: choose another folder")
        write_file(path, json.dumps(wanted, indent=1, allow_nan=False).encode())
        return
    config, saved = read_config(path)
    came, asked = asdict(config) | {"data": saved.get("data")}, wanted["config"] | {"data": wanted["data"]}
    differing = [name for name in asked if _plain(came.get(name)) != _plain(asked[name])]
    if differing:
        name = differing[0]
        raise ValueError(
            f"{out} holds another run: its {name} is {came.get(name)!r}, not {asked[name]!r}; "
            "choose another folder, or remove that one"
        )
    if saved.get("versions") != wanted["versions"]:
        say("this run was begun with other versions, so its bits may differ from here on")


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


class _Keeper:
    """Saves positions and the log of a run, or nothing where there is no folder."""

    def __init__(
        self, out: Path | None, loop: Loop, config: TrainConfig, data: str, say: Callable[[str], None]
    ):
        self._out, self._loop, self._say = out, loop, say
        # What config.json says may have changed since; what is compared is what the positions came from.
        self._settings = fingerprint(config, data)
        self._config = config
        self._checkpoints = None if out is None else Checkpoints(out / "checkpoints", keep=config.keep)

    def position(self) -> Position:
        """Return the newest position that is whole, or the first."""
        first = self._loop.first()
        found = None if self._checkpoints is None else self._checkpoints.restore()
        if found is not None:
            for reason in found.rejected:
                self._say(f"refused {reason}")
            facts = dict(found.facts)
            if facts.pop("settings", None) != self._settings:
                raise ValueError(
                    f"{self._out / 'checkpoints'} belongs to a run with other settings or data: "
                    "was config.json changed?"
                )
            first = position_from(found.arrays, facts, first, self._loop.key)
            self._say(f"goes on after step {found.step}")
        if self._out is not None:
            self._mend_log(first.facts)
        return first

    def save(self, position: Position) -> None:
        """Save a position; the newest few are kept."""
        if self._checkpoints is not None:
            facts = position.facts
            step = facts.epoch * self._loop.steps + facts.step
            about = facts_of(position) | {"settings": self._settings}
            self._checkpoints.save(step, arrays_of(position, self._loop.key), about)

    def telling(self, tell: Callable[[Progress], None]) -> Callable[[Progress], None]:
        """Return ``tell``, which also writes a line to the log after every pass."""

        def told(progress: Progress) -> None:
            if self._out is not None and progress.measured:
                with (self._out / "log.jsonl").open("a", encoding="utf-8") as stream:
                    stream.write(json.dumps(self._entry(progress.facts, round(progress.seconds, 3))) + "\n")
            tell(progress)

        return told

    def _entry(self, facts: Facts, seconds: float | None) -> dict[str, Any]:
        """Return what the log says of the last pass of ``facts``."""
        return {
            "epoch": facts.epoch,
            "step": facts.epoch * self._loop.steps,
            "objective": facts.train_curve[-1],
            self._config.metric: self._config.metric_of(facts.validation_curve[-1]),
            "best_epoch": facts.best_epoch,
            "seconds": seconds,
        }

    def _mend_log(self, facts: Facts) -> None:
        """Leave in the log the passes of the position, each once; one whose line is lost has no seconds."""
        path = self._out / "log.jsonl"
        text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
        known = _entries(text)
        entries = [self._entry(earlier, None) for earlier in _passes(facts)]
        for number, entry in enumerate(entries):
            found = known.get(entry["epoch"], {})
            if found | {"seconds": None} == entry:
                entries[number] = found
        mended = "".join(json.dumps(entry) + "\n" for entry in entries)
        if mended != text:
            write_file(path, mended.encode())


def _entries(log: str) -> dict[Any, dict[str, Any]]:
    """Return what can be read of a log, by the number of the pass."""
    found = {}
    for line in log.splitlines():
        try:
            entry = json.loads(line)
            found[entry["epoch"]] = entry
        except (ValueError, KeyError, TypeError):
            continue
    return found


def _passes(facts: Facts) -> Iterator[Facts]:
    """Yield what was known after each pass."""
    best_epoch, best_value = 0, None
    for epoch, value in enumerate(facts.validation_curve, start=1):
        if value is not None and (best_value is None or value > best_value):
            best_epoch, best_value = epoch, value
        yield replace(
            facts,
            epoch=epoch,
            best_epoch=best_epoch,
            train_curve=facts.train_curve[:epoch],
            validation_curve=facts.validation_curve[:epoch],
        )


def finished(out: Path) -> SavedModel | None:
    """Return the model of a run that came to its end, or None.

    Raises:
        Damaged: If there is a model whose files do not agree with their manifest.
    """
    return load_chosen(out / "model") if (out / "model").exists() else None
