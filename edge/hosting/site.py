"""The demo app's site: the built app, the models, sample pictures, and the list that names them."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from edge.errors import InputError
from edge.sentences import encoder_path
from edge.tflite_file import Card, read_card

DIST = Path(__file__).parents[1] / "app" / "dist"
_VERSION_LENGTH = 12
_PICTURES = {".png", ".jpg", ".jpeg", ".webp"}

Content = Path | bytes


def site(paths: Sequence[str | Path], samples: Sequence[str | Path] = (), dist: Path | None = None) -> dict[str, Content]:
    """Every file of the site by its path below the root: a file on disk, or the bytes themselves. Without models,
    visitors bring their own.

    A map of all there is, rather than a folder to look names up in: what is not in it cannot be asked for.

    Raises InputError when the app is not built, and for a model or sample that is missing or cannot be read.
    """
    dist = dist or DIST
    if not (dist / "index.html").is_file():
        raise InputError(f"the demo app is not built ({dist} is missing): run `make app`, which needs Node 20 and npm")
    if isinstance(paths, (str, Path)):
        paths = [paths]
    files: dict[str, Content] = {
        path.relative_to(dist).as_posix(): path for path in sorted(dist.rglob("*")) if path.is_file()
    }
    given = [Path(path) for path in paths]
    beside = {encoder_path(path) for path in given}  # what looks for another file is offered with that, and not by itself
    models = [_model(index, path, files) for index, path in enumerate(given) if path not in beside]
    pictures = [_sample(index, Path(path), files) for index, path in enumerate(samples)]
    listing = json.dumps({"models": models, "samples": pictures}, ensure_ascii=False)
    files["models.json"] = listing.encode()
    return files


def _model(index: int, path: Path, files: dict[str, Content]) -> dict[str, Any]:
    if not path.is_file():
        raise InputError(f"{path} is not a file; expected a .tflite model")
    card = read_card(path)
    entry = {"file": path.name, "url": _offered(index, path, files), "bytes": card.bytes, "card": _described(card)}
    encoder = encoder_path(path)
    if card.encoded and not encoder.is_file():
        raise InputError(f"{path.name} goes on from what {encoder.name} makes of a picture; put it beside that file")
    return {**entry, "encoder": _offered(index, encoder, files)} if card.encoded else entry


def _offered(index: int, path: Path, files: dict[str, Content]) -> str:
    """The address of a model's file, which is entered into the site."""
    place = f"models/{index}/{_plain(path.stem)}.tflite"
    files[place] = path
    with path.open("rb") as file:
        version = hashlib.file_digest(file, "sha256").hexdigest()[:_VERSION_LENGTH]
    # The version lets the app keep a model offline and yet notice that another file took its place.
    return f"{place}?v={version}"


def _described(card: Card) -> dict[str, Any] | None:
    """The card as densezoo.json has it; None for a network of no picture, which the app then judges by what is in the file."""
    if not card.inputs[0].layout and not card.watches:
        return None
    return {
        "format": 2,
        "source": card.source,
        "name": card.name,
        "task": card.task,
        "inputs": [spec.to_dict() for spec in card.inputs],
        "outputs": [spec.to_dict() for spec in card.outputs],
        "recipe": card.recipe,
        "io": card.io,
        "description": card.description,
        "license": card.license,
        "provenance": dict(card.provenance),
        "scores": dict(card.scores),
    }


def _sample(index: int, path: Path, files: dict[str, Content]) -> dict[str, str]:
    if path.suffix.lower() not in _PICTURES:
        raise InputError(f"{path} is no sample picture; expected one of {', '.join(sorted(_PICTURES))}")
    try:
        with Image.open(path) as picture:
            picture.verify()
    except (OSError, SyntaxError) as error:
        raise InputError(f"{path} is not a picture that can be read: {error}") from error
    place = f"samples/{index}{path.suffix.lower()}"
    files[place] = path
    return {"name": path.stem.replace("_", " "), "url": place}


def _plain(stem: str) -> str:
    """A file name that needs no escaping in an address."""
    letters = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9._-]+", "-", letters).strip("-.") or "model"
