"""Reuters-21578, as its 22 files of SGML.

The files are no XML: bytes are Latin-1, control characters stand as numeric entities, and documents of the
types BRIEF and UNPROC have no body. A document is the text between ``<REUTERS ...>`` and ``</REUTERS>``.
"""

from __future__ import annotations

import html
import re
from os import PathLike, fspath
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mlj.data.dataset import PARTS
from mlj.data.errors import DataError
from mlj.data.streams import read_text
from mlj.data.text_dataset import TextDataset, from_label_lists

_OPENING = re.compile(r"<REUTERS\b([^<>]*)(>?)")
_CLOSING = "</REUTERS>"
_ATTRIBUTE = re.compile(r'\b([A-Z]+)="([^"]*)"')
_TEXT = re.compile(r"<(TEXT)\b[^<>]*>")
_TOPICS = re.compile(r"<(TOPICS)>")
_TOPIC = re.compile(r"<(D)>")
_PIECE = re.compile(r"<(TITLE|BODY)>")
_TAG = re.compile(r"<(/?)(AUTHOR|DATELINE|TITLE|BODY)>")
_SPLITS = {"TRAIN": "train", "TEST": "test"}
_VALUES = {"TOPICS": ("YES", "NO", "BYPASS"), "LEWISSPLIT": (*_SPLITS, "NOT-USED"), "NEWID": None}
"""The attributes that a document needs, and what they can say."""


class _Document(NamedTuple):
    number: str
    text: str
    topics: tuple[str, ...]
    split: int
    file: str
    line: int


def read_reuters(folder: str | PathLike[str], *, labels: str = "r90", name: str = "reuters") -> TextDataset:
    """Read Reuters-21578 with the ModApte split.

    A text is the title and the body, each with its line breaks; where the files say UNPROC, all of the
    unprocessed text. By the ModApte split a document with ``TOPICS="YES"`` is for training or testing as
    LEWISSPLIT says, and every other one is unused. A topic that a document names twice counts once.

    Args:
        folder: Holds the files ``*.sgm``, plain or compressed.
        labels: ``r90`` for the topics that are present in both the training and the test part, and the
            documents of these parts that have one; ``all`` for every topic and all documents.
        name: What to call the data set.

    Raises:
        DataError: With file and line, if there is no such file, or a document or a tag in it is not closed,
            lacks an attribute, has an unknown one, has no text, an empty topic or another's number; and if no
            topic is in both parts.
        ValueError: If ``labels`` is another word.

    Reference:
        Lewis, Reuters-21578 text categorization test collection, Distribution 1.0, README. The files name
        7,770 training documents of the 90 topics; other copies of the collection count one less.

    >>> import pathlib, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> _ = (folder / "a.sgm").write_text('''
    ... <REUTERS TOPICS="YES" LEWISSPLIT="TRAIN" NEWID="1"><TOPICS><D>cocoa</D></TOPICS>
    ... <TEXT><TITLE>BAHIA</TITLE><BODY>Showers &lt;rain></BODY></TEXT></REUTERS>
    ... <REUTERS TOPICS="YES" LEWISSPLIT="TEST" NEWID="2"><TOPICS><D>cocoa</D></TOPICS>
    ... <TEXT TYPE="BRIEF"><TITLE>COCOA UP</TITLE></TEXT></REUTERS>''')
    >>> data = read_reuters(folder)
    >>> data.texts, data.label_names, data.split.tolist()
    (('BAHIA\\nShowers <rain>', 'COCOA UP'), ('cocoa',), [0, 2])
    """
    if labels not in ("r90", "all"):
        raise ValueError(f"read_reuters: labels must be 'r90' or 'all', got {labels!r}")
    files = sorted(path for path in Path(folder).glob("*.sgm*"))
    if not files:
        raise DataError("there is no file *.sgm in this folder", folder)
    documents = [document for file in files for document in _documents(file)]
    _refuse_repeats(documents)
    if labels == "all":
        names = sorted({topic for document in documents for topic in document.topics})
    else:
        parts = [{topic for d in documents if d.split == part for topic in d.topics} for part in (0, 2)]
        names = sorted(parts[0] & parts[1])
        if not names:
            raise DataError("no topic is present in both the training and the test part", folder)
    kept = set(names)
    if labels == "r90":
        documents = [d for d in documents if d.split >= 0 and not kept.isdisjoint(d.topics)]
    return from_label_lists(
        [document.text for document in documents],
        [[topic for topic in document.topics if topic in kept] for document in documents],
        names,
        split=np.array([document.split for document in documents], np.int8),
        name=name,
    )


def _documents(file: Path) -> list[_Document]:
    content = read_text(file, "latin-1")
    openings = list(_OPENING.finditer(content))
    if not openings:
        raise DataError("there is no <REUTERS ...> in the file", file)
    found, line, counted = [], 1, 0
    for opening, following in zip(openings, [*(o.start() for o in openings[1:]), len(content)]):
        line, counted = line + content.count("\n", counted, opening.start()), opening.start()
        if not opening[2]:
            raise DataError("<REUTERS ... is not closed by >", file, line)
        end = content.find(_CLOSING, opening.end(), following)
        if end < 0:
            raise DataError(f"the document is not closed by {_CLOSING}", file, line)
        try:
            found.append(_document(opening[1], content[opening.end() : end], file, line))
        except DataError as error:
            raise DataError(error.reason, file, line) from error
    return found


def _document(tag: str, content: str, file: Path, line: int) -> _Document:
    attributes = dict(_ATTRIBUTE.findall(tag))
    for attribute, known in _VALUES.items():
        if attribute not in attributes:
            raise DataError(f"<REUTERS ...> has no {attribute}")
        if known is not None and attributes[attribute] not in known:
            raise DataError(f"{attribute} is {attributes[attribute]!r}; it is one of {', '.join(known)}")
    text, topics = _between(_TEXT, content), _between(_TOPICS, content)
    if not text or not topics:
        raise DataError(f"the document has no <{'TOPICS' if text else 'TEXT'}>")
    names = tuple(dict.fromkeys(_resolved(topic) for topic in _between(_TOPIC, topics[0])))
    if "" in names:
        raise DataError("a topic of the document is empty")
    lewis = attributes["LEWISSPLIT"]
    used = attributes["TOPICS"] == "YES" and lewis in _SPLITS
    return _Document(
        number=attributes["NEWID"],
        text=_plain(text[0]),
        topics=names,
        split=PARTS[_SPLITS[lewis]] if used else -1,
        file=fspath(file),
        line=line,
    )


def _plain(content: str) -> str:
    """Return title and body, or all of the text where it has neither, entities resolved."""
    pieces = _between(_PIECE, content) or [_TAG.sub(" ", content)]
    return "\n".join(map(_resolved, pieces))


def _between(opening: re.Pattern[str], content: str) -> list[str]:
    """Return what stands between each opening tag and its closing one; in one pass, whatever is in there."""
    found, at = [], 0
    while (tag := opening.search(content, at)) is not None:
        closing = f"</{tag[1]}>"
        end = content.find(closing, tag.end())
        if end < 0:
            raise DataError(f"the document has <{tag[1]}> without {closing}")
        found.append(content[tag.end() : end])
        at = end + len(closing)
    return found


def _resolved(text: str) -> str:
    try:
        return html.unescape(text).strip()
    except ValueError as error:
        raise DataError(f"the document has an entity that is no character: {error}") from error


def _refuse_repeats(documents: list[_Document]) -> None:
    seen: dict[str, _Document] = {}
    for document in documents:
        first = seen.setdefault(document.number, document)
        if first is not document:
            raise DataError(
                f'NEWID="{document.number}" stands already in line {first.line} of {first.file}',
                document.file,
                document.line,
            )
