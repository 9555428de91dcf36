"""ResNets for CIFAR-10, and the plain nets beside them: the experiment that showed degradation, and its cure.

He, Zhang, Ren & Sun, "Deep Residual Learning for Image Recognition", 2015, section 4.2 and figure 6.

Faithful: 6n + 2 layers in three stages of 16, 32 and 64 channels; shortcuts without parameters (option A: zeros for the new
channels), so a residual net and its plain counterpart have the same parameters (269,722 for 20 layers, 1,727,962 for 110).
Different: images are normalised by CIFAR's mean and spread per channel (the paper subtracts the mean of each pixel).
"""

from __future__ import annotations

from typing import Any

from zoo.errors import InputError
from zoo.models.blocks.classifier_heads import average_top
from zoo.models.blocks.dilation import Strides
from zoo.models.blocks.normalization import normalize
from zoo.models.encoders import Features, register_encoder
from zoo.models.encoders.resnet import PAPER, conv_bn_centered, residual
from zoo.outputs.class_names import CIFAR_10
from zoo.registry import Variant

DEPTHS = (20, 32, 44, 56, 110)
VARIANTS = {
    **{f"resnet{depth}": Variant(options={"depth": depth}) for depth in DEPTHS},
    **{f"plain{depth}": Variant(options={"depth": depth, "shortcut": None}) for depth in DEPTHS},
}


@register_encoder(
    VARIANTS,
    paper=PAPER,
    top=average_top,
    strides=(2, 4),
    input_size=(32, 32),
    classes=CIFAR_10,
    min_size=8,
    tiny={"width": 0.25, "depth": 8},
)
def resnet_cifar(image: Any, *, depth: int, shortcut: str | None = "padding", width: float = 1.0) -> Features:
    """3×3 convolution and three stages of `depth // 6` blocks at strides 1, 2 and 4.

    Args:
        image: N×H×W×C, 0–255.
        depth: number of weighted layers, 6n + 2.
        shortcut: "padding" (the paper's), "projection", or None for a plain network.
        width: multiplies the channels.

    Returns:
        s2, s4: the last block of the second and the third stage.

    Raises:
        InputError: for a depth that is not 6n + 2.
    """
    if depth < 8 or depth % 6 != 2:
        raise InputError(f"depth={depth} is not 6n + 2, as in 20, 32, 44, 56 or 110")
    channels, strides = int(16 * width), Strides(1, 4)
    x = conv_bn_centered(normalize(image, "cifar"), channels, 3, "stem")
    features = Features()
    for stage in (1, 2, 3):
        for index in range(1, depth // 6 + 1):
            halve = stage > 1 and index == 1
            name = f"stage{stage}_block{index}"
            x = residual(x, channels, name, strides, halve=halve, block="two_3x3", shortcut=shortcut)
        if stage > 1:
            features[f"s{strides.stride}"] = x
        channels *= 2
    return features
