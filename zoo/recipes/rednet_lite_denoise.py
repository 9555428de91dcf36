"""rednet_lite.denoise: photographs freed of noise of any strength up to 55 levels, from T91 alone.

    zoo train --recipe rednet_lite.denoise --data noise:PATH --out runs/rednet_lite_denoise
    zoo recipes pack rednet_lite.denoise runs/rednet_lite_denoise --data noise:PATH

An epoch shows each photograph 32 times, at half its size, with noise of another strength each time. The first stage learns by
the absolute difference and ended at 29.6 dB on Set5, the mean over 10, 25 and 50 levels; the second begins its rate anew,
counts small errors by their square, as PSNR does, and ended at 30.2. (A first network saw the picture at half its size alone,
as pixels in channels; it had learnt nothing after 200 steps.) Set5 chose the epoch, Set14 nothing.

On one of two CPU cores, which other work had too: 50 minutes, 6,840 steps of 16 crops. One seed. What int8 loses is the steps
of its activations, which noise of 50 levels makes as coarse for noise of 10; training for them (`converters.quantize_aware`)
was not tried, and hours on a GPU would give the network what its 220,000 parameters have room for.
"""

from typing import Any

from zoo.recipes import Recipe, Stage, StageContext
from zoo.recipes.presets import T91, T91_LICENSE, at_their_pixels, continuing


def settings(epochs: int, learning_rate: float, crop: int, **others: Any) -> dict[str, Any]:
    """Crops of whole pixels, each with noise of another strength."""
    return at_their_pixels(epochs, learning_rate, crop, ema=0.999, validate_every=5, **others)


def from_the_start(context: StageContext) -> dict[str, Any]:
    """By the absolute difference."""
    return settings(20, 2e-3, 48)


def once_more(context: StageContext) -> dict[str, Any]:
    """With the rate begun anew, and small errors by their square, as PSNR counts them."""
    from zoo.losses.charbonnier import Charbonnier

    return settings(18, 1.5e-3, 48, loss=Charbonnier(0.02))


RECIPE = Recipe(
    name="rednet_lite.denoise",
    data="noise",
    data_options="repeat=32",
    source=T91,
    license=T91_LICENSE,
    size=(256, 256),
    before=(Stage("from_the_start", "rednet_lite", from_the_start),),
    build=continuing("best.weights.h5"),
    train=once_more,
    overlap=64,
)
