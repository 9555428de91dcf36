"""FCN: a classifier whose fully connected layers became convolutions, upsampled inside the network.

Long, Shelhamer & Darrell, "Fully Convolutional Networks for Semantic Segmentation", 2015.

Faithful: fc6 and fc7 as 7×7 (AlexNet: 6×6) and 1×1 convolutions, scores from pool3, pool4 and fc7 summed, every upsampling
a transposed convolution that starts as bilinear interpolation; the parameter counts of the Caffe release, its
upsampling kernels included (134,489,759 for 8s on VGG16).
Different: `padding="same"`, the default, pads fc6 and keeps every map on the ⌈H/s⌉ grid, so nothing is computed outside the
image; `padding="caffe"` is the released form, which puts 100 zeros around the image, convolves fc6 without padding and
crops at the offsets that follow. The release holds the upsampling kernels at a learning rate of 0 and starts scores at zero;
here kernels learn, and scores start at random, which the authors found no better and no worse.

In stages, as in the paper, each network starts from the trained one before it, its new skip's scores at zero, so that it
begins with what that one knew: `zoo train fcn16s --init RUN_OF_FCN32S`, then fcn8s from that, or `zoo.build(…, init=)`. Without
it the network is trained at once; the factors 0.01 and 0.0001 that the at-once release puts on its skips are
`skip_scales=(0.01, 0.0001)`.

A map is padded to a multiple of the last stride before it is upsampled, which the GPU accelerator needs, and cropped after:
the same numbers for a few more multiplications. `padding="caffe"` does without and is right there only at some sizes.

On an encoder without fully connected layers the scores come straight from its features, as in the authors' FCN-GoogLeNet.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from zoo import layers
from zoo.errors import InputError, unknown
from zoo.lazy import keras
from zoo.models.blocks.deep_supervision import deeply_supervised
from zoo.models.blocks.upsampling import Step, upsample
from zoo.models.encoders import encoder as encoder_entry
from zoo.models.encoders import features as encoder_features
from zoo.paper import Paper
from zoo.registry import Variant, register

PAPER = Paper(
    "Fully Convolutional Networks for Semantic Segmentation",
    "Long, Shelhamer & Darrell",
    2015,
    "https://arxiv.org/abs/1411.4038",
)
CAFFE_MARGIN = 100
VARIANTS = {  # skips: strides fused on the way up; caffe_offsets: crops of the skips, then of the final map
    "fcn32s": Variant(options={"skips": (), "caffe_offsets": (19,)}),
    "fcn16s": Variant(options={"skips": (16,), "caffe_offsets": (5, 27)}),
    "fcn8s": Variant(options={"skips": (16, 8), "caffe_offsets": (5, 9, 31)}),
    "fcn_alexnet": Variant(
        options={"encoder": "alexnet", "skips": (), "caffe_offsets": (18,), "final_kernel": 63},
        tiny={"encoder_options": {"width": 0.125, "fc": ((6, 32), (1, 32))}},
    ),
}
PADDINGS = ("same", "caffe")


@register(
    VARIANTS,
    task="segmentation",
    paper=PAPER,
    input_size=(500, 500),
    warm_start_options={"skip_start": "zeros"},
    tiny={"encoder_options": {"width": 0.125, "fc": ((7, 32), (1, 32))}},
)
def fcn(
    image: Any,
    classes: int,
    *,
    skips: tuple[int, ...],
    caffe_offsets: tuple[int, ...],
    encoder: str = "vgg16",
    encoder_options: Mapping[str, Any] | None = None,
    padding: str = "same",
    final_kernel: int | None = None,
    skip_scales: tuple[float, ...] | None = None,
    auxiliary: tuple[int, ...] = (),
    upsampler: str = "bilinear",
    skip_start: str = "glorot_uniform",
) -> Any:
    """Encoder → fc6, fc7 → score → upsample and add a skip's score, for each skip → upsample to the image.

    Args:
        image: N×H×W×C, 0–255.
        classes: channels of every score.
        skips: strides of the features whose scores are added, deep to shallow.
        caffe_offsets: rows and columns cropped from each skip and from the final map when padding="caffe".
        encoder: any encoder with stride 32 and the skips' strides.
        encoder_options: options of that encoder.
        padding: "same" or "caffe" (encoders with a `margin` only: VGG and AlexNet).
        final_kernel: side of the last upsampling kernel; twice its stride by default.
        skip_scales: factor on each skip's features, as in the at-once release: (0.01, 0.0001) for 8s.
        auxiliary: strides of the features that get an auxiliary head for training, such as (16,); padding="same" only.
        upsampler: of `zoo.models.blocks.upsampling`; with padding="same" only.
        skip_start: Keras's initializer of the skips' scores; "zeros" where a trained network is grown.

    Returns:
        N×H×W×classes logits.
    """
    caffe = is_caffe(padding, auxiliary, upsampler)
    padded = "valid" if caffe else "same"
    options = {**encoder_entry(encoder).options, **(encoder_options or {})}
    margin = {"margin": CAFFE_MARGIN} if caffe else {}
    features = encoder_features(encoder, image, on_grid=not caffe, **margin, **(encoder_options or {}))

    x = fully_connected(features.at(32)[0], options.get("fc", ()), padded)
    x = keras.layers.Conv2D(classes, 1, name="score")(x)

    stride = 32
    for skip, offset, scale in zip(skips, caffe_offsets, skip_scales or [1.0] * len(skips), strict=False):
        x = upsample(x, upsampler, Step(stride // skip, classes, f"upscore_s{skip}", padding=padded))
        feature = features.at(skip)[0]
        if scale != 1:
            feature = keras.layers.Rescaling(scale, name=f"scale_s{skip}")(feature)
        score = keras.layers.Conv2D(classes, 1, kernel_initializer=skip_start, name=f"score_s{skip}")(feature)
        if caffe:
            score = layers.CropLike(offset, name=f"crop_s{skip}")([score, x])
        else:
            x = layers.CropLike(name=f"crop_s{skip}")([x, score])
        x = keras.layers.Add(name=f"fuse_s{skip}")([x, score])
        stride = skip
    x = upsample(x, upsampler, Step(stride, classes, f"upscore_x{stride}", kernel=final_kernel, padding=padded))
    logits = layers.CropLike(caffe_offsets[-1] if caffe else 0, name="crop")([x, image])
    return deeply_supervised(logits, image, features, auxiliary)


def fully_connected(x: Any, fc: Sequence[tuple[int, int]], padding: str) -> Any:
    """A classifier's hidden layers as convolutions of their kernels and units, with dropout."""
    for number, (kernel, units) in enumerate(fc, start=6):
        x = keras.layers.Conv2D(units, kernel, padding=padding, activation="relu", name=f"fc{number}")(x)
        x = keras.layers.Dropout(0.5, name=f"dropout{number}")(x)
    return x


def is_caffe(padding: str, auxiliary: tuple[int, ...], upsampler: str) -> bool:
    """Whether the released padding is asked for; refuses what goes with neither."""
    if padding not in PADDINGS:
        raise unknown("padding", padding, PADDINGS)
    if padding == "caffe" and auxiliary:
        raise InputError(f"auxiliary={auxiliary} needs features that lie over the image; leave out padding='caffe'")
    if padding == "caffe" and upsampler != "bilinear":
        raise InputError(f"the released crops fit its own upsampling: leave out upsampler={upsampler!r} or padding='caffe'")
    return padding == "caffe"
