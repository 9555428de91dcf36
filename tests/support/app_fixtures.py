"""Models, pictures, a server and a browser for the tests of the demo app; a page may not complain of anything."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from app_visit import CHROMIUM, QUIET, Open, Visit
from colour_model import scene, write_camera, write_model
from PIL import Image

from edge.hosting.server import Server, serve


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    return {
        "float32": write_model(folder / "float.tflite"),
        "int8": write_model(folder / "int8.tflite", "int8"),
        "classes": write_model(folder / "classes.tflite", head="classes"),
        "undescribed": write_model(folder / "foreign.tflite", described=False),
    }


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("picture") / "scene.png"
    Image.fromarray(scene(211, 317)).save(path)
    return path


@pytest.fixture(scope="module")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_camera(tmp_path_factory.mktemp("camera") / "film.y4m", [scene(240, 320, seed) for seed in (3, 4)])


@pytest.fixture(scope="module")
def server(models: dict[str, Path]) -> Iterator[Server]:
    with serve([models["float32"], models["int8"], models["classes"]]) as running:
        yield running


@pytest.fixture(scope="module")
def browsers(camera: Path) -> Iterator[Callable[..., Any]]:
    """Launches Chromium with or without a GPU; one browser of each kind for all tests here."""
    playwright = pytest.importorskip("playwright.sync_api", reason="the browser tests need playwright")
    with playwright.sync_playwright() as driver:
        launched: dict[tuple[str, ...], Any] = {}

        def launch(*arguments: str) -> Any:
            if arguments not in launched:
                film = ("--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={camera}")
                launched[arguments] = driver.chromium.launch(
                    executable_path=CHROMIUM, args=["--no-sandbox", *QUIET, *film, *arguments]
                )
            return launched[arguments]

        yield launch
        for browser in launched.values():
            browser.close()


@pytest.fixture
def visit(browsers: Callable[..., Any], server: Server) -> Iterator[Open]:
    """Opens the app in a new profile; afterwards nothing may have been written to the console as an error."""
    visits: list[tuple[Any, Visit]] = []

    def open_app(*arguments: str, url: str = server.url, permissions: tuple[str, ...] = ("camera",), **options: Any) -> Visit:
        context = browsers(*arguments).new_context(permissions=list(permissions), **{"locale": "en-GB", **options})
        opened = Visit(context.new_page())
        opened.page.on("pageerror", lambda error: opened.complaints.append(f"uncaught: {error}"))
        opened.page.on(
            "console", lambda line: opened.complaints.append(f"console: {line.text}") if line.type == "error" else None
        )
        opened.page.add_init_script(
            "addEventListener('securitypolicyviolation', (e) => console.error('CSP', e.violatedDirective, e.blockedURI))"
        )
        visits.append((context, opened))
        opened.page.goto(url)
        return opened

    yield open_app
    complaints = [line for _, opened in visits for line in opened.complaints]
    for context, _ in visits:
        context.close()
    assert complaints == []
