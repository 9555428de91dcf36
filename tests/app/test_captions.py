"""The demo app says what a picture and the camera show, from two files: in sight, by keyboard and for a screen reader."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from app_visit import GPU, NEEDS, PATIENCE_MS, Open, Visit
from caption_models import blobs, captioner
from PIL import Image

import converters
import edge
from edge.hosting.server import serve

pytest_plugins = ["app_fixtures"]
pytestmark = NEEDS

SAID = "document.querySelector('#figure-text').textContent"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("app") / "caption.tflite"
    return converters.device_files(captioner(), path)[0].path


def test_one_that_looks_once_says_what_the_runner_says(visit: Open, pictures: list[Path], tmp_path: Path) -> None:
    model = converters.device_files(captioner("show_and_tell"), tmp_path / "once.tflite")[0].path
    opened = bring(visit().ready(), model)
    with edge.Runner(model) as runner:
        for path in pictures:
            opened.open(path)
            assert opened.page.evaluate(SAID) == edge.say(runner, np.asarray(Image.open(path))).text != ""


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder, paths = tmp_path_factory.mktemp("pictures"), []
    for index, picture in enumerate(blobs(2)):
        paths.append(folder / f"{index}.png")
        Image.fromarray(picture).save(paths[-1])
    return paths


def bring(opened: Visit, model: Path) -> Visit:
    opened.page.evaluate("document.documentElement.dataset.state = 'waiting'")
    opened.page.set_input_files("#model-file", [model, edge_encoder(model)])
    return opened.ready()


def edge_encoder(model: Path) -> Path:
    from edge.sentences import encoder_path

    return encoder_path(model)


@pytest.mark.parametrize("accelerator", ["wasm", "webgpu"])
def test_it_says_what_the_runner_says_and_shows_where_it_looked(
    visit: Open, model: Path, pictures: list[Path], accelerator: str
) -> None:
    opened = bring(visit(*(GPU if accelerator == "webgpu" else ())).ready(), model)
    page, texts = opened.page, []
    with edge.Runner(model) as runner:
        for path in pictures:
            opened.open(path)
            saying = edge.say(runner, np.asarray(Image.open(path)))
            assert page.evaluate(SAID) == saying.text
            assert page.text_content("#spoken") == saying.text == page.get_attribute("#canvas", "aria-label")
            texts.append(saying.text)
    assert texts[0] != texts[1]
    words = page.locator("#legend button")
    assert [words.nth(index).locator(".label").inner_text() for index in range(words.count())] == saying.words
    plain = page.evaluate("document.querySelector('#canvas').toDataURL()")
    words.first.focus()
    page.keyboard.press("Enter")
    assert words.first.get_attribute("aria-pressed") == "true"
    assert page.evaluate("document.querySelector('#canvas').toDataURL()") != plain
    assert opened.saved("#save-mask").read_text() == f"{saying.text}\n"


def test_the_camera_is_put_in_words(visit: Open, model: Path) -> None:
    with serve([model, edge_encoder(model)]) as server:
        opened = visit(url=server.url).ready()
        page = opened.page
        assert page.locator("#models input[type=radio]").count() == 1  # the encoder is no model of its own
        page.click("#camera")
        page.wait_for_function(f"() => {SAID} !== ''", timeout=PATIENCE_MS)
        page.click("#freeze")
        opened.settled()
        page.wait_for_function(f"() => {SAID} === document.querySelector('#spoken').textContent", timeout=PATIENCE_MS)
        shown, with_runner = opened.pictures()[0], edge.Runner(model)
        assert page.evaluate(SAID) == edge.say(with_runner, shown).text


def test_a_file_without_its_encoder_is_said_to_lack_it(visit: Open, model: Path) -> None:
    opened = visit().ready()
    opened.page.set_input_files("#model-file", model)
    opened.page.wait_for_selector("#notice:not([hidden])")
    assert "NAME.encoder.tflite" in opened.page.inner_text("#notice-text")
