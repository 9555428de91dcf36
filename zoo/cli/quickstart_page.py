"""The page that `zoo quickstart` leaves: quickstart.html with the run's rows and pictures in it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zoo.data import Dataset

COLUMNS = ("picture", "truth", "int8")  # names of the files in pictures/, left to right


def write_page(rows: Sequence[dict[str, Any]], test: Dataset, pictures: int, out: Path) -> None:
    """Writes out/index.html.

    Args:
        rows: form, miou (0–1), bytes, ms, cpu and gpu (verdicts) of each form of the model.
        test: whose classes and colours the legend shows.
        pictures: how many rows of pictures lie in out/pictures.
        out: the folder.
    """
    template = Template(Path(__file__).with_name("quickstart.html").read_text(encoding="utf-8"))
    page = template.substitute(
        rows="".join(map(_row, rows)),
        figures="".join(map(_figure, range(pictures))),
        legend="".join(map(_key, test.classes, test.palette)),
    )
    (out / "index.html").write_text(page, encoding="utf-8")


def _row(row: dict[str, Any]) -> str:
    size = f"{row['bytes'] / 1000:,.0f} kB" if row["bytes"] else ""
    texts = (row["form"], f"{100 * row['miou']:.1f}", size, str(row["ms"]), row["cpu"], row["gpu"])
    return "<tr>" + "".join(f"<td>{escape(text)}</td>" for text in texts) + "</tr>"


def _figure(index: int) -> str:
    images = (f'<img src="pictures/{index}_{name}.png" alt="scene {index}: {name}">' for name in COLUMNS)
    return f"<figure>{''.join(images)}</figure>"


def _key(label: str, colour: Sequence[int]) -> str:
    return f'<span><i style="background:rgb({",".join(map(str, colour))})"></i>{escape(label)}</span>'
