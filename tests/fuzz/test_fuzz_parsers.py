"""Whatever bytes a parser is given, it returns valid data or says what is wrong with the file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fuzz_parsers import PARSERS, Parser, try_file
from hypothesis import HealthCheck, given, settings, strategies as st

FINDINGS = Path(__file__).with_name("findings")
HOSTILE = (
    *(
        b"nan",
        b"inf",
        b"1e999",
        b"-1e999",
        b"1.5",
        b"yes",
        b"-1",
        b"-0",
        b"2000000000",
        b"9" * 30,
        b"9" * 5000,
    ),
    *(
        b"",
        b" ",
        b"\0",
        b"\r",
        b"\n",
        b"\r\n",
        b"\x1a",
        b"\x1b[2J",
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b"\xed\xa0\x80",
    ),
    *("١".encode(), "\u2028".encode(), b"0x10", b"1_0", b"'", b'"', b"\\", b"\\ud800", b"%", b"#", b"=1+1"),
)
_TOKENS = re.compile(rb"([\s,:;{}@\"'<>=/()]+)")
EXAMPLES = 10_000


def _place(draw, content: bytes) -> int:
    return draw(st.integers(0, max(len(content) - 1, 0)))


def _flipped(draw, content: bytes, words) -> bytes:
    at = _place(draw, content)
    return content[:at] + bytes([draw(st.integers(0, 255))]) + content[at + 1 :]


def _cut(draw, content: bytes, words) -> bytes:
    start, end = sorted((_place(draw, content), _place(draw, content)))
    return content[:start] + content[end:]


def _inserted(draw, content: bytes, words) -> bytes:
    at = _place(draw, content)
    return content[:at] + draw(st.sampled_from(words) | st.binary(max_size=8)) + content[at:]


def _token_replaced(draw, content: bytes, words) -> bytes:
    tokens = _TOKENS.split(content)
    tokens[draw(st.integers(0, len(tokens) - 1))] = draw(st.sampled_from(words))
    return b"".join(tokens)


def _line_moved(draw, content: bytes, words) -> bytes:
    lines = content.split(b"\n")
    line = draw(st.sampled_from(lines))
    if draw(st.booleans()):
        lines.remove(line)
    lines.insert(draw(st.integers(0, len(lines))), line)
    return b"\n".join(lines)


def _line_dropped(draw, content: bytes, words) -> bytes:
    lines = content.split(b"\n")
    del lines[draw(st.integers(0, len(lines) - 1))]
    return b"\n".join(lines)


CHANGES = (_flipped, _cut, _inserted, _token_replaced, _token_replaced, _line_moved, _line_dropped)


@st.composite
def files(draw, parser: Parser) -> bytes:
    """Draw a valid file with up to four changes, or any bytes or text."""
    kind = draw(st.integers(0, 19))
    if kind == 0:
        return draw(
            st.binary(max_size=300) | st.text(max_size=100).map(lambda text: text.encode("utf-8", "replace"))
        )
    content = draw(st.sampled_from(parser.seeds))
    for change in draw(st.lists(st.sampled_from(CHANGES), min_size=1, max_size=4)):
        content = change(draw, content, HOSTILE + parser.words)
    return content


def _run(name: str, examples: int, folder: Path) -> list[bool]:
    valid: list[bool] = []

    @settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(files(PARSERS[name]))
    def holds(content: bytes) -> None:
        valid.append(try_file(PARSERS[name], content, folder))

    holds()
    return valid


@pytest.mark.parametrize("name", PARSERS)
def test_a_changed_file_is_read_right_or_refused(name, tmp_path):
    valid = _run(name, 30, tmp_path)
    assert not all(valid)


@pytest.mark.slow
@pytest.mark.parametrize("name", PARSERS)
def test_thousands_of_changed_files_are_read_right_or_refused(name, tmp_path):
    valid = _run(name, -(-EXAMPLES // len(PARSERS)), tmp_path)
    assert any(valid), "no file was valid: the changes are too many to reach what comes behind the parser"
    assert not all(valid)


@pytest.mark.parametrize("name", PARSERS)
def test_the_files_that_are_changed_are_valid_to_begin_with(name, tmp_path):
    for seed in PARSERS[name].seeds:
        assert try_file(PARSERS[name], seed, tmp_path) or name == "arff"


KEPT = sorted(path for path in FINDINGS.glob("*/*") if path.is_file())


@pytest.mark.parametrize("path", KEPT, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_file_that_once_broke_a_parser_is_read_right_or_refused(path, tmp_path):
    try_file(PARSERS[path.parent.name], path.read_bytes(), tmp_path)
