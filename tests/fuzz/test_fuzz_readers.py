"""The coverage-guided fuzzer knows every parser, and says how to get what it needs."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
from fuzz_parsers import PARSERS

FUZZER = Path(__file__).parents[2] / "fuzz" / "readers.py"


def test_the_fuzzer_knows_every_parser():
    spec = importlib.util.spec_from_file_location("fuzz_readers", FUZZER)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert set(module.NAMES) == set(PARSERS)
    assert len(module.NAMES) == len(PARSERS)


def _run(*options: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, FUZZER, *options], capture_output=True, text=True, timeout=300)


@pytest.mark.skipif(importlib.util.find_spec("atheris") is not None, reason="atheris is installed")
def test_without_atheris_the_fuzzer_says_how_to_get_it():
    ran = _run("csv")
    assert ran.returncode == 2
    assert "pip install -e '.[fuzz]'" in ran.stderr


def test_an_unknown_parser_is_refused_with_the_known_ones():
    ran = _run("yaml")
    assert ran.returncode == 2
    assert "listed_csv" in ran.stderr
