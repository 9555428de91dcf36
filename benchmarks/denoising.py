"""Denoising side by side: what OpenCV and scikit-image have, and ours, in PSNR and SSIM at three strengths, and milliseconds.

    pip install PyWavelets
    python benchmarks/denoising.py PATH --weights rednet_lite.denoise

PATH holds Set5/ and Set14/ (`zoo.data.datasets.photographs`). The others are told the noise's strength, ours is not. Their own
settings are chosen on Set5 at each strength, one for PSNR and another for SSIM: in steps of a quarter from where they begin,
for as long as it rises, so that none lies at an end. The table is of Set14. Milliseconds are of a picture of 256×256 pixels, on
one thread where the method has a say in it. With --only-ours the others' rows stay as they are in the table.
"""

from __future__ import annotations

import csv
import functools
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rows import Row, add_times, write_table

Method = Callable[[np.ndarray, float, float], np.ndarray]  # picture uint8, σ in levels, setting → uint8
COLUMNS = ("sigma", "method", "form", "setting", "psnr", "ssim", "ms")
SIGMAS = (10, 25, 50)
TILE = (256, 256)
STEP = 1.25  # between a setting and the next that is tried


def opencv_non_local_means(picture: np.ndarray, sigma: float, setting: float) -> np.ndarray:
    """`fastNlMeansDenoisingColored`, h in shares of σ, windows of 7 and 21."""
    import cv2

    cv2.setNumThreads(1)
    return cv2.fastNlMeansDenoisingColored(picture, None, setting * sigma, setting * sigma, 7, 21)


def skimage_non_local_means(picture: np.ndarray, sigma: float, setting: float) -> np.ndarray:
    """`denoise_nl_means`, h in shares of σ, patches of 5 within 6."""
    from skimage.restoration import denoise_nl_means

    share = sigma / 255
    options = {"patch_size": 5, "patch_distance": 6, "fast_mode": True, "channel_axis": -1}
    return as_bytes(denoise_nl_means(picture / 255, h=setting * share, sigma=share, **options))


def skimage_wavelet(picture: np.ndarray, sigma: float, setting: float) -> np.ndarray:
    """`denoise_wavelet`, BayesShrink in YCbCr, told a share of σ."""
    from skimage.restoration import denoise_wavelet

    options = {"convert2ycbcr": True, "rescale_sigma": True, "channel_axis": -1}
    return as_bytes(denoise_wavelet(picture / 255, sigma=setting * sigma / 255, **options))


def skimage_total_variation(picture: np.ndarray, sigma: float, setting: float) -> np.ndarray:
    """`denoise_tv_chambolle`, weight in shares of σ."""
    from skimage.restoration import denoise_tv_chambolle

    return as_bytes(denoise_tv_chambolle(picture / 255, weight=setting * sigma / 255, channel_axis=-1))


METHODS: Mapping[Method, float] = {  # with the setting that the search begins at
    opencv_non_local_means: 0.64,
    skimage_non_local_means: 0.6,
    skimage_wavelet: 0.8,
    skimage_total_variation: 0.64,
}


def main(
    data: Annotated[Path, typer.Argument(help="The folder of T91, Set5 and Set14.")],
    weights: Annotated[str, typer.Option(help="Shipped weights of a denoiser.")] = "rednet_lite.denoise",
    only_ours: Annotated[bool, typer.Option("--only-ours", help="Keep the others' rows.")] = False,
    out: Annotated[Path, typer.Option(help="The table.")] = Path("docs/results/denoising.csv"),
) -> None:
    """Score and time."""
    from zoo.cli.quiet import start_keras

    start_keras()
    with tempfile.TemporaryDirectory() as folder:
        rows = ours(data, weights, Path(folder))
    if only_ours:
        rows += [row for row in csv.DictReader(out.open(encoding="utf-8")) if row["method"] != weights]
    else:
        rows += [row for sigma in SIGMAS for row in classical(data, sigma)]
    rows.sort(key=lambda row: int(row["sigma"]))
    write_table(out, COLUMNS, rows)
    print(f"{out}: {len(rows)} rows")


def classical(data: Path, sigma: int) -> list[Row]:
    """What is left as it is, and each method at its best settings."""
    rows = [{"sigma": sigma, "method": "noisy", "form": "", **scores(lambda picture: picture, data, sigma, "test")}]
    for method, start in METHODS.items():
        row = {"sigma": sigma, "method": method.__name__.replace("_", " "), "form": "classical"}
        rows.append(row | at_best(functools.partial(restorer, method, sigma), data, sigma, start))
        print(rows[-1], flush=True)
    return rows


def restorer(method: Method, sigma: float, setting: float) -> Callable[[np.ndarray], np.ndarray]:
    """A method that is told everything but the picture."""
    return lambda picture: method(picture, sigma, setting)


def at_best(method: Callable[[float], Callable[[np.ndarray], np.ndarray]], data: Path, sigma: int, start: float) -> Row:
    """Either score of a method at the setting that is best for it on Set5, and milliseconds at that for PSNR."""
    tried = functools.cache(lambda setting: scores(method(setting), data, sigma, "val"))
    best = {name: highest(lambda setting, name=name: tried(setting)[name], start) for name in ("psnr", "ssim")}
    found = {setting: scores(method(setting), data, sigma, "test") for setting in set(best.values())}
    tile = np.random.default_rng(0).integers(0, 256, (*TILE, 3)).astype(np.uint8)
    began = time.perf_counter()
    method(best["psnr"])(tile)
    ms = round(1000 * (time.perf_counter() - began), 1)
    settings = " / ".join(dict.fromkeys(f"{setting:.2f}" for setting in best.values()))
    return {"setting": settings, "ms": ms} | {name: found[setting][name] for name, setting in best.items()}


def highest(score: Callable[[float], float], start: float) -> float:
    """The setting whose neighbours, a step below and above, both score no more."""
    at, left = start, score(start)
    for step in (1 / STEP, STEP):
        while (value := score(round(at * step, 4))) > left:
            at, left = round(at * step, 4), value
    return at


def ours(data: Path, name: str, folder: Path) -> list[Row]:
    """Shipped weights as a file in float, converted anew, and as the int8 file that is shipped."""
    import converters
    import edge
    import zoo
    from zoo.pretrained import catalog

    paths = {"float32": folder / "float32.tflite", "int8": catalog.find(f"{name}:int8")}
    converters.to_tflite(zoo.build(name), paths["float32"], "float32", TILE)
    timed: list[Row] = [{"method": name, "form": form} for form in paths]
    add_times(timed, list(paths.values()), "ms")
    rows: list[Row] = []
    for row, path in zip(timed, paths.values(), strict=True):
        with edge.Runner(path, overlap=catalog.get(name).overlap) as runner:
            rows += [{**row, "sigma": sigma, **scores(runner, data, sigma, "test")} for sigma in SIGMAS]
        print(rows[-len(SIGMAS) :], flush=True)
    return rows


def scores(subject: Any, data: Path, sigma: int, split: str) -> Row:
    """Of a network, a file or a function of one picture."""
    import zoo
    import zoo.data

    found = zoo.evaluate(subject, zoo.data.open(f"noise:{data},sigma={sigma}", split), progress=False).scores
    return {"psnr": round(found["psnr"], 2), "ssim": round(found["ssim"], 4)}


def as_bytes(picture: np.ndarray) -> np.ndarray:
    """uint8 of a picture in 0–1, rounded."""
    return np.clip(np.rint(255 * picture), 0, 255).astype(np.uint8)


if __name__ == "__main__":
    typer.run(main)
