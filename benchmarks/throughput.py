r"""Images a second in training: `zoo.train`'s step beside plain `keras.Model.fit`, the same network on the same batches.

    python benchmarks/throughput.py
    python benchmarks/throughput.py --network unet --torch --size 96x128 --data scenes:count=32,size=96x128 --steps 4 \
        --out docs/results/throughput_unet.csv
    KERAS_BACKEND=jax python benchmarks/throughput.py --network unet --torch --precision bfloat16 --batch 32 --steps 50

Both learn from random weights with the same loss and optimiser, and make their batches as they go, augmentation included:
that is what a user gets. A round is an epoch of --steps batches; the contestants take turns, the first of one round being
the last of the next, so that what else the machine does falls on all alike. The first round of each, which traces and fills
the memory with decoded samples, does not count. The table has medians over the rounds with the least and the greatest; the
ratio is that of each round's pair. Validation and checkpoints come once an epoch and are not in it.

Plain `fit` is told the same about XLA as our step decides (`zoo.training.jit`): left alone, Keras compiles on TensorFlow's CPU
too, which is many times slower. --keras-jit adds a column of `fit` as it comes.

--torch adds a column for `unet`: the same network written in PyTorch (torch_unet.py), from the same weights, under
torch.compile; it must first give the same answer. `pip install torch` before.
"""

from __future__ import annotations

import importlib.util
import os
import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rows import First, Row, write_table
from torch_unet import Round, Told, torch_unet

if TYPE_CHECKING:
    import keras

    from zoo.data import Dataset

RATE, DECAY, CLIPNORM = 1e-3, 1e-2, 1.0  # of AdamW: what `zoo.train` takes by default
SAME = 1e-3  # of the answers' spread: what two networks may differ by that compute the same
FIGURES = ("", "_least", "_greatest")


def main(
    data: Annotated[str, typer.Option(help="A data spec, such as camvid:PATH.")] = "scenes:count=96,size=240x320",
    network: Annotated[list[str], typer.Option(help="NAME or NAME:ENCODER of zoo list; may recur.")] = [  # noqa: B006
        "unet_lite",
        "fcn8s:mobilenet_v2",
        "pocket_seg",
    ],
    size: Annotated[str, typer.Option(help="HxW of the batches.")] = "240x320",
    batch: Annotated[int, typer.Option(min=1, help="Images a step.")] = 8,
    steps: Annotated[int, typer.Option(min=1, help="Steps a round, at most as many as the data have.")] = 12,
    rounds: Annotated[int, typer.Option(min=1, help="That count.")] = 5,
    precision: Annotated[str, typer.Option(help="float32, bfloat16 or float16.")] = "float32",
    keras_jit: Annotated[bool, typer.Option("--keras-jit", help="Also fit with XLA as Keras decides.")] = False,
    torch: Annotated[bool, typer.Option("--torch", help="Also PyTorch, for the network unet.")] = False,
    out: Annotated[Path, typer.Option(help="The table.")] = Path("docs/results/throughput.csv"),
) -> None:
    """Let them take turns."""
    from zoo.cli.arguments import parse_size
    from zoo.cli.quiet import start_keras

    if torch:
        if importlib.util.find_spec("torch") is None or "unet" not in network:
            raise typer.BadParameter("--torch needs PyTorch (pip install torch) and --network unet")
        # Three share an accelerator: none is to take all of its memory at once.
        os.environ |= {"XLA_PYTHON_CLIENT_PREALLOCATE": "false", "TF_FORCE_GPU_ALLOW_GROWTH": "true"}
    start_keras()
    import keras

    import zoo.data
    from zoo.training.jit import compiles
    from zoo.training.recipe_runner import machine

    seen, pixels = First(zoo.data.open(data), steps * batch), parse_size(size)
    given = {"backend": keras.backend.backend(), "precision": precision, "size": size, "batch": batch, "rounds": rounds}
    rows = []
    for name in network:
        with ExitStack() as stack:
            fits = {"fit": compiles(None), **({"fit_jit_auto": "auto"} if keras_jit else {})}
            contestants = {"ours": stack.enter_context(ours(name, seen, pixels, batch, precision))} | {
                title: fit(name, seen, pixels, batch, precision, jit) for title, jit in fits.items()
            }
            if torch and name == "unet":
                told = Told(data, len(seen), pixels, batch, precision, RATE, DECAY, CLIPNORM)
                contestants["torch"] = stack.enter_context(pytorch(seen, told))
            found = race(contestants, rounds, len(seen) // batch * batch)
        row = {"network": name, **given, **found, "machine": machine()}
        print(", ".join(f"{key} {value}" for key, value in row.items() if key != "machine"), flush=True)
        rows.append(row)
    write_table(out, list(max(rows, key=len)), rows)
    print(f"{out}: {len(rows)} networks on {machine()}")


@contextmanager
def ours(
    name: str, data: Dataset, pixels: tuple[int, int], batch: int, precision: str
) -> Iterator[Round]:
    """The step of `zoo.train`, with the callback that keeps a run."""
    import zoo.data
    from zoo.training.callback import RunCallback
    from zoo.training.config import TrainingConfig
    from zoo.training.trainer import in_training

    config = TrainingConfig(
        epochs=1000, batch_size=batch, size=pixels, augment=zoo.data.Augment(), precision=precision, learning_rate=RATE
    )
    model = built(name, data)
    with in_training(model, data, config) as (network, source, _):
        callback = RunCallback(model, network, source, config, validate=None, facts={})
        callback.begin()
        yield lambda number: seconds(network, source, number, callback)


def fit(
    name: str, data: Dataset, pixels: tuple[int, int], batch: int, precision: str, jit: bool | str
) -> Round:
    """What one would write without `zoo.train`."""
    import keras

    import zoo.data
    from zoo import tasks

    keras.config.set_dtype_policy("float32" if precision == "float32" else f"mixed_{precision}")
    try:
        model = built(name, data)
    finally:
        keras.config.set_dtype_policy("float32")
    batches = zoo.data.Batches(data, batch, size=pixels, augment=zoo.data.Augment())
    model.compile(
        keras.optimizers.AdamW(RATE, weight_decay=DECAY, global_clipnorm=CLIPNORM),
        loss=tasks.get(data.task).loss(zoo.output_spec(model), batches.ignore),
        jit_compile=jit,
    )
    return lambda number: seconds(model, batches, number)


@contextmanager
def pytorch(data: Dataset, told: Told) -> Iterator[Round]:
    """The same U-Net in PyTorch, if it is the same."""
    import keras
    import numpy as np

    import zoo.data

    model = built("unet", data)
    images, _ = zoo.data.Batches(data, told.batch, size=told.size).batch(0, 0)
    with torch_unet([keras.ops.convert_to_numpy(v) for v in model.trainable_weights], told, images[:1]) as (answer, learn):
        expected = keras.ops.convert_to_numpy(model(images[:1], training=False))
        difference = float(np.abs(answer - expected).max() / expected.std())
        if difference > SAME:
            raise SystemExit(f"the two U-Nets differ by {difference:.2g} of their answers' spread")
        yield learn


def built(name: str, data: Dataset) -> keras.Model:
    """The network NAME or NAME:ENCODER for the data's classes, from random weights."""
    import keras

    import zoo

    keras.utils.set_random_seed(0)
    architecture, _, encoder = name.partition(":")
    return zoo.build(architecture, data.classes, input_shape=(None, None, 3), encoder=encoder or None)


def seconds(
    network: keras.Model, batches: keras.utils.PyDataset, number: int, *callbacks: keras.callbacks.Callback
) -> float:
    """Trains for one epoch; from its first batch being asked for to its last one being done."""
    import keras

    moments: list[float] = []

    def note(*_: object) -> None:
        moments.append(time.perf_counter())

    watch = keras.callbacks.LambdaCallback(on_epoch_begin=note, on_epoch_end=note)  # the first: before what ends an epoch
    batches.epoch = number
    network.fit(
        batches, initial_epoch=number, epochs=number + 1, shuffle=False, verbose=0, callbacks=[watch, *callbacks]
    )
    return moments[1] - moments[0]


def race(contestants: dict[str, Round], rounds: int, images: int) -> Row:
    """Images a second of each, and ours over each other's: median, least and greatest."""
    rates: dict[str, list[float]] = {title: [] for title in contestants}
    for number in range(1 + rounds):
        for title in list(contestants)[:: -1 if number % 2 else 1]:
            taken = contestants[title](number)
            if number:
                rates[title].append(images / taken)
    row: Row = {}
    for title, values in rates.items():
        row |= figures(title, values, 2)
    for title in list(contestants)[1:]:
        pairs = [mine / other for mine, other in zip(rates["ours"], rates[title], strict=True)]
        row |= figures(f"ratio_{title}", pairs, 3)
    return row


def figures(name: str, values: list[float], digits: int) -> Row:
    """Median, least and greatest, as columns."""
    found = (statistics.median(values), min(values), max(values))
    return {f"{name}{suffix}": round(value, digits) for suffix, value in zip(FIGURES, found, strict=True)}


if __name__ == "__main__":
    typer.run(main)
