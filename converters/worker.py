"""Worker: a process that calls functions for this one, so that what ends it does not end the caller.

TensorFlow's converter and its calibrator, and now and then an interpreter, abort on graphs that they do not expect; no
exception handler sees that. The process starts with the first call, which costs an import of TensorFlow, is used again, and
ends with its owner. Functions and arguments travel as pickles: they have to be importable.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import pickle
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from typing import IO, Any

from zoo.errors import InputError

_LENGTH = struct.Struct("<Q")
_START = "import sys; sys.path[:] = {path!r}; from converters.worker import serve; serve()"


class Died(RuntimeError):
    """The worker ended in the middle of a call; the message holds the last that it printed."""


class Failed(RuntimeError):
    """The function raised; the message holds the exception's and, on further lines, what was printed meanwhile."""


class Worker:
    """A process for the calls of this one; started when needed, and anew after it died."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0
        self._noise: IO[bytes] | None = None
        self._lock = threading.Lock()

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """The function's result.

        Raises:
            InputError: as the function raises it.
            Failed: for any other exception.
            Died: where the process ended.
        """
        with self._lock:
            process = self._running()
            start = self._noise.seek(0, os.SEEK_END)
            try:
                _write(process.stdin, (function, arguments))
                status, result = _read(process.stdout)
            except (EOFError, OSError, struct.error) as error:
                self._process = None
                process.kill()
                code = process.wait()
                raise Died(f"it ended with status {code}\n{self._printed(start)}") from error
            if status == "value":
                return result
            raise InputError(result) if status == "input" else Failed(f"{result}\n{self._printed(start)}")

    def close(self) -> None:
        """Ends the process."""
        process, self._process = self._process, None
        if process is not None and self._owner == os.getpid():
            with contextlib.suppress(OSError):
                process.stdin.close()
            process.wait()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._owner != os.getpid() or self._process.poll() is not None:
            self._owner, self._noise = os.getpid(), tempfile.TemporaryFile()  # noqa: SIM115 (as long as the process)
            command = [sys.executable, "-c", _START.format(path=[os.path.abspath(entry) for entry in sys.path])]
            environment = {**os.environ, "KERAS_BACKEND": "tensorflow"}
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._noise, env=environment
            )
            atexit.register(self.close)
        return self._process

    def _printed(self, start: int) -> str:
        self._noise.seek(start)
        return self._noise.read()[-(1 << 20) :].decode("utf-8", "replace")


worker = Worker()


def serve() -> None:
    """The worker's life: calls in by its standard input, results out by its standard output, until the input ends."""
    results = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever is printed goes where it does not disturb
    while True:
        try:
            function, arguments = _read(sys.stdin.buffer)
        except EOFError:
            return
        try:
            answer = ("value", function(*arguments))
        except InputError as error:
            answer = ("input", str(error))
        except Exception as error:  # ConverterError, but also RuntimeError and ValueError from inside TensorFlow's C++ parts
            answer = ("error", f"{type(error).__name__}: {error}")
        sys.stdout.flush()
        _write(results, answer)


def _write(stream: IO[bytes], message: Any) -> None:
    data = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    stream.write(_LENGTH.pack(len(data)))
    stream.write(data)
    stream.flush()


def _read(stream: IO[bytes]) -> Any:
    (length,) = _LENGTH.unpack(_exactly(stream, _LENGTH.size))
    return pickle.loads(_exactly(stream, length))


def _exactly(stream: IO[bytes], count: int) -> bytes:
    data = stream.read(count)
    if len(data) < count:
        raise EOFError
    return data
