"""Class map: the index of one class, for every pixel or for the whole picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from zoo.errors import InputError
from zoo.outputs.base import Kind
from zoo.outputs.comparison import Comparison, Tolerance, class_agreement
from zoo.outputs.near_ties import FEW
from zoo.outputs.palettes import colourise, voc_palette
from zoo.outputs.resize import nearest
from zoo.outputs.spec import OutputSpec

MOST_CLASSES = 256  # that a uint8 class map holds


class ClassMap(Kind):
    """Indices h×w, or one of a whole picture."""

    name = "class_map"

    def decode(self, output: np.ndarray, spec: OutputSpec, size: tuple[int, int]) -> np.ndarray:
        """Dense: uint8 H×W, each pixel the nearest one's class. Else float32 (classes,): 1 for the class named.

        Raises:
            InputError: for values that are no class indices, or none that a uint8 map holds.
        """
        output = indices(output, None if not spec.dense else MOST_CLASSES)
        if not spec.dense:
            index = int(output.reshape(-1)[0])
            return (np.arange(max(spec.classes, index + 1)) == index).astype(np.float32)
        return nearest(output[..., 0] if output.ndim == 3 else output, size).astype(np.uint8)

    def describe(self, answer: np.ndarray, spec: OutputSpec) -> str:
        """The share of each class that is there, largest first; of a whole picture its class."""
        return share_of_classes(answer, spec) if spec.dense else label_of(spec, int(answer.argmax()))

    def draw(self, picture: np.ndarray, answer: np.ndarray, spec: OutputSpec) -> np.ndarray:
        """The classes' colours over the picture; of a whole picture its class in the upper left corner."""
        if spec.dense:
            return draw_classes(picture, answer, spec)
        return write_words(picture, self.describe(answer, spec))

    def write(self, answer: np.ndarray, spec: OutputSpec, stem: Path) -> Path:
        """STEM_mask.png; of a whole picture STEM_class.txt."""
        if spec.dense:
            return write_classes(answer, spec, stem)
        path = stem.with_name(f"{stem.name}_class.txt")
        path.write_text(f"{self.describe(answer, spec)}\n", encoding="utf-8")
        return path

    def compare(
        self, expected: np.ndarray, got: np.ndarray, spec: OutputSpec, tolerance: Tolerance, chosen_otherwise: int = 0
    ) -> Comparison:
        """By the classes alone ("agreement", of maps "iou"): the difference of two indices has no meaning."""
        expected, got = np.asarray(expected), np.asarray(got)
        measures, classes = class_agreement(expected, got, spec.dense)
        facts = {"classes": classes, "chosen_otherwise": chosen_otherwise}
        if not set(measures) & set(tolerance.bounds):
            stray = float(np.mean(expected != got)) if expected.size else 0.0
            if stray > (FEW if "agreement" in tolerance.bounds else 0.0):  # a class on a few positions is no second one
                return Comparison(spec.name, measures, **facts, passed=False, reason="classes differ where there is only one")
            return Comparison(spec.name, measures, **facts, reason="one class everywhere: equality proves little")
        broken = tolerance.broken(measures)
        return Comparison(
            spec.name, measures, **facts, passed=not broken, reason="; ".join(broken) or "within the tolerance"
        )

    def contradiction(self, output: np.ndarray, spec: OutputSpec) -> str:
        """Indices are whole numbers from 0."""
        try:
            indices(output)
        except InputError as error:
            return str(error)
        return ""

    def mirror(self, output: np.ndarray, spec: OutputSpec) -> np.ndarray:
        """Maps N×h×w are turned back; the class of a whole picture has no left or right."""
        return output[:, :, ::-1] if output.ndim >= 3 else output

    def poolable(self, output: np.ndarray, spec: OutputSpec) -> np.ndarray:
        """Indices cannot be averaged.

        Raises:
            InputError: always, saying what to build instead.
        """
        raise InputError('class indices cannot be averaged over views; build the network with output="logits"')


def indices(values: np.ndarray, most: int | None = None) -> np.ndarray:
    """Class indices as integers, whatever type a file has for them.

    Args:
        values: of any type.
        most: how many classes there may be; None for any number.

    Raises:
        InputError: for fractions, negative numbers, and for more classes.
    """
    values = np.asarray(values)
    whole = values if values.dtype.kind in "iu" else np.rint(values.astype(np.float64)).astype(np.int64)
    if values.dtype.kind == "f" and not np.array_equal(whole, values):
        raise InputError("the output holds fractions, a class map whole numbers; say what it is with output=")
    if whole.size and (whole.min() < 0 or (most is not None and whole.max() >= most)):
        limit = "any from 0" if most is None else f"0 to {most - 1}"
        raise InputError(f"class indices from {whole.min()} to {whole.max()}; expected {limit}: use the raw output")
    return whole


def label_of(spec: OutputSpec, index: int) -> str:
    """The name of a class, "class N" where it has none."""
    return spec.labels[index] if index < spec.classes else f"class {index}"


def colours_of(spec: OutputSpec) -> tuple[tuple[int, int, int], ...]:
    """One colour a class: the spec's, or PASCAL VOC's where it has none."""
    return spec.palette[:MOST_CLASSES] or voc_palette(MOST_CLASSES)


def checked_map(answer: np.ndarray) -> np.ndarray:
    """A class map H×W as it is.

    Raises:
        InputError: for anything but a two-dimensional array of integers.
    """
    answer = np.asarray(answer)
    if answer.ndim != 2 or answer.dtype.kind not in "iu":
        raise InputError(f"an answer of {answer.dtype} and shape {answer.shape}; a class map H×W of integers is expected")
    return answer


def share_of_classes(answer: np.ndarray, spec: OutputSpec) -> str:
    """The share of each class that a map shows, largest first."""
    counts = np.bincount(checked_map(answer).ravel(), minlength=spec.classes)
    order = [index for index in np.argsort(-counts, kind="stable") if counts[index]]
    named = [label_of(spec, index) for index in order]
    return ", ".join(f"{label} {100 * counts[i] / counts.sum():.1f} %" for label, i in zip(named, order, strict=True))


def draw_classes(picture: np.ndarray, answer: np.ndarray, spec: OutputSpec) -> np.ndarray:
    """Each pixel half its own colour and half its class's; classes that are black in the palette are left clear."""
    colours = colourise(checked_map(answer), colours_of(spec)).astype(np.float32)
    share = 0.5 * colours.any(axis=-1, keepdims=True)
    return np.rint(picture * (1 - share) + colours * share).astype(np.uint8)


def write_classes(answer: np.ndarray, spec: OutputSpec, stem: Path) -> Path:
    """STEM_mask.png, with the classes as indices into the palette."""
    from PIL import Image

    path = stem.with_name(f"{stem.name}_mask.png")
    picture = Image.fromarray(checked_map(answer).astype(np.uint8), mode="P")
    picture.putpalette([value for colour in colours_of(spec) for value in colour])
    picture.save(path)
    return path


def write_words(picture: np.ndarray, text: str) -> np.ndarray:
    """The picture with some lines of text in its upper left corner."""
    from PIL import Image, ImageDraw

    canvas = Image.fromarray(picture)
    ImageDraw.Draw(canvas).text((4, 4), text, fill="white", stroke_width=1, stroke_fill="black")
    return np.asarray(canvas)
