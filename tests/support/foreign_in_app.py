"""Files of others in the demo app: whether a real browser answers what `edge.Runner` does, or says why not.

    python tests/support/foreign_in_app.py --out docs/results/foreign_files_app.csv

drops every file of `foreign_files.py` into the page, on wasm.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
from pathlib import Path

import numpy as np
from app_visit import CHROMIUM, PATIENCE_MS, QUIET, Visit
from foreign_files import BYTES, HEIGHT, UNIT, WIDTH, Foreign, build, networks
from PIL import Image

import edge
from edge.errors import InputError
from edge.hosting.server import serve
from edge.images import structured
from edge.tflite_file import read_card

RANGES = {UNIT: "1", BYTES: "0"}  # the page's own list
SCORES = "() => densezoo.inspect().answer.probabilities ?? null"
CHOOSE = """(value) => {
  const list = document.querySelector('#range');
  list.value = value;
  list.dispatchEvent(new Event('change'));
}"""
ENDED = "() => ['ready', 'failed'].includes(document.documentElement.dataset.state)"


def in_app(opened: Visit, foreign: Foreign, path: Path, picture: Path) -> str:
    """What the page makes of one file: "equal", how much of it is, or its sentence."""
    page = opened.page
    page.evaluate("document.documentElement.dataset.state = 'waiting'")  # not the last one's
    page.set_input_files("#model-file", path)
    page.wait_for_function(ENDED, timeout=PATIENCE_MS)
    if page.evaluate("document.documentElement.dataset.state") == "failed":
        return page.inner_text("#notice").strip().split("\n")[0]
    if foreign.range in RANGES:
        page.evaluate(CHOOSE, RANGES[foreign.range])
    opened.open(picture)
    try:
        with edge.Runner(path, input_range=foreign.range) as runner:
            expected = np.asarray(runner(np.asarray(Image.open(picture))))
    except InputError as error:
        return f"answered, where Python says: {error}"
    probabilities = page.evaluate(SCORES)
    if probabilities is not None:
        worst = float(np.abs(np.asarray(probabilities) - expected.ravel()).max())
        return "equal" if worst < 1e-3 else f"off by {worst:.2g}"
    _, answer = opened.answer()
    if answer.shape != expected.shape:
        return f"shape {answer.shape}, expected {expected.shape}"
    same = float((answer == expected).mean())
    return "equal" if same > 0.995 else f"agrees on {same:.3f}"


def main() -> None:
    """Builds every file, shows it to the page, and writes the table."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as name, sync_playwright() as driver:
        folder = Path(name)
        picture = folder / "picture.png"
        Image.fromarray(structured(HEIGHT, WIDTH, 1, seed=3)[0]).save(picture)
        with serve([build(networks()["logits"], folder / "first.tflite")]) as server:
            browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", *QUIET])
            opened = Visit(browser.new_page(locale="en-GB"))
            opened.page.goto(server.url)
            opened.page.wait_for_function(ENDED)
            for file, foreign in networks().items():
                if options.names and file not in options.names:
                    continue
                path = build(foreign, folder / f"{file}.tflite")
                rows.append({"file": file, "head": read_card(path).head, "app": in_app(opened, foreign, path, picture)})
                print(*rows[-1].values(), sep=" | ", flush=True)
            browser.close()
    with options.out.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, ["file", "head", "app"])
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
