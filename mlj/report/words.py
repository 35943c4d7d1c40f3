"""How numbers and names are written, in the page and in the figures."""

from __future__ import annotations

import re

import numpy as np

MISSING = "–"
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff\u202a-\u202e\u2066-\u2069]")


def clean(name: object) -> str:
    """Return a name as one line of printable text: no control characters, half pairs, changes of direction.

    >>> clean("a\\x00b")
    'a�b'
    """
    return _UNPRINTABLE.sub("�", " ".join(str(name).splitlines()).replace("\t", " "))


def shorten(name: object, length: int = 28) -> str:
    """Return a clean name of at most ``length`` characters.

    >>> shorten("a_very_long_name", 8)
    'a_very_…'
    """
    text = clean(name)
    return text if len(text) <= length else text[: length - 1] + "…"


def decimals(value: float) -> int:
    """Return how many decimals suit a metric of this size: three below 10, one from 100 on."""
    return 3 if abs(value) < 10 else 2 if abs(value) < 100 else 1


def number(value: float | None) -> str:
    """Return a metric as text, a dash if it is missing.

    >>> number(0.6789), number(12.3456), number(None)
    ('0.679', '12.35', '–')
    """
    if value is None or not np.isfinite(value):
        return MISSING
    return f"{value:.{decimals(value)}f}"


def short(value: float | None) -> str:
    """Return a metric without the 0 before its point, for narrow tables.

    >>> short(0.6789), short(-0.5), short(1.0)
    ('.679', '-0.500', '1.000')
    """
    return number(value).removeprefix("0") if value is not None and 0 <= value < 1 else number(value)


def with_deviation(mean: float | None, deviation: float | None) -> str:
    """Return ``mean ± deviation`` with the decimals of the mean.

    >>> with_deviation(12.3456, 0.5), with_deviation(0.5, None)
    ('12.35 ± 0.50', '0.500')
    """
    if mean is None or deviation is None:
        return number(mean)
    return f"{number(mean)} ± {deviation:.{decimals(mean)}f}"


def p_value(p: float | None) -> str:
    """Return a p-value as text.

    >>> p_value(1e-5), p_value(0.0421), p_value(None)
    ('< .001', '.042', '–')
    """
    if p is None or not np.isfinite(p):
        return MISSING
    return "< .001" if p < 0.001 else "1.0" if p > 0.9995 else f"{p:.3f}".removeprefix("0")


def count(number_of: int, one: str, many: str | None = None) -> str:
    """Return a number with its noun.

    >>> count(1, "seed"), count(5, "seed"), count(0, "loss", "losses")
    ('1 seed', '5 seeds', '0 losses')
    """
    return f"{number_of:,} {one if number_of == 1 else many or one + 's'}"


def listed(items: list[str]) -> str:
    """Return items as text with commas and an "and".

    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    return " and ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)


def plain(value: float | int) -> str:
    """Return a setting without trailing zeros.

    >>> plain(0.0005), plain(128), plain(0.01)
    ('0.0005', '128', '0.01')
    """
    return f"{value:,}" if isinstance(value, int) else f"{value:.6g}"
