"""States that tell by themselves whether they came back whole, and ways to damage them."""

from __future__ import annotations

from pathlib import Path

import ml_dtypes
import numpy as np


def state_of(step: int) -> tuple[dict[str, np.ndarray], dict]:
    """Return the arrays and facts that belong to ``step`` and to no other one."""
    rng = np.random.default_rng(step)
    arrays = {
        "params/kernel": rng.normal(size=(3, 4)).astype(np.float32),
        "params/half": rng.normal(size=5).astype(ml_dtypes.bfloat16),
        "optimizer/count": np.array(step % 2**31, np.int32),
        "key": rng.integers(2**32, size=4, dtype=np.uint32),
        "seen": rng.random(7) < 0.5,
    }
    return arrays, {"step": step, "best": float(rng.random()), "history": [step, step / 3]}


def assert_same_arrays(found: dict[str, np.ndarray], wanted: dict[str, np.ndarray]) -> None:
    """Equal in name, dtype, shape and every bit."""
    assert sorted(found) == sorted(wanted)
    for name, array in wanted.items():
        assert found[name].dtype == array.dtype, name
        assert found[name].shape == array.shape, name
        assert found[name].tobytes() == array.tobytes(), name


def assert_is_state(checkpoint, step: int) -> None:
    """What came back is the state of ``step``, all of it."""
    arrays, facts = state_of(step)
    assert checkpoint.step == step
    assert checkpoint.facts == facts
    assert_same_arrays(checkpoint.arrays, arrays)


def flip(path: Path, bit: int) -> None:
    """Turn over one bit of a file."""
    # In place: some file systems wait for the disk where a file is emptied and written again.
    with open(path, "r+b", buffering=0) as file:
        file.seek(bit // 8)
        (byte,) = file.read(1)
        file.seek(bit // 8)
        file.write(bytes([byte ^ 1 << bit % 8]))
