"""Markers: places in a Markdown file that a command fills, between `<!-- NAME -->` and `<!-- /NAME -->`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from zoo.errors import unknown

_PLACE = re.compile(r"<!-- (?P<name>[a-z0-9 _-]+) -->\n.*?<!-- /(?P=name) -->", re.DOTALL)


def filled(text: str, makers: Mapping[str, Callable[[], str]]) -> str:
    """The text with what each maker makes between the markers of its name.

    Raises:
        InputError: for markers that no maker fills.
    """

    def fill(match: re.Match[str]) -> str:
        name = match["name"]
        if name not in makers:
            raise unknown("marker", name, makers)
        return f"<!-- {name} -->\n{makers[name]().strip()}\n<!-- /{name} -->"

    return _PLACE.sub(fill, text)


def table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; a heading that begins with ">" is of a column of numbers, set to the right."""
    lines = [
        [heading.lstrip(">") for heading in headings],
        ["---:" if heading.startswith(">") else "---" for heading in headings],
        *([str(cell).replace("|", "\\|") for cell in row] for row in rows),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
