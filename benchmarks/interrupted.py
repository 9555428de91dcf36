"""A recipe killed ten times at random moments, beside one that nothing stops: do they end with the same bits?

    python benchmarks/interrupted.py --recipe tests/support/unet_toy.py

`zoo train --recipe` runs in processes of its own. One run is left alone. The other is sent SIGKILL at random moments after
it has begun to train, again and again, and then left to finish. Compared bit for bit are, of every stage, the last checkpoint
(weights, statistics, random generators, the optimiser's state), the weights in model.keras, and the log but for its seconds.
Exits with 1 if anything differs, or if the run was over before it had been killed so often.
"""

from __future__ import annotations

import csv
import io
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

PROGRAM = (sys.executable, "-c", "from zoo.cli import main; main()")
PATIENCE = 600.0  # seconds for a process to begin to train


def main(
    recipe: Annotated[str, typer.Option(help="A name of zoo recipes, or a recipe file.")],
    data: Annotated[str | None, typer.Option(help="Where the recipe's data lie; none where it says so itself.")] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Of each stage, instead of the recipe's.")] = None,
    kills: Annotated[int, typer.Option(min=1, help="How often.")] = 10,
    seed: Annotated[int, typer.Option(help="Of the moments.")] = 0,
    work: Annotated[Path, typer.Option(help="For both runs; must not exist.")] = Path("runs/interrupted"),
) -> None:
    """Train once, train and kill, compare."""
    if work.exists():
        raise SystemExit(f"{work} is there already; remove it or name another --work")
    said = ["train", "--recipe", recipe]
    said += [] if data is None else ["--data", data]
    said += [] if epochs is None else ["--epochs", str(epochs)]
    alone, killed = work / "alone", work / "killed"
    start, training = left_alone([*said, "--out", str(alone)], alone)
    total = finished_epochs(alone)
    print(f"left alone: {training:.1f} s of training, {total} epochs, the first after {start:.1f} s", flush=True)

    draw = np.random.default_rng(seed)
    for number in range(1, kills + 1):
        done = finished_epochs(killed)
        # Each start costs the tracing of the step again; what is left is spread over the kills that are left.
        longest = start + 2 * training * (1 - done / total) / (kills + 2 - number)
        delay = float(draw.uniform(0, longest))
        if not killed_after(delay, [*said, "--out", str(killed)], killed):
            raise SystemExit(f"finished before kill {number}: give more --epochs")
        print(f"kill {number}: after {delay:.2f} s; {finished_epochs(killed)} of {total} epochs are finished", flush=True)
    left_alone([*said, "--out", str(killed)], killed)
    differ, arrays = compare(alone, killed)
    if differ:
        raise SystemExit(f"they differ in {len(differ)} of {arrays}: {', '.join(differ[:5])}")
    print(f"killed {kills} times, and the same in all {arrays} arrays and every line of the log")


def left_alone(said: list[str], folder: Path) -> tuple[float, float]:
    """Runs to the end; seconds from the first batch's tracing to the first finished epoch, and to the end."""
    with begun(said, folder) as process:
        began = time.monotonic()
        first = None
        while process.poll() is None:
            if first is None and finished_epochs(folder):
                first = time.monotonic() - began
            time.sleep(0.05)
        took = time.monotonic() - began
    if process.returncode:
        raise SystemExit(f"zoo train ended with status {process.returncode}")
    return first or took, took


def killed_after(delay: float, said: list[str], folder: Path) -> bool:
    """Whether it still ran, that long after it had begun to train, and was killed."""
    with begun(said, folder) as process:
        try:
            process.wait(delay)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            return True
    return False


def begun(said: list[str], folder: Path) -> subprocess.Popen[bytes]:
    """The process, once it has noted in its folder where it trains, which it does before the network's first step."""
    before = noted(folder)
    process = subprocess.Popen([*PROGRAM, *said], stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + PATIENCE
    while noted(folder) == before and process.poll() is None:
        if time.monotonic() > deadline:
            process.kill()
            raise SystemExit(f"zoo train did not begin within {PATIENCE:g} s")
        time.sleep(0.02)
    return process


def noted(folder: Path) -> int:
    path = folder / "recipe.json"
    return path.stat().st_mtime_ns if path.is_file() else 0


def finished_epochs(folder: Path) -> int:
    """Of all stages, by the names of their newest checkpoints."""
    newest: dict[Path, int] = {}
    for path in folder.rglob("checkpoint-*.npz"):
        newest[path.parent] = max(newest.get(path.parent, 0), int(path.stem.rpartition("-")[2]))
    return sum(newest.values())


def compare(one: Path, other: Path) -> tuple[list[str], int]:
    """What differs between two runs, and how many arrays there are in the first."""
    ends = [contents(folder) for folder in (one, other)]
    names = dict.fromkeys(name for end in ends for name in end)
    differ = [name for name in names if any(name not in end for end in ends) or not same(*(end[name] for end in ends))]
    return differ, sum(isinstance(value, np.ndarray) for value in ends[0].values())


def same(one: object, other: object) -> bool:
    """Bit for bit, so that a NaN is itself."""
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes())
    return one == other


def contents(folder: Path) -> dict[str, object]:
    """Everything that a run came to: name → array, or the text of a log without its seconds."""
    found: dict[str, object] = {}
    for stage in sorted({path.parent for path in folder.rglob("checkpoint-*.npz")}):
        where = stage.relative_to(folder).as_posix()
        last = max(stage.glob("checkpoint-*.npz"))
        with np.load(last) as file:
            found |= {f"{where}/{last.name}/{name}": file[name] for name in file.files if name != "facts"}
        found |= {f"{where}/model.keras/{name}": array for name, array in weights(stage / "model.keras").items()}
        with (stage / "log.csv").open(newline="", encoding="utf-8") as lines:
            for row in csv.DictReader(lines):
                row.pop("seconds")
                found[f"{where}/log.csv/{row['epoch']}"] = row
    return found


def weights(path: Path) -> dict[str, np.ndarray]:
    """The arrays in a .keras file, without Keras."""
    import h5py

    found: dict[str, np.ndarray] = {}

    def visit(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            found[name] = np.asarray(item)

    with zipfile.ZipFile(path) as packed, h5py.File(io.BytesIO(packed.read("model.weights.h5"))) as file:
        file.visititems(visit)
    return found


if __name__ == "__main__":
    typer.run(main)
