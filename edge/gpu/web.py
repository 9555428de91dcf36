"""LiteRT.js asked graph by graph: a server that hands out graphs and takes answers, and Chromium on its page `web.html`.

Chromium runs without a window. Without a GPU its WebGPU is computed in software, as in this project's other tests. A page that
does not answer in time is ended, its graph counted as crashed, and a new one goes on with the next.
"""

from __future__ import annotations

import base64
import json
import queue
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np

from edge.errors import InputError
from edge.gpu.probe import CRASHED, EQUAL, NOT_WHOLE, WRONG, Probed
from edge.gpu.probing import Asked, described, difference, judged
from edge.graph import Graph, read_graph

TITLES = {"webgpu": "WebGPU", "wasm": "WebAssembly"}  # LiteRT.js's name of an accelerator → ours
PATIENCE = 120.0  # seconds for one graph
START = 300.0  # and for the page to ask for the first
_PAGE = Path(__file__).with_name("web.html")
_CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_QUIET = (
    "--headless", "--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader",
)  # fmt: skip
_KINDS = {".html": "text/html", ".js": "text/javascript", ".wasm": "application/wasm"}


def ask_all(
    asked: Sequence[Asked], modules: Path, accelerator: str, progress: Callable[[int], None] = lambda answers: None
) -> tuple[list[Probed], str]:
    """(what came of each graph, the adapter's name) in LiteRT.js of that folder of node modules, on "webgpu" or "wasm".

    `progress` is told how many graphs have been asked.

    Raises InputError where there is no Chromium, or its page does not start.
    """
    replies = _every_reply(asked, modules, accelerator, progress=progress)
    adapter = next((reply["adapter"] for reply in replies if reply.get("adapter")), "")
    if accelerator == "webgpu" and not adapter:
        raise InputError("Chromium gave no WebGPU adapter; install Debian's chromium, whose software Vulkan will do")
    return [_row(one, reply) for one, reply in zip(asked, replies, strict=True)], adapter


def milliseconds(asked: Sequence[Asked], modules: Path, accelerator: str, repeats: int) -> list[float]:
    """The least of so many inferences of each file, with its first sample; NaN where it does not run."""
    replies = _every_reply(asked, modules, accelerator, repeats)
    return [float(reply.get("ms") or np.nan) for reply in replies]


def _every_reply(
    asked: Sequence[Asked],
    modules: Path,
    accelerator: str,
    repeats: int = 0,
    progress: Callable[[int], None] = lambda answers: None,
) -> list[dict[str, Any]]:
    exchange = _Exchange(asked, modules, progress)
    replies: list[dict[str, Any]] = []
    with _serving(exchange) as address:
        while len(replies) < len(asked):
            exchange.begin(len(replies))
            with _chromium(f"{address}/?accelerator={accelerator}&repeats={repeats}"):
                replies += _replies(exchange, len(asked) - len(replies))
    return replies


def _replies(exchange: _Exchange, count: int) -> list[dict[str, Any]]:
    """What one page answers, the last of it a crash where it stops early."""
    replies: list[dict[str, Any]] = []
    if not exchange.asked_for.wait(START):
        raise InputError(f"Chromium's page did not start within {START:g} s; is it a Chromium that runs without a window?")
    while len(replies) < count:
        try:
            replies.append(exchange.answers.get(timeout=PATIENCE))
        except queue.Empty:
            return [*replies, {"crashed": True}]
    return replies


def _row(asked: Asked, reply: dict[str, Any]) -> Probed:
    graph = read_graph(asked.path)
    error, why = None, reply.get("error", "")
    if reply.get("crashed"):
        truth = CRASHED
    elif why or not reply["whole"]:
        truth, why = NOT_WHOLE, why or "a part runs on WebAssembly"
    else:
        error = difference(asked, [_arrays(graph, answer) for answer in reply["answers"]])
        truth = EQUAL if judged(graph, error) else WRONG
    return described(asked, graph, truth, gpu=error, why=" ".join(why.split())[:200])


def _arrays(graph: Graph, answer: dict[str, dict[str, str]]) -> list[np.ndarray]:
    results = []
    for tensor in graph.outputs:
        one = answer[tensor.key or tensor.name]
        results.append(np.frombuffer(base64.b64decode(one["data"]), one["dtype"]).reshape(tensor.shape))
    return results


class _Exchange:
    """Graphs that wait, and answers."""

    def __init__(self, asked: Sequence[Asked], modules: Path, progress: Callable[[int], None]) -> None:
        self.asked, self.modules, self._progress = asked, modules, progress
        self.asked_for = threading.Event()  # the page runs
        self.answers: queue.Queue[dict[str, Any]] = queue.Queue()
        self._turn = 0

    def begin(self, turn: int) -> None:
        """A new page goes on from there."""
        self._turn = turn
        self.asked_for.clear()

    def job(self) -> dict[str, Any] | None:
        """The next graph, None behind the last."""
        place = self._turn  # there is one page, which waits for the answer
        self._turn += 1
        self.asked_for.set()
        self._progress(place)
        if place >= len(self.asked):
            return None
        graph = read_graph(self.asked[place].path)
        names = [tensor.key or tensor.name for tensor in graph.inputs]
        samples = [dict(zip(names, map(_sent, feed), strict=True)) for feed in self.asked[place].feeds]
        return {"place": place, "samples": samples}


def _sent(array: np.ndarray) -> dict[str, Any]:
    data = base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
    return {"dtype": str(array.dtype), "shape": list(array.shape), "data": data}


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, exchange: _Exchange, *arguments: Any) -> None:
        self._exchange = exchange
        super().__init__(*arguments)

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/next":
            self._send(json.dumps(self._exchange.job()).encode(), "application/json")
        elif path.startswith("/files/"):
            asked = self._exchange.asked[int(path.removeprefix("/files/"))]
            self._send(asked.path.read_bytes(), "application/octet-stream")
        elif path == "/":
            self._send(_PAGE.read_bytes(), _KINDS[".html"])
        else:
            file = (self._exchange.modules / path.removeprefix("/modules/")).resolve()
            if not file.is_file() or not file.is_relative_to(self._exchange.modules.resolve()):
                self.send_error(404)
                return
            self._send(file.read_bytes(), _KINDS.get(file.suffix, "application/octet-stream"))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self._send(b"{}", "application/json")
        self._exchange.answers.put(json.loads(body))

    def log_message(self, *_: Any) -> None:
        """Says nothing."""

    def _send(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def _serving(exchange: _Exchange) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, exchange))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://localhost:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def _chromium(address: str) -> Iterator[None]:
    program = next(filter(None, map(shutil.which, _CHROMIUM)), None)
    if program is None:
        raise InputError("no Chromium was found for LiteRT.js; install Debian's chromium, or leave the browser out")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        silent = subprocess.DEVNULL
        command = [program, *_QUIET, f"--user-data-dir={profile}", address]
        process = subprocess.Popen(command, stdin=silent, stdout=silent, stderr=silent)
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
