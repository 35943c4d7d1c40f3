"""Hostile files: an error with file, line and reason, within seconds and 512 MB, whatever they say."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hostile_arff import ARFF, HMC, MEKA, XML
from hostile_arrays import NPY, NPZ
from hostile_streams import STREAMS
from hostile_tables import CSV, LIBSVM, XC
from hostile_texts import CSV_TEXTS, FASTTEXT, GOEMOTIONS, REUTERS

FORMATS = {
    "arff": ARFF,
    "xml": XML,
    "meka": MEKA,
    "hmc": HMC,
    "csv": CSV,
    "libsvm": LIBSVM,
    "xc": XC,
    "npz": NPZ,
    "npy": NPY,
    "fasttext": FASTTEXT,
    "csv_texts": CSV_TEXTS,
    "goemotions": GOEMOTIONS,
    "reuters": REUTERS,
    "streams": STREAMS,
}
CASES = {f"{kind}: {name}": case for kind, cases in FORMATS.items() for name, case in cases.items()}
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="measures memory as Linux does")
MEGABYTES = 512
SECONDS = 10


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory) -> dict[str, dict]:
    """Return what came of every file, all read in one process of limited memory."""
    folder = tmp_path_factory.mktemp("hostile")
    asked = []
    for number, (name, case) in enumerate(CASES.items()):
        place = folder / str(number)
        place.mkdir()
        options = {
            key: str(place / value[1:]) if str(value).startswith("@") else value
            for key, value in case.options.items()
        }
        asked.append({"name": name, "path": case.write(place), "reader": case.reader, "options": options})
    ran = subprocess.run(
        [sys.executable, Path(__file__).with_name("hostile_runner.py")],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        timeout=500,
    )
    found = [json.loads(line) for line in ran.stdout.splitlines()]
    assert len(found) == len(asked), f"the reader died at {asked[len(found)]['name']}: {ran.stderr[-2000:]}"
    return {one["name"]: one | {"path": given["path"]} for one, given in zip(found, asked)}


def test_there_are_hostile_files_of_every_format():
    assert len(CASES) >= 80
    assert min(map(len, FORMATS.values())) >= 4


@pytest.mark.parametrize("name", CASES)
def test_a_hostile_file_is_refused_with_file_line_and_reason(name, outcomes):
    case, found = CASES[name], outcomes[name]
    assert found["error"] == "DataError", found
    assert case.says in found["text"]
    assert found["line"] == case.line, found
    assert found["file"].startswith(found["path"] if case.folder else str(Path(found["path"]).parent))
    assert len(found["text"]) < 2000
    assert found["text"].isprintable()


def test_no_hostile_file_takes_long_or_much_memory(outcomes):
    assert {name: found["seconds"] for name, found in outcomes.items() if found["seconds"] > SECONDS} == {}
    assert {
        name: found["megabytes"] for name, found in outcomes.items() if found["megabytes"] > MEGABYTES
    } == {}
