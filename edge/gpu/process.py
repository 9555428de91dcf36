"""A worker process (`edge.gpu.worker`) with its pipes and its log, and how processes are used again.

A process loads one file after another. As a rule each `Remote` has one of its own, which ends with it; within
`reused()` a process that is free serves the next file of its kind, which saves the second that a GPU's process takes to start.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from edge.errors import AcceleratorError
from edge.gpu import vulkan
from edge.gpu.ipc import receive, send

Free = dict[tuple[str, str], list["Process"]]  # by accelerator and Python
_free: Free | None = None  # None outside of `reused`


class Ended(Exception):
    """The process ended before it answered: `late` where it was stopped for taking too long, else by itself with `code`."""

    def __init__(self, late: bool, code: int) -> None:
        super().__init__(f"exit code {code}")
        self.late, self.code = late, code


class Process:
    """One worker process.

    Args:
        accelerator: "cpu" or "gpu"; the environment is set up for it.
        python: the interpreter that runs it, of an environment that has ai-edge-litert.
    """

    def __init__(self, accelerator: str, python: str) -> None:
        self.kind = accelerator, python
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  (lives as long as the worker)
        environment = _environment(accelerator)
        paths = [str(Path(__file__).resolve().parents[2]), environment.get("PYTHONPATH", "")]
        environment["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
        pipe = subprocess.PIPE
        command = [python, "-m", "edge.gpu.worker"]
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=self._log, env=environment)
        self.broken = False

    def ask(
        self, header: dict[str, Any], arrays: Sequence[np.ndarray], timeout: float
    ) -> tuple[dict[str, Any], list[np.ndarray]]:
        """The reply to one request. Raises Ended where the process ends instead, or takes longer."""
        late = threading.Event()
        timer = threading.Timer(timeout, lambda: (late.set(), self._process.kill()))
        timer.start()
        try:
            send(self._process.stdin, header, arrays)
            return receive(self._process.stdout)
        except (EOFError, BrokenPipeError) as error:
            self.broken = True
            raise Ended(late.is_set(), self._process.wait()) from error
        finally:
            timer.cancel()

    @property
    def written(self) -> int:
        """How many bytes its log has."""
        return 0 if self._log.closed else os.fstat(self._log.fileno()).st_size

    def log(self, start: int = 0) -> str:
        """What the runtime has printed, from that byte on."""
        # pread leaves the position alone, which the worker's writes share.
        return os.pread(self._log.fileno(), self.written - start, start).decode("utf-8", "replace") if self.written else ""

    def release(self) -> None:
        """Lets another file have it, where processes are used again; else ends it."""
        if _free is None or self.broken:
            self.stop()
        else:
            _free.setdefault(self.kind, []).append(self)

    def stop(self) -> None:
        """Lets it end by itself; kills it where it does not within a second."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream:
                try:
                    stream.close()
                except BrokenPipeError:  # what was still unsent has no reader any more
                    continue
        try:
            self._process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()


def process(accelerator: str, python: str = sys.executable) -> Process:
    """A process of that kind: one that is free, or a new one."""
    free = (_free or {}).get((accelerator, python))
    return free.pop() if free else Process(accelerator, python)


@contextmanager
def reused(kept: Free | None = None) -> Iterator[None]:
    """Uses processes again for one file after another, until the context ends; one that crashed is not.

    Args:
        kept: processes that are free, for another such context to go on with; whoever gives it ends them with `stop_all`.
    """
    global _free
    before, _free = _free, {} if kept is None else kept
    try:
        yield
    finally:
        rest, _free = _free, before
        if kept is None:
            stop_all(rest)


def stop_all(free: Free) -> None:
    """Ends processes that are free."""
    for processes in free.values():
        for one in processes:
            one.stop()
    free.clear()


def _environment(accelerator: str) -> dict[str, str]:
    if accelerator == "cpu":
        return dict(os.environ)
    driver = vulkan.driver()
    if driver is None:
        raise AcceleratorError(f"no Vulkan driver was found for the GPU; {vulkan.HOW_TO}", "no driver")
    return driver.environment()
