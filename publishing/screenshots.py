"""Takes the documentation's pictures of the demo app, after `make demo`.

    python -m publishing.screenshots quickstart [FOLDER]

FOLDER gets more of them, to look at after a change.
"""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

import edge
import zoo.data

FLAGS = ["--no-sandbox", "--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
SIZES = {"desktop": (1280, 800), "phone": (390, 844)}
DOCS = Path(__file__).parents[1] / "docs"


@dataclass(frozen=True)
class Shot:
    """One picture: `beside` is the recipe of the model shown next to the first one, `view` one of the page's."""

    name: str
    size: str
    scheme: str
    beside: str = ""
    view: str = "overlay"
    locale: str = "en-GB"
    whole: bool = False


SHOWN = (Shot("app-desktop", "desktop", "light", beside="int8"), Shot("app-phone", "phone", "dark"))
# What to look at after a change of the page, besides.
OTHERS = (
    Shot("desktop-dark", "desktop", "dark", whole=True),
    Shot("desktop-wipe", "desktop", "light", beside="int8", view="split"),
    Shot("phone-light", "phone", "light", locale="de-DE", whole=True),
    Shot("phone-pair", "phone", "dark", beside="int8", locale="de-DE", whole=True),
)


def main(quickstart: Path, others: Path | None) -> None:
    """Serves the quickstart's files with four larger scenes, and looks at the page; at more of it into the folder `others`."""
    gallery = quickstart / "gallery"
    gallery.mkdir(exist_ok=True)
    scenes = zoo.data.Scenes(4, (384, 384), 0, "test")
    samples = []
    for index in range(len(scenes)):
        samples.append(gallery / f"scene_{index}.png")
        Image.fromarray(scenes[index].image).save(samples[-1])
    files = [quickstart / f"fcn8s_{recipe}.tflite" for recipe in ("float32", "float16", "int8")]
    with edge.serve(files, samples=samples) as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        for folder, shots in ((DOCS, SHOWN), *([(others, OTHERS)] if others else [])):
            for shot in shots:
                take(browser, server.url, shot, folder / f"{shot.name}.png")
        browser.close()


def take(browser: Browser, url: str, shot: Shot, path: Path) -> None:
    width, height = SIZES[shot.size]
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=shot.scheme, locale=shot.locale)
    page.goto(url)
    page.wait_for_selector("#legend li", timeout=60_000)
    page.locator(".sample").nth(1).click()
    if shot.beside:
        title = page.locator("#beside option").filter(has_text=shot.beside).inner_text()
        page.select_option("#beside", label=title)
        page.wait_for_selector("#agreement:not(:empty)", timeout=60_000)
    page.click(f"#view-{shot.view}-item")
    page.wait_for_timeout(1500)  # the speed panel's first figures
    page.screenshot(path=path, full_page=shot.whole)
    page.close()


if __name__ == "__main__":
    arguments = [Path(argument) for argument in sys.argv[1:]]
    main(arguments[0] if arguments else Path("quickstart"), arguments[1] if len(arguments) > 1 else None)
