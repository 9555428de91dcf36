"""Registry of data sets: each file of `zoo.data.datasets` enters its own with `@dataset`, and a spec opens one.

A spec is KIND, KIND:PATH, or either with options behind: `scenes:seed=3,size=96x128`, `folder:PATH,channels=1`. Behind every
PATH, `channels` says how its pictures are read (1 grey, 3 RGB as by default, 4 with their own fourth channel), and `bits` how
many of 16 count.
"""

from __future__ import annotations

import ast
import functools
import importlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from zoo.errors import InputError, unknown

if TYPE_CHECKING:
    from zoo.data.dataset import Dataset

Reader = TypeVar("Reader", bound=Callable[..., "Dataset"])
_FOLDER = Path(__file__).with_name("datasets")
_PATH = "PATH"  # what a spec's text says where a path is to be given


@dataclass(frozen=True)
class Option:
    """One option of a spec: how its value is written, and what is made of the text."""

    form: str
    pattern: str
    read: Callable[[str], Any]


def _size(text: str) -> tuple[int, int]:
    height, _, width = text.partition("x")
    return int(height), int(width or height)


WHOLE = Option("NUMBER", r"\d+", int)
CHANNELS = Option("1, 3 or 4", r"[134]", int)
SIZE = Option("NUMBER or HxW", r"\d+(x\d+)?", _size)


# Behind every spec with a PATH: how its picture files are read (`Dataset.read_as`).
FILE_OPTIONS = {"channels": CHANNELS, "bits": WHOLE}


@dataclass(frozen=True)
class Entry:
    """A data set that can be opened.

    Attributes:
        name: what a spec begins with.
        spec: how it is written, with PATH where a path is to be given.
        help: what it holds, in one line.
        module: where its reader is.
    """

    name: str
    spec: str
    help: str
    module: str

    @property
    def needs_path(self) -> bool:
        """Whether a spec of it names a path."""
        return _PATH in self.spec


@dataclass(frozen=True)
class _Opener:
    """How an imported data set is read."""

    entry: Entry
    reader: Callable[..., Dataset]
    options: Mapping[str, Option] = field(default_factory=dict)


_openers: dict[str, _Opener] = {}


def dataset(name: str, *, spec: str, help: str, options: Mapping[str, Option] | None = None) -> Callable[[Reader], Reader]:
    """Enters a reader of a data set: `reader(path, split)`, or `reader(split)` where its spec has no PATH.

    In `zoo.data.datasets`, `name`, `spec` and `help` are literals: they are read from the file without importing it.

    Args:
        name: what its specs begin with.
        spec: how it is written, for lists and errors.
        help: what it holds, in one line.
        options: by name; the reader takes them as keywords of that name, if they are given.
    """

    def enter(reader: Reader) -> Reader:
        entry = Entry(name, spec, help, reader.__module__)
        _openers[name] = _Opener(entry, reader, {**(FILE_OPTIONS if entry.needs_path else {}), **(options or {})})
        return reader

    return enter


def withdraw(name: str) -> None:
    """Takes a data set that is not of this package out again."""
    _openers.pop(name, None)


def entries() -> list[Entry]:
    """All data sets, those that are made before those that are read, by name."""
    every = {**_entries_in_files(), **{name: opener.entry for name, opener in _openers.items()}}
    return sorted(every.values(), key=lambda entry: (entry.needs_path, entry.name))


def specs() -> tuple[str, ...]:
    """How each data set is written."""
    return tuple(entry.spec for entry in entries())


def listing() -> str:
    """Every data set in a line: how it is written, and what it holds."""
    every = entries()
    width = max(len(entry.spec) for entry in every)
    return "\n".join(f"{entry.spec:{width}}  {entry.help}" for entry in every)


def open_spec(text: str, split: str) -> Dataset:
    """The data set of a spec and split.

    Raises:
        InputError: for an unknown spec or option, and whatever the reader finds wrong.
    """
    if not isinstance(text, str) or not text.strip():
        raise InputError(f"data spec {text!r}: give one of {', '.join(specs())}")
    kind, _, rest = text.strip().partition(":")
    by_name = {entry.name: entry for entry in entries()}
    if kind not in by_name:
        hint = f"; a folder of images/ and masks/ is folder:{text}" if Path(text).expanduser().is_dir() else ""
        raise InputError(f"unknown data spec {text!r}; known: {', '.join(specs())}{hint}")
    if kind not in _openers:
        importlib.import_module(by_name[kind].module)
    opener = _openers[kind]
    path, texts = _parse(opener, rest)
    head, _, last = path.rpartition(",")
    if "=" in last and not Path(path).expanduser().exists() and Path(head).expanduser().is_dir():
        raise unknown(f"option of {kind}", last.partition("=")[0].strip(), opener.options)
    values = {name: _value(opener, rest, name, value) for name, value in texts}
    own = (name for name in values.keys() & FILE_OPTIONS.keys() if opener.options[name] is FILE_OPTIONS[name])
    reading = {name: values.pop(name) for name in list(own)}
    source = opener.reader(*([Path(path).expanduser()] if opener.entry.needs_path else []), split, **values)
    source = source.read_as(**reading)
    source.check()
    return source


def _parse(opener: _Opener, rest: str) -> tuple[str, list[tuple[str, str]]]:
    """The path and the options (name, text) of what stands behind the colon."""
    name, parts = opener.entry.name, [part.strip() for part in rest.split(",")]
    first = 0
    if opener.entry.needs_path:  # a path may hold commas: options are only what ends the spec and has an option's name
        first = len(parts)
        while first > 1 and parts[first - 1].partition("=")[0].strip() in opener.options:
            first -= 1
    path = ",".join(rest.split(",")[:first]).strip()
    if opener.entry.needs_path and not path:
        raise InputError(f"{name}: a path is missing; write {opener.entry.spec}")
    texts = [tuple(piece.strip() for piece in part.partition("=")[::2]) for part in parts[first:] if part]
    for key, _ in texts:
        if key not in opener.options:
            raise unknown(f"option of {name}", key, opener.options)
        if sum(other == key for other, _ in texts) > 1:
            raise InputError(f"{name}:{rest}: {key} is given twice")
    return path, texts


def _value(opener: _Opener, rest: str, name: str, text: str) -> Any:
    option = opener.options[name]
    if not re.fullmatch(option.pattern, text):
        raise InputError(f"{opener.entry.name}:{rest}: {f'{name}={text}'!r} should be {name}={option.form}")
    return option.read(text)


@functools.cache
def _entries_in_files() -> dict[str, Entry]:
    """The entries of this package's files, read from their text, so that a list of them imports nothing."""
    result: dict[str, Entry] = {}
    for path in sorted(_FOLDER.rglob("*.py")):
        module = ".".join(("zoo.data.datasets", *path.relative_to(_FOLDER).with_suffix("").parts))
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            for call in getattr(node, "decorator_list", ()):
                if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == dataset.__name__:
                    facts = {item.arg: ast.literal_eval(item.value) for item in call.keywords if item.arg != "options"}
                    entry = Entry(ast.literal_eval(call.args[0]), **facts, module=module)
                    result[entry.name] = entry
    return result
