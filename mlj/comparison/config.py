"""The settings of a comparison."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class CompareConfig:
    """What is compared, on which protocol."""

    losses: tuple[str, ...] = ()
    """Losses by name; the usual 25 if empty, ``all`` for every loss that needs no further input."""
    approaches: tuple[str, ...] = ()
    """Joint models by name, such as classifier_chain; ``all`` for every one that can take on the labels.
    Without ``losses``, they are compared with sigmoid cross-entropy alone."""
    metric: str = "micro_f1"
    """What stops the training, picks the learning rate and names the winner."""
    seeds: int = 5
    """Number of seeds; each has its own validation part, initial parameters and order of samples."""
    learning_rates: tuple[float, ...] = ()
    """Every loss tries the same; those of the optimizer if empty."""
    optimizer: str = "adamw"
    """A name in mlj.training.OPTIMIZERS."""
    weight_decay: float = 0.01
    """Weight decay, as the optimizer takes it."""
    model: str = "mlp"
    """A name in mlj.models.MODELS; kim_cnn, xml_cnn, label_attention and bag_of_ngrams read texts, the others
    features, such as the TF-IDF weights of texts."""
    models: tuple[str, ...] = ()
    """Several models side by side, each under every loss; model alone if empty."""
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
    """Passes over the training part at the most."""
    patience: int = 10
    """Epochs without a better validation value after which a run stops."""
    validation_share: float = 0.2
    """Share of the training part held out for every choice, where the data names no validation part."""
    test_share: float = 0.3
    """Share of the rows held out for the one test, where the data names no test part."""
    out: Path | None = None
    """Folder for results.json and report.html; runs/NAME if None."""

    def __post_init__(self):
        """Refuse numbers that no comparison can have."""
        if self.seeds < 2:
            raise ValueError(f"seeds must be at least 2 to have a deviation, got {self.seeds}")
        if len(set(self.models)) < len(self.models):
            raise ValueError(f"one model is named twice: {', '.join(self.models)}")
        for name in ("vocabulary", "text_length"):
            if (value := getattr(self, name)) is not None and value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}")
        for name in ("validation_share", "test_share"):
            if not 0 < getattr(self, name) < 1:
                raise ValueError(f"{name} must be between 0 and 1, got {getattr(self, name)}")
        if any(rate <= 0 for rate in self.learning_rates):
            raise ValueError(f"learning rates must be positive, got {self.learning_rates}")

    def for_each_model(self) -> tuple[CompareConfig, ...]:
        """Return these settings once for each model that is compared, naming it alone.

        >>> [config.model for config in CompareConfig(models=("mlp", "linear")).for_each_model()]
        ['mlp', 'linear']
        """
        return tuple(replace(self, model=model, models=()) for model in self.models or (self.model,))
