"""Windows of unusual sides: kernels and pools wide, even, unequal or larger than the map; resizing by all sorts of factors."""

from __future__ import annotations

from converters.gpu_graphs.case import Case
from converters.gpu_graphs.draft import Draft, Value

SAME, VALID = 0, 1
SHAPE = (1, 9, 7, 6)
_SIDES = {"strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1, "padding": SAME}
_SHORT = {"strideH": "s", "strideW": "x", "dilationHFactor": "d", "dilationWFactor": "x", "padding": "p"}


def _name(height: int, width: int, options: dict[str, int]) -> str:
    return f"{height}x{width}" + "".join(f"_{_SHORT[key]}{value}" for key, value in options.items())


def _conv(height: int, width: int, shape: tuple[int, ...] = SHAPE, filters: int = 5, **options: int) -> Case:
    def drawing(draft: Draft) -> Value:
        kernel, bias = draft.weights(filters, height, width, shape[-1]), draft.uniform(-0.5, 0.5, filters)
        return draft.op("CONV_2D", draft.input(shape), kernel, bias, **_SIDES | options)

    size = "" if shape == SHAPE else "_of_" + "x".join(map(str, shape))
    return Case(f"window_conv_{_name(height, width, options)}{size}", "CONV_2D", drawing, integers=True)


def _depthwise(height: int, width: int, multiplier: int = 1, **options: int) -> Case:
    def drawing(draft: Draft) -> Value:
        kernel = draft.uniform(-0.6, 0.6, 1, height, width, 6 * multiplier)
        bias = draft.uniform(-0.5, 0.5, 6 * multiplier)
        return draft.op("DEPTHWISE_CONV_2D", draft.input(SHAPE), kernel, bias, depthMultiplier=multiplier, **_SIDES | options)

    times = f"_times_{multiplier}" if multiplier > 1 else ""
    return Case(f"window_depthwise_{_name(height, width, options)}{times}", "DEPTHWISE_CONV_2D", drawing, integers=True)


def _pool(code: str, height: int, width: int, **options: int) -> Case:
    sides = {"filterHeight": height, "filterWidth": width, "strideH": 1, "strideW": 1, "padding": SAME}
    word = code.partition("_")[0].lower()
    return Case(
        f"window_{word}_pool_{_name(height, width, options)}",
        code,
        lambda draft: draft.op(code, draft.input(SHAPE), **sides | options),
        integers=True,
    )


def _transposed(height: int, width: int, down: int, right: int, padding: int = VALID, activation: int = 0) -> Case:
    def drawing(draft: Draft) -> Value:
        x = draft.input((1, 5, 7, 6))
        grown = [(5 - 1) * down + height, (7 - 1) * right + width] if padding == VALID else [5 * down, 7 * right]
        options = {"padding": padding, "strideH": down, "strideW": right, "fusedActivationFunction": activation}
        sides, kernel = draft.constant([1, *grown, 5]), draft.weights(5, height, width, 6)
        return draft.op("TRANSPOSE_CONV", sides, kernel, x, draft.uniform(-0.5, 0.5, 5), **options)

    words = f"{height}x{width}_s{down}x{right}_{'valid' if padding == VALID else 'same'}{'_relu' * bool(activation)}"
    return Case(f"window_transposed_{words}", "TRANSPOSE_CONV", drawing, integers=not activation)


def _resized(code: str, size: tuple[int, int], mode: dict[str, bool]) -> Case:
    word = next((name.replace("Centers", "").replace("Corners", "").lower() for name in mode), "legacy")
    kind = code.split("_")[1].lower()
    return Case(
        f"window_{kind}_{word}_to_{size[0]}x{size[1]}",
        code,
        lambda draft: draft.op(code, draft.input(SHAPE), draft.constant(size), **mode),
        integers=True,
    )


_MODES: tuple[dict[str, bool], ...] = ({"halfPixelCenters": True}, {}, {"alignCorners": True})
_SIZES = ((1, 1), (13, 3))
_POOLS = ("MAX_POOL_2D", "AVERAGE_POOL_2D")

CASES = [
    _conv(2, 2),
    _conv(4, 4, strideH=2, strideW=2),
    _conv(11, 11, strideH=4, strideW=4),
    _conv(15, 13),
    _conv(3, 3, strideH=2, strideW=1),
    _conv(3, 2, dilationHFactor=3, dilationWFactor=2),
    _conv(1, 1, (1, 5, 7, 4100), 5),
    _depthwise(3, 3, 2, dilationHFactor=2, dilationWFactor=2),
    _depthwise(5, 3, dilationHFactor=2, dilationWFactor=3),
    *(_pool(code, 2, 2, strideH=3, strideW=3) for code in _POOLS),
    *(_pool(code, 15, 15) for code in _POOLS),
    *(_pool(code, 1, 1) for code in _POOLS),
    _transposed(3, 5, 1, 2),
    _transposed(2, 4, 2, 2, SAME),
    _transposed(4, 4, 1, 1, SAME),
    _transposed(3, 3, 2, 2, activation=1),
    *(
        _resized(code, size, mode)
        for code in ("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR")
        for size in _SIZES
        for mode in _MODES
    ),
]
