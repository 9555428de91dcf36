"""The page of recipes: what each recipe's file says of itself."""

from __future__ import annotations

import textwrap

from zoo import recipes


def every_recipe() -> str:
    """A section a recipe: its first line, its commands and its story."""
    return "\n\n".join(f"## {name}\n\n{_markdown(recipes.text(name), name)}" for name in recipes.names())


def _markdown(text: str, name: str) -> str:
    """A docstring whose indented blocks are commands."""
    blocks = []
    for block in text.strip().removeprefix(f"{name}: ").split("\n\n"):
        command = block.startswith("    ")
        blocks.append(f"```sh\n{textwrap.dedent(block).strip()}\n```" if command else block)
    return "\n\n".join([blocks[0][0].upper() + blocks[0][1:], *blocks[1:]])
