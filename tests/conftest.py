"""One strict session: CPU, no silent rank promotion, warnings are errors, no network."""

from __future__ import annotations

import gc
import os
import runpy
from pathlib import Path

import pytest

# MLJ_TEST_PLATFORM=cuda runs the tests on an accelerator.
os.environ["JAX_PLATFORMS"] = os.environ.get("MLJ_TEST_PLATFORM", "cpu")
DATA = os.environ.get("MLJ_DATA_DIR")
MOST_MAPPINGS = 20_000

THIS_MACHINE = Path(__file__).with_name("this_machine")
"""Holds what keeps this process, and every Python that a test starts, from the network."""
runpy.run_path(str(THIS_MACHINE / "sitecustomize.py"))
if str(THIS_MACHINE) not in os.environ.get("PYTHONPATH", "").split(os.pathsep):
    inherited = [os.environ["PYTHONPATH"]] if os.environ.get("PYTHONPATH") else []
    os.environ["PYTHONPATH"] = os.pathsep.join([str(THIS_MACHINE), *inherited])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Keep in one worker what shares compiled programs and fixtures: the tests of a loss, or of a file."""
    from xdist.scheduler import LoadScopeScheduling

    from mlj.losses import BATCH_LOSSES, LOSSES

    class ByLossOrFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file, _, rest = nodeid.partition("::")
            words = set(rest.partition("[")[2].removesuffix("]").split("-"))
            names = words & {*LOSSES, *BATCH_LOSSES} if "/losses/" in file else set()
            return f"loss {names.pop()}" if len(names) == 1 else file

    return ByLossOrFile(config, log)


@pytest.fixture(scope="session", autouse=True)
def _strict_jax():
    import jax

    jax.config.update("jax_numpy_rank_promotion", "raise")


@pytest.fixture(scope="module", autouse=True)
def _release_programs():
    """Forget compiled programs before there are too many.

    XLA maps some tens of pages for each program on a CPU, Linux lets a process hold 65,530 mappings, and the
    compiler ends the process at the next one.
    """
    yield
    if _mappings() > MOST_MAPPINGS:
        import jax

        jax.clear_caches()
        gc.collect()


def _mappings() -> int:
    maps = Path("/proc/self/maps")
    return maps.read_bytes().count(b"\n") if maps.exists() else 0


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Return the folder of real data sets, or skip and say why."""
    if not DATA:
        pytest.skip("needs the real data sets: set MLJ_DATA_DIR to the folder that holds them")
    return Path(DATA)
