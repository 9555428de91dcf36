"""Small random graphs through the writer: does each file say what Keras says?

    python benchmarks/writer_sweep.py --count 2000 --seed 0

Every graph has its own seed, which is told where one differs, so that it can be made again: `--seed 1234 --count 1`. Layers
and operations, sizes, strides, dilations, paddings, ranks and activations are drawn; so are branches, several outputs, and
tensors that several layers read. Each file is run by LiteRT with XNNPACK and without. A difference above 1e-5 of the largest
number that the graph computes is reported, and so is a layer that the writer does not know; the exit status says whether there
was any.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Annotated, Any

import keras
import numpy as np
import typer
from ai_edge_litert.interpreter import Interpreter, OpResolverType

L, ops = keras.layers, keras.ops
TOLERANCE = 1e-5
_KERNELS = {"xnnpack": OpResolverType.AUTO, "plain": OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES}
_ACTIVATIONS = (
    None, None, "relu", "relu6", "tanh", "sigmoid", "silu", "gelu", "elu", "selu", "softplus", "hard_sigmoid", "hard_silu",
    "softsign", "mish", "leaky_relu", "softmax", "hard_tanh", "celu", "log_sigmoid",
)  # fmt: skip


class Draw:
    """Random choices of one seed, and the layers that they make."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)

    def whole(self, low: int, high: int) -> int:
        """A whole number, both ends included."""
        return int(self._random.integers(low, high + 1))

    def of(self, choices: Any) -> Any:
        """One of several."""
        return choices[self.whole(0, len(choices) - 1)]

    def chance(self, share: float) -> bool:
        """Whether something with this probability happens."""
        return bool(self._random.random() < share)

    def array(self, shape: tuple[int, ...]) -> np.ndarray:
        """Normal numbers."""
        return self._random.normal(size=shape).astype("float32")


def _window(draw: Draw, x: Any) -> dict[str, Any]:
    """A window that fits into a map, as options of a convolution."""
    padding = draw.of(["same", "valid"])
    size = [draw.whole(1, min(4, side if padding == "valid" else 4)) for side in x.shape[1:3]]
    stride = draw.whole(1, 3) if draw.chance(0.4) else 1
    rate = 1
    if stride == 1 and draw.chance(0.3):
        rate = draw.whole(1, 3)
        if padding == "valid" and any((k - 1) * rate >= side for k, side in zip(size, x.shape[1:3], strict=True)):
            rate = 1
    return {"kernel_size": tuple(size), "strides": stride, "padding": padding, "dilation_rate": rate}


def _convolution(draw: Draw, x: Any) -> Any:
    divisors = [n for n in range(1, x.shape[-1] + 1) if x.shape[-1] % n == 0]
    groups = draw.of(divisors) if draw.chance(0.25) else 1
    filters = groups * draw.whole(1, 6)
    return L.Conv2D(filters, groups=groups, activation=draw.of(_ACTIVATIONS), use_bias=draw.chance(0.7), **_window(draw, x))(x)


def _depthwise(draw: Draw, x: Any) -> Any:
    return L.DepthwiseConv2D(
        depth_multiplier=draw.whole(1, 3), activation=draw.of(_ACTIVATIONS), use_bias=draw.chance(0.7), **_window(draw, x)
    )(x)


def _separable(draw: Draw, x: Any) -> Any:
    return L.SeparableConv2D(draw.whole(1, 6), activation=draw.of(_ACTIVATIONS), **_window(draw, x))(x)


def _transposed(draw: Draw, x: Any) -> Any:
    size, stride = (draw.whole(1, 6), draw.whole(1, 6)), draw.whole(1, 4)
    options = {"padding": draw.of(["same", "valid"]), "activation": draw.of(_ACTIVATIONS), "use_bias": draw.chance(0.7)}
    return L.Conv2DTranspose(draw.whole(1, 5), size if draw.chance(0.4) else draw.of([2, 3, 4]), strides=stride, **options)(x)


def _pooling(draw: Draw, x: Any) -> Any:
    kind, padding = draw.of([L.MaxPooling2D, L.AveragePooling2D]), draw.of(["same", "valid"])
    size = [draw.whole(1, min(3, side)) for side in x.shape[1:3]]
    return kind(tuple(size), strides=draw.whole(1, 3), padding=padding)(x)


def _normalization(draw: Draw, x: Any) -> Any:
    options = {"moving_mean_initializer": "normal", "gamma_initializer": "ones", "beta_initializer": "normal"}
    kinds: list[Callable[[], Any]] = [
        lambda: L.BatchNormalization(**options),
        lambda: L.BatchNormalization(scale=False, **options),
        lambda: L.LayerNormalization(),
        lambda: L.GroupNormalization(draw.of([n for n in range(1, x.shape[-1] + 1) if x.shape[-1] % n == 0])),
        lambda: L.Rescaling(0.7, 0.1),
        lambda: L.UnitNormalization(),
        lambda: L.Normalization(mean=draw.array((x.shape[-1],)), variance=np.abs(draw.array((x.shape[-1],))) + 0.5),
    ]
    return draw.of(kinds)()(x)


def _activation(draw: Draw, x: Any) -> Any:
    layers: list[Callable[[], Any]] = [
        lambda: L.ReLU(),
        lambda: L.ReLU(6.0),
        lambda: L.LeakyReLU(0.2),
        lambda: L.PReLU("normal", shared_axes=[1, 2]),
        lambda: L.ELU(0.7),
        lambda: L.ReLU(max_value=2.0, threshold=0.3, negative_slope=0.1),
        lambda: L.Activation(draw.of(_ACTIVATIONS[2:])),
        lambda: L.Dropout(0.3),
        lambda: L.Softmax(axis=draw.of([1, 2, -1])),
    ]
    return draw.of(layers)()(x)


def _shape(draw: Draw, x: Any) -> Any:
    height, width, channels = x.shape[1:]
    pads = tuple((draw.whole(0, 2), draw.whole(0, 2)) for _ in range(2))
    cuts = tuple((draw.whole(0, (side - 1) // 2), draw.whole(0, (side - 1) // 2)) for side in (height, width))
    layers: list[Callable[[], Any]] = [
        lambda: L.ZeroPadding2D(pads),
        lambda: L.Cropping2D(cuts),
        lambda: L.UpSampling2D((draw.whole(1, 3), draw.whole(1, 3)), interpolation=draw.of(["nearest", "bilinear"])),
        lambda: L.Resizing(draw.whole(1, 14), draw.whole(1, 14), interpolation=draw.of(["nearest", "bilinear"])),
        lambda: L.Permute(draw.of([(2, 1, 3), (3, 1, 2), (1, 3, 2)])),
        lambda: L.Reshape((width, height, channels)),
        lambda: L.AdaptiveAveragePooling2D((draw.whole(1, height), draw.whole(1, width))),
    ]
    return draw.of(layers)()(x)


def _operation(draw: Draw, x: Any) -> Any:
    side = draw.whole(0, x.shape[1] - 1)
    operations: list[Callable[[], Any]] = [
        lambda: x * draw.of([0.5, -1.0, 1, 2]) + draw.of([0, 1, -0.3]),
        lambda: ops.maximum(x, 0.1) - ops.minimum(x, 0.4),
        lambda: ops.exp(-ops.abs(x)),
        lambda: ops.sqrt(ops.square(x) + 1),
        lambda: x / (ops.abs(x) + 1),
        lambda: ops.clip(x, -0.5, 1.0),
        lambda: ops.where(x > 0.2, x, -x),
        lambda: ops.flip(x, axis=draw.whole(1, 3)),
        lambda: ops.roll(x, draw.whole(-2, 2), axis=draw.whole(1, 3)),
        lambda: x[:, side:, :: draw.whole(1, 2)],
        lambda: x[:, :, ::-1],
        lambda: ops.pad(x, ((0, 0), (0, min(1, x.shape[1] - 1)), (min(1, x.shape[2] - 1), 0), (0, 0)), mode="reflect"),
        lambda: ops.mean(x, axis=draw.of([1, 2, 3, (1, 2)]), keepdims=True) * x,
        lambda: ops.max(x, axis=draw.whole(1, 3), keepdims=True) - x,
        lambda: ops.repeat(x, 2, axis=draw.whole(1, 3)),
        lambda: ops.tile(x, (1, draw.whole(1, 2), draw.whole(1, 2), 1)),
        lambda: ops.take(x, [0, -1], axis=draw.whole(1, 3)),
        lambda: x + draw.array((x.shape[-1],)),
        lambda: x * draw.array((x.shape[2], 1)),
        lambda: x + draw.array((x.shape[1], 1, x.shape[-1])),
        lambda: ops.matmul(x, draw.array((x.shape[-1], 3))),
        lambda: ops.matmul(x, ops.swapaxes(x, -1, -2)),
        lambda: ops.cumsum(x, axis=draw.whole(1, 3)),
        lambda: ops.concatenate(ops.split(x, [min(1, x.shape[1])], axis=1)[::-1], axis=1) if x.shape[1] > 1 else x + 1,
        lambda: ops.softmax(x, axis=draw.whole(1, 3)),
        lambda: ops.logsumexp(x, axis=-1, keepdims=True) + x,
        lambda: L.Dense(draw.whole(1, 5), activation=draw.of(_ACTIVATIONS))(x),
    ]
    return draw.of(operations)()


def _merge(draw: Draw, x: Any, others: list[Any]) -> Any:
    alike = [other for other in others if other.shape == x.shape]
    other = draw.of(alike) if alike else x * 0.5 + 0.1
    layer = draw.of([L.Add, L.Subtract, L.Multiply, L.Average, L.Maximum, L.Minimum, L.Concatenate])
    merged = layer()([x, other])
    return L.ReLU()(merged) if draw.chance(0.4) else merged


def random_model(seed: int) -> keras.Model:
    """A model that depends on the seed alone."""
    draw = Draw(seed)
    keras.utils.set_random_seed(seed)
    image = keras.Input((draw.whole(1, 12), draw.whole(1, 12), draw.whole(1, 9)))
    tensors, steps = [image], draw.whole(2, 6)
    makers = (_convolution, _depthwise, _separable, _transposed, _pooling, _normalization, _activation, _shape, _operation)
    for _ in range(steps):
        source = tensors[-1] if draw.chance(0.8) else draw.of(tensors)
        y = _merge(draw, source, tensors) if draw.chance(0.15) else draw.of(makers)(draw, source)
        if np.prod(y.shape[1:]) <= 60_000:
            tensors.append(y)
    outputs = [tensors[-1]]
    if draw.chance(0.2):
        outputs.append(draw.of(tensors))
    if draw.chance(0.2):
        flat = L.Flatten()(tensors[-1]) if draw.chance(0.5) else L.GlobalAveragePooling2D()(tensors[-1])
        outputs.append(L.Dense(draw.whole(1, 5), activation=draw.of(_ACTIVATIONS))(flat))
    model = keras.Model(image, outputs)
    for weight in model.weights:
        if "variance" not in weight.path and "seed" not in weight.path:
            weight.assign(0.6 * draw.array(tuple(weight.shape)))
    return model


def worst(model: keras.Model, seed: int) -> dict[str, float]:
    """By set of kernels: the largest difference between file and model, as a share of the largest number in the graph."""
    from converters.graph import evaluate, trace
    from converters.tflite.writer import lowering
    from converters.tflite.writer.flatbuffer import Writer
    from converters.tflite.writer.passes.pipeline import optimize

    source = trace(model)
    shape = (1, *model.inputs[0].shape[1:])
    names = [f"out{place}" for place in range(len(source.outputs))]
    graph = lowering.lower(model, [shape], ["image"], names)
    optimize(graph)
    image = np.random.default_rng(seed).normal(size=shape).astype("float32")
    values = {value: keras.ops.convert_to_numpy(tensor) for value, tensor in evaluate(source, image).items()}
    largest = max(float(np.abs(value).max(initial=0)) for value in values.values())
    content, distances = Writer(graph).bytes(), {}
    for kernels, resolver in _KERNELS.items():
        interpreter = Interpreter(model_content=content, experimental_op_resolver_type=resolver, num_threads=1)
        answers = interpreter.get_signature_runner()(image=image)
        pairs = [(answers[name], values[value]) for name, value in zip(names, source.outputs, strict=True)]
        wrong = any(one.shape != other.shape or np.isnan(one - other).any() for one, other in pairs)
        distance = np.inf if wrong else max(float(np.abs(one - other).max()) for one, other in pairs)
        distances[kernels] = distance / max(largest, 1e-6)
    return distances


def main(
    count: Annotated[int, typer.Option(help="Graphs.")] = 2000, seed: Annotated[int, typer.Option(help="Of the first.")] = 0
) -> None:
    """Write, run and compare; print every graph that differs."""
    from zoo.errors import InputError

    bad = refused = 0
    for number in range(seed, seed + count):
        if number % 50 == 49:
            keras.backend.clear_session()
        model = random_model(number)
        try:
            distances = worst(model, number)
        except InputError as error:
            refused += 1
            print(f"seed {number}: refused: {error}", flush=True)
            continue
        except (RuntimeError, ValueError) as error:  # LiteRT's
            distances = {str(error).strip().partition("\n")[0]: float("inf")}
        if max(distances.values()) > TOLERANCE:
            bad += 1
            layers = " ".join(type(layer).__name__ for layer in model.layers[1:])
            print(f"seed {number}: {', '.join(f'{key} {value:.1e}' for key, value in distances.items())}: {layers}", flush=True)
    print(f"{count} graphs: {bad} differ, {refused} refused")
    sys.exit(bool(bad or refused))


if __name__ == "__main__":
    typer.run(main)
