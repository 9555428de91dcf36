"""Takes the README's pictures of the demo app, after `make demo`:  .venv/bin/python docs/screenshots.py quickstart"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

import edge
import zoo.data

FLAGS = ["--no-sandbox", "--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
SIZES = {"desktop": (1280, 800), "phone": (390, 844)}
DOCS = Path(__file__).parent


def main(quickstart: Path) -> None:
    """Serves the int8 and float32 files with four larger scenes, and looks at the page."""
    gallery = quickstart / "gallery"
    gallery.mkdir(exist_ok=True)
    scenes = zoo.data.Scenes(4, (384, 384), 0, "test")
    samples = []
    for index in range(len(scenes)):
        samples.append(gallery / f"scene_{index}.png")
        Image.fromarray(scenes[index].image).save(samples[-1])
    files = [quickstart / f"fcn8s_{recipe}.tflite" for recipe in ("float32", "int8")]
    with edge.serve(files, samples=samples) as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        for name, (width, height) in SIZES.items():
            page = browser.new_page(viewport={"width": width, "height": height}, color_scheme="light")
            page.goto(server.url)
            page.get_by_text("disk").or_(page.get_by_text("ring")).first.wait_for(timeout=60_000)
            page.wait_for_timeout(1500)  # the speed panel's first figures
            page.screenshot(path=DOCS / f"app-{name}.png")
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "quickstart"))
