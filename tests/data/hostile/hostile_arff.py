"""Hostile ARFF files, those of Mulan with their XML, of MEKA and of hierarchies."""

from __future__ import annotations

from hostile_case import Case, Later, times

END = b"@attribute a {0,1}\n@attribute b {0,1}\n@data\n"
HEAD = b"@relation r\n@attribute x numeric\n@attribute y numeric\n" + END
LABELS = b'<labels><label name="a"/><label name="b"/></labels>'
LONG = 10_000_000


def _arff(content: bytes | Later, says: str, line: int | None, **options: object) -> Case:
    return Case("d.arff", content, "mulan_arff", says, line, options, {"d.xml": LABELS})


def _row(row: bytes | Later, says: str, line: int = 7) -> Case:
    return _arff(HEAD + row + b"\n", says, line)


ARFF = {
    "a nan": _row(b"nan,1,0,1", "attribute 'x' is 'nan', which is not finite"),
    "an infinity": _row(b"1,-inf,0,1", "attribute 'y' is '-inf', which is not finite"),
    "1e999": _row(b"1,1e999,0,1", "attribute 'y' does not fit into float32"),
    "-1e999": _row(b"-1e999,1,0,1", "attribute 'x' does not fit into float32"),
    "1e39 behind a word": _row(b"'1',1e39,0,1", "attribute 'y' is 1e39, which does not fit into float32"),
    "a label of 1.5": _row(b"1,1,1.5,1", "attribute 'a' is '1.5'; declared are {0,1}"),
    "a label of 2": _row(b"1,1,0,2", "attribute 'b' is '2'; declared are {0,1}"),
    "a label of nan": _row(b"1,1,nan,1", "attribute 'a' is 'nan', which is not finite"),
    "a label of yes": _row(b"1,1,yes,1", "attribute 'a' is 'yes', which is not a number"),
    "a label that is a number and 1.5": _arff(
        HEAD.replace(b"a {0,1}", b"a numeric") + b"1,1,1.5,1\n", "label 'a' is 1.5; a label is 0, 1 or ?", 7
    ),
    "10 MB of words": _row(times(b"a ", LONG // 2), "the row has 1 values for 4 attributes"),
    "a megabyte of words in braces": _row(b"{" + times(b"1 ", LONG // 20) + b"}", "expected 'index value'"),
    "10 MB of values that are declared": _arff(
        HEAD[:12] + b"@attribute z {" + times(b"a,", LONG // 2) + b"b}\n" + END, "declares a value twice", 2
    ),
    "a relation of 10 MB": _arff(
        b"@relation " + times(b"r ", LONG // 2) + b"\n" + END, "the name of the relation has", 1
    ),
    "a row that is too short": _row(b"1,1,0,1\n1,1,0", "the row has 3 values for 4 attributes", 8),
    "a row that is too long": _row(b"1,1,0,1\n1,1,0,1,0", "the row has 5 values for 4 attributes", 8),
    "an empty cell": _row(b"1,,0,1", "expected one value between commas, got nothing"),
    "a sparse index of 2e9": _row(
        b"{0 1,2000000000 1}", "attribute index 2000000000 is beyond the last one, 3"
    ),
    "a sparse index of a hundred digits": _row(b"{0 1," + b"9" * 100 + b" 1}", "is beyond the last one, 3"),
    "a sparse index of 5000 digits": _row(b"{0 1," + b"9" * 5000 + b" 1}", "which is far too large"),
    "a negative index of a hundred digits": _row(b"{-" + b"9" * 100 + b" 1}", "indices begin at 0"),
    "a negative sparse index": _row(b"{-1 1}", "attribute index -1: indices begin at 0"),
    "a sparse index twice": _row(b"{1 1,1 2}", "attribute index 1 stands twice in the row"),
    "a sparse index of 1.5": _row(b"{1.5 1}", "an attribute index is '1.5', which is not an integer"),
    "a sparse index without a value": _row(
        b"{0 1}\n{1}", "expected 'index value' between commas, got '1'", 8
    ),
    "a sparse nan": _row(b"{1 nan}", "attribute 'y' is 'nan', which is not finite"),
    "a sparse label of 2": _row(b"{2 2}", "attribute 'a' is '2'; declared are {0,1}"),
    "a sparse row that does not end": _row(b"{0 1,2 1", "the sparse row does not end with }"),
    "a dense row among sparse ones": _row(b"{0 1}\n1,1,0,1", "a dense row in a file of sparse rows", 8),
    "a quote that is not closed": _row(b"'1,1,0,1", "a quote is opened and not closed"),
    "a quote that is not closed in 10 MB": _row(b"'" + times(b"a", LONG), "a quote is opened and not closed"),
    "10 MB of escapes": _row(b"'" + times(b"\\n", LONG // 2), "a quote is opened and not closed"),
    "10 MB of commas": _row(times(b",", LONG), "the row has 10000001 values for 4 attributes"),
    "10 MB of digits": _row(times(b"1", LONG) + b",1,0,1", "does not fit into float32"),
    "10 MB of braces": _row(times(b"{", LONG), "unexpected '{' in a row"),
    "a NUL byte": _row(b"1,1,0,1\n1,\x001,0,1", "a NUL character", 8),
    "UTF-16": _arff((HEAD + b"1,1,0,1\n").decode().encode("utf-16"), "a NUL character", 1),
    "a byte that is not UTF-8": _arff(
        HEAD.replace(b"x n", b"\xe4 n") + b"1,1,0,1\n", "byte 0xe4 is not utf-8", 2
    ),
    "half a character": _arff(HEAD.replace(b"x n", b"'\\ud800' n") + b"1,1,0,1\n", "is half a character", 2),
    "a header and no rows": _arff(HEAD, "no rows after @data", 6),
    "nothing but a byte order mark": _arff(b"\xef\xbb\xbf", "the file is empty", None),
    "no data": _arff(HEAD[:-6], "the file ends before @data", 5),
    "data and no attributes": _arff(b"@relation r\n@data\n1\n", "@data before any @attribute", 2),
    "an attribute twice": _arff(
        HEAD.replace(b" y ", b" x "), "attribute 'x' was declared on line 2 already", 3
    ),
    "a type that is a string": _arff(HEAD.replace(b"y numeric", b"y string"), "string is not a feature", 3),
    "a value that is declared twice": _arff(HEAD.replace(b"{0,1}", b"{0,0}"), "declares a value twice", 4),
    "values that do not end": _arff(HEAD.replace(b"{0,1}", b"{0,1"), "values are written {first,second", 4),
    "a label of three values": _arff(
        HEAD.replace(b"b {0,1}", b"b {0,1,2}") + b"1,1,0,2\n", "label 'b' must be declared {0,1}", 5
    ),
    "wide rows that are not there": _arff(
        b"@relation r\n"
        + Later(lambda: b"".join(b"@attribute x%d numeric\n" % at for at in range(100_000)))
        + END
        + times(b"0\n", 100_000),
        "the row has 1 values for 100002 attributes",
        100_005,
    ),
    "a nominal attribute that explodes": _arff(
        b"@relation r\n@attribute x {"
        + Later(lambda: b",".join(b"v%d" % at for at in range(50_000)))
        + b"}\n"
        + END
        + times(b"v1,0,1\n", 50_000),
        "the nominal attributes take 10,000,000,000 bytes",
        None,
    ),
    "a terminal escape in a value": _row(b"\x1b[2J,1,0,1", "\\x1b[2J"),
}


def _xml(content: bytes | Later, says: str, line: int | None = 1) -> Case:
    return Case("d.xml", content, "xml", says, line)


_LAUGHS = b"".join(b'<!ENTITY l%d "%s">\n' % (at, b"&l%d;" % (at - 1) * 10) for at in range(1, 10))
_DOCTYPE = "a document type declaration is not allowed here"
XML = {
    "a billion laughs": _xml(
        b'<?xml version="1.0"?>\n<!DOCTYPE labels [<!ENTITY l0 "lol">\n'
        + _LAUGHS
        + b"]>\n<labels>&l9;</labels>",
        _DOCTYPE,
        2,
    ),
    "an external entity": _xml(
        b'<!DOCTYPE labels [<!ENTITY e SYSTEM "file:///etc/passwd">]><labels><label name="&e;"/></labels>',
        _DOCTYPE,
    ),
    "a quadratic blow-up": _xml(
        b'<!DOCTYPE labels [<!ENTITY e "'
        + times(b"a", 100_000)
        + b'">]><labels>'
        + times(b"&e;", 100_000)
        + b"</labels>",
        _DOCTYPE,
    ),
    "an external document type": _xml(
        b'<!DOCTYPE labels SYSTEM "http://127.0.0.1/labels.dtd"><labels><label name="a"/></labels>', _DOCTYPE
    ),
    "an entity that was not declared": _xml(b'<labels><label name="&e;"/></labels>', "undefined entity"),
    "an encoding that is none": _xml(
        b'<?xml version="1.0" encoding="foo"?><labels><label name="a"/></labels>', "is in an encoding"
    ),
    "an encoding of many bytes": _xml(
        b'<?xml version="1.0" encoding="shift_jis"?><labels><label name="a"/></labels>', "is in an encoding"
    ),
    "a NUL byte": _xml(b'<labels>\n<label name="a\x00"/></labels>', "is not well-formed XML", 2),
    "a tag that is not closed": _xml(b'<labels>\n<label name="a"/>\n', "is not well-formed XML", 3),
    "a quote that is not closed": _xml(b'<labels><label name="a/></labels>', "is not well-formed XML"),
    "a million tags in each other": _xml(times(b"<labels>", 1_000_000), "is not well-formed XML"),
    "another element": _xml(b'<labels>\n<script src="a"/></labels>', "unexpected element <script>", 2),
    "a label without a name": _xml(b"<labels><label/></labels>", "a <label> without a name"),
    "a label twice": _xml(b'<labels><label name="a"/>\n<label name="a"/></labels>', "is named twice", 2),
    "no label": _xml(b"<labels/>", "the file names no label", None),
    # The ARFF file is what the reader is given; the XML file beside it is the hostile one.
    "a name of 10 MB": Case(
        "d.arff",
        HEAD + b"1,1,0,1\n",
        "mulan_arff",
        "is no attribute of d.arff",
        1,
        beside={"d.xml": b'<labels><label name="' + times(b"a", LONG) + b'"/></labels>'},
    ),
}


def _meka(relation: bytes, says: str, line: int | None = 1, rows: bytes = b"1,1,0,1\n1,1,0,1\n") -> Case:
    return Case(
        "m.arff", HEAD.replace(b"@relation r", b"@relation " + relation) + rows, "meka_arff", says, line
    )


MEKA = {
    "no count": _meka(b"'r'", "the relation must hold -C"),
    "two counts": _meka(b"'r: -C 1 -C 2'", "holds -C 1 and -C 2"),
    "a count of 0": _meka(b"'r: -C 0'", "-C 0 in a file of 4 attributes"),
    "a count of 2e9": _meka(b"'r: -C 2000000000'", "-C 2000000000 in a file of 4 attributes"),
    "a count of -2e9": _meka(b"'r: -C -2000000000'", "-C -2000000000 in a file of 4 attributes"),
    "a count of 5000 digits": _meka(b"'r: -C " + b"9" * 5000 + b"'", "holds no -C"),
    "a count of 1.5": _meka(b"'r: -C 1.5'", "the relation must hold -C"),
    "labels that are features": _meka(b"'r: -C 1'", "label 'x' is 1.5", 7, b"1.5,1,0,1\n"),
    "a split beyond the end": _meka(b"'r: -C -2 -split-number 2000000000'", "-split-number"),
    "a relation that is not closed": _meka(b"'r: -C 2", "a quote is opened and not closed"),
}

_START = b"@relation r\n@attribute x numeric\n@attribute class hierarchical "
_HMC = _START + b"a,a/b,c\n@data\n"


def _hmc(content: bytes | Later, says: str, line: int | None = 5) -> Case:
    return Case("h.arff", content, "hmc_arff", says, line)


def _hierarchy(entries: bytes | Later, says: str, rows: bytes = b"1,a\n") -> Case:
    return _hmc(_START + entries + b"\n@data\n" + rows, says, 3)


HMC = {
    "a label that is not there": _hmc(_HMC + b"1,z\n", "the row has the label 'z', the hierarchy has not"),
    "a label twice": _hmc(_HMC + b"1,a@a\n", "the row has the label 'a' twice"),
    "no label": _hmc(_HMC + b"1,\n", "the row has the label ''"),
    "a row without a comma": _hmc(_HMC + b"1\n", "the row has no comma"),
    "a sparse row": _hmc(_HMC + b"{0 1}\n", "the rows of this format are dense"),
    "a nan": _hmc(_HMC + b"nan,a\n", "attribute 'x' is 'nan', which is not finite"),
    "a circle": _hierarchy(b"a/b,b/c,c/a", "the hierarchy goes round in a circle"),
    "a label whose parent is not there": _hierarchy(b"a,b/c", "the hierarchy has no label 'b'"),
    "an empty name": _hierarchy(b"a,,b", "the hierarchy holds an empty name"),
    "two labels of one name": _hierarchy(b"a,A,b", "two labels of the hierarchy are named 'A'"),
    "two hierarchies": _hmc(_HMC.replace(b"@data", b"@attribute k hierarchical a\n@data"), "2 are", None),
    "a hundred thousand labels": _hierarchy(
        Later(lambda: b",".join(b"n%d" % at for at in range(100_000))), "a hierarchy of 100000 labels takes"
    ),
    "10 MB of slashes": _hierarchy(b"a" + times(b"/", LONG), "the hierarchy holds an empty name"),
    "a path of 5 million steps": _hierarchy(
        b"a" + times(b"/a", LONG // 2), "an edge of the hierarchy is written"
    ),
    "a header and no rows": _hmc(_HMC, "no rows after @data", 4),
}
