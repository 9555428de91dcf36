"""Two stages: the answer of a detector that looks at regions again, and the network by which it learns both stages at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from zoo.layers.proposals import Proposals
from zoo.layers.region_boxes import VARIANCES, RegionBoxes
from zoo.losses.box_targets import COLUMNS, ROWS, learnt
from zoo.losses.two_stage import Regions, Things, proposal_losses, region_losses, sampled_regions

_SIDES = 4


class _Facts(NamedTuple):
    """The facts of an answer that its network in training needs."""

    things: Callable[[Any], Things]
    losses: Callable[[Any, Regions, Sequence[Any]], list[Any]]
    heads: int
    picture: tuple[int, int]
    anchors: int


@keras.saving.register_keras_serializable(package="densezoo")
class TwoStageBoxes(RegionBoxes):
    """The rows of `RegionBoxes`, of [regions, logits, offsets, map, …], by a network that learns where its regions are too.

    What the second stage is to learn is known only when the truth is: its regions are drawn among the proposals and the things
    of the picture. So the network that learns is another one than the one that answers, of the same layers: `shown` makes it
    (approximate joint training, Ren et al. 2015, section 3.2), and `zoo.layers.supervised` asks for it. Pictures and their
    things go in, as `zoo.losses.box_targets.padded` has them, and its losses come out, which `zoo.losses.box_corners` adds up.

    The maps are those that regions are cut from; only learning needs them here. Regions that come from `Proposals` make that
    learn as well.

    Args:
        picture, variances: as of `RegionBoxes`.
        anchors: of each picture that proposals learn from, drawn; of regions as many learn as answer.
    """

    _heads, _columns = 2, COLUMNS  # inputs behind the regions that are answers of the second stage; numbers of a thing

    def __init__(
        self, picture: tuple[int, int], variances: Sequence[float] = VARIANCES, anchors: int = 256, **kwargs: Any
    ) -> None:
        super().__init__(picture, variances, **kwargs)
        self.anchors = int(anchors)
        self.noise = keras.random.SeedGenerator(0)  # its state is the network's, so that a run can be gone on with

    def call(self, inputs: Sequence[Any]) -> Any:
        return super().call(inputs[:3])

    def shown(self) -> tuple[keras.KerasTensor, keras.KerasTensor]:
        """An input for the things of each picture, N×rows×columns, and the losses N×losses of a network that is shown them."""
        regions, *rest = self.input
        heads, maps, proposer = rest[: self._heads], rest[self._heads :], regions._keras_history.operation
        proposes = isinstance(proposer, Proposals)
        things = keras.Input((ROWS, self._columns), name="things")
        boxes, facts = _Draw(self, name="drawn")([regions, things])
        answers = keras.Model([*maps, regions], heads, name="second_stage")([*maps, boxes])
        losses = _Losses(self, proposer.anchors if proposes else None, name="losses")
        return things, losses([things, boxes, facts, *answers, *(proposer.input if proposes else ())])

    def head_losses(self, things: Any, drawn: Regions, answers: Sequence[Any]) -> list[Any]:
        """The losses of what the second stage says of regions.

        Args:
            things: N×rows×columns, as the input has them.
            drawn: the regions.
            answers: of the heads: logits and offsets.
        """
        return list(region_losses(*answers, drawn))

    def things(self, rows: Any) -> Things:
        """Rows N×n×6 of `padded` as things in pixels."""
        height, width = self.picture
        sides = ops.convert_to_tensor(np.array([width, height] * 2, np.float32))
        return Things(rows[..., :_SIDES] * sides, rows[..., _SIDES], learnt(rows))

    def facts(self) -> _Facts:
        """What the layers of the network that learns ask of it; not itself, whose seeds they would then count twice."""
        return _Facts(self.things, self.head_losses, self._heads, self.picture, self.anchors)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "anchors": self.anchors}


class _Draw(keras.layers.Layer):
    """[proposals N×R×4, things N×n×columns] → regions N×R×4 to learn from, and of each its label, offsets, weight and thing.

    For training only, so that nobody saves it.
    """

    def __init__(self, answer: TwoStageBoxes, **kwargs: Any) -> None:
        super().__init__(dtype="float32", **kwargs)
        self._things, self.noise = answer.things, answer.noise

    def call(self, inputs: Sequence[Any]) -> tuple[Any, Any]:
        proposals, rows = inputs
        count = proposals.shape[1]
        noise = keras.random.uniform((ops.shape(rows)[0], count + rows.shape[1]), seed=self.noise)
        drawn = sampled_regions(proposals, self._things(rows), noise, count=count)
        numbers = [ops.cast(each, "float32")[..., None] for each in (drawn.labels, drawn.weights, drawn.matches)]
        return drawn.boxes, ops.concatenate([*numbers, drawn.offsets], axis=-1)

    def compute_output_spec(self, inputs: Sequence[Any]) -> tuple[keras.KerasTensor, keras.KerasTensor]:
        shape = inputs[0].shape
        return keras.KerasTensor(shape, dtype="float32"), keras.KerasTensor((*shape[:2], 3 + _SIDES), dtype="float32")


class _Losses(keras.layers.Layer):
    """[things, regions, facts of these, answers of the heads, objectness and offsets of each level] → a batch's losses.

    Those of the objectness and the anchors' offsets, where there are anchors, and those of the heads; in a row, the same for
    every picture. As `_Draw`.
    """

    def __init__(self, answer: TwoStageBoxes, anchors: np.ndarray | None, **kwargs: Any) -> None:
        super().__init__(dtype="float32", **kwargs)
        self._answer, self._anchors, self.noise = answer.facts(), anchors, answer.noise

    def call(self, inputs: Sequence[Any]) -> Any:
        answer = self._answer
        rows, boxes, facts, *said = (ops.cast(x, "float32") for x in inputs)
        labels, matches = (ops.cast(facts[..., place], "int32") for place in (0, 2))
        drawn = Regions(boxes, labels, facts[..., 3:], facts[..., 1], matches)
        losses = [] if self._anchors is None else self._of_proposals(answer.things(rows), said[answer.heads :])
        losses += answer.losses(rows, drawn, said[: answer.heads])
        return ops.zeros_like(facts[:, 0, :1]) + ops.stack(losses)[None]

    def _of_proposals(self, things: Things, said: Sequence[Any]) -> list[Any]:
        batch, (height, width) = ops.shape(things.boxes)[0], self._answer.picture
        objectness = ops.concatenate([ops.reshape(x, (batch, -1)) for x in said[::2]], axis=1)
        offsets = ops.concatenate([ops.reshape(x, (batch, -1, _SIDES)) for x in said[1::2]], axis=1)
        anchors = self._anchors
        within = (anchors[:, :2] >= 0).all(axis=1) & (anchors[:, 2:] <= [width, height]).all(axis=1)
        usable = within if within.any() else np.ones_like(within)  # of a small picture no anchor may lie within it
        noise = keras.random.uniform(ops.shape(objectness), seed=self.noise)
        anchors, usable = ops.convert_to_tensor(anchors), ops.convert_to_tensor(usable)
        count = self._answer.anchors
        return list(proposal_losses(objectness, offsets, anchors, things, noise, usable=usable, count=count))

    def compute_output_spec(self, inputs: Sequence[Any]) -> keras.KerasTensor:
        count = self._answer.heads + (0 if self._anchors is None else 2)
        return keras.KerasTensor((inputs[0].shape[0], count), dtype="float32")
