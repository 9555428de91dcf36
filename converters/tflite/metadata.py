"""Writes the standard TFLite metadata that Android's task library, MediaPipe and other tools read.

Schemas: `metadata_schema.fbs` of tensorflow/tflite-support (file identifier M001), and of MediaPipe (both V001)
`image_segmenter_metadata_schema.fbs`, which tells its ImageSegmenter what to make of the scores, and
`object_detector_metadata_schema.fbs`, which tells its ObjectDetector how boxes are told. No maintained writer installs beside
TensorFlow 2.21, so the few tables needed are built here; the numbers are the fields' positions in those schemas.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import flatbuffers

from zoo.outputs import InputSpec

LABELS_FILE = "labels.txt"
_AXIS_LABELS, _VALUE_LABELS = 2, 3  # AssociatedFileType: one label per channel, or one per value
_FEATURE, _IMAGE, _BOXES = 1, 2, 3  # ContentProperties
_BOUNDARIES = 1  # BoundingBoxType, the only one that MediaPipe takes, whatever the numbers are
_COLOURS = {3: 1, 1: 2}  # channels → ColorSpaceType RGB, GRAYSCALE
_NORMALIZATION = 1  # ProcessUnitOptions
_SEGMENTER, _DETECTOR, _PARSER = "SEGMENTER_METADATA", "DETECTOR_METADATA", "1.0.0"  # of MediaPipe
_ACTIVATIONS = {"none": 0, "sigmoid": 1, "softmax": 2}  # Activation of MediaPipe: what is yet to be done to the scores


@dataclass(frozen=True)
class Description:
    """The description that goes into the metadata.

    Args:
        name: the model's name.
        description: one line for people.
        version: of the package that wrote the file.
        inputs: what each input takes, in the file's order.
        license: whose terms hold.
        outputs: one description per output tensor, by its name.
        labelled: the output that a labels file belongs to; empty for none.
        indices: whether it holds class indices, not one channel per class.
        files: all files in the appended zip.
        missing: of scores of classes for each pixel, the activation that makes them probabilities: "none", "sigmoid" or
            "softmax"; empty for any other output.
        boxes, classes: the output that holds boxes (y, x, height, width) as shares of the picture's sides, and how many; None
            for none. And of how many classes.
    """

    name: str
    description: str
    version: str
    inputs: Sequence[InputSpec]
    outputs: Mapping[str, str]
    labelled: str
    indices: bool
    files: Sequence[str]
    license: str = ""
    missing: str = ""
    boxes: tuple[str, int] | None = None
    classes: int = 0


def build(about: Description) -> bytes:
    """The ModelMetadata flatbuffer: input normalised with mean 0 and deviation 1 from 0–255, outputs with their labels."""
    write = _Writer()
    outputs = [_output(write, about, name) for name in about.outputs]
    inputs = [_picture(write, spec) if spec.layout else _numbers(write, spec) for spec in about.inputs]
    subgraph_fields = {2: write.tables(inputs), 3: write.tables(outputs)}
    if about.missing or about.boxes:
        subgraph_fields[9] = write.tables([(_detector if about.boxes else _segmenter)(write, about)])
    subgraph = write.table(subgraph_fields)
    files = [write.table({0: write.text(name)}) for name in about.files]
    fields = {
        0: write.text(about.name),
        1: write.text(about.description),
        2: write.text(about.version),
        3: write.tables([subgraph]),
        6: write.tables(files),
        7: write.text("1.0.0"),
    }
    if about.license:
        fields[5] = write.text(about.license)
    write.builder.Finish(write.table(fields), b"M001")
    return bytes(write.builder.Output())


def _picture(write: _Writer, spec: InputSpec) -> int:
    size = {}
    if spec.size is not None:
        height, width = spec.size
        size = {1: write.table({}, {0: ("uint32", width), 1: ("uint32", height)})}
    colours = {0: ("int8", _COLOURS[spec.channels])} if spec.channels in _COLOURS else {}
    properties = write.table(size, colours)
    content = write.table({1: properties}, {0: ("uint8", _IMAGE)})
    normalization = write.table({0: write.floats([0.0]), 1: write.floats([1.0])})
    unit = write.table({1: normalization}, {0: ("uint8", _NORMALIZATION)})
    stats = write.table({0: write.floats([255.0]), 1: write.floats([0.0])})
    picture = {1: "grey", 3: "RGB"}.get(spec.channels // spec.frames, f"{spec.channels}-channel")
    text = (
        f"{picture} picture, 0-255"
        if spec.frames == 1
        else f"{spec.frames} {picture} pictures along the channels, 0-255"
    )
    return write.table({0: write.text(spec.name), 1: write.text(text), 3: content, 4: write.tables([unit]), 5: stats})


def _numbers(write: _Writer, spec: InputSpec) -> int:
    content = write.table({1: write.table({})}, {0: ("uint8", _FEATURE)})
    text = f"state: zeros at the first step, then what {spec.feedback} gave" if spec.feedback else "numbers"
    return write.table({0: write.text(spec.name), 1: write.text(text), 3: content})


def _output(write: _Writer, about: Description, name: str) -> int:
    if about.boxes and name == about.boxes[0]:
        properties = write.table({0: write.integers((1, 0, 3, 2))}, {1: ("int8", _BOUNDARIES)})
        content = write.table({1: properties}, {0: ("uint8", _BOXES)})
    else:
        content = write.table({1: write.table({})}, {0: ("uint8", _FEATURE)})
    fields = {0: write.text(name), 1: write.text(about.outputs[name]), 3: content}
    if name == about.labelled:
        kind = _VALUE_LABELS if about.indices else _AXIS_LABELS
        fields[6] = write.tables([write.table({0: write.text(LABELS_FILE)}, {2: ("int8", kind)})])
    return write.table(fields)


def _segmenter(write: _Writer, about: Description) -> int:
    """What MediaPipe's ImageSegmenter reads, a flatbuffer in the flatbuffer."""
    options = _Writer()
    fields = {1: options.text(_PARSER)}
    options.builder.Finish(options.table(fields, {0: ("int8", _ACTIVATIONS[about.missing])}), b"V001")
    return write.table({0: write.text(_SEGMENTER), 1: write.blob(bytes(options.builder.Output()))})


def _detector(write: _Writer, about: Description) -> int:
    """What MediaPipe's ObjectDetector reads, a flatbuffer in the flatbuffer.

    Boxes are told from the picture itself, by a scale of 1 and no exponential, since the file has decoded them; shares are no
    log-odds.
    """
    _, count = about.boxes or ("", 0)
    options = _Writer()
    whole = options.table({}, dict.fromkeys((2, 3), ("float32", 1.0)))  # its width and height, from (0, 0)
    anchors = options.table({0: options.table({0: options.tables([whole] * count)})})
    no_keypoints = (0, 0, 2)  # where they begin, how many there are, and numbers of each, which it wants to be two anyway
    numbers = {place: ("int32", number) for place, number in enumerate((about.classes, count, 4, *no_keypoints))}
    decoding = options.table({}, numbers | dict.fromkeys(range(6, 10), ("float32", 1.0)))
    options.builder.Finish(options.table({0: options.text(_PARSER), 1: anchors, 2: decoding}), b"V001")
    return write.table({0: write.text(_DETECTOR), 1: write.blob(bytes(options.builder.Output()))})


class _Writer:
    """A flatbuffers builder whose tables are written from {position: offset} and {position: (type, number)}."""

    def __init__(self) -> None:
        self.builder = flatbuffers.Builder(1024)

    def text(self, value: str) -> int:
        return self.builder.CreateString(value)

    def floats(self, values: Sequence[float]) -> int:
        self.builder.StartVector(4, len(values), 4)
        for value in reversed(values):
            self.builder.PrependFloat32(value)
        return self.builder.EndVector()

    def integers(self, values: Sequence[int]) -> int:
        self.builder.StartVector(4, len(values), 4)
        for value in reversed(values):
            self.builder.PrependUint32(value)
        return self.builder.EndVector()

    def blob(self, data: bytes) -> int:
        """Bytes on a boundary of 16, as a flatbuffer inside another needs it."""
        self.builder.StartVector(1, len(data), 16)
        self.builder.head -= len(data)
        self.builder.Bytes[self.builder.head : self.builder.head + len(data)] = data
        return self.builder.EndVector()

    def tables(self, offsets: Sequence[int]) -> int:
        self.builder.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            self.builder.PrependUOffsetTRelative(offset)
        return self.builder.EndVector()

    def table(self, offsets: dict[int, int], numbers: dict[int, tuple[str, float]] | None = None) -> int:
        numbers = numbers or {}
        self.builder.StartObject(max([*offsets, *numbers], default=-1) + 1)
        for slot, offset in offsets.items():
            self.builder.PrependUOffsetTRelativeSlot(slot, offset, 0)
        slots = {
            "int8": self.builder.PrependInt8Slot,
            "uint8": self.builder.PrependUint8Slot,
            "uint32": self.builder.PrependUint32Slot,
            "int32": self.builder.PrependInt32Slot,
            "float32": self.builder.PrependFloat32Slot,
        }
        for slot, (kind, number) in numbers.items():
            slots[kind](slot, number, 0)
        return self.builder.EndObject()
