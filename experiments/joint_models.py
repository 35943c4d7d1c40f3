"""Does it pay to model how labels depend on each other, and how many there are?

Command: ``python experiments/joint_models.py --data-dir $DATA`` (``MLJ_DATA_DIR`` if not given; without a
folder, the built-in data sets alone). Cost: see the page. The result is ``joint_models.md``.

Binary relevance, which is sigmoid cross-entropy on a network with one output for each label, against every
joint approach of the library on the same trunk: the same splits, seeds, learning rates, epochs and patience.
Each approach is decided, for each metric, by the rule that is best on validation rows: one of the rules of
``mlj.decision`` on its scores, or a decoder of its own. The official test part is scored once for each seed.
Rate and passes are chosen by micro-F1 of the scores at their best threshold, whatever the column.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from joint.sources import SOURCES, Source
from joint.tables import METRICS, table
from sources import data_folder, is_there
from timing.page import machine, write_section
from units import Unit, Units

from mlj._checks import lookup

if TYPE_CHECKING:
    from mlj.comparison.run import Judge
    from mlj.training import Batch

REFERENCE = "sigmoid_cross_entropy"
FOLDER = Path(__file__).parent
TITLE = """# Joint models against binary relevance

Written by `joint_models.py`. Test means and standard deviations over the seeds; the decision of each cell is
chosen on validation rows for that metric. ▲ and ▼: better and worse than binary relevance (paired t-tests
over the seeds, corrected by Holm for the column, p < .05). Rate and passes are chosen by micro-F1 of the
scores at their best threshold on validation rows, for all columns. Seconds of processor time: compiling,
tuning, the final trainings, decoding and measuring; what all approaches share is compiled with the first of
each process.
"""

COUNTED = ("softmax_count_mse:clipped_linear", "softmax_count_mse:softplus", "softmax_product_mse")
"""Losses of a distribution and a count, which are joint models with no more than one unit."""
HIERARCHICAL = "coherent"
"""The approach that needs a hierarchy, which none of these data sets has; see ``hierarchy.py``."""
MOST_LABELS = {"chain_ensemble": 100, "label_graph": 60, "sequence_transformer": 100}
"""Approaches that take long where there are many labels or long labelsets, and how many labels they get."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """What is compared, and for how long."""

    data: tuple[str, ...] = ()
    """Names in joint.sources.SOURCES; all that can be read if empty."""
    data_dir: Path | None = None
    """Folder of the downloaded data sets; the environment's MLJ_DATA_DIR if None."""
    approaches: tuple[str, ...] = ()
    """Joint approaches; all if empty."""
    seeds: int = 5
    """Seeds of each approach."""
    learning_rates: tuple[float, ...] = (1.5e-3, 4e-3)
    """What every approach tries."""
    hidden: int = 256
    """Width of the two hidden layers, of the one on sparse features."""
    max_epochs: int = 40
    """Passes over the training rows at the most."""
    patience: int = 8
    """Epochs without a better validation value after which a run stops."""
    samples: int | None = None
    """Rows of each data set that are used; all if None."""
    processes: int = 0
    """How many approaches are measured at a time, each by one process; one for each core if 0."""
    work: Path | None = Path("runs/experiments/joint_models")
    """Where finished units are kept; nowhere if None."""
    out: Path | None = FOLDER / "joint_models.md"
    """The page; not written if None."""


def run(config: Config) -> dict:
    """Return what was found, by data set and approach, after writing the page.

    Raises:
        ValueError: If a data set or an approach is unknown.
    """
    from mlj.approaches import APPROACHES
    from mlj.training import own_cores

    folder = data_folder(config.data_dir)
    for name in config.approaches:
        lookup("approach", name, APPROACHES)
    for name in config.data:
        lookup("data set", name, SOURCES)
    names = [
        name
        for name in config.data or SOURCES
        if SOURCES[name].folder is None or is_there(folder, SOURCES[name].folder)
    ]
    asked = {name: _asked(config, SOURCES[name]) for name in names}
    fields = {name: Field(name, config) for name in names}
    work = [
        Unit(f"{source}-{name}", fields[source].settings(name), partial(_measure, source, config, name))
        for source in names
        for name in asked[source]
    ]
    results = Units(config.work, len(work)).run_all(work, config.processes or own_cores())
    found: dict[str, dict] = {}
    for source in names:
        found[source] = {name: next(results) for name in asked[source]}
        if config.out is not None:
            said = f"{fields[source].said}\n\n{machine('flax', 'optax')}"
            write_section(source, f"{table(found[source], REFERENCE)}\n\n{said}", config.out, TITLE)
    return found


def _measure(source: str, config: Config, name: str) -> dict:
    return _field(source, config).measure(name)


@lru_cache(maxsize=1)
def _field(source: str, config: Config) -> Field:
    return Field(source, config)


def _asked(config: Config, source: Source) -> tuple[str, ...]:
    """Return who is measured on a data set, binary relevance first."""
    from mlj.approaches import JOINT_APPROACHES

    flat = (name for name in JOINT_APPROACHES if name != HIERARCHICAL)
    return (REFERENCE, *(config.approaches or source.approaches or (*COUNTED, *flat)))


class Field:
    """One data set, on which approaches are measured one after the other."""

    def __init__(self, name: str, config: Config):
        """Read the data and divide it; nothing is brought to a device yet."""
        import numpy as np

        from mlj.comparison import CompareConfig
        from mlj.comparison.parts import make_parts
        from mlj.comparison.tasks import task_of

        source = SOURCES[name]
        dataset = source.read(data_folder(config.data_dir))
        if config.samples is not None:
            rows = np.random.default_rng(0).permutation(dataset.num_samples)[: config.samples]
            dataset = dataset.rows(np.sort(rows))
        sparse = not isinstance(dataset.features, np.ndarray)
        self._config = CompareConfig(
            seeds=config.seeds,
            learning_rates=source.learning_rates or config.learning_rates,
            model=source.model,
            hidden=(config.hidden,) * (2 if source.model == "mlp" and not sparse else 1),
            max_epochs=min(config.max_epochs, source.max_epochs or config.max_epochs),
            patience=config.patience,
        )
        self._parts = make_parts(dataset, self._config)
        self._task = task_of(self._config, self._parts)
        self._sha256 = dataset.sha256
        train, validation = (len(rows[0]) for rows in (self._parts.train_rows, self._parts.validation_rows))
        self.said = (
            f"{train} rows for training, {validation} for validation, {self._parts.test.num_samples} for the "
            f"test; {dataset.num_features} features, {dataset.num_labels} labels, "
            f"{self._task.num_labelsets} labelsets in the first two. {config.seeds} seeds, learning rates "
            f"{', '.join(map(str, self._config.learning_rates))}, at most {self._config.max_epochs} passes."
        )

    @cached_property
    def _judge(self) -> Judge:
        from mlj.comparison.run import Judge

        return Judge(self._config, self._parts)

    @cached_property
    def _batches(self) -> tuple[Batch, Batch]:
        from mlj.comparison.parts import device_batches

        return device_batches(self._parts)

    def settings(self, name: str) -> dict:
        """Return all that a measurement depends on."""
        return {"approach": name, "data": self._sha256} | asdict(self._config)

    def measure(self, name: str) -> dict:
        """Train and judge one approach: for each metric the chosen rule, and the test values of all seeds."""
        from mlj.approaches import APPROACHES
        from mlj.comparison.summary import best_rule
        from mlj.comparison.train import Failed, Trainer

        most = MOST_LABELS.get(name, self._task.num_labels)
        if self._task.num_labels > most:
            return {"refused": f"costs too much beyond {most} labels"}
        began = time.process_time()
        try:
            approach = APPROACHES[name].make(self._task)
        except ValueError as error:
            return {"refused": str(error)}
        trained = Trainer(approach, self._config, self._parts, *self._batches).run()
        if isinstance(trained, Failed):
            return {"refused": "its training never was finite"}
        evidence = self._judge.contender(APPROACHES[name], approach, trained, time.monotonic())
        result: dict = {
            "seconds": time.process_time() - began,
            "learning_rate": trained.learning_rate,
            "epochs": trained.best_epochs,
            "failures": trained.failures,
        }
        for metric in METRICS:
            rule, validation, test = best_rule(evidence, metric)
            result[metric] = {"rule": rule, "validation": validation.tolist(), "test": test.tolist()}
        return result


if __name__ == "__main__":
    import tyro

    run(tyro.cli(Config))
