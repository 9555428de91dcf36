"""Writes the file: flatbuffer, standard metadata and, as an appended zip, labels and densezoo.json.

The same model, options and versions give the same bytes: nothing of the clock, the machine, the process or the order of a
hash goes in.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from converters.tflite import metadata
from converters.tflite.layer_names import layer_of
from converters.tflite.writer.flatbuffer import Writer
from converters.tflite.writer.graph import Graph
from zoo.errors import InputError
from zoo.outputs import InputSpec, OutputSpec

FORMAT = 2
DESCRIPTION = "densezoo.json"
_METADATA = "TFLITE_METADATA"
_ALIGNMENT = 16  # of weights (schema.fbs: force_align), so that a runtime can use them where they lie in the file
_TYPES = {number: name.lower() for name, number in vars(schema.TensorType).items() if isinstance(number, int)}


def write(path: Path, flatbuffer: bytes, description: Mapping[str, Any], layers: set[str], version: str) -> None:
    """Writes the file, its inputs and outputs in the description's order and under its names.

    Args:
        path: where to.
        flatbuffer: what the converter made.
        description: the content of densezoo.json.
        layers: the model's layer names; tensors are named after the layer they come from.
        version: of this package.

    Raises:
        InputError: when the place cannot be written.
    """
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(flatbuffer, 0))
    _order(model, description)
    _rename(model, layers, description)
    graph = model.subgraphs[0]
    ends = [graph.tensors[index] for index in graph.outputs]
    about = _about([(_TYPES[tensor.type], tensor.shape) for tensor in ends], description, version)
    model.description = about.description
    _attach(model, _METADATA, metadata.build(about))
    _write_at_once(path, [pack(model, flatbuffer)], _members(description))


def write_graph(path: Path, graph: Graph, description: Mapping[str, Any], version: str) -> None:
    """Writes the file of a graph of ours, its weights streamed.

    Args:
        path: where to.
        graph: complete, with the description's names of inputs and outputs.
        description: the content of densezoo.json.
        version: of this package.

    Raises:
        InputError: when the place cannot be written, or the file would be too large.
    """
    about = _about([(tensor.dtype, tensor.shape) for tensor in graph.outputs], description, version)
    writer = Writer(graph, about.description, {_METADATA: metadata.build(about)})
    _write_at_once(path, writer.blocks(), _members(description))


def _members(description: Mapping[str, Any]) -> dict[str, str]:
    """The files of the zip by their names."""
    labels = next((spec["labels"] for spec in description["outputs"] if spec["labels"]), ())
    lines = [label.replace("\n", "\\n") for label in labels]  # a token may be the end of a line
    members = {metadata.LABELS_FILE: "".join(f"{line}\n" for line in lines)} if labels else {}
    return {**members, DESCRIPTION: _text(description)}


def amend(path: str | Path, changes: Mapping[str, Any]) -> None:
    """Changes entries of a file's densezoo.json, as `scores`, which are known only after the file is there. The network's
    bytes stay as they are.

    Raises:
        InputError: for a file that was written by others, or a place that cannot be written.
    """
    path, description = Path(path), read(path)
    if description is None:
        raise InputError(f"{path} has no {DESCRIPTION} to write into; convert the model with zoo convert")
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        members = {entry.filename: archive.read(entry).decode("utf-8") for entry in entries}
    network = path.read_bytes()[: min(entry.header_offset for entry in entries)]
    _write_at_once(path, [network], {**members, DESCRIPTION: _text({**description, **changes})})


def _text(description: Mapping[str, Any]) -> str:
    return json.dumps(description, indent=1, ensure_ascii=False) + "\n"


def _write_at_once(path: Path, network: Iterable[bytes | memoryview], members: Mapping[str, str]) -> None:
    """The flatbuffer's pieces and behind them a zip of the members: a reader sees the old file or the new one, never half."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}; choose another place") from error
    try:
        with os.fdopen(handle, "wb") as file:
            file.writelines(network)
        _append(temporary, members)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def read(path: str | Path) -> dict[str, Any] | None:
    """densezoo.json of a file, None for a file that was written by others."""
    try:
        with zipfile.ZipFile(path) as archive:
            return json.loads(archive.read(DESCRIPTION))
    except (zipfile.BadZipFile, KeyError):
        return None


def weights_sha256(arrays: Iterable[np.ndarray]) -> str:
    """Over the weights' values, shapes and types in the model's order; their names do not count."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(repr((array.shape, array.dtype.name)).encode())
        digest.update(np.ascontiguousarray(array).view(np.uint8).data if array.size else b"")
    return digest.hexdigest()


def _about(
    ends: Sequence[tuple[str, Sequence[int]]], description: Mapping[str, Any], version: str
) -> metadata.Description:
    """What the standard metadata say, from each output's type and shape and from densezoo.json."""
    inputs, outputs = [InputSpec.from_dict(spec) for spec in description["inputs"]], {}
    specs = [OutputSpec.from_dict(spec) for spec in description["outputs"]]
    for spec, (dtype, shape) in zip(description["outputs"], ends, strict=True):
        words = f"{spec['kind'].replace('_', ' ')}, {spec['activation']}, {spec['unit']}".removesuffix(", ")
        outputs[spec["name"]] = f"{words}, {dtype} {'×'.join('any' if side < 0 else str(side) for side in shape)}"
    return metadata.Description(
        name=description["name"],
        description=description["description"],
        version=version,
        license=description["license"],
        inputs=inputs,
        outputs=outputs,
        labelled=next((spec.name for spec in specs if spec.labels), ""),
        indices=specs[0].activation == "argmax",
        files=list(_members(description)),
        missing="" if len(inputs) > 1 else _missing_activation(specs[0]),
        boxes=next(((spec.name, int(shape[1])) for spec, (_, shape) in zip(specs, ends, strict=True) if _is_boxes(spec)), None),
        classes=max(len(spec.labels) for spec in specs),
    )


def _is_boxes(spec: OutputSpec) -> bool:
    """Whether an output is decoded boxes, as `converters.detector_end` gives them."""
    return spec.kind == "numbers" and "boxes" in spec.options


def _missing_activation(spec: OutputSpec) -> str:
    """What makes probabilities of scores of classes for each pixel; empty for anything else."""
    if not spec.labels or not spec.dense or spec.activation == "argmax":
        return ""
    if spec.activation != "linear":
        return "none"
    return "sigmoid" if spec.channels == 1 else "softmax"


# ------------------------------------------------------------------------------------------------ the flatbuffer


def _order(model: schema.ModelT, description: Mapping[str, Any]) -> None:
    """Puts the graph's inputs and outputs into the model's order, and the signature's with them; TensorFlow's is another."""
    graph, signature = model.subgraphs[0], next(iter(model.signatureDefs or ()), None)
    for specs, side in ((description["inputs"], "inputs"), (description["outputs"], "outputs")):
        if len(specs) > 1:
            entries = {entry.name.decode(): entry for entry in getattr(signature, side)}
            ordered = [entries[spec["name"]] for spec in specs]
            setattr(signature, side, ordered)
            setattr(graph, side, [entry.tensorIndex for entry in ordered])


def _rename(model: schema.ModelT, layers: set[str], description: Mapping[str, Any]) -> None:
    """Names tensors after layers. TensorFlow's names count how many graphs the process had before."""
    inputs, outputs = ([spec["name"] for spec in description[side]] for side in ("inputs", "outputs"))
    for place, graph in enumerate(model.subgraphs):
        counts: dict[str, int] = {}
        ends = {} if place else dict(zip([*graph.inputs, *graph.outputs], [*inputs, *outputs], strict=True))
        for index, tensor in enumerate(graph.tensors):
            original = (tensor.name or b"").decode("utf-8", "replace")
            name = ends.get(index) or stable_name(original, layers)
            counts[name] = count = counts.get(name, -1) + 1
            tensor.name = f"{name}_{count}" if count else name
    for signature in model.signatureDefs or []:
        for entries, names in ((signature.inputs, inputs), (signature.outputs, outputs)):
            for entry, name in zip(entries, names, strict=True):
                entry.name = name


def stable_name(name: str, layers: set[str]) -> str:
    """The layer that a tensor comes from and its last operation, whatever else the process has converted before."""
    fused = [re.sub(r":\d+$", "", part) for part in name.split(";")]
    for part in fused:
        layer = layer_of(part, layers)
        if layer is not None:
            last = re.sub(r"(_\d+)+$", "", part.rsplit("/", 1)[-1])
            return layer if last == layer else f"{layer}/{last}"
    if fused[0].startswith(("arith.", "tfl.", "tf.")):
        return re.sub(r"[_\d]+$", "", fused[0].split(".", 1)[1])  # what the converter put in: a constant, a quantize
    return "tensor"


def _attach(model: schema.ModelT, name: str, data: bytes) -> None:
    buffer = _Aligned()
    buffer.data = np.frombuffer(data, np.uint8)
    model.buffers.append(buffer)
    entry = schema.MetadataT()
    entry.name, entry.buffer = name, len(model.buffers) - 1
    model.metadata = [*(model.metadata or []), entry]


class _Aligned(schema.BufferT):
    """A buffer whose data lies on a 16-byte boundary; the generated class leaves it where it falls."""

    def Pack(self, builder: flatbuffers.Builder) -> int:
        data = None
        if self.data is not None and len(self.data):
            raw = np.ascontiguousarray(self.data, np.uint8)
            builder.StartVector(1, raw.size, _ALIGNMENT)
            builder.head = builder.head - raw.size
            memoryview(builder.Bytes)[builder.head : builder.head + raw.size] = raw.data
            data = builder.EndVector()
        schema.BufferStart(builder)
        if data is not None:
            schema.BufferAddData(builder, data)
        return schema.BufferEnd(builder)


def pack(model: schema.ModelT, source: bytes) -> memoryview:
    """The flatbuffer's bytes, every buffer's data inside its table and aligned; equal constants are stored once."""
    model.metadata = [entry for entry in model.metadata if entry.name not in (b"buffer_location", "buffer_location")]
    _share_equal(model, source)
    size = sum(0 if buffer.data is None else len(buffer.data) + 64 for buffer in model.buffers)
    builder = flatbuffers.Builder(size + (1 << 20))  # large enough at once: growing copies all there is
    builder.Finish(model.Pack(builder), b"TFL3")
    return memoryview(builder.Bytes)[builder.head :]


def _share_equal(model: schema.ModelT, source: bytes) -> None:
    """Replaces the buffers by aligned ones that hold their data, one for each different content."""
    whole = np.frombuffer(source, np.uint8)
    contents = [
        whole[buffer.offset : buffer.offset + buffer.size] if buffer.offset > 1 else buffer.data
        for buffer in model.buffers
    ]
    lengths = Counter(0 if data is None else len(data) for data in contents)
    buffers: list[_Aligned] = [_Aligned()]  # buffer 0 is the empty one, by the schema
    places: dict[Any, int] = {}
    moved = {0: 0}
    for index, data in enumerate(contents[1:], start=1):
        if data is None or not len(data):
            moved[index] = len(buffers)  # a variable or an activation: never shared
            buffers.append(_Aligned())
            continue
        # What no other is as long as is equal to none, and need not be read through.
        key = hashlib.sha256(np.ascontiguousarray(data).data).digest() if lengths[len(data)] > 1 else index
        if key not in places:
            places[key] = len(buffers)
            buffers.append(_Aligned())
            buffers[-1].data = data
        moved[index] = places[key]
    model.buffers = buffers
    for graph in model.subgraphs:
        for tensor in graph.tensors:
            tensor.buffer = moved[tensor.buffer]
    for entry in model.metadata or []:
        entry.buffer = moved[entry.buffer]


# ------------------------------------------------------------------------------------------------ the zip


def _append(path: str, members: Mapping[str, str]) -> None:
    with zipfile.ZipFile(path, "a") as archive:
        for name, text in members.items():
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.create_system = 3  # the same on every system
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, text)
