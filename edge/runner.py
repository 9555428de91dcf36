"""Runs a `.tflite` file on pictures, on the CPU or the GPU of this machine."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from edge.answers import answer
from edge.choices import inner_choices, telling
from edge.engines import Cpu
from edge.errors import InputError
from edge.gpu.remote import ACCELERATORS, Remote
from edge.graph import read_graph
from edge.images import check, prepare
from edge.tflite_file import Bound, read_card


class Runner:
    """A `.tflite` file, ready to run.

        runner = Runner("model.tflite")
        classes = runner(image)            # segmentation: uint8 H×W; classification: float32 (classes,)

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
        card = read_card(path, self.graph)
        self.card = replace(card, range=input_range) if input_range is not None else card
        self._engine = self._open(path)

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """The task's answer for a uint8 H×W×3 picture of any size, at the picture's own resolution."""
        height, width = check(image).shape[:2]
        return answer(self.run(prepare(image, self.card)), self.card, (height, width))

    def run(self, batch: np.ndarray) -> np.ndarray:
        """The first output, real values, for N×h×w×c float32 at the model's size and in the card's range.

        Float outputs are float32 (dequantised where the file stores integers); class indices stay integers.
        """
        return self.outputs(batch)[0]

    def outputs(self, batch: np.ndarray) -> tuple[np.ndarray, ...]:
        """All outputs, as `run` gives the first. A batch larger than the file's own runs in pieces."""
        pieces = [self._engine.run([stored]) for stored in self._pieces(batch)]
        return tuple(
            output.real(np.concatenate(parts) if len(parts) > 1 else parts[0])
            for output, parts in zip(self.graph.outputs, zip(*pieces, strict=True), strict=True)
        )

    def positions(self, batch: np.ndarray) -> dict[str, np.ndarray]:
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
            results = [engine.run([stored])[-len(inner) :] for stored in self._pieces(batch)]
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

    def _pieces(self, batch: np.ndarray) -> list[np.ndarray]:
        """The batch as the file stores it, in pieces of the file's own."""
        if len(self.graph.inputs) != 1:
            raise InputError(f"{self.path.name} has {len(self.graph.inputs)} inputs; this runs files of one")
        tensor = self.graph.inputs[0]
        batch = np.asarray(batch)
        step = tensor.shape[0] if tensor.shape and not tensor.dynamic else 1
        self._check_batch(batch, step)
        stored = tensor.store(batch)
        return [stored[start : start + step] for start in range(0, len(stored), step)]

    def _check_batch(self, batch: np.ndarray, step: int) -> None:
        tensor = self.graph.inputs[0]
        expected = "N×" + "×".join(str(side) for side in tensor.shape[1:])
        # A dynamic input is a 1 in `shape`; what it accepts only the graph itself can say.
        fits = batch.ndim == len(tensor.shape) and (tensor.dynamic or batch.shape[1:] == tensor.shape[1:])
        if not fits:
            raise InputError(f"batch has shape {batch.shape}; {self.path.name} takes {expected}")
        if not len(batch) or len(batch) % step:
            raise InputError(f"batch has {len(batch)} items; {self.path.name} takes them {step} at a time")
        if batch.dtype.kind not in "fui" or not np.isfinite(batch).all():
            raise InputError("batch is not all finite numbers; expected float32 in the card's range")


def _close(engine: Cpu | Remote) -> None:
    if isinstance(engine, Remote):
        engine.close()
