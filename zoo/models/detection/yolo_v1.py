"""YOLO: the whole picture at once, and every cell of a coarse grid says what has its centre there.

Redmon, Divvala, Girshick & Farhadi, "You Only Look Once: Unified, Real-Time Object Detection", CVPR 2016.

Faithful to the authors' released `yolov1.cfg`: 24 convolutions, batch normalisation, leaky ReLU of 0.1, a locally connected
layer of 256 maps, one fully connected layer that answers all cells; 7×7 cells of three boxes at 448×448; 197,301,875 parameters
with VOC's 20 classes. (The paper's own figure has two fully connected layers and two boxes a cell; that network was not
released.) The loss is the paper's, `zoo.losses.box_cells`.
Different: other sizes have as many cells as the picture has squares of 64 pixels.
"""

from __future__ import annotations

from typing import Any

from zoo import layers
from zoo.lazy import keras
from zoo.models.blocks.conv import batchnorm_relu
from zoo.models.blocks.dilation import center_window
from zoo.paper import Paper
from zoo.registry import Variant, register

PAPER = Paper(
    "You Only Look Once: Unified, Real-Time Object Detection", "Redmon et al.", 2016, "https://arxiv.org/abs/1506.02640"
)
VARIANTS = {"yolo_v1": Variant()}
STAGES: tuple[tuple[tuple[int, int, int], ...], ...] = (  # channels, kernel, stride; a pooling after each stage but the last
    ((64, 7, 2),),
    ((192, 3, 1),),
    ((128, 1, 1), (256, 3, 1), (256, 1, 1), (512, 3, 1)),
    (*(((256, 1, 1), (512, 3, 1)) * 4), (512, 1, 1), (1024, 3, 1)),
    (*(((512, 1, 1), (1024, 3, 1)) * 2), (1024, 3, 1), (1024, 3, 2), (1024, 3, 1), (1024, 3, 1)),
)
LOCAL, SLOPE, DROPOUT = 256, 0.1, 0.5
NUMBERS = 5  # of a box: x, y, w, h, confidence


def conv_leaky(x: Any, channels: int, kernel: int, stride: int, name: str) -> Any:
    """Convolution, batch normalisation, leaky ReLU."""
    x, stride, padding = center_window(x, kernel, stride, name)
    options = {"padding": padding, "use_bias": False, "kernel_initializer": "he_normal"}
    x = keras.layers.Conv2D(channels, kernel, stride, name=name, **options)(x)
    return keras.layers.LeakyReLU(SLOPE, name=f"{name}_leaky")(batchnorm_relu(x, name, relu=False))


@register(
    VARIANTS, task="detection", paper=PAPER, input_size=(448, 448), fixed_size=True, min_size=64, tiny={"width": 0.0625}
)
def yolo_v1(image: Any, classes: int, *, width: float = 1.0, boxes: int = 3) -> Any:
    """24 convolutions to stride 64 → a locally connected layer → one dense layer for all cells.

    Args:
        image: N×H×W×C, 0–255, of a fixed size.
        classes: shares a cell has.
        width: multiplies the channels.
        boxes: of each cell.

    Returns:
        N×⌈H/64⌉·⌈W/64⌉×(5·boxes + classes) rows, as `zoo.outputs.box_codings` says of "cells".
    """
    x = keras.layers.Rescaling(1 / 255, name="normalise")(image)
    number = 0
    for stage, convolutions in enumerate(STAGES, start=1):
        for channels, kernel, stride in convolutions:
            number += 1
            x = conv_leaky(x, int(channels * width), kernel, stride, f"conv{number}")
        if stage < len(STAGES):
            x = keras.layers.MaxPooling2D(2, padding="same", name=f"pool{stage}")(x)
    rows, columns = x.shape[1:3]
    x = layers.LocallyConnected2D(int(LOCAL * width), name="local")(x)
    x = keras.layers.LeakyReLU(SLOPE, name="local_leaky")(x)
    x = keras.layers.Dropout(DROPOUT, name="dropout")(keras.layers.Flatten(name="flatten")(x))
    numbers = NUMBERS * boxes + classes
    x = keras.layers.Dense(rows * columns * numbers, name="connected")(x)
    x = keras.layers.Reshape((rows, columns, numbers), name="cells")(x)
    return layers.BoxRows(numbers, {"coding": "cells", "boxes": boxes}, name="rows")(x)
