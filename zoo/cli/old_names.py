"""Old names: commands and options of 0.1 that work until 0.3, each with a line on standard error."""

from __future__ import annotations

import sys
from collections.abc import Sequence

COMMANDS = {"lab": "experiments"}
OPTIONS = {  # of each command
    "train": {
        "--batch": "--batch-size",
        "--rate": "--lr",
        "--layer-rate": "--lr-scale",
        "--grow": "--progressive-size",
        "--settle": "--recalibrate-batchnorm",
    },
}


def current_arguments(arguments: Sequence[str]) -> list[str]:
    """Arguments of the command line with the names of today for those of 0.1."""
    if not arguments:
        return []
    command = _renamed(arguments[0], COMMANDS)
    options = OPTIONS.get(command, {})
    current = [command]
    for argument in arguments[1:]:
        name, equals, value = argument.partition("=")
        current.append(f"{_renamed(name, options)}{equals}{value}" if name in options else argument)
    return current


def _renamed(name: str, names: dict[str, str]) -> str:
    if name not in names:
        return name
    print(f"zoo: {name} is now {names[name]}; the old name goes with 0.3", file=sys.stderr)
    return names[name]
