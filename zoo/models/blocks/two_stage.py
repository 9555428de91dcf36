"""Detectors in two stages: a model from a picture to named outputs, and the parts that it comes apart into.

A network of two stages is one functional `keras.Model` of an image with a dict of outputs:

    objectness, offsets   of each anchor, a map a level (with several levels objectness_s4, offsets_s4 and so on)
    proposals             N×R×4 in pixels, chosen by `zoo.layers.Proposals`
    scores, boxes         of each proposal: N×R×(1 + K) logits and N×R×4·(1 + K) offsets, the background's first
    masks                 of networks that have some

`detector` is the whole as a model of one answer, of the kind that every detector has. It becomes one file, proposals and all,
of operations that an accelerator takes. So do its two dense parts, `first_stage` and `region_heads`, for whoever chooses
proposals and cuts their regions elsewhere; `second_stage` is the latter with the cutting.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zoo import layers
from zoo.lazy import keras

PROPOSALS, REGIONS = "proposals", "regions"  # the layers that the parts meet at


def first_stage(model: keras.Model) -> keras.Model:
    """From a picture to the maps that regions are cut from and what is said of each anchor; a dict of named outputs."""
    *maps, _ = model.get_layer(REGIONS).input
    names = ["features"] if len(maps) == 1 else [f"features_{level}" for level in range(1, 1 + len(maps))]
    dense = {name: x for name, x in model.output.items() if name.startswith(("objectness", "offsets"))}
    return keras.Model(model.inputs[0], {**dict(zip(names, maps, strict=True)), **dense}, name=f"{model.name}_first_stage")


def second_stage(model: keras.Model) -> keras.Model:
    """From [map, …, regions N×R×4], as many as proposals, to a dict of what is said of each: scores, boxes and masks."""
    outputs = model.output
    ends = {name: outputs[name] for name in ("scores", "boxes", "masks") if name in outputs}
    return keras.Model(model.get_layer(REGIONS).input, ends, name=f"{model.name}_second_stage")


def region_heads(model: keras.Model) -> keras.Model:
    """From regions of one size, M×h×w×C, to a dict of the scores and boxes of each, M×(1 + K) and M×4·(1 + K)."""
    ends = {"scores": model.get_layer("region_scores").output, "boxes": model.get_layer("region_offsets").output}
    return keras.Model(model.get_layer(REGIONS).output, ends, name=f"{model.name}_region_heads")


def detector(model: keras.Model, labels: Sequence[str]) -> keras.Model:
    """From a picture to the answer of a detector, with a name for each class."""
    from zoo import tasks

    outputs, proposals = model.output, model.get_layer(PROPOSALS)
    rows = layers.RegionBoxes(proposals.picture, name="region_boxes")(
        [outputs["proposals"], outputs["scores"], outputs["boxes"]]
    )
    task = tasks.get("detection")
    spec = task.output_spec(task.labels_for(list(labels)))
    return keras.Model(model.inputs[0], layers.ModelOutput(task.name, spec, name=spec.name)(rows), name=model.name)


def per_picture(x: Any, count: int, name: str) -> Any:
    """What is said of all regions in a row, N·R×C, given back to their pictures."""
    return layers.RegionsOfPictures(count, name=name)(x)


def ratio_sides(scales: Sequence[float], ratios: Sequence[float]) -> list[tuple[float, float]]:
    """(width, height) in pixels of anchors of areas scale² and of heights over widths, ratio after ratio."""
    return [(scale / ratio**0.5, scale * ratio**0.5) for ratio in ratios for scale in scales]
