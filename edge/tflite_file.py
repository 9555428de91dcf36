"""What a `.tflite` file says of itself: its card.

Three sources, the best that is there: `densezoo.json` in the zip appended to the file (written by `converters`), the
standard TFLite metadata with its label file (other people's files), or the tensors and the last operators alone.
"""

from __future__ import annotations

import json
import struct
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edge import tflite_metadata
from edge.errors import InputError
from edge.graph import Graph, read_graph
from zoo.outputs import OutputSpec

FORMAT = 1  # the newest densezoo.json that this package reads
HEADS = ("logits", "probabilities", "classes")
Bound = float | tuple[float, ...]
_NEUTRAL = ("DEQUANTIZE", "QUANTIZE", "RESHAPE", "SQUEEZE", "EXPAND_DIMS", "CAST")


@dataclass(frozen=True)
class Card:
    """A file's own description.

    `size` is (height, width) of the input, None for what has no height and width. `range` is the (low, high) of the
    input that stands for 0 and 255 of a picture, numbers or one a channel; None where nothing in the file tells.
    `source` is "densezoo.json", "TFLite metadata" or "tensors". `classes` may be more than the labels known by name.
    """

    path: Path
    name: str
    task: str
    head: str
    labels: tuple[str, ...]
    palette: tuple[tuple[int, int, int], ...]
    size: tuple[int, int] | None
    channels: int
    range: tuple[Bound, Bound] | None
    recipe: str
    io: str
    source: str
    bytes: int
    description: str = ""
    licence: str = ""
    provenance: Mapping[str, Any] = field(default_factory=dict)
    scores: Mapping[str, Any] = field(default_factory=dict)

    @property
    def classes(self) -> int:
        return len(self.labels)

    @property
    def spec(self) -> OutputSpec:
        """What the numbers of the output mean."""
        kind = "class_map" if self.head == "classes" else "class_scores"
        activation = {"logits": "linear", "probabilities": "softmax", "classes": "argmax"}[self.head]
        scale = None if self.task == "classification" else 1
        return OutputSpec(kind, labels=self.labels, palette=self.palette, activation=activation, scale=scale)

    @property
    def headlines(self) -> dict[str, tuple[str, float]]:
        """What the file scored, by data set: the name and the value (0–1) of the first score of each, which is the task's own.

        Scores that do not say what they are of are under "".
        """
        told = {data: scores for data, scores in self.scores.items() if isinstance(scores, Mapping)}
        loose = {name: value for name, value in self.scores.items() if name not in told}
        return {
            data: next((name, value) for name, value in scores.items() if isinstance(value, float))
            for data, scores in {**told, "": loose}.items()
            if any(isinstance(value, float) for value in scores.values())
        }


def read_card(path: str | Path, graph: Graph | None = None) -> Card:
    """The card of the file at `path`.

    Raises InputError for a file that is missing, no TFLite model, cut short, or of a newer format than this reads.
    """
    path = Path(path)
    graph = graph or read_graph(path)
    guess = _from_tensors(path, graph)
    with _archive(path) as archive:
        names = archive.namelist() if archive else []
        if "densezoo.json" in names:
            return _from_json(path, guess, _member(path, archive, "densezoo.json"))
        if graph.metadata is None:
            return guess
        try:
            told = tflite_metadata.parse(graph.metadata)
        except (struct.error, IndexError, ValueError, TypeError) as error:
            raise InputError(f"{path}: its TFLite metadata is damaged ({error}); fetch it again") from error
        missing = [name for name in told.files if name not in names]
        if missing:
            raise InputError(f"{path} is cut short: its metadata promises {missing[0]!r} at its end; fetch it again")
        labels = _member(path, archive, told.label_files[0]) if told.label_files else ""
    return _from_metadata(guess, told, tuple(line.strip() for line in labels.splitlines() if line.strip()))


class _archive:
    """The zip appended to a file, or None where there is none."""

    def __init__(self, path: Path) -> None:
        self._zip: zipfile.ZipFile | None = None
        try:
            self._zip = zipfile.ZipFile(path)
        except zipfile.BadZipFile:
            self._zip = None

    def __enter__(self) -> zipfile.ZipFile | None:
        return self._zip

    def __exit__(self, *_: object) -> None:
        if self._zip:
            self._zip.close()


def _member(path: Path, archive: zipfile.ZipFile, name: str) -> str:
    try:
        return archive.read(name).decode("utf-8")
    except (zipfile.BadZipFile, UnicodeDecodeError, OSError) as error:
        raise InputError(f"{path}: {name} inside it cannot be read ({error}); fetch or convert it again") from error


# ---------------------------------------------------------------------------------------------- densezoo.json


def _from_json(path: Path, guess: Card, text: str) -> Card:
    try:
        told = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"{path}: densezoo.json inside it is not JSON ({error}); convert the model again") from error
    version = told.get("format") if isinstance(told, dict) else None
    if not isinstance(version, int):
        raise InputError(f"{path}: densezoo.json inside it has no 'format' number; convert the model again")
    if version > FORMAT:
        raise InputError(f"{path} is of format {version}, this densezoo reads up to {FORMAT}: upgrade densezoo")
    try:
        labels = tuple(str(label) for label in told["labels"])
        palette = tuple((int(r), int(g), int(b)) for r, g, b in told.get("palette") or colours(len(labels)))
        entry = told["input"]
        card = Card(
            path=path,
            name=str(told["name"]),
            task=str(told["task"]),
            head=str(told["head"]),
            labels=labels,
            palette=palette,
            size=(int(entry["size"][0]), int(entry["size"][1])),
            channels=int(entry["channels"]),
            range=(float(entry["range"][0]), float(entry["range"][1])),
            recipe=str(told.get("recipe", guess.recipe)),
            io=str(told.get("io", guess.io)),
            source="densezoo.json",
            bytes=guess.bytes,
            description=str(told.get("description", "")),
            licence=str(told.get("licence", "")),
            provenance=dict(told.get("provenance") or {}),
            scores=dict(told.get("scores") or {}),
        )
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise InputError(f"{path}: densezoo.json inside it lacks or garbles {error}; convert it again") from error
    if card.head not in HEADS:
        raise InputError(f"{path}: densezoo.json gives head {card.head!r}; expected one of {', '.join(HEADS)}")
    if (guess.size, guess.channels) != (card.size, card.channels):
        raise InputError(
            f"{path}: densezoo.json gives an input of {card.size}×{card.channels},"
            f" its tensor is {guess.size}×{guess.channels}; convert it again"
        )
    return card


# ---------------------------------------------------------------------------------------- other people's files


def _from_metadata(guess: Card, told: tflite_metadata.Metadata, labels: tuple[str, ...]) -> Card:
    if labels:
        # Some label files name fewer classes than the output has: keep the names and number the rest.
        labels = labels[: guess.classes] + guess.labels[len(labels) :]
    bounds = guess.range
    if told.mean and told.std and all(told.std):
        low = tuple((0 - mean) / std for mean, std in zip(told.mean, told.std, strict=False))
        high = tuple((255 - mean) / std for mean, std in zip(told.mean, told.std, strict=False))
        stated = (low[0], high[0]) if len(set(low)) == len(set(high)) == 1 else (low, high)
        bounds = guess.range if _same_bytes(guess.range, stated) else stated
    return Card(
        **{
            **vars(guess),
            "name": told.name or guess.name,
            "labels": labels or guess.labels,
            "range": bounds,
            "source": "TFLite metadata",
            "description": told.description,
            "licence": told.licence,
        }
    )


def _same_bytes(stored: tuple[Bound, Bound] | None, stated: tuple[Bound, Bound]) -> bool:
    """Whether two ranges differ by no more than a step of 8 bits at either end.

    Then the picture's bytes are the stored values: the tensor's own scale says so exactly, the metadata's mean and
    deviation round (127.5 for 128).
    """
    if stored is None or isinstance(stated[0], tuple) or isinstance(stated[1], tuple):
        return False
    step = abs(float(stored[1]) - float(stored[0])) / 255  # type: ignore[arg-type]
    return all(abs(float(a) - b) <= 1.01 * step for a, b in zip(stored, stated, strict=True))  # type: ignore[arg-type]


def _from_tensors(path: Path, graph: Graph) -> Card:
    image, output = graph.inputs[0], graph.outputs[0]
    spatial = len(image.shape) == 4
    bounds = None
    if image.scale:  # a picture's bytes are the stored values: 0 and 255 of uint8, -128 and 127 of int8
        first = 0 if image.dtype == "uint8" else -128
        bounds = ((first - image.zero_point) * image.scale, (first + 255 - image.zero_point) * image.scale)
    task, head, classes = _guess_answer(graph)
    labels = ("background", "foreground") if classes == 1 else tuple(f"class {index}" for index in range(classes))
    return Card(
        path=path,
        name=path.stem,
        task=task,
        head=head,
        labels=labels,
        palette=colours(len(labels)),
        size=(image.shape[1], image.shape[2]) if spatial else None,
        channels=image.shape[-1] if image.shape else 1,
        range=bounds,
        recipe="int8" if graph.quantized else _weights(graph),
        io=image.dtype if image.dtype == output.dtype else f"{image.dtype} in, {output.dtype} out",
        source="tensors",
        bytes=path.stat().st_size,
    )


def _guess_answer(graph: Graph) -> tuple[str, str, int]:
    """(task, head, classes), by the output's shape and the operator that makes it."""
    output = graph.outputs[0]
    shape = output.shape
    maker = graph.producer(output.index)
    while maker is not None and maker.name in _NEUTRAL:
        maker = graph.producer(maker.inputs[0])
    last = maker.name if maker else ""
    if last == "ARG_MAX" and maker is not None:
        scored = graph.tensors[maker.inputs[0]].shape
        return ("segmentation" if len(scored) == 4 else "classification"), "classes", scored[-1] if scored else 1
    head = "probabilities" if last in ("SOFTMAX", "LOGISTIC") else "logits"
    if len(shape) == 4:
        return "segmentation", head, shape[-1]
    if len(shape) == 2:
        return "classification", head, shape[-1]
    if len(shape) == 3 and not output.scale and output.dtype in ("int32", "int64", "uint8", "int8"):
        return "segmentation", "classes", 256
    return "unknown", head, shape[-1] if shape else 1


def _weights(graph: Graph) -> str:
    kinds = {tensor.dtype for tensor in graph.tensors if tensor.constant}
    return next((recipe for kind, recipe in (("int8", "dynamic"), ("float16", "float16")) if kind in kinds), "float32")


def colours(count: int) -> tuple[tuple[int, int, int], ...]:
    """`count` RGB colours: PASCAL VOC's colour map, in which class 0 is black (VOC devkit, VOClabelcolormap)."""
    table = []
    for index in range(count):
        rgb = [0, 0, 0]
        for bit in range(8):
            for channel in range(3):
                rgb[channel] |= ((index >> (3 * bit + channel)) & 1) << (7 - bit)
        table.append((rgb[0], rgb[1], rgb[2]))
    return tuple(table)
