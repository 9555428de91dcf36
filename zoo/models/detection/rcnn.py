"""R-CNN: every proposal is cut out, warped to a classifier's size and told by linear machines over the classifier's features.

Girshick, Donahue, Darrell & Malik, "Rich feature hierarchies for accurate object detection and semantic segmentation", CVPR
2014.

Four parts that learn one after the other, and no graph that holds them all; so this is no network of the registry but a class:

    proposals   any function of a picture to boxes, as `zoo.classical.open("selective_search")` (section 2.1)
    features    a network of crops: `crop_network` over any encoder, or one's own; `tune` trains it on the proposals, as those
                that overlap a thing by half and as background (2.3)
    machines    a linear support vector machine a class: things themselves against what overlaps none of the class by 0.3, of
                which only the hard ones are kept, picture by picture (2.3 and appendix B)
    boxes       a linear regression a class from the features of a proposal to the thing that it overlaps by 0.6 (appendix C)

>>> search = zoo.classical.open("selective_search")
>>> detector = RCNN(crop_network("mobilenet_v2", (96, 96)), search, data.classes)
>>> detector.fit(data, folder="runs/rcnn")              # goes on where it was broken off
>>> zoo.evaluate(detector, test).scores["ap50"]

Faithful: 16 pixels of context of the warped crop, what lies beyond the picture filled with the mean colour; the overlaps of
each part; 32 windows of things to 96 of background; the machines' and the regression's settings, which
`zoo.models.blocks.region_machines` has; suppression at 0.3 a class.
Different: the encoder is whichever one gives, and crops are of its size, not 227 pixels; regression sees the same features as
the machines, the paper's the map before them; scores are the machines' margins through a logistic function, since a score is 0
to 1 here. Tuning draws its windows from a few pictures a step, not from all.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.errors import InputError
from zoo.lazy import keras
from zoo.models.blocks.region_machines import BESIDE, BoxRegression, Machines, Pictured, Windows
from zoo.models.encoders import features as encoder_features
from zoo.outputs import OutputSpec
from zoo.outputs.box_selection import intersection_over_union, select
from zoo.outputs.boxes import answer, box_output
from zoo.paper import Paper

if TYPE_CHECKING:
    from zoo.data import Dataset

PAPER = Paper(
    "Rich feature hierarchies for accurate object detection and semantic segmentation", "Girshick et al.", 2014,
    "https://arxiv.org/abs/1311.2524",
)  # fmt: skip
CONTEXT = 16  # pixels of the crop around the proposal
MEAN = (124, 116, 104)  # ImageNet's mean colour, of what lies beyond the picture
THING = 0.5  # least overlap of a window that tuning takes for a thing
OVERLAP = 0.3  # of two boxes of a class, above which the lower goes
PICTURES, THINGS, BACKGROUND = 4, 8, 24  # of a step of tuning: pictures, and windows of each


def crop_network(
    encoder: str = "mobilenet_v2", size: tuple[int, int] = (224, 224), options: Mapping[str, Any] | None = None
) -> keras.Model:
    """A network from crops, N×H×W×3 in 0–255, to a vector each: the mean of an encoder's deepest map.

    Trained weights come in by `zoo.build.load_encoder(network, encoder, weights)`.

    Args:
        encoder: any encoder.
        size: (H, W) of the crops.
        options: of that encoder.
    """
    image = keras.Input((*size, 3), name="image")
    x = encoder_features(encoder, image, **(options or {})).deepest
    return keras.Model(image, keras.layers.GlobalAveragePooling2D(name="mean")(x), name=f"{encoder}_crops")


def warped(image: np.ndarray, boxes: np.ndarray, size: tuple[int, int], context: int = CONTEXT) -> np.ndarray:
    """The picture's crops at the boxes, each stretched to one size with some of what is around it: uint8 n×H×W×3.

    Args:
        image: uint8 H×W×3.
        boxes: n×4, x0, y0, x1, y1 in pixels.
        size: (H, W) of a crop.
        context: pixels of the crop, on each side, that are around the box.
    """
    from PIL import Image

    height, width = size
    if 2 * context >= min(size):
        raise InputError(f"context={context}: crops of {height}×{width} have no room for it on both sides; give less")
    picture, crops = Image.fromarray(image), np.empty((len(boxes), height, width, 3), np.uint8)
    around = np.array([width, height]) / (np.array([width, height]) - 2 * context) / 2
    for crop, box in zip(crops, np.asarray(boxes, np.float64), strict=True):
        middle, half = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) * around
        extent = (*(middle - half), *(middle + half))
        crop[:] = picture.transform(
            (width, height), Image.Transform.EXTENT, extent, Image.Resampling.BILINEAR, fillcolor=MEAN
        )
    return crops


class RCNN:
    """A detector of proposals, a network of crops and linear machines; once it has learnt, a function of one image.

    Args:
        network: from crops N×H×W×3 of a known size, 0–255, to a vector each.
        proposals: from a picture to boxes n×4 or more columns, x0, y0, x1, y1 in pixels, the most promising first.
        classes: names.
        most: how many proposals of a picture are looked at.
        context: pixels around a proposal, of the crop.
        batch_size: crops at once.

    Raises:
        InputError: for a network of another shape.
    """

    def __init__(
        self,
        network: keras.Model,
        proposals: Callable[[np.ndarray], np.ndarray],
        classes: Sequence[str],
        *,
        most: int = 2000,
        context: int = CONTEXT,
        batch_size: int = 128,
    ) -> None:
        shape, vector = network.input_shape, network.output_shape
        if len(shape) != 4 or None in shape[1:] or shape[3] != 3 or len(vector) != 2:
            raise InputError(f"{network.name}: from {shape} to {vector}; expected crops N×H×W×3 of a known size and N×features")
        self.network, self.proposals, self.classes = network, proposals, tuple(classes)
        self.most, self.context, self.batch_size = int(most), int(context), int(batch_size)
        self.name = f"rcnn over {network.name}"
        self._machines: Machines | None = None
        self._regression: BoxRegression | None = None

    @property
    def spec(self) -> OutputSpec:
        """The meaning of its answers."""
        return box_output(self.classes)

    # ------------------------------------------------------------------------------------------------ learning

    def fit(
        self, dataset: Dataset, folder: str | Path | None = None, *, steps: int = 0, rate: float = 1e-3, seed: int = 0
    ) -> RCNN:
        """Learns from a data set of boxes, part by part.

        Each picture's proposals and features, the tuned network and the machines are written into the folder once they are
        there; called again with the same arguments it goes on from them. Features take 4 bytes a number: 16 MB a picture of
        2,000 proposals and 2,048 features.

        Args:
            dataset: of the task detection.
            folder: for what has been done; None for none, and then it begins anew each time.
            steps: of tuning, 0 for none: the network is then taken as it is.
            rate: of tuning, of Adam.
            seed: of what tuning draws.

        Raises:
            InputError: for data of other classes, and a folder of another run.
        """
        if tuple(dataset.classes) != self.classes:
            raise InputError(f"{dataset.name} has the classes {dataset.classes} and this detector {self.classes}")
        if folder is None:
            with TemporaryDirectory() as temporary:
                return self.fit(dataset, temporary, steps=steps, rate=rate, seed=seed)
        folder = _folder(Path(folder), self._facts(dataset, steps, rate, seed))
        if steps:
            tuned = folder / "network.weights.h5"
            if not tuned.is_file():
                self.tune(dataset, folder, steps, rate, seed)
                unfinished = folder / "unfinished.weights.h5"
                self.network.save_weights(unfinished)
                unfinished.replace(tuned)
            self.network.load_weights(tuned)
        pictures, parts = functools.partial(self._pictures, dataset, folder), folder / "machines.npz"
        if not parts.is_file():
            machines = Machines.learnt(pictures, len(self.classes))
            regression = BoxRegression.learnt(pictures(), machines.scale, len(self.classes))
            unfinished = folder / "unfinished_machines.npz"
            np.savez(unfinished, *machines, *regression)
            unfinished.replace(parts)
        with np.load(parts) as arrays:
            weights, bias, scale, *others = (arrays[name] for name in arrays.files)
        self._machines, self._regression = Machines(weights, bias, float(scale)), BoxRegression(*others)
        return self

    def tune(self, dataset: Dataset, folder: Path, steps: int, rate: float, seed: int = 0) -> list[float]:
        """Trains the network to tell proposals apart, by a last layer that is then left out; the loss of each step.

        Args:
            dataset: of boxes.
            folder: where proposals are kept.
            steps: of `PICTURES` pictures each.
            rate: of Adam.
            seed: of the windows that are drawn.
        """
        random = np.random.default_rng(seed)
        logits = keras.layers.Dense(1 + len(self.classes), name="tuned_classes")(self.network.output)
        model = keras.Model(self.network.input, logits)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.Adam(rate), loss, jit_compile=False)
        model.optimizer.build(model.trainable_variables)  # TensorFlow would trace the first step twice
        losses = []
        for _ in range(steps):
            crops, labels = [], []
            for index in random.choice(len(dataset), min(PICTURES, len(dataset)), replace=False):
                sample = dataset[int(index)]
                windows = self._windows(sample, int(index), folder)
                best = windows.overlaps.max(axis=1)
                own = [np.flatnonzero(best >= THING), np.flatnonzero(best < THING)]
                counts = zip(own, (THINGS, BACKGROUND), strict=True)
                chosen = np.concatenate([random.choice(rows, min(n, len(rows)), replace=False) for rows, n in counts])
                crops.append(warped(sample.image, windows.boxes[chosen], self._size, self.context))
                labels.append(np.where(best >= THING, 1 + windows.overlaps.argmax(axis=1), 0)[chosen])
            batch = np.concatenate(crops).astype(np.float32)
            losses.append(float(model.train_on_batch(batch, np.concatenate(labels))))
        return losses

    # ------------------------------------------------------------------------------------------------ answering

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """The things of an image, float32 n×6: x0, y0, x1, y1 in pixels, class and score, the best first.

        Args:
            image: uint8 H×W×3.

        Raises:
            InputError: before it has learnt.
        """
        if self._machines is None or self._regression is None:
            raise InputError(f"{self.name} has not learnt yet: call fit(dataset) first")
        boxes = self._proposed(image)
        if not len(boxes):
            return np.zeros((0, 6), np.float32)
        features = self.features(image, boxes) * self._machines.scale
        size, count = np.shape(image)[:2], len(self.classes)
        sides = np.array([size[1], size[0]] * 2, np.float64)
        moved = np.clip(self._regression.moved(boxes, features) / sides, 0, 1).reshape(-1, 4)  # a row a box and class
        scores = 1 / (1 + np.exp(-self._machines.margins(features)))
        return answer(select(moved, (scores[..., None] * np.eye(count)).reshape(-1, count), {"overlap": OVERLAP}), size)

    def features(self, image: np.ndarray, boxes: np.ndarray) -> np.ndarray:
        """What the network says of each box of a picture, float32 n×features."""
        parts = []
        for first in range(0, len(boxes), self.batch_size):
            crops = warped(image, boxes[first : first + self.batch_size], self._size, self.context)
            room = np.zeros((self.batch_size, *crops.shape[1:]), np.float32)  # always as many: one trace for all
            room[: len(crops)] = crops
            parts.append(np.asarray(self.network.predict_on_batch(room))[: len(crops)])
        return np.concatenate(parts) if parts else np.zeros((0, self.network.output_shape[1]), np.float32)

    # ------------------------------------------------------------------------------------------------ by picture

    @property
    def _size(self) -> tuple[int, int]:
        return self.network.input_shape[1:3]

    def _facts(self, dataset: Dataset, steps: int, rate: float, seed: int) -> dict[str, Any]:
        shapes = [list(weight.shape) for weight in self.network.weights]
        own = {"network": self.network.name, "shapes": shapes, "most": self.most, "context": self.context}
        drawn = {"steps": steps, "rate": rate, "seed": seed, "proposals": getattr(self.proposals, "name", "")}
        return {**own, **drawn, "data": dataset.name, "pictures": len(dataset), "classes": list(self.classes)}

    def _proposed(self, image: np.ndarray) -> np.ndarray:
        boxes = np.asarray(self.proposals(image), np.float32)[:, :4]
        return boxes[(boxes[:, 2:] > boxes[:, :2]).all(axis=1)][: self.most]

    def _windows(self, sample: Any, index: int, folder: Path) -> Windows:
        """The windows of a picture, whose proposals are kept in the folder; those on ignored things are left out."""
        proposed = _kept(folder / f"proposals_{index:06}.npy", lambda: self._proposed(sample.image))
        target, count = sample.target, len(self.classes)
        counted = ~target.ignored
        aside = intersection_over_union(proposed[:, None], target.values[target.ignored][None])
        proposed = proposed[aside.max(axis=1, initial=0.0) < BESIDE]
        edges, labels = target.values[counted], target.labels[counted]
        boxes = np.concatenate([proposed, edges]).astype(np.float32)
        shares = intersection_over_union(boxes[:, None], edges[None])
        overlaps, wanted = np.zeros((len(boxes), count), np.float32), np.zeros((len(boxes), count, 4), np.float32)
        for label in np.unique(labels):
            own = np.flatnonzero(labels == label)
            overlaps[:, label] = shares[:, own].max(axis=1)
            wanted[:, label] = edges[own[shares[:, own].argmax(axis=1)]]
        return Windows(boxes, overlaps, wanted, np.concatenate([np.full(len(proposed), -1), labels]))

    def _pictures(self, dataset: Dataset, folder: Path) -> Iterator[Pictured]:
        """Of each picture its windows and their features."""
        for index in range(len(dataset)):
            sample = dataset[index]
            windows = self._windows(sample, index, folder)
            path = folder / f"features_{index:06}.npy"
            yield windows, _kept(path, functools.partial(self.features, sample.image, windows.boxes))


def _folder(folder: Path, facts: dict[str, Any]) -> Path:
    """The folder of a run, begun where there is none.

    Raises:
        InputError: for one of another run.
    """
    path = folder / "rcnn.json"
    if path.is_file():
        old = json.loads(path.read_text(encoding="utf-8"))
        if other := sorted(name for name in facts.keys() | old.keys() if facts.get(name) != old.get(name)):
            raise InputError(f"{folder} holds another run: {', '.join(other)} differ; give another folder, or remove it")
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    return folder


def _kept(path: Path, make: Callable[[], np.ndarray]) -> np.ndarray:
    """The array of a file; made now, and left there whole, where there is none."""
    if not path.is_file():
        unfinished = path.with_name(f"unfinished_{path.name}")
        np.save(unfinished, make())
        unfinished.replace(path)
    return np.load(path)
