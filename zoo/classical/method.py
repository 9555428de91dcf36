"""Classical methods: what one is, and how it is run on a picture of any size."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.classical.naming import figure_of, ground_first
from zoo.data.dataset import ImageMaskDataset
from zoo.errors import InputError, unknown
from zoo.outputs import OutputSpec
from zoo.outputs.class_scores import class_output
from zoo.outputs.palettes import voc_palette
from zoo.paper import Paper

if TYPE_CHECKING:
    from zoo.classical.scoring import RegionScorer
    from zoo.data import Dataset

METHODS: dict[str, Method] = {}
MOST_REGIONS = 255  # a class map has 8 bits
LEAST_SIDE = 16  # pixels
SIDE = {"side": "greatest height or width at which the method works, pixels; larger pictures are shrunk; 0: never"}
DEFAULT_SIDE = 480


@dataclass(frozen=True)
class Method:
    """One name.

    Attributes:
        name: what `zoo.classical.open` is asked for.
        function: `(image uint8 H×W×3 RGB, **parameters) -> integers H×W`, one number a region, in any order.
        paper: where it comes from.
        parameters: what each of them means, with its unit.
        figure: True where the method itself says which region is the figure (1) and which the ground (0).
        task: that its answers are held against.
        runner: `(method, **parameters)`, what runs it on pictures and says what its answers mean; `Segmenter` by default.
    """

    name: str
    function: Callable[..., np.ndarray]
    paper: Paper
    parameters: Mapping[str, str]
    figure: bool = False
    task: str = ImageMaskDataset.task
    runner: Callable[..., Any] | None = None

    @property
    def defaults(self) -> dict[str, Any]:
        """Parameters with their default values."""
        parameters = list(inspect.signature(self.function).parameters.values())[1:]
        return {p.name: p.default for p in parameters} | {"side": getattr(self.runner, "default_side", DEFAULT_SIDE)}

    @property
    def described(self) -> dict[str, str]:
        """Every parameter's meaning, those that all methods share included."""
        return {**self.parameters, **SIDE}

    @property
    def text(self) -> str:
        """The text of a method: its file's docstring."""
        return (sys.modules[self.function.__module__].__doc__ or "").strip()

    def read(self, key: str, text: str) -> Any:
        """A parameter's value from its text, in the type of its default.

        Raises:
            InputError: for an unknown parameter, or what is no number where one is expected.
        """
        if key not in self.defaults:
            raise unknown(f"parameter of {self.name}", key, self.defaults)
        kind = type(self.defaults[key])
        try:
            return kind(text)
        except ValueError as error:
            expected = "a whole number" if kind is int else "a number"
            raise InputError(f"{self.name}: {key}={text!r} is not {expected} ({self.described[key]})") from error


def method(
    *, paper: Paper, parameters: Mapping[str, str], **facts: Any
) -> Callable[[Callable[..., np.ndarray]], Callable[..., np.ndarray]]:
    """Enters a function as the method of its name. `parameters` says what each of its keyword arguments means."""

    def decorate(function: Callable[..., np.ndarray]) -> Callable[..., np.ndarray]:
        name = function.__name__
        entry = Method(name, function, paper, parameters, **facts)
        if name in METHODS:
            raise InputError(f"a classical method named {name!r} is registered already; choose another name")
        if entry.described.keys() != entry.defaults.keys():
            raise InputError(f"{name}: parameters {list(entry.defaults)} are described as {list(entry.described)}")
        METHODS[name] = entry
        return function

    return decorate


@dataclass(frozen=True)
class Meaning:
    """The meaning of a method's answer, with the names that a network's `ModelOutput` has for it."""

    task: str
    labels: tuple[str, ...]
    palette: tuple[tuple[int, int, int], ...]

    @property
    def spec(self) -> OutputSpec:
        """The spec of the answer's numbers."""
        return class_output(self.labels, self.palette, "class_map")


class MethodRunner:
    """A method with its parameters, as a function of one image: what `zoo.evaluate` and `zoo predict` take.

    Args:
        method: which.
        **parameters: of the method, and `side`.

    Raises:
        InputError: for a parameter that the method has not.
    """

    frames = 1  # RGB pictures along an image's channels
    default_side = DEFAULT_SIDE

    def __init__(self, method: Method, **parameters: Any) -> None:
        for key in parameters:
            if key not in method.defaults:
                raise unknown(f"parameter of {method.name}", key, method.defaults)
        self.method, self.parameters = method, parameters
        text = ",".join(f"{key}={value}" for key, value in parameters.items())
        self.name = f"{method.name}:{text}" if text else method.name

    def scorer_on(self, dataset: Dataset) -> Any:
        """The scorer that `zoo.evaluate` asks for."""
        from zoo.classical.scoring import AnswerScorer

        return AnswerScorer(self, dataset)

    def _frames(self, image: np.ndarray) -> tuple[list[np.ndarray], dict[str, Any]]:
        """The frames of an image, shrunk as `side` says, and the method's other parameters."""
        image = np.asarray(image)
        channels, sides = 3 * self.frames, image.shape[:2]
        if image.ndim != 3 or image.shape[2] != channels or image.dtype != np.uint8 or min(sides) < LEAST_SIDE:
            expected = "an RGB picture is" if self.frames == 1 else f"{self.frames} RGB frames along the channels are"
            raise InputError(
                f"{self.name} was given {image.dtype} of shape {image.shape}; {expected} expected: uint8, "
                f"H×W×{channels}, {LEAST_SIDE}×{LEAST_SIDE} pixels at least"
            )
        parameters = {**self.method.defaults, **self.parameters}
        side = parameters.pop("side")
        within("side", side, 0, None)
        if 0 < side < LEAST_SIDE:
            raise InputError(f"side={side}: give {LEAST_SIDE} pixels or more, or 0 for the picture's own size")
        return [shrunk(np.ascontiguousarray(frame), side) for frame in np.split(image, self.frames, axis=2)], parameters


class Segmenter(MethodRunner):
    """A runner of methods that cut a picture into regions."""

    def with_defaults(self, **parameters: Any) -> Segmenter:
        """The same with these parameters where the method has them and nobody set them."""
        defaults = {key: value for key, value in parameters.items() if key in self.method.defaults}
        return Segmenter(self.method, **{**defaults, **self.parameters})

    @property
    def meaning(self) -> Meaning:
        """The meaning of the numbers in `regions`."""
        labels = ("ground", "figure") if self.method.figure else tuple(f"region {i}" for i in range(MOST_REGIONS))
        return Meaning(self.method.task, labels, voc_palette(len(labels)))

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Figure (1) and ground (0) of an image, uint8 H×W; see `zoo.classical.naming.figure_of`.

        Raises:
            InputError: as `regions`.
        """
        return self._figure(self._run(image))

    def predict(self, image: np.ndarray) -> np.ndarray:
        """What is shown of a picture: `regions`."""
        return self.regions(image)

    def scorer_on(self, dataset: Dataset) -> RegionScorer:
        """The scorer that `zoo.evaluate` asks for: regions held against this data's classes."""
        from zoo.classical.scoring import RegionScorer

        return RegionScorer(self, dataset)

    def regions(self, image: np.ndarray) -> np.ndarray:
        """The regions of an image, uint8 H×W, numbered from 0: those of the ground first, larger before smaller.

        Args:
            image: uint8 H×W×3, RGB, 16×16 pixels at least.

        Raises:
            InputError: for another kind of array, a parameter out of range, or more than 255 regions.
        """
        return self._numbered(self._run(image))

    def both(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Figure and ground, and regions, of one run."""
        answer = self._run(image)
        return self._figure(answer), self._numbered(answer)

    def _figure(self, answer: np.ndarray) -> np.ndarray:
        return answer.astype(np.uint8) if self.method.figure else figure_of(answer)

    def _numbered(self, answer: np.ndarray) -> np.ndarray:
        numbered = answer if self.method.figure else ground_first(answer)
        if numbered.max() >= MOST_REGIONS:
            raise InputError(
                f"{self.name} cut a picture into {numbered.max() + 1} regions and a mask holds {MOST_REGIONS}; "
                "give parameters for fewer (zoo card " + self.method.name + ")"
            )
        return numbered.astype(np.uint8)

    def _run(self, image: np.ndarray) -> np.ndarray:
        (picture,), parameters = self._frames(image)
        return enlarged(np.asarray(self.method.function(picture, **parameters)), np.shape(image)[:2])


def shrunk(image: np.ndarray, side: int) -> np.ndarray:
    """The image with its longer side at most `side` pixels and its shorter 16 at least; 0 leaves it as it is."""
    from PIL import Image

    share = side / max(image.shape[:2])
    if side == 0 or share >= 1:
        return image
    height, width = (max(LEAST_SIDE, round(n * share)) for n in image.shape[:2])
    return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BOX))


def enlarged(regions: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Each pixel of (H, W) gets the region it lies in."""
    rows, columns = ((np.arange(n) * size // n) for n, size in zip(shape, regions.shape, strict=True))
    return regions[rows[:, None], columns]


def within(name: str, value: float, least: float, most: float | None) -> None:
    """Refuses a parameter out of its range.

    Raises:
        InputError: saying the range.
    """
    if not (value >= least and (most is None or value <= most)):
        raise InputError(f"{name}={value}: expected {least} or more" + ("" if most is None else f", {most} at most"))
