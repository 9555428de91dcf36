"""The demo app's answers belong to the picture and the model that they were asked of, whatever comes late."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from app_visit import NEEDS, Open, Visit
from colour_model import scene, write_model
from PIL import Image

import edge
from edge.hosting.server import Server, serve

pytest_plugins = ["app_fixtures"]
pytestmark = NEEDS

SLOW_MS, GRACE_MS = 500, 250  # what is held back comes so late; what comes has so long to show
# Holds back what is asked of the server ("newer.png" among others) or of the worker ("load", "frame"), the first time.
HOLD_BACK = """([what, slow]) => {
  window.heldBack = [];
  const later = (action) => {
    const coming = new Promise((done) => setTimeout(done, slow)).then(action);
    window.heldBack.push(coming);
    return coming;
  };
  let left = 1;
  const ask = window.fetch;
  window.fetch = (address, ...rest) => {
    const go = () => ask(address, ...rest);
    return String(address).includes(what) && left-- > 0 ? later(go) : go();
  };
  const post = Worker.prototype.postMessage;
  Worker.prototype.postMessage = function (message, ...rest) {
    if (message.type === what && left-- > 0) later(() => post.call(this, message, ...rest));
    else post.call(this, message, ...rest);
  };
}"""
PRESS = """(wishes) => {
  const controls = {
    newer: '.sample[aria-label$="newer"]',
    newest: '.sample[aria-label$="newest"]',
    model: 'input[name=model]:not(:checked)',
    camera: '#camera',
  };
  for (const wish of wishes) document.querySelector(controls[wish]).click();
}"""
HEIGHTS = {"older": 120, "newer": 130, "newest": 140}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two models whose answers differ in kind and size, and three pictures."""
    folder = tmp_path_factory.mktemp("files")
    paths = {
        "first": write_model(folder / "first.tflite", name="first"),
        "second": write_model(folder / "second.tflite", name="second", head="classes", size=(48, 64)),
    }
    for seed, (name, height) in enumerate(HEIGHTS.items()):
        paths[name] = folder / f"{name}.png"
        Image.fromarray(scene(height, 160, seed)).save(paths[name])
    return paths


@pytest.fixture(scope="module")
def server(files: dict[str, Path]) -> Iterator[Server]:
    with serve([files["first"], files["second"]], samples=[files[name] for name in HEIGHTS]) as running:
        yield running


def settle(opened: Visit, late: str = "nothing") -> None:
    """Waits until what was held back has come, and had the time to do harm."""
    if late != "nothing":
        opened.page.wait_for_function("() => window.heldBack.length > 0")
        opened.page.evaluate("() => Promise.all(window.heldBack).then(() => {})")
    opened.ready().settled()
    opened.page.wait_for_timeout(GRACE_MS)
    opened.settled()


def check_belongs(opened: Visit, files: dict[str, Path], picture: str, model: str) -> None:
    shown, answer = opened.answer()
    original = np.asarray(Image.open(files[picture]))
    np.testing.assert_array_equal(shown, original)
    assert opened.page.locator("input[name=model]:checked ~ .model-name").inner_text() == model
    assert opened.page.evaluate("densezoo.inspect().answer.kind") == {"first": "class_scores", "second": "class_map"}[model]
    assert (answer == edge.Runner(files[model])(original)).mean() > 0.99
    assert opened.page.is_hidden("#notice")


@pytest.mark.parametrize("late", ["samples/1.png", "load", "frame", "nothing"])
@pytest.mark.parametrize("wishes", [("newer", "model"), ("model", "newer")])
def test_picture_and_model_chosen_at_once(
    visit: Open, server: Server, files: dict[str, Path], wishes: tuple[str, str], late: str
) -> None:
    """Whichever is asked for first, and whichever comes late: the new model answers for the new picture."""
    opened = visit(url=server.url).ready()
    opened.frames(beyond=0)
    opened.page.evaluate(HOLD_BACK, [late, SLOW_MS])
    opened.page.evaluate(PRESS, list(wishes))
    settle(opened, late)
    check_belongs(opened, files, "newer", "second")


@pytest.mark.parametrize("late", ["samples/1.png", "samples/2.png", "frame"])
def test_last_of_two_pictures_stays(visit: Open, server: Server, files: dict[str, Path], late: str) -> None:
    opened = visit(url=server.url).ready()
    opened.frames(beyond=0)
    opened.page.evaluate(HOLD_BACK, [late, SLOW_MS])
    opened.page.evaluate(PRESS, ["newer", "newest"])
    settle(opened, late)
    check_belongs(opened, files, "newest", "first")


def test_picture_that_comes_late_does_not_stop_the_camera(visit: Open, server: Server) -> None:
    opened = visit(url=server.url).ready()
    opened.frames(beyond=0)
    opened.page.evaluate(HOLD_BACK, ["samples/1.png", SLOW_MS])
    opened.page.evaluate(PRESS, ["newer", "camera"])
    opened.page.wait_for_selector("#camera.active")
    opened.page.evaluate("() => Promise.all(window.heldBack).then(() => {})")
    opened.page.wait_for_timeout(GRACE_MS)
    assert opened.page.locator("#camera.active").count() == 1
    assert opened.page.evaluate("densezoo.inspect().height") == 240, "the camera's picture"
    opened.page.click("#camera")


def test_camera_that_opens_late_gives_way_to_a_picture(visit: Open, server: Server, files: dict[str, Path]) -> None:
    opened = visit(url=server.url).ready()
    opened.frames(beyond=0)
    opened.page.evaluate(PRESS, ["camera", "newer"])
    settle(opened)
    assert opened.page.locator("#camera.active").count() == 0
    check_belongs(opened, files, "newer", "first")


@pytest.mark.parametrize("late", ["samples/0.png", "nothing"])
def test_picture_chosen_while_the_page_starts_is_not_replaced(
    visit: Open, server: Server, files: dict[str, Path], late: str
) -> None:
    """The page begins with a sample of its own, unless the visitor was faster."""
    opened = visit(url=server.url)
    opened.page.wait_for_selector(".sample")
    opened.page.evaluate(HOLD_BACK, [late, SLOW_MS])
    opened.page.evaluate(PRESS, ["newer"])
    settle(opened)
    check_belongs(opened, files, "newer", "first")
