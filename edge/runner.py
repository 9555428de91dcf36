"""Runs a `.tflite` file on pictures, on the CPU or the GPU of this machine."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from edge.choices import inner_choices, telling
from edge.engines import Cpu
from edge.errors import InputError
from edge.gpu.remote import ACCELERATORS, Remote
from edge.graph import Tensor, read_graph
from edge.images import Picture, frames_of, prepare
from edge.tflite_file import read_card
from zoo import outputs as kinds
from zoo.outputs.spec import Bound

Batch = np.ndarray | Mapping[str, np.ndarray] | Sequence[np.ndarray]


class Runner:
    """A `.tflite` file, ready to run.

        runner = Runner("model.tflite")
        classes = runner(image)            # what the output's kind makes of it: of class scores a uint8 H×W map

    `threads` is for the CPU (default: the usable cores, at most 4). `input_range` overrides what the file says its
    input's values stand for; other people's float files that say nothing need it. `precision` is for the GPU: "float32",
    or "reduced" for what the device computes fastest in. The GPU works in a process of its own: whatever a driver does
    there is an AcceleratorError here. Close the runner, or use it in a `with`, to end that process early.

    Raises InputError for a file that is missing, damaged, not TFLite or of a newer format, and for an accelerator that
    is not known.
    """

    def __init__(
        self,
        path: str | Path,
        accelerator: str = "cpu",
        threads: int | None = None,
        *,
        input_range: tuple[Bound, Bound] | None = None,
        precision: str = "float32",
    ) -> None:
        if accelerator not in ACCELERATORS:
            raise InputError(f"accelerator {accelerator!r} is not known; expected 'cpu' or 'gpu'")
        if threads is not None and (not isinstance(threads, int) or threads < 1):
            raise InputError(f"threads is {threads!r}; expected a whole number from 1, or None")
        self.path = Path(path)
        self.accelerator = accelerator
        self._threads, self._precision = threads, precision
        self.graph = read_graph(path)
        self.card = read_card(path, self.graph).with_range(input_range)
        self._engine = self._open(path)

    @property
    def frames(self) -> int:
        """The number of pictures that the first input takes along its channels."""
        return self.card.inputs[0].frames

    def __call__(self, image: Picture) -> np.ndarray:
        """The first output's answer to a uint8 H×W×3 picture of any size, at the picture's own resolution.

        A file of several frames takes a sequence of so many pictures, or H×W×3k of k pictures.
        """
        if self.card.size is None or len(self.card.inputs) != 1:
            raise InputError(f"{self.path.name} takes no picture, or not one alone; use run(tensor)")
        spec, size = self.card.spec, frames_of(image, self.card.inputs[0])[0].shape[:2]
        return kinds.kind(spec).decode(self.run(prepare(image, self.card))[0], spec, size)

    def run(self, batch: Batch) -> np.ndarray:
        """The first output, real values, for N×h×w×c float32 at the model's size and in the card's range.

        Several inputs are a dict by name, or a sequence in the card's order. Float outputs are float32 (dequantised where
        the file stores integers); class indices stay integers.
        """
        return next(iter(self.outputs(batch).values()))

    def outputs(self, batch: Batch) -> dict[str, np.ndarray]:
        """All outputs by name in the model's order, as `run` gives the first. A batch larger than the file's own runs in
        pieces."""
        pieces = [self._engine.run(piece) for piece in self._pieces(batch)]
        whole = [np.concatenate(parts) if len(parts) > 1 else parts[0] for parts in zip(*pieces, strict=True)]
        return {
            spec.name: self.graph.outputs[place].real(whole[place])
            for spec, place in zip(self.card.outputs, self.card.read, strict=True)
        }

    def positions(self, batch: Batch) -> dict[str, np.ndarray]:
        """The choices that the graph makes on its way (positions of maxima), by layer; as `run` takes the batch.

        What is compared with this file's numbers needs them where values tie but for rounding.
        """
        inner = inner_choices(self.path, self.graph)
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

    def __enter__(self) -> Runner:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open(self, path: str | Path) -> Cpu | Remote:
        if self.accelerator == "cpu":
            return Cpu(path, self._threads)
        return Remote(path, "gpu", precision=self._precision)

    def _pieces(self, batch: Batch) -> list[list[np.ndarray]]:
        """The batch as the file stores it, in the graph's order of inputs and in pieces of the file's own."""
        names = [spec.name for spec in self.card.inputs]
        arrays = _by_name(batch, names, self.path.name)
        feeds: dict[int, np.ndarray] = {}
        for name, place in zip(names, self.card.fed, strict=True):
            feeds[place] = self._stored(np.asarray(arrays[name]), self.graph.inputs[place])
        counts = {len(feed) for feed in feeds.values()}
        if len(counts) > 1:
            raise InputError(f"the inputs hold {' and '.join(map(str, sorted(counts)))} items; expected as many in each")
        step = _step(self.graph.inputs[0])
        return [
            [feeds[place][start : start + step] for place in range(len(feeds))] for start in range(0, counts.pop(), step)
        ]

    def _stored(self, batch: np.ndarray, tensor: Tensor) -> np.ndarray:
        """One input as the file stores it, checked."""
        expected = "N×" + "×".join(str(side) for side in tensor.shape[1:])
        # A dynamic input is a 1 in `shape`; what it accepts only the graph itself can say.
        fits = batch.ndim == len(tensor.shape) and (tensor.dynamic or batch.shape[1:] == tensor.shape[1:])
        if not fits:
            raise InputError(f"batch has shape {batch.shape}; {self.path.name} takes {expected}")
        step = _step(tensor)
        if not len(batch) or len(batch) % step:
            raise InputError(f"batch has {len(batch)} items; {self.path.name} takes them {step} at a time")
        if batch.dtype.kind not in "fui" or not np.isfinite(batch).all():
            raise InputError("batch is not all finite numbers; expected float32 in the card's range")
        return tensor.store(batch)


def _step(tensor: Tensor) -> int:
    """The number of items that the file takes at a time."""
    return tensor.shape[0] if tensor.shape and not tensor.dynamic else 1


def _by_name(batch: Batch, names: Sequence[str], file: str) -> Mapping[str, np.ndarray]:
    """The arrays of a batch by the names of the inputs.

    Raises InputError for other names, or another number of arrays.
    """
    if isinstance(batch, Mapping):
        if set(batch) != set(names):
            raise InputError(f"inputs {', '.join(map(str, batch))} given; {file} takes {', '.join(names)}")
        return batch
    arrays = [batch] if len(names) == 1 and not isinstance(batch, tuple) else batch
    if len(names) > 1 and isinstance(arrays, np.ndarray):
        raise InputError(f"{file} has {len(names)} inputs ({', '.join(names)}); give a dict by name, or a tuple of arrays")
    if len(arrays) != len(names):
        raise InputError(f"{len(arrays)} arrays given; {file} takes {', '.join(names)}")
    return dict(zip(names, arrays, strict=True))


def _close(engine: Cpu | Remote) -> None:
    if isinstance(engine, Remote):
        engine.close()
