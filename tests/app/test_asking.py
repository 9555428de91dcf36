"""The demo app is asked about a picture in words: it chooses what the runner chooses, in sight, by keyboard and read out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from app_visit import AXE, NEEDS, PATIENCE_MS, Open, Visit, check_accessible
from PIL import Image

import edge
import zoo.data
from edge.hosting.server import serve
from zoo.pretrained import catalog

pytest_plugins = ["app_fixtures"]
pytestmark = NEEDS

ASKED = 3
FIRST = "what is the largest thing ?"  # that the panel begins with where its words are known
ROUNDING = 1e-3  # of a share; the same kernels built for two machines


@pytest.fixture(scope="module")
def model() -> Path:
    return catalog.get("vqa.scenes").path("int8")


@pytest.fixture(scope="module")
def source() -> zoo.data.Dataset:
    return zoo.data.open(f"scenes_questions:count={2 * ASKED}", "test").source


def ask(opened: Visit, question: str, answers: tuple[str, ...]) -> None:
    """Fills the fields and presses Enter in the last one."""
    opened.page.fill("#question", question)
    for field, text in zip(opened.page.query_selector_all("#answers input"), answers, strict=True):
        field.fill(text)
    field.press("Enter")


def shares(opened: Visit) -> list[float]:
    return opened.page.evaluate("densezoo.inspect().answer.probabilities")


def test_it_chooses_what_the_runner_chooses(visit: Open, model: Path, source: zoo.data.Dataset, tmp_path: Path) -> None:
    opened = visit().ready()
    assert not opened.page.is_visible("#asking")
    page = opened.bring(model).page
    assert page.get_attribute("html", "data-accelerator") == "wasm" and page.is_visible("#asking")
    assert page.input_value("#question") == FIRST
    chosen = set()
    with edge.Runner(model) as runner:
        for index in range(0, 2 * ASKED, 2):
            asked, picture = source.asked(index), source.scene(index).image
            Image.fromarray(picture).save(tmp_path / f"{index}.png")
            opened.open(tmp_path / f"{index}.png")  # is answered at once: the question of before stays
            ask(opened, " ".join(asked.words), asked.answers)
            opened.settled()
            expected = edge.ask(runner, picture, " ".join(asked.words), asked.answers)
            np.testing.assert_allclose(shares(opened), expected, atol=ROUNDING)
            best = int(np.argmax(expected))
            chosen.add(best)
            rows = page.locator("#legend li").all()
            assert [row.locator(".label").inner_text() for row in rows] == list(asked.answers)
            assert rows[best].locator(".share").inner_text().endswith("%")
            said = page.text_content("#spoken")
            assert said.startswith(f"{asked.answers[best]} is the likeliest: ") and all(each in said for each in asked.answers)
            assert page.get_attribute("#canvas", "aria-label") == said
    assert len(chosen) > 1
    if AXE.is_file():
        check_accessible(opened)


def test_what_cannot_be_asked_gets_a_sentence(visit: Open, model: Path) -> None:
    page = (opened := visit().ready().bring(model)).page
    ring = ("ring", "star", "box", "disk")
    for question, answers, field, sentence in (
        ("what is the zebra or the boks ?", ring, 0, "does not know “zebra”, “or”, “boks”. .*box"),
        ("what " * 13, ring, 0, "has 13 words; there is room for 12"),
        (FIRST, ("ring", "star", "", "disk"), 3, "asked with 4 answers"),
        (FIRST, ("ring", "top left box", "star", "disk"), 2, "“top left box” has 3 words; there is room for 2"),
    ):
        ask(opened, question, answers)
        fields = page.query_selector_all("#question, #answers input")
        assert [each.get_attribute("aria-invalid") for each in fields].index("true") == field
        assert fields[field].evaluate("field => field === document.activeElement")
        page.wait_for_function("text => RegExp(text).test(document.querySelector('#notice-text').textContent)", arg=sentence)
    ask(opened, FIRST, ring)
    assert page.inner_text("#notice-text").startswith("There is no picture yet")
    assert page.locator("[aria-invalid]").count() == 0
    page.click("#language")
    assert page.inner_text("#ask") == "Fragen" and page.input_value("#question") == FIRST
    assert page.inner_text("#known-title") == f"Die {page.locator('#known-words option').count()} Wörter, die dieses Netz kennt"


def test_it_is_asked_of_the_camera_too(visit: Open, model: Path) -> None:
    asked = ("how many things are there ?", ("one", "two", "three", "four"))
    with serve([model]) as server, edge.Runner(model) as runner:
        page = (opened := visit(url=server.url).ready()).page
        assert page.inner_text(".model-name") == "vqa.scenes"
        page.click("#camera")
        opened.frames(beyond=0)
        page.click("#freeze")
        ask(opened, *asked)
        page.wait_for_function("() => document.querySelector('#legend .label')?.textContent === 'one'", timeout=PATIENCE_MS)
        np.testing.assert_allclose(shares(opened), edge.ask(runner, opened.pictures()[0], *asked), atol=ROUNDING)
