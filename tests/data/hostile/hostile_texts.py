"""Hostile fastText, GoEmotions and Reuters files."""

from __future__ import annotations

from hostile_case import Case, Later, times

LONG = 10_000_000


def _fasttext(content: bytes | Later, says: str, line: int | None = 2) -> Case:
    return Case("d.txt", content, "fasttext", says, line)


_LINE = b"__label__a text\n"
FASTTEXT = {
    "a label without a name": _fasttext(_LINE + b"__label__ text\n", "a label is '__label__' without a name"),
    "a label twice": _fasttext(_LINE + b"__label__a __label__a t\n", "label 'a' stands twice in the line"),
    "a label behind the text": _fasttext(_LINE + b"text __label__a\n", "__label__a stands behind the text"),
    "a blank line": _fasttext(_LINE + b"\n" + _LINE, "the line is empty"),
    "no labels": _fasttext(b"text\n", "the file has no labels", None),
    "a byte that is not UTF-8": _fasttext(_LINE + b"__label__\xff t\n", "byte 0xff is not utf-8"),
    "half a character": _fasttext(_LINE + b"__label__\xed\xa0\x80 t\n", "byte 0xed is not utf-8"),
    "a NUL byte": _fasttext(_LINE + b"__label__a\x00b t\n", "a NUL character"),
    "a label of 10 MB twice": _fasttext(
        _LINE + b"__label__" + times(b"a", LONG // 2) + b" __label__" + times(b"a", LONG // 2),
        "stands twice in the line",
    ),
    "nothing but a byte order mark": _fasttext(b"\xef\xbb\xbf", "the file is empty", None),
}

_HEAD = b"title,sea\ntide,1\n"


def _csv_texts(content: bytes | Later, says: str, line: int | None = 3) -> Case:
    return Case("d.csv", content, "csv_texts", says, line, {"text": "title", "labels": "sea"})


CSV_TEXTS = {
    "a label of nan": _csv_texts(_HEAD + b"a,nan\n", "label 'sea' is missing; labels of texts are 0 or 1"),
    "a label of 1.5": _csv_texts(_HEAD + b"a,1.5\n", "label 'sea' is '1.5'"),
    "a label of 5000 digits": _csv_texts(_HEAD + b"a," + b"9" * 5000 + b"\n", "a label is 0, 1 or missing"),
    "a ragged row": _csv_texts(_HEAD + b"a,1,2\n", "the row has 3 cells, the header has 2"),
    "an unclosed quote": _csv_texts(
        _HEAD + b'"' + times(b"a,1\n", LONG // 4), "in the row that begins on line 3", 1_048_579
    ),
    "a NUL byte": _csv_texts(_HEAD + b"a\x00b,1\n", "a NUL character"),
    "a byte that is not UTF-8": _csv_texts(_HEAD + b"\xff,1\n", "byte 0xff is not utf-8"),
    "a column without a role": _csv_texts(b"title,sea,sky\na,1,1\n", "is neither text nor a label", 1),
    "header only": _csv_texts(b"title,sea\n", "a header and no rows", 1),
}

_ROW = b"text\t0\tid\n"


def _goemotions(file: str, content: bytes | Later, says: str, line: int | None = 2) -> Case:
    whole = {"labels.txt": b"joy\ngrief\n", "train.tsv": _ROW, "dev.tsv": _ROW, "test.tsv": _ROW}
    return Case(file, content, "goemotions", says, line, beside=whole, folder=True)


def _row(row: bytes | Later, says: str) -> Case:
    return _goemotions("dev.tsv", _ROW + row + b"\n", says)


GOEMOTIONS = {
    "a label of 2e9": _row(b"t\t2000000000\tid", "label index 2000000000 is beyond the last one, 1"),
    "a label of 5000 digits": _row(b"t\t" + b"9" * 5000 + b"\tid", "which is far too large"),
    "a negative label": _row(b"t\t-1\tid", "label index -1: indices begin at 0"),
    "a label twice": _row(b"t\t1,1\tid", "label index 1 stands twice in the row"),
    "a label of 1.5": _row(b"t\t1.5\tid", "a label is '1.5', which is not an integer"),
    "a label of nan": _row(b"t\tnan\tid", "a label is 'nan', which is not an integer"),
    "no label": _row(b"t\t\tid", "a label is '', which is not an integer"),
    "two columns": _row(b"t\t1", "the row has 2 columns"),
    "10 MB of tabs": _row(times(b"\t", LONG), "the row has 10000001 columns"),
    "a NUL byte": _row(b"t\x00\t1\tid", "a NUL character"),
    "a byte that is not UTF-8": _row(b"\xff\t1\tid", "byte 0xff is not utf-8"),
    "a label that is named twice": _goemotions("labels.txt", b"joy\njoy\n", "two labels are named 'joy'"),
    "a label without a name": _goemotions("labels.txt", b"joy\n\ngrief\n", "the line is empty"),
    "no rows": _goemotions("test.tsv", b"\n\n", "the file is empty", None),
}

_DOCUMENT = (
    '<REUTERS TOPICS="YES" LEWISSPLIT="TRAIN" NEWID="1">\n<TOPICS><D>a</D></TOPICS>\n'
    "<TEXT><TITLE>t</TITLE><BODY>b</BODY></TEXT></REUTERS>\n"
)


def _reuters(content: str | Later, says: str, line: int | None = 2) -> Case:
    return Case(
        "a.sgm",
        content if isinstance(content, Later) else content.encode("latin-1"),
        "reuters",
        says,
        line,
        {"labels": "all"},
        folder=True,
    )


def _changed(before: str, after: str, says: str) -> Case:
    return _reuters("\n" + _DOCUMENT.replace(before, after), says)


REUTERS = {
    "a document that is not closed": _changed("</REUTERS>", "", "the document is not closed by </REUTERS>"),
    "a tag that is not closed": _changed('"1">', '"1"', "<REUTERS ... is not closed by >"),
    "a body that is not closed": _changed("</BODY>", "", "<BODY> without </BODY>"),
    "no text": _changed("TEXT", "TEST", "the document has no <TEXT>"),
    "no topics": _changed("<TOPICS>", "<TOPIC>", "the document has no <TOPICS>"),
    "an empty topic": _changed("<D>a</D>", "<D></D>", "a topic of the document is empty"),
    "an unknown split": _changed("TRAIN", "ALL", "LEWISSPLIT is 'ALL'"),
    "no number": _changed("NEWID", "OLDID", "<REUTERS ...> has no NEWID"),
    "a number twice": _reuters(_DOCUMENT * 2, 'NEWID="1" stands already in line 1', 4),
    "an entity of 5000 digits": _changed(
        "<BODY>b", f"<BODY>&#{'9' * 5000};", "an entity that is no character"
    ),
    "10 MB of openings": _reuters(times(b"\n<REUTERS ", LONG // 10), "<REUTERS ... is not closed by >"),
    "10 MB of angles": _reuters(times(b"<", LONG), "there is no <REUTERS ...> in the file", None),
    "a NUL byte": _reuters("\n" * 3 + _DOCUMENT.replace("<BODY>b", "<BODY>\x00"), "a NUL character", 6),
    "no documents": _reuters("text", "there is no <REUTERS ...> in the file", None),
}
