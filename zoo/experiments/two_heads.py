"""Class and box heads that disagree: one names this object, the other frames that one.

Sermanet, Eigen, Zhang, Mathieu, Fergus & LeCun, "OverFeat: Integrated Recognition, Localization and Detection using
Convolutional Networks", 2014, and Girshick, "Fast R-CNN", 2015, section 2.3: one net, two heads, a loss that is the sum of
theirs.

Such a net is to give the class and the box of a picture's main object, here the largest. Its heads share all features but
not the answer: nothing makes the box be of what the class head names. Where two objects are of nearly the same size, one
head may choose the one and the other the other; the box head, whose squared error is least in the mean, may also choose
neither and lie between the two. A detector that asks for a class in each of many boxes cannot disagree with itself so.

Look at: left, how often, in scenes that were not trained on: what the heads say together. "Split" is the case in question:
the class named is in the scene, the box lies on another object, of another class. Right, the share of splits and of right
answers by how nearly the two largest objects are of one size: the nearer, the more. Below, scenes where the heads split,
with the box and the class named.

A box lies on the object that it overlaps most (intersection over union), and on none where that is below 0.3. The net is small
and trained for a minute or two on a few thousand scenes; often it names a class that is not there at all, which counts as such
and not as a split. The numbers are of this net, not of the method.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from zoo.data.datasets.scenes import CLASSES, Scenes
from zoo.experiments.figures import BLUE, GREEN, INK, ORANGE, QUIET, plain_axes, save_figure
from zoo.outputs.box_selection import intersection_over_union as overlaps

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

OUTCOMES = {  # what the two heads say together → its colour
    "both right": GREEN,
    "both of another": BLUE,
    "split": ORANGE,
    "box on none": QUIET,
    "class not in the scene": "#c9ced4",
}
ON = 0.3  # least intersection over union for a box to lie on an object
BATCH = 32


@dataclass(frozen=True)
class Objects:
    """The visible objects of one scene, the largest first.

    Args:
        labels: n, indices of `CLASSES` from 1.
        boxes: n×4, x0, y0, x1 and y1 in shares of the picture's side.
        areas: n, visible pixels.
    """

    labels: np.ndarray
    boxes: np.ndarray
    areas: np.ndarray

    @property
    def rivalry(self) -> float:
        """The second object's area over the first's: 0 where it is alone, 1 where they are equal."""
        return float(self.areas[1] / self.areas[0]) if len(self.areas) > 1 else 0.0


def scenes(count: int, size: int, split: str) -> tuple[np.ndarray, list[Objects]]:
    """Pictures as float32 count×size×size×3, −1 … 1, and what they show."""
    made = Scenes(count, size, split=split)
    images, shown = np.empty((count, size, size, 3), np.float32), []
    for index in range(count):
        scene = made.scene(index)
        areas = np.bincount(scene.instances.ravel(), minlength=len(scene.boxes) + 1)[1:]
        order = np.argsort(-areas, kind="stable")
        images[index] = scene.image / np.float32(127.5) - 1
        shown.append(Objects(scene.boxes[order, 0], scene.boxes[order, 1:] / size, areas[order]))
    return images, shown


def build(size: int, width: int) -> keras.Model:
    """Four stages of convolutions, then a head for the class' logits and one for the box."""
    picture = x = keras.Input((size, size, 3))
    for stage in range(4):
        x = keras.layers.Conv2D(width * 2**stage, 3, padding="same", use_bias=False, name=f"stage{stage}_conv")(x)
        x = keras.layers.BatchNormalization(name=f"stage{stage}_norm")(x)
        x = keras.layers.MaxPooling2D(2)(keras.layers.ReLU()(x))
    x = keras.layers.Dense(16 * width, "relu", name="shared")(keras.layers.Flatten()(x))
    label = keras.layers.Dense(len(CLASSES) - 1, name="label")(x)
    return keras.Model(picture, {"label": label, "box": keras.layers.Dense(4, name="box")(x)})


def outcome(label: int, box: np.ndarray, shown: Objects) -> str:
    """Which of `OUTCOMES` a class and a box are, in a scene whose main object is the first of `shown`."""
    met = overlaps(box, shown.boxes)
    on = int(np.argmax(met))
    if label not in shown.labels:
        return "class not in the scene"
    if met[on] < ON:
        return "box on none"
    if label != shown.labels[on]:
        return "split"
    return "both of another" if on else "both right"


def train(model: keras.Model, images: np.ndarray, shown: Sequence[Objects], epochs: int) -> None:
    """Both heads on the largest object, Adam along a cosine; half of the pictures are mirrored each time."""
    labels = np.array([objects.labels[0] - 1 for objects in shown])
    boxes = np.array([objects.boxes[0] for objects in shown], np.float32)
    per_epoch = len(images) // BATCH
    losses = {
        "label": keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        "box": lambda truth, answer: 10.0 * keras.ops.mean((truth - answer) ** 2, -1),
    }
    schedule = keras.optimizers.schedules.CosineDecay(2e-3, max(epochs * per_epoch, 1))
    model.compile(keras.optimizers.Adam(schedule), losses, jit_compile=False)
    model.optimizer.build(model.trainable_variables)  # TensorFlow would trace the first step twice
    generator = np.random.default_rng(0)
    for _ in range(epochs):
        order = generator.permutation(len(images))
        for first in range(0, per_epoch * BATCH, BATCH):
            chosen = order[first : first + BATCH]
            batch, frames = images[chosen], boxes[chosen]
            if generator.random() < 0.5:
                batch, frames = (
                    batch[:, :, ::-1],
                    np.stack([1 - frames[:, 2], frames[:, 1], 1 - frames[:, 0], frames[:, 3]], 1),
                )
            model.train_on_batch(batch, {"label": labels[chosen], "box": frames})


def run(
    out: Path,
    *,
    say: Callable[[str], None] = print,
    count: int = 2000,
    tests: int = 800,
    size: int = 48,
    width: int = 16,
    epochs: int = 25,
) -> list[dict[str, Any]]:
    """Trains the net and counts what its heads say together.

    Args:
        out: folder for two_heads.png and two_heads.csv.
        count, tests: scenes to train on, and to count on.
        size: their side in pixels.
        width: channels of the first stage.
        epochs: of training.

    Returns:
        One row a scene that is counted on: scene, objects, rivalry (the second object's area over the largest one's), truth
        (class of the largest), named (class that the one head says), overlap (of the other's box with the object that it meets
        most, 0–1), framed (the class of that object), outcome.
    """
    keras.utils.set_random_seed(0)
    say(f"drawing {count + tests} scenes")
    model = build(size, width)
    train(model, *scenes(count, size, "train"), epochs)
    images, shown = scenes(tests, size, "val")
    answers = {head: keras.ops.convert_to_numpy(values) for head, values in model(images, training=False).items()}
    named = answers["label"].argmax(-1) + 1
    rows = []
    for index, (label, box, objects) in enumerate(zip(named, answers["box"], shown, strict=True)):
        met = overlaps(box, objects.boxes)
        rows.append(
            {
                "scene": index,
                "objects": len(objects.labels),
                "rivalry": round(objects.rivalry, 4),
                "truth": CLASSES[objects.labels[0]],
                "named": CLASSES[label],
                "overlap": round(float(met.max()), 4),
                "framed": CLASSES[objects.labels[int(met.argmax())]],
                "outcome": outcome(label, box, objects),
            }
        )
    for name in OUTCOMES:
        say(f"{name}: {sum(row['outcome'] == name for row in rows) / len(rows):.1%} of scenes")
    split = [row for row in rows if row["outcome"] == "split"][:6]
    captions = [f"“{row['named']}”, box on {row['framed']}" for row in split]
    places = [row["scene"] for row in split]
    pictures = list(zip(images[places] / 2 + 0.5, answers["box"][places], captions, strict=True))
    save_figure(out, "two_heads", rows, draw(rows, pictures))
    return rows


def draw(rows: Sequence[dict[str, Any]], pictures: Sequence[tuple[np.ndarray, np.ndarray, str]]) -> Figure:
    """Above, the outcomes and how they depend on the rival; below, scenes with the box and a caption."""
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    figure = Figure(figsize=(11.5, 6.6), layout="constrained")
    title = "Two heads that disagree: a class and a box of the largest object"
    figure.suptitle(title, x=0.01, ha="left", fontsize=14, fontweight="bold", color=INK)
    above, below = figure.subfigures(2, 1, height_ratios=(1.7, 1))
    whole, rival = above.subplots(1, 2, width_ratios=(1, 1.3))
    _outcomes(whole, rows)
    _by_rival(rival, rows)
    cells = below.subplots(1, max(len(pictures), 1), squeeze=False)[0]
    for axes, (image, (left, top, right, bottom), caption) in zip(cells, pictures, strict=False):
        side = image.shape[0]
        axes.imshow(image, interpolation="nearest")
        corner = (left * side - 0.5, top * side - 0.5)
        axes.add_patch(
            Rectangle(corner, (right - left) * side, (bottom - top) * side, fill=False, color=ORANGE, linewidth=2)
        )
        axes.set(xticks=[], yticks=[])
        axes.set_title(caption, fontsize=9, color=INK)
    return figure


def _share(rows: Sequence[dict[str, Any]], name: str) -> float:
    return 100 * sum(row["outcome"] == name for row in rows) / max(len(rows), 1)


def _outcomes(axes: Axes, rows: Sequence[dict[str, Any]]) -> None:
    plain_axes(axes)
    shares = [_share(rows, name) for name in OUTCOMES]
    axes.barh(range(len(OUTCOMES)), shares, color=list(OUTCOMES.values()))
    for place, share in enumerate(shares):
        axes.text(share + 1, place, f"{share:.1f}", va="center", fontsize=9)
    axes.set_yticks(range(len(OUTCOMES)), list(OUTCOMES))
    axes.invert_yaxis()
    axes.set(xlabel=f"% of {len(rows)} scenes that were not trained on", xlim=(0, max(shares) * 1.15))


def _by_rival(axes: Axes, rows: Sequence[dict[str, Any]]) -> None:
    plain_axes(axes)
    groups = {"alone": [row for row in rows if row["rivalry"] == 0]}
    for low, high in itertools.pairwise(np.linspace(0, 1, 6)):
        groups[f"{low:.1f}–{high:.1f}"] = [row for row in rows if low < row["rivalry"] <= high]
    groups = {name: own for name, own in groups.items() if own}
    for outcome_name in ("both right", "split"):
        shares = [_share(own, outcome_name) for own in groups.values()]
        axes.plot(range(len(groups)), shares, color=OUTCOMES[outcome_name], marker="o", label=outcome_name)
    axes.set_xticks(range(len(groups)), [f"{name}\n{len(own)}" for name, own in groups.items()])
    axes.set_ylim(bottom=0)
    axes.set(xlabel="second object's area over the largest one's; number of scenes", ylabel="% of these scenes")
    axes.legend(frameon=False, fontsize=9)
