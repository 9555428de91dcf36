"""`zoo predict`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zoo.cli.arguments import (
    MODEL_HELP,
    OVERLAP,
    Accelerator,
    Flip,
    InputRange,
    Labels,
    Output,
    Overlap,
    Scales,
    Size,
    Tiles,
    open_asked,
    open_predictor,
    parse_meaning,
    parse_question,
    parse_size,
    parse_tiling,
    parse_views,
)
from zoo.errors import InputError

if TYPE_CHECKING:
    import numpy as np

    from zoo.outputs import OutputSpec

Images = Annotated[
    list[Path] | None, typer.Argument(help="Pictures of any size; for a model of several frames so many for each answer.")
]
Question = Annotated[str | None, typer.Option(help="Asked of each picture, in words that the model knows (vqa).")]
Answers = Annotated[str | None, typer.Option(help="The answers to --question to choose from, with commas between them.")]
Text = Annotated[str | None, typer.Option(help="A sentence in place of pictures, for a model that reads.")]


def predict(
    model: Annotated[Path, typer.Argument(help=MODEL_HELP)],
    images: Images = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the overlays and masks.")] = Path("predictions"),
    size: Size = None,
    accelerator: Accelerator = "cpu",
    flip: Flip = False,
    scales: Scales = None,
    tiles: Tiles = None,
    overlap: Overlap = OVERLAP,
    labels: Labels = None,
    output: Output = None,
    input_range: InputRange = None,
    question: Question = None,
    answers: Answers = None,
    text: Text = None,
) -> None:
    """Draw and write a model's answers to pictures, or say its answer to a sentence.

    A model of two frames, as of optical flow, takes the pictures in pairs: first second, first second, and so on. One that
    watches films takes them all as one.

    Example: zoo predict model.tflite photo.jpg

    zoo predict theirs.tflite photo.jpg --input-range 0,1 --output probabilities --labels background,person

    zoo predict vqa.scenes:int8 scene.png --question "how many rings are there ?" --answers one,two,three,none

    zoo predict judge.tflite --text "the star is left of the disk ."
    """
    if not images and text is None and question is None:
        raise InputError("no images; give one or more, or --text for a model that reads")
    settings = parse_size(size), parse_views(flip, scales), parse_tiling(tiles, overlap)
    said = parse_meaning(labels, output, input_range)
    asked = parse_question(question, answers)
    if asked is None:
        answer, spec = open_predictor(model, accelerator, *settings, said)
    elif said or any(setting is not None for setting in settings):
        raise InputError("--question goes with --answers, --accelerator and --out alone; leave out what else was given")
    else:
        answer, spec = open_asked(model, accelerator, *asked)
    _check_given(str(model), spec, asked is not None, images or [], text)
    if text is not None:
        _say(str(model), answer, spec, text)
    else:
        _draw(str(model), answer, spec, images, out)


def _check_given(model: str, spec: OutputSpec, asked: bool, images: Sequence[Path], text: str | None) -> None:
    """Refuses what the model is given if that is not what it takes: pictures, a question about them, or a sentence."""
    from zoo import outputs

    reads = "reads" in spec.options
    if outputs.kind(spec).asked and not asked:
        raise InputError(f'{model} is asked in words: give --question "…" --answers one,two,… beside the pictures')
    if reads and text is None:
        raise InputError(f'{model} reads sentences; give it one: --text "…"')
    if not (outputs.kind(spec).stretches or asked or reads):
        raise InputError(f'{model} goes on with texts, and takes no pictures: zoo write MODEL.tflite --prompt "…" does that')
    if text is not None and not reads:
        raise InputError(f"{model} reads no sentences; leave out --text, and give it pictures")
    if bool(images) == (text is not None):
        raise InputError("--text takes the place of pictures" if images else "no images; give one or more to ask about")


def _say(model: str, answer: Callable[[np.ndarray], np.ndarray], spec: OutputSpec, text: str) -> None:
    """Prints the answer to a sentence."""
    from zoo import outputs
    from zoo.outputs.vocabulary import sentence, words_of

    words = sentence(text, words_of(spec), spec.options["reads"], model)
    print(f"{text}: {outputs.kind(spec).describe(answer(words), spec)}")


def _draw(
    model: str, answer: Callable[[np.ndarray], np.ndarray], spec: OutputSpec, images: Sequence[Path], out: Path
) -> None:
    """Draws, writes and prints the answers to pictures."""
    import numpy as np
    from PIL import Image

    from zoo import outputs
    from zoo.data.image_files import as_rgb, read_image

    kind, frames = outputs.kind(spec), getattr(answer, "frames", 1) or len(images)  # 0: as many as there are
    if len(images) % frames:
        raise InputError(f"{len(images)} pictures: {model} takes them {frames} at a time")
    channels = getattr(answer, "channels", 3)
    pictures = [read_image(path, channels) for path in images]  # all of them first: nothing is written if one is broken
    out.mkdir(parents=True, exist_ok=True)
    for start in range(0, len(images), frames):
        path, image = images[start], as_rgb(pictures[start])
        if len({picture.shape for picture in pictures[start : start + frames]}) > 1:
            raise InputError(f"{path} and the next are of several sizes; frames are of one size")
        prediction = answer(np.concatenate(pictures[start : start + frames], axis=-1))
        Image.fromarray(kind.draw(image, prediction, spec)).save(out / f"{path.stem}_overlay.png")
        print(f"{path}: {kind.describe(prediction, spec)}")
        kind.write(prediction, spec, out / path.stem)
        for name, sheet in (answer.sheets(image) if hasattr(answer, "sheets") else {}).items():
            Image.fromarray(sheet).save(out / f"{path.stem}_{name}.png")
    print(f"overlays in {out}/")
