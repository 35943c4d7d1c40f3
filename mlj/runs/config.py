"""The settings of one training run, and the file that repeats it."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from importlib.metadata import version
from pathlib import Path
from typing import Any

from mlj._checks import lookup
from mlj.approaches import APPROACHES
from mlj.comparison.train import criterion_for
from mlj.decision import DECISIONS
from mlj.metrics import METRICS
from mlj.training import OPTIMIZERS

FORMAT = "mlj-train-1"
PACKAGES = ("mlj", "jax", "jaxlib", "flax", "optax", "numpy")
"""Whose versions decide the bits of a run."""


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """What is trained, and how.

    >>> TrainConfig(loss="zlpr").contender
    'zlpr'
    """

    loss: str | None = None
    """A loss by name (mlj losses lists them); sigmoid_cross_entropy if neither this nor approach is given.
    A loss that takes a count names its head too, as softmax_count_mse:softplus."""
    approach: str | None = None
    """A joint model by name, such as classifier_chain, in place of a loss."""
    metric: str = "micro_f1"
    """What stops the training, picks the best epoch and is the decision tuned for."""
    rule: str | None = None
    """The decision rule, or a decoder of the approach; if None, the best one on validation rows."""
    seed: int = 0
    """Decides the validation rows, the initial parameters, the order of samples and dropout."""
    learning_rate: float | None = None
    """If None, the second of the optimizer's usual ones."""
    optimizer: str = "adamw"
    """A name in mlj.training.OPTIMIZERS."""
    weight_decay: float = 0.01
    """Weight decay, as the optimizer takes it."""
    model: str = "mlp"
    """A name in mlj.models.MODELS; kim_cnn, xml_cnn, label_attention and bag_of_ngrams read texts, the others
    features, such as the TF-IDF weights of texts."""
    hidden: tuple[int, ...] = ()
    """Widths of the hidden layers; if empty, (128, 128) for dense features and (1024,) for sparse ones. The
    model conv takes one, as do xml_cnn (its bottleneck) and bag_of_ngrams (its vectors)."""
    dropout: float | None = None
    """Dropout of hidden units; if None, 0.4 for dense features and 0.5 for sparse ones."""
    input_dropout: float | None = None
    """Dropout of features; if None, 0.2 for dense features and 0.5 for sparse ones."""
    vocabulary: int = 20_000
    """Texts: words that are known, or for a model of features n-grams that are weighed, at the most."""
    text_length: int | None = None
    """Texts: tokens that a model of texts reads of each; if None, as many as 19 in 20 have, at most 512."""
    batch_size: int = 128
    """Samples per step."""
    max_epochs: int = 50
    """Passes over the training rows at the most."""
    patience: int = 10
    """Epochs without a better validation value after which the run stops."""
    average_decay: float = 0.96
    """Decay of the running average of the parameters, which is what is validated and kept; 0 for none."""
    validation_share: float = 0.2
    """Share of the rows held out for every choice, where the data names no validation part."""
    max_validation_rows: int = 20_000
    """Validation rows at the most, where the data names no validation part."""
    checkpoint_seconds: float = 60.0
    """Seconds of training between two checkpoints; there is one at the end of the run in any case."""
    keep: int = 3
    """Checkpoints that are kept."""

    def __post_init__(self):
        """Refuse what no run can have, naming the nearest word where a name is unknown."""
        self._check_names()
        counts = ("batch_size", "max_epochs", "patience", "keep", "max_validation_rows", "vocabulary")
        for name in (*counts, "text_length"):
            if (value := getattr(self, name)) is not None and value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}")
        if not 0 <= self.seed < 2**31:
            raise ValueError(f"seed must be from 0 to {2**31 - 1}, got {self.seed}")
        if not 0 < self.validation_share < 1:
            raise ValueError(f"validation_share must be between 0 and 1, got {self.validation_share}")
        if not 0 <= self.average_decay < 1:
            raise ValueError(f"average_decay must be in [0, 1), got {self.average_decay}")
        if self.learning_rate is not None and not 0 < self.learning_rate < float("inf"):
            raise ValueError(f"learning_rate must be positive, got {self.learning_rate}")
        if not 0 <= self.weight_decay < float("inf"):
            raise ValueError(f"weight_decay must be at least 0, got {self.weight_decay}")
        if any(width < 1 for width in self.hidden):
            raise ValueError(f"hidden layers have at least 1 unit, got {self.hidden}")
        if not self.checkpoint_seconds >= 0:
            raise ValueError(f"checkpoint_seconds must be at least 0, got {self.checkpoint_seconds}")

    def _check_names(self) -> None:
        if self.loss is not None and self.approach is not None:
            raise ValueError(f"give a loss or an approach, not both: {self.loss!r} and {self.approach!r}")
        lookup("loss" if self.approach is None else "approach", self.contender, APPROACHES)
        lookup("optimizer", self.optimizer, OPTIMIZERS)
        criterion_for(self.metric, lambda outputs: outputs)

    @property
    def contender(self) -> str:
        """The name in mlj.approaches.APPROACHES."""
        return self.approach or self.loss or "sigmoid_cross_entropy"

    @property
    def rate(self) -> float:
        """The learning rate that is used."""
        return self.learning_rate or OPTIMIZERS[self.optimizer].learning_rates[1]

    def metric_of(self, criterion: float | None) -> float | None:
        """Return the metric itself: the criterion is minus a metric that is better when small."""
        sign = 1 if METRICS[self.metric].greater_is_better else -1
        return None if criterion is None else sign * criterion

    def check_rule(self, decoders: Mapping[str, Any]) -> None:
        """Raise ``ValueError`` if the rule is neither in mlj.decision.DECISIONS nor one of these."""
        if self.rule is not None:
            lookup("decision rule", self.rule, {**DECISIONS, **decoders})


def versions() -> dict[str, str]:
    """Return the versions that decide the bits of a run."""
    return {name: version(name) for name in PACKAGES} | {"python": platform.python_version()}


def to_json(config: TrainConfig, source: Mapping[str, Any] | None, data: str) -> dict[str, Any]:
    """Return what ``config.json`` of a run holds.

    Args:
        config: The settings.
        source: The data set's place and the options of its reader; None for data that came from Python.
        data: The sha256 of the data set.
    """
    return {
        "format": FORMAT,
        "source": None if source is None else dict(source),
        "config": asdict(config),
        "data": data,
        "versions": versions(),
    }


def fingerprint(config: TrainConfig, data: str) -> str:
    """Return the sha256 of settings and data, which every checkpoint of a run carries.

    Args:
        config: The settings.
        data: The sha256 of the data set.

    >>> fingerprint(TrainConfig(), "") == fingerprint(TrainConfig(seed=1), "")
    False
    """
    known = json.dumps({"config": asdict(config), "data": data}, sort_keys=True)
    return hashlib.sha256(known.encode()).hexdigest()


def read_config(path: Path) -> tuple[TrainConfig, dict[str, Any]]:
    """Return the settings in a run's ``config.json``, and the whole file.

    Raises:
        ValueError: If it is not such a file; the message names it and what is wrong.
        OSError: If it cannot be read.
    """
    try:
        saved = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path}: not the settings of a run: {error}") from error
    if (
        not isinstance(saved, dict)
        or saved.get("format") != FORMAT
        or not isinstance(saved.get("config"), dict)
    ):
        came = saved.get("format") if isinstance(saved, dict) else type(saved).__name__
        raise ValueError(f"{path}: wanted the settings of a run in the format {FORMAT!r}, got {came!r}")
    given, known = saved["config"], {field.name: field for field in fields(TrainConfig)}
    for name in given:
        lookup(f"{path}: setting", name, known)
    if isinstance(given.get("hidden"), list):
        given = given | {"hidden": tuple(given["hidden"])}
    try:
        return TrainConfig(**given), saved
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from error
