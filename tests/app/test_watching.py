"""The demo app watches pictures as a film, and the camera frame by frame, by two files, and says what the runner says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from app_visit import GPU, NEEDS, PATIENCE_MS, Open, Visit
from film_models import SIDE, film, watcher
from PIL import Image

import converters
import edge
from edge.hosting.server import serve
from zoo.data.datasets.scenes_events import EVENTS

pytest_plugins = ["app_fixtures"]
pytestmark = NEEDS

FRAMES, SHOWN = 10, 8  # of a film that is opened, and of one that goes on
NEAR = 2e-3  # of a share: the same kernels, built for two machines


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return [each.path for each in converters.device_files(watcher(), tmp_path_factory.mktemp("app") / "film.tflite")]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder, paths = tmp_path_factory.mktemp("frames"), []
    for index, frame in enumerate(np.split(film(FRAMES, 21), FRAMES, axis=-1)):
        paths.append(folder / f"{index}.png")
        Image.fromarray(frame).save(paths[-1])
    return paths


def bring(opened: Visit, files: list[Path]) -> Visit:
    opened.page.evaluate("document.documentElement.dataset.state = 'waiting'")
    opened.page.set_input_files("#model-file", files)
    return opened.ready()


@pytest.mark.parametrize("accelerator", ["wasm", "webgpu"])
def test_a_film_of_pictures_is_told_frame_by_frame(
    visit: Open, files: list[Path], pictures: list[Path], accelerator: str
) -> None:
    opened = bring(visit(*(GPU if accelerator == "webgpu" else ())).ready(), files)
    page = opened.page
    with edge.Runner(files[0]) as runner:
        for chosen in (pictures, pictures[3:5]):  # the second film begins anew
            opened.open(*chosen)
            expected = runner([np.asarray(Image.open(path)) for path in chosen])
            np.testing.assert_allclose(page.evaluate("densezoo.inspect().answer.frames"), expected, atol=NEAR)
            labels = page.locator("#legend .label").all_inner_texts()
            best = expected.argmax(-1).tolist()
            assert labels == [f"Frame {place}: {EVENTS[label]}" for place, label in enumerate(best, start=1)]
    assert f"{len(chosen)} were opened" in page.inner_text("#frames-note")
    rows = opened.saved("#save-mask").read_text().splitlines()
    assert rows[0] == "frame,class,probability" and len(rows) == 1 + len(chosen)


def test_the_camera_is_watched_and_what_it_showed_is_remembered(visit: Open, files: list[Path]) -> None:
    with serve(files) as server, edge.Runner(files[0]) as runner:
        opened = visit(url=server.url).ready()
        page = opened.page
        assert page.locator("#models input[type=radio]").count() == 1  # the encoder is no model of its own
        page.click("#camera")
        page.wait_for_function("() => (densezoo.inspect()?.answer?.before ?? 0) > 3", timeout=PATIENCE_MS)
        assert "remembers what it saw" in page.inner_text("#frames-note")
        page.click("#freeze")
        opened.settled()  # a frame was on its way
        answer = page.evaluate("densezoo.inspect().answer")
        assert len(answer["frames"]) == SHOWN and page.locator("#legend li").count() == SHOWN
        now = EVENTS[int(np.argmax(answer["frames"][-1]))]
        assert page.inner_text("#figure-text") == f"Now: {now}"
        first = page.locator("#legend .label").first.inner_text()
        assert first.startswith(f"Frame {answer['before'] + 1}: ")
        forgetful, _ = runner.step(opened.pictures()[0])
        assert np.abs(np.array(answer["frames"][-1]) - forgetful).max() > 1e-3  # it goes on from what it knew
        assert opened.pictures()[0].shape[:2] != (SIDE, SIDE)
