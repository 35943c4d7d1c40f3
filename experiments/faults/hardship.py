"""Numbers that are hard to learn from: extreme features, a rate far too large, no labels, one sample."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

HARDSHIPS = {
    "features": "1 % of the features at +-1e30",
    "rate": "learning rate 1e6",
    "absent": "batches without a present label",
    "one row": "one sample in all",
    "one row to learn from": "one sample to learn from, one to validate on",
}


class Endured(NamedTuple):
    """One trial."""

    contender: str
    hardship: str
    outcome: str
    """``finite``, ``stopped``, or what went wrong."""
    said: str


def endure_all(contenders: tuple[str, ...], work: Path, *, rows: int, epochs: int) -> list[Endured]:
    """Train every contender under every hardship."""
    return [
        _endure(contender, hardship, work / f"{contender}-{number}".replace(":", "-"), rows, epochs)
        for contender in contenders
        for number, hardship in enumerate(HARDSHIPS)
    ]


def _endure(contender: str, hardship: str, out: Path, rows: int, epochs: int) -> Endured:
    from mlj.approaches import JOINT_APPROACHES
    from mlj.comparison.saved import load_chosen
    from mlj.runs import TrainConfig, train
    from mlj.storage import read_folder, unpack_arrays

    kind = "approach" if contender in JOINT_APPROACHES else "loss"
    config = TrainConfig(
        **{kind: contender},
        hidden=(8,),
        batch_size=8,
        max_epochs=epochs,
        learning_rate=1e6 if hardship == "rate" else 0.01,
        checkpoint_seconds=0,
        keep=10**6,
    )
    data = _data(hardship, rows)
    try:
        found = train(data, config, out)
    except ValueError as error:
        outcome, said = "stopped", str(error).replace(str(out), "…")
    else:
        judged = load_chosen(out / "model").judge(np.asarray(data.features))
        sound = _finite(load_chosen(out / "model").params) and _finite(judged)
        failed = found.facts.failed_step
        outcome = "finite" if sound else "a model that is not finite was saved"
        said = "" if failed is None else f"stopped at step {failed}, kept pass {found.facts.best_epoch}"
    saved = (out / "checkpoints").glob("step-*")
    if not all(_finite(unpack_arrays(read_folder(place)["arrays.safetensors"])) for place in saved):
        outcome = "a checkpoint that is not finite was saved"
    if (out / "model").exists() and outcome == "stopped":
        outcome = "a model was saved although training failed"
    return Endured(contender, hardship, outcome, said)


def _finite(tree: Any) -> bool:
    import jax

    return all(np.isfinite(np.asarray(leaf)).all() for leaf in jax.tree.leaves(tree))


def _data(hardship: str, rows: int):
    from mlj.data import Dataset

    rng = np.random.default_rng(0)
    rows = {"one row": 1, "one row to learn from": 2}.get(hardship, rows)
    features = rng.normal(size=(rows, 6)).astype(np.float32)
    labels = (features @ rng.normal(size=(6, 4)) + rng.normal(size=(rows, 4)) > 0).astype(np.int8)
    split = None
    if hardship == "features":
        wild = rng.random(features.shape) < 0.01
        features[wild] = rng.choice([-1e30, 1e30], size=int(wild.sum()))
    elif hardship == "absent":
        # One row in ten has a label, so most batches have none.
        labels[rng.random(rows) < 0.9] = 0
    elif hardship == "one row to learn from":
        labels[:] = [1, 0, 1, 0]
        split = np.array([0, 1])
    return Dataset(features, labels, split=split)
