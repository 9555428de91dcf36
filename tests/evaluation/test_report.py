"""`zoo report`: one page that needs nothing beside it and says what `zoo evaluate` says."""

from __future__ import annotations

import base64
import io
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from command import says
from PIL import Image

import zoo
import zoo.data
from zoo import tasks
from zoo.data import Sample
from zoo.evaluation.report import Extremes
from zoo.metrics.confusion_matrix import ConfusionMatrix
from zoo.outputs.class_scores import class_output

DATA = "scenes:count=32,size=32"
NAMES = zoo.data.open(DATA).classes


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """A finished run of two epochs."""
    folder = tmp_path_factory.mktemp("report") / "toy <run>"
    data = zoo.data.open(DATA)
    model = zoo.build("unet", classes=NAMES, palette=data.palette, input_shape=(None, None, 3), width=0.0625)
    zoo.train(model, data, zoo.data.open(DATA, "val"), epochs=2, verbose=0, folder=folder, tensorboard=False)
    return folder


class Page(HTMLParser):
    """What a page holds: its tags with their attributes, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data.strip())


def test_the_page_says_what_evaluate_says(run: Path, monkeypatch, capsys):
    status, told, _ = says(monkeypatch, capsys, "report", run, "--data", DATA, "--pictures", "3")
    found = zoo.evaluate(zoo.load(run), zoo.data.open(DATA, "test"), progress=False)
    assert status == 0 and f"miou {100 * found.headline.value:.2f} %" in told
    page = Page((run / "report.html").read_text(encoding="utf-8"))
    assert "toy <run> on scenes/test" in " ".join(page.words)  # escaped, so that it is read as text
    for value in found.scores.values():
        assert f"{100 * value:.1f}" in page.words
    shares = found.metrics[0].matrix.normalised()
    titles = [attributes["title"] for tag, attributes in page.tags if tag == "td" and "title" in attributes]
    assert len(titles) == len(NAMES) ** 2
    assert f"{NAMES[0]} answered as {NAMES[1]}: {100 * shares[0, 1]:.2f} %" in titles
    assert sum(tag == "polyline" for tag, _ in page.tags) == 3  # loss, score, rate
    assert '"adamw"' in page.words  # a setting of the run


def test_the_page_needs_nothing_beside_it(run: Path, monkeypatch, capsys, tmp_path: Path):
    out = tmp_path / "page.html"
    assert says(monkeypatch, capsys, "report", run, "--data", DATA, "--pictures", "2", "--limit", "5", "-o", out)[0] == 0
    text = out.read_text(encoding="utf-8")
    page = Page(text)
    sources = [attributes["src"] for _, attributes in page.tags if "src" in attributes]
    assert len(sources) == 2 * 2 * 3 and all(source.startswith("data:image/") for source in sources)
    for source in sources:
        picture = Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2])))
        picture.load()
        assert picture.size == (32, 32)
    assert not re.search(r"https?:|url\(|@import|<script|<link", text)
    assert not any("href" in attributes for _, attributes in page.tags)


def test_best_and_worst_are_those_of_all():
    data = zoo.data.open(DATA)
    data.ignore = 255
    rng, extremes, scores = np.random.default_rng(2), Extremes(data, tasks.get("segmentation"), class_output(NAMES), 3), {}
    for sample in data:
        wrong = rng.random(sample.target.shape) < rng.random()
        answer = np.where(wrong, rng.integers(0, len(NAMES), sample.target.shape), sample.target)
        matrix = ConfusionMatrix(NAMES)
        matrix.update(sample.target, answer)
        scores[sample.name] = matrix.miou
        extremes(sample, answer)
    extremes(Sample(sample.image, np.full_like(sample.target, 255), "nothing to score"), answer)
    order = sorted(scores, key=scores.get)
    assert [example.name for example in extremes.worst] == order[:3]
    assert [example.name for example in extremes.best] == order[:-4:-1]
    assert extremes.worst[0].score.value == scores[order[0]]


@pytest.mark.parametrize(
    ("network", "kind", "unit"), [("tiny_denoiser", "scenes_denoising", "dB"), ("tiny_flow", "scenes_flow", "px")]
)
def test_a_page_of_any_task(network: str, kind: str, unit: str, monkeypatch, capsys, tmp_path: Path):
    """From the command line alone: trained, scored, and a page with pictures of the kind, which has no classes."""
    data = ["--data", f"{kind}:count=16,size=32"]
    train = ["train", network, *data, "--out", tmp_path, "--epochs", 1, "--no-augment", "--option", "width=0.25"]
    status, said, error = says(monkeypatch, capsys, *train)
    assert status == 0, error
    assert f"best: val_{tasks.get(zoo.data.open(data[1]).task).headline}" in said
    status, said, error = says(monkeypatch, capsys, "evaluate", tmp_path, *data)
    assert status == 0 and f" {unit}" in said, error
    status, said, error = says(monkeypatch, capsys, "report", tmp_path, *data, "--pictures", "2")
    assert status == 0 and f" {unit}; the page is" in said, error
    page = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert sum("src" in attributes for _, attributes in page.tags) == 2 * 2 * 3
    assert not any(attributes.get("class") in ("classes", "matrix") for _, attributes in page.tags)


def test_where_less_is_better_the_best_are_the_least():
    data = zoo.data.open("scenes_flow:count=6,size=32")
    task = tasks.get("optical_flow")
    extremes, errors = Extremes(data, task, task.output_spec(), 2), {}
    for index, sample in enumerate(data):
        extremes(sample, sample.target.values + index)
        errors[sample.name] = index * np.sqrt(2)
    assert [example.name for example in extremes.best] == sorted(errors, key=errors.get)[:2]
    assert [example.name for example in extremes.worst] == sorted(errors, key=errors.get)[:-3:-1]
    assert extremes.worst[0].score.value == pytest.approx(max(errors.values()), rel=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.keras", "--data", DATA], "nowhere.keras"),
        (["RUN", "--data", "scenes:colour=3"], "option of scenes 'colour'"),
        (["RUN", "--data", DATA, "--split", "tset"], "unknown split"),
    ],
)
def test_bad_input_is_one_line(arguments, message, run: Path, monkeypatch, capsys):
    status, _, error = says(monkeypatch, capsys, "report", *(run if each == "RUN" else each for each in arguments))
    assert status == 2 and message in error and len(error.strip().splitlines()) == 1
