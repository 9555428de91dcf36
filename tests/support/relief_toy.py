"""A toy of all that a new kind of answer needs: a kind (heights in metres), a task over it, a network, and data.

Nothing outside this file knows them: what they walk through asks the kind, the task, the target and the registry.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
import numpy as np

import zoo.outputs
import zoo.tasks
from zoo import registry
from zoo.data import Dataset, Sample
from zoo.data.targets import HeatMap
from zoo.metrics import Metric, Score
from zoo.outputs import Comparison, Kind, OutputSpec, Tolerance
from zoo.outputs.base import judged
from zoo.outputs.comparison import numeric
from zoo.outputs.resize import bilinear

NETWORK = "toy_relief"
SIZE = (32, 48)
L = keras.layers


class Heights(Kind):
    """Heights h×w×1 in metres."""

    name = "heights"

    def decode(self, output: np.ndarray, spec: OutputSpec, size: tuple[int, int]) -> np.ndarray:
        """float32 H×W."""
        return bilinear(output[None], size)[0, ..., 0]

    def describe(self, answer: np.ndarray, spec: OutputSpec) -> str:
        """The least and the greatest."""
        return f"from {answer.min():.1f} to {answer.max():.1f} {spec.unit}"

    def draw(self, picture: np.ndarray, answer: np.ndarray, spec: OutputSpec) -> np.ndarray:
        """Grey, the highest white."""
        low, high = spec.range or (0.0, 1.0)
        grey = np.clip((answer - low) / (high - low) * 255, 0, 255).astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=-1)

    def write(self, answer: np.ndarray, spec: OutputSpec, stem: Path) -> Path:
        """STEM_heights.txt."""
        path = stem.with_name(f"{stem.name}_heights.txt")
        np.savetxt(path, answer, "%.3f")
        return path

    def compare(
        self, expected: np.ndarray, got: np.ndarray, spec: OutputSpec, tolerance: Tolerance, chosen_otherwise: int = 0
    ) -> Comparison:
        """As numbers, and by "metres", the mean error."""
        measures = numeric(expected, got)
        return judged(spec.name, measures | {"metres": measures["mean_abs"]}, tolerance, ties=chosen_otherwise)


class HeightError(Metric):
    """The mean error of all pixels, in metres."""

    def __init__(self) -> None:
        self._sum, self._count = 0.0, 0

    def update(self, target: Any, answer: np.ndarray) -> None:
        """Heights H×W×1 against H×W."""
        self._sum += float(np.abs(np.asarray(target)[..., 0] - answer).sum())
        self._count += answer.size

    def merge(self, other: Metric) -> HeightError:
        self._sum, self._count = self._sum + other._sum, self._count + other._count
        return self

    def scores(self) -> list[Score]:
        return [Score("height_error", self._sum / self._count if self._count else float("nan"), "m", higher_is_better=False)]


class Hills(Dataset):
    """Slopes of light: 60 m where a picture is white, 0 where it is black."""

    name, task, target = "hills", "relief", HeatMap

    def __init__(self, count: int = 64, seed: int = 0) -> None:
        self.count, self.seed = count, seed

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Sample:
        index = self.position(index)
        coarse = np.random.default_rng((self.seed, index)).uniform(0, 1, (1, 4, 6, 1))
        light = bilinear(coarse, SIZE)[0]
        image = np.rint(255 * np.repeat(light, 3, axis=-1)).astype(np.uint8)
        return Sample(image, HeatMap((60 * light).astype(np.float32)), f"hill {index}")


class Relief(zoo.tasks.Task):
    """Heights from a picture."""

    name = "relief"
    headline = "height_error"
    outputs = ("heights",)

    def output_spec(
        self, labels: Sequence[str] = (), palette: Sequence[Sequence[int]] | None = None, output: str | None = None
    ) -> OutputSpec:
        """Heights of every pixel, all above 0."""
        return OutputSpec("heights", channels=1, unit="m", range=(0.0, 100.0))

    def loss(self, spec: OutputSpec, ignore: int | None = None, class_weights: Any = None) -> keras.losses.Loss:
        """The mean error."""
        return keras.losses.MeanAbsoluteError()

    def metrics(self, dataset: Any, **wishes: Any) -> list[Metric]:
        """The mean error."""
        return [HeightError()]

    def toy_batch(
        self, shape: tuple[int, ...], spec: OutputSpec, count: int, seed: int = 0
    ) -> zoo.tasks.ToyBatch:
        """Hills at their own size."""
        samples = list(Hills(count, seed))
        images = np.stack([sample.image for sample in samples]).astype("float32")
        return zoo.tasks.ToyBatch(images, HeatMap.stack([sample.target for sample in samples]))


def build(image: keras.KerasTensor, channels: int, **_: Any) -> keras.KerasTensor:
    """Brighter is higher, and the sum of what lies around."""
    x = L.Rescaling(1 / 255, name="scale")(image)
    x = L.Conv2D(8, 3, padding="same", activation="relu", name="stem")(x)
    return L.Conv2D(channels, 3, padding="same", activation="relu", bias_initializer="ones", name="height")(x)


@contextmanager
def entered() -> Iterator[str]:
    """The network's name, while kind, task and network are entered."""
    zoo.outputs.register(Heights())
    zoo.tasks.register(Relief())
    registry.register({NETWORK: registry.Variant(input_size=SIZE)}, task="relief", paper=None)(build)
    try:
        yield NETWORK
    finally:
        registry.withdraw(NETWORK)
        zoo.tasks.withdraw("relief")
        zoo.outputs.withdraw("heights")
