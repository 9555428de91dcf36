"""GoogLeNet: inception modules, and classifiers halfway that keep the gradient alive.

Szegedy et al., "Going Deeper with Convolutions", 2014, table 1 and figure 3, in the form of the Caffe release.

Faithful: nine inception modules, local response normalisation before and after the second pair of convolutions, dropout of
0.4; 6,998,552 parameters. `auxiliary=True` adds the two auxiliary classifiers behind modules 4a and 4d (13,378,280
parameters at 224×224), whose losses count 0.3 in `zoo.train`; `zoo.layers.inference(model)` is what is left afterwards.
`torchvision=True` is what PyTorch calls GoogLeNet: batch normalisation in every convolution in place of biases and local
response normalisation, 3×3 where the paper has 5×5, a last pooling of 2×2; 6,624,904 parameters, published for −1 … 1.
Different: ImageNet's mean is subtracted from RGB. Pooling rounds sizes up on every input, as Caffe does except where a map
of odd size meets a 3×3 window; at multiples of 32 there is no difference.
"""

from __future__ import annotations

from typing import Any

from zoo import layers
from zoo.errors import InputError
from zoo.lazy import keras
from zoo.models.blocks.classifier_heads import pooled_top
from zoo.models.blocks.conv import batchnorm_relu, conv_bn, conv_relu
from zoo.models.blocks.normalization import normalize
from zoo.models.encoders import Features, register_encoder
from zoo.paper import Paper
from zoo.registry import Variant

PAPER = Paper("Going Deeper with Convolutions", "Szegedy et al.", 2014, "https://arxiv.org/abs/1409.4842")
VARIANTS = {"googlenet": Variant()}
MODULES = {  # 1×1; 1×1 then 3×3; 1×1 then 5×5; 1×1 after pooling
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}
AUXILIARY = ("4a", "4d")
AUXILIARY_WEIGHT = 0.3


def pool(x: Any, stride: int, name: str, window: int = 3) -> Any:
    """Max pooling, 3×3 unless it is said otherwise."""
    return keras.layers.MaxPooling2D(window, stride, padding="same", name=name)(x)


def inception(x: Any, plan: tuple[int, ...], name: str, width: float, torchvision: bool) -> Any:
    """Four views of one map side by side. Figure 2b."""
    conv, large = (conv_bn, 3) if torchvision else (conv_relu, 5)
    one, narrow3, three, narrow5, five, pooled = (max(1, int(n * width)) for n in plan)
    views = [
        conv(x, one, 1, f"{name}_1x1"),
        conv(conv(x, narrow3, 1, f"{name}_3x3_reduce"), three, 3, f"{name}_3x3"),
        conv(conv(x, narrow5, 1, f"{name}_5x5_reduce"), five, large, f"{name}_5x5"),
        conv(pool(x, 1, f"{name}_pool"), pooled, 1, f"{name}_pool_project"),
    ]
    return keras.layers.Concatenate(name=f"{name}_concat")(views)


def googlenet_top(features: Features, classes: int, *, auxiliary: bool = False, dropout: float = 0.4) -> Any:
    """Average over all positions, dropout, one dense layer; the auxiliary heads beside it if wanted.

    Raises:
        InputError: for auxiliary heads on images of unknown size, or too small for their 5×5 pooling.
    """
    logits = pooled_top(features, classes, dropout=dropout)
    if not auxiliary:
        return logits
    heads = [auxiliary_head(features.taps[module], classes, f"auxiliary_{module}") for module in AUXILIARY]
    weights = [AUXILIARY_WEIGHT] * len(heads)
    return layers.AuxiliaryHeads(weights, name="auxiliary_heads")([logits, *heads])


def auxiliary_head(x: Any, classes: int, name: str) -> Any:
    """5×5 average pooling at stride 3, 1×1 convolution, two dense layers with dropout of 0.7 between them."""
    if None in x.shape[1:3] or min(x.shape[1:3]) < 5:
        raise InputError(
            "GoogLeNet's auxiliary heads need a fixed input size of at least 65×65, as in input_shape=(224, 224, 3); "
            "leave out auxiliary= for any size"
        )
    x = keras.layers.AveragePooling2D(5, 3, name=f"{name}_pool")(x)
    x = conv_relu(x, 128, 1, f"{name}_conv")
    x = keras.layers.Flatten(name=f"{name}_flatten")(x)
    x = keras.layers.Dense(1024, activation="relu", name=f"{name}_fc")(x)
    x = keras.layers.Dropout(0.7, name=f"{name}_dropout")(x)
    return keras.layers.Dense(classes, name=f"{name}_logits")(x)


@register_encoder(VARIANTS, paper=PAPER, top=googlenet_top, input_size=(224, 224), tiny={"width": 0.125})
def googlenet(
    image: Any, *, width: float = 1.0, torchvision: bool = False, statistics: str | None = None
) -> Features:
    """Stem, then modules 3a–3b, 4a–4e and 5a–5b with pooling between the groups.

    Args:
        image: N×H×W×C, 0–255.
        width: multiplies the channels.
        torchvision: PyTorch's form, see above.
        statistics: of the images that it was trained on, see `normalize`; None: "imagenet_mean", "symmetric" in PyTorch's
            form, whose weights trained from scratch may have seen "imagenet".

    Returns:
        s2 (conv1), s4 (conv2), s8 (3b), s16 (4e), s32 (5b); the outputs of 4a and 4d are among the `taps`.
    """
    x = normalize(image, statistics or ("symmetric" if torchvision else "imagenet_mean"))
    x = keras.layers.ZeroPadding2D(3, name="conv1_pad")(x)
    options = {"use_bias": not torchvision, "kernel_initializer": "he_normal", "name": "conv1"}
    s2 = keras.layers.Conv2D(int(64 * width), 7, 2, activation=None if torchvision else "relu", **options)(x)
    if torchvision:
        s2 = batchnorm_relu(s2, "conv1")
    conv = conv_bn if torchvision else conv_relu
    x = _responses(pool(s2, 2, "pool1"), "norm1", torchvision)
    x = conv(x, max(1, int(64 * width)), 1, "conv2_reduce")
    s4 = conv(x, max(1, int(192 * width)), 3, "conv2")
    x = _responses(s4, "norm2", torchvision)

    features, stride = Features(s2=s2, s4=s4), 4
    for module, plan in MODULES.items():
        if module.endswith("a"):
            x = pool(x, 2, f"pool{module[0]}", 2 if torchvision and module == "5a" else 3)
            stride *= 2
        x = inception(x, plan, f"inception_{module}", width, torchvision)
        features[f"s{stride}"] = x
        if module in AUXILIARY:
            features.taps[module] = x
    return features


def _responses(x: Any, name: str, torchvision: bool) -> Any:
    """Local response normalisation, which PyTorch's form has not."""
    return x if torchvision else layers.LocalResponseNormalization(name=name)(x)
