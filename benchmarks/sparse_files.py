"""What a file gains whose kernels are stored without their zeros: bytes, milliseconds, and the same answers.

    python benchmarks/sparse_files.py mobilenet_v1 unet_lite

The smallest weights of every convolution with a kernel of two axes of channels are set to zero, so many of each; other weights
are as they are drawn, so that nothing but size and time is told. Each network is written twice in each form, with its zeros and
without, and the files take turns on one thread: milliseconds are of the processor, the least of thirty. `differs` is the
largest difference of their answers to noise, as a share of the largest answer.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rows import write_table

if TYPE_CHECKING:
    import numpy as np

COLUMNS = ("network", "form", "zeros", "dense_bytes", "sparse_bytes", "dense_ms", "sparse_ms", "differs")
_CALIBRATION, _TURNS = 8, 30


def main(
    networks: Annotated[list[str], typer.Argument(help="Names of the registry.")],
    forms: Annotated[str, typer.Option(help="With commas between them.")] = "float32,int8",
    zeros: Annotated[str, typer.Option(help="Shares, with commas between them.")] = "0.5,0.7,0.8,0.9",
    size: Annotated[int, typer.Option(help="Side of the pictures.")] = 224,
    out: Annotated[Path, typer.Option(help="The table, as .csv.")] = Path("docs/results/sparse.csv"),
) -> None:
    """Write the files, and tell what they take."""
    from zoo.cli.quiet import start_keras

    start_keras()
    rows: list[dict[str, Any]] = []
    for name in networks:
        for form in forms.split(","):
            for share in zeros.split(","):
                with tempfile.TemporaryDirectory(prefix="densezoo_") as folder:
                    rows.append(_row(name, form, float(share), size, Path(folder)))
                print("  ".join(f"{column} {value}" for column, value in rows[-1].items()), flush=True)
                write_table(out, COLUMNS, rows)


def _row(name: str, form: str, share: float, size: int, folder: Path) -> dict[str, Any]:
    import numpy as np

    import converters
    import zoo
    import zoo.data

    model = zoo.build(name, input_shape=(size, size, 3), output="logits")
    _prune(model, share)
    scenes = zoo.data.open(f"scenes:count={_CALIBRATION},size={size}")
    images = zoo.data.calibration_images(scenes, _CALIBRATION, (size, size))
    options = {"calibration": images} if converters.RECIPES[form].calibrated else {}
    paths = [folder / "dense.tflite", folder / "sparse.tflite"]
    for path in paths:
        converters.to_tflite(model, path, form, **options, sparse=path.stem == "sparse")
    (dense_ms, sparse_ms), answers = _asked(paths, np.random.default_rng(0).uniform(0, 255, (1, size, size, 3)))
    largest = max(float(np.abs(answers[0]).max()), 1e-30)
    return {
        "network": name,
        "form": form,
        "zeros": share,
        "dense_bytes": paths[0].stat().st_size,
        "sparse_bytes": paths[1].stat().st_size,
        "dense_ms": dense_ms,
        "sparse_ms": sparse_ms,
        "differs": f"{np.abs(answers[0] - answers[1]).max() / largest:.1e}",
    }


def _asked(paths: list[Path], noise: np.ndarray) -> tuple[list[float], list[np.ndarray]]:
    """Milliseconds and answers of files, which take turns."""
    from ai_edge_litert.interpreter import Interpreter

    runs = [Interpreter(str(path), num_threads=1) for path in paths]
    least = [float("inf")] * len(runs)
    for run in runs:
        run.allocate_tensors()
        run.set_tensor(run.get_input_details()[0]["index"], noise.astype("float32"))
    for _ in range(_TURNS):
        for place, run in enumerate(runs):
            began = time.process_time()
            run.invoke()
            least[place] = min(least[place], time.process_time() - began)
    answers = [run.get_tensor(run.get_output_details()[0]["index"]) for run in runs]
    return [round(1000 * seconds, 2) for seconds in least], answers


def _prune(model: Any, share: float) -> None:
    """Sets the smallest weights of every convolution over channels to zero."""
    import keras
    import numpy as np

    for layer in model.layers:
        if isinstance(layer, (keras.layers.Conv2D, keras.layers.Dense)) and not isinstance(layer, keras.layers.DepthwiseConv2D):
            kernel, *rest = layer.get_weights()
            kernel[np.abs(kernel) < np.quantile(np.abs(kernel), share)] = 0
            layer.set_weights([kernel, *rest])


if __name__ == "__main__":
    typer.run(main)
