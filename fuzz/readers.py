"""Coverage-guided fuzzing of the parsers, with atheris.

``python fuzz/readers.py csv`` fuzzes one parser, ``python fuzz/readers.py all`` every one after another, ten
minutes each unless ``--seconds`` says otherwise. Every input must give valid data or a ``DataError``; another
exception, a warning, an input that takes 30 seconds or 2 GB of memory is a finding: the input is written to
``tests/fuzz/findings/PARSER/``, where the tests replay it from then on, and the exit code is not zero.
"""

from __future__ import annotations

import argparse
import importlib.util
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

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


def run(name: str, seconds: int) -> bool:
    """Fuzz one parser in a process of its own and return whether something was found."""
    findings = TESTS / "findings" / name
    findings.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    command = [sys.executable, __file__, name, "--seconds", str(seconds), "--here"]
    code = subprocess.run(command).returncode
    print(f"== {name}: exit code {code} after {time.monotonic() - start:.0f} s", flush=True)
    for folder in (findings, findings.parent):
        if not any(folder.iterdir()):
            folder.rmdir()
    return code != 0


def main() -> int:
    """Fuzz the parsers that the command line names and return its exit code."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("parser", choices=("all", *NAMES), help="which parser")
    options.add_argument("--seconds", type=int, default=600, help="how long each")
    options.add_argument("--here", action="store_true", help="in this process, which ends with it")
    given = options.parse_args()
    if importlib.util.find_spec("atheris") is None:
        print("fuzzing needs atheris, which is not installed: pip install -e '.[fuzz]'", file=sys.stderr)
        return NO_ATHERIS
    if given.here:
        fuzz(given.parser, given.seconds)
    names = NAMES if given.parser == "all" else (given.parser,)
    found = [name for name in names if run(name, given.seconds)]
    print(f"== findings in {', '.join(found)}: see {TESTS / 'findings'}" if found else "== no findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
