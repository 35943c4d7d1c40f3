"""A multi-label classifier that keeps scikit-learn's contract."""

from __future__ import annotations

from dataclasses import replace
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Self

import numpy as np
import scipy.sparse as sp
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_consistent_length, check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from mlj.comparison.saved import Judged, SavedModel, model_files, model_from
from mlj.data import Dataset
from mlj.decision import LabelThresholds, ProbThreshold, Threshold
from mlj.runs import TrainConfig, train
from mlj.runs.problem import approach_for
from mlj.sklearn.rows import usual_batch_size, with_validation
from mlj.sklearn.targets import read_target

_KINDS: dict[str, tuple[type, type, bool]] = {
    "loss": (str, str, True),
    "approach": (str, str, True),
    "metric": (str, str, False),
    "rule": (str, str, True),
    "learning_rate": (Real, float, True),
    "optimizer": (str, str, False),
    "weight_decay": (Real, float, False),
    "model": (str, str, False),
    "dropout": (Real, float, True),
    "input_dropout": (Real, float, True),
    "batch_size": (Integral, int, True),
    "max_epochs": (Integral, int, False),
    "patience": (Integral, int, False),
    "average_decay": (Real, float, False),
    "validation_share": (Real, float, False),
    "max_validation_rows": (Integral, int, False),
}
"""Of each parameter: what it must be, what it is turned into, and whether None stands for a choice."""


class MultiLabelClassifier(ClassifierMixin, BaseEstimator):
    """A network under any loss or joint model of mlj, with its decision, for scikit-learn.

    Fitting is :func:`mlj.runs.train`: a share of the rows is held out, on which the best pass, the decision
    and the curve of the probabilities are chosen. Where so few rows or labels are given that the held-out
    rows could choose nothing, all rows do both, so that the probabilities are too sure.

    Dense features are brought to mean 0 and variance 1, sparse rows to one length, since their zeros must
    stay zeros; the network's defaults differ too. So the same numbers give another model when they come
    sparse. A fitted estimator takes both.

    Args:
        loss: A loss by name, as in :data:`mlj.approaches.LOSS_APPROACHES`; sigmoid cross-entropy if neither
            this nor ``approach`` is given.
        approach: A joint model by name, as in :data:`mlj.approaches.JOINT_APPROACHES`, in place of a loss.
        metric: What stops the training, picks the best pass and is the decision tuned for.
        rule: The decision rule, as in :data:`mlj.decision.DECISIONS`, or a decoder of the approach. The
            default, one threshold for all labels, is exactly optimal on the held-out rows, hard to beat
            where these are few, and quick. None tries every rule there is, each of which is compiled, and
            takes the best.
        learning_rate: If None, the second of the optimizer's usual ones.
        optimizer: A name in :data:`mlj.training.OPTIMIZERS`.
        weight_decay: As the optimizer takes it.
        model: ``mlp``, ``linear`` or ``conv``.
        hidden: Widths of the hidden layers, or the width of one; if empty, (128, 128) for dense features
            and (1024,) for sparse ones.
        dropout: Of hidden units; if None, 0.4 for dense features and 0.5 for sparse ones.
        input_dropout: Of features; if None, 0.2 for dense features and 0.5 for sparse ones.
        batch_size: Samples per step; if None, the largest power of two up to 128 that leaves eight steps to a
            pass, since a pass of one or two steps teaches too little where rows are few.
        max_epochs: Passes over the training rows at the most.
        patience: Passes without a better validation value after which the training stops.
        average_decay: Decay of the running average of the parameters, which is what is validated and kept.
        validation_share: Share of the rows that is held out.
        max_validation_rows: Rows that are held out at the most.
        random_state: An integer repeats every number on the same machine; a ``RandomState`` or None draws
            one.

    Attributes:
        classes_: The numbers of the labels, ``[L]``; for a vector of two classes these two.
        n_labels_: L; 1 for a vector of two classes.
        n_features_in_: D.
        feature_names_in_: Names of the columns, if the features came with names.
        model_: The :class:`mlj.comparison.SavedModel`, which :func:`mlj.comparison.saved.write_model`
            writes for ``mlj predict``.
        rule_: The rule or decoder that decides.
        n_iter_: Passes that were made.
        best_iter_: Passes that led to the parameters that were kept.
        loss_curve_: The mean loss of each pass.
        validation_scores_: The metric on the held-out rows after each pass, the larger the better.

    Example:
        >>> from sklearn.datasets import make_multilabel_classification
        >>> X, Y = make_multilabel_classification(n_samples=60, random_state=0)
        >>> classifier = MultiLabelClassifier(loss="zlpr", hidden=8, max_epochs=3, random_state=0)
        >>> classifier.fit(X, Y).predict(X).shape
        (60, 5)
        >>> classifier.predict_proba(X[:2]).shape
        (2, 5)
    """

    def __init__(
        self,
        *,
        loss: str | None = None,
        approach: str | None = None,
        metric: str = "micro_f1",
        rule: str | None = "global_threshold",
        learning_rate: float | None = None,
        optimizer: str = "adamw",
        weight_decay: float = 0.01,
        model: str = "mlp",
        hidden: int | tuple[int, ...] = (),
        dropout: float | None = None,
        input_dropout: float | None = None,
        batch_size: int | None = None,
        max_epochs: int = 50,
        patience: int = 10,
        average_decay: float = 0.96,
        validation_share: float = 0.2,
        max_validation_rows: int = 20_000,
        random_state: int | np.random.RandomState | None = None,
    ):
        self.loss = loss
        self.approach = approach
        self.metric = metric
        self.rule = rule
        self.learning_rate = learning_rate
        self.optimizer = optimizer
        self.weight_decay = weight_decay
        self.model = model
        self.hidden = hidden
        self.dropout = dropout
        self.input_dropout = input_dropout
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.patience = patience
        self.average_decay = average_decay
        self.validation_share = validation_share
        self.max_validation_rows = max_validation_rows
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> Self:
        """Train on features and labels.

        Args:
            X: Features ``[N, D]``, dense or sparse; finite in float32.
            y: Multi-hot labels ``[N, L]``, dense or sparse, NaN where a label was not observed; or a vector
                ``[N]`` of two classes, which is one label: the greater class.

        Raises:
            TypeError: If a parameter is of another type than it says.
            ValueError: If a parameter, the features or the labels cannot be used, or no pass gave a finite
                model; the message says why.
        """
        if y is None:
            raise ValueError(f"{type(self).__name__} requires y to be passed, but the target y is None")
        features = _as_float32(validate_data(self, X, ensure_min_samples=2, **_CHECKS))
        target = read_target(y)
        check_consistent_length(features, target.labels)
        config = self._config()
        dataset = Dataset(
            features,
            target.labels,
            where=target.where,
            feature_names=getattr(self, "feature_names_in_", None),
        )
        dataset = with_validation(dataset, config)
        if self.batch_size is None:
            config = replace(config, batch_size=usual_batch_size(dataset))
        run = train(dataset, config)
        self.classes_ = target.classes
        self.n_labels_ = dataset.num_labels
        self.model_ = run.model
        self.rule_ = run.decision.name
        self.n_iter_ = run.facts.epoch
        self.best_iter_ = run.facts.best_epoch
        self.loss_curve_ = list(run.facts.train_curve)
        self.validation_scores_ = list(run.facts.validation_curve)
        self._form, self._label_dtype = target.form, target.dtype
        return self

    def predict(self, X: Any) -> np.ndarray | sp.csr_array:
        """Return the decided labels.

        Args:
            X: Features ``[N, D]``, dense or sparse.

        Returns:
            Multi-hot ``[N, L]`` of the dtype of the labels that were fitted, sparse if they were; or the
            class of each sample ``[N]`` if they were a vector.
        """
        decided = self._judge(X).predictions
        if self._form == "vector":
            return self.classes_[decided[:, 0].astype(int)]
        return (sp.csr_array(decided) if self._form == "sparse" else decided).astype(self._label_dtype)

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probability of each label, ``[N, L]``; of both classes, ``[N, 2]``, of a vector.

        It is one logistic curve of the scores for all labels, whatever the loss, fitted on the held-out
        rows. The decision need not be at 0.5: it is where the rule puts it.
        """
        probs = self._judge(X).probs
        return np.concatenate([1 - probs, probs], axis=1) if self._form == "vector" else probs

    def decision_function(self, X: Any) -> np.ndarray:
        """Return the scores, ``[N, L]``, the larger the surer; ``[N]`` if a vector was fitted.

        A rule of one threshold for all labels is subtracted, so that a label is decided where its score is
        above 0. Under other rules the scores are as the model gives them, since thresholds of their own
        would change the order of a sample's labels.
        """
        scores = self._judge(X).scores - _only_threshold(self.model_)
        return scores[:, 0] if self._form == "vector" else scores

    def _judge(self, X: Any) -> Judged:
        check_is_fitted(self)
        features = _as_float32(validate_data(self, X, reset=False, **_CHECKS))
        wants_sparse = self.model_.scaling.row_length is not None
        if sp.issparse(features) != wants_sparse:
            features = sp.csr_array(features) if wants_sparse else features.toarray()
        return self.model_.judge(features)

    def _config(self) -> TrainConfig:
        """Return the settings of a run.

        Raises:
            TypeError: If a parameter is of another type than it says.
            ValueError: If one cannot be used.
        """
        given = {name: _converted(name, getattr(self, name), *kind) for name, kind in _KINDS.items()}
        widths = (self.hidden,) if isinstance(self.hidden, Integral) else self.hidden
        if not isinstance(widths, tuple | list) or not all(isinstance(width, Integral) for width in widths):
            raise TypeError(f"hidden must be an int or a tuple of ints, got {self.hidden!r}")
        chosen = {name: value for name, value in given.items() if (name, value) != ("batch_size", None)}
        return TrainConfig(**chosen, hidden=tuple(int(width) for width in widths), seed=self._seed())

    def _seed(self) -> int:
        if isinstance(self.random_state, Integral):
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(2**31 - 1))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        tags.classifier_tags.multi_class = False
        tags.input_tags.sparse = True
        return tags

    def __getstate__(self) -> dict[str, Any]:
        """Return what makes the estimator again, the model as bytes: its functions cannot be stored."""
        state = dict(super().__getstate__())
        if "model_" in state:
            state["model_"] = model_files(self.model_)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take what :meth:`__getstate__` gave; what was compiled for such a model here serves it too."""
        if "model_" in state:
            model = model_from(state["model_"], Path("model_"))
            info = model.info
            approach = approach_for(
                info["contender"],
                info["model"],
                info["model_options"],
                state["n_features_in_"],
                info["sizes"],
            )
            state = state | {"model_": model._replace(approach=approach)}
        super().__setstate__(state)


_CHECKS = {"accept_sparse": "csr", "dtype": [np.float32, np.float64]}


def _converted(name: str, value: Any, kind: type, convert: type, optional: bool) -> Any:
    if optional and value is None:
        return None
    if not isinstance(value, kind) or isinstance(value, bool):
        wanted = {str: "a name", Real: "a number", Integral: "an int"}[kind]
        raise TypeError(f"{name} must be {wanted}{' or None' if optional else ''}, got {value!r}")
    return convert(value)


def _as_float32(features: np.ndarray | sp.spmatrix | sp.sparray) -> np.ndarray | sp.csr_array:
    """Return checked features as they are trained on, each entry of sparse ones once."""
    with np.errstate(over="ignore"):
        if sp.issparse(features):
            features = sp.csr_array(features, dtype=np.float32, copy=True)
            features.sum_duplicates()
            values = features.data
        else:
            features = values = features.astype(np.float32, copy=False)
    if not np.isfinite(values).all():
        raise ValueError("Input X contains a value too large for float32, in which it is trained on")
    return features


def _only_threshold(model: SavedModel) -> np.float32:
    """Return the score above which every label is decided; 0 if the rule has no such score."""
    rule = model.rule
    if isinstance(rule, Threshold | LabelThresholds) and np.size(rule[0]) == 1:
        return np.float32(np.asarray(rule[0]).item())
    if isinstance(rule, ProbThreshold) and model.platt.slope > 0:
        odds = np.log(rule.threshold) - np.log1p(-rule.threshold)
        return np.float32((odds - model.platt.intercept) / model.platt.slope)
    return np.float32(0)
