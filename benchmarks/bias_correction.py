"""Whether correcting biases helps an int8 file: the score with and without, from the same draws of calibration images.

    python benchmarks/bias_correction.py pocket_detect.bccd bccd:PATH --split val --draws 5

Rounded kernels shift the means of what layers give; the correction measures these shifts over the calibration images and takes
them out of the biases (`converters.correct_biases`). The mean is over all places. Where most places are of nothing, as a
detector's, it need not be the shift that things have. Choose by the validation split; rows stay in --work.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from calibration import drawn_images
from rows import Row, kept, write_table

COLUMNS = ("network", "data", "images", "calibration", "draw", "float32", "corrected", "uncorrected")


def main(
    name: Annotated[str, typer.Argument(help="NAME.TAG of shipped weights.")],
    data: Annotated[str, typer.Argument(help="Their data's spec.")],
    split: Annotated[str, typer.Option(help="That is scored.")] = "val",
    count: Annotated[int, typer.Option(help="Calibration images of a draw.")] = 64,
    draws: Annotated[int, typer.Option(help="How many.")] = 5,
    work: Annotated[Path, typer.Option(help="Where scores stay.")] = Path("runs/bias_correction"),
    out: Annotated[Path, typer.Option(help="The table.")] = Path("docs/results/bias_correction.csv"),
) -> None:
    """Draw, convert both ways, score."""
    from zoo.cli.quiet import start_keras

    start_keras()
    import converters
    import edge
    import zoo
    import zoo.data
    from zoo.pretrained import catalog

    training, scored, known = zoo.data.open(data, "train"), zoo.data.open(data, split), catalog.get(name)
    model = zoo.build(name, input_shape=(*known.input_size, known.channels))

    def score(point: str, draw: int | None, correct: bool) -> float:
        folder = work / name / split / point
        folder.mkdir(parents=True, exist_ok=True)

        def make() -> Row:
            path, settings = folder / "model.tflite", {}
            if draw is not None:
                settings = {"calibration": drawn_images(training, count, known.input_size, draw), "correct_bias": correct}
            converters.to_tflite(model, path, "float32" if draw is None else "int8", **settings)
            headline = zoo.evaluate(edge.Runner(path), scored, progress=False).headline
            return {"score": round(headline.shown, 2), "name": headline.name}

        return kept(folder, make)["score"]

    facts = {"network": name, "data": scored.name, "images": len(scored), "calibration": count}
    facts["float32"] = score("float32", None, False)
    ways = {"corrected": True, "uncorrected": False}
    rows = [
        {**facts, "draw": draw, **{way: score(f"{draw}/{way}", draw, correct) for way, correct in ways.items()}}
        for draw in range(draws)
    ]
    write_table(out, COLUMNS, rows)


if __name__ == "__main__":
    typer.run(main)
