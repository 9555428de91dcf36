"""rednet_lite.denoise: photographs freed of noise of any strength up to 55 levels, from T91 alone.

    zoo train --recipe rednet_lite.denoise --data noise:PATH --out runs/rednet_lite_denoise
    zoo recipes pack rednet_lite.denoise runs/rednet_lite_denoise --data noise:PATH

An epoch shows each photograph 32 times, at half its size, with noise of another strength each time. The first stage learns by
the absolute difference and ended at 29.6 dB on Set5, the mean over 10, 25 and 50 levels; the second begins its rate anew,
counts small errors by their square, as PSNR does, and ended at 30.2. (A first network saw the picture at half its size alone,
as pixels in channels; it had learnt nothing after 200 steps.) The third, added when the run of the two was gone, begins behind
the weights that they had left, and learns by PSNR and SSIM themselves:

    zoo recipes take-over rednet_lite.denoise runs/rednet_lite_denoise --stage once_more

It ended at 30.4. Set5 chose the epoch, Set14 nothing.

On one of two CPU cores, which other work had too: 50 minutes, 6,840 steps of 16 crops; the third stage on a fifth of one, 20
minutes, 2,520 steps. One seed. Hours on a GPU would give the network what its 220,000 parameters have room for.

What int8 loses is lost in the convolutions before sums, whose values lie within a fraction of the ends of what few of them
reach (`converters.layer_errors`: 12 to 15 dB there, 20 and more elsewhere). The file's ends are begun with the least error, its
channels are equalised where sums and sub-pixels leave them free, and it learns on with its rounding, for 360 steps: in vain, it
loses what the weights gained as before.
"""

from typing import Any

from zoo.recipes import Recipe, Stage, StageContext
from zoo.recipes.presets import T91, T91_LICENSE, at_their_pixels, continuing


def settings(epochs: int, learning_rate: float, crop: int, **others: Any) -> dict[str, Any]:
    """Crops of whole pixels, each with noise of another strength."""
    return at_their_pixels(epochs, learning_rate, crop, **{"ema": 0.999, "validate_every": 5, **others})


def from_the_start(context: StageContext) -> dict[str, Any]:
    """By the absolute difference."""
    return settings(20, 2e-3, 48)


def once_more(context: StageContext) -> dict[str, Any]:
    """With the rate begun anew, and small errors by their square, as PSNR counts them."""
    from zoo.losses.charbonnier import Charbonnier

    return settings(18, 1.5e-3, 48, loss=Charbonnier(0.02))


def by_quality(context: StageContext) -> dict[str, Any]:
    """By decibels, of which a picture with little noise has as many to gain as another, and structure."""
    from zoo.losses.picture_quality import PictureQualityLoss

    return settings(14, 1.5e-3, 48, loss=PictureQualityLoss(), ema=0.995, validate_every=7)


def rounded(context: StageContext) -> dict[str, Any]:
    """With the rounding of the int8 file; the ends of what layers span are larger than weights, and learn faster."""
    from zoo.losses.picture_quality import PictureQualityLoss

    ends = {"*_rounded*": 10.0}
    return settings(2, 3e-4, 48, loss=PictureQualityLoss(), ema=0.98, lr_scale=ends)


RECIPE = Recipe(
    name="rednet_lite.denoise",
    data="noise",
    data_options="repeat=32",
    source=T91,
    license=T91_LICENSE,
    size=(256, 256),
    before=(
        Stage("from_the_start", "rednet_lite", from_the_start),
        Stage("once_more", "rednet_lite", once_more, continuing("best.weights.h5")),
    ),
    build=continuing("best.weights.h5"),
    train=by_quality,
    rounded=rounded,
    overlap=64,
)
