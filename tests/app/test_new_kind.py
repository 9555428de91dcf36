"""A kind of output that the demo app does not have: one new file among its sources, and it runs in the browser."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from app_models import write_network
from app_visit import NEEDS, Open
from PIL import Image

from edge.hosting import site
from edge.hosting.server import Server
from zoo.outputs import OutputSpec

pytest_plugins = ["app_fixtures"]
pytestmark = NEEDS

APP = site.DIST.parent
TOY = """
import type { OutputSpec } from '../model/spec';
import { canvasOf, type Answer, type Kind } from './kind';

interface Warmth extends Answer {
  value: number;
}

const WORDS = {
  en: { kind: 'How warm it is', note: 'Warmth {value}', summary: 'It is {value} warm.' },
  de: { kind: 'Wie warm es ist', note: 'Wärme {value}', summary: 'Es ist {value} warm.' },
};

export default {
  name: 'warmth',
  gives: 'warmth',
  opaque: false,
  decode: ({ data }) => ({ kind: 'warmth', value: data[0] }),
  transfer: () => [],
  agreement: (one, other) => Math.abs(one.value - other.value),
  views: () => ['mask'],
  hidden: () => [],
  paint: ({ value }) => canvasOf(new ImageData(new Uint8ClampedArray([value, 0, 0, 255]), 1, 1)),
  legend: ({ value }, _spec: OutputSpec, _beside, speech) => ({
    rows: [], pressable: false, rest: '', note: speech.phrase(WORDS, 'note', { value: speech.number(value) }), figure: null,
  }),
  file: async ({ value }) => ({ blob: new Blob([String(value)]), ending: 'warmth.txt' }),
  names: (_, speech) => ({ kind: speech.phrase(WORDS, 'kind'), view: 'Warmth', save: 'Save warmth', legend: 'Warmth' }),
  summary: ({ value }, _, speech) => speech.phrase(WORDS, 'summary', { value: speech.number(value) }),
  agreementText: (value) => String(value),
} satisfies Kind<Warmth>;
"""


@pytest.fixture(scope="module")
def built_with_a_toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The app's sources with one file more, and nothing else changed, type-checked and built."""
    if shutil.which("node") is None or not (APP / "node_modules").is_dir():
        pytest.skip("run `npm ci` in edge/app")
    folder = tmp_path_factory.mktemp("app")
    for name in ("src", "static"):
        shutil.copytree(APP / name, folder / name)
    for name in ("build.mjs", "icon.mjs", "package.json", "tsconfig.json"):
        shutil.copy(APP / name, folder / name)
    shutil.copy(APP.parent / "evidence.json", folder.parent)
    (folder / "node_modules").symlink_to(APP / "node_modules")
    (folder / "src" / "outputs" / "warmth.ts").write_text(TOY)
    for command in (
        [folder / "node_modules" / ".bin" / "tsc", "--noEmit", "-p", folder],
        ["node", folder / "build.mjs"],
    ):
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=folder)
        assert done.returncode == 0, done.stdout + done.stderr
    return folder / "dist"


def test_new_kind_is_one_new_file(visit: Open, built_with_a_toy: Path, tmp_path: Path) -> None:
    model = write_network(
        tmp_path / "warm.tflite",
        {"warmth": lambda image: image[:, :1, 0, 0]},
        [OutputSpec("warmth", name="warmth", scale=None)],
    )
    Image.fromarray(np.full((30, 40, 3), 77, np.uint8)).save(tmp_path / "warm.png")
    with Server(site.site([], dist=built_with_a_toy), "127.0.0.1", 0) as running:
        opened = visit(url=running.url)
        opened.page.wait_for_selector("#notice:not([hidden])")
        opened.bring(model)
        opened.open(tmp_path / "warm.png")
        assert opened.page.inner_text("#figure-text") == "Warmth 77"
        assert opened.page.inner_text("#spoken") == "It is 77 warm."
        assert opened.page.inner_text("#save-mask") == "Save warmth"
        assert opened.saved("#save-mask").read_text() == "77"
        assert (np.asarray(Image.open(opened.saved("#save-view")).convert("RGB")) == [77, 0, 0]).all()
        opened.page.click("#language")
        assert opened.page.inner_text("#figure-text") == "Wärme 77"
