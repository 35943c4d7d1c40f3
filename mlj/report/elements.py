"""HTML that is safe by construction: text is escaped unless it is already :class:`Html`."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

from mlj.report.words import clean


class Html(str):
    """Markup; every other string is text and is escaped when it enters an element."""

    __slots__ = ()


def markup(content: object) -> Html:
    """Return markup as it is and anything else as escaped, printable text.

    >>> markup("a<b"), markup(Html("<b>"))
    ('a&lt;b', '<b>')
    """
    return content if isinstance(content, Html) else Html(html.escape(clean(content)))


def tag(name: str, *children: object, **attributes: object) -> Html:
    """Return an element; ``class_`` stands for ``class``, an attribute that is None is left out.

    >>> tag("p", "1 < 2", tag("b", "!"), class_="lead")
    '<p class="lead">1 &lt; 2<b>!</b></p>'
    """
    given = {
        key.rstrip("_").replace("_", "-"): value for key, value in attributes.items() if value is not None
    }
    written = "".join(f' {key}="{markup(value)}"' for key, value in given.items())
    return Html(f"<{name}{written}>{join(children)}</{name}>")


def join(parts: Iterable[object], between: str = "") -> Html:
    """Return the parts as one piece of markup."""
    return Html(between.join(markup(part) for part in parts))


class Cell:
    """A table cell with a class and a hint that is shown on hovering."""

    def __init__(self, content: object, class_: str | None = None, title: str | None = None):
        """Keep the content and the attributes."""
        self.content, self.class_, self.title = content, class_, title


def table(
    heads: Sequence[object],
    lines: Iterable[Sequence[object]],
    *,
    class_: str = "",
    names: int = 1,
    title: str | None = None,
    most: int | None = None,
    seek: str | None = None,
) -> Html:
    """Return a table that scrolls by itself where the page is narrow; a click on a head sorts it.

    Args:
        heads: Column heads.
        lines: Rows of texts, markup or :class:`Cell`.
        class_: Class of the table.
        names: How many columns from the left are names; the others are numbers and stand at the right.
        title: Its caption.
        most: How many rows are seen at a time, the first of whatever order; all rows without it.
        seek: The words beside a box that keeps the rows whose first cell holds what is typed.
    """
    head = tag(
        "tr",
        *(tag("th", text, scope="col", class_="name" if i < names else None) for i, text in enumerate(heads)),
    )
    body = [
        tag(
            "tr",
            *(_cell(cell, index < names, index == 0) for index, cell in enumerate(line)),
            hidden="hidden" if most is not None and number >= most else None,
        )
        for number, line in enumerate(lines)
    ]
    parts = [tag("caption", title)] if title else []
    inner = tag(
        "table",
        *parts,
        tag("thead", head),
        tag("tbody", *body),
        class_=f"sortable {class_}".strip(),
        data_most=most,
        data_seek=seek,
    )
    if title is None:
        return tag("div", inner, class_="scroll")
    return tag("div", inner, class_="scroll", role="region", aria_label=title, tabindex="0")


def _cell(cell: object, is_name: bool, is_head: bool) -> Html:
    if not isinstance(cell, Cell):
        cell = Cell(cell)
    classes = " ".join(filter(None, ("name" if is_name else "", cell.class_ or ""))) or None
    if is_head:
        return tag("th", cell.content, scope="row", class_=classes, title=cell.title)
    return tag("td", cell.content, class_=classes, title=cell.title)


def tabs(key: str, titles: Sequence[str], panels: Sequence[Html]) -> Html:
    """Return panels of which one is seen, picked by its title; it works without any script."""
    if len(panels) == 1:
        return panels[0]
    parts: list[Html] = []
    for index, title in enumerate(titles):
        name = f"{key}-{index}"
        checked = Html(" checked") if index == 0 else Html("")
        parts.append(Html(f'<input type="radio" name="{markup(key)}" id="{markup(name)}"{checked}>'))
        parts.append(tag("label", title, for_=name))
    return tag(
        "div", *parts, tag("div", *(tag("div", panel) for panel in panels), class_="panels"), class_="tabs"
    )


def facts(pairs: Iterable[tuple[str, object]]) -> Html:
    """Return a list of names and what they are."""
    return tag("dl", *(join((tag("dt", name), tag("dd", value))) for name, value in pairs))
