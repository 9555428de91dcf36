"""DeconvNet: VGG16 with its fully connected layers, and all of it turned round.

Noh, Hong & Han, "Learning Deconvolution Network for Semantic Segmentation", 2015.

Faithful: VGG16 down to a single position at 224×224, a deconvolution from there back to 7×7, then unpoolings by recorded
positions and the mirrored convolutions; batch normalisation and ReLU after every layer but the scores; 251,805,653
parameters at 21 classes. ImageNet's VGG16 fits (`encoder_weights="imagenet"`), fc6 and fc7 included.
Different: the paper's 3×3 deconvolutions have stride 1 and so are convolutions with the kernel turned round; here they are
convolutions outright, which every accelerator has and which batch normalisation folds into. Images larger than 224×224 are
seen whole instead of in proposals, as the 7×7 window slides; the least size is 193×193, whose coarsest map is 7×7 too. Neither
the ensemble with FCN nor the two-stage training on boxes is here; for the random field on top see the CRF layer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo.lazy import keras
from zoo.models.blocks.conv import vgg_conv
from zoo.models.blocks.unpooling import contracted, expanded
from zoo.models.blocks.upsampling import rectified
from zoo.paper import Paper
from zoo.registry import Variant, register

PAPER = Paper(
    "Learning Deconvolution Network for Semantic Segmentation", "Noh, Hong & Han", 2015, "https://arxiv.org/abs/1505.04366"
)


@register(
    {"deconvnet": Variant()},
    task="segmentation",
    paper=PAPER,
    input_size=(224, 224),
    min_size=193,
    tiny={"encoder_options": {"width": 0.125, "depths": (1, 1, 1, 1, 1), "fc": ((7, 32), (1, 32))}},
)
def deconvnet(
    image: Any, classes: int, *, encoder: str = "vgg16", encoder_options: Mapping[str, Any] | None = None
) -> Any:
    """Encoder → fc6, fc7 → deconvolution back to the deepest map → the encoder turned round → scores.

    Args:
        image: N×H×W×C, 0–255.
        classes: channels of the answer.
        encoder: vgg16 or vgg19, which gets batch normalisation.
        encoder_options: options of that encoder.

    Returns:
        N×H×W×classes logits.
    """
    features, options = contracted(encoder, image, encoder_options or {})
    x = features.deepest
    for number, (kernel, units) in enumerate(options["fc"], start=6):
        x = keras.layers.Conv2D(units, kernel, name=f"fc{number}")(x)
        x = keras.layers.BatchNormalization(name=f"fc{number}_bn")(x)
        x = keras.layers.ReLU(name=f"fc{number}_relu")(x)
    window, _ = options["fc"][0]
    x = keras.layers.Conv2DTranspose(features.deepest.shape[-1], window, name="fc6_deconv")(x)
    x = rectified(keras.layers.BatchNormalization(name="fc6_deconv_bn")(x), "fc6_deconv_relu")

    x = expanded(x, features, options["depths"])
    x = vgg_conv(x, x.shape[-1], "up1_conv1", batchnorm=True)
    return keras.layers.Conv2D(classes, 1, name="score")(x)
