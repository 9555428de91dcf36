"""Runs a `.tflite` file on pictures, on the CPU or the GPU of this machine."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from edge import films, sentences, texts
from edge.choices import inner_choices, telling
from edge.engines import Cpu
from edge.errors import InputError
from edge.gpu.remote import ACCELERATORS, Remote
from edge.graph import Tensor, read_graph
from edge.guess import picture_of
from edge.images import Picture, frames_of, prepare
from edge.inputs import by_name, prepared
from edge.overrides import Overrides
from edge.tflite_file import OURS, read_card
from edge.tiles import by_tiles
from zoo import outputs as kinds
from zoo.outputs import sayings
from zoo.outputs.layout import arranged
from zoo.outputs.spec import Bound, OutputSpec

Batch = np.ndarray | Mapping[str, np.ndarray] | Sequence[np.ndarray]


class Runner:
    """A `.tflite` file, ready to run.

        runner = Runner("model.tflite")
        classes = runner(image)            # what the output's kind makes of it: of class scores a uint8 H×W map

    The GPU works in a process of its own, and so does the CPU on files that other people made, some of which end the process
    that runs them: whatever happens there is an AcceleratorError here. Close the runner, or use it in a `with`, to end that
    process early.

    Args:
        path: of the file.
        accelerator: "cpu" or "gpu".
        threads: on the CPU; by default the usable cores, at most 4.
        input_range: (low, high), the values that stand for a picture's 0 and 255, over what the file says; other people's
            float files that say nothing need it. An input of uint8 without a scale takes the picture's bytes all the same.
        input_size: (height, width) for a file that takes any size; by default the picture's own.
        output: "logits", "probabilities" or "class_map": what the first output is, for files of which that can't be told.
        labels: names of its classes; of a single channel both, or the foreground's alone.
        precision: on the GPU "float32", or "reduced" for what the device computes fastest in.
        overlap: pictures are not resized to the file's size but seen in tiles of it, which share so many pixels at least: what
            networks need whose answer is the picture's detail. By default what the file says, which mostly is to resize.

    Raises:
        InputError: for a file that is missing, damaged, not TFLite or of a newer format, for an accelerator that is not
            known, and for what is said of the file and cannot be.
    """

    def __init__(
        self,
        path: str | Path,
        accelerator: str = "cpu",
        threads: int | None = None,
        *,
        input_range: tuple[Bound, Bound] | None = None,
        input_size: tuple[int, int] | None = None,
        output: str | None = None,
        labels: Sequence[str] | None = None,
        precision: str = "float32",
        overlap: int | None = None,
    ) -> None:
        if accelerator not in ACCELERATORS:
            raise InputError(f"accelerator {accelerator!r} is not known; expected 'cpu' or 'gpu'")
        if threads is not None and (not isinstance(threads, int) or threads < 1):
            raise InputError(f"threads is {threads!r}; expected a whole number from 1, or None")
        self.path = Path(path)
        self.accelerator = accelerator
        self._threads, self._precision = threads, precision
        self.graph = read_graph(path)
        self.card = Overrides(input_range, input_size, output, labels).over(read_card(path, self.graph), self.graph)
        self._overlap = self.card.overlap if overlap is None else overlap
        self._engine = self._open(path)

    @cached_property
    def encoder(self) -> Runner:
        """The runner of what looks at a picture before the first word: of the file beside one of one word.

        Raises:
            InputError: if there is none, or it is another file's.
        """
        path = sentences.encoder_path(self.path)
        if not path.is_file():
            raise InputError(f"{self.path.name} goes on from what {path.name} makes of a picture; put it beside that file")
        encoder = Runner(path, self.accelerator, self._threads, precision=self._precision)
        sentences.check_encoder(self, encoder)
        return encoder

    @property
    def meaning(self) -> OutputSpec:
        """The meaning of what it answers to a picture."""
        return sayings.meaning(self.card.spec) if self.card.begun else self.card.spec

    def sheets(self, image: Picture) -> dict[str, np.ndarray]:
        """Further pictures that say how it came to its answer to a picture, uint8, by name: where each word looked."""
        if not self.card.begun:
            return {}
        return sayings.sheets(frames_of(image, self.encoder.card.inputs[0])[0], sentences.say(self, image))

    @property
    def frames(self) -> int:
        """The number of pictures that it looks at together; 0 of one that watches films, of any number."""
        return 0 if self.card.watches else self.card.inputs[0].frames

    def prepared(self, image: Picture) -> np.ndarray:
        """A uint8 H×W×3 picture of any size, or its frames, as `run` takes it."""
        return prepare(image, self.card)

    def __call__(self, image: Picture | str | Mapping[str, Any]) -> np.ndarray:
        """The first output's answer to a uint8 H×W×3 picture of any size, at the picture's own resolution.

        A file of several frames takes a sequence of so many pictures, or H×W×3k of k pictures; one of several inputs a dict by
        their names, or a tuple in their order, of pictures and of arrays. A file of one step takes a text 1×n×1 of tokens and
        reads it from the beginning; `edge.texts` says what else can be done with one. A file of one word of a sentence takes a
        picture, which its encoder beside it looks at first, and says its likeliest sentence (`edge.sentences`). One of a
        frame's step takes a film of any number of frames (`edge.films`). Files that read a sentence take it in words too.
        """
        image = sentences.worded(self, image) if isinstance(image, str) else image
        if self.card.watches:
            return films.reading(self, image)
        if self.card.begun:
            return sentences.say(self, image).numbers
        if self.card.states:
            return texts.reading(self, np.asarray(image))
        if isinstance(image, Mapping | tuple) and len(self.card.inputs) > 1:
            return self._of_several(image)
        if not self.card.takes_picture:
            names = ", ".join(spec.name for spec in self.card.inputs)
            raise InputError(f"{self.path.name} takes no picture alone, but {names}; give a dict by name, or use run(tensor)")
        sentences.check_width(self, image)
        spec, frames = self.card.spec, frames_of(image, self.card.inputs[0])
        size = frames[0].shape[:2]
        if self.card.size not in (None, size) and not kinds.kind(spec).stretches:
            raise InputError(f"{self.path.name} reads {self.card.size}, and {size} was given, which cannot be stretched")
        if self._overlap is not None:
            tiled = by_tiles(self.run, np.concatenate(frames, axis=-1), self.card, self._overlap)
            return kinds.kind(spec).decode(tiled, spec, size)
        raw = arranged(self.run(prepare(image, self.card)), spec.layout, self.card.size or size)
        return kinds.kind(spec).decode(raw[0] if raw.ndim else raw, spec, size)

    def _of_several(self, values: Any) -> np.ndarray:
        """The first output's answer to one item for each input."""
        spec, feeds = self.card.spec, prepared(values, self.card, self.graph)
        image = self.card.inputs[picture_of(self.card.inputs)]
        size = (1, 1)
        if image.layout:
            size = frames_of(by_name(values, list(feeds), self.path.name)[image.name], image)[0].shape[:2]
        raw = arranged(self.run(feeds), spec.layout, image.size or size)
        return kinds.kind(spec).decode(raw[0] if raw.ndim else raw, spec, size)

    def step(self, token: int | np.ndarray, states: texts.States | None = None) -> tuple[np.ndarray, texts.States]:
        """One step of a text: the logarithms of the probabilities of what comes after a token, float32 V, and the states there.

        Of a film: the probabilities of what happens in a frame, float32 C, and the states there.

        Args:
            token: its number in the vocabulary, which is `card.labels`; of a film the frame, uint8 H×W×3.
            states: as the step before gave them; None at the beginning.

        Raises:
            InputError: for a file that is not one of a step, and a token that it does not know.
        """
        return films.step(self, token, states) if self.card.watches else texts.step(self, token, states)

    def said(self, sample: np.ndarray) -> np.ndarray:
        """What the network of all steps gives of one sample, word by word: of a text 1×n×1 float32 1×n×V, and of a picture
        h×w×c as `run` takes it the scores length×V of the likeliest sentence, zeros behind its end; of a film h×w×3k 1×k×C."""
        if self.card.watches:
            return films.scores(self, sample)
        if not self.card.begun:
            return texts.reading(self, sample)[None]
        return sentences.scores(self, sample[None])

    def run(self, batch: Batch) -> np.ndarray:
        """The first output, real values, for float32 in the card's range and the file's own order of axes, N×h×w×c as a rule.

        Several inputs are a dict by name, or a sequence in the card's order. Float outputs are float32 (dequantised where
        the file stores integers); class indices stay integers.
        """
        return next(iter(self.outputs(batch).values()))

    def outputs(self, batch: Batch) -> dict[str, np.ndarray]:
        """All outputs by name in the model's order, as `run` gives the first. A batch larger than the file's own runs in
        pieces."""
        pieces = [self._engine.run(piece) for piece in self._pieces(batch)]
        whole = [_together(parts) for parts in zip(*pieces, strict=True)]
        return {
            spec.name: self.graph.outputs[place].real(whole[place])
            for spec, place in zip(self.card.outputs, self.card.read, strict=True)
        }

    def positions(self, batch: Batch) -> dict[str, np.ndarray]:
        """The choices that the graph makes on its way (positions of maxima), by layer; as `run` takes the batch.

        What is compared with this file's numbers needs them where values tie but for rounding.
        """
        inner = inner_choices(self.graph)
        if not inner:
            return {}
        with tempfile.TemporaryDirectory(prefix="densezoo_") as folder:
            target = Path(folder) / self.path.name
            file = telling(self.path, target, [choice.result.index for choice in inner])
            engine = self._open(file)
            results = [engine.run(piece)[-len(inner) :] for piece in self._pieces(batch)]
            _close(engine)
        return {
            choice.layer: np.concatenate(parts) for choice, parts in zip(inner, zip(*results, strict=True), strict=True)
        }

    def close(self) -> None:
        """Ends the GPU's worker process, where there is one."""
        _close(self._engine)
        if "encoder" in vars(self):
            self.encoder.close()

    def __enter__(self) -> Runner:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open(self, path: str | Path) -> Cpu | Remote:
        if self.accelerator == "cpu" and self.card.source == OURS:
            return Cpu(path, self._threads)
        return Remote(path, self.accelerator, threads=self._threads, precision=self._precision)

    def _pieces(self, batch: Batch) -> list[list[np.ndarray]]:
        """The batch as the file stores it, in the graph's order of inputs and in pieces of the file's own."""
        names = [spec.name for spec in self.card.inputs]
        arrays = by_name(batch, names, self.path.name)
        feeds: dict[int, np.ndarray] = {}
        for name, place in zip(names, self.card.fed, strict=True):
            feeds[place] = self._stored(np.asarray(arrays[name]), self.graph.inputs[place])
        counts = {len(feed) // _step(self.graph.inputs[place]) for place, feed in feeds.items() if feed.ndim}
        if len(counts) > 1:
            raise InputError(f"the inputs hold {' and '.join(map(str, sorted(counts)))} items; expected as many in each")
        return [
            [_piece(feeds[place], _step(self.graph.inputs[place]), at) for place in range(len(feeds))]
            for at in range(counts.pop() if counts else 1)
        ]

    def _stored(self, batch: np.ndarray, tensor: Tensor) -> np.ndarray:
        """One input as the file stores it, checked."""
        sides = ["any" if side < 0 else str(side) for side in tensor.signature]
        expected = "×".join(["N", *sides[1:]]) if sides else "a single number"
        fits = len(tensor.signature) == batch.ndim and all(
            own in (-1, side) for own, side in zip(tensor.signature[1:], batch.shape[1:], strict=False)
        )
        if not fits:
            raise InputError(f"batch has shape {batch.shape}; {self.path.name} takes {expected}")
        if not batch.ndim:
            return tensor.store(batch)
        step = _step(tensor)
        if not len(batch) or len(batch) % step:
            raise InputError(f"batch has {len(batch)} items; {self.path.name} takes them {step} at a time")
        if batch.dtype.kind not in "fui" or not np.isfinite(batch).all():
            raise InputError("batch is not all finite numbers; expected float32 in the card's range")
        return tensor.store(batch)


def _step(tensor: Tensor) -> int:
    """The number of items that the file takes at a time."""
    return tensor.signature[0] if tensor.signature and tensor.signature[0] > 0 else 1


def _piece(feed: np.ndarray, step: int, at: int) -> np.ndarray:
    """One inference's part of an input; a single number is the same for all."""
    return feed[at * step : (at + 1) * step] if feed.ndim else feed


def _together(parts: Sequence[np.ndarray]) -> np.ndarray:
    """One output of all pieces; numbers without an axis, one a piece, get one."""
    if len(parts) == 1:
        return parts[0]
    return np.concatenate(parts) if parts[0].ndim else np.stack(parts)


def _close(engine: Cpu | Remote) -> None:
    if isinstance(engine, Remote):
        engine.close()
