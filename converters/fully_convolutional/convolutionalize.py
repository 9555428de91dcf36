"""A classifier as a fully convolutional network (Long, Shelhamer & Darrell, 2015, §3.1: "Adapting classifiers").

A fully connected layer over a k×k feature map *is* a k×k convolution; over a vector it is a 1×1 convolution; global
pooling over a k×k map is k×k pooling. So the same weights give the same answer at the classifier's own size, and on a
larger image one answer for each window of that size.

Where the windows lie: output (i, j) has its window's top left corner at (i·s, j·s), s being the product of the strides
before the head (32 for VGG, ResNet, MobileNet). That answer equals the classifier run on that window

* exactly, when every convolution and pooling of the body is padded "valid";
* except near the window's borders when the body pads ("same", ZeroPadding2D): the classifier sees zeros beyond its
  window where this network sees the neighbouring pixels. Also, "same" with a stride pads by the image's own size, which
  shifts the grid by a pixel between sizes that differ modulo the stride;
* never exactly, when the body looks at the whole image (squeeze-and-excite, attention): it still does, at any size.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from converters.fully_convolutional.classifier_tail import Head, State
from converters.graph import Call, Trace, Value, copy_weights, difference, evaluate, shapes_at, substitute, trace
from converters.graph import clone as clone_layer
from converters.single_precision import float32_policy, in_float32
from zoo.errors import InputError

EQUALITY = 1e-3  # of the answer's spread, at the classifier's own size
_PIN_THE_SIZE = (keras.layers.Resizing, keras.layers.CenterCrop, keras.layers.RandomCrop)
_GLOBAL = (keras.layers.GlobalAveragePooling2D, keras.layers.GlobalMaxPooling2D)
_POOLING = (keras.layers.AveragePooling2D, keras.layers.MaxPooling2D)


def convolutionalize(model: keras.Model, input_size: tuple[int, int] | None = None) -> keras.Model:
    """Turns a classifier into a fully convolutional network with the same weights.

    The fully connected layer after a Flatten (or Reshape, Permute) becomes a convolution as large as the last feature
    map, the rest 1×1; global pooling becomes pooling of the native map's size at stride 1. Dropout, activations,
    normalisation, sums and concatenations between them are kept, and a softmax acts at each position. An `ModelOutput` keeps
    its configuration.

    Args:
        model: functional or Sequential, one N×H×W×C input, one N×classes output, channels last.
        input_size: the (height, width) in pixels at which it is a classifier; only needed, and only allowed to differ
            from the model's own, where the model leaves its size open.

    Returns:
        A new functional model with its own copy of the weights: N×H×W×C with open H and W → N×H'×W'×classes. At the
        native size H' = W' = 1 and the answer equals the classifier's; see the module's text for larger images.

    Raises:
        InputError: when there is no Flatten or global pooling, something after it has no convolutional form, something
            before it pins the size, or the model is not one of those named above.
    """
    model = in_float32(model)
    graph = trace(model)
    height, width, channels = _native_input(model, graph, input_size)
    shapes = shapes_at(graph, (1, height, width, channels))
    _check_layout(graph)
    head = _find_head(model, graph, shapes)
    image = keras.Input((None, None, channels), dtype=graph.inputs[0].dtype, name=model.inputs[0].name)
    with float32_policy():
        output = _Rebuild(graph, shapes, head).run(image)
    network = keras.Model(image, output, name=f"{model.name}_convolutional")
    _check(graph, network, (1, height, width, channels))
    return network


def _check(graph: Trace, network: keras.Model, shape: tuple[int, ...]) -> None:
    """Runs both at the classifier's own size, where they have to agree; not everything that can be put together runs."""
    noise = np.random.default_rng(0).uniform(0, 255, shape)
    expected = evaluate(graph, noise)[graph.outputs[0]]
    rebuilt = trace(network)
    try:
        result = evaluate(rebuilt, noise)[rebuilt.outputs[0]]
    except Exception as error:  # Keras's, a backend's own, or of a layer that others wrote
        reason = str(error).strip().partition("\n")[0]
        raise InputError(f"'{network.name}' cannot be run: {reason}; a layer does not survive its own get_config()") from error
    error = difference(expected, keras.ops.reshape(result, expected.shape))
    if not error <= EQUALITY:
        raise InputError(
            f"'{network.name}' answers otherwise than the classifier at its own size, by {error:.2g} of the spread: a layer "
            "keeps something that its get_config() and weights do not hold"
        )


# ------------------------------------------------------------------------------------------------ what was given


def _native_input(model: keras.Model, graph: Trace, input_size: tuple[int, int] | None) -> tuple[int, int, int]:
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        raise InputError(
            f"model '{model.name}' has {len(graph.inputs)} inputs and {len(graph.outputs)} outputs; "
            "a classifier has one of each"
        )
    shape = graph.inputs[0].shape
    if len(shape) != 4 or shape[3] is None:
        raise InputError(f"model '{model.name}' takes {shape}; expected N×H×W×C with C known")
    sides = []
    for axis, own in ((0, shape[1]), (1, shape[2])):
        side = None if input_size is None else int(input_size[axis])
        if own is None and side is None:
            raise InputError(
                f"model '{model.name}' leaves its size open, so how large its last feature map is cannot be known: "
                "pass input_size=(height, width), the size it was trained at"
            )
        if own is not None and side is not None and own != side:
            raise InputError(
                f"model '{model.name}' is built for {shape[1]}×{shape[2]}, input_size is {tuple(input_size)}: leave it out"
            )
        sides.append(side if own is None else own)
    return sides[0], sides[1], shape[3]


def _check_layout(graph: Trace) -> None:
    for call in graph.calls:
        # Flatten's own data_format only reorders its output, which the head follows index by index.
        flatten = isinstance(call.operation, keras.layers.Flatten)
        if getattr(call.operation, "data_format", None) == "channels_first" and not flatten:
            raise InputError(
                f"layer {call.named()} is channels_first; only channels_last is supported: "
                "rebuild the model with keras.config.set_image_data_format('channels_last')"
            )


# ------------------------------------------------------------------------------------------------ where the head starts


def _find_head(model: keras.Model, graph: Trace, shapes: dict[Value, tuple]) -> list[Call]:
    """The calls from the last place where the map collapses to a vector up to the output.

    Walking back from the output leaves squeeze-and-excite alone: its pooling is never met, because the head's own
    pooling or Flatten stops the walk first.
    """
    # A Flatten of a map that is 1×1 already only counts when nothing stronger is met (MobileNetV3 pools before it).
    for also_single in (False, True):
        head = _walk_back(graph, shapes, also_single)
        if head is not None:
            return [call for call in graph.calls if id(call) in head]
    already = "; it is fully convolutional already" if len(shapes[graph.outputs[0]]) == 4 else ""
    raise InputError(
        f"model '{model.name}': no Flatten, Reshape, GlobalAveragePooling2D or GlobalMaxPooling2D found "
        f"that the whole way from image to output leads through{already}"
    )


def _walk_back(graph: Trace, shapes: dict[Value, tuple], also_single: bool) -> set[int] | None:
    producers = graph.producers()
    head: set[int] = set()
    waiting = list(graph.outputs)
    while waiting:
        value = waiting.pop()
        call = producers.get(value)
        if call is None:
            return None  # the image was reached, so not every way to the output collapses
        if id(call) in head:
            continue
        head.add(id(call))
        if not _collapses(call, shapes, also_single):
            waiting.extend(call.inputs)
    return head


def _collapses(call: Call, shapes: dict[Value, tuple], also_single: bool) -> bool:
    if len(call.inputs) != 1 or len(shapes[call.inputs[0]]) != 4:
        return False
    before, after = shapes[call.inputs[0]], shapes[call.outputs[0]]
    if isinstance(call.operation, _GLOBAL):
        return True
    if _extent(after) > 1 or (_extent(before) == 1 and not also_single):
        return False
    if isinstance(call.operation, _POOLING):
        return _extent(before) > 1 and tuple(call.operation.pool_size) == before[1:3]
    return type(call.operation).__name__ in Head.MOVES


def _extent(shape: tuple) -> int:
    """The number of positions of a tensor: H·W of a map, 1 of anything else."""
    return shape[1] * shape[2] if len(shape) == 4 else 1


# ------------------------------------------------------------------------------------------------ the new graph


class _Rebuild:
    """Runs a trace again on an input of open size, the head in its convolutional form."""

    def __init__(self, graph: Trace, shapes: dict[Value, tuple], head: list[Call]) -> None:
        self.graph, self.shapes = graph, shapes
        self.head_calls = {id(call) for call in head}
        self.clones: dict[int, keras.Operation] = {}
        self.names: set[str] = set()
        self.head = Head(self.clone)
        self.tensors: dict[Value, keras.KerasTensor] = {}
        self.states: dict[Value, State] = {}

    def run(self, image: keras.KerasTensor) -> keras.KerasTensor:
        self.tensors[self.graph.inputs[0]] = image
        for call in self._needed():
            if id(call) in self.head_calls:
                arguments = substitute((call.args, call.kwargs), self._state)
                self.states[call.outputs[0]] = self.head.apply(call, *arguments, self.shapes[call.outputs[0]])
            else:
                self._refuse_pinned(call)
                self._body(call)
        return self.head.finish(self.states[self.graph.outputs[0]])

    def _needed(self) -> list[Call]:
        values, calls = set(self.graph.outputs), []
        for call in reversed(self.graph.calls):
            if values.intersection(call.outputs):
                calls.append(call)
                # Permute and Reshape in front of the head are followed by index, not run.
                values.update([self._source(v)[0] for v in call.inputs] if id(call) in self.head_calls else call.inputs)
        return calls[::-1]

    def _source(self, value: Value) -> tuple[Value, list[Call]]:
        """The map behind a chain of pure moves (Permute, Reshape) that leads to the head, and that chain in order."""
        producers, moves = self.graph.producers(), []
        while (call := producers.get(value)) is not None and id(call) not in self.head_calls:
            if type(call.operation).__name__ not in Head.MOVES or len(call.inputs) != 1:
                break
            moves.insert(0, call)
            value = call.inputs[0]
        return value, moves

    def _state(self, value: Value) -> State:
        if value not in self.states:
            source, moves = self._source(value)
            state = self.head.enter(self.tensors[source], self.shapes[source])
            for call in moves:
                state = self.head.apply(call, (state,), {}, self.shapes[call.outputs[0]])
            self.states[value] = state
        return self.states[value]

    def _body(self, call: Call) -> None:
        args, kwargs = substitute((call.args, call.kwargs), self.tensors.__getitem__)
        operation = self.clone(call.operation)
        try:
            outputs = operation(*args, **kwargs)
        except (ValueError, TypeError) as error:
            reason = str(error).strip().partition("\n")[0]
            raise InputError(f"layer {call.named()} before the head does not work at an open size: {reason}") from error
        copy_weights(call.operation, operation)
        self.tensors.update(zip(call.outputs, keras.tree.flatten(outputs), strict=True))

    def _refuse_pinned(self, call: Call) -> None:
        moved = type(call.operation).__name__ in Head.MOVES and _extent(self.shapes[call.inputs[0]]) > 1
        if moved or isinstance(call.operation, _PIN_THE_SIZE):
            raise InputError(
                f"layer {call.named()} pins the size of what comes before the head, so the network cannot slide over a "
                "larger image; leave it out of the model"
            )

    def clone(self, operation: keras.Operation, kind: type | None = None, **changes: Any) -> keras.Operation:
        """A layer with the same configuration (and `changes`), its name unique; a bare operation as it is."""
        if not isinstance(operation, keras.Layer):
            return operation
        if kind is None and not changes and id(operation) in self.clones:
            return self.clones[id(operation)]
        config = {"name": self._unique(operation.name), **changes}
        clone = clone_layer(operation, **config) if kind is None else kind.from_config(config)
        if kind is None and not changes:
            self.clones[id(operation)] = clone
        return clone

    def _unique(self, name: str) -> str:
        """Layers of opened-up nested models may share a name."""
        unique, number = name, 1
        while unique in self.names:
            unique, number = f"{name}_{number}", number + 1
        self.names.add(unique)
        return unique
