"""A file running in a worker process, which may crash, hang or run out of memory without taking this one along."""

from __future__ import annotations

import re
import signal
import sys
import threading
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edge.engines import default_threads
from edge.errors import AcceleratorError, InputError
from edge.gpu import vulkan
from edge.gpu.patterns import DYNAMIC
from edge.gpu.process import Ended, process
from edge.graph import read_graph

ACCELERATORS = ("cpu", "gpu")
PRECISIONS = ("float32", "reduced")
_NO_DRIVER = ("Failed to initialize WebGPU environment", "No adapters found")
_NOT_WHOLE = ("not accelerated", "Failed to modify graph with delegate", "not supported by GPU delegate")


class Remote:
    """One file on one accelerator in one worker process, which `python` runs: another environment may have another LiteRT.

    Takes and gives tensors as the file stores them. `load_ms` is the time to load and compile, without the process's
    own start; `adapter` the GPU's name as the driver gives it. Several threads may call it: one inference at a time.
    `precision` "reduced" is whatever the GPU computes fastest in; on the CPU it is float16, a rehearsal.

    Raises InputError for an unknown accelerator, a file that the CPU refuses, and one that takes or gives text. Raises
    AcceleratorError, whose `reason` says which, where the GPU does not take the file whole or has no driver, or where the
    worker crashes or takes over `timeout` seconds.
    """

    def __init__(
        self,
        path: str | Path,
        accelerator: str = "gpu",
        threads: int | None = None,
        precision: str = "float32",
        timeout: float = 300.0,
        keep_all: bool = False,
        python: str = sys.executable,
    ) -> None:
        if accelerator not in ACCELERATORS:
            raise InputError(f"accelerator {accelerator!r} is not known; expected 'cpu' or 'gpu'")
        if precision not in PRECISIONS:
            raise InputError(f"precision {precision!r} is not known; expected 'float32' or 'reduced'")
        self.path = Path(path)
        self.accelerator = accelerator
        self._check_graph()
        self._timeout = timeout
        self._lock = threading.Lock()
        self._process = process(accelerator, python)
        self._release = weakref.finalize(self, self._process.release)
        self._log_start = self._process.written  # a process may have served others before
        options = {"threads": threads or default_threads(), "precision": precision, "keep_all": keep_all}
        self._opening = {"op": "open", "accelerator": accelerator, **options}
        self._asked_at = 0  # the log's length when the worker was asked last
        self.peak_bytes = 0
        self.load_ms = 0.0
        try:
            self.open(self.path)
        except InputError:
            self.close()
            raise

    @property
    def alive(self) -> bool:
        """Whether the worker is there: neither closed nor crashed."""
        return self._release.alive

    def open(self, path: str | Path, **options: Any) -> None:
        """Loads another file in the worker, in the place of the one that it has, or the same with another `precision` or
        `keep_all`. After a file that the accelerator refuses the worker is still there, and takes another."""
        self.path = Path(path)
        self._opening |= options
        self.load_ms, _ = self._inference({**self._opening, "path": str(self.path.resolve())}, (), "compiling")

    @property
    def adapter(self) -> str:
        match = re.search(r"Selected adapter: (.*?), arch", self.log())
        return match.group(1) if match else ""

    def log(self, start: int = 0) -> str:
        """The text that the runtime has printed so far, from a byte on."""
        return self._process.log(max(start, self._log_start))

    def run(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        """One inference."""
        return self.timed(arrays)[1]

    def timed(self, arrays: Sequence[np.ndarray]) -> tuple[float, list[np.ndarray]]:
        """(milliseconds, outputs) of one inference: write, run and read-back, without the pipe to the worker."""
        return self._inference({"op": "run"}, arrays, "running")

    def times(self, arrays: Sequence[np.ndarray], repeats: int) -> list[float]:
        """Milliseconds of so many inferences, of the computing alone. Needs accelerator "cpu"."""
        reply, _ = self._ask({"op": "times", "repeats": repeats}, arrays, "running")
        return [float(value) for value in reply["times"]]

    def ranges(self, arrays: Sequence[np.ndarray]) -> dict[int, float]:
        """The largest magnitude of each float activation, by tensor index. Needs accelerator "cpu" and `keep_all`."""
        reply, _ = self._ask({"op": "ranges"}, arrays, "running")
        return {int(index): float(value) for index, value in reply["ranges"]}

    def close(self) -> None:
        """Ends the worker. Calling it again does nothing."""
        self._release()

    def __enter__(self) -> Remote:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _check_graph(self) -> None:
        graph = read_graph(self.path)
        strange = next((tensor for tensor in (*graph.inputs, *graph.outputs) if not tensor.numeric), None)
        if strange is not None:
            what = f"{strange.label!r} is {strange.dtype}, no numbers"
            raise InputError(f"{self.path.name}: {what}; files that take and give numbers alone run here")
        if self.accelerator == "gpu" and any(tensor.open for tensor in graph.inputs):
            raise AcceleratorError(f"{self.path.name} takes any size, a GPU one; {DYNAMIC}", "not whole")

    # ------------------------------------------------------------------------------------------------ the process

    def _inference(
        self, header: dict[str, Any], arrays: Sequence[np.ndarray], doing: str
    ) -> tuple[float, list[np.ndarray]]:
        reply, results = self._ask(header, arrays, doing)
        self.peak_bytes = int(reply["peak_bytes"])
        return float(reply["ms"]), results

    def _ask(self, header: dict[str, Any], arrays: Sequence[np.ndarray], doing: str) -> tuple[dict, list[np.ndarray]]:
        if not self.alive:
            raise InputError(f"the worker of {self.path.name} is closed; open the file again")
        with self._lock:
            self._asked_at = self._process.written
            try:
                reply, results = self._process.ask(header, arrays, self._timeout)
            except Ended as end:
                raise self._ended(doing, end) from end
        if not reply["ok"]:
            raise self._refused(reply, doing)
        return reply, results

    def _ended(self, doing: str, end: Ended) -> AcceleratorError:
        log, code = self.log(self._asked_at), end.code
        self.close()
        if end.late:
            message = f"{self.path.name}: {doing} it took over {self._timeout:g} s on the {self.accelerator.upper()}"
            return AcceleratorError(f"{message}; the worker was stopped", "timed out", log)
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        last = _last_words(log)
        message = f"{self.path.name}: the {self.accelerator.upper()} worker crashed while {doing} it ({how})"
        return AcceleratorError(f"{message}: {last}" if last else message, "crashed", log)

    def _refused(self, reply: dict[str, Any], doing: str) -> InputError:
        error, log = " ".join(reply["error"].split()), self.log(self._asked_at)
        if self.accelerator == "cpu":
            return InputError(error if reply["type"] == "InputError" else f"{self.path.name}: {doing} it: {error}")
        if any(phrase in error or phrase in log for phrase in _NOT_WHOLE):
            ops = ", ".join(sorted({op for op, _ in unsupported(log)})) or "some operators"
            message = f"{self.path.name} does not run whole on the GPU ({ops}); edge.gpu_check says what to change"
            return AcceleratorError(message, "not whole", log)
        if any(phrase in log for phrase in _NO_DRIVER):
            message = f"no Vulkan driver took the GPU worker; {vulkan.HOW_TO}"
            return AcceleratorError(message, "no driver", log)
        return AcceleratorError(f"{self.path.name}: {doing} it on the GPU failed: {error[:300]}", "failed", log)


def unsupported(log: str) -> list[tuple[str, str]]:
    """(op, why) for each op that LiteRT's GPU accelerator named in its log as not supported."""
    block = re.search(r"operations are not supported by GPU delegate:\n(.*?)\n[^\n]*operations will run on", log, re.S)
    if not block:
        return []
    return [(op, why.strip()) for op, why in re.findall(r"^([A-Za-z0-9_]+): (.*)$", block.group(1), re.M)]


def refusal(log: str) -> str:
    """The accelerator's own words where it refuses a file and names no operator; empty where it has none."""
    words = re.findall(r"^E\d{4} .*?\] Failed to create \S+: (.*)$", log, re.M)
    return words[-1] if words else ""


def _last_words(log: str) -> str:
    """The fatal line of a log ("F0000 … file.cc:12] Check failed: …"), or a Python error's last line."""
    fatal = re.findall(r"^F\d{4} .*?\] (.*)$", log, re.M) or re.findall(r"^(\w*Error: .*)$", log, re.M)
    return fatal[-1] if fatal else ""

