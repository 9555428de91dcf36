"""The demo app over many frames: memory that stays flat, and a page that never holds its breath."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from app_models import FLOW, TWICE, TWO, difference, enlarged, movement, write_network
from app_visit import NEEDS, Open, Visit
from colour_model import scene
from PIL import Image

pytest_plugins = ["app_fixtures"]
pytestmark = NEEDS

FRAMES = 1000
MOST_GROWTH = 400_000  # bytes over all frames: the speed panel's log of 600 frames takes 150,000 of them
LONG_MS = 50  # a long task, by the W3C's definition
KINDS = ("usedSize", "embedderHeapUsedSize", "backingStorageSize")


class Heaps:
    """What the page and its inference worker hold after a garbage collection, in bytes, by Chromium's own count."""

    def __init__(self, opened: Visit) -> None:
        self.page = opened.page
        self.session = self.page.context.new_cdp_session(self.page)
        self.worker = ""
        self.answers: dict[int, dict[str, Any]] = {}
        self.session.on("Target.attachedToTarget", self._attached)
        self.session.on("Target.receivedMessageFromTarget", self._answered)
        self.session.send("Target.setAutoAttach", {"autoAttach": True, "waitForDebuggerOnStart": False, "flatten": False})
        self._wait(lambda: self.worker)

    def now(self) -> dict[str, int]:
        """The least of three readings: what page and worker hold for one another goes late."""
        readings = [self._reading() for _ in range(3)]
        return {part: min(reading[part] for reading in readings) for part in ("page", "worker")}

    def _reading(self) -> dict[str, int]:
        self.page.wait_for_timeout(100)
        self.session.send("HeapProfiler.collectGarbage")
        page = self.session.send("Runtime.getHeapUsage")
        self._ask("HeapProfiler.collectGarbage")
        worker = self._ask("Runtime.getHeapUsage")
        return {"page": sum(page[kind] for kind in KINDS), "worker": sum(worker[kind] for kind in KINDS)}

    def _attached(self, event: dict[str, Any]) -> None:
        if event["targetInfo"]["url"].endswith("/worker.js") and event["targetInfo"]["type"] == "worker":
            self.worker = event["sessionId"]

    def _answered(self, event: dict[str, Any]) -> None:
        message = json.loads(event["message"])
        if "id" in message:
            self.answers[message["id"]] = message["result"]

    def _ask(self, method: str) -> dict[str, Any]:
        number = len(self.answers) + 1
        message = json.dumps({"id": number, "method": method})
        self.session.send("Target.sendMessageToTarget", {"sessionId": self.worker, "message": message})
        self._wait(lambda: number in self.answers)
        return self.answers[number]

    def _wait(self, ready: Any) -> None:
        for _ in range(200):
            if ready():
                return
            self.page.wait_for_timeout(50)
        raise AssertionError("the worker does not answer")


def repeat(opened: Visit, count: int) -> None:
    """Sends what is on the stage through the app's own loop."""
    opened.page.evaluate("count => densezoo.repeat(count)", count)


def growth(before: dict[str, int], after: dict[str, int]) -> int:
    return max(after[part] - before[part] for part in before)


@pytest.mark.parametrize("kind", ["classes", "vectors of two frames"])
def test_memory_is_flat_over_a_thousand_frames(visit: Open, tmp_path: Path, kind: str) -> None:
    Image.fromarray(scene(96, 128)).save(tmp_path / "small.png")
    opened = visit().ready()
    if kind != "classes":
        opened.bring(write_network(tmp_path / "pair.tflite", {"flow": difference}, [FLOW], inputs=TWO))
    opened.open(tmp_path / "small.png", *([tmp_path / "small.png"] if kind != "classes" else []))
    heaps = Heaps(opened)
    repeat(opened, 50)
    tensors, before = opened.report()["memoryBytes"], heaps.now()
    repeat(opened, FRAMES)
    after = heaps.now()
    assert growth(before, after) < MOST_GROWTH, (before, after)
    # WebAssembly memory never shrinks; an input tensor kept a frame would have added 147 kB each time.
    assert opened.report()["memoryBytes"] == tensors
    # What the tolerance is worth: the same loop with 16 kB a frame forgotten (4 bytes an entry, or 8 by browser).
    opened.page.evaluate("""() => {
      const make = createImageBitmap;
      window.kept = [];
      window.createImageBitmap = (...given) => (kept.push(Array(4096).fill(0.5)), make(...given));
    }""")
    repeat(opened, 100)
    assert growth(after, heaps.now()) > MOST_GROWTH


def longest_task(opened: Visit, action: Any) -> float:
    """Milliseconds of the processor that the page's longest task took.

    Of the processor, not of the clock: on a busy machine a task also waits for its turn, which is not the page's doing.
    """
    browser = opened.page.context.browser
    browser.start_tracing(page=opened.page, categories=["toplevel"])
    try:
        action()
    finally:
        events = json.loads(browser.stop_tracing())["traceEvents"]
    mains = {
        (event["pid"], event["tid"])
        for event in events
        if event.get("name") == "thread_name" and event["args"]["name"] == "CrRendererMain"
    }
    tasks = [event["tdur"] for event in events if (event["pid"], event["tid"]) in mains and "tdur" in event]
    assert len(tasks) > 20, "the browser tells of its tasks"
    return max(tasks) / 1000


@pytest.mark.parametrize("kind", ["vectors", "picture"])
def test_other_answers_keep_the_page_as_free(visit: Open, tmp_path: Path, kind: str) -> None:
    """Answers of a camera's size, and of twice that: they are made in the worker, and only drawn by the page."""
    networks, spec = {"vectors": ({"flow": movement}, FLOW), "picture": ({"enlarged": enlarged}, TWICE)}[kind]
    Image.fromarray(scene(480, 640)).save(tmp_path / "large.png")
    opened = visit().ready().bring(write_network(tmp_path / "toy.tflite", networks, [spec]))
    opened.open(tmp_path / "large.png")
    repeat(opened, 3)
    assert longest_task(opened, lambda: repeat(opened, 20)) < LONG_MS


def test_page_is_never_busy_for_long(visit: Open, tmp_path: Path) -> None:
    """A picture of a camera's size through the network a hundred times, while everything on the page is up to date."""
    Image.fromarray(scene(720, 960)).save(tmp_path / "large.png")
    opened = visit().ready()
    opened.show(tmp_path / "large.png")
    repeat(opened, 5)
    assert longest_task(opened, lambda: repeat(opened, 100)) < LONG_MS
    assert "Pauses over 50 ms" in opened.page.inner_text("#long-tasks")
    busy = """() => new Promise((done) => setTimeout(() => {
      for (const start = performance.now(); performance.now() - start < 400; );
      setTimeout(done); // from a task of its own: a task that tracing is stopped in has no duration
    }))"""
    assert longest_task(opened, lambda: (repeat(opened, 5), opened.page.evaluate(busy))) > LONG_MS, "it would be noticed"
