r"""Ten minutes of a GPU: one command that measures the device, trains a recipe and times our steps beside PyTorch's.

    KERAS_BACKEND=jax python benchmarks/gpu_kit.py pocket_seg.camvid --data camvid:PATH --out OUT

It needs JAX on the device, Keras' wheel, PyTorch for the comparison, this repository and the data; no TensorFlow, no network.
Started again with the same OUT it goes on where it was, also after it was killed. In OUT:

- ceilings.json: a large copy and a large bfloat16 product;
- predictions.json: what they let the steps of U-Net and FCN-8s on VGG-16 reach, written down before these run;
- run/: the recipe's stages as `device_training` trains them, the data on the device, each epoch one compiled program. Every
  half minute its state is saved; at its end run/model.keras lies there, in which nothing was chosen by validation;
- steps.csv: images a second and the share of the product, ours and PyTorch's, at the same sizes on the same device.

Each part runs in a process of its own, which gives the device's memory back. Training has all the time but what --rest keeps
for the steps. What a recipe wants that the device does not make (turns, targets that its loss makes on the processor, or that
are no masks) is trained by `zoo train`'s own runner instead.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from device_steps import NETWORKS, Load, Row, ceilings, our_steps, predicted, torch_steps
from rows import write_table

MINUTES, REST = 9.0, 3.0
PARTS = ("ceilings", "predictions", "train", *(f"{side}-{name}" for name in NETWORKS for side in ("ours", "torch")))


@dataclass(frozen=True)
class Plan:
    """What the command was asked for, as its options say it."""

    recipe: str
    out: Path
    data: str | None
    minutes: float
    rest: float
    longer: float
    precision: str
    size: int
    batch: int
    steps: int
    copied: int
    eager: bool
    tiny: bool
    parts: Sequence[str]
    part: str | None
    until: float

    @property
    def load(self) -> Load:
        """Of the steps."""
        return Load((self.size, self.size), self.batch, tiny=self.tiny)

    def result(self, part: str) -> Row:
        """What a finished part left."""
        return json.loads((self.out / f"{part}.json").read_text(encoding="utf-8"))


def main() -> None:
    """All parts one after the other, or the one that is named."""
    plan = Plan(**vars(_parser().parse_args()))
    if plan.part is not None:
        _write(plan.out / f"{plan.part}.json", work(plan, plan.part, plan.until))
        return
    ends = time.time() + 60 * plan.minutes
    plan.out.mkdir(parents=True, exist_ok=True)
    for part in plan.parts:
        limit = ends - (60 * plan.rest if part == "train" else 0)
        print(f"{part}: {_run(plan, part, limit)}", flush=True)
    _table(plan)


def work(plan: Plan, part: str, until: float) -> Row:
    """Does one part, until the clock (`time.time`) says so where it is the training; its result."""
    side, _, name = part.partition("-")
    tools: dict[str, Callable[[], Row]] = {
        "ceilings": lambda: ceilings(plan.copied),
        "predictions": lambda: {name: predicted(name, plan.load, plan.result("ceilings")) for name in NETWORKS},
        "train": lambda: train(plan.recipe, plan.data, plan.out / "run", until, plan.longer, plan.precision),
        "ours": lambda: our_steps(name, plan.load, plan.steps, plan.result("ceilings")),
        "torch": lambda: torch_steps(name, plan.load, plan.steps, plan.result("ceilings"), not plan.eager),
    }
    return tools[side]()


def _parser() -> argparse.ArgumentParser:
    """The command line, without a package that the device may not have."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", help="of zoo recipes, or a recipe's file")
    parser.add_argument("--out", type=Path, required=True, help="where everything goes, and is gone on from")
    parser.add_argument("--data", help="the recipe's data: KIND:PATH")
    parser.add_argument("--minutes", type=float, default=MINUTES, help="of the whole call")
    parser.add_argument("--rest", type=float, default=REST, help="minutes of them for the steps")
    parser.add_argument("--longer", type=float, default=1.0, help="times the epochs of each stage")
    parser.add_argument("--precision", default="float32", help="of the training: float32 or bfloat16")
    parser.add_argument("--size", type=int, default=512, help="side of the steps' images, a multiple of 32")
    parser.add_argument("--batch", type=int, default=16, help="images of a step")
    parser.add_argument("--steps", type=int, default=10, help="steps that are timed at a time")
    parser.add_argument("--copied", type=int, default=1 << 30, help="bytes of the array that is copied")
    parser.add_argument("--eager", action="store_true", help="PyTorch without torch.compile")
    parser.add_argument("--tiny", action="store_true", help="narrow networks, to rehearse")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, help="some of them only")
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    parser.add_argument("--until", type=float, default=0.0, help=argparse.SUPPRESS)
    return parser


def _run(plan: Plan, part: str, limit: float) -> str:
    """Has a part done in a process of its own, unless it is done; says what came of it."""
    path = plan.out / f"{part}.json"
    if path.is_file() and (part != "train" or plan.result(part)["done"]):
        return f"done before, {path}"
    seconds = limit - time.time()
    if seconds <= 1:
        return "no time left; start the kit again with the same --out"
    patience = None if part == "train" else seconds  # training watches the clock itself, so that it can save
    command = [sys.executable, __file__, *sys.argv[1:], "--part", part, "--until", str(limit)]
    try:
        done = subprocess.run(command, env={**os.environ, **environment(plan.out, part)}, timeout=patience, check=False)
    except subprocess.TimeoutExpired:
        return "stopped, for the time was over; start the kit again with the same --out"
    return path.read_text(encoding="utf-8").strip() if done.returncode == 0 else f"failed with {done.returncode}, see above"


def environment(out: Path, part: str) -> dict[str, str]:
    """Of a part's process: its backend, no memory taken before it is needed, programs compiled once for all runs."""
    return {
        "KERAS_BACKEND": "torch" if part.startswith("torch") else "jax",
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
        "JAX_COMPILATION_CACHE_DIR": str(out.resolve() / "compiled"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }


def train(recipe: str, data: str | None, folder: Path, until: float, longer: float, precision: str) -> Row:
    """Trains the recipe's stages until the clock says `until`; whether it is done, and how far it came.

    Args:
        recipe: its name or file.
        data: spec.
        folder: of the run.
        until: on `time.time`.
        longer: times the epochs of every stage.
        precision: of every stage.
    """
    from device_training import train_stage

    from zoo import recipes
    from zoo.errors import InputError
    from zoo.training import recipe_runner

    chosen, ends = recipes.get(recipe), time.monotonic() + until - time.time()
    spec, earlier, row = chosen.spec(data), {}, {"recipe": chosen.name, "done": False}
    recipe_runner.note_machine(folder, chosen)
    for stage in chosen.stages:
        ready, own = recipe_runner.prepared(stage, spec, earlier, {"precision": precision}), folder / stage.name
        settings = {**ready.settings, "epochs": max(1, round(longer * ready.settings["epochs"]))}
        try:
            done = train_stage(ready.model, ready.data, settings, own, ends)
        except InputError as error:
            print(f"{chosen.name}, on the processor instead: {error}", flush=True)
            result = recipe_runner.run(chosen, data, folder, max_seconds=max(1.0, ends - time.monotonic()))
            return {**row, "done": result.stopped is None, "program": "zoo train"}
        if not done:
            return {**row, "stage": stage.name, "program": "device"}
        earlier[stage.name] = own
    scores = {} if ready.val is None else _scores(folder / "model.keras", ready.val)
    return {**row, "done": True, "program": "device", **scores}


def _scores(path: Path, val: Any) -> Row:
    import zoo

    return {f"val_{name}": round(score, 4) for name, score in zoo.evaluate(zoo.load(path), val, progress=False).scores.items()}


def _write(path: Path, row: Row) -> None:
    unfinished = path.with_suffix(".json.part")
    unfinished.write_text(json.dumps(row) + "\n", encoding="utf-8")
    unfinished.replace(path)


def _table(plan: Plan) -> None:
    """steps.csv, of what is there; the predictions among them."""
    steps = [part for part in PARTS if "-" in part and (plan.out / f"{part}.json").is_file()]
    rows = [plan.result(part) for part in steps]
    if (plan.out / "predictions.json").is_file():
        rows += [{**row, "program": "predicted"} for row in plan.result("predictions").values()]
    if rows:
        write_table(plan.out / "steps.csv", list(max(rows, key=len)), rows)


if __name__ == "__main__":
    main()
