"""Training in two stages at once: regions to learn from are drawn within a step, among proposals and the things themselves."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.losses.box_targets import learnt
from zoo.losses.two_stage import Things, proposal_losses, region_losses, sampled_regions
from zoo.models.blocks.two_stage import PROPOSALS, first_stage, second_stage
from zoo.training import distribution

_SIDES = 4


class TwoStageTraining(keras.Model):
    """A detector of two stages as `fit` takes it: approximate joint training (Ren et al. 2015, section 3.2).

    Each step proposes, draws regions among the proposals and the things, looks at these again, and adds up four losses. It
    shares every layer with `model`. Targets are those of `zoo.losses.box_targets.padded`, batches of one size.

    >>> model = faster_rcnn((128, 128, 3), classes=5, width=0.125)
    >>> training = TwoStageTraining(model)
    >>> training.compile("adam", jit_compile=False)
    >>> training.fit(images, padded(Boxes.stack(targets)))

    Args:
        model: of one level, as `zoo.models.detection.faster_rcnn` makes it.
        anchors: drawn of each picture; of regions as many as the model looks at.
        seed: of what is drawn.
    """

    def __init__(self, model: keras.Model, anchors: int = 256, seed: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.first, self.second = first_stage(model), second_stage(model)
        self.proposals = model.get_layer(PROPOSALS)
        self.drawn_anchors = int(anchors)
        self.noise = keras.random.SeedGenerator(seed)

    def call(self, image: Any, training: bool | None = None) -> dict[str, Any]:
        outputs = self.first(image, training=training)
        return {**outputs, "proposals": self.proposals([outputs["objectness"], outputs["offsets"]])}

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        target, (height, width) = ops.cast(y, "float32"), self.proposals.picture
        there = learnt(target)
        boxes = target[..., :_SIDES] * ops.convert_to_tensor(np.array([width, height] * 2, np.float32))
        things = Things(boxes, target[..., 4], there)
        objectness = ops.reshape(y_pred["objectness"], (ops.shape(boxes)[0], -1))
        offsets = ops.reshape(y_pred["offsets"], (ops.shape(boxes)[0], -1, _SIDES))
        anchors = self.proposals.anchors
        within = ((anchors[:, :2] >= 0).all(axis=1)) & (anchors[:, 2:] <= [width, height]).all(axis=1)
        usable = within if within.any() else np.ones_like(within)  # of a small picture no anchor may lie within it
        noise = keras.random.uniform(ops.shape(objectness), seed=self.noise)
        anchors, usable = ops.convert_to_tensor(anchors), ops.convert_to_tensor(usable)
        first = proposal_losses(objectness, offsets, anchors, things, noise, usable=usable, count=self.drawn_anchors)
        proposals = y_pred["proposals"]
        total = proposals.shape[1] + boxes.shape[1]
        noise = keras.random.uniform((ops.shape(boxes)[0], total), seed=self.noise)
        regions = sampled_regions(proposals, things, noise, count=self.proposals.count)
        answers = self.second([y_pred["features"], regions.boxes], training=training)
        return (sum(first) + sum(region_losses(answers["scores"], answers["boxes"], regions))) / distribution.parts()
