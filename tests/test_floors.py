"""Imports point down, each floor has its own tools, and files stay small."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "mlj"
FLOORS = [
    ("types", "_checks", "numerics", "label_terms", "_label_counts"),
    ("storage",),
    ("losses", "metrics", "weighting", "data", "models"),
    ("decision", "testing", "exported"),
    ("training",),
    ("approaches",),
    ("comparison", "report"),
    ("runs",),
    ("cli", "sklearn"),
]
ORDER = {"types": 0, "_checks": 1, "numerics": 1, "label_terms": 1, "_label_counts": 1}
TOOLS = {
    "types": {"jax"},
    "_checks": {"jax"},
    "numerics": {"jax"},
    "label_terms": {"jax"},
    "_label_counts": {"jax"},
    "losses": {"jax"},
    "metrics": {"jax"},
    "weighting": {"jax"},
    "data": {"numpy", "scipy", "sklearn", "pyarrow"},
    "models": {"jax", "flax"},
    "storage": {"numpy", "ml_dtypes", "safetensors"},
    "decision": {"jax", "numpy"},
    "testing": {"jax", "numpy", "chex", "mpmath"},
    "training": {"jax", "numpy", "optax"},
    "approaches": {"jax", "numpy", "flax"},
    "comparison": {"jax", "numpy", "scipy", "flax", "sklearn", "safetensors"},
    "report": {"numpy", "matplotlib"},
    "runs": {"jax", "numpy", "scipy", "flatbuffers", "tensorboardX"},
    "exported": {"jax", "numpy", "scipy"},
    "sklearn": {"numpy", "scipy", "sklearn"},
    "cli": {"tyro", "rich", "numpy"},
}


def _package(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


FILES = sorted(path for path in ROOT.rglob("*.py") if _package(path) != "__init__")


def _floor(package: str) -> int:
    return next(index for index, packages in enumerate(FLOORS) if package in packages)


def _imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"mlj.{name.name}" for name in node.names} if node.module == "mlj" else {node.module}
    return found


def _may_import(package: str, other: str) -> bool:
    if package == other:
        return True
    if _floor(package) == _floor(other) == 0:
        return ORDER[other] < ORDER[package]
    return _floor(other) < _floor(package)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_imports_only_floors_below_and_the_tools_of_its_own(path):
    package = _package(path)
    for name in _imports(path):
        first, *rest = name.split(".")
        if first == "mlj" and rest and rest[0] != "__version__":
            assert _may_import(package, rest[0]), f"{package} may not import {name}"
        elif first != "mlj" and first not in sys.stdlib_module_names:
            assert first in TOOLS[package], f"{package} may not import {name}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_has_at_most_400_lines_and_a_function_body_40(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 400
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            lines = body[-1].end_lineno - body[0].lineno + 1 if body else 0
            assert lines <= 40, f"{node.name} has {lines} lines"


def test_the_floor_rule_refuses_an_import_that_points_up():
    assert not _may_import("losses", "training")
    assert not _may_import("losses", "metrics")
    assert not _may_import("types", "numerics")
    assert _may_import("decision", "metrics")


def _loaded_after(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(' '.join(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in ran.stdout.split()}


def test_importing_the_losses_loads_jax_and_nothing_heavy():
    loaded = _loaded_after("import mlj.losses")
    assert "jax" in loaded
    assert not loaded & {"flax", "optax", "chex", "matplotlib", "sklearn", "tyro", "rich", "river"}


def test_importing_the_data_readers_never_loads_jax():
    assert not _loaded_after("import mlj.data") & {"jax", "jaxlib", "matplotlib", "sklearn", "river"}


def test_the_command_line_answers_help_without_jax_or_its_option_parser():
    loaded = _loaded_after("from mlj.cli import main; main(['--help'])")
    assert not loaded & {"jax", "numpy", "tyro", "rich", "matplotlib"}
