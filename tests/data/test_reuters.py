"""Reuters-21578: what is read, every way to be wrong with its file and line, and the published counts."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from mlj.data import DataError
from mlj.data.reuters import read_reuters

HEAD = '<!DOCTYPE lewis SYSTEM "lewis.dtd">\n'


def document(number=1, split="TRAIN", topics=("cocoa",), used="YES", text="<TITLE>T</TITLE><BODY>B</BODY>"):
    tags = "".join(f"<D>{topic}</D>" for topic in topics)
    return (
        f'<REUTERS TOPICS="{used}" LEWISSPLIT="{split}" CGISPLIT="X" OLDID="9" NEWID="{number}">\n'
        f"<TOPICS>{tags}</TOPICS>\n<PLACES><D>usa</D></PLACES>\n<TEXT>&#2;\n{text}\n</TEXT>\n</REUTERS>\n"
    )


def folder(tmp_path, *contents: str):
    for index, content in enumerate(contents):
        (tmp_path / f"reut2-{index:03}.sgm").write_text(HEAD + content, encoding="latin-1")
    return tmp_path


def test_the_parts_are_those_of_modapte_and_the_topics_those_of_both_parts(tmp_path):
    data = read_reuters(
        folder(
            tmp_path,
            document(1, topics=("cocoa", "tea")) + document(2, "TEST", ("cocoa", "tin")),
            document(3, "TRAIN", ("tea",)) + document(4, "NOT-USED") + document(5, used="BYPASS"),
        )
    )
    assert data.label_names == ("cocoa",)
    assert data.split.tolist() == [0, 2]
    everything = read_reuters(tmp_path, labels="all")
    assert everything.label_names == ("cocoa", "tea", "tin")
    assert everything.split.tolist() == [0, 2, 0, -1, -1]
    assert everything.labels.tolist() == [[1, 1, 0], [1, 0, 1], [0, 1, 0], [1, 0, 0], [1, 0, 0]]


def test_a_text_is_title_and_body_and_without_them_all_that_there_is(tmp_path):
    texts = [
        "<TITLE>PROFIT &lt;UP></TITLE><DATELINE> RIO, May 1 - </DATELINE><BODY>caf\xe9 &amp; co&#3;</BODY>",
        "<TITLE>ONLY A HEADLINE</TITLE>",
        "\nraw words\n",
    ]
    content = "".join(document(index, text=text) for index, text in enumerate(texts))
    data = read_reuters(folder(tmp_path, content), labels="all")
    assert data.texts == ("PROFIT <UP>\ncaf\xe9 & co", "ONLY A HEADLINE", "raw words")


def test_compressed_files_are_read_alike(tmp_path):
    (tmp_path / "a.sgm.gz").write_bytes(gzip.compress((HEAD + document()).encode("latin-1")))
    assert read_reuters(tmp_path, labels="all").num_samples == 1


WRONG = {
    "unclosed": (document(1).replace("</REUTERS>", "") + document(2), 2, "not closed by </REUTERS>"),
    "unclosed at the end": (document(1) + document(2)[:-12], 9, "not closed by </REUTERS>"),
    "no number": (document(1) + document(2).replace("NEWID", "ID"), 9, "<REUTERS ...> has no NEWID"),
    "unknown split": (document(1, "HOLD"), 2, "LEWISSPLIT is 'HOLD'; it is one of TRAIN, TEST, NOT-USED"),
    "unknown use": (document(1, used="MAYBE"), 2, "TOPICS is 'MAYBE'; it is one of YES, NO, BYPASS"),
    "tag not closed": (document(1) + document(2).replace('"2">', '"2"'), 9, "is not closed by >"),
    "body not closed": (document(1).replace("</BODY>", ""), 2, "has <BODY> without </BODY>"),
    "empty topic": (document(1, topics=("tea", " ")), 2, "a topic of the document is empty"),
    "no character": (document(1, text=f"&#{'9' * 5000};"), 2, "has an entity that is no character"),
    "no text": (document(1).replace("TEXT>", "WORDS>"), 2, "the document has no <TEXT>"),
    "no topics": (document(1).replace("TOPICS>", "THEMES>"), 2, "the document has no <TOPICS>"),
    "repeated": (document(1) + document(1), 9, 'NEWID="1" stands already in line 2 of'),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_document_is_refused_with_file_and_line(name, tmp_path):
    content, line, reason = WRONG[name]
    with pytest.raises(DataError) as caught:
        read_reuters(folder(tmp_path, content))
    assert (caught.value.file, caught.value.line) == (str(tmp_path / "reut2-000.sgm"), line)
    assert reason in caught.value.reason


def test_a_file_of_openings_alone_is_refused_without_looking_for_their_ends_again_and_again(tmp_path):
    with pytest.raises(DataError, match="is not closed by >"):
        read_reuters(folder(tmp_path, "<REUTERS " * 200_000))
    many = document(1, text="<TITLE>" * 200_000)
    with pytest.raises(DataError, match="has <TITLE> without </TITLE>"):
        read_reuters(folder(tmp_path, many))


def test_a_collection_without_a_topic_of_both_parts_is_refused(tmp_path):
    with pytest.raises(DataError, match="no topic is present in both the training and the test part"):
        read_reuters(folder(tmp_path, document(1) + document(2, "TEST", ("tin",))))


def test_a_folder_without_documents_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"there is no file \*.sgm in this folder"):
        read_reuters(tmp_path)
    with pytest.raises(DataError, match=r"there is no <REUTERS \.\.\.> in the file"):
        read_reuters(folder(tmp_path, "nothing"))
    with pytest.raises(ValueError, match="labels must be 'r90' or 'all', got 'r10'"):
        read_reuters(tmp_path, labels="r10")


def test_the_collection_has_the_published_counts(data_dir):
    data = read_reuters(data_dir / "reuters21578")
    assert (data.num_samples, data.num_labels) == (7770 + 3019, 90)
    assert np.bincount(data.split).tolist() == [7770, 0, 3019]
    assert round(float(data.labels.sum(axis=1).mean()), 3) == 1.235
    assert all(data.texts)
    everything = read_reuters(data_dir / "reuters21578", labels="all")
    assert np.bincount(everything.split + 1).tolist() == [8676, 9603, 0, 3299]
    labelled = everything.labels.any(axis=1)
    assert [int(labelled[everything.split == part].sum()) for part in (0, 2)] == [7775, 3019]
