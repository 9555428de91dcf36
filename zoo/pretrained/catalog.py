"""Weights that the zoo ships, and what is known of them.

>>> zoo.build("unet_lite.ccp")                       # doctest: +SKIP
>>> zoo.pretrained.catalog.get("unet_lite.ccp").scores          # doctest: +SKIP

Each set is a folder of its name in this one: card.json says what lies there, with checksums and scores, all of it written
by `zoo recipes pack` from a finished run; weights.npz holds the weights; FORM.tflite are converted files. Files of larger sets
are in the store (`zoo.pretrained.store`), which their card says. More folders of such sets may be named in the environment
variable DENSEZOO_TRAINED, separated as in PATH.

This module needs no Keras; `zoo.pretrained.weights_io` does.
"""

from __future__ import annotations

import fnmatch
import hashlib
import json
import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from zoo.errors import InputError, unknown
from zoo.outputs import score as outputs_score
from zoo.pretrained import store
from zoo.pretrained.store import Archive

FOLDER = Path(__file__).parent
ELSEWHERE = "DENSEZOO_TRAINED"
CARD = "card.json"
WEIGHTS = "weights"  # the form of weights.npz
MOST_BYTES = 8 * 10**6  # of one file, so that a checkout stays light

__all__ = ["FOLDER", "Archive", "File", "Score", "Trained", "find", "get", "is_name", "names"]


@dataclass(frozen=True)
class File:
    """One file of a set: its name, SHA-256 and size in bytes."""

    name: str
    sha256: str
    bytes: int


@dataclass(frozen=True)
class Score:
    """The scores of one form of the weights.

    Attributes:
        form: "weights" for the network as `zoo.build` gives it, else a converter's recipe such as "int8".
        dataset: name and split. images: how many. size: (H, W) in pixels that images were resized to.
        scores: the task's by name, the headline first.
        units: of those that are no shares of 0–1, by name.
        lower_is_better: names of those that say how bad.
    """

    form: str
    dataset: str
    images: int
    size: tuple[int, int]
    scores: Mapping[str, float]
    units: Mapping[str, str] = field(default_factory=dict)
    lower_is_better: tuple[str, ...] = ()

    @property
    def results(self) -> list[outputs_score.Score]:
        """The scores with their units, the headline first."""
        return [
            outputs_score.Score(name, value, self.units.get(name, outputs_score.SHARE), name not in self.lower_is_better)
            for name, value in self.scores.items()
        ]


@dataclass(frozen=True)
class Trained:
    """One set of weights.

    Attributes:
        name: "NETWORK.TAG". model: the network's name in the registry. task: its task.
        options: of `zoo.build`. labels, palette: one a class. channels: of the image.
        input_size: (H, W) in pixels at which it was scored.
        parameters: trainable ones.
        source, license: of the data that it learnt from.
        recipe: the one that made it.
        training: {"epochs", "best", "seconds", "hardware", "versions"} of the run.
        files: by form. measured: one score a form.
        folder: where the card lies, and the files of a set that is packed.
        overlap: pixels that tiles of `input_size` share at least, in which converted files see pictures, while the weights see
            them at their own size; None where pictures are resized.
        archive: of the files in the store; None where they are packed.
    """

    name: str
    model: str
    task: str
    options: Mapping[str, Any]
    labels: tuple[str, ...]
    palette: tuple[tuple[int, int, int], ...]
    channels: int
    input_size: tuple[int, int]
    parameters: int
    source: str
    license: str
    recipe: str
    training: Mapping[str, Any]
    files: Mapping[str, File]
    measured: tuple[Score, ...]
    folder: Path
    overlap: int | None = None
    archive: Archive | None = None

    def score(self, form: str = WEIGHTS) -> Score:
        """The scores of a form; of a file that goes with another, as "int8.encoder" does, those of both together."""
        return next(score for score in self.measured if score.form == form.partition(".")[0])

    @property
    def headline(self) -> tuple[str, dict[str, float]]:
        """The score that tells better from worse: its name, and its value by form."""
        name = next(iter(self.score().scores))
        return name, {score.form: score.scores[name] for score in self.measured}

    @property
    def headlines(self) -> dict[str, outputs_score.Score]:
        """The score that tells better from worse, by form."""
        return {score.form: score.results[0] for score in self.measured}

    def path(self, form: str = WEIGHTS) -> Path:
        """The file of a form, fetched if need be, its checksum verified.

        Raises:
            InputError: if there is no such form, the file is missing and cannot be fetched, or it is not what was packed.
        """
        path, file = self.file_here(form), self.files[form]
        if path is None and self.archive is not None:
            path = store.fetch(self.name, self.archive) / file.name
        path = path or self.folder / file.name
        advice = f"{_restore(path)}, or make it: zoo train --recipe {self.recipe}"
        if not path.is_file():
            raise InputError(f"{path} is missing; {advice}")
        if checksum(path) != file.sha256:
            raise InputError(f"{path} is damaged: its SHA-256 is not the one in {CARD}; {advice}")
        return path

    def file_here(self, form: str = WEIGHTS) -> Path | None:
        """Where the file of a form lies on this machine, its checksum not verified; None where it would have to be fetched.

        Raises:
            InputError: if there is no such form.
        """
        if form not in self.files:
            raise unknown(f"form of {self.name}", form, self.files)
        path = self.folder / self.files[form].name
        if path.is_file():
            return path
        return None if self.archive is None else store.find(self.name, path.name)

    def as_dict(self) -> dict[str, Any]:
        """Plain data, as in card.json; a score of which nothing was counted, nan, is None there: JSON has no nan."""
        facts = asdict(self)
        del facts["folder"]
        for row in facts["measured"]:
            row["scores"] = {name: None if math.isnan(value) else value for name, value in row["scores"].items()}
        return facts


def checksum(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def folders() -> list[Path]:
    """The folders in which sets of weights are looked for: those of the environment first."""
    return [*(Path(entry) for entry in os.environ.get(ELSEWHERE, "").split(os.pathsep) if entry), FOLDER]


def names(pattern: str = "*") -> list[str]:
    """The names of all sets that match a glob, sorted."""
    sets = {path.parent.name for folder in folders() for path in folder.glob(f"*.*/{CARD}")}
    return sorted(name for name in sets if fnmatch.fnmatchcase(name, pattern))


def is_name(text: str) -> bool:
    """Whether there are weights of that name, whatever form follows it after a colon."""
    return text.partition(":")[0] in names()


def get(name: str) -> Trained:
    """The weights of that name.

    Raises:
        InputError: for an unknown name, or a damaged card.json.
    """
    for folder in folders():
        path = folder / name / CARD
        if "." in name and path.is_file():
            return _read(path)
    if not names():
        raise InputError(f"unknown weights {name!r}: none are shipped here; build {name.partition('.')[0]!r} and train it")
    raise unknown("weights", name, names())


def find(text: str) -> Path:
    """The file of "NAME.TAG:FORM", as "unet_lite.ccp:int8", its checksum verified.

    Raises:
        InputError: as `get` and `Trained.path`.
    """
    name, _, form = text.partition(":")
    return get(name).path(form or WEIGHTS)


def _read(path: Path) -> Trained:
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        facts["files"] = {form: File(**file) for form, file in facts["files"].items()}
        facts["measured"] = tuple(_score(row) for row in facts["measured"])
        facts["palette"] = tuple(tuple(colour) for colour in facts["palette"])
        if "licence" in facts:  # as card.json of 0.1 spells it
            facts["license"] = facts.pop("licence")
        facts["archive"] = Archive(**facts["archive"]) if facts.get("archive") else None
        plain = {key: tuple(facts[key]) for key in ("labels", "input_size")}
        return Trained(**{**facts, **plain}, folder=path.parent)
    except (ValueError, TypeError, KeyError, OSError) as error:
        raise InputError(f"{path} is damaged ({error}); {_restore(path)}") from error


def _score(row: Mapping[str, Any]) -> Score:
    scores = {name: math.nan if value is None else value for name, value in row["scores"].items()}
    plain = {"size": tuple(row["size"]), "lower_is_better": tuple(row.get("lower_is_better", ()))}
    return Score(**{**row, **plain, "scores": scores})


def _restore(path: Path) -> str:
    return f"restore it (git checkout {path.parent.name}/{path.name}, or install densezoo anew)"
