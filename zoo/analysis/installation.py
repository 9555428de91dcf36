"""Installation: which packages are here, and which extra of densezoo brings what is missing. Imports none of them."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

NAME = "densezoo"
BACKENDS = ("tensorflow", "jax", "torch")  # of Keras
_REQUIREMENT = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(?:\[(?P<extras>[^]]*)\])?[^;]*(?:;.*extra == ['\"](?P<extra>[^'\"]+))?")


@dataclass(frozen=True)
class Requirement:
    """One requirement of densezoo: a distribution, and which of its extras; `extra` is ours that asks for it, "" the core."""

    name: str
    extras: tuple[str, ...]
    extra: str


def requirements() -> list[Requirement]:
    """What the installed densezoo asks for; nothing where it runs from a checkout that was never installed."""
    try:
        lines = importlib.metadata.requires(NAME) or []
    except importlib.metadata.PackageNotFoundError:
        return []
    return [parsed(line) for line in lines]


def parsed(line: str) -> Requirement:
    """A requirement as a wheel's metadata writes it, such as `keras<3.16,>=3.15; extra == "train"`."""
    match = _REQUIREMENT.match(line)
    extras = tuple(part.strip() for part in (match["extras"] or "").split(",") if part.strip())
    return Requirement(match["name"], extras, match["extra"] or "")


def missing(extra: str, demands: list[Requirement] | None = None) -> list[str]:
    """The distributions that an extra asks for and that are not installed, those of extras within it too.

    Of Keras's backends one is enough, whichever is asked for, but in an extra that is called like it.
    """
    demands = requirements() if demands is None else demands
    names: list[str] = []
    others = set(BACKENDS) - {extra}
    for demand in demands:
        if demand.extra != extra:
            continue
        if demand.name == NAME:
            names += [name for inner in demand.extras for name in missing(inner, demands)]
        elif version(demand.name) is None and not (demand.name in others and any(map(_is_there, BACKENDS))):
            names.append(demand.name)
    return sorted(set(names))


def version(distribution: str) -> str | None:
    """The installed version of a distribution, or None."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def backend() -> str:
    """The backend that Keras will start with: $KERAS_BACKEND, or else that of its configuration file, which is TensorFlow where
    nobody said another; where that one is not installed, one that is."""
    if name := os.environ.get("KERAS_BACKEND"):
        return name
    wish = _configured()
    return next(filter(_is_there, (wish, *BACKENDS)), wish)


def choose_backend() -> None:
    """Lets Keras, which is about to be imported, start on a backend that is installed, where nobody has asked for one."""
    if "KERAS_BACKEND" not in os.environ and (name := backend()) != _configured():
        os.environ["KERAS_BACKEND"] = name


def _is_there(package: str) -> bool:
    return importlib.util.find_spec(package) is not None  # TensorFlow comes in distributions of several names


def _configured() -> str:
    path = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras")) / "keras.json"
    try:
        return str(json.loads(path.read_text(encoding="utf-8")).get("backend", BACKENDS[0]))
    except (OSError, ValueError):
        return BACKENDS[0]
