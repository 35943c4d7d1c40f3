"""What the README shows runs."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
COMMANDS = [
    shlex.split(line, comments=True)
    for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    for line in block.splitlines()
    if line.strip()
]
SHORT = {
    "compare": {"--losses": "zlpr", "--seeds": "2", "--learning-rates": "0.01", "--max-epochs": "1"},
    "train": {"--max-epochs": "1", "--rule": "zero"},
}
"""What makes a command short enough for a test."""


@pytest.mark.parametrize(
    "number",
    [0, *(pytest.param(n, marks=pytest.mark.slow) for n in range(1, len(BLOCKS)))],
)
def test_a_python_block_runs(number, tmp_path):
    ran = subprocess.run(
        [sys.executable, "-c", BLOCKS[number]], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with the files that the README's commands name."""
    folder = tmp_path_factory.mktemp("readme")
    rng = np.random.default_rng(0)
    features = rng.normal(size=(60, 4)).round(3)
    labels = (features @ rng.normal(size=(4, 12)) + rng.normal(size=(60, 12)) > 0).astype(int)
    rows = [",".join(map(str, (*x, *y))) for x, y in zip(features, labels)]
    names = [*"abcd", *(f"label_{n}" for n in range(12))]
    for name in ("train", "test", "new"):
        (folder / f"{name}.csv").write_text("\n".join([",".join(names), *rows]))
    for name in ("data", "big"):
        np.savez(folder / f"{name}.npz", features=features.astype(np.float32), labels=labels)
    pairs = ["1,2 " + " ".join(f"{at}:{value}" for at, value in enumerate(x, 1)) for x in features]
    (folder / "data.txt").write_text("\n".join(["0 1:1", *pairs]))
    words = np.array(["rain", "sun", "wind", "snow", "fog"])
    posts = [f"__label__{'wet' if n % 2 else 'dry'} {' '.join(rng.choice(words, 6))}" for n in range(60)]
    (folder / "posts.txt").write_text("\n".join(posts))
    notes = [f"{text.split()[1]},{text},{'wet;cold' if n % 2 else 'dry'}" for n, text in enumerate(posts)]
    (folder / "notes.csv").write_text("\n".join(["title,body,tags", *notes]))
    (folder / "new_notes.csv").write_text("title,body\nRain,wind and snow\n")
    attributes = [f"@attribute {name} numeric" for name in "abcd"]
    attributes += [f"@attribute {name} {{0,1}}" for name in names[4:]]
    (folder / "birds.arff").write_text("\n".join(["@relation birds", *attributes, "@data", *rows]))
    (folder / "birds.xml").write_text(
        "<labels>" + "".join(f'<label name="{name}"/>' for name in names[4:]) + "</labels>"
    )
    return folder


@pytest.mark.slow
def test_every_command_runs_in_the_order_of_the_page(place, monkeypatch):
    from mlj.cli import main

    monkeypatch.chdir(place)
    for words in COMMANDS:
        if words[0] == "mlj":
            short = {} if "--config" in words else SHORT.get(words[1], {})
            taken = {*words, *(["--losses"] if "--approaches" in words else [])}
            more = [word for pair in short.items() if pair[0] not in taken for word in pair]
            assert main([*words[1:], *more]) == 0, words


def test_every_make_command_shown_is_a_target():
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    shown = {words[1] for words in COMMANDS if words[0] == "make"}
    assert {"run", "test"} <= shown <= set(targets)


def test_every_command_shown_exists():
    from mlj.cli import COMMANDS as KNOWN

    shown = {words[1] for words in COMMANDS if words[0] == "mlj"}
    assert shown
    assert shown <= set(KNOWN)


def test_every_picture_shown_is_there():
    for path in re.findall(r"!\[[^]]*\]\(([^)]+)\)", README):
        assert (ROOT / path).is_file()
