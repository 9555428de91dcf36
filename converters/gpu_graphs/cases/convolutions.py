"""Convolutions of every kind, pools, resizing and blocks of pixels."""

from __future__ import annotations

import itertools
from typing import Any

from converters.gpu_graphs.case import Case
from converters.gpu_graphs.draft import Draft, Value

SAME, VALID = 0, 1


def image(draft: Draft, height: int = 9, width: int = 7, channels: int = 6, batch: int = 1) -> Value:
    """A map of odd sides whose channels are no multiple of 4, of both signs."""
    return draft.input((batch, height, width, channels))


def _conv(name: str, filters: int, kernel: int, channels: int = 6, batch: int = 1, **options: Any) -> Case:
    return Case(
        f"conv_{name}",
        "CONV_2D",
        lambda draft: draft.conv(image(draft, channels=channels, batch=batch), filters, kernel, **options),
        integers=True,
    )


def _groups(inputs: int, outputs: int, groups: int) -> Case:
    def drawing(draft: Draft) -> Value:
        kernel = draft.weights(outputs, 3, 3, inputs // groups)
        bias = draft.uniform(-0.5, 0.5, outputs)
        return draft.op("CONV_2D", image(draft, channels=inputs), kernel, bias, padding=SAME, **_strides(1))

    return Case(f"conv_groups_{inputs}_to_{outputs}_in_{groups}", "CONV_2D", drawing, integers=True)


def _strides(stride: int, dilation: int = 1) -> dict[str, int]:
    return {"strideH": stride, "strideW": stride, "dilationHFactor": dilation, "dilationWFactor": dilation}


def _depthwise(channels: int, multiplier: int, stride: int = 1, dilation: int = 1, kernel: int = 3) -> Case:
    def drawing(draft: Draft) -> Value:
        weights = draft.uniform(-0.6, 0.6, 1, kernel, kernel, channels * multiplier)
        bias = draft.uniform(-0.5, 0.5, channels * multiplier)
        x = image(draft, channels=channels)
        return draft.op(
            "DEPTHWISE_CONV_2D", x, weights, bias, padding=SAME, depthMultiplier=multiplier, **_strides(stride, dilation)
        )

    name = f"depthwise_{channels}_times_{multiplier}_k{kernel}_s{stride}_d{dilation}"
    return Case(name, "DEPTHWISE_CONV_2D", drawing, integers=True)


def _runtime_kernel(draft: Draft) -> Value:
    x = image(draft, channels=8)
    return draft.op("CONV_2D", x, draft.input((5, 3, 3, 8)), draft.constant([0.0] * 5), padding=SAME, **_strides(1))


def _transposed(
    height: int, width: int, inputs: int, outputs: int, kernel: int, stride: int, padding: int = SAME, batch: int = 1
) -> Case:
    def drawing(draft: Draft) -> Value:
        x = image(draft, height, width, inputs, batch)
        grown = [side * stride if padding == SAME else (side - 1) * stride + kernel for side in (height, width)]
        weights = draft.weights(outputs, kernel, kernel, inputs)
        options = {"padding": padding, "strideH": stride, "strideW": stride}
        return draft.op("TRANSPOSE_CONV", draft.constant([batch, *grown, outputs]), weights, x, **options)

    word = "same" if padding == SAME else "valid"
    batched = f"_batch{batch}" if batch > 1 else ""
    name = f"transposed_{word}_{height}x{width}x{inputs}_to_{outputs}_k{kernel}_s{stride}{batched}"
    return Case(name, "TRANSPOSE_CONV", drawing, integers=True)


def _pool(code: str, kernel: int, stride: int, padding: int = SAME) -> Case:
    options = {"filterHeight": kernel, "filterWidth": kernel, "strideH": stride, "strideW": stride, "padding": padding}
    word = "same" if padding == SAME else "valid"
    name = f"{code.split('_')[0].lower()}_pool_{kernel}_by_{stride}_{word}"
    return Case(name, code, lambda draft: draft.op(code, image(draft), **options), integers=True)


def _resize(code: str, name: str, size: tuple[int, int], **options: bool) -> Case:
    mode = next((word for word, value in options.items() if value), "legacy").replace("Centers", "").replace("Corners", "")
    return Case(
        f"{name}_{mode.lower()}_to_{size[0]}x{size[1]}",
        code,
        lambda draft: draft.op(code, image(draft), draft.constant(size), **options),
        integers=True,
    )


def _blocks(code: str, batch: int, channels: int, block: int) -> Case:
    height, width = (4, 3) if code == "DEPTH_TO_SPACE" else (4 * block, 3 * block)
    return Case(
        f"{code.lower()}_{block}_of_{channels}_channels_batch{batch}",
        code,
        lambda draft: draft.op(code, image(draft, height, width, channels, batch), blockSize=block),
        integers=True,
    )


_MODES = ({"halfPixelCenters": True}, {}, {"alignCorners": True})

CASES = [
    _conv("k3", 5, 3),
    _conv("k3_by_2", 5, 3, strideH=2, strideW=2),
    _conv("k3_by_2_valid", 5, 3, strideH=2, strideW=2, padding=VALID),
    _conv("k5_dilated_2", 5, 5, dilationHFactor=2, dilationWFactor=2),
    _conv("k3_dilated_1x3", 5, 3, dilationWFactor=3),
    _conv("k1", 7, 1),
    _conv("k1_by_2", 8, 1, channels=8, strideH=2, strideW=2),
    _conv("k1_by_3_of_5", 7, 1, channels=5, strideH=3, strideW=3),
    _conv("relu6", 5, 3, fusedActivationFunction=3),
    _conv("one_channel", 1, 3, channels=1),
    _conv("batch3", 5, 3, batch=3),
    Case("conv_runtime_kernel", "CONV_2D", _runtime_kernel),
    *itertools.starmap(_groups, [(8, 8, 2), (8, 16, 2), (12, 9, 3), (6, 8, 2), (8, 8, 4), (6, 6, 6)]),
    _depthwise(6, 1),
    _depthwise(8, 1, stride=2),
    _depthwise(5, 3),
    _depthwise(6, 1, dilation=2),
    _depthwise(6, 1, kernel=5, stride=2),
    _transposed(6, 4, 6, 5, 4, 2),
    _transposed(7, 5, 6, 5, 4, 2),
    _transposed(7, 5, 6, 5, 2, 2),
    _transposed(7, 5, 6, 5, 3, 2),
    _transposed(6, 4, 6, 5, 3, 2),
    _transposed(7, 5, 6, 5, 5, 2),
    _transposed(7, 5, 6, 5, 3, 1),
    _transposed(6, 9, 6, 5, 6, 3),
    _transposed(5, 7, 6, 5, 6, 3),
    _transposed(8, 8, 6, 5, 16, 8),
    _transposed(5, 7, 6, 5, 16, 8),
    _transposed(7, 5, 6, 5, 3, 2, VALID),
    _transposed(5, 7, 6, 5, 6, 3, VALID),
    _transposed(5, 7, 6, 5, 16, 8, VALID),
    _transposed(3, 4, 11, 3, 48, 24),
    _transposed(3, 4, 11, 11, 64, 32, VALID),
    _transposed(7, 5, 6, 5, 3, 2, VALID, batch=2),
    *itertools.starmap(_pool, itertools.product(("MAX_POOL_2D", "AVERAGE_POOL_2D"), (2, 3), (1, 2))),
    _pool("MAX_POOL_2D", 3, 2, VALID),
    _pool("AVERAGE_POOL_2D", 3, 2, VALID),
    _pool("MAX_POOL_2D", 1, 2),
    _pool("AVERAGE_POOL_2D", 7, 7, VALID),
    *(_resize("RESIZE_BILINEAR", "bilinear", size, **mode) for size in ((23, 17), (5, 4)) for mode in _MODES),
    *(_resize("RESIZE_NEAREST_NEIGHBOR", "nearest", size, **mode) for size in ((23, 17), (5, 4)) for mode in _MODES),
    *(_blocks("DEPTH_TO_SPACE", batch, channels, 2) for batch, channels in ((1, 12), (1, 20), (2, 12), (3, 16))),
    *(_blocks("SPACE_TO_DEPTH", batch, channels, 2) for batch, channels in ((1, 3), (1, 5), (2, 3), (2, 4))),
    _blocks("DEPTH_TO_SPACE", 1, 27, 3),
    Case(
        "conv_3d",
        "CONV_3D",
        lambda draft: draft.op(
            "CONV_3D", draft.input((1, 4, 5, 6, 3)), draft.weights(3, 3, 3, 3, 2), strideD=1, dilationDFactor=1, padding=SAME,
            **_strides(1),
        ),
    ),
    Case(
        "space_to_batch",
        "SPACE_TO_BATCH_ND",
        lambda draft: draft.op(
            "SPACE_TO_BATCH_ND", image(draft, 6, 8), draft.constant([2, 2]), draft.constant([[0, 0], [0, 0]])
        ),
    ),
]  # fmt: skip
