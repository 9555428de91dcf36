"""The picture of a benchmark, and the scores that it is drawn from."""

from __future__ import annotations

import csv
import itertools
import math
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from command import says
from edge_graphs import describe
from probe_graphs import conv, convert, deep

from edge import chart
from edge.errors import InputError
from edge.tflite_file import read_card
from edge.timing import Row, scored, told_apart
from zoo.outputs.score import Score

SVG = "{http://www.w3.org/2000/svg}"
ROW = Row("a.tflite", "cpu", 1, "8×8×3", 4.0, 5.0, 1.0, 1, 1_000_000, 9, 1.0, score=0.8, score_name="miou", scored_on="d/test")
ROWS = [
    ROW,
    replace(ROW, threads=2, median_ms=2.0),
    replace(ROW, file="b<&.tflite", median_ms=30.0, bytes=4_000_000, score=0.9),
    replace(ROW, file="late.tflite", error="it crashed"),
    replace(ROW, file="unknown.tflite", score=math.nan),
]


def drawn(rows: list[Row], folder: Path) -> ElementTree.Element:
    chart.draw(rows, folder / "b.svg")
    return ElementTree.parse(folder / "b.svg").getroot()


def test_discs_stand_where_their_numbers_are(tmp_path: Path) -> None:
    root = drawn(ROWS, tmp_path)
    discs = {disc.find(f"{SVG}title").text: disc for disc in root.iter(f"{SVG}circle") if disc.find(f"{SVG}title") is not None}
    assert set(discs) == {
        "a: 80.0 %, 4.00 ms, 1.00 MB, CPU, 1 thread",
        "a: 80.0 %, 2.00 ms, 1.00 MB, CPU, 2 threads",
        "b<&: 90.0 %, 30.00 ms, 4.00 MB, CPU, 1 thread",
    }
    one, two, large = (discs[told] for told in sorted(discs, key=lambda told: ("b<&" in told, "2 threads" in told)))
    x, y, r = ([float(disc.get(key)) for disc in (one, two, large)] for key in ("cx", "cy", "r"))
    assert x[1] < x[0] < x[2] and y[0] == y[1] > y[2], "the better stands higher"
    assert (r[2] / r[0]) ** 2 == pytest.approx(4, rel=0.02), "area is size"
    assert one.get("fill") == large.get("fill") != two.get("fill")
    # Milliseconds in powers of ten: one doubling is one distance, and 2 → 30 some four of them.
    assert (x[2] - x[1]) / (x[0] - x[1]) == pytest.approx(math.log2(15), rel=0.01)
    texts = [text.text for text in root.iter(f"{SVG}text")]
    assert {"a", "b<&", "CPU, 1 thread", "CPU, 2 threads", "mIoU in % on d/test, against latency"} <= set(texts)
    width, height = (float(side) for side in root.get("viewBox").split()[2:])
    assert all(0 < a < width and 0 < b < height for a, b in zip(x, y, strict=True))


def test_an_error_in_pixels_is_drawn_upside_down(tmp_path: Path) -> None:
    """The better stands higher, and nothing is a hundred times too large."""
    error = replace(ROW, score_name="end_point_error", score_unit="px", higher_is_better=False)
    root = drawn([replace(error, score=1.5), replace(error, file="b.tflite", score=2.5)], tmp_path)
    discs = {disc.find(f"{SVG}title").text: disc for disc in root.iter(f"{SVG}circle") if disc.find(f"{SVG}title") is not None}
    (good,), (bad,) = ([disc for text, disc in discs.items() if text.startswith(name)] for name in ("a: 1.5 px", "b: 2.5 px"))
    assert float(good.get("cy")) < float(bad.get("cy"))
    assert "EPE in px on d/test, against latency" in {text.text for text in root.iter(f"{SVG}text")}


def test_names_do_not_lie_on_one_another(tmp_path: Path) -> None:
    crowd = [replace(ROW, file=f"network_{index}.tflite", median_ms=4 + index / 100) for index in range(6)]
    names = [text for text in drawn(crowd, tmp_path).iter(f"{SVG}text") if (text.text or "").startswith("network")]
    lines = sorted(float(text.get("y")) for text in names)
    assert len(names) == 6 and min(b - a for a, b in itertools.pairwise(lines)) >= chart.LINE - 0.1


@pytest.mark.parametrize(
    ("rows", "name", "message"),
    [(ROWS, "b.png", r"ends in \.svg"), (ROWS[3:], "b.svg", "nothing to draw"), ([], "b.svg", "nothing to draw")],
)
def test_what_cannot_be_drawn_is_told(rows: list[Row], name: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        chart.draw(rows, tmp_path / name)


def test_files_of_one_name_are_told_apart() -> None:
    assert told_apart([Path("x/m.tflite"), Path("y/m.tflite"), Path("z.tflite")]) == ["x/m.tflite", "y/m.tflite", "z.tflite"]
    assert told_apart([Path("a/run/m.tflite"), Path("b/run/m.tflite")]) == ["a/run/m.tflite", "b/run/m.tflite"]
    assert told_apart([Path("m.tflite"), Path("m.tflite")]) == ["m.tflite", "m.tflite"]


def test_a_score_is_put_to_its_file_alone() -> None:
    unknown = replace(ROW, score=math.nan)
    rows = scored([unknown, replace(unknown, file="b.tflite")], "b.tflite", Score("error", 0.5, "px", False), "e/val")
    assert math.isnan(rows[0].score) and rows[1].result == Score("error", 0.5, "px", False) and rows[1].scored_on == "e/val"


def test_the_command_draws_what_the_files_tell(tmp_path: Path, monkeypatch, capsys) -> None:
    plain = convert(deep, tmp_path / "plain.tflite")
    best = {"d/test": {"images": 3, "miou": 0.75, "dice": 0.5}, "e/test": {"miou": 0.1}}
    files = [
        describe(plain, tmp_path / "best.tflite", scores=best),
        describe(plain, tmp_path / "good.tflite", scores={"d/test": {"images": 3, "miou": 0.5}}),
        describe(plain, tmp_path / "other.tflite", scores={"e/val": {"miou": 0.9}}),
        plain,
    ]
    assert read_card(files[0]).headlines == {"d/test": Score("miou", 0.75), "e/test": Score("miou", 0.1)}
    status, said, _ = says(monkeypatch, capsys, "benchmark", *files, "-t", 1, "--picture", tmp_path / "b.svg")
    assert status == 0 and "75.0" in said and "other.tflite is not in the picture" in said and "plain.tflite is not" in said
    text = (tmp_path / "b.svg").read_text(encoding="utf-8")
    assert "best: 75.0 %" in text and "good: 50.0 %" in text and "other" not in text and "on d/test" in text


def test_the_command_scores_on_data(tmp_path: Path, monkeypatch, capsys) -> None:
    def file(classes: int) -> Path:
        plain = convert(lambda x: conv(conv(x), classes, 1), tmp_path / "plain.tflite")
        labels = [f"class {index}" for index in range(classes)]
        told = {"labels": labels, "palette": None, "scores": {"f/test": {"miou": 0.99}}}
        return describe(plain, tmp_path / f"of_{classes}.tflite", **told)

    asked = ("-t", 1, "--data", "scenes:count=4,size=32", "--split", "val", "--out", tmp_path / "b.csv")
    status, _, told = says(monkeypatch, capsys, "benchmark", file(6), *asked, "--picture", tmp_path / "b.svg")
    assert status == 0 and "matched by number" in told and "class 1 as" in told, told
    (row,) = csv.DictReader((tmp_path / "b.csv").open(encoding="utf-8"))
    assert (row["score_name"], row["scored_on"]) == ("miou", "scenes/val") and 0 <= float(row["score"]) < 0.5
    assert "on scenes/val" in (tmp_path / "b.svg").read_text(encoding="utf-8")
    status, _, told = says(monkeypatch, capsys, "benchmark", file(5), *asked)
    assert status == 2 and "knows 5 classes" in told and "has 6" in told
    status, _, told = says(monkeypatch, capsys, "benchmark", file(6), "--picture", tmp_path / "b.png")
    assert status == 2 and ".svg" in told
