"""Doctests: a griffe extension that fences the `>>>` lines of docstrings, which Markdown would take for quotations."""

from __future__ import annotations

import re
from typing import Any

import griffe

_BLOCK = re.compile(r"^(?P<indent> *)>>> .*(?:\n(?! *\n).+)*", re.MULTILINE)


def fenced(text: str) -> str:
    """A docstring's text with a fence around each block that begins with `>>>`."""
    return _BLOCK.sub(lambda block: f"{block['indent']}```pycon\n{block[0]}\n{block['indent']}```", text)


class Doctests(griffe.Extension):
    """Fences the doctests of every docstring that is read."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rewrites the docstring of one module, class, function or attribute."""
        if obj.docstring:
            obj.docstring.value = fenced(obj.docstring.value)
