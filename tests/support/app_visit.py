"""A page of the demo app in Debian's Chromium, for the browser tests: what it shows and what it complains of."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from colour_model import LABELS, iou

from edge.hosting.site import DIST

CHROMIUM = shutil.which("chromium")
NEEDS = [
    pytest.mark.skipif(CHROMIUM is None, reason="the browser tests need Debian's chromium"),
    pytest.mark.skipif(not (DIST / "index.html").is_file(), reason="the demo app is not built: run `make app`"),
]

AXE = DIST.parent / "node_modules" / "axe-core" / "axe.min.js"
PATIENCE_MS = 60_000
QUIET = ("--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync")
NEEDS_AXE = pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not installed: run `npm ci` in edge/app")
GPU = ("--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader")
FLOAT_IOU, INT8_IOU = 0.99, 0.97

PIXELS = """() => {
  const shown = densezoo.inspect();
  const text = (bytes) => {
    let out = '';
    for (let at = 0; at < bytes.length; at += 32768) out += String.fromCharCode(...bytes.subarray(at, at + 32768));
    return btoa(out);
  };
  return { width: shown.width, height: shown.height, rgba: text(shown.rgba), classes: text(shown.answer.classes) };
}"""


FIELD = """([which, name]) => {
  const values = densezoo.inspect()[which][name];
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  let out = '';
  for (let at = 0; at < bytes.length; at += 32768) out += String.fromCharCode(...bytes.subarray(at, at + 32768));
  return btoa(out);
}"""
FRAMES = """() => densezoo.inspect().frames.map(({ width, height, rgba }) => {
  let out = '';
  for (let at = 0; at < rgba.length; at += 32768) out += String.fromCharCode(...rgba.subarray(at, at + 32768));
  return [height, width, btoa(out)];
})"""


@dataclass
class Visit:
    """One page of the app, and everything that it complained of."""

    page: Any
    complaints: list[str] = field(default_factory=list)

    def ready(self) -> Visit:
        try:
            self.page.wait_for_selector("html[data-state=ready]", timeout=PATIENCE_MS)
        except Exception as error:
            said = "[document.documentElement.dataset.state, document.querySelector('#notice').innerText]"
            state = self.page.evaluate(said)
            raise AssertionError(f"the page did not get ready: {state}, {self.complaints}") from error
        return self

    def choose(self, name: str) -> None:
        self.page.get_by_role("radio", name=name).check(force=True)
        self.ready()

    def show(self, path: Path) -> tuple[np.ndarray, np.ndarray]:
        """(picture as the app got it, class map) after opening the file."""
        self.open(path)
        return self.answer()

    def frames(self, beyond: int = -1) -> int:
        self.page.wait_for_function(
            "least => Number(document.documentElement.dataset.frames ?? 0) > least", arg=beyond, timeout=PATIENCE_MS
        )
        return int(self.page.evaluate("Number(document.documentElement.dataset.frames ?? 0)"))

    def answer(self) -> tuple[np.ndarray, np.ndarray]:
        shown = self.page.evaluate(PIXELS)
        size = (shown["height"], shown["width"])
        rgba = np.frombuffer(base64.b64decode(shown["rgba"]), np.uint8).reshape(*size, 4)
        return rgba[..., :3].copy(), np.frombuffer(base64.b64decode(shown["classes"]), np.uint8).reshape(size)

    def bring(self, path: Path) -> Visit:
        """Adds a model of the visitor's own and waits until it runs."""
        self.page.evaluate("document.documentElement.dataset.state = 'waiting'")  # not the last model's
        self.page.set_input_files("#model-file", path)
        return self.ready()

    def open(self, *paths: Path) -> None:
        """Opens pictures together and waits for their answer; that for an earlier picture may still be on its way."""
        before = self.page.evaluate("densezoo.asked()")
        self.page.set_input_files("#open-file", list(paths))
        self.page.wait_for_function("before => densezoo.asked() > before", arg=before, timeout=PATIENCE_MS)
        self.settled()

    def settled(self) -> Visit:
        """Waits until what is on show is the answer to what is chosen: of this picture, by this model, this output."""
        self.page.wait_for_function("() => densezoo.settled()", timeout=PATIENCE_MS)
        return self

    def output(self, index: int) -> None:
        """Chooses another of the model's outputs and waits for it."""
        self.page.locator("#outputs input").nth(index).check(force=True)
        self.settled()

    def pictures(self) -> list[np.ndarray]:
        """The pictures as the network got them, uint8 H×W×3 each."""
        shown = self.page.evaluate(FRAMES)
        return [
            np.frombuffer(base64.b64decode(text), np.uint8).reshape(height, width, 4)[..., :3].copy()
            for height, width, text in shown
        ]

    def field(self, name: str, dtype: type, which: str = "answer") -> np.ndarray:
        """One array of the answer on show, flat."""
        return np.frombuffer(base64.b64decode(self.page.evaluate(FIELD, [which, name])), dtype)

    def saved(self, button: str) -> Path:
        """The file that a button saves."""
        with self.page.expect_download() as download:
            self.page.click(button)
        path = Path(download.value.path())
        return path.rename(path.with_name(download.value.suggested_filename))

    def report(self) -> dict[str, Any]:
        """The speed panel's export."""
        with self.page.expect_download() as download:
            self.page.click("#export")
        return json.loads(Path(download.value.path()).read_text())


Open = Callable[..., Visit]


def set_least(opened: Visit, percent: int) -> None:
    """Moves the slider of the least score."""
    move = "([least, value]) => { least.value = value; least.dispatchEvent(new Event('input')) }"
    opened.page.evaluate(move, [opened.page.query_selector("#least"), percent])


def check_masks(answer: np.ndarray, truth: np.ndarray, least: float) -> None:
    shares = iou(answer, truth)
    assert len(shares) == len(LABELS), f"a picture with all classes is expected, got {sorted(shares)}"
    assert min(shares.values()) >= least, shares


def check_accessible(opened: Visit) -> None:
    """No serious finding of axe-core, and no sideways scrolling."""
    opened.page.evaluate(AXE.read_text())
    violations = opened.page.evaluate("axe.run().then((result) => result.violations)")
    found = [(v["impact"], v["id"], [node["html"][:120] for node in v["nodes"]]) for v in violations]
    assert [entry for entry in found if entry[0] in ("serious", "critical")] == [], found
    assert opened.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "no sideways scrolling"
