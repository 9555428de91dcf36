"""The page of the command line: what `zoo COMMAND --help` says, for every command."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer

from publishing.markers import table
from zoo.cli import app


def reference() -> str:
    """Every command with its docstring, arguments and options."""
    return "\n\n".join(_section(name, command) for name, command in _commands(typer.main.get_command(app)))


def _commands(group: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if getattr(command, "hidden", False):
            continue
        yield f"{prefix}{name}", command
        if hasattr(command, "commands"):
            yield from _commands(command, f"{prefix}{name} ")


def _section(name: str, command: Any) -> str:
    paragraphs = [" ".join(part.split()) for part in (command.help or "").split("\n\n")]
    parts = [f"## zoo {name}", *(_example(paragraph) for paragraph in paragraphs)]
    rows = [_row(parameter) for parameter in command.params if not getattr(parameter, "hidden", False)]
    rows = [row for row in rows if row[0] != "`--help`"]
    if rows:
        parts.append(table(("argument", "meaning", "default"), rows))
    return "\n\n".join(parts)


def _example(paragraph: str) -> str:
    """A paragraph; the command of an example in code."""
    for word in ("Example: ", "Examples: "):
        if paragraph.startswith(word):
            return "\n".join(["```sh", *paragraph.removeprefix(word).split("; then "), "```"])
    return f"```sh\n{paragraph}\n```" if paragraph.startswith("zoo ") else paragraph


def _row(parameter: Any) -> tuple[str, str, str]:
    argument = parameter.param_type_name == "argument"
    names = [parameter.name.upper()] if argument else [*parameter.opts, *parameter.secondary_opts]
    default = parameter.default
    shown = default if isinstance(default, str | int | float) and not isinstance(default, bool) else None
    return ", ".join(f"`{name}`" for name in names), parameter.help or "", f"`{shown}`" if shown is not None else ""
