"""U-Net for objects side by side: the same graph, whose channels are the ground, the objects' insides, and where they touch.

Ronneberger, Fischer & Brox, "U-Net: Convolutional Networks for Biomedical Image Segmentation", 2015. The third class is what
most of the Data Science Bowl 2018's entries added: Caicedo et al., "Nucleus segmentation across imaging experiments: the 2018
Data Science Bowl", Nature Methods 2019.

Faithful: the graph, as zoo/models/segmentation/unet.py says.
Different: U-Net's paper leaves a border between touching cells to the background and weighs it up; here it is a class of its
own, over which a watershed grows the insides (zoo/outputs/instances.py), so that objects do not lose what the border takes.
"""

from __future__ import annotations

from zoo.models.segmentation.unet import PAPER, unet
from zoo.outputs.class_names import ISBI
from zoo.paper import Paper
from zoo.registry import Variant, register

BOWL = Paper(
    "Nucleus segmentation across imaging experiments: the 2018 Data Science Bowl",
    "Caicedo et al.",
    2019,
    "https://doi.org/10.1038/s41592-019-0612-7",
)
VARIANTS = {"unet_instances": Variant(options={"padding": "same"}, min_size=16, classes=ISBI[1:], inspired_by=(BOWL,))}

register(
    VARIANTS, task="instance_segmentation", paper=PAPER, input_size=(572, 572), channels=1, tiny={"width": 0.0625}
)(unet)
