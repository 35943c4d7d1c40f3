"""JSON that comes back as it went in: one text for one value, and nothing read two ways."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any


def pack_json(value: Any) -> bytes:
    """Return ``value`` as JSON, always the same bytes for the same value.

    Numbers survive exactly: an int of any size that Python prints, a float to its last bit. A tuple comes
    back as a list, and a member of an enum as the number or string that it is.

    Args:
        value: None, bool, int, float, str, and lists, tuples and mappings (with string keys) of these.

    Returns:
        UTF-8 text with sorted keys and one final newline.

    Raises:
        TypeError: If something in it is of another type; the message says where.
        ValueError: If a number is not finite.

    >>> pack_json({"step": 3, "best": 0.1})
    b'{\\n "best": 0.1,\\n "step": 3\\n}\\n'
    """
    text = json.dumps(_plain(value, "value"), sort_keys=True, indent=1, allow_nan=False)
    return f"{text}\n".encode()


def unpack_json(content: bytes) -> Any:
    """Return the value of JSON text, and refuse what other readers would read differently.

    Args:
        content: UTF-8 text.

    Returns:
        The value.

    Raises:
        ValueError: If it is no JSON, names a key twice, holds a number that is not finite, or is nested too
            deep.

    >>> unpack_json(b'{"step": 3}')
    {'step': 3}
    >>> unpack_json(b'{"step": 3, "step": 4}')
    Traceback (most recent call last):
        ...
    ValueError: the key 'step' stands there twice
    """
    try:
        return json.loads(
            content.decode("utf-8"),
            object_pairs_hook=_without_duplicates,
            parse_constant=_finite,
            parse_float=_finite,
        )
    except RecursionError:
        raise ValueError("nested too deep") from None


def _plain(value: Any, where: str) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, str):
        # Not str(value): that of an enum is its name.
        return str.__str__(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{where} is {value}; JSON has only finite numbers")
        return float(value)
    if isinstance(value, (list, tuple)):
        return [_plain(part, f"{where}[{index}]") for index, part in enumerate(value)]
    if isinstance(value, Mapping):
        for key in value:
            if type(key) is not str:
                raise TypeError(f"{where} has the key {key!r}; wanted strings as keys")
        return {key: _plain(part, f"{where}[{key!r}]") for key, part in value.items()}
    raise TypeError(
        f"{where} is of type {type(value).__name__}; "
        "wanted None, bool, int, float, str, or a list or mapping of these"
    )


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key!r} stands there twice")
        found[key] = value
    return found


def _finite(text: str) -> float:
    if not math.isfinite(number := float(text)):
        raise ValueError(f"{text} is not a finite number")
    return number
