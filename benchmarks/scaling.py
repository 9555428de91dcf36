"""How accuracy and cost grow: mIoU against multiply-accumulates and milliseconds, by the network's scale and by its input's.

    python benchmarks/scaling.py camvid:PATH

One network over EfficientNet, whose depth and width grow together with φ (Tan & Le, 2019), is trained once for each φ at one
input size, and once for each input size at one φ, all alike from scratch. The data are pictures stretched to the input size;
the answer is scored at the targets' own resolution. The training is short on purpose (minutes a network on two CPU cores, one
seed each): it says which way the curves go, and is no statement about what a network reaches in the end, least of all a
large one, which learns more slowly.

What stops half-way goes on when started again: every network's run, file and scores stay in --work. Latencies are taken at
the end, all float32 files taking turns in one run on one CPU thread.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rows import Row, add_times, kept, log_axis, trained, write_table

if TYPE_CHECKING:
    import keras

    from zoo.data import Dataset

COLUMNS = ("curve", "network", "phi", "size", "epochs", "parameters", "gmacs", "miou", "ms")
RECIPE = {  # the same for all
    "batch_size": 8,
    "learning_rate": 2e-3,
    "class_weights": "sqrt_median",
    "recalibrate_batchnorm": 64,  # so few steps leave the moving averages of batch normalisation behind
    "tensorboard": False,
}
INK, QUIET, PAPER = "#1b211d", "#5b655e", "#fffefa"
COLOURS = {"network": "#3565a8", "input": "#c2571a"}


@dataclass(frozen=True)
class Point:
    """A network of the picture: φ of its encoder, and (H, W) of its input."""

    phi: float
    size: tuple[int, int]

    @property
    def folder(self) -> str:
        return f"phi{self.phi:+g}_{self.pixels}"

    @property
    def pixels(self) -> str:
        return f"{self.size[0]}x{self.size[1]}"


def main(
    data: Annotated[str, typer.Argument(help="A data spec with train, val and test, such as camvid:PATH.")],
    network: Annotated[str, typer.Option(help="A segmentation network that takes any encoder.")] = "unet_lite",
    phi: Annotated[list[float], typer.Option(help="Of the curve over networks; may recur.")] = [-6, -3, 0],  # noqa: B006
    size: Annotated[list[str], typer.Option(help="HxW of the curve over inputs; may recur.")] = [  # noqa: B006
        "72x96",
        "96x128",
        "144x192",
        "192x256",
    ],
    base_phi: Annotated[float, typer.Option(help="φ of the curve over inputs.")] = -3,
    base_size: Annotated[str, typer.Option(help="HxW of the curve over networks.")] = "96x128",
    epochs: Annotated[int, typer.Option(min=1, help="Of every training.")] = 8,
    work: Annotated[Path, typer.Option(help="Where runs and files stay.")] = Path("runs/scaling"),
    out: Annotated[Path, typer.Option(help="The table; the picture goes beside it.")] = Path("docs/results/scaling.csv"),
) -> None:
    """Train, score, convert and time."""
    from zoo.cli.arguments import parse_size
    from zoo.cli.quiet import start_keras

    start_keras()
    curves = {
        "network": [Point(each, parse_size(base_size)) for each in sorted(phi)],
        "input": sorted((Point(base_phi, parse_size(each)) for each in size), key=lambda point: point.size),
    }
    points = list(dict.fromkeys(point for curve in curves.values() for point in curve))  # where they cross: one network
    made = {}
    for point in points:
        folder = work / network / point.folder
        made[point] = kept(folder, lambda point=point, folder=folder: scores(network, point, data, folder, epochs))
    add_times(list(made.values()), [work / network / point.folder / "float32.tflite" for point in points], "ms", digits=2)
    rows = [{"curve": name, **made[point]} for name, curve in curves.items() for point in curve]
    write_table(out, COLUMNS, rows)
    draw(rows, data.partition(":")[0], out.with_suffix(".png"))
    print(f"{out} and {out.with_suffix('.png')}: {len(points)} networks")


def scores(network: str, point: Point, data: str, folder: Path, epochs: int) -> Row:
    """Trains one network unless it is trained, leaves its file in its folder and gives its row without latency."""
    import converters
    import zoo
    import zoo.data
    from zoo.analysis.macs import parameters

    def build(training: Dataset) -> keras.Model:
        # Stochastic depth is for long runs: in short ones it only slows down, the deep networks most.
        encoder = {"encoder": "efficientnet", "encoder_options": {"phi": point.phi, "drop_connect": 0.0}}
        return zoo.build(network, training.classes, input_shape=(None, None, 3), palette=training.palette, **encoder)

    own = {"epochs": epochs, "validate_every": epochs, "size": point.size, "augment": zoo.data.Augment()}
    model = trained(build, data, folder, {**RECIPE, **own})
    converters.to_tflite(model, folder / "float32.tflite", recipe="float32", input_size=point.size)
    return {
        "network": network,
        "phi": point.phi,
        "size": point.pixels,
        "epochs": epochs,
        "parameters": parameters(model),
        "gmacs": round(zoo.macs(model, input_size=point.size) / 1e9, 4),
        "miou": round(zoo.evaluate(model, zoo.data.open(data, "test"), size=point.size).headline.shown, 2),
    }


def draw(rows: list[Row], data: str, path: Path) -> None:
    """Two panels with one scale of mIoU: against multiply-accumulates, and against milliseconds; both logarithmic."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    plt.rcParams.update({"font.family": "DejaVu Sans", "font.size": 9, "text.color": INK, "axes.labelcolor": QUIET})
    figure, panels = plt.subplots(1, 2, figsize=(10, 4.6), sharey=True, layout="constrained", facecolor=PAPER)
    for axes, column, unit in (
        (panels[0], "gmacs", "billion multiply-accumulates an image"),
        (panels[1], "ms", "ms an image: float32, one CPU thread"),
    ):
        panel(axes, rows, column)
        axes.set_xlabel(unit)
    panels[0].set_ylabel(f"mean IoU on {data}'s test split, %")
    first = rows[0]
    figure.suptitle(
        f"{first['network']} over EfficientNet: a larger network, or a larger input? ({first['epochs']} epochs from scratch)",
        x=0.01,
        ha="left",
        fontsize=11,
    )
    figure.savefig(path, dpi=130)
    plt.close(figure)


def panel(axes: Any, rows: list[Row], column: str) -> None:
    """Both curves against one cost; each point says what it is, the last of a curve also what the curve is."""
    axes.set_facecolor(PAPER)
    costs = [row[column] for row in rows]
    log_axis(axes, costs)
    for curve, colour in COLOURS.items():
        own = [row for row in rows if row["curve"] == curve]
        axes.plot([row[column] for row in own], [row["miou"] for row in own], color=colour, lw=1.8, marker="o", ms=5)
        network = curve == "network"
        for row in own:
            axes.annotate(
                f"φ {row['phi']:g}".replace("-", "−") if network else row["size"].replace("x", "×"),
                (row[column], row["miou"]),
                (5, -5) if network else (-5, 5),
                textcoords="offset points",
                ha="left" if network else "right",
                va="top" if network else "bottom",
                color=colour,
                fontsize=8,
            )
        fixed = own[0]["size"].replace("x", "×") if network else f"φ {own[0]['phi']:g}".replace("-", "−")
        axes.annotate(
            f"larger {curve}s,\nall at {fixed}",
            (own[-1][column], own[-1]["miou"]),
            (9, 2),
            textcoords="offset points",
            va="bottom",
            color=colour,
            fontsize=9,
            fontweight="bold",
        )
    least, greatest = min(costs), max(costs)
    axes.set_xlim(least / (greatest / least) ** 0.14, greatest * (greatest / least) ** 0.34)  # room for what is written
    axes.margins(y=0.14)
    axes.grid(color="#e2ded3", lw=0.8)
    axes.tick_params(colors=QUIET, length=0)
    for side in axes.spines.values():
        side.set_visible(False)


if __name__ == "__main__":
    typer.run(main)
