"""The demo app in a real browser: the same masks as Python's, from files and from a camera, offline, within its own policy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from app_visit import FLOAT_IOU, GPU, INT8_IOU, NEEDS, NEEDS_AXE, PATIENCE_MS, Open, check_accessible, check_masks
from colour_model import COLOURS, LABELS, iou
from PIL import Image

import edge
from edge.hosting.server import serve

pytest_plugins = ["app_fixtures"]
pytestmark = NEEDS


@pytest.mark.parametrize(("name", "least"), [("float32", FLOAT_IOU), ("int8", INT8_IOU), ("classes", FLOAT_IOU)])
@pytest.mark.parametrize("accelerator", ["wasm", "webgpu"])
def test_file_gives_pythons_mask(
    visit: Open, models: dict[str, Path], picture: Path, accelerator: str, name: str, least: float
) -> None:
    opened = visit(*(GPU if accelerator == "webgpu" else ())).ready()
    opened.choose(f"colours as {name}")
    shown, answer = opened.show(picture)
    assert opened.page.evaluate("document.documentElement.dataset.accelerator") == accelerator
    original = np.asarray(Image.open(picture))
    np.testing.assert_array_equal(shown, original)
    truth = edge.Runner(models[name])(original)
    check_masks(answer, truth, least)
    # What the tolerance is worth: swapped channels or a mask one input pixel off must fall below it.
    assert min(iou(answer, edge.Runner(models[name])(original[..., ::-1].copy())).values()) < least - 0.1
    assert min(iou(np.roll(answer, 3, 1), truth).values()) < least


@pytest.mark.parametrize("accelerator", ["wasm", "webgpu"])
def test_camera_gives_pythons_mask(visit: Open, models: dict[str, Path], accelerator: str) -> None:
    opened = visit(*(GPU if accelerator == "webgpu" else ())).ready()
    opened.page.click("#camera")
    first = opened.frames(beyond=0)
    opened.frames(beyond=first + 3)
    opened.page.click("#freeze")
    opened.settled()
    frozen = opened.frames()
    shown, answer = opened.answer()
    check_masks(answer, edge.Runner(models["float32"])(shown), FLOAT_IOU)
    opened.page.wait_for_timeout(300)
    assert opened.frames() == frozen
    opened.page.click("#camera")
    assert opened.page.get_by_role("button", name="Camera", exact=True).count() >= 1


def test_camera_stops_when_the_page_is_hidden_and_comes_back(visit: Open) -> None:
    opened = visit().ready()
    opened.page.click("#camera")
    opened.frames(beyond=2)
    hide = """hidden => {
      Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));
    }"""
    opened.page.evaluate(hide, True)
    opened.page.wait_for_selector("#camera.active", state="detached")
    opened.page.wait_for_timeout(300)
    seen = opened.frames()
    opened.page.wait_for_timeout(500)
    assert opened.frames() == seen
    opened.page.evaluate(hide, False)
    opened.frames(beyond=seen)


def test_refused_camera_is_explained(visit: Open) -> None:
    opened = visit(permissions=()).ready()
    opened.page.click("#camera")
    opened.page.wait_for_selector("#notice:not([hidden])")
    assert "camera is not allowed" in opened.page.inner_text("#notice")


def test_missing_gpu_is_explained(visit: Open) -> None:
    opened = visit().ready()
    assert "WebAssembly" in opened.page.inner_text("#accelerator")
    assert "processor does the work" in opened.page.inner_text("#fallback")


def test_threads_are_used_where_the_page_is_isolated(visit: Open) -> None:
    opened = visit().ready()
    assert opened.page.evaluate("crossOriginIsolated")
    if opened.page.evaluate("navigator.hardwareConcurrency") > 1:
        assert "threads" in opened.page.inner_text("#accelerator")


def test_undescribed_file_runs_on_guesses(visit: Open, models: dict[str, Path], picture: Path) -> None:
    opened = visit().ready()
    opened.page.set_input_files("#model-file", models["undescribed"])
    opened.page.get_by_role("radio", name="foreign").and_(opened.page.locator(":checked")).wait_for(state="attached")
    opened.ready()
    _, answer = opened.show(picture)
    original = np.asarray(Image.open(picture))
    check_masks(answer, edge.Runner(models["undescribed"], input_range=(0, 255))(original), FLOAT_IOU)
    opened.page.get_by_text("About this model").click()
    assert opened.page.is_visible("#card-note")


def test_damaged_file_is_refused_in_plain_words(visit: Open, picture: Path, tmp_path: Path) -> None:
    opened = visit().ready()
    opened.show(picture)
    (tmp_path / "holiday.tflite").write_bytes(b"not a model at all" * 9)
    opened.page.set_input_files("#model-file", tmp_path / "holiday.tflite")
    opened.page.wait_for_selector("html[data-state=failed]")
    assert "holiday is not a TensorFlow Lite file" in opened.page.inner_text("#notice")
    assert opened.page.locator("#legend li").count() == 0, "the last model's answer is not this one's"
    opened.page.set_input_files("#open-file", picture)
    opened.page.wait_for_timeout(300)
    assert opened.page.is_visible("#notice")
    opened.choose("colours as float32")
    assert opened.page.is_hidden("#notice")


def test_damaged_picture_is_refused_in_plain_words(visit: Open, tmp_path: Path) -> None:
    opened = visit().ready()
    (tmp_path / "broken.png").write_bytes(b"\x89PNG nothing")
    opened.page.set_input_files("#open-file", tmp_path / "broken.png")
    opened.page.wait_for_selector("#notice:not([hidden])")
    assert "broken.png is not a picture" in opened.page.inner_text("#notice")


def test_views_legend_and_saving(visit: Open, picture: Path) -> None:
    opened = visit().ready()
    _, answer = opened.show(picture)
    page = opened.page
    with page.expect_download() as mask:
        page.click("#save-mask")
    saved = np.asarray(Image.open(mask.value.path()).convert("RGB"))
    np.testing.assert_array_equal(saved, COLOURS.astype(np.uint8)[answer])

    def view() -> np.ndarray:
        with page.expect_download() as download:
            page.click("#save-view")
        return np.asarray(Image.open(download.value.path()).convert("RGB")).astype(int)

    original = np.asarray(Image.open(picture)).astype(int)
    overlay = view()
    water = LABELS.index("water")
    changed = np.abs(overlay - original).sum(-1) > 0
    assert not changed[answer == 0].any(), "the background class is not painted over"
    assert changed[answer == water].mean() > 0.9
    page.get_by_role("button", name="water").click()
    assert (np.abs(view() - original).sum(-1)[answer == water] == 0).all()
    page.click("#show-all")
    page.fill("#opacity", "100")
    np.testing.assert_array_equal(view(), COLOURS.astype(int)[answer])
    page.click("#view-split-item")
    split, middle = view(), original.shape[1] // 2
    np.testing.assert_array_equal(split[:, : middle - 1], original[:, : middle - 1])
    np.testing.assert_array_equal(split[:, middle + 2 :], COLOURS.astype(int)[answer][:, middle + 2 :])
    page.focus("#divider")
    page.keyboard.press("Home")
    np.testing.assert_array_equal(view()[:, 2:], COLOURS.astype(int)[answer][:, 2:])
    page.click("#view-background-item")
    page.locator("#background-colour-choice").check(force=True)
    behind = view()
    person = answer == LABELS.index("person")
    assert (np.abs(behind - [0x1F, 0x6B, 0x4E]).sum(-1) < 6)[~person].mean() > 0.8
    assert (np.abs(behind - original).sum(-1) < 6)[person].mean() > 0.7


def test_speed_panel_measures_and_exports(visit: Open, picture: Path) -> None:
    opened = visit().ready()
    opened.show(picture)
    opened.page.click("#measure")
    opened.page.wait_for_selector("#measured:not(:empty)", timeout=PATIENCE_MS)
    report = opened.report()
    assert report["backend"]["accelerator"] == "wasm"
    assert len(report["frames"]) == 51
    assert set(report["frames"][-1]) == {"capture", "prepare", "run", "finish", "draw"}
    assert 0 < report["milliseconds"]["median"] <= report["milliseconds"]["p95"]


@NEEDS_AXE
@pytest.mark.parametrize(("scheme", "width"), [("dark", 390), ("light", 390), ("light", 1440)])
def test_accessible(visit: Open, picture: Path, scheme: str, width: int) -> None:
    opened = visit(viewport={"width": width, "height": 844}, color_scheme=scheme).ready()
    opened.show(picture)
    opened.page.get_by_text("About this model").click()
    check_accessible(opened)


def test_german(visit: Open) -> None:
    opened = visit().ready()
    opened.page.click("#language")
    assert opened.page.inner_text("#open") == "Bild öffnen"
    assert opened.page.get_attribute("html", "lang") == "de"
    assert opened.page.get_by_text("undefined").count() == 0


def test_keyboard_reaches_everything(visit: Open, picture: Path) -> None:
    opened = visit().ready()
    page = opened.page
    opened.show(picture)
    # A group of radio buttons is one stop; whatever has the focus must show it, itself or on its label.
    step = """() => {
      const element = document.activeElement;
      const shown = [element, element.nextElementSibling, element.closest('label')].filter(Boolean);
      const style = (candidate) => getComputedStyle(candidate).outlineStyle;
      return [element.id || element.name || element.className || element.tagName, shown.some((each) => style(each) !== 'none')];
    }"""
    stops = {}
    for _ in range(60):
        page.keyboard.press("Tab")
        name, visible = page.evaluate(step)
        if name == "BODY" or (stops and name == "skip"):
            break
        stops[name] = visible
    assert next(iter(stops)) == "skip"
    controls = {"language", "theme", "open", "camera", "save-view", "save-mask", "opacity", "show-all", "model", "beside"}
    assert controls | {"add-model", "accelerator-choice", "measure", "export", "sample"} <= set(stops), set(stops)
    assert all(stops.values()), [name for name, visible in stops.items() if not visible]
    assert "Picture with mask" in page.inner_text("#spoken")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("2")
    assert page.is_checked("#view-split")
    page.keyboard.press("[")
    assert page.input_value("#opacity") == "50"
    page.keyboard.press("c")
    opened.frames(beyond=opened.frames() + 1)
    page.keyboard.press(" ")
    assert page.get_attribute("#freeze", "aria-pressed") == "true"
    page.keyboard.press("c")
    page.wait_for_selector("#camera.active", state="detached")


def test_installs_and_reloads_with_the_server_gone(visit: Open, models: dict[str, Path], picture: Path) -> None:
    running = serve([models["float32"]])
    try:
        opened = visit(url=running.url).ready()
        session = opened.page.context.new_cdp_session(opened.page)
        errors = {error["errorId"] for error in session.send("Page.getInstallabilityErrors")["installabilityErrors"]}
        # The browser lends tests private profiles, which never install anything.
        assert errors <= {"in-incognito"}
    finally:
        running.close()
    opened.page.reload()
    opened.ready()
    _, answer = opened.show(picture)
    check_masks(answer, edge.Runner(models["float32"])(np.asarray(Image.open(picture))), FLOAT_IOU)
    # The browser itself notes each fetch that found no server.
    opened.complaints = [line for line in opened.complaints if "ERR_CONNECTION_REFUSED" not in line]


def test_exported_site_isolates_itself_on_a_plain_host(visit: Open, models: dict[str, Path], tmp_path: Path) -> None:
    """A static host in a subfolder that sends none of our headers: the service worker adds them."""
    from functools import partial
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
    from threading import Thread

    class Plain(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    edge.export_app(tmp_path / "some" / "where", [models["float32"]])
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Plain, directory=str(tmp_path))) as host:
        Thread(target=host.serve_forever, daemon=True).start()
        opened = visit(url=f"http://127.0.0.1:{host.server_address[1]}/some/where/").ready()
        assert opened.page.evaluate("crossOriginIsolated")
        host.shutdown()


@pytest.mark.parametrize("locale", ["en-GB", "de-DE"])
def test_nothing_is_cut_off(visit: Open, picture: Path, locale: str) -> None:
    opened = visit(locale=locale).ready()
    opened.show(picture)
    opened.page.click("#view-background-item")
    outside = """() => [...document.querySelectorAll('button, label, select, input:not(.unseen), .picture, h2')]
      .filter((element) => element.checkVisibility() && !element.closest('.samples'))
      .filter((element) => {
        const box = element.getBoundingClientRect();
        return box.width > 0 && (box.left < 0 || box.right > innerWidth + 0.5);
      })
      .map((element) => element.outerHTML.slice(0, 120))"""
    for width, height in [(320, 640), (390, 844), (768, 1024), (1920, 1080)]:
        opened.page.set_viewport_size({"width": width, "height": height})
        opened.page.wait_for_timeout(100)
        assert opened.page.evaluate(outside) == [], width
