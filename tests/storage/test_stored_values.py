"""Arrays and facts come back as they went in, or are refused at the door."""

from __future__ import annotations

import enum
import json
import math
import struct

import ml_dtypes
import numpy as np
import pytest
from stored_states import assert_same_arrays

from mlj.storage import pack_arrays, pack_json, unpack_arrays, unpack_json

ARRAYS = {
    "bool": np.array([True, False, True]),
    "int8": np.array([-128, 127], np.int8),
    "int32": np.array(-(2**31), np.int32),
    "int64": np.array([[2**63 - 1]]),
    "uint32": np.array([0, 2**32 - 1], np.uint32),
    "uint64": np.array(2**64 - 1, np.uint64),
    "float16": np.array([6e-8, 65504], np.float16),
    "bfloat16": np.array([1.0, -0.0, np.inf, 3.39e38], ml_dtypes.bfloat16),
    "float32": np.array([1e-45, -0.0, np.nan, -np.inf], np.float32),
    "float64": np.array(math.pi),
    "zero axes": np.array(True),
    "no elements": np.zeros((0, 3), np.float32),
    "names/with:any.sign é": np.zeros(1),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_an_array_comes_back_bit_for_bit(name):
    assert_same_arrays(unpack_arrays(pack_arrays({name: ARRAYS[name]})), {name: ARRAYS[name]})


def test_a_nan_keeps_its_payload():
    payloads = np.array([0x7FC00001, 0xFFC12345, 0x7F800001], np.uint32).view(np.float32)
    assert unpack_arrays(pack_arrays({"nan": payloads}))["nan"].tobytes() == payloads.tobytes()


def test_the_same_arrays_make_the_same_bytes_whatever_their_order():
    assert pack_arrays(ARRAYS) == pack_arrays(dict(reversed(ARRAYS.items())))
    assert list(unpack_arrays(pack_arrays(ARRAYS))) == sorted(ARRAYS)


def test_memory_layout_and_byte_order_do_not_matter():
    grid = np.arange(12, dtype=np.float32).reshape(3, 4)
    wanted = pack_arrays({"grid": grid})
    assert pack_arrays({"grid": np.asfortranarray(grid)}) == wanted
    assert pack_arrays({"grid": grid.astype(">f4")}) == wanted
    assert pack_arrays({"grid": np.repeat(grid, 2, axis=1)[:, ::2]}) == wanted


def test_restored_arrays_can_be_written_to():
    array = unpack_arrays(pack_arrays({"a": np.zeros(3)}))["a"]
    array += 1
    assert array.tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    "array",
    [
        np.array([{}]),
        np.array(["a"]),
        np.zeros(2, complex),
        np.zeros(2, "M8[s]"),
        np.zeros(2, ml_dtypes.float8_e5m2),
    ],
    ids=lambda array: str(array.dtype),
)
def test_an_array_that_would_not_come_back_is_refused_by_name(array):
    with pytest.raises(TypeError, match=r"the array 'odd' has dtype .*; wanted one of bool, int8"):
        pack_arrays({"odd": array})


def test_the_reserved_array_name_is_refused():
    with pytest.raises(ValueError, match="__metadata__"):
        pack_arrays({"__metadata__": np.zeros(1)})


def _file(header: object, body: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


ONE = {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}
LIES = {
    "empty": b"",
    "pickle": b"\x80\x04\x95\x1a\x00\x00\x00\x00\x00\x00\x00\x8c\x02os\x94\x8c\x06system\x94\x93\x94.",
    "huge header": b"\xff" * 8 + b"{}",
    "huge shape": _file({"a": {**ONE, "shape": [2**40]}}, b"1"),
    "huge empty shape": _file({"a": {**ONE, "shape": [0, 2**63], "data_offsets": [0, 0]}}),
    "too many axes": _file({"a": {**ONE, "shape": [1] * 100}}, b"1"),
    "negative axis": _file({"a": {**ONE, "shape": [-1]}}, b"1"),
    "overlapping arrays": _file({"a": ONE, "b": ONE}, b"1"),
    "bytes of nobody": _file({"a": ONE}, b"12"),
    "bytes beyond the end": _file({"a": {**ONE, "shape": [9], "data_offsets": [0, 9]}}, b"1"),
    "unknown dtype": _file({"a": {**ONE, "dtype": "F8_E5M2"}}, b"1"),
    "one name twice": _file(
        json.dumps({"a": ONE}).encode()[:-1] + b"," + json.dumps({"a": ONE}).encode()[1:], b"1"
    ),
    "bool that is two": _file({"a": {**ONE, "dtype": "BOOL"}}, b"\x02"),
    "nested deep": _file(b"[" * 100_000),
}


@pytest.mark.parametrize("lie", LIES)
def test_bytes_that_are_no_honest_array_file_are_refused(lie):
    with pytest.raises(ValueError):
        unpack_arrays(LIES[lie])


class Colour(enum.StrEnum):
    RED = "red"


def test_numbers_and_text_survive_json_exactly():
    facts = {
        "floats": [0.1, 1 / 3, 5e-324, 1.7976931348623157e308, -0.0, 2.0],
        "ints": [0, -1, 2**64, 10**300],
        "nested": {"a": {"b": [[], {}]}},
        "text": ["", "é\u2028\x00\ud800", "</script>"],
        "truth": [True, False, None],
    }
    found = unpack_json(pack_json(facts))
    assert found == facts
    assert repr(found) == repr(facts)


def test_numpy_floats_tuples_and_enums_come_back_as_plain_values_of_the_same_worth():
    found = unpack_json(pack_json({"a": np.float64(0.1), "b": (1, 2), "c": Colour.RED}))
    assert found == {"a": 0.1, "b": [1, 2], "c": "red"}
    assert [type(value) for value in found.values()] == [float, list, str]


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, np.float64("nan")])
def test_a_number_that_json_lacks_is_refused_with_its_place(number):
    with pytest.raises(ValueError, match=r"value\['best'\]\[1\] is -?(nan|inf)"):
        pack_json({"best": [0.0, number]})


@pytest.mark.parametrize("value", [{1, 2}, np.int64(3), np.zeros(2), b"bytes", {"a": {3: "three"}}, object()])
def test_a_value_that_would_not_come_back_is_refused(value):
    with pytest.raises(TypeError, match=r"value\['odd'\]"):
        pack_json({"odd": value})


NOT_JSON = [
    *[
        b"",
        b"{",
        b"{'a': 1}",
        b'{"a": 1} x',
        b'{"a": 1, "a": 1}',
        b'[{"a": {"b": 1, "b": 2}}]',
        b"NaN",
        b"[-Infinity]",
    ],
    *[b"1e999", b"\xff\xfe", b"\xef\xbb\xbf{}", b"[" * 100_000, b"9" * 5000, b'"\x01"'],
]


@pytest.mark.parametrize(
    "text",
    NOT_JSON,
    ids=lambda text: repr(text[:12]),
)
def test_text_that_is_not_plain_json_is_refused(text):
    with pytest.raises(ValueError):
        unpack_json(text)
