r"""pocket_detect.bccd: red and white blood cells and platelets under the microscope.

    zoo train --recipe pocket_detect.bccd --data bccd:PATH --out runs/cells \
        --encoder-weights applications:mobilenet_v2_1.0_224_imagenet.weights.h5
    zoo recipes pack pocket_detect.bccd runs/cells --data bccd:PATH

Without --encoder-weights the encoder starts from the weights that keras.applications publishes.

Twenty-four epochs of 195 pictures at 192×256, not half of a picture's pixels, for the time's sake; scored and converted at
240×320, where the validation pictures were answered better: platelets, some 15 pixels wide in training, are the hardest.
Cells lie any way round, so pictures are mirrored both ways; stains and light vary. The encoder, whose batch normalization
stands still, learns at three tenths of the rate. Not every red cell has a box, so precision looks worse than it is.

int8 is written without correcting biases. Over five draws of calibration pictures the AP50 of the validation pictures lay
within half a point of the float file's (benchmarks/bias_correction.py, docs/results/calibration.md), and with biases corrected
up to 1.2 above it. What int8 gains on the test pictures is theirs, not its own.

56 minutes on two CPU cores that two dozen other processes shared, of which it had a fifth of one.
One seed. What more time would give: longer training, the full 300×400, and a finer map for the platelets.
"""

from zoo.recipes import Recipe
from zoo.recipes.presets import BCCD, BCCD_LICENSE, blood_cells

RECIPE = Recipe(
    name="pocket_detect.bccd",
    data="bccd",
    source=BCCD,
    license=BCCD_LICENSE,
    size=(240, 320),
    build={"encoder_weights": "imagenet"},
    train=blood_cells,
    quantization={"correct_bias": False},
)
