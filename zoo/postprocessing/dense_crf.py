"""A fully connected CRF behind any segmenter, and the search for its weights and widths.

The parameters are not learned from the network's training images, where it is too sure of itself, but searched on held-out
ones by the score itself, as in Krähenbühl & Koltun 2011 and Chen et al. 2014.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from PIL import Image

from zoo import tasks
from zoo.data.dataset import spread
from zoo.errors import InputError, unknown
from zoo.evaluation.evaluate import check_fit
from zoo.layers import DenseCRF, ModelOutput, inference, model_output
from zoo.metrics import ConfusionMatrix
from zoo.outputs import kind
from zoo.outputs.class_scores import class_output

if TYPE_CHECKING:
    from zoo.data import Dataset

SEARCHED = ("bilateral_weight", "colour_width", "position_width", "spatial_weight", "spatial_width")
FACTORS = (0.5, 2.0)  # of each value that is tried beside the best one so far


def with_crf(model: keras.Model, **options: Any) -> keras.Model:
    """The segmenter with a fully connected CRF between its logits and its answer, sharing every layer with weights.

    What comes out is a Keras model like any other: it can be saved, scored, and trained on (`learned=("weights",)`). Its
    `.tflite` file runs on the CPU; no GPU accelerator takes a grid that is scattered to and gathered from.

    Args:
        model: a segmenter of this zoo, whatever its head.
        **options: of `zoo.layers.DenseCRF`.

    Raises:
        InputError: for a model that is no segmenter of this zoo or has a CRF already, an unknown option, or a bad value.

    >>> refined = with_crf(zoo.load("model.keras"), colour_width=8)
    """
    last = _segmentation(model)
    if any(isinstance(layer, DenseCRF) for layer in model.layers):
        raise InputError(f"{model.name} has a CRF already")
    crf = DenseCRF(**checked(options), name="crf")
    network = _up_to_logits(model)
    logits = crf([network.inputs[0], network.outputs[0]])
    ending = ModelOutput.from_config(last.get_config())  # its own: called twice, a layer would no longer know its input
    return keras.Model(network.inputs[0], ending(logits), name=f"{model.name}_crf")


def checked(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options, all of which a CRF has.

    Raises:
        InputError: for one that it has not.
    """
    names = [name for name in inspect.signature(DenseCRF).parameters if name != "kwargs"]
    for name in options:
        if name not in names:
            raise unknown("option of a CRF", name, names)
    return dict(options)


def _segmentation(model: keras.Model) -> ModelOutput:
    last = model_output(model)
    if last is None or not last.spec.dense or not last.spec.classes:
        raise InputError(f"{model.name} is no segmenter of this zoo, which a CRF needs; zoo.build one, or zoo.load a file")
    return last


def _up_to_logits(model: keras.Model) -> keras.Model:
    alone = inference(model)  # auxiliary heads stay behind
    return keras.Model(alone.inputs[0], model_output(alone).input)


@dataclass(frozen=True)
class Search:
    """The result of a search.

    Attributes:
        options: the best, for `with_crf`.
        before: the network's own mIoU on the images of the search, 0–1.
        best: the mIoU with `options`.
        tried: every set of options in order, with its mIoU.
    """

    options: dict[str, Any]
    before: float
    best: float
    tried: list[tuple[dict[str, Any], float]] = field(default_factory=list)


def search(
    model: keras.Model,
    dataset: Dataset,
    count: int = 12,
    size: tuple[int, int] | None = None,
    start: Mapping[str, Any] | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> Search:
    """Coordinate search: halves and doubles one parameter after another and keeps what raises the mIoU.

    Args:
        model: a segmenter of this zoo.
        dataset: held-out samples.
        count: how many of them, spread evenly.
        size: (H, W) that the network sees; by default its own, or each image's.
        start: options to begin with.
        say: gets a line for everything tried.

    Raises:
        InputError: for a data set that does not fit, an empty one, or bad options.
    """
    samples = list(_logits(model, dataset, count, size))
    before = _score((logits for _, logits, _ in samples), samples, dataset)
    say(f"{len(samples)} images, mIoU {100 * before:.2f} without a CRF")
    best, reached, tried = checked(start or {}), -1.0, []
    defaults = {name: parameter.default for name, parameter in inspect.signature(DenseCRF).parameters.items()}

    def attempt(options: dict[str, Any]) -> None:
        nonlocal best, reached
        crf = DenseCRF(**options)
        miou = _score((keras.ops.convert_to_numpy(crf([image, logits])) for image, logits, _ in samples), samples, dataset)
        tried.append((options, miou))
        say(f"mIoU {100 * miou:.2f}  " + " ".join(f"{name}={options.get(name, defaults[name]):g}" for name in SEARCHED))
        if miou > reached:
            best, reached = options, miou

    attempt(best)
    for name in SEARCHED:
        value = best.get(name, defaults[name])
        for factor in FACTORS:
            attempt({**best, name: value * factor})
    return Search(best, before, reached, tried)


def _logits(
    model: keras.Model, dataset: Dataset, count: int, size: tuple[int, int] | None
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Image and logits, each with a batch axis, and the target, of samples spread over the data set."""
    last = _segmentation(model)
    check_fit(model, {last.spec.name: last.trained_on}, dataset, tasks.get(last.task))
    if not len(dataset) or count < 1:
        raise InputError(f"{dataset.name}: {count} of {len(dataset)} samples; a search needs at least one")
    network, own = _up_to_logits(model), tuple(model.inputs[0].shape[1:3])
    if None not in own:
        if size is not None and tuple(size) != own:
            raise InputError(f"size={size}: {model.name} was built for {own[0]}×{own[1]} and takes no other")
        size = own
    for index in spread(count, len(dataset)):
        sample = dataset[index]
        height, width = size or sample.image.shape[:2]
        picture = Image.fromarray(sample.image).resize((width, height), Image.Resampling.BILINEAR)
        image = np.asarray(picture, np.float32)[None]
        yield image, keras.ops.convert_to_numpy(network(image, training=False)), np.asarray(sample.target)


def _score(outputs: Iterator[np.ndarray], samples: Sequence[tuple], dataset: Dataset) -> float:
    matrix = ConfusionMatrix(dataset.classes, dataset.ignore)
    spec = class_output(dataset.classes)
    for output, (_, _, target) in zip(outputs, samples, strict=True):
        values = np.asarray(target)
        matrix.update(values, kind(spec).decode(output[0], spec, values.shape))
    return matrix.miou
