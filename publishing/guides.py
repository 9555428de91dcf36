"""Guides: each a script of examples/ in the percent format, made into a page of the documentation and into a notebook.

A cell begins with `# %%`, one of prose with `# %% [markdown]`. Jupyter opens such a script as a notebook where jupytext is
installed; Colab wants the `.ipynb` file.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
_CELL = re.compile(r"^# %%(?P<prose> \[markdown\])?$", re.MULTILINE)
INSTALL = (
    "Run this where densezoo is installed, with all its extras. In Colab: build the wheel (`make dist`), upload it, and run "
    "`%pip install 'densezoo-…-py3-none-any.whl[all]'`."
)


@dataclass(frozen=True)
class Cell:
    """One cell: prose in Markdown, or code."""

    text: str
    prose: bool


def names() -> list[str]:
    """The examples' names, sorted."""
    return sorted(path.stem for path in EXAMPLES.glob("*.py"))


def cells(script: str) -> list[Cell]:
    """The cells of a script."""
    starts = list(_CELL.finditer(script))
    ends = [start.start() for start in starts[1:]] + [len(script)]
    texts = [script[start.end() : end].strip("\n") for start, end in zip(starts, ends, strict=True)]
    prose = [start["prose"] is not None for start in starts]
    return [Cell(_uncommented(text) if is_prose else text, is_prose) for text, is_prose in zip(texts, prose, strict=True)]


def page(name: str) -> str:
    """The guide's page."""
    text = (EXAMPLES / f"{name}.py").read_text(encoding="utf-8")
    blocks = [cell.text if cell.prose else f"```python\n{cell.text}\n```" for cell in cells(text)]
    source = f"*This page is the script `examples/{name}.py`, and a [notebook](../notebooks/{name}.ipynb).*"
    return "\n\n".join([f"<!-- made from examples/{name}.py by make readme -->", *blocks, source]) + "\n"


def notebook(name: str) -> str:
    """The guide as a notebook, by jupytext; its cells are numbered, so that the same script gives the same file."""
    import jupytext

    book = jupytext.read(EXAMPLES / f"{name}.py", fmt="py:percent")
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    book.metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    book.cells[0].source += f"\n\n{INSTALL}"
    for number, cell in enumerate(book.cells):
        cell["id"] = f"cell-{number}"
        cell["source"] = _links_as_words(cell.source) if cell.cell_type == "markdown" else cell.source
    plain = json.loads(jupytext.writes(book, fmt="ipynb"))
    plain["metadata"].pop("jupytext", None)
    return json.dumps(plain, indent=1, ensure_ascii=False) + "\n"


def _uncommented(text: str) -> str:
    return "\n".join(line.removeprefix("#").removeprefix(" ") for line in text.splitlines())


def _links_as_words(text: str) -> str:
    """Links to other pages, and pictures beside them, lead nowhere in a notebook that was taken away."""
    text = re.sub(r"!\[[^]]*\]\((?!https?:)[^)]+\)\n*", "", text)
    return re.sub(r"\[([^]]+)\]\((?!https?:)[^)]+\)", r"\1", text)
