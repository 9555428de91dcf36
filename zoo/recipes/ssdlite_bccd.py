r"""ssdlite.bccd: the cells of `pocket_detect.bccd` by SSDLite, under the same recipe.

    zoo train --recipe ssdlite.bccd --data bccd:PATH --out runs/ssdlite_cells \
        --encoder-weights applications:mobilenet_v2_1.0_224_imagenet.weights.h5
    zoo recipes pack ssdlite.bccd runs/ssdlite_cells --data bccd:PATH

Without --encoder-weights the encoder starts from the weights that keras.applications publishes.

It is there to be compared with: pictures, epochs, sizes, augmentation, rates and encoder are those of `pocket_detect.bccd`
(`zoo.recipes.presets.blood_cells`), and so is the size that it is scored and converted at. Its default boxes are those of the
paper, whose smallest have a fifth of the picture's side; platelets have a twentieth.

Its weights are not made yet. Six of its 24 epochs took 45 minutes on a twentieth of a CPU core; the AP50 of the validation
pictures was at 0.54 then.
"""

from zoo.recipes import Recipe
from zoo.recipes.presets import BCCD, BCCD_LICENSE, blood_cells

RECIPE = Recipe(
    name="ssdlite.bccd",
    data="bccd",
    source=BCCD,
    license=BCCD_LICENSE,
    size=(240, 320),
    build={"encoder_weights": "imagenet", "input_shape": (192, 256, 3)},
    train=blood_cells,
)
