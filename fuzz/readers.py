"""Coverage-guided fuzzing of the parsers, with atheris.

``python fuzz/readers.py csv`` fuzzes one parser, ``python fuzz/readers.py all`` every one, as many at a time
as there are cores, ten minutes each unless ``--seconds`` says otherwise. Every input must give valid data or
a ``DataError``; another exception, a warning, an input that takes 30 seconds or 2 GB of memory is a finding:
the input is written to ``tests/fuzz/findings/PARSER/``, where the tests replay it from then on, and the exit
code is not zero.
"""

from __future__ import annotations

import argparse
import importlib.util
import platform
import re
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

TESTS = Path(__file__).resolve().parents[1] / "tests" / "fuzz"
NAMES = (
    *("mulan_arff", "arff", "meka_arff", "hmc_arff", "xml", "csv", "listed_csv", "libsvm", "xc"),
    *("npz", "npy", "fasttext", "goemotions", "reuters", "compressed"),
    *("csv_text", "csv_text_batches", "fasttext_batches", "listed_csv_pieces", "npz_pieces"),
    *("csv_batches", "arff_batches", "libsvm_batches", "xc_batches"),
)
NO_ATHERIS = 2
LIMITS = ("-max_len=4096", "-timeout=30", "-rss_limit_mb=2048", "-print_final_stats=1")


def fuzz(name: str, seconds: int) -> None:
    """Fuzz one parser; this never returns, libFuzzer ends the process."""
    import atheris

    sys.path.insert(0, str(TESTS))
    with atheris.instrument_imports(include=["mlj.data"]):
        from fuzz_parsers import PARSERS, try_file
    parser, folder = PARSERS[name], Path(tempfile.mkdtemp())
    corpus, files, words = folder / "corpus", folder / "files", folder / "words"
    corpus.mkdir()
    files.mkdir()
    for number, seed in enumerate(parser.seeds):
        (corpus / str(number)).write_bytes(seed)
    entries = (
        *parser.words,
        b"nan",
        b"inf",
        b"1e999",
        b"-1",
        b"2000000000",
        b"\xef\xbb\xbf",
        b"\\ud800",
        b"1_0",
    )
    words.write_text("".join(f'"{_escaped(word)}"\n' for word in entries))
    findings = TESTS / "findings" / name
    warnings.simplefilter("error")
    options = (f"-max_total_time={seconds}", f"-artifact_prefix={findings}/", f"-dict={words}", *LIMITS)
    atheris.Setup(
        [sys.argv[0], *options, str(corpus)], lambda content: try_file(parser, content, files) and None
    )
    atheris.Fuzz()


def _escaped(word: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word)


class Ran(NamedTuple):
    """How the fuzzing of one parser went."""

    name: str
    seconds: float
    inputs: int
    """Inputs tried."""
    covered: int
    """Edges of the instrumented code that were reached."""
    megabytes: int
    """The most memory the process held."""
    exit_code: int


def run(name: str, seconds: int) -> Ran:
    """Fuzz one parser in a process of its own; what it said is printed when it has found something."""
    findings = TESTS / "findings" / name
    findings.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    command = [sys.executable, __file__, name, "--seconds", str(seconds), "--here"]
    ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    said = ended.stdout.decode("utf-8", "replace")
    ran = Ran(
        name,
        time.monotonic() - start,
        _last_number(r"number_of_executed_units: (\d+)", said),
        _last_number(r"cov: (\d+)", said),
        _last_number(r"peak_rss_mb: +(\d+)", said),
        ended.returncode,
    )
    if ran.exit_code:
        print(said, flush=True)
    print(f"== {name}: exit code {ran.exit_code}, {ran.inputs:,} inputs in {ran.seconds:.0f} s", flush=True)
    for folder in (findings, findings.parent):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
    return ran


def _last_number(pattern: str, text: str) -> int:
    return int((re.findall(pattern, text) or ["0"])[-1])


def page(rows: Sequence[Ran]) -> str:
    """Return the page that says what was tried and found."""
    lines = [
        f"| {ran.name} | {ran.seconds:.0f} | {ran.inputs:,} | {ran.covered:,} | {ran.megabytes:,} | "
        f"{'yes' if ran.exit_code else 'no'} |"
        for ran in rows
    ]
    found = sum(ran.exit_code != 0 for ran in rows)
    return f"""# Parsers under fuzzing

Written by `make fuzz EXTRA=fuzz`. [atheris](https://github.com/google/atheris) changes files and keeps the
changes that reach new code of `mlj.data`. Every input has to give valid data or a `DataError`; another
exception, a warning, 30 seconds or 2 GB of memory for one input is a finding, at which a parser's fuzzing
ends. Findings are mended and stay as tests (`tests/fuzz/findings/`).

{sum(ran.inputs for ran in rows):,} inputs for {len(rows)} parsers, {found} of them with a finding, on Python
{platform.python_version()}.

| parser | seconds | inputs | edges reached | most memory, MB | found something |
|---|---|---|---|---|---|
""" + "\n".join([*lines, ""])


def main() -> int:
    """Fuzz the parsers that the command line names and return its exit code."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("parser", choices=("all", *NAMES), help="which parser")
    options.add_argument("--seconds", type=int, default=600, help="how long each")
    options.add_argument("--jobs", type=int, help="how many at a time; as many as cores if not given")
    options.add_argument("--page", type=Path, help="where a table of what was tried goes")
    options.add_argument("--here", action="store_true", help="in this process, which ends with it")
    given = options.parse_args()
    if importlib.util.find_spec("atheris") is None:
        print("fuzzing needs atheris, which is not installed: pip install -e '.[fuzz]'", file=sys.stderr)
        return NO_ATHERIS
    if given.here:
        fuzz(given.parser, given.seconds)
    from mlj.training.sweep import own_cores

    names = NAMES if given.parser == "all" else (given.parser,)
    with ThreadPoolExecutor(given.jobs or own_cores()) as workers:
        rows = list(workers.map(lambda name: run(name, given.seconds), names))
    if given.page is not None:
        given.page.write_text(page(rows), encoding="utf-8")
    found = [ran.name for ran in rows if ran.exit_code]
    print(f"== findings in {', '.join(found)}: see {TESTS / 'findings'}" if found else "== no findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
