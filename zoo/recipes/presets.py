"""Presets: what several recipes have in common, said once.

A recipe that shares a preset moves with it. The settings of a finished run are in its checkpoints, and packing refuses a run
that is no longer its recipe's, so a change here cannot pass for what was trained.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

    from zoo.data import Augment
    from zoo.recipes import Recipe, StageContext

CAMVID = "CamVid (Brostow, Fauqueur & Cipolla 2009)"
CAMVID_LICENSE = "none stated for the data: research use (SegNet's repository, whose split this is: CC BY-NC 4.0)"
CCP = "Clothing Co-Parsing (Yang, Luo & Lin, CVPR 2014), 804 / 100 / 100 photographs; encoder from ImageNet"
CCP_LICENSE = "Apache-2.0"
T91 = "T91 (Yang, Wright, Huang & Ma, TIP 2010), 90 photographs; chosen on Set5, scored on Set14"
T91_LICENSE = "none stated for the photographs: research use"
BCCD = (
    "BCCD (Shenggan 2018; images by cosmicad and akshaylamba), 195 / 83 / 72 pictures without shared fields of view; "
    "encoder from ImageNet"
)
BCCD_LICENSE = "MIT"


def streets() -> Augment:
    """Crops of street scenes' own pixels at scales from 0.6 to 1.7, in much other light: test drives are at other hours."""
    from zoo.data import Augment

    return Augment(
        native=True, scale=(0.6, 1.7), stretch=1.2, brightness=0.45, contrast=0.35, saturation=0.4, hue=6, blur=0.1, noise=4
    )


def cross_entropy_and_dice(context: StageContext, class_weights: str | None = None) -> keras.losses.Loss:
    """Cross-entropy beside the Dice loss, which asks for every class alike.

    Args:
        context: of the stage; its data's ignore value is not counted, 255 where they have none.
        class_weights: a rule of `zoo.losses.class_weights_from`, or None.
    """
    from zoo.losses import DiceLoss, SegmentationCrossEntropy, WeightedSum, class_weights_from

    ignore = 255 if context.data.ignore is None else context.data.ignore
    weights = None if class_weights is None else class_weights_from(context.data, class_weights).tolist()
    return WeightedSum([SegmentationCrossEntropy(ignore, weights), DiceLoss(ignore)])


def bordered_cross_entropy(context: StageContext) -> keras.losses.Loss:
    """U-Net's loss, which weighs the borders between touching cells up, and rare classes."""
    from zoo.losses import BorderWeightedCrossEntropy, class_weights_from

    return BorderWeightedCrossEntropy(255, class_weights=class_weights_from(context.data).tolist())


def blood_cells(context: StageContext) -> dict[str, Any]:
    """Settings of `zoo.train` for detectors of blood cells: 24 short epochs, mirrored both ways, in other stains and light."""
    from zoo.data import Augment

    augment = Augment(
        flip_vertical=0.5, scale=(0.8, 1.5), stretch=1.15, brightness=0.25, contrast=0.25, saturation=0.3, hue=8, noise=4
    )
    return {
        "epochs": 24,
        "batch_size": 4,
        "size": (192, 256),
        "learning_rate": 1.5e-3,
        "lr_scale": {"stem*,block*": 0.3},
        "augment": augment,
        "frozen_batchnorm": "stem*,block*",
        "ema": 0.99,
        "validate_every": 6,
    }


def continuing(file: str, **options: Any) -> Callable[[StageContext], Mapping[str, Any]]:
    """Arguments of `zoo.build` that start from what the stage before left.

    Args:
        file: in that stage's folder: "model.keras", or "best.weights.h5" with auxiliary heads and all.
        **options: of the network.
    """

    def build(context: StageContext) -> dict[str, Any]:
        *_, folder = context.earlier.values()
        return {**options, "weights": folder / file}

    return build


def at_their_pixels(epochs: int, learning_rate: float, crop: int, **others: Any) -> dict[str, Any]:
    """Settings of `zoo.train` for pictures out of pictures: small square crops of whole pixels, mirrored either way."""
    from zoo.data.transforms.crops import Crops

    return {
        "epochs": epochs,
        "batch_size": 16,
        "learning_rate": learning_rate,
        "weight_decay": 0.0,
        "augment": Crops(size=(crop, crop)),
        "size": (crop, crop),
        **others,
    }


def enlarging(epochs: int, learning_rate: float, crop: int, ema: float | None = None) -> dict[str, Any]:
    """Settings of `zoo.train` for super-resolution, with the distance of the luma alone."""
    from zoo.losses.luma import LumaCharbonnier

    return at_their_pixels(epochs, learning_rate, crop, loss=LumaCharbonnier(0.01), ema=ema, validate_every=10)


def collapsed(**options: Any) -> Callable[[StageContext], Mapping[str, Any]]:
    """Arguments of `zoo.build` that start from what the stage before left, every wide layer as the plain one that it comes to.

    Args:
        **options: of the network, of plain layers.
    """

    def build(context: StageContext) -> dict[str, Any]:
        from zoo.build import build as build_network
        from zoo.pretrained.weights_io import load

        *_, folder = context.earlier.values()
        wide = load(folder / "model.keras")
        plain = build_network(wide.name, input_shape=wide.input_shape[1:], **options)
        for layer in plain.layers:
            source = wide.get_layer(layer.name)
            layer.set_weights((source.collapsed() if hasattr(source, "collapsed") else source).get_weights())
        path = folder / "collapsed.weights.h5"
        plain.save_weights(path)
        return {**options, "weights": path}

    return build


def enlarged(scale: int, crop: int, wide_epochs: int, plain_epochs: int) -> Recipe:
    """A recipe of `pocket_sr`: every convolution learns as a wide one, and what they collapse to learns on, a little.

    Args:
        scale: that it enlarges by.
        crop: pixels of the small picture along a side.
        wide_epochs, plain_epochs: of T91, each photograph 32 times.
    """
    from zoo.recipes import Recipe, Stage

    network = {"scale": scale, "width": 24, "blocks": 5}

    def wide(context: StageContext) -> dict[str, Any]:
        return enlarging(wide_epochs, 3e-3, crop, ema=0.999)

    def plain(context: StageContext) -> dict[str, Any]:
        return enlarging(plain_epochs, 2e-4, crop)

    return Recipe(
        name=f"pocket_sr.x{scale}",
        data="sr",
        data_options=f"scale={scale},repeat=32",
        source=T91,
        license=T91_LICENSE,
        size=(128, 128),
        before=(Stage("wide", "pocket_sr", wide, network),),
        build=collapsed(**network, expansion=None),
        train=plain,
        overlap=32,
    )
