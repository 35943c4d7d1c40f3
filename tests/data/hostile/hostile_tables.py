"""Hostile CSV and TSV, LIBSVM and XC files."""

from __future__ import annotations

from hostile_case import Case, Later, times

LONG = 10_000_000
HEAD = b"x,y,a,b\n"


def _csv(content: bytes | Later, says: str, line: int | None, **options: object) -> Case:
    return Case("d.csv", content, "csv", says, line, {"labels": "a,b"} | options)


def _row(row: bytes | Later, says: str, line: int = 2, **options: object) -> Case:
    return _csv(HEAD + row + b"\n", says, line, **options)


CSV = {
    "a nan": _row(b"nan,1,0,1", "feature 'x' is missing ('nan')"),
    "an infinity": _row(b"1,inf,0,1", "column 'y' is 'inf', which is not finite"),
    "1e999": _row(b"1,1e999,0,1", "column 'y' is 1e999, which does not fit into float32"),
    "-1e999": _row(b"-1e999,1,0,1", "column 'x' is -1e999, which does not fit into float32"),
    "a number of another alphabet": _row("١,1,0,1".encode(), "which is not a number"),
    "a number with underscores": _row(b"1_0,1,0,1", "column 'x' is '1_0', which is not a number"),
    "a hexadecimal number": _row(b"0x10,1,0,1", "column 'x' is '0x10', which is not a number"),
    "a formula": _row(b"=cmd|' /C calc'!A0,1,0,1", "which is not a number"),
    "a label of 1.5": _row(b"1,1,1.5,1", "label 'a' is '1.5'; a label is 0, 1 or missing"),
    "a label of yes": _row(b"1,1,0,yes", "label 'b' is 'yes'; a label is 0, 1 or missing"),
    "a label of 2": _row(b"1,1,0,2", "label 'b' is '2'; a label is 0, 1 or missing"),
    "a label of infinity": _row(b"1,1,0,inf", "label 'b' is 'inf'; a label is 0, 1 or missing"),
    "a row that is too short": _row(b"1,1,0,1\n1,1,0", "the row has 3 cells, the header has 4", 3),
    "a row that is too long": _row(b"1,1,0,1\n1,1,0,1,", "the row has 5 cells, the header has 4", 3),
    "a blank line between rows": _row(b"1,1,0,1\n\n1,1,0,1", "a blank line between rows", 3),
    "a quote that is not closed": _row(b'"1,1,0,1\n1,1,0,1', "is not a table: unexpected end of data", 3),
    "a quote that is not closed in 10 MB": _row(
        b'"' + times(b"1", LONG), "is not a table: field larger than"
    ),
    "a cell of 10 MB": _row(times(b"1", LONG) + b",1,0,1", "is not a table: field larger than"),
    "10 MB of commas": _row(times(b",", LONG), "the row has 10000001 cells, the header has 4"),
    "a header of 10 MB of commas": _csv(times(b",", LONG) + b"\n", "column 1 has no name", 1),
    "millions of empty columns": _csv(
        b"a,b" + times(b",", 3_000_000) + b"\n0,1" + times(b",", 3_000_000) + b"\n", "column 3 has no name", 1
    ),
    "300,000 columns and the first one again": _csv(
        Later(lambda: b",".join(b"c%d" % at for at in range(300_000))) + b",c0\n",
        "two columns are named 'c0'",
        1,
    ),
    "300,000 labels and one too few": _csv(
        Later(lambda: b",".join(b"c%d" % at for at in range(300_000))) + b"\n0,1\n",
        "the row has 2 cells",
        2,
        labels="c*",
    ),
    "a name that nothing is like": _csv(
        Later(lambda: b",".join(b"c%d" % at for at in range(300_000)))
        + b"\n"
        + times(b"0,", 299_999)
        + b"0\n",
        "label column 'c_1' is absent: did you mean 'c1'?",
        1,
        labels=["c_1"],
    ),
    "no label column": _csv(b"x,y\n1,1\n", "label column 'a' is absent", 1),
    "a NUL byte": _row(b"1,1,0,1\n1,\x00,0,1", "a NUL character", 3),
    "a NUL byte behind lone carriage returns": _csv(b"x,a,b\r1,0,1\r\x00,0,1\r", "a NUL character", 3),
    "UTF-16 that was not stated": _csv("x,a,b\n1,0,1\n".encode("utf-16"), "byte 0xff is not utf-8", 1),
    "a byte that is not UTF-8": _row(b"1,1,0,1\n\xff,1,0,1", "byte 0xff is not utf-8", 3),
    "an overlong encoding": _row(b"\xc0\xb1,1,0,1", "byte 0xc0 is not utf-8"),
    "half a character": _row(b"\xed\xa0\x80,1,0,1", "byte 0xed is not utf-8"),
    "a header and no rows": _csv(HEAD, "a header and no rows", 1),
    "a byte order mark and no more": _csv(b"\xef\xbb\xbf", "the file is empty", None),
    "a byte order mark of UTF-16 and no more": _csv(
        b"\xff\xfe", "the file is empty", None, encoding="utf-16"
    ),
    "a listed label twice": _csv(
        b"x,l\n1,a;b\n1,a;a\n", "a label stands twice in 'a;a'", 3, labels="l", separator=";"
    ),
    "a listed label without a name": _csv(
        b"x,l\n1,a;;b\n", "an empty label in 'a;;b'", 2, labels="l", separator=";"
    ),
    "a listed label that is unknown": _csv(
        b"x,l\n1,a\n1,c\n",
        "label 'c' is not one of label_names",
        3,
        labels="l",
        separator=";",
        label_names=["a"],
    ),
    "100,000 rows of a label each, one unobserved": _csv(
        b"x,l\n1,?\n" + Later(lambda: b"".join(b"1,c%d\n" % at for at in range(100_000))),
        "which labels are observed takes 10,000,100,000 bytes",
        None,
        labels="l",
        separator=";",
    ),
}


def _svm(content: bytes | Later, says: str, line: int | None = 2, **options: object) -> Case:
    return Case("d.svm", content, "libsvm", says, line, {"label_base": 0, "feature_base": 0} | options)


LIBSVM = {
    "an index of 2e9": _svm(b"0 0:1\n0 2000000000:1\n", "feature index 2000000000 is beyond the last one"),
    "a label of 2e9": _svm(b"0 0:1\n2000000000 0:1\n", "label index 2000000000 is beyond the last one"),
    "an index of a hundred digits": _svm(b"0 0:1\n0 " + b"9" * 100 + b":1\n", "is beyond the last one"),
    "an index of 5000 digits": _svm(b"0 0:1\n0 " + b"9" * 5000 + b":1\n", "which is far too large"),
    "a label of 5000 digits": _svm(b"0 0:1\n" + b"9" * 5000 + b" 0:1\n", "which is far too large"),
    "a negative index": _svm(b"0 0:1\n0 -1:1\n", "feature index -1: indices begin at 0"),
    "a negative index of a hundred digits": _svm(b"0 0:1\n0 -" + b"9" * 100 + b":1\n", "indices begin at 0"),
    "a negative label": _svm(b"0 0:1\n-1 0:1\n", "label index -1: indices begin at 0"),
    "index 0 where 1 is the first": _svm(
        b"1 1:1\n1 0:1\n", "indices begin at 1", feature_base=1, label_base=1
    ),
    "an index twice": _svm(b"0 0:1\n0 1:1 1:1\n", "feature index 1 stands twice in the row"),
    "a label twice": _svm(b"0 0:1\n0,0 1:1\n", "label index 0 stands twice in the row"),
    "a nan": _svm(b"0 0:1\n0 0:nan\n", "feature 0 is 'nan', which is not finite"),
    "an infinity": _svm(b"0 0:1\n0 0:-inf\n", "feature 0 is '-inf', which is not finite"),
    "1e999": _svm(b"0 0:1\n0 0:1e999\n", "does not fit into float32"),
    "-1e999": _svm(b"0 0:1\n0 0:-1e999\n", "does not fit into float32"),
    "a label of 1.5": _svm(b"0 0:1\n1.5 0:1\n", "a label is '1.5', which is not an integer"),
    "a label of nan": _svm(b"0 0:1\nnan 0:1\n", "a label is 'nan', which is not an integer"),
    "a label of yes": _svm(b"0 0:1\nyes 0:1\n", "a label is 'yes', which is not an integer"),
    "a qid": _svm(b"0 0:1\n0 qid:1 0:1\n", "a feature index is 'qid', which is not an integer"),
    "an index without a value": _svm(b"0 0:1\n0 1\n", "expected index:value, got '1'"),
    "a pair of three": _svm(b"0 0:1\n0 0:1:2\n", "feature 0 is '1:2', which is not a number"),
    "10 MB of colons": _svm(b"0 0:1\n0 " + times(b":", LONG) + b"\n", "which is not an integer"),
    "10 MB of commas": _svm(b"0 0:1\n" + times(b",", LONG) + b" 0:1\n", "which is not an integer"),
    "a NUL byte": _svm(b"0 0:1\n0 \x000:1\n", "a NUL character"),
    "a blank line between rows": _svm(b"0 0:1\n\n0 0:1\n", "a blank line between rows"),
    "a byte that is no text": _svm(b"0 0:1\n0 \xff:1\n", "byte 0xff is not utf-8"),
}


def _xc(content: bytes | Later, says: str, line: int | None = 2, **options: object) -> Case:
    return Case("d.txt", content, "xc", says, line, options)


XC = {
    "2e9 rows": _xc(b"2000000000 3 2\n0 0:1\n", "the header says 2000000000 rows, the file has 1", 1),
    "rows of a hundred digits": _xc(b"9" * 100 + b" 3 2\n0 0:1\n", "rows, the file has 1", 1),
    "rows of 5000 digits": _xc(
        b"9" * 5000 + b" 3 2\n0 0:1\n", "the first line must be 'rows features labels'", 1
    ),
    "2e9 features": _xc(b"1 2000000000 2\n0 0:1\n", "2000000000 features are declared", 1),
    "2e9 labels": _xc(b"1 3 2000000000\n0 0:1\n", "2000000000 labels are declared", 1),
    "90 million features and labels, and a wrong index": _xc(
        b"1 90000000 90000000\n0 90000000:1\n", "feature index 90000000 is beyond the last one, 89999999"
    ),
    "too many rows": _xc(b"1 3 2\n0 0:1\n0 0:1\n", "the header says 1 rows, the file has 2", 1),
    "too few rows": _xc(b"3 3 2\n0 0:1\n0 0:1\n", "the header says 3 rows, the file has 2", 1),
    "no rows": _xc(b"3 3 2\n", "the header says 3 rows, the file has 0", 1),
    "a negative count": _xc(b"-1 3 2\n0 0:1\n", "the first line must be 'rows features labels'", 1),
    "a count of 1.5": _xc(b"1.5 3 2\n0 0:1\n", "the first line must be 'rows features labels'", 1),
    "an index that is too large": _xc(b"1 3 2\n0 3:1\n", "feature index 3 is beyond the last one, 2"),
    "a label that is too large": _xc(b"1 3 2\n2 0:1\n", "label index 2 is beyond the last one, 1"),
    "an index of 2e9": _xc(b"1 3 2\n0 2000000000:1\n", "feature index 2000000000 is beyond the last one, 2"),
    "a negative label": _xc(b"1 3 2\n-1 0:1\n", "label index -1: indices begin at 0"),
    "an index without a value": _xc(b"1 3 2\n0 1\n", "expected index:value, got '1'"),
    "an index twice": _xc(b"1 3 2\n0 0:1 0:1\n", "feature index 0 stands twice in the row"),
    "a label twice": _xc(b"1 3 2\n1,1 0:1\n", "label index 1 stands twice in the row"),
    "a nan": _xc(b"1 3 2\n0 0:nan\n", "feature 0 is 'nan', which is not finite"),
    "1e999": _xc(b"1 3 2\n0 0:1e999\n", "does not fit into float32"),
    "a label of 1.5": _xc(b"1 3 2\n1.5 0:1\n", "a label is '1.5', which is not an integer"),
    "a NUL byte": _xc(b"1 3 2\n0\x00 0:1\n", "a NUL character"),
    "10 MB of pairs that are one pair": _xc(
        b"1 3 2\n0 " + times(b"0:1 ", LONG // 4), "stands twice in the row"
    ),
    "a header of 10 MB": _xc(times(b"1 ", LONG // 2) + b"\n0 0:1\n", "the first line must be", 1),
}
