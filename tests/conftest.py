"""One strict session: CPU, no silent rank promotion, warnings are errors, no network."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# MLJ_TEST_PLATFORM=cuda runs the tests on an accelerator.
os.environ["JAX_PLATFORMS"] = os.environ.get("MLJ_TEST_PLATFORM", "cpu")
DATA = os.environ.get("MLJ_DATA_DIR")


def pytest_collection_modifyitems(items):
    """Keep what shares compiled programs in one worker: tests of a loss, else tests of a file."""
    for item in items:
        name = getattr(item, "callspec", None) and item.callspec.params.get("name")
        group = f"loss {name}" if name and item.path.parent.name == "losses" else str(item.path)
        item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(scope="session", autouse=True)
def _strict_jax():
    import jax

    jax.config.update("jax_numpy_rank_promotion", "raise")


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Return the folder of real data sets, or skip and say why."""
    if not DATA:
        pytest.skip("needs the real data sets: set MLJ_DATA_DIR to the folder that holds them")
    return Path(DATA)
