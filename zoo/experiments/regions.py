"""Region networks by arithmetic and by the clock: what R-CNN pays for each proposal, and Fast and Faster R-CNN once for all.

Girshick, Donahue, Darrell & Malik, "Rich feature hierarchies for accurate object detection and semantic segmentation",
2014; He, Zhang, Ren & Sun, "Spatial Pyramid Pooling in Deep Convolutional Networks", 2014; Girshick, "Fast R-CNN", 2015,
table 4; Ren, He, Girshick & Sun, "Faster R-CNN", 2015, table 5.

R-CNN warps each of about 2000 proposals to 224×224 and sends it through the whole VGG-16: 2000 times 15.5 billion multiply-
accumulates a picture. But the proposals overlap, so most of that computes the same features again and again. Fast R-CNN
runs the convolutions once, over the whole picture, and only the fully connected layers on each region's 7×7 features;
Faster R-CNN adds a small net on these features that proposes by itself, and so well that 300 regions are enough.

Look at: left, the work of a picture in three parts; R-CNN's bar is of convolutions, Fast R-CNN's of fully connected layers:
what was nothing beside 2000 convolutions is now most of the work. Middle, the work by the number of regions: R-CNN's line
starts below Fast R-CNN's, for a picture is larger than a crop, and is above it from the twelfth region on. Right, how much
less than R-CNN the others have to do, beside how much less time they take here, on a CPU, and how much less the papers say
they took, on the authors' GPUs; without other programs' proposals. All are of one order, and not equal: crops also have to be
warped, boxes to be chosen, and layers reach different shares of a peak, on a GPU more so than on a CPU.

Counted are products, with the zoo's own VGG-16 layer by layer (`zoo.analysis.macs`); the pictures are of 600×1000, Fast
R-CNN's size for VOC; VOC's 21 classes. Timed are the same networks with random weights (`zoo.experiments.detectors` says how),
R-CNN over a few crops and multiplied: seconds of the CPU, which hardly depend on what else it does.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from zoo.analysis.macs import macs
from zoo.data.datasets.scenes import Scenes
from zoo.experiments import detectors
from zoo.experiments.figures import BLUE, GREEN, ORANGE, QUIET, save_figure, sheet
from zoo.models import encoders

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = {"R-CNN": ORANGE, "Fast R-CNN": BLUE, "Faster R-CNN": GREEN}
PARTS = {"convolutions": QUIET, "proposals": GREEN, "regions": ORANGE}
# Seconds a picture on the authors' GPUs, proposals by other programs not counted: Fast R-CNN, table 4 (VGG-16, the columns L),
# and Faster R-CNN, table 5 (its own proposals are counted).
PUBLISHED = {"R-CNN": 47.0, "Fast R-CNN": 0.32, "Faster R-CNN": 0.198}
CROP = (224, 224)
CLASSES = 21  # VOC's, and background
ANCHORS = 9
HIDDEN = 4096  # units of both fully connected layers
POOLED = 7  # side of a region's features


def body(width: float = 1.0) -> keras.Model:
    """VGG-16's convolutions, of any size."""
    image = keras.Input((None, None, 3))
    (deepest,) = encoders.features("vgg16", image, width=width).at(32)
    return keras.Model(image, deepest)


def region_head(channels: int, hidden: int = HIDDEN) -> int:
    """Products of the fully connected layers for one region: both hidden ones, the classes and a box for each class."""
    units = (POOLED**2 * channels, hidden, hidden, CLASSES + 4 * CLASSES)
    return sum(before * after for before, after in itertools.pairwise(units))


def proposer(size: tuple[int, int], channels: int) -> int:
    """Products of the region proposal network on features of stride 16: 3×3 to as many, then two scores and a box an anchor."""
    places = int(np.prod([side // 16 for side in size]))
    return places * channels * (9 * channels + ANCHORS * (2 + 4))


def work(method: str, regions: int, counts: dict[str, int]) -> dict[str, int]:
    """Products of one picture in each of `PARTS`.

    Args:
        method: of `COLOURS`.
        regions: how many.
        counts: products of the convolutions over a crop and over a picture, of the proposer and of one region's head.
    """
    shared = method != "R-CNN"
    return {
        "convolutions": counts["picture"] if shared else regions * counts["crop"],
        "proposals": counts["proposer"] if method == "Faster R-CNN" else 0,
        "regions": regions * counts["head"],
    }


def run(
    out: Path,
    *,
    say: Callable[[str], None] = print,
    size: tuple[int, int] = (600, 1000),
    regions: Sequence[int] = (1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 512, 1024, 2000),
    width: float = 1.0,
    units: int = HIDDEN,
    crops: int = 4,
    rounds: int = 2,
) -> list[dict[str, Any]]:
    """Counts the work of each method for each number of regions, and times it for the papers' numbers.

    Args:
        out: folder for regions.png and regions.csv.
        size: of the picture, (H, W) in pixels.
        regions: numbers of regions; 2000 and 300 are the papers'.
        width, units: of VGG-16, and of the fully connected layers.
        crops: of R-CNN that are timed, of 2,000; 0: nothing is.
        rounds: of timing.

    Returns:
        One row a method and number of regions: method, regions, and the products in convolutions, proposals, regions' heads
        and all of it; where the papers have that number of regions also seconds (published) and cpu_seconds (here).
    """
    convolutions = body(width)
    channels = convolutions.output.shape[-1]
    counts = {
        "crop": macs(convolutions, CROP),
        "picture": macs(convolutions, size),
        "proposer": proposer(size, channels),
        "head": region_head(channels, units),
    }
    say(
        f"convolutions of a crop {counts['crop'] / 1e9:.1f} and of a picture {counts['picture'] / 1e9:.1f} billion products"
    )
    rows, times = [], timed_here(size, width, units, crops, rounds) if crops else {}
    for method in COLOURS:
        for number in regions:
            parts = work(method, number, counts)
            row = {"method": method, "regions": number, **{f"{part}_macs": value for part, value in parts.items()}}
            own = number == usual(method)
            measured = {"seconds": PUBLISHED[method] if own else "", "cpu_seconds": times.get(method, "") if own else ""}
            rows.append({**row, "macs": sum(parts.values()), **measured})
    for row in papers(rows):
        here = f", {row['cpu_seconds']} CPU s here" if crops else ""
        work_done = f"{row['macs'] / 1e12:.2f}e12 products"
        say(f"{row['method']}, {row['regions']} regions: {work_done}, {row['seconds']} s published{here}")
    save_figure(out, "regions", rows, draw(rows))
    return rows


def timed_here(size: tuple[int, int], width: float, units: int, crops: int, rounds: int) -> dict[str, float]:
    """The CPU's seconds of a picture by method, other programs' proposals not counted."""
    keras.utils.set_random_seed(0)
    picture = Scenes(1, size, split="test").scene(0).image
    steps = list(detectors.region_steps(picture, detectors.proposals(picture), crops=crops, width=width, units=units))
    total = dict.fromkeys(COLOURS, 0.0)
    for (method, _), (_, cpu) in detectors.timed(steps, rounds).items():
        total[method] += cpu
    return {method: round(seconds, 4) for method, seconds in total.items()}


def usual(method: str) -> int:
    """The paper's number of regions."""
    return 300 if method == "Faster R-CNN" else 2000


def papers(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of each method, the row of the paper's number of regions."""
    return [row for row in rows if row["seconds"] != ""]


def draw(rows: Sequence[dict[str, Any]]) -> Figure:
    """The work in parts, by the number of regions, and beside published times."""
    remark = "VGG-16, pictures of 600×1000. R-CNN and Fast R-CNN with 2000 proposals, Faster R-CNN with 300 of its own."
    figure, (parts, number, ratio) = sheet(3, "Region networks by arithmetic and by the clock", remark)
    chosen = papers(rows)
    _parts(parts, chosen)
    for method, colour in COLOURS.items():
        own = [row for row in rows if row["method"] == method]
        number.plot([row["regions"] for row in own], [row["macs"] / 1e12 for row in own], color=colour, label=method)
    number.set_xscale("log")
    number.set_yscale("log")
    number.set(title="work by regions, 10¹² products", xlabel="regions")
    number.legend(frameon=False, fontsize=9)
    _ratios(ratio, chosen)
    for axes in (parts, number, ratio):
        axes.title.set_fontsize(10)
    return figure


def _parts(axes: Axes, rows: Sequence[dict[str, Any]]) -> None:
    for place, row in enumerate(rows):
        for shift, (part, colour) in enumerate(PARTS.items()):
            value = row[f"{part}_macs"] / 1e9
            if value:
                axes.bar(
                    place + 0.27 * (shift - 1),
                    value,
                    0.25,
                    color=colour,
                    label=part if place == len(rows) - 1 else None,
                )
                axes.text(place + 0.27 * (shift - 1), value * 1.15, f"{value:,.0f}", ha="center", fontsize=8)
    axes.set_yscale("log")
    axes.set_xticks(range(len(rows)), [row["method"] for row in rows])
    axes.set(title="work of a picture, 10⁹ products")
    axes.legend(frameon=False, fontsize=9)


def _ratios(axes: Axes, rows: Sequence[dict[str, Any]]) -> None:
    shown = (("macs", QUIET, "products"), ("cpu_seconds", ORANGE, "CPU seconds here"), ("seconds", BLUE, "published seconds"))
    shown = [each for each in shown if rows[0][each[0]] != ""]
    for number, (key, colour, label) in enumerate(shown):
        shift = 0.27 * (number - (len(shown) - 1) / 2)
        for place, row in enumerate(rows):
            value = rows[0][key] / row[key]
            axes.bar(place + shift, value, 0.25, color=colour, label=label if place == 0 else None)
            axes.text(place + shift, value * 1.1, f"{value:,.0f}", ha="center", fontsize=9)
    axes.set_yscale("log")
    axes.set_ylim(top=20 * axes.get_ylim()[1])  # room for the legend
    axes.set_xticks(range(len(rows)), [row["method"] for row in rows])
    axes.set(title="times less than R-CNN")
    axes.legend(frameon=False, fontsize=9, loc="upper left")
