"""The card of a `.tflite` file: what it says of itself.

Three sources, the best that is there: `densezoo.json` in the zip appended to the file (written by `converters`), the
standard TFLite metadata with its label file (other people's files), or the tensors and the last operators alone.
"""

from __future__ import annotations

import json
import struct
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from edge import tflite_metadata
from edge.errors import InputError
from edge.graph import Graph, Tensor, read_graph
from edge.guess import guess_input, guess_output, picture_of
from zoo import outputs
from zoo.outputs import InputSpec, OutputSpec
from zoo.outputs.score import Score
from zoo.outputs.spec import Bound
from zoo.outputs.vocabulary import words_of

OURS = "densezoo.json"  # the source of a card that `converters` wrote
FORMAT = 2  # the newest densezoo.json that this package reads
# Format 1 knew networks of classes alone: its heads as the kinds and activations of today.
_HEADS = {
    "logits": ("class_scores", "linear"),
    "probabilities": ("class_scores", "softmax"),
    "classes": ("class_map", "argmax"),
}
_WORDS = {meaning: head for head, meaning in _HEADS.items()} | {("class_scores", "sigmoid"): "probabilities"}


@dataclass(frozen=True)
class Card:
    """A file's own description.

    Attributes:
        path: of the file.
        name: of the network.
        task: what it is for, in words for people.
        inputs: in the model's order. A size is None for what has no height and width.
        outputs: in the model's order.
        recipe: by which it was converted.
        io: type of inputs and outputs.
        source: "densezoo.json", "TFLite metadata" or "tensors".
        bytes: size of the file.
        description, license: free text.
        provenance: versions, checksums and calibration.
        scores: as the file has them; `results` reads them.
        overlap: pixels that tiles of the file's size share at least, in which it sees a picture, since its answer is the
            picture's detail; None where pictures are resized.
        fed: for each of `inputs`, its place among the graph's inputs; a graph has an order of its own.
        read: for each of `outputs`, its place among the graph's outputs.
    """

    path: Path
    name: str
    task: str
    inputs: tuple[InputSpec, ...]
    outputs: tuple[OutputSpec, ...]
    recipe: str
    io: str
    source: str
    bytes: int
    description: str = ""
    license: str = ""
    provenance: Mapping[str, Any] = field(default_factory=dict)
    scores: Mapping[str, Any] = field(default_factory=dict)
    overlap: int | None = None
    fed: tuple[int, ...] = (0,)
    read: tuple[int, ...] = (0,)

    @property
    def spec(self) -> OutputSpec:
        """The meaning of the first output's numbers."""
        return self.outputs[0]

    @property
    def head(self) -> str:
        """What the first output is, in a word: "logits", "probabilities" or "classes", "unknown" where it can't be told, or
        its kind's name."""
        kind = outputs.get(self.spec.kind) if self.spec.kind in outputs.names() else None
        return _WORDS.get((self.spec.kind, self.spec.activation)) or (kind.title if kind else self.spec.kind)

    @property
    def size(self) -> tuple[int, int] | None:
        """(height, width) of the first input; None where it takes any, and for what is no picture (`takes_picture`)."""
        return self.inputs[0].size

    @property
    def takes_picture(self) -> bool:
        """Whether a picture is all that it takes."""
        return len(self.inputs) == 1 and bool(self.inputs[0].layout)

    @property
    def states(self) -> tuple[InputSpec, ...]:
        """The inputs that take what the step before gave: of a file of one step of a text."""
        return tuple(spec for spec in self.inputs if spec.feedback)

    @property
    def begun(self) -> bool:
        """Whether it goes on from what another file, its encoder, makes of a picture: of a file of one word of a sentence."""
        return bool(self.states) and "start" in self.spec.options

    @property
    def watches(self) -> bool:
        """Whether it goes on from frame to frame, each of which another file, its encoder, looks at: of a step of a film."""
        return bool(self.states) and not self.inputs[0].layout

    @property
    def encoded(self) -> tuple[InputSpec, ...]:
        """The inputs that its encoder's outputs are for, by their names; none of a file without an encoder."""
        if self.watches:
            return tuple(spec for spec in self.inputs if not spec.feedback)
        return self.inputs[1:] if self.begun else ()

    @property
    def reads(self) -> int | None:
        """How many words of a sentence it reads, the end with them; None of what looks at pictures."""
        return self.spec.options.get("reads")

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """The words of the sentences that it reads, by their numbers: of a file that judges them not its classes."""
        return words_of(self.spec)

    @property
    def channels(self) -> int:
        """Of the first input."""
        return self.inputs[0].channels

    @property
    def range(self) -> tuple[Bound, Bound] | None:
        """The values of the first input that stand for 0 and 255 of a picture; None where nothing in the file tells."""
        return self.inputs[0].range

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the first output's classes, of those without a name "class N"."""
        return self.spec.labels

    @property
    def palette(self) -> tuple[tuple[int, int, int], ...]:
        """One (r, g, b) a label."""
        return self.spec.palette

    @property
    def classes(self) -> int:
        """The number of classes that the first output tells apart."""
        return self.spec.classes

    @property
    def results(self) -> dict[str, tuple[Score, ...]]:
        """The scores of the file, by data set, the task's own first. Those that say no data set are under ""."""
        entries = {data: entry for data, entry in self.scores.items() if isinstance(entry, Mapping)}
        entries[""] = {name: value for name, value in self.scores.items() if name not in entries}
        results = {data: _scores(entry) for data, entry in entries.items()}
        return {data: scores for data, scores in results.items() if scores}

    @property
    def headlines(self) -> dict[str, Score]:
        """The first score of each data set, which is the task's own."""
        return {data: scores[0] for data, scores in self.results.items()}


def _scores(entry: Mapping[str, Any]) -> tuple[Score, ...]:
    """Of one data set: a list of what `Score.to_dict` gives, or as before format 2 shares by name."""
    if isinstance(entry.get("scores"), Sequence):
        return tuple(Score.from_dict(score) for score in entry["scores"])
    return tuple(Score(name, value) for name, value in entry.items() if isinstance(value, float))


def read_card(path: str | Path, graph: Graph | None = None) -> Card:
    """The card of the file at `path`.

    Raises InputError for a file that is missing, no TFLite model, cut short, or of a newer format than this reads.
    """
    path = Path(path)
    graph = graph or read_graph(path)
    guess = _from_tensors(path, graph)
    with _archive(path) as archive:
        names = archive.namelist() if archive else []
        if OURS in names:
            return _from_json(guess, graph, _member(path, archive, OURS))
        if graph.metadata is None:
            return guess
        try:
            metadata = tflite_metadata.parse(graph.metadata)
        except (struct.error, IndexError, ValueError, TypeError) as error:
            raise InputError(f"{path}: its TFLite metadata is damaged ({error}); fetch it again") from error
        missing = [name for name in metadata.files if name not in names]
        if missing:
            raise InputError(f"{path} is cut short: its metadata promises {missing[0]!r} at its end; fetch it again")
        labels = _member(path, archive, metadata.label_files[0]) if metadata.label_files else ""
    return _from_metadata(guess, metadata, tuple(line.strip() for line in labels.splitlines() if line.strip()))


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


def _from_json(guess: Card, graph: Graph, text: str) -> Card:
    path = guess.path
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"{path}: densezoo.json inside it is not JSON ({error}); convert the model again") from error
    version = data.get("format") if isinstance(data, dict) else None
    if not isinstance(version, int):
        raise InputError(f"{path}: densezoo.json inside it has no 'format' number; convert the model again")
    if version > FORMAT:
        raise InputError(f"{path} is of format {version}, this densezoo reads up to {FORMAT}: upgrade densezoo")
    try:
        inputs, outs = _format_1(data, guess, graph) if version == 1 else _format_2(data)
        card = replace(
            guess,
            name=str(data["name"]),
            task=str(data["task"]),
            inputs=inputs,
            outputs=outs,
            recipe=str(data.get("recipe", guess.recipe)),
            io=str(data.get("io", guess.io)),
            source=OURS,
            description=str(data.get("description", "")),
            license=str(data.get("license") or data.get("licence") or ""),  # format 1 has the latter
            provenance=dict(data.get("provenance") or {}),
            scores=dict(data.get("scores") or {}),
            overlap=None if data.get("overlap") is None else int(data["overlap"]),
        )
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise InputError(f"{path}: densezoo.json inside it lacks or garbles {error}; convert it again") from error
    card = replace(card, fed=_places(path, inputs, graph.inputs), read=_places(path, outs, graph.outputs))
    for spec, place in zip(card.inputs, card.fed, strict=True):
        tensor = graph.inputs[place]
        size, channels = (tensor.shape[1:3], tensor.shape[3]) if len(tensor.shape) == 4 else (None, (tensor.shape or (1,))[-1])
        if (size, channels) != (spec.size, spec.channels):
            raise InputError(
                f"{path}: densezoo.json gives an input of {spec.size}×{spec.channels},"
                f" its tensor is {size}×{channels}; convert it again"
            )
    return card


def _format_1(
    data: Mapping[str, Any], guess: Card, graph: Graph
) -> tuple[tuple[InputSpec, ...], tuple[OutputSpec, ...]]:
    head, labels, entry = str(data["head"]), tuple(str(label) for label in data["labels"]), data["input"]
    if head not in _HEADS:
        raise ValueError(f"head {head!r}; expected one of {', '.join(_HEADS)}")
    kind, activation = _HEADS[head]
    palette = tuple((int(r), int(g), int(b)) for r, g, b in data.get("palette") or ())
    first, scale = guess.outputs[0], 1 if len(graph.outputs[0].shape) > 2 else None
    spec = OutputSpec(kind, first.name, first.channels, labels, palette, activation, scale=scale)
    size = int(entry["size"][0]), int(entry["size"][1])
    low, high = entry["range"]
    image = InputSpec(guess.inputs[0].name, size, int(entry["channels"]), (float(low), float(high)))
    return (image, *guess.inputs[1:]), (spec, *guess.outputs[1:])


def _format_2(data: Mapping[str, Any]) -> tuple[tuple[InputSpec, ...], tuple[OutputSpec, ...]]:
    inputs = tuple(InputSpec.from_dict(entry) for entry in data["inputs"])
    return inputs, tuple(OutputSpec.from_dict(entry) for entry in data["outputs"])


def _places(path: Path, specs: Sequence[InputSpec | OutputSpec], tensors: Sequence[Tensor]) -> tuple[int, ...]:
    """The place among the graph's tensors of each of a description's, by its name; the only one needs none."""
    if len(specs) != len(tensors):
        raise InputError(f"{path}: densezoo.json describes {len(specs)} tensors of {len(tensors)}; convert it again")
    if len(specs) == 1:
        return (0,)
    places = []
    for spec in specs:
        place = next((at for at, tensor in enumerate(tensors) if spec.name in (tensor.key, tensor.name)), None)
        if place is None:
            names = ", ".join(tensor.label for tensor in tensors)
            raise InputError(f"{path}: densezoo.json describes {spec.name!r}, the file has {names}; convert it again")
        places.append(place)
    return tuple(places)


# ---------------------------------------------------------------------------------------- other people's files


def _from_metadata(guess: Card, metadata: tflite_metadata.Metadata, labels: tuple[str, ...]) -> Card:
    image, spec = guess.inputs[0], guess.spec
    if labels and spec.labels:
        # Some label files name fewer classes than the output has: keep the names and number the rest.
        spec = replace(spec, labels=labels[: spec.classes] + spec.labels[len(labels) :])
    bounds = image.range
    if metadata.mean and metadata.std and all(metadata.std):
        low = tuple((0 - mean) / std for mean, std in zip(metadata.mean, metadata.std, strict=False))
        high = tuple((255 - mean) / std for mean, std in zip(metadata.mean, metadata.std, strict=False))
        stated = (low[0], high[0]) if len(set(low)) == len(set(high)) == 1 else (low, high)
        bounds = image.range if _same_bytes(image.range, stated) else stated
    return replace(
        guess,
        name=metadata.name or guess.name,
        inputs=(replace(image, range=bounds), *guess.inputs[1:]),
        outputs=(spec, *guess.outputs[1:]),
        source="TFLite metadata",
        description=metadata.description,
        license=metadata.license,
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
    inputs = tuple(guess_input(graph, tensor) for tensor in graph.inputs)
    place = picture_of(inputs)
    outs = tuple(guess_output(graph, tensor, inputs[place], _batch(graph.inputs[place])) for tensor in graph.outputs)
    return Card(
        path=path,
        name=path.stem,
        task=outputs.kind(outs[0]).title,
        inputs=inputs,
        outputs=outs,
        recipe="int8" if graph.quantized else _weights(graph),
        io=image.dtype if image.dtype == output.dtype else f"{image.dtype} in, {output.dtype} out",
        source="tensors",
        bytes=path.stat().st_size,
        fed=tuple(range(len(graph.inputs))),
        read=tuple(range(len(outs))),
    )


def _batch(tensor: Tensor) -> int:
    """How many pictures an input takes at once."""
    return tensor.shape[0] if len(tensor.shape) > 3 else 1


def _weights(graph: Graph) -> str:
    kinds = {tensor.dtype for tensor in graph.tensors if tensor.constant}
    return next((recipe for kind, recipe in (("int8", "dynamic"), ("float16", "float16")) if kind in kinds), "float32")
