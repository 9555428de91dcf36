"""Large sizes, where indices may outgrow 16 bits, and numbers that float16 does not have."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from converters.gpu_graphs.case import Case
from converters.gpu_graphs.draft import Draft, Value

Ending = Callable[[Draft, Value], Value]
_LONG = {"wide_2050": (1, 3, 2050, 5), "wide_4100": (1, 3, 4100, 5), "high_4100": (1, 4100, 3, 5)}
_WHOLE = {**_LONG, "of_68000_pixels": (1, 250, 272, 5), "of_2050_channels": (1, 3, 5, 2050)}
_ROWS = {"of_4100_rows": (1, 4100, 6), "of_70000_rows": (1, 70_000, 5)}


def _shares(draft: Draft, x: Value) -> Value:
    return draft.op("SOFTMAX", x, beta=1.0)


def _pool(draft: Draft, x: Value) -> Value:
    return draft.op("MAX_POOL_2D", x, filterHeight=3, filterWidth=3, strideH=2, strideW=2, padding=0)


def _twice(draft: Draft, x: Value) -> Value:
    size = draft.constant([2 * side for side in x.shape[1:3]])
    return draft.op("RESIZE_BILINEAR", x, size, halfPixelCenters=True)


def _mean(draft: Draft, x: Value) -> Value:
    return draft.op("MEAN", x, draft.constant((1, 2)), keepDims=True)


def _best(draft: Draft, x: Value) -> Value:
    return draft.op("REDUCE_MAX", x, draft.constant((len(x.shape) - 1,)), keepDims=True)


def _halves_joined(draft: Draft, x: Value) -> Value:
    return draft.op("CONCATENATION", x, draft.op("NEG", x), axis=2)


def _turned(draft: Draft, x: Value) -> Value:
    return draft.op("TRANSPOSE", x, draft.constant((0, 2, 1, 3)))


def _flat(draft: Draft, x: Value) -> Value:
    return draft.op("RELU", draft.reshape(x, 1, int(np.prod(x.shape[1:3])), x.shape[3]))


def _few_rows(draft: Draft, x: Value) -> Value:
    places = np.linspace(0, x.shape[1] - 1, 9).astype(np.int32)
    return draft.op("GATHER", x, draft.constant(places), axis=1, batchDims=0)


def _far_rows(draft: Draft, x: Value) -> Value:
    """Indices that the graph computes, beyond 65,536."""
    last = x.shape[1] - 1
    place = draft.input((1, 9), lambda random, shape: np.linspace(0, last, 9).reshape(1, 9))
    rows = draft.reshape(draft.cast(place, "int32"), 9)
    return draft.op("GATHER", x, rows, axis=1, batchDims=0)


def _dense_row(draft: Draft, x: Value) -> Value:
    return draft.op("FULLY_CONNECTED", x, draft.weights(5, x.shape[-1]), draft.uniform(-0.5, 0.5, 5), keepNumDims=True)


def _top(draft: Draft, x: Value) -> Value:
    return draft.several("TOPK_V2", x, draft.constant(np.int32(5)))[0]


def _top_places(draft: Draft, x: Value) -> Value:
    return draft.several("TOPK_V2", x, draft.constant(np.int32(5)))[1]


def _sums_so_far(draft: Draft, x: Value) -> Value:
    return draft.op("CUMSUM", x, draft.constant(np.int32(1)), exclusive=False, reverse=False)


def _best_class(draft: Draft, x: Value) -> Value:
    return draft.op("ARG_MAX", x, draft.constant(np.int32(len(x.shape) - 1)), outputType=2)


def _of_size(code: str, what: str, size: str, shape: tuple[int, ...], ending: Ending, integers: bool = False) -> Case:
    return Case(f"{what}_{size}", code, lambda draft: ending(draft, draft.input(shape)), integers=integers, samples=1)


def _over(endings: dict[str, tuple[str, Ending]], sizes: dict[str, tuple[int, ...]], integers: bool = False) -> list[Case]:
    return [
        _of_size(code, what, size, shape, ending, integers)
        for what, (code, ending) in endings.items()
        for size, shape in sizes.items()
    ]


# ------------------------------------------------------------------------------------------------------------- range


def _scaled(low: float, high: float) -> Callable[[Draft], Value]:
    return lambda draft: draft.input((1, 5, 7, 6), lambda random, shape: random.uniform(low, high, shape))


def _large_sum(draft: Draft) -> Value:
    """A mean of 40 over 60×60 pixels: its sum passes 65,504, it does not."""
    x = draft.input((1, 60, 60, 5), lambda random, shape: random.uniform(30, 50, shape))
    return _mean(draft, x)


def _large_dot(draft: Draft) -> Value:
    """A convolution whose partial sums pass 65,504, brought back by a factor."""
    x = _scaled(200, 400)(draft)
    kernel = draft.uniform(20, 40, 5, 3, 3, 6)
    sides = {"strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1, "padding": 0}
    y = draft.op("CONV_2D", x, kernel, draft.constant(np.zeros(5)), **sides)
    return draft.op("MUL", y, draft.constant(np.full((1, 1, 1, 1), 1e-5)))


def _large_square(draft: Draft) -> Value:
    """A norm whose squares pass 65,504."""
    x = _scaled(200, 400)(draft)
    total = draft.op("SUM", draft.op("MUL", x, x), draft.constant((3,)), keepDims=True)
    return draft.op("DIV", x, draft.op("SQRT", total))


def _large_variance(draft: Draft) -> Value:
    """A layer normalisation of values around 300 that differ by 100."""
    x = _scaled(100, 500)(draft)
    axes = draft.constant((3,))
    mean = draft.op("MEAN", x, axes, keepDims=True)
    variance = draft.op("MEAN", draft.op("SQUARED_DIFFERENCE", x, mean), axes, keepDims=True)
    root = draft.op("RSQRT", draft.op("ADD", variance, draft.constant(np.full((1, 1, 1, 1), 1e-5))))
    return draft.op("MUL", draft.op("SUB", x, mean), root)


def _small_epsilon(draft: Draft) -> Value:
    """A normalisation whose epsilon, 1e-8, float16 does not have: 0/0 where a pixel is 0."""
    x = draft.input((1, 5, 7, 6), lambda random, shape: random.normal(size=shape) * (random.random(shape[:3]) > 0.3)[..., None])
    total = draft.op("SUM", draft.op("MUL", x, x), draft.constant((3,)), keepDims=True)
    root = draft.op("SQRT", draft.op("ADD", total, draft.constant(np.full((1, 1, 1, 1), 1e-8))))
    return draft.op("DIV", x, root)


def _small_values(draft: Draft) -> Value:
    """Values around 1e-5, below float16's normal ones, made large again."""
    x = _scaled(1e-6, 5e-5)(draft)
    small = draft.op("MUL", x, draft.constant(np.full((1, 1, 1, 6), 0.1)))
    return draft.op("MUL", small, draft.constant(np.full((1, 1, 1, 1), 1e5)))


def _large_exponent(draft: Draft) -> Value:
    """exp of up to 13 is 4e5; its share of itself is 1 and less."""
    x = _scaled(9, 13)(draft)
    powers = draft.op("EXP", x)
    return draft.op("DIV", powers, draft.op("SUM", powers, draft.constant((3,)), keepDims=True))


def _softplus(draft: Draft) -> Value:
    one = draft.constant(np.ones((1, 1, 1, 1)))
    return draft.op("LOG", draft.op("ADD", draft.op("EXP", _scaled(-5, 20)(draft)), one))


def _large_index(draft: Draft) -> Value:
    """y·W + x in float, beyond 2,048, where float16 has no odd numbers, and beyond 65,504."""
    y = draft.op("FLOOR", draft.input((1, 40), lambda random, shape: random.uniform(0, 299, shape)))
    x = draft.op("FLOOR", draft.input((1, 40), lambda random, shape: random.uniform(0, 299, shape)))
    return draft.op("ADD", draft.op("MUL", y, draft.constant(np.full((1, 1), 300.0))), x)


CASES = [
    *_over(
        {
            "conv": ("CONV_2D", lambda draft, x: draft.conv(x, 5)),
            "relu": ("RELU", lambda draft, x: draft.op("RELU", x)),
            "mean": ("MEAN", _mean),
        },
        {name: shape for name, shape in _WHOLE.items() if "channels" not in name},
        integers=True,
    ),
    *_over(
        {"max_pool": ("MAX_POOL_2D", _pool), "bilinear": ("RESIZE_BILINEAR", _twice), "transpose": ("TRANSPOSE", _turned),
         "concat": ("CONCATENATION", _halves_joined), "argmax": ("ARG_MAX", _best_class)},
        {"wide_4100": _WHOLE["wide_4100"], "of_68000_pixels": _WHOLE["of_68000_pixels"]},
    ),
    *_over(
        {"softmax": ("SOFTMAX", _shares), "reduce_max": ("REDUCE_MAX", _best), "flat": ("RESHAPE", _flat)},
        {"wide_4100": _WHOLE["wide_4100"], "of_68000_pixels": _WHOLE["of_68000_pixels"],
         "of_2050_channels": _WHOLE["of_2050_channels"]},
    ),
    *_over(
        {"dense": ("FULLY_CONNECTED", _dense_row), "gather": ("GATHER", _few_rows),
         "gather_computed": ("GATHER", _far_rows), "cumsum": ("CUMSUM", _sums_so_far)},
        _ROWS,
    ),
    *_over({"topk": ("TOPK_V2", _top), "topk_places": ("TOPK_V2", _top_places)},
           {"of_4100": (1, 4100), "of_70000": (1, 70_000)}),
    *_over({"softmax": ("SOFTMAX", _shares)}, {"of_4100": (1, 4100), "of_70000": (1, 70_000)}),
    Case("range_mean_of_a_large_sum", "MEAN", _large_sum),
    Case("range_conv_of_large_sums", "CONV_2D", _large_dot),
    Case("range_norm_of_large_squares", "SUM", _large_square),
    Case("range_layer_normalization", "MEAN", _large_variance),
    Case("range_epsilon_of_1e_8", "DIV", _small_epsilon),
    Case("range_values_of_1e_5", "MUL", _small_values),
    Case("range_exp_of_13", "EXP", _large_exponent),
    Case("range_softplus_of_20", "LOG", _softplus),
    Case("range_index_beyond_65504", "ADD", _large_index),
]  # fmt: skip
