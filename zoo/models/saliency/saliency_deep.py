"""Deep saliency network (SalNet): nine convolutions with large kernels at stride 4, and one transposed one.

Pan, Sayrol, Giró-i-Nieto, McGuinness & O'Connor, "Shallow and Deep Convolutional Networks for Saliency Prediction", CVPR 2016.

Faithful to the authors' deploy.prototxt: kernels of 7, 5, 3, 5, 5, 7, 11, 11 and 13, local response normalisation after the
first, overlapping poolings after the first two, 25,806,209 parameters; the picture less its mean over 127.5. The first three
layers have the names and shapes of VGG-CNN-M's (Chatfield et al., 2014), from which the authors start: `init=` takes them from
a `.keras` file in which they are called so, and the others start at random.
Different: the transposed convolution starts as bilinear interpolation; poolings keep to the ⌈H/s⌉ grid at odd sizes too; the
answer is log-odds of heat as of every network of this task. The authors' is a number from −1 to 1, the range in which
`zoo.losses.saliency.EuclideanMapLoss`, their loss, teaches it.
"""

from __future__ import annotations

from typing import Any

from zoo import layers
from zoo.lazy import keras
from zoo.models.blocks.upsampling import Step, upsample
from zoo.models.saliency.saliency_shallow import PAPER
from zoo.registry import Variant, register

VARIANTS = {"saliency_deep": Variant()}
MEAN = (118.0, 110.0, 100.0)  # of the authors' pictures, RGB
HALF = 127.5
ROW = ((512, 3), (512, 5), (512, 5), (256, 7), (128, 11), (32, 11))  # channels and kernel of conv3 to conv8
LAST_KERNEL = 13


@register(VARIANTS, task="saliency", paper=PAPER, input_size=(240, 320), tiny={"width": 0.0625})
def saliency_deep(image: Any, channels: int, *, width: float = 1.0) -> Any:
    """conv1, norm, pool → conv2, pool → conv3 … conv9 at stride 4 → enlarged by 4.

    Args:
        image: N×H×W×C, 0–255.
        channels: maps of heat, 1.
        width: multiplies the channels.

    Returns:
        N×H×W×channels log-odds.
    """

    def conv(x: Any, n: int, kernel: int, number: int) -> Any:
        n = max(2, int(n * width))
        return keras.layers.Conv2D(n, kernel, padding="same", activation="relu", name=f"conv{number}")(x)

    colours = image.shape[-1]
    mean = MEAN if colours == len(MEAN) else (sum(MEAN) / len(MEAN),) * colours
    x = keras.layers.Rescaling(1 / HALF, offset=[-value / HALF for value in mean], name="normalise")(image)
    x = layers.LocalResponseNormalization(name="norm1")(conv(x, 96, 7, 1))
    x = keras.layers.MaxPooling2D(3, 2, padding="same", name="pool1")(x)
    x = keras.layers.MaxPooling2D(3, 2, padding="same", name="pool2")(conv(x, 256, 5, 2))
    for number, (n, kernel) in enumerate(ROW, start=3):
        x = conv(x, n, kernel, number)
    x = keras.layers.Conv2D(channels, LAST_KERNEL, padding="same", name="conv9")(x)
    x = upsample(x, "bilinear", Step(4, channels, "deconv1"))
    return layers.CropLike(name="crop")([x, image])
