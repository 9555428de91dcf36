"""`zoo train`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zoo.cli.arguments import DATA_HELP, Size, open_model, parse_size, parse_values
from zoo.cli.quiet import start_keras
from zoo.cli.recipes import train_recipe
from zoo.errors import InputError

if TYPE_CHECKING:
    import keras

    from zoo.data import Dataset
    from zoo.tasks import Task
    from zoo.training import Result


RunFolder = Annotated[Path, typer.Option("--out", "-o", help="Folder of the run; run again to go on where it stopped.")]
Encoder = Annotated[str | None, typer.Option(help="A name of zoo list --encoders.")]
EncoderWeights = Annotated[
    str | None, typer.Option(help="A .keras file over the same encoder, or applications:FILE of keras.applications.")
]
Init = Annotated[
    Path | None,
    typer.Option(help="A .keras file or run's folder whose layers of the same names it starts from: fcn16s from fcn32s."),
]
OutputStride = Annotated[int | None, typer.Option(help="8 or 16: dilate the encoder instead of striding.")]
Auxiliary = Annotated[
    list[int] | None,
    typer.Option(help="Deep supervision: a head at the encoder's feature of this stride, as 16, for training; may recur."),
]
Options = Annotated[
    list[str] | None,
    typer.Option(help="NAME=VALUE of the network's own options (zoo card), as upsampler=resize; may recur."),
]
ClassWeights = Annotated[str | None, typer.Option(help="Balance classes: median or sqrt_median.")]
Precision = Annotated[str, typer.Option(help="float32, bfloat16 or float16.")]
FrozenBatchNorm = Annotated[
    str | None,
    typer.Option(help="Keep batch normalisation as it is in layers named like this ('*': all), for pretrained encoders."),
]
Average = Annotated[float | None, typer.Option(help="Average the weights with this momentum, such as 0.999.")]
LearningRateScale = Annotated[
    list[str] | None,
    typer.Option("--lr-scale", help="GLOBS=SHARE of the rate for layers named so, as 'stem*,block*=0.1'; may recur."),
]
ProgressiveSize = Annotated[
    list[str] | None,
    typer.Option(
        "--progressive-size",
        help="EPOCH=HxW: batches of that size from this epoch (the first is 0) on; may recur. Instead of --size.",
    ),
]
Recalibration = Annotated[
    int | None,
    typer.Option(
        "--recalibrate-batchnorm",
        help="Measure batch normalisation anew at the end, on so many training images; keep it if better.",
    ),
]
Crop = Annotated[
    bool, typer.Option("--crop", help="Learn from crops of --size out of pictures at their own size, not shrunk ones.")
]
TeacherName = Annotated[
    str | None,
    typer.Option("--teacher", help="A trained network to learn from too: a .keras file, a run's folder, or shipped weights."),
]
Temperature = Annotated[float | None, typer.Option(help="That the teacher's scores are softened by; 2 if nothing is said.")]
TeacherWeight = Annotated[float | None, typer.Option(help="The teacher's share of the loss; 0.5 if nothing is said.")]
ValidateEvery = Annotated[int, typer.Option(min=1, help="Epochs between looks at the validation split.")]
Workers = Annotated[
    int | None, typer.Option(min=1, help="Threads that make batches; by default 1 on a CPU, up to 8 with an accelerator.")
]
Minutes = Annotated[float | None, typer.Option(help="Stop after so long; run again to go on.")]


Network = Annotated[str | None, typer.Argument(help="A network of zoo list; none with --recipe.")]
OptionalData = Annotated[str | None, typer.Option("--data", "-d", help=DATA_HELP)]
RecipeName = Annotated[
    str | None, typer.Option("--recipe", help="A name of zoo recipes, or a recipe file, instead of a network and its settings.")
]
SETTINGS = {  # options that `zoo.train` takes as they are said → what it calls them
    "epochs": "epochs",
    "batch_size": "batch_size",
    "optimizer": "optimizer",
    "lr": "learning_rate",
    "class_weights": "class_weights",
    "precision": "precision",
    "ema": "ema",
    "recalibrate_batchnorm": "recalibrate_batchnorm",
    "temperature": "temperature",
    "teacher_weight": "teacher_weight",
    "validate_every": "validate_every",
    "seed": "seed",
    "workers": "workers",
}
# With a recipe, what may be said beside it: settings, arguments of `zoo.build`, and the rest. All else is the recipe's.
OVER_A_RECIPE = ("epochs", "batch_size", "lr", "precision", "validate_every", "seed", "workers")
BUILD = ("encoder_weights",)
BESIDE = ("recipe", "data", "out", "minutes")


def train(
    context: typer.Context,
    out: RunFolder,
    name: Network = None,
    data: OptionalData = None,
    recipe: RecipeName = None,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the data.")] = 30,
    size: Size = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Images a step.")] = 8,
    encoder: Encoder = None,
    encoder_weights: EncoderWeights = None,
    init: Init = None,
    output_stride: OutputStride = None,
    auxiliary: Auxiliary = None,
    option: Options = None,
    optimizer: Annotated[str, typer.Option(help="adamw or sgd.")] = "adamw",
    lr: Annotated[float | None, typer.Option(help="Peak learning rate.")] = None,
    class_weights: ClassWeights = None,
    precision: Precision = "float32",
    freeze_batchnorm: FrozenBatchNorm = None,
    ema: Average = None,
    lr_scale: LearningRateScale = None,
    progressive_size: ProgressiveSize = None,
    recalibrate_batchnorm: Recalibration = None,
    crop: Crop = False,
    augment: Annotated[bool, typer.Option(help="Flip, scale and recolour, as suits the task; words never.")] = True,
    teacher: TeacherName = None,
    temperature: Temperature = None,
    teacher_weight: TeacherWeight = None,
    validate_every: ValidateEvery = 1,
    seed: Annotated[int, typer.Option(help="Of everything that is drawn.")] = 0,
    workers: Workers = None,
    minutes: Minutes = None,
) -> None:
    """Train a network, or with --recipe make shipped weights anew. Interrupt it; the same command goes on where it stopped.

    Example: zoo train fcn8s --encoder mobilenet_v2 --data camvid:PATH --crop --size 240x320 --out runs/camvid
    """
    import zoo

    if recipe is not None:
        _report(train_recipe(recipe, data, out, *_beside(context, recipe), minutes), out)
        return
    pictures, options = _pictures(progressive_size, parse_size(size), crop), _network_options(output_stride, auxiliary, option)
    name, training, validation = _opened(name, data)
    start_keras()
    result = zoo.train(
        _build(name, training, pictures["size"], seed, encoder, encoder_weights, init, options),
        training,
        validation,
        **_named(context, SETTINGS),
        **pictures,
        augment=_task(name).augmentation(native=crop) if augment or crop else None,
        frozen_batchnorm=freeze_batchnorm or False,
        lr_scale=_lr_scale(lr_scale),
        teacher=None if teacher is None else open_model(Path(teacher)),
        folder=out,
        max_seconds=None if minutes is None else 60 * minutes,
    )
    _report(result, out)


def _named(context: typer.Context, options: Iterable[str]) -> dict[str, Any]:
    """The values of options that go on as they were said, by the names that `zoo.train` has for them."""
    return {SETTINGS[key]: context.params[key] for key in options}


def _lr_scale(pairs: list[str] | None) -> dict[str, float] | None:
    """["stem*,block*=0.1"] as shares of the rate by the names of layers."""
    scale = {}
    for pair in pairs or ():
        globs, _, share = pair.rpartition("=")
        try:
            scale[globs] = float(share)
        except ValueError:
            globs = ""
        if not globs:
            raise InputError(f"--lr-scale {pair}: expected GLOBS=SHARE, as 'stem*,block*=0.1'")
    return scale or None


def _task(name: str) -> Task:
    """A network's task."""
    from zoo import tasks
    from zoo.build import variant

    return tasks.get(variant(name).task)


def _pictures(pairs: list[str] | None, size: tuple[int, int] | None, crop: bool) -> dict[str, Any]:
    """["0=128", "20=256"] as sizes by epoch, the size that the run ends with, and that of validation."""
    sizes = {}
    for pair in pairs or ():
        epoch, _, pixels = pair.partition("=")
        if not epoch.strip().isdecimal():
            raise InputError(f"--progressive-size {pair}: expected EPOCH=HxW, as 20=256x256")
        sizes[int(epoch)] = parse_size(pixels)
    if sizes and size is not None:
        raise InputError("--size and --progressive-size were given; the last of --progressive-size is the size")
    last = sizes[max(sizes)] if sizes else size
    return {
        "progressive_size": sizes or None,
        "size": last,
        "val_size": None if crop else last,  # crops: judged on whole pictures
    }


def _network_options(
    output_stride: int | None, auxiliary: list[int] | None, pairs: list[str] | None
) -> dict[str, Any]:
    """The options of the network itself, as `zoo.build` takes them."""
    options = {} if auxiliary is None else {"auxiliary": tuple(auxiliary)}
    options |= parse_values(pairs or [])
    if output_stride is not None:
        options["encoder_options"] = {**options.get("encoder_options", {}), "output_stride": output_stride}
    return options


def _opened(name: str | None, data: str | None) -> tuple[str, Dataset, Dataset]:
    """The name, and the data to train on and to choose by."""
    import zoo.data

    if name is None or data is None:
        missing = "NAME" if name is None else "--data"
        raise InputError(f"{missing} is missing: zoo train NAME --data … --out …, or zoo train --recipe NAME --out …")
    return name, zoo.data.open(data, "train"), zoo.data.open(data, "val")


def _report(result: Result, out: Path) -> None:
    if result.best is not None:
        print(f"best: {result.best['metric']} {result.best['score']:.4f} in epoch {result.best['epoch']}")
    print(f"{result.stopped}; the same command goes on" if result.stopped else f"{out}/model.keras is ready")


def _beside(context: typer.Context, recipe: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The options on the command line in place of a recipe's own: settings of `zoo.train`, arguments of `zoo.build`.

    Raises:
        InputError: for what is the recipe's alone.
    """
    said = [key for key in context.params if context.get_parameter_source(key).name == "COMMANDLINE"]
    for key in said:
        if key not in (*OVER_A_RECIPE, *BUILD, *BESIDE):
            what = key if key == "name" else f"--{key.replace('_', '-')}"
            raise InputError(f"{what} is for {recipe} to say; change it in a copy of the recipe's file: --recipe FILE.py")
    settings = _named(context, (key for key in OVER_A_RECIPE if key in said))
    return settings, {key: context.params[key] for key in BUILD if key in said}


def _build(
    name: str,
    training: Dataset,
    pixels: tuple[int, int] | None,
    seed: int,
    encoder: str | None,
    encoder_weights: str | None,
    init: Path | None,
    options: dict[str, Any],
) -> keras.Model:
    """The network for a dataset: its classes, colours and channels, any size where the network takes any."""
    import keras

    import zoo
    from zoo import tasks
    from zoo.build import variant

    entry = variant(name)
    if training.task not in (None, entry.task):
        command = f"zoo list --task {training.task}"
        raise InputError(f"{name} is for {entry.task}, {training.name} for {training.task}; choose from {command}")
    size, task = (pixels or entry.input_size) if entry.fixed_size else (None, None), tasks.get(entry.task)
    keras.utils.set_random_seed(seed)  # the start is drawn too
    return zoo.build(
        name,
        classes=training.classes or None,
        input_shape=(*size, task.channels(training)),
        encoder=encoder,
        encoder_weights=encoder_weights,
        palette=training.palette or None,
        init=init,
        **{**task.build_options(training), **options},
    )
