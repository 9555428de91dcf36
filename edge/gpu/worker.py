"""The worker process: `python -m edge.gpu.worker`. Runs one file on one accelerator for the process that started it.

Requests come on standard input and replies go to what standard output was (see edge.gpu.ipc); all that native code prints
goes to standard error, which the parent keeps as a log. It ends when its input does. Started by edge.gpu.remote.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from edge.engines import Compiled, Cpu, Gpu, HalfCpu
from edge.gpu.ipc import receive, send


def _open(header: dict[str, Any]) -> Cpu | Compiled:
    if header["accelerator"] == "gpu":
        return Gpu(header["path"], header["precision"])
    if header["precision"] == "reduced":
        return HalfCpu(header["path"], header["threads"])
    return Cpu(header["path"], header["threads"], header["keep_all"])


def _ranges(engine: Cpu) -> list[list[float]]:
    """[tensor, largest magnitude] of every float activation of the last inference."""
    ranges = []
    for tensor in engine.graph.tensors:
        if tensor.constant or tensor.dtype != "float32":
            continue
        try:
            values = engine.tensor(tensor.index)
        except ValueError:  # a tensor that no kernel filled has no data to read
            continue
        if values.size:
            ranges.append([tensor.index, float(np.nan_to_num(np.abs(values).max(), nan=np.inf, posinf=3e38))])
    return ranges


def _peak_bytes() -> int:
    """The largest memory that this process has held, 0 where the system does not tell."""
    try:
        # Linux's ru_maxrss begins with what the parent held when it started this process; VmHWM is this program's own.
        status = Path("/proc/self/status").read_text(encoding="ascii")
        return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        return _peak_of_its_life()


def _peak_of_its_life() -> int:
    try:
        import resource
    except ImportError:  # Windows
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _serve(requests: BinaryIO, replies: BinaryIO) -> None:
    engine: Cpu | Compiled | None = None
    while True:
        try:
            header, arrays = receive(requests)
        except EOFError:
            return
        start = time.perf_counter()
        try:
            if header["op"] == "open":
                engine = None  # what it holds is free before the next one is there
                engine = _open(header)
                results: list[np.ndarray] = []
            elif engine is None:
                raise RuntimeError("nothing is open")
            elif header["op"] == "ranges" and isinstance(engine, Cpu):
                engine.run(arrays)
                send(replies, {"ok": True, "ranges": _ranges(engine)})
                continue
            elif header["op"] == "times" and isinstance(engine, Cpu):
                send(replies, {"ok": True, "times": engine.times(arrays, header["repeats"])})
                continue
            else:
                results = engine.run(arrays)
        # Whatever went wrong belongs to the parent, who decides what it means; a worker has nobody else to tell.
        except Exception as error:
            send(replies, {"ok": False, "error": str(error), "type": type(error).__name__})
            continue
        milliseconds = (time.perf_counter() - start) * 1000
        send(replies, {"ok": True, "ms": milliseconds, "peak_bytes": _peak_bytes()}, results)


def main() -> None:
    """Serves until standard input ends."""
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    _serve(sys.stdin.buffer, replies)
    replies.flush()
    # Some GPU drivers hang or crash while they are torn down. All answers are out: leave without it.
    os._exit(0)


if __name__ == "__main__":
    main()
