"""Frame labels: what happens in every frame of a film."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.data.datasets.scenes_events import EVENTS, FRAMES
from zoo.data.targets import Tokens
from zoo.metrics import Metric
from zoo.metrics.classes import ClassAgreement
from zoo.outputs import OutputSpec
from zoo.outputs.frame_scores import OUTPUTS, frame_output
from zoo.tasks.base import ToyBatch
from zoo.tasks.class_task import ClassTask

if TYPE_CHECKING:
    import keras

    from zoo.data import Dataset

_LEVELS, _STEP = (60, 190), 40  # brightness of toy films, and by how much it changes from frame to frame


class FrameLabels(ClassTask):
    """N×1×frames×classes logits against N×frames integers."""

    name = "frame_labels"
    headline = "frame_accuracy"
    outputs = tuple(OUTPUTS)
    target = Tokens
    frames = FRAMES
    squashes = False

    def default_labels(self) -> tuple[str, ...]:
        """The ways that things move."""
        return EVENTS

    def output_spec(
        self, labels: Sequence[str] = (), palette: Sequence[Sequence[int]] | None = None, output: str | None = None
    ) -> OutputSpec:
        """Scores of each class in every frame."""
        return frame_output(labels, palette or (), output or self.outputs[0])

    def metrics(self, dataset: Dataset, **wishes: Any) -> list[Metric]:
        """The share of frames that are right, and its mean over the classes."""
        self._check_wishes(wishes)
        names = {"frame_accuracy": "pixel_accuracy", "mean_accuracy": "mean_accuracy"}
        return [FrameAgreement(dataset.classes, dataset.ignore, names)]

    def deployed(self, model: keras.Model) -> keras.Model:
        """One frame's step, around which a device writes its loop."""
        from zoo.layers import step_network

        return step_network(model)

    def encoder(self, model: keras.Model) -> keras.Model:
        """What looks at each frame."""
        from zoo.layers import frame_network

        return frame_network(model)

    def encoder_images(self, images: np.ndarray) -> np.ndarray:
        """The frames of films N×H×W×kC, those of one after the other: kN×H×W×C."""
        return np.concatenate([np.stack(np.split(film, self.frames, axis=-1)) for film in images])

    def steps_seen(self, dataset: Dataset, seen: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """What is seen of frames, in their films' order: N×1×k×C."""
        return {name: array.reshape(-1, 1, self.frames, array.shape[-1]) for name, array in seen.items()}

    def augmentation(self, native: bool = False) -> Any:
        """Colours alone: what moves to the left does not, seen in a mirror."""
        from zoo.data import Augment

        return Augment(flip=0.0, scale=(1.0, 1.0), native=native)

    def target_as_answer(self, target: Any, spec: OutputSpec) -> np.ndarray:
        """All of the probability for each frame's class."""
        return np.eye(spec.classes or spec.channels, dtype=np.float32)[np.asarray(target).clip(0)]

    def toy_batch(self, shape: tuple[int, int, int], spec: OutputSpec, count: int, seed: int) -> ToyBatch:
        """Films that grow brighter (class 1) or darker (the last class) from frame to frame, or stay (0)."""
        height, width, channels = shape
        random, classes = np.random.default_rng(seed), spec.classes or spec.channels
        films, labels = [], []
        for _ in range(count):
            level, film, said = float(random.integers(*_LEVELS)), [], []
            for at in range(self.frames):
                turn = int(random.integers(-1, 2)) if at else 0
                turn = turn if 0 <= level + turn * _STEP <= 255 else -turn
                level += turn * _STEP
                film.append(np.full((height, width, channels // self.frames), level, np.float32))
                said.append({0: 0, 1: 1, -1: classes - 1}[turn])
            films.append(np.concatenate(film, axis=-1))
            labels.append(said)
        return ToyBatch(np.stack(films), np.array(labels, np.int32))


class FrameAgreement(ClassAgreement):
    """Scores of one confusion matrix over all frames."""

    def update(self, target: Any, answer: np.ndarray) -> None:
        """Counts a film: n classes, and probabilities n×C."""
        super().update(np.asarray(target)[None], np.asarray(answer).argmax(axis=-1)[None])
