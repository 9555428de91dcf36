"""Arguments that several commands share, and what turns them into things."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zoo.data.registry import specs
from zoo.errors import InputError

if TYPE_CHECKING:
    import keras
    import numpy as np

    from zoo.classical import Segmenter
    from zoo.evaluation.predictor import TestTimeAugmentation, Tiling
    from zoo.outputs import OutputSpec

DATA_HELP = f"{', '.join(specs())}; behind a PATH ,channels=1 reads grey and ,channels=4 a fourth channel."

MODEL_HELP = "A .keras file, the folder of a training run, a .tflite file, shipped weights such as unet_lite.ccp, "
MODEL_HELP += "or a classical method such as grabcut."
MODEL_SUFFIXES = (".keras", ".h5", ".tflite")

Data = Annotated[str, typer.Option("--data", "-d", help=DATA_HELP)]
Size = Annotated[str | None, typer.Option("--size", "-s", help="Height × width in pixels: 256 or 360x480.")]
Accelerator = Annotated[str, typer.Option("--accelerator", "-a", help="cpu or gpu.")]
Flip = Annotated[bool, typer.Option("--flip", help="Keras models: average with the answer to the mirrored picture.")]
Scales = Annotated[str | None, typer.Option(help="Keras models: average over these factors of the size: 0.75,1,1.25.")]
Tiles = Annotated[str | None, typer.Option(help="See larger pictures in tiles of this size; a .tflite file in its own.")]
Overlap = Annotated[int, typer.Option(min=0, help="Pixels that neighbouring tiles share.")]
OVERLAP = 64
# What is said of a .tflite file of others, where it does not say it itself; as of `edge.Runner`.
Labels = Annotated[str | None, typer.Option(help=".tflite files: the classes' names, with commas, or a text file, one a line.")]
Output = Annotated[
    str | None, typer.Option("--output", help=".tflite files: the first output is logits, probabilities or class_map.")
]
InputRange = Annotated[
    str | None, typer.Option(help=".tflite files: the values of a picture's 0 and 255, as 0,1 or -1,1 or 0,255.")
]


def parse_size(text: str | None) -> tuple[int, int] | None:
    """ "256" or "360x480" as (H, W).

    Raises:
        InputError: for anything else.
    """
    if text is None:
        return None
    match = re.fullmatch(r"([1-9]\d*)(?:[x×]([1-9]\d*))?", text.strip())
    if not match:
        raise InputError(f"size {text!r}: expected pixels such as 256, or height x width such as 360x480")
    height = int(match[1])
    return height, int(match[2] or height)


def parse_meaning(labels: str | None, output: str | None, input_range: str | None) -> dict[str, Any]:
    """What is said of a `.tflite` file, as `edge.Runner` takes it; empty where nothing is.

    Raises:
        InputError: for a range that is not two numbers.
    """
    said: dict[str, Any] = {}
    if labels is not None:
        file = Path(labels)
        names = file.read_text(encoding="utf-8").splitlines() if file.is_file() else labels.split(",")
        said["labels"] = [name.strip() for name in names if name.strip()]
    if output is not None:
        said["output"] = output
    if input_range is not None:
        try:
            low, high = (float(end) for end in input_range.split(","))
        except ValueError:
            raise InputError(f"input range {input_range!r}: expected two numbers, as 0,1 or -1,1 or 0,255") from None
        said["input_range"] = (low, high)
    return said


def parse_question(question: str | None, answers: str | None) -> tuple[str, list[str]] | None:
    """A question and the answers to choose from; None where nothing is asked.

    Raises:
        InputError: for the one without the other.
    """
    if question is None and answers is None:
        return None
    if question is None or answers is None:
        raise InputError("--question and --answers go together: --question \"what is up ?\" --answers star,ring,box,disk")
    return question, [text.strip() for text in answers.split(",")]


def parse_views(flip: bool, scales: str | None) -> TestTimeAugmentation | None:
    """The views that a Keras model's answer is averaged over; None where nothing was said of them.

    Raises:
        InputError: for scales that are no numbers, and what `zoo.evaluation.predictor.TestTimeAugmentation` refuses.
    """
    if not flip and scales is None:
        return None
    try:
        factors = tuple(float(text) for text in (scales or "1").split(","))
    except ValueError:
        raise InputError(f"scales {scales!r}: expected factors such as 0.75,1,1.25") from None
    from zoo.cli.quiet import start_keras

    start_keras()
    from zoo.evaluation.predictor import TestTimeAugmentation

    return TestTimeAugmentation(flip, factors)


def parse_tiling(tiles: str | None, overlap: int) -> Tiling | None:
    """The tiles that a Keras model sees large pictures in; None where nothing was said of them.

    Raises:
        InputError: for an overlap without tiles, and what `zoo.evaluation.predictor.Tiling` refuses.
    """
    size = parse_size(tiles)
    if size is None:
        if overlap != OVERLAP:
            raise InputError(f"--overlap {overlap} is of tiles; give their size with --tiles")
        return None
    from zoo.cli.quiet import start_keras

    start_keras()
    from zoo.evaluation.predictor import Tiling

    return Tiling(size, overlap)


def parse_values(pairs: list[str]) -> dict[str, Any]:
    """["upsampler=resize", "skip_scales=[0.01, 0.0001]"] as values by name: what JSON reads as it does, a list as a tuple, and
    anything else as text.

    Raises:
        InputError: for what is not NAME=VALUE.
    """
    values = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not name or not equals:
            raise InputError(f"--option {pair}: expected NAME=VALUE, as upsampler=resize")
        try:
            value = json.loads(text)
        except ValueError:
            value = text
        values[name] = tuple(value) if isinstance(value, list) else value
    return values


def open_model(path: Path, weights: str | None = None) -> keras.Model:
    """A trained model: a `.keras` file, a training run's folder with one in it, or the name of weights that are shipped.

    Args:
        path: of it; with `weights` the name of a network.
        weights: others' weights of that network, as `zoo.build` takes them.

    Raises:
        InputError: if there is none.
    """
    from zoo.cli.quiet import start_keras
    from zoo.pretrained import catalog

    named = weights is not None or (not path.exists() and path.suffix not in MODEL_SUFFIXES)
    if named and weights is None and not catalog.is_name(str(path)):
        raise _no_model(str(path))
    start_keras()
    from zoo import build, load  # which import Keras

    if named:
        return build(str(path), weights=weights)
    if path.is_dir():
        inside = path / "model.keras"
        if not inside.is_file():
            raise InputError(f"{path} holds no model.keras; give a .keras file, or the folder of a finished training run")
        path = inside
    return load(path)


def _no_model(text: str) -> InputError:
    from zoo import classical, list_models
    from zoo.errors import unknown
    from zoo.pretrained import catalog

    if text in list_models():
        shipped = ", ".join(catalog.names(f"{text}.*"))
        advice = f"name its weights: {shipped}" if shipped else f"train it: zoo train {text} --data … --out runs/{text}"
        return InputError(f"{text} is a network without weights; {advice}, or give a .keras file or a run's folder")
    return unknown("file, weights or classical method", text, [*catalog.names(), *classical.names()])


def default_size(path: Path) -> tuple[int, int] | None:
    """The size that shipped weights were scored at; None for those that see pictures at their own, and for any other model."""
    from zoo.pretrained import catalog

    if path.exists() or not catalog.is_name(str(path)):
        return None
    from zoo import tasks

    weights = catalog.get(str(path))
    return weights.input_size if weights.overlap is None and tasks.get(weights.task).stretches else None


def shipped_file(path: Path) -> Path:
    """The `.tflite` file of NETWORK.TAG:FORM, as unet_lite.ccp:int8; any other path as it is.

    Raises:
        InputError: if the weights have no such form, or their file is missing or damaged.
    """
    from zoo.pretrained import catalog

    return catalog.find(str(path)) if ":" in str(path) and not path.exists() and catalog.is_name(str(path)) else path


def open_method(path: Path, accelerator: str = "cpu", size: tuple[int, int] | None = None) -> Segmenter | None:
    """A classical method by its name, with parameters or without, as grabcut or kmeans:regions=5; None for another thing.

    Raises:
        InputError: for a parameter that it has not, and for what only networks have: a size and an accelerator.
    """
    from zoo import classical

    name = str(path).partition(":")[0]
    if path.exists() or name not in classical.names():
        return None
    if size is not None or accelerator != "cpu":
        raise InputError(f"--size and --accelerator are for networks; {name} works on the CPU, up to a size: {name}:side=256")
    return classical.open(str(path))


def open_predictor(
    path: Path,
    accelerator: str = "cpu",
    size: tuple[int, int] | None = None,
    tta: TestTimeAugmentation | None = None,
    tiling: Tiling | None = None,
    said: Mapping[str, Any] | None = None,
) -> tuple[Callable[[np.ndarray], np.ndarray], OutputSpec]:
    """The predictor of one uint8 H×W×3 image at its own resolution, and the spec of its answer.

    A `.tflite` file runs on LiteRT, with what is `said` of it (`parse_meaning`); a `.keras` file (or a run's folder) on
    Keras, and so do shipped weights, by default at the size that they were scored at. `size` is for those that take any. A
    classical method answers its regions.
    """
    method = open_method(path, accelerator, size)
    if said and (method is not None or shipped_file(path).suffix != ".tflite"):
        raise InputError(f"--labels, --output and --input-range say what a .tflite file means; {path} is none")
    if method is not None:
        refuse_views(tta, tiling, path)
        return method.predict, method.meaning.spec
    path = shipped_file(path)
    if path.suffix == ".tflite":
        import edge

        refuse_views(tta, None, path)
        overlap = None if tiling is None else tiling.overlap
        runner = edge.Runner(path, accelerator, input_size=size, overlap=overlap, **(said or {}))
        if tiling is not None and tiling.size != runner.card.size:
            raise InputError(f"--tiles {tiling.size}: {path} sees {runner.card.size}; give tiles of that size")
        return runner, runner.meaning
    if accelerator != "cpu":
        raise InputError(f"--accelerator {accelerator} is for .tflite files; convert {path} first: zoo convert {path}")
    model = open_model(path)
    return keras_predictor(model, size or default_size(path), tta, tiling), meaning_of(model).spec


def open_asked(
    path: Path, accelerator: str, question: str, answers: Sequence[str]
) -> tuple[Callable[[np.ndarray], np.ndarray], OutputSpec]:
    """A question as a predictor of one uint8 H×W×3 image, as `open_predictor` gives one.

    Raises:
        InputError: for a model that is asked nothing in words, words that it does not know, and another number of answers.
    """
    path = shipped_file(path)
    if path.suffix == ".tflite":
        import edge
        from zoo.outputs.choices import in_numbers

        runner = edge.Runner(path, accelerator)
        spec = _asked_spec(path, runner.meaning, answers)
        in_numbers(runner.card.inputs, spec.labels, question, answers, path.name)
        return functools.partial(edge.ask, runner, question=question, answers=answers), spec
    if accelerator != "cpu":
        raise InputError(f"--accelerator {accelerator} is for .tflite files; convert {path} first: zoo convert {path}")
    model = open_model(path)
    spec = _asked_spec(path, meaning_of(model).spec, answers)
    from zoo.evaluation.asking import asker

    return asker(model, question, answers), spec


def _asked_spec(path: Path, spec: OutputSpec, answers: Sequence[str]) -> OutputSpec:
    from zoo import outputs

    if not outputs.kind(spec).asked:
        raise InputError(f"{path} is asked nothing in words; leave out --question and --answers")
    return replace(spec, options={**spec.options, "answers": list(answers)})


def refuse_views(tta: TestTimeAugmentation | None, tiling: Tiling | None, path: Path) -> None:
    """Raises InputError if views or tiles were asked for."""
    if tta is not None or tiling is not None:
        raise InputError(f"--flip, --scales and --tiles are for Keras models; {path} is asked about the picture as it is")


def keras_predictor(
    model: keras.Model,
    size: tuple[int, int] | None = None,
    tta: TestTimeAugmentation | None = None,
    tiling: Tiling | None = None,
) -> Callable[[np.ndarray], np.ndarray]:
    """A Keras model as a function of one image, at the model's own size, or `size`, or the image's."""
    from zoo.evaluation.predictor import Predictor
    from zoo.layers import input_specs

    predictor = Predictor(model, size, tta, tiling)

    def answer(image: np.ndarray) -> np.ndarray:
        return predictor.decoded(predictor.predict([image]), [image.shape[:2]])[0]

    taken = input_specs(model)[0]
    answer.frames = taken.frames  # how many pictures lie along the image's channels, as of edge.Runner
    answer.channels = taken.channels // taken.frames
    return answer


def meaning_of(model: keras.Model) -> Any:
    """The model's `ModelOutput`.

    Raises:
        InputError: for a model that was not built by this zoo.
    """
    from zoo.layers import model_output

    meaning = model_output(model)
    if meaning is None:
        raise InputError(f"{model.name} does not say what its output means; build it with zoo.build")
    return meaning
