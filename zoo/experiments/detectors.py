"""Detectors from R-CNN to YOLO on one encoder: seconds a picture, and which part of them takes the time.

Girshick et al., "Rich feature hierarchies", 2014 (R-CNN); Girshick, "Fast R-CNN", 2015; Ren et al., "Faster R-CNN", 2015; Liu
et al., "SSD", 2016; Redmon et al., "You Only Look Once", 2016, whose table 1 has a YOLO on VGG-16 as well.

Each of them took away what took most of the time of the one before. R-CNN runs the encoder over every proposal; Fast R-CNN runs
it once: what is left are selective search and the fully connected layers of two thousand regions. Faster R-CNN lets a small
net propose, on features that are there anyway, and needs fewer; SSD and YOLO propose nothing and answer from the maps at once.

Look at: left, the CPU's seconds of a picture in four parts, on a logarithmic axis: how the tallest bar of each method is lower
in the next, but for YOLO, which sees a larger picture than SSD. Right, the same as shares. On a GPU, which the papers had,
convolutions and fully connected layers are far faster and selective search is not: there it is nearly all of Fast R-CNN's time.

All on VGG-16 with VOC's twenty classes: R-CNN, Fast and Faster R-CNN see one picture of 480×640, with 2,000 proposals or 300 of
its own; SSD and YOLO see it at 300×300 and 448×448, as in their papers. Weights are random, which costs the same; selection is
given all it may look at, since no score would pass a threshold. R-CNN's crops are timed over a few and multiplied. YOLO's head
is that of the paper, two fully connected layers for a grid of 7×7. Proposals are selective search's "fast" ones in a scene of
the zoo's own, which has fewer edges than a photograph; what they lack in number is filled up with boxes from anywhere.

`cpu_seconds` counts the work of all threads and hardly depends on what else a machine does; `seconds` are those of a clock.
Both are the least of some rounds in which the methods take turns. Compare them within one table only.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import keras
import numpy as np

from zoo import build, classical, layers, outputs
from zoo.data.datasets.scenes import Scenes
from zoo.experiments.figures import BLUE, GREEN, ORANGE, QUIET, save_figure, sheet
from zoo.layers import model_output
from zoo.models import encoders
from zoo.models.blocks.two_stage import PROPOSALS, REGIONS, STRIDE, region_heads, second_stage
from zoo.models.detection.faster_rcnn import POOLED, UNITS
from zoo.models.detection.rcnn import OVERLAP, warped
from zoo.outputs import OutputSpec
from zoo.outputs.boxes import box_output

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PARTS = {"proposals": GREEN, "features": QUIET, "heads": ORANGE, "selection": BLUE}
CLASSES, CROP, GRID = 20, (224, 224), 7
REGIONS_OF = {"R-CNN": 2000, "Fast R-CNN": 2000, "Faster R-CNN": 300}
ALL = {"threshold": 0.0}  # options of a selection that looks at as many as it may


class Step(NamedTuple):
    """A part of a method's work on one picture.

    Attributes:
        method: of the detector.
        part: of `PARTS`.
        run: does it.
        times: what its seconds are multiplied by, where it does a part of the work only.
    """

    method: str
    part: str
    run: Callable[[], Any]
    times: float = 1.0


def timed(steps: Sequence[Step], rounds: int) -> dict[tuple[str, str], tuple[float, float]]:
    """The seconds of each method and part, of a clock and of the CPU: the least of some rounds, after one that is not timed."""
    least: dict[int, tuple[float, float]] = {}
    for turn in range(rounds + 1):
        for number, step in enumerate(steps):
            wall, cpu = time.perf_counter(), time.process_time()
            step.run()
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            if turn:
                before = least.get(number, (np.inf, np.inf))
                least[number] = (min(before[0], wall * step.times), min(before[1], cpu * step.times))
    total: dict[tuple[str, str], tuple[float, float]] = {}
    for number, step in enumerate(steps):
        key, (wall, cpu) = (step.method, step.part), least[number]
        before = total.get(key, (0.0, 0.0))
        total[key] = (before[0] + wall, before[1] + cpu)
    return total


def region_steps(picture: np.ndarray, boxes: np.ndarray, *, crops: int, width: float, units: int) -> Iterator[Step]:
    """The steps of R-CNN, Fast and Faster R-CNN but for proposals that others make.

    Args:
        picture: uint8 H×W×3.
        boxes: float32 2000×4, the proposals.
        crops: of R-CNN that are timed, of 2,000.
        width: multiplies VGG-16's channels.
        units: of fc6 and fc7.
    """
    batch, size = picture[None].astype(np.float32), picture.shape[:2]
    options = {"proposals": REGIONS_OF["Faster R-CNN"], "width": width, "units": units}
    faster = build("faster_rcnn", classes=CLASSES, input_shape=(*size, 3), **options)
    cut, heads = faster.get_layer(REGIONS), region_heads(faster)
    whole = keras.Model(faster.input, cut.input[0])
    features = whole.predict_on_batch(batch)
    channels = features.shape[-1]

    image = keras.Input((*CROP, 3))
    (deepest,) = encoders.features("vgg16", image, width=width).at(32)
    crop_body, few = keras.Model(image, deepest), boxes[:crops]
    many = np.random.default_rng(0).uniform(0, 1, (len(boxes), *POOLED, channels)).astype(np.float32)
    yield Step(
        "R-CNN",
        "features",
        lambda: crop_body.predict_on_batch(warped(picture, few, CROP).astype(np.float32)),
        len(boxes) / crops,
    )
    yield Step("R-CNN", "heads", lambda: heads.predict_on_batch(many))
    yield Step("R-CNN", "selection", _selection(heads.predict_on_batch(many), boxes, size))

    maps, frames = keras.Input(features.shape[1:]), keras.Input((len(boxes), 4))
    pooled = keras.Model([maps, frames], heads(layers.RoIPool(POOLED, STRIDE)([maps, frames])))
    fast = [features, boxes[None]]
    yield Step("Fast R-CNN", "features", lambda: whole.predict_on_batch(batch))
    yield Step("Fast R-CNN", "heads", lambda: pooled.predict_on_batch(fast))
    yield Step("Fast R-CNN", "selection", _selection(pooled.predict_on_batch(fast), boxes, size))

    proposer = keras.Model(cut.input[0], faster.get_layer(PROPOSALS).output)
    own = proposer.predict_on_batch(features)
    second = second_stage(faster)
    yield Step("Faster R-CNN", "features", lambda: whole.predict_on_batch(batch))
    yield Step("Faster R-CNN", "proposals", lambda: proposer.predict_on_batch(features))
    yield Step("Faster R-CNN", "heads", lambda: second.predict_on_batch([features, own]))
    answer = second.predict_on_batch([features, own])
    yield Step("Faster R-CNN", "selection", _selection({name: x[0] for name, x in answer.items()}, own[0], size))


def _selection(said: dict[str, np.ndarray], boxes: np.ndarray, size: tuple[int, int]) -> Callable[[], Any]:
    """Choosing among what was said of each region: scores R×(1 + K) and boxes R×4·(1 + K)."""
    moved = layers.RegionBoxes(size)
    spec = box_output([f"{label}" for label in range(CLASSES)], (), {**moved.output_options, **ALL, "overlap": OVERLAP})
    inputs = [x[None] for x in (boxes, said["scores"], said["boxes"])]

    def choose() -> np.ndarray:
        rows = keras.ops.convert_to_numpy(moved(inputs))[0]
        return outputs.kind(spec).decode(rows, spec, size)

    return choose


def ssd_steps(picture: np.ndarray, width: float) -> Iterator[Step]:
    """The steps of SSD."""
    model = build("ssd300", classes=CLASSES, width=width)
    places = [model.get_layer(name).input for name in ("conv4_3_scale", "fc6")]
    batch = _resized(picture, model.input_shape[1:3])
    yield from _single_steps("SSD", model, places, batch, zoo_spec(model), picture.shape[:2])


def yolo_steps(picture: np.ndarray, width: float, units: int) -> Iterator[Step]:
    """The steps of YOLO on VGG-16: a convolution to the grid, and two fully connected layers."""
    image = keras.Input((64 * GRID, 64 * GRID, 3))
    (deepest,) = encoders.features("vgg16", image, width=width).at(32)
    x = keras.layers.Conv2D(deepest.shape[-1], 3, 2, "same", activation="relu")(deepest)
    x = keras.layers.Dense(units, activation="relu")(keras.layers.Flatten()(x))
    numbers = 2 * 5 + CLASSES
    x = keras.layers.Reshape((GRID, GRID, numbers))(keras.layers.Dense(GRID * GRID * numbers)(x))
    rows = layers.BoxRows(numbers, {"coding": "cells", "boxes": 2})
    model = keras.Model(image, rows(x))
    spec = box_output([f"{label}" for label in range(CLASSES)], (), rows.output_options)
    yield from _single_steps("YOLO", model, deepest, _resized(picture, image.shape[1:3]), spec, picture.shape[:2])


def zoo_spec(model: keras.Model) -> OutputSpec:
    """The spec of a network of the zoo."""
    return model_output(model).spec


def _single_steps(
    method: str, model: keras.Model, places: Any, batch: np.ndarray, spec: OutputSpec, size: tuple[int, int]
) -> Iterator[Step]:
    """The steps of a detector that proposes nothing, parted where its encoder ends."""
    body, head = keras.Model(model.input, places), keras.Model(places, model.output)
    maps = body.predict_on_batch(batch)
    rows, spec = head.predict_on_batch(maps)[0], replace(spec, options={**spec.options, **ALL})
    yield Step(method, "features", lambda: body.predict_on_batch(batch))
    yield Step(method, "heads", lambda: head.predict_on_batch(maps))
    yield Step(method, "selection", lambda: outputs.kind(spec).decode(rows, spec, size))


def _resized(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    from PIL import Image

    return np.asarray(Image.fromarray(picture).resize(size[::-1], Image.Resampling.BILINEAR), np.float32)[None]


def proposals(picture: np.ndarray, count: int = REGIONS_OF["R-CNN"]) -> np.ndarray:
    """Selective search's boxes of a picture, filled up with boxes from anywhere: float32 count×4."""
    found = classical.open("selective_search")(picture)[:count, :4]
    random, (height, width) = np.random.default_rng(0), picture.shape[:2]
    low = random.uniform(0, 0.7, (count - len(found), 2))
    boxes = np.concatenate([low, low + random.uniform(0.1, 0.3, low.shape)], axis=1) * [width, height, width, height]
    return np.concatenate([found, boxes]).astype(np.float32)


def run(
    out: Path,
    *,
    say: Callable[[str], None] = print,
    size: tuple[int, int] = (480, 640),
    width: float = 1.0,
    units: int = UNITS,
    crops: int = 4,
    rounds: int = 2,
) -> list[dict[str, Any]]:
    """Times every part of every method.

    Args:
        out: folder for detectors.png and detectors.csv.
        size: of the picture, (H, W) in pixels.
        width: multiplies VGG-16's channels.
        units: of the fully connected layers.
        crops: of R-CNN that are timed, of 2,000.
        rounds: in which the methods take turns.

    Returns:
        One row a method and part: method, part, regions (that it looks at), seconds and cpu_seconds of a picture, share of the
        method's CPU seconds.
    """
    keras.utils.set_random_seed(0)
    picture = Scenes(1, size, split="test").scene(0).image
    search = classical.open("selective_search")
    steps = [Step(method, "proposals", lambda: search(picture)) for method in ("R-CNN", "Fast R-CNN")]
    steps += region_steps(picture, proposals(picture), crops=crops, width=width, units=units)
    steps += [*ssd_steps(picture, width), *yolo_steps(picture, width, units)]
    say(f"timing {len(steps)} steps, {rounds} rounds")
    seconds, rows = timed(steps, rounds), []
    for method in dict.fromkeys(step.method for step in steps):
        own = {part: seconds[method, part] for part in PARTS if (method, part) in seconds}
        total = sum(cpu for _, cpu in own.values())
        for part, (wall, cpu) in own.items():
            facts = {"method": method, "part": part, "regions": REGIONS_OF.get(method, "")}
            rows.append({**facts, "seconds": round(wall, 4), "cpu_seconds": round(cpu, 4), "share": round(cpu / total, 4)})
        part = max(own, key=lambda part: own[part][1])
        say(f"{method}: {total:.3g} CPU s a picture, {own[part][1] / total:.0%} of them for {part}")
    save_figure(out, "detectors", rows, draw(rows))
    return rows


def draw(rows: Sequence[dict[str, Any]]) -> Figure:
    """Seconds by part, and shares."""
    remark = "VGG-16. R-CNN and Fast R-CNN with 2,000 proposals of selective search, Faster R-CNN with 300 of its own."
    figure, (seconds, shares) = sheet(2, "Detectors on one encoder: where the time goes", remark)
    figure.set_size_inches(13.5, 4.8)
    methods = list(dict.fromkeys(row["method"] for row in rows))
    for number, (part, colour) in enumerate(PARTS.items()):
        own = {row["method"]: row for row in rows if row["part"] == part}
        places = [place for place, method in enumerate(methods) if method in own]
        values = [own[methods[place]]["cpu_seconds"] for place in places]
        lefts = [place + 0.2 * (number - 1.5) for place in places]
        seconds.bar(lefts, values, 0.19, color=colour, label=part)
        for left, value in zip(lefts, values, strict=True):
            seconds.text(left, value * 1.12, f"{value:.2g}" if value < 100 else f"{value:.0f}", ha="center", fontsize=6.5)
    _shares(shares, rows, methods)
    seconds.set_yscale("log")
    seconds.set_xticks(range(len(methods)), methods)
    seconds.set(title="CPU seconds of a picture")
    seconds.legend(frameon=False, fontsize=9)
    for axes in (seconds, shares):
        axes.title.set_fontsize(10)
    return figure


def _shares(axes: Axes, rows: Sequence[dict[str, Any]], methods: Sequence[str]) -> None:
    ends = dict.fromkeys(methods, 0.0)
    for part, colour in PARTS.items():
        for row in rows:
            if row["part"] == part:
                method, share, place = row["method"], 100 * row["share"], methods.index(row["method"])
                axes.barh(place, share, left=ends[method], color=colour)
                if share > 5:
                    axes.text(ends[method] + share / 2, place, f"{share:.0f}", ha="center", va="center", fontsize=9)
                ends[method] += share
    axes.set_yticks(range(len(methods)), methods)
    axes.invert_yaxis()
    axes.set(title="% of a method's CPU seconds", xlim=(0, 100))
