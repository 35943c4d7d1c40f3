"""Nothing that is read is run, nothing leaves its folder, nothing talks to the network."""

from __future__ import annotations

import ast
import pickle
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted(path for folder in ("mlj", "experiments", "fuzz") for path in (ROOT / folder).rglob("*.py"))
NAMES = {"eval", "exec", "__import__"}
MODULES = {"pickle", "joblib", "marshal", "shelve", "dill", "cloudpickle", "cPickle", "code", "imp"}
LOADERS = {("yaml", "load"), ("torch", "load"), ("os", "system"), ("os", "popen"), ("tempfile", "mktemp")}
LISTENERS = {"listen", "serve_forever", "start_server", "create_server"}


def faults_of(source: str) -> list[str]:
    """Return what a file does that no file may."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [name.name for name in node.names if name.name.split(".")[0] in MODULES]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in MODULES:
            found.append(str(node.module))
        elif isinstance(node, ast.Call):
            found += _faults_of_call(node)
    return found


def _faults_of_call(node: ast.Call) -> list[str]:
    found, owner, name = [], None, None
    if isinstance(node.func, ast.Name):
        name = node.func.id
        found += [name] if name in NAMES else []
    elif isinstance(node.func, ast.Attribute):
        name = node.func.attr
        owner = node.func.value.id if isinstance(node.func.value, ast.Name) else None
        found += [f"{owner}.{name}"] if (owner, name) in LOADERS or name in LISTENERS else []
    said = {word.arg: word.value for word in node.keywords}
    for word in ("allow_pickle", "shell"):
        if word in said and not (isinstance(said[word], ast.Constant) and said[word].value is False):
            found.append(word)
    if (owner, name) == ("np", "load") and "allow_pickle" not in said:
        found.append("np.load without allow_pickle=False")
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_runs_nothing_that_it_reads_and_listens_nowhere(path):
    assert faults_of(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from joblib import load",
        "eval('1')",
        "exec(text)",
        "yaml.load(stream)",
        "np.load(path)",
        "np.load(path, allow_pickle=True)",
        "np.load(path, allow_pickle=wanted)",
        "subprocess.run(line, shell=True)",
        "os.system(line)",
        "server.serve_forever()",
    ],
)
def test_the_rule_sees(source):
    assert len(faults_of(source)) == 1


def test_harmless_code_passes_the_rule():
    assert faults_of("import json\nnp.load(p, allow_pickle=False)\nsubprocess.run(words, shell=False)") == []


def test_a_model_whose_arrays_are_a_pickle_is_refused_and_the_pickle_is_not_opened(tmp_path):
    from mlj.comparison import load_chosen
    from mlj.storage import write_folder

    class Trap:
        def __reduce__(self):
            return Path.touch, (tmp_path / "opened",)

    write_folder(tmp_path / "model", {"model.json": b"{}", "params.safetensors": pickle.dumps(Trap())})
    with pytest.raises(ValueError, match="model"):
        load_chosen(tmp_path / "model")
    assert not (tmp_path / "opened").exists()


def test_arrays_of_objects_are_refused_and_not_opened(tmp_path):
    from mlj.data import DataError, load

    np.savez(tmp_path / "trap.npz", features=np.array([{}], object), labels=np.zeros((1, 1)))
    with pytest.raises(DataError, match=r"trap\.npz"):
        load(tmp_path / "trap.npz")


@pytest.mark.parametrize("address", [("192.0.2.1", 9), ("2001:db8::1", 9)])
def test_the_tests_themselves_cannot_leave_the_machine(address):
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with socket.socket(family) as here, pytest.raises(PermissionError, match="outside"):
        here.connect(address)


def test_a_child_of_the_tests_cannot_leave_the_machine_either():
    code = "import socket; socket.create_connection(('192.0.2.1', 9), timeout=1)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "PermissionError: a test reached for '192.0.2.1', outside this machine" in ran.stderr


def test_a_socket_on_every_address_is_refused_in_tests():
    with socket.socket() as here, pytest.raises(PermissionError, match="outside"):
        here.bind(("0.0.0.0", 0))
