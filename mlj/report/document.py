"""A page around its content: head, style, script and sections, in one file that needs nothing else."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mlj.report.elements import Html, join, markup, tag
from mlj.report.style import svg_of
from mlj.storage import write_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"


def document(title: str, content: Sequence[Html], styles: Sequence[str] = ("page.css",)) -> str:
    """Return the text of a page that loads nothing, not even from beside it.

    Args:
        title: What the window is called.
        content: The elements of the page.
        styles: Style sheets in this package, the later ones over the earlier.

    >>> document("a < b", [tag("p", "c")]).splitlines()[1][:69]
    '<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content'
    """
    beside = Path(__file__)
    style = "".join(beside.with_name(name).read_text(encoding="utf-8") for name in styles)
    script = beside.with_name("page.js").read_text(encoding="utf-8")
    head = join(
        (
            Html('<meta charset="utf-8">'),
            Html(f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'),
            Html('<meta name="viewport" content="width=device-width, initial-scale=1">'),
            tag("title", title),
            tag("style", Html(style)),
        )
    )
    body = tag("body", tag("main", *content), tag("script", Html(script)))
    return f"<!DOCTYPE html>\n{tag('html', tag('head', head), Html(chr(10)), body, lang='en')}\n"


def write_document(text: Callable[[], str], path: str | os.PathLike[str]) -> None:
    """Write the text that a function returns, whole; an error leaves the file that was there before, or none.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_document(lambda: "page", Path(folder, "new", "a.html"))
    ...     Path(folder, "new", "a.html").read_text()
    'page'
    """
    path, content = Path(path), text().encode("utf-8", errors="replace")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_file(path, content)


def sections_of(parts: Sequence[tuple[str, str, Html]]) -> list[Html]:
    """Return links to sections, and the sections; each part is an id, a heading and the content.

    >>> sections_of([("a", "First", Html("..."))])[1]
    '<section id="a"><h2>First</h2>...</section>'
    """
    links = tag("nav", join((tag("a", title, href=f"#{key}") for key, title, _ in parts), " · "))
    return [links, *(tag("section", tag("h2", title), content, id=key) for key, title, content in parts)]


def plot(draw: Callable[[], Figure], key: str, finding: str) -> Html:
    """Return a drawing that scrolls by itself where the page is narrow."""
    return tag("div", Html(svg_of(draw, key, markup(finding))), class_="scroll")


def caption(number: str, finding: str, text: str) -> Html:
    """Return what stands below a figure: its number, what it shows, and how to read it."""
    return tag("figcaption", tag("b", number, finding), f" {text}")
