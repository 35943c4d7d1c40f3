"""What to call a data set, from the name of its file."""

from __future__ import annotations

from os import PathLike

from mlj.data.streams import plain_name

_SUFFIXES = (".arff", ".csv", ".tsv", ".tab", ".npz", ".txt", ".xc", ".svm", ".libsvm")
_WORDS = tuple(mark + word for mark in "-_." for word in ("train", "test", "sparse", "dense"))


def stems(path: str | PathLike[str]) -> list[str]:
    """Return the name of a file without its suffixes, then without each of its last words.

    The words are train, test, sparse and dense, after ``-``, ``_`` or ``.``.

    >>> stems("data/Corel5k-train-sparse.arff.gz")
    ['Corel5k-train-sparse', 'Corel5k-train', 'Corel5k']
    """
    stem = plain_name(path)
    while (shorter := _without_ending(stem, _SUFFIXES)) != stem:
        stem = shorter
    found = [stem]
    while (shorter := _without_ending(found[-1], _WORDS)) != found[-1]:
        found.append(shorter)
    return found


def bare_name(path: str | PathLike[str]) -> str:
    """Return the name of a file without suffixes and last words.

    >>> bare_name("bibtex_train.xc.txt.gz")
    'bibtex'
    """
    return stems(path)[-1]


def _without_ending(name: str, endings: tuple[str, ...]) -> str:
    for ending in endings:
        if name.lower().endswith(ending) and len(name) > len(ending):
            return name[: -len(ending)]
    return name
