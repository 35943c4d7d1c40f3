"""Much data: predictions for a million rows, a table that is packed, and training from disk."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np

from faults.measured import Measured, measure

PIECE = 10_000
PRESENT = 5
MLJ = ["-c", "import sys; from mlj.cli import main; sys.exit(main(sys.argv[1:]))"]


class Loaded(NamedTuple):
    """One job."""

    what: str
    rows: int
    features: int
    labels: int
    on_disk: int
    """Bytes that were read."""
    measured: Measured


def predict_many(work: Path, rows: tuple[int, ...], features: int, labels: int) -> list[Loaded]:
    """Train a model on a few rows, and let it predict for files of so many rows each."""
    from mlj.data import write_disk

    work.mkdir(parents=True, exist_ok=True)
    write_disk(_pieces(4000, features, labels), work / "few", replace=True)
    hidden = ["--loss", "sigmoid_cross_entropy", "--rule", "zero", "--max-epochs", "1"]
    measure([*MLJ, "train", str(work / "few"), "--out", str(work / "model"), *hidden], work / "few.txt")
    found = []
    for number in rows:
        path, out = work / "many.npy", work / "many.jsonl"
        _write_npy(path, number, features)
        arguments = ["predict", str(work / "model"), str(path), "--out", str(out), "--top", "5"]
        measured = measure([*MLJ, *arguments], work / "many.txt")
        with out.open("rb") as stream:
            lines = sum(1 for _ in stream)
        if lines != number:
            raise RuntimeError(f"{number} rows gave {lines} lines")
        found.append(Loaded("predict", number, features, labels, path.stat().st_size, measured))
        path.unlink()
        out.unlink()
    shutil.rmtree(work)
    return found


def train_from_disk(work: Path, rows: int, features: int, labels: int) -> Loaded:
    """Write a data set piece by piece, and train on it for one pass without holding it."""
    from mlj.data import write_disk

    work.mkdir(parents=True, exist_ok=True)
    write_disk(_pieces(rows, features, labels), work / "data", replace=True)
    size = sum(path.stat().st_size for path in (work / "data").iterdir())
    settings = ["--loss", "sigmoid_cross_entropy", "--rule", "zero", "--max-epochs", "1"]
    arguments = ["train", str(work / "data"), "--out", str(work / "run"), *settings]
    measured = measure([*MLJ, *arguments], work / "train.txt")
    shutil.rmtree(work)
    return Loaded("train one pass", rows, features, labels, size, measured)


def pack_table(work: Path, rows: int, features: int, labels: int) -> Loaded:
    """Write a table of numbers, the same rows again and again, and pack it."""
    work.mkdir(parents=True, exist_ok=True)
    path = work / "table.csv"
    _write_csv(path, rows, features, labels)
    arguments = ["pack", str(path), "--labels", f"last:{labels}", "--out", str(work / "packed")]
    measured = measure([*MLJ, *arguments], work / "pack.txt")
    size = path.stat().st_size
    shutil.rmtree(work)
    return Loaded("pack a CSV", rows, features, labels, size, measured)


def _write_csv(path: Path, rows: int, features: int, labels: int) -> None:
    (piece,) = _pieces(min(PIECE, rows), features, labels)
    numbers = [",".join(f"{value:.6g}" for value in row) for row in piece.features]
    lines = [f"{row},{','.join(map(str, present))}\n" for row, present in zip(numbers, piece.labels)]
    names = [*(f"x{at}" for at in range(features)), *(f"y{at}" for at in range(labels))]
    with path.open("w", encoding="ascii") as stream:
        stream.write(",".join(names) + "\n")
        for start in range(0, rows, PIECE):
            stream.writelines(lines[: rows - start])


def _block(rng: np.random.Generator, rows: int, features: int) -> np.ndarray:
    return rng.standard_normal((rows, features), np.float32)


def _write_npy(path: Path, rows: int, features: int) -> None:
    rng = np.random.default_rng(1)
    array = np.lib.format.open_memmap(path, "w+", np.float32, (rows, features))
    for start in range(0, rows, PIECE):
        array[start : start + PIECE] = _block(rng, min(PIECE, rows - start), features)
    array.flush()


def _pieces(rows: int, features: int, labels: int) -> Iterator[Any]:
    from mlj.data import Dataset

    rng = np.random.default_rng(0)
    weights = rng.normal(size=(features, labels)).astype(np.float32) / np.sqrt(features)
    # The sum of two normal numbers is above it for PRESENT labels of a row on average.
    bound = np.sqrt(2) * NormalDist().inv_cdf(1 - PRESENT / max(labels, 2 * PRESENT))
    for start in range(0, rows, PIECE):
        block = _block(rng, min(PIECE, rows - start), features)
        noise = rng.standard_normal((len(block), labels), np.float32)
        yield Dataset(block, (block @ weights + noise > bound).astype(np.int8))
