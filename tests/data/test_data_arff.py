"""ARFF: the grammar, Mulan's labels by name, MEKA's labels by position, and every way to be wrong."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from mlj.data import DataError, labels_beside, load, read_arff, read_meka_arff, read_mulan_arff

HEADER = """% a comment
@RELATION 'birds, mostly'

@attribute weight numeric
@Attribute\tcolour {red,green,'light blue'}
@ATTRIBUTE big {no,yes} % declared in this order
@attribute night {1,0}
@attribute 'Swainson\\'s Thrush' {0,1}
@attribute "Dark \\"eyed\\" Junco" {1,0}
@DATA
"""
XML = """<?xml version="1.0"?>
<labels xmlns="http://mulan.sourceforge.net/labels">
<label name='Dark "eyed" Junco'><label name="Swainson's Thrush"></label></label>
</labels>
"""
FEATURE_NAMES = ("weight", "colour=red", "colour=green", "colour=light blue", "big=yes", "night")


def write(folder, rows: str, header: str = HEADER, xml: str = XML, name: str = "birds"):
    (folder / f"{name}.xml").write_text(xml)
    path = folder / f"{name}.arff"
    path.write_text(header + rows)
    return path


def test_dense_rows_with_quotes_comments_and_nominal_values_are_read(tmp_path):
    rows = "1.5,red,no,0,1,0\n\n% nothing\n -2e-1 , 'light blue',yes, 1,0,?  % the last\n"
    data = load(write(tmp_path, rows))
    assert data.feature_names == FEATURE_NAMES
    assert data.label_names == ("Swainson's Thrush", 'Dark "eyed" Junco')
    np.testing.assert_allclose(data.features, [[1.5, 1, 0, 0, 0, 0], [-0.2, 0, 0, 1, 1, 1]], rtol=1e-6)
    assert data.labels.tolist() == [[1, 0], [0, 0]]
    assert data.where.tolist() == [[True, True], [True, False]]


def test_what_a_sparse_row_leaves_out_is_zero_or_the_first_declared_value(tmp_path):
    rows = "{}\n{0 2.5, 1 green, 2 yes, 3 0, 4 1, 5 0}\n{ 5 ?,1 'light blue' }\n"
    data = load(write(tmp_path, rows))
    assert sp.issparse(data.features)
    wanted = [[0, 1, 0, 0, 0, 1], [2.5, 0, 1, 0, 1, 0], [0, 0, 0, 1, 0, 1]]
    np.testing.assert_array_equal(data.features.toarray(), wanted)
    assert data.labels.tolist() == [[0, 1], [1, 0], [0, 0]]
    assert data.where.tolist() == [[True, True], [True, True], [True, False]]


def test_nominal_numbers_of_more_than_two_values_become_one_column_each(tmp_path):
    header = "@relation r\n@attribute place {2,10,1}\n@attribute two {5,3}\n@attribute a {0,1}\n@data\n"
    xml = '<labels><label name="a"/></labels>'
    dense = load(write(tmp_path, "10,3,1\n2,5,0\n1,3,0\n", header, xml))
    sparse = load(write(tmp_path, "{0 10,1 3,2 1}\n{}\n{0 1,1 3}\n", header, xml))
    assert dense.feature_names == sparse.feature_names == ("place=2", "place=10", "place=1", "two=3")
    wanted = [[0, 1, 0, 1], [1, 0, 0, 0], [0, 0, 1, 1]]
    np.testing.assert_array_equal(dense.features, wanted)
    np.testing.assert_array_equal(sparse.features.toarray(), wanted)


def test_the_test_file_is_matched_by_name_when_its_columns_stand_elsewhere(tmp_path):
    xml = '<labels><label name="b"/><label name="a"/></labels>'
    one = "@relation r\n@attribute x real\n@attribute y real\n@attribute a {0,1}\n@attribute b {0,1}\n@data\n"
    two = "@relation r\n@attribute b {0,1}\n@attribute y real\n@attribute x real\n@attribute a {0,1}\n@data\n"
    train = write(tmp_path, "1,2,1,0\n", one, xml, "d-train")
    data = load(train, test=write(tmp_path, "0,4,3,1\n", two, xml, "d-test"))
    assert data.features.tolist() == [[1, 2], [3, 4]]
    assert (data.label_names, data.labels.tolist(), data.split.tolist()) == (
        ("a", "b"),
        [[1, 0], [1, 0]],
        [0, 2],
    )
    odd = write(tmp_path, "0,4,3,1\n", two.replace("@attribute y", "@attribute z"), xml, "d-odd")
    with pytest.raises(DataError, match=r"d-odd\.arff: the train part has the feature 'y'"):
        load(train, test=odd)


def test_a_missing_feature_needs_a_stated_filling(tmp_path):
    header = "@relation r\n@attribute x real\n@attribute c {u,v,w}\n@attribute a {0,1}\n@data\n"
    xml = '<labels><label name="a"/></labels>'
    train = write(tmp_path, "1,u,1\n?,v,0\n3,?,0\n", header, xml, "m-train")
    test = write(tmp_path, "?,w,1\n", header, xml, "m-test")
    with pytest.raises(DataError, match=r"m-train\.arff:7: feature 'x' is missing.*'mean'.*'zero'.*'keep'"):
        load(train, test=test)
    mean = load(train, test=test, missing_features="mean").features
    np.testing.assert_array_equal(mean, [[1, 1, 0, 0], [2, 0, 1, 0], [3, 0.5, 0.5, 0], [2, 0, 0, 1]])
    assert load(train, missing_features="zero").features[:, 0].tolist() == [1, 0, 3]
    assert np.isnan(load(train, missing_features="keep").features).sum() == 4
    with pytest.raises(DataError, match=r"m-train\.arff: a mean is learned from training rows"):
        load(train, missing_features="mean")
    with pytest.raises(ValueError, match="missing_features must be one of"):
        load(train, missing_features="median")
    sparse = write(tmp_path, "{0 1}\n{0 2, 1 v}\n{0 ?, 2 1}\n", header, xml, "m-sparse")
    with pytest.raises(DataError, match=r"m-sparse\.arff:8: feature 'x' is missing"):
        load(sparse)
    assert load(sparse, missing_features="zero").features.toarray()[:, 0].tolist() == [1, 2, 0]


ROWS = {
    "1,red,no,0,1\n": (11, "the row has 5 values for 6 attributes"),
    "1,red,no,0,1,0\n1,red,no,0,1,0,0\n": (12, "the row has 7 values for 6 attributes"),
    "1,red,,0,1,0\n": (11, "expected one value between commas, got nothing"),
    "1 2,red,no,0,1,0\n": (11, "expected one value between commas, got '1 2'"),
    "1,blue,no,0,1,0\n": (11, "attribute 'colour' is 'blue'; declared are {red,green,light blue}"),
    "1,red,no,2,1,0\n": (11, "attribute 'night' is '2'; declared are {1,0}"),
    "x,red,no,0,1,0\n": (11, "attribute 'weight' is 'x', which is not a number"),
    "nan,red,no,0,1,0\n": (11, "attribute 'weight' is 'nan', which is not finite"),
    "-inf,red,no,0,1,0\n": (11, "attribute 'weight' is '-inf', which is not finite"),
    "1_0,red,no,0,1,0\n": (11, "attribute 'weight' is '1_0', which is not a number"),
    "1e39,red,no,0,1,0\n": (11, "which does not fit into float32"),
    "1,'red,no,0,1,0\n": (11, "a quote is opened and not closed"),
    "1,'r\\qd',no,0,1,0\n": (11, "unknown escape \\q"),
    "1,red,no,0,1,0\n{0 1}\n": (12, "a sparse row {...} in a file of dense rows"),
    "{0 1}\n1,red,no,0,1,0\n": (12, "a dense row in a file of sparse rows"),
    "{0 1}\n{0 1\n": (12, "the sparse row does not end with }"),
    "{0 1,0 2}\n": (11, "attribute index 0 stands twice in the row"),
    "{6 1}\n": (11, "attribute index 6 is outside 0 to 5"),
    "{-1 1}\n": (11, "attribute index -1 is outside 0 to 5"),
    "{1.0 red}\n": (11, "an attribute index is '1.0', which is not an integer"),
    "{0 nan}\n": (11, "which is not finite"),
    "{0 1 2}\n": (11, "expected 'index value' between commas, got '0 1 2'"),
    "{0 1,}\n": (11, "expected 'index value' between commas, got nothing"),
    "": (10, "no rows after @data"),
}


@pytest.mark.parametrize("rows", ROWS)
def test_a_wrong_row_is_an_error_with_file_line_and_reason(rows, tmp_path):
    line, reason = ROWS[rows]
    with pytest.raises(DataError) as caught:
        load(write(tmp_path, rows))
    assert str(caught.value).startswith(f"{tmp_path / 'birds.arff'}:{line}: ")
    assert reason in caught.value.reason


PLAIN = "@relation r\n@attribute x real\n@attribute y real\n@attribute a {0,1}\n@data\n"
PLAIN_ROWS = {
    "1,2,0\n1,nan,0\n": (7, "attribute 'y' is 'nan', which is not finite"),
    "1,2,0\n1,1e999,0\n": (7, "attribute 'y' does not fit into float32"),
    "1,2,0\n1,2\n": (7, "the row has 2 values for 3 attributes"),
    "1,2,0\n1,-,0\n": (7, "attribute 'y' is '-', which is not a number"),
    "1,2,0\n1,2,2\n": (7, "attribute 'a' is '2'; declared are {0,1}"),
    "{0 1}\n{0 1,0 2}\n": (7, "attribute index 0 stands twice in the row"),
    "{0 1}\n{1 1,3 2}\n": (7, "attribute index 3 is beyond the last one, 2"),
    "{0 1}\n{-1 2}\n": (7, "attribute index -1: indices begin at 0"),
    "{0 1}\n{1 inf}\n": (7, "attribute 'y' is 'inf', which is not finite"),
    "{0 1}\n{1 -1e999}\n": (7, "does not fit into float32"),
    "{0 1}\n{99999999999999999999999 1}\n": (7, "is beyond the last one"),
    "{0 1}\n{0,1 5 1}\n": (7, "expected 'index value' between commas"),
    "{0 1}\n{2 2}\n": (7, "attribute 'a' is '2'; declared are {0,1}"),
}


@pytest.mark.parametrize("rows", PLAIN_ROWS)
def test_the_fast_path_of_plain_numbers_finds_the_same_errors(rows, tmp_path):
    line, reason = PLAIN_ROWS[rows]
    with pytest.raises(DataError) as caught:
        load(write(tmp_path, rows, PLAIN, '<labels><label name="a"/></labels>'))
    assert str(caught.value).startswith(f"{tmp_path / 'birds.arff'}:{line}: ")
    assert reason in caught.value.reason


HEADERS = {
    "@relation r\n@attribute x string\n@attribute a {0,1}\n@data\n": (
        2,
        "attribute 'x': string is not a feature",
    ),
    "@relation r\n@attribute x date 'yyyy'\n@data\n": (2, "attribute 'x': date is not a feature"),
    "@relation r\n@attribute x relational\n": (2, "relational is not a feature"),
    "@relation r\n@attribute x float\n@data\n": (2, "float is not a type of this format"),
    "@relation r\n@attribute x real [0,1]\n@data\n": (2, "unexpected '[0' after the type"),
    "@relation r\n@attribute x\n@data\n": (2, "an attribute needs a name and a type"),
    "@relation r\n@attribute x {0,1\n@data\n": (2, "values are written {first,second,...}"),
    "@relation r\n@attribute x {0,,1}\n@data\n": (2, "attribute 'x': "),
    "@relation r\n@attribute x {0,0}\n@data\n": (2, "declares a value twice"),
    "@relation r\n@attribute x real\n@attribute x real\n@data\n": (3, "attribute 'x' was declared on line 2"),
    "@relation r\n@data\n1\n": (2, "@data before any @attribute"),
    "@relation r\n@attribute x real\n1,2\n": (3, "expected @relation, @attribute or @data, got '1,2'"),
    "@relation r\n@attribute x real\n": (2, "the file ends before @data"),
    "@relation r\n@attribute x real\n@attribute a {no,yes}\n@data\n1,no\n": (
        3,
        "label 'a' must be declared {0,1}",
    ),
    "@relation r\n@attribute x real\n@attribute a real\n@data\n1,1\n2,.5\n": (6, "label 'a' is 0.5"),
    "@relation r\n@attribute x real\n@attribute a real\n@data\n{1 1}\n{1 -1}\n": (6, "label 'a' is -1"),
}


@pytest.mark.parametrize("header", HEADERS)
def test_a_wrong_header_is_an_error_with_file_line_and_reason(header, tmp_path):
    line, reason = HEADERS[header]
    with pytest.raises(DataError) as caught:
        load(write(tmp_path, "", header, '<labels><label name="a"/></labels>'))
    assert str(caught.value).startswith(f"{tmp_path / 'birds.arff'}:{line}: ")
    assert reason in caught.value.reason


XMLS = {
    '<labels>\n<label name="a"/>\n<label name="aa"/></labels>': (
        3,
        "label 'aa' is no attribute of birds.arff: did you",
    ),
    '<labels>\n<label name="a"/>\n<label name="a"/></labels>': (3, "label 'a' is named twice"),
    "<labels>\n<label/></labels>": (2, "a <label> without a name"),
    '<labels>\n<tag name="a"/></labels>': (2, "unexpected element <tag>"),
    '<labels>\n<label name="a"></labels>': (2, "is not well-formed XML: mismatched tag"),
    '<!DOCTYPE l [<!ENTITY a "b">]>\n<labels/>': (1, "a document type declaration is not allowed"),
    "<labels>\n</labels>": (None, "the file names no label"),
}


@pytest.mark.parametrize("xml", XMLS)
def test_a_wrong_xml_file_is_an_error_with_its_own_name_and_line(xml, tmp_path):
    line, reason = XMLS[xml]
    with pytest.raises(DataError) as caught:
        load(write(tmp_path, "1,2,0\n", PLAIN, xml))
    place = f"{tmp_path / 'birds.xml'}:" + ("" if line is None else f"{line}:")
    assert str(caught.value).startswith(place)
    assert reason in caught.value.reason


def test_the_xml_is_found_beside_the_arff_by_a_stated_rule(tmp_path):
    for name, beside in (
        ("a.arff", "a.xml"),
        ("a-train.arff.gz", "a.xml"),
        ("b-test-sparse.arff", "b.xml"),
        ("b-train.arff", "b-train.xml"),
    ):
        (tmp_path / beside).write_text(XML)
        assert labels_beside(tmp_path / name) == tmp_path / beside
    with pytest.raises(DataError, match=r"looked for c-train\.xml, c\.xml"):
        labels_beside(tmp_path / "c-train.arff")


def test_an_arff_whose_labels_nobody_names_is_refused_and_can_be_told(tmp_path):
    path = tmp_path / "lonely.arff"
    path.write_text(PLAIN + "1,2,0\n3,4,1\n")
    with pytest.raises(DataError, match=r"lonely\.arff: no XML file.*MEKA's -C; give labels=FILE\.xml"):
        load(path)
    (tmp_path / "other.xml").write_text('<labels><label name="a"/></labels>')
    named = [
        load(path, labels=tmp_path / "other.xml"),
        load(path, labels="a"),
        load(path, labels="last:1"),
        read_arff(path, ["a"]),
        read_mulan_arff(path, tmp_path / "other.xml"),
    ]
    assert {data.sha256 for data in named} == {named[0].sha256}
    with pytest.raises(DataError, match=r"lonely\.arff: label column 'aa' is absent"):
        load(path, labels="aa")


def meka(folder, options: str, rows: str = "1,0,5\n0,1,6\n1,1,7\n"):
    path = folder / "m.arff"
    head = "@attribute a {0,1}\n@attribute b {0,1}\n@attribute x real\n"
    if "-C -" in options:
        head, rows = "\n".join(reversed(head.split("\n"))).strip() + "\n", "5,0,1\n6,1,0\n7,1,1\n"
    path.write_text(f"@relation 'm: {options}'\n{head}@data\n{rows}")
    return path


def test_meka_labels_stand_first_or_last_as_the_relation_says(tmp_path):
    first = load(meka(tmp_path, "-C 2 -split-number 2"))
    assert (first.label_names, first.feature_names) == (("a", "b"), ("x",))
    assert first.split.tolist() == [0, 0, 2]
    last = read_meka_arff(meka(tmp_path, "-C -2"))
    assert (last.label_names, last.split) == (("b", "a"), None)
    np.testing.assert_array_equal(last.features, first.features)
    np.testing.assert_array_equal(last.labels[:, ::-1], first.labels)
    assert read_meka_arff(tmp_path / "m.arff", test=tmp_path / "m.arff").split.tolist() == [0] * 3 + [2] * 3


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ("-C 4", r":1: -C 4 in a file of 3 attributes"),
        ("-C 0", r":1: -C 0 in a file of 3 attributes"),
        ("-C 2 -C 1", r":1: the relation must hold -C .* once, holds -C 1 and -C 2"),
        ("-C 2 -split-number 3", r":1: -split-number \[3\] must stand once, between 1 and 2"),
        ("-V 2", r":1: the relation must hold -C .* holds no -C"),
    ],
)
def test_a_meka_relation_that_does_not_fit_is_refused(options, reason, tmp_path):
    with pytest.raises(DataError, match=reason):
        read_meka_arff(meka(tmp_path, options))
