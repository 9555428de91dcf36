"""Tables of the benchmarks: each a CSV of docs/results, with the columns that a reader wants and words for their names."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

from publishing.markers import table
from zoo.outputs.score import SHARE
from zoo.pretrained import catalog

FOLDER = Path(__file__).parents[1] / "docs" / "results"
Cell = Callable[[Mapping[str, str]], str]


def calibration() -> str:
    """Scores of int8 files over the number of calibration images."""
    drawn = {
        ">median": _text("score"), ">least": _text("score_least"), ">greatest": _text("score_greatest"),
    }  # fmt: skip
    columns = {"network": _code("network"), ">images": _text("calibration"), **drawn, ">spread evenly": _text("spread")}
    return _table("calibration.csv", {**columns, ">float32": _text("float32")})


def captions() -> str:
    """What a device's two files say beside Keras."""
    shares = {">equal": "equal", ">exact match": "exact_match", ">BLEU-4": "bleu", ">CIDEr": "cider", ">nats a word": "nats"}
    columns = {"form": _text("form"), ">pictures": _text("pictures")} | {name: _rounded(key) for name, key in shares.items()}
    columns |= {">the step alone": _rounded("nats_step_alone"), ">step, bytes": _text("step_bytes")}
    columns |= {">encoder, bytes": _text("encoder_bytes"), "GPU, step": _text("gpu_step"), "GPU, encoder": _text("gpu_encoder")}
    return _table("captions.csv", columns)


def compression() -> str:
    """One network made smaller."""
    return _compression("compression.csv")


def compression_gates() -> str:
    """One network with squeeze-and-excitation made smaller."""
    return _compression("compression_gates.csv")


def conversion_cost() -> str:
    """Seconds and memory of a conversion."""
    return _table(
        "conversion_cost.csv",
        {
            "network": _code("network"),
            "form": _text("recipe"),
            "engine": _text("engine"),
            "Keras on": _text("backend"),
            "oneDNN": _text("onednn"),
            ">parameters": _count("parameters"),
            ">seconds": _text("seconds"),
            ">of a processor": _text("cpu_seconds"),
            ">load": _text("load"),
            ">before, GiB": _text("before_gib"),
            ">peak, GiB": _text("peak_gib"),
            ">bytes": _count("bytes"),
        },
    )


def conversions() -> str:
    """How many networks convert, form by form."""
    rows = rows_of("conversions.csv")
    forms = dict.fromkeys(row["form"] for row in rows)
    columns = {"converts": "converts", "CPU equal": "cpu_parity", "GPU whole": "gpu_whole", "GPU equal": "gpu_parity"}
    lines = []
    for form in forms:
        counts = {name: Counter(row[column] for row in rows if row["form"] == form) for name, column in columns.items()}
        lines.append([form, *(counts[name]["yes"] for name in columns), sum(row["form"] == form for row in rows)])
    return table(("form", *(f">{name}" for name in columns), ">of"), lines)


def denoising() -> str:
    """Ways to take noise away, side by side."""
    columns = {">σ": _text("sigma"), "method": _text("method"), "form": _text("form"), ">setting": _text("setting")}
    return _table("denoising.csv", {**columns, ">PSNR, dB": _text("psnr"), ">SSIM": _text("ssim"), ">ms": _text("ms")})


def foreign_files() -> str:
    """How the runner and the app answer on files of others, by what their first output is."""
    rows, in_app = rows_of("foreign_files.csv"), {row["file"]: row["app"] for row in rows_of("foreign_files_app.csv")}
    lines = []
    for kind in dict.fromkeys(row["head"] for row in rows):
        files = [row for row in rows if row["head"] == kind]
        equal = sum(row["runner"] == "equal" for row in files)
        shown = sum(in_app[row["file"]] == "equal" for row in files)
        lines.append([kind, len(files), equal, len(files) - equal, shown, len(files) - shown])
    names = ("equal to LiteRT's interpreter", "refused in a sentence", "in the app: as the runner", "in the app: a sentence")
    return table(("first output", ">files", *(f">{name}" for name in names)), lines)


def cells() -> str:
    """Detectors of blood cells, side by side."""
    scores = {">AP50": "ap50", ">AP": "ap", ">AP75": "ap75"}
    scores |= {f">{label}": f"ap50 {label}" for label in ("RBC", "WBC", "Platelets")}
    scores |= {">ms": "ms", ">choosing, ms": "choosing_ms", ">bytes": "bytes", "GPU": "gpu"}
    columns = {"what": _code("what"), "form": _text("form"), ">parameters": _count("parameters")}
    return _table("cells.csv", columns | {name: _text(column) for name, column in scores.items()})


def instances() -> str:
    """Nuclei told apart, side by side."""
    scores = {">AP50": "ap50", ">AP": "ap", ">AP75": "ap75", ">DSB score": "dsb", ">ms": "ms", ">bytes": "bytes"}
    columns = {"what": _code("what"), "answer": _text("answer"), "form": _text("form")}
    return _table("instances.csv", columns | {name: _text(column) for name, column in scores.items()})


def layer_conversions() -> str:
    """How Keras' layers convert, form by form."""
    rows = rows_of("layer_conversions.csv")
    verdicts = dict.fromkeys(row["verdict"] for row in rows)
    counts = {
        form: Counter(row["verdict"] for row in rows if row["form"] == form)
        for form in dict.fromkeys(row["form"] for row in rows)
    }
    return table(("form", *(f">{verdict}" for verdict in verdicts)), [
        [form, *(count[verdict] for verdict in verdicts)] for form, count in counts.items()
    ])  # fmt: skip


def membranes() -> str:
    """Membranes as the challenge scores them, by threshold."""
    columns = {"slices": _text("slices"), "threshold of": _text("threshold of"), ">threshold": _text("threshold")}
    return _table("membranes.csv", {**columns, ">V_rand": _text("v_rand"), ">V_info": _text("v_info")})


def optical_flow() -> str:
    """Ways to say where things move, side by side: a column a pair, then means."""
    pairs = [name for name in rows_of("optical_flow.csv")[0] if "/" in name]
    columns = {"what": _code("what"), "form": _text("form")} | {f">{name.rpartition('/')[2]}": _text(name) for name in pairs}
    means = {">mean, px": "mean_epe", ">Fl-all": "fl_all", ">angle, °": "mean_angle", ">ms": "ms", ">bytes": "bytes"}
    return _table("optical_flow.csv", columns | {name: _text(column) for name, column in means.items()})


def person() -> str:
    """Models that find people, side by side."""
    shares = {f">{name}": _text(name) for name in ("as they are", "upper body", "dim", "blurred")}
    return _table("person.csv", {"file": _code("file"), ">bytes": _count("bytes"), **shares, ">ms": _text("ms")})


def proposals() -> str:
    """Recall of selective search's proposals, ours and OpenCV's."""
    shares = {
        ">found at 0.5": "recall_50", ">at 0.7": "recall_70", ">AR": "ar", ">AR of 100": "ar_100", ">AR of 1,000": "ar_1000",
        ">overlap": "overlap",
    }  # fmt: skip
    columns = {"data": _code("data"), "what": _text("what"), "strategies": _text("strategies"), ">boxes": _count("proposals")}
    columns |= {name: _text(column) for name, column in shares.items()}
    return _table("proposals.csv", {**columns, ">CPU s": _text("cpu_seconds")})


def registry_cost() -> str:
    """Processor seconds of tiny networks' files, by both engines."""
    forms = ("float32", "float16", "dynamic", "int8", "int16x8", "qat")
    columns = {"network": _code("network"), "engine": _text("engine")}
    return _table("registry_cost.csv", columns | {f">{form}": _text(form) for form in forms})


def saliency() -> str:
    """Ways to say where people look, side by side."""
    scores = {
        ">NSS, σ": "nss", ">CC": "cc", ">similarity": "similarity", ">KL, nats": "kl",
        ">AUC Judd": "auc_judd", ">AUC Borji": "auc_borji", ">AUC shuffled": "auc_shuffled",
    }  # fmt: skip
    columns = {"what": _code("what"), "form": _text("form")} | {name: _text(column) for name, column in scores.items()}
    return _table("saliency.csv", {**columns, ">ms": _text("ms"), ">bytes": _text("bytes")})


def scaling() -> str:
    """Larger networks and larger inputs."""
    return _table(
        "scaling.csv",
        {
            "curve": _text("curve"),
            "network": _code("network"),
            ">φ": _text("phi"),
            ">size": _text("size"),
            ">parameters": _count("parameters"),
            ">GMACs": _text("gmacs"),
            ">mIoU": _text("miou"),
            ">ms": _text("ms"),
        },
    )


def segmenters() -> str:
    """Segmenters after a short training."""
    return _table(
        "segmenters.csv",
        {
            "network": _code("network"),
            "start": _text("start"),
            ">parameters": _count("parameters"),
            ">GMACs": _text("gmacs"),
            ">mIoU": _text("miou"),
            ">int8": _text("miou_int8"),
            ">ms": _text("ms"),
            ">ms, int8": _text("ms_int8"),
        },
    )


def shipping() -> str:
    """What to ship for which task: every converted file that there is, with what it scores, weighs and takes."""
    lines = []
    for weights in map(catalog.get, catalog.names()):
        for form, score in weights.headlines.items():
            if form == catalog.WEIGHTS or form not in weights.files:
                continue
            whole, size = weights.headlines[catalog.WEIGHTS], "×".join(map(str, weights.input_size))
            unit = "%" if score.unit == SHARE else score.unit
            scores = [f"{whole.shown:.4g} → {score.shown:.4g} {unit}", score.name.replace("_", " ")]
            bytes_ = f"{weights.files[form].bytes:,}"
            task = weights.task.replace("_", " ")
            lines.append([task, f"`{weights.name}:{form}`", size, *scores, bytes_, _milliseconds(weights.name, form)])
    columns = ("task", "file", ">size", ">float32 → int8", "score", ">bytes", ">ms, 1 CPU thread")
    return table(columns, sorted(lines))


def _milliseconds(name: str, form: str) -> str:
    """What the file takes, from the benchmark that has it in its table; empty where none has."""
    by_file = (("person.csv", f"{name}.{form}.tflite", "ms"), ("file_scoring.csv", f"{name}/{form}.tflite", "network_ms"))
    times = [row[time] for rows, file, time in by_file for row in rows_of(rows) if row["file"] == file]
    by_name = {
        "super_resolution.csv": "method", "denoising.csv": "method", "saliency.csv": "what", "optical_flow.csv": "what",
        "instances.csv": "what", "cells.csv": "what",
    }  # fmt: skip
    for table_file, column in by_name.items():
        times += [row["ms"] for row in rows_of(table_file) if (row[column], row["form"]) == (name, form)]
    return times[0] if times else ""


def sparse() -> str:
    """Pruned kernels with their zeros and without."""
    names = {">bytes": "dense_bytes", ">without zeros": "sparse_bytes"}
    columns = {"network": _code("network"), "form": _text("form"), ">zeros": _text("zeros")}
    columns |= {name: _count(column) for name, column in names.items()}
    columns |= {">ms, 1 thread": _text("dense_ms"), ">without zeros, ms": _text("sparse_ms"), ">differs": _text("differs")}
    return _table("sparse.csv", columns)


def super_resolution() -> str:
    """Pictures enlarged two and three times, side by side."""
    columns = {
        ">scale": _text("scale"),
        "method": _text("method"),
        "form": _text("form"),
        ">parameters": _text("parameters"),
    }
    scores = {
        ">Set5, dB": "set5_psnr",
        ">SSIM": "set5_ssim",
        ">Set14, dB": "set14_psnr",
        ">SSIM, Set14": "set14_ssim",
        ">ms": "ms",
    }
    return _table("super_resolution.csv", columns | {name: _text(column) for name, column in scores.items()})


def throughput() -> str:
    """Images a second in training, beside Keras fit."""
    return _throughput("throughput.csv", {})


def throughput_unet() -> str:
    """Images a second in training, beside PyTorch too."""
    return _throughput("throughput_unet.csv", {">torch.compile": _text("torch"), ">of torch": _text("ratio_torch")})


def writer_sweep() -> str:
    """What became of random graphs, by what is in them."""
    engines = {"direct": "our writer", "tensorflow": "TensorFlow's converter"}
    columns = {
        f">{name}: {verdict}": _text(f"{engine}_{verdict}")
        for engine, name in engines.items()
        for verdict in ("right", "refused", "wrong")
    }
    return _table("writer_sweep.csv", {"graphs with": _text("operation"), **columns})


def _compression(file: str) -> str:
    return _table(
        file,
        {
            "way": _text("way"),
            ">epochs": _text("epochs"),
            ">mIoU": _text("miou"),
            ">zeros": lambda row: f"{float(row['zeros']):.0%}",
            ">bytes": _count("bytes"),
            ">after gzip": _count("gzip_bytes"),
            ">ms, 1 thread": _text("ms"),
            "GPU": _text("gpu"),
        },
    )


def _throughput(file: str, others: Mapping[str, Cell]) -> str:
    return _table(
        file,
        {
            "network": _code("network"),
            "backend": _text("backend"),
            ">size": _text("size"),
            ">batch": _text("batch"),
            ">zoo.train": _text("ours"),
            ">Keras fit": _text("fit"),
            ">of fit": _text("ratio_fit"),
            **others,
        },
    )


def _table(file: str, columns: Mapping[str, Cell]) -> str:
    return table(list(columns), [[cell(row) for cell in columns.values()] for row in rows_of(file)])


def rows_of(file: str) -> list[dict[str, str]]:
    """The rows of a table of docs/results."""
    with open(FOLDER / file, newline="", encoding="utf-8") as opened:
        return list(csv.DictReader(opened))


def _text(column: str) -> Cell:
    return lambda row: row[column]


def _rounded(column: str) -> Cell:
    return lambda row: f"{float(row[column]):.4g}" if row[column] else ""


def _code(column: str) -> Cell:
    return lambda row: f"`{row[column]}`"


def _count(column: str) -> Cell:
    return lambda row: f"{int(row[column]):,}"
