"""The command line `zoo`: one file a command, on top of zoo, converters and edge.

Commands import what they need inside themselves, so that `zoo --help` and `zoo list` wait for no framework.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from converters.extras import TENSORFLOW
from edge.errors import InputError as EdgeInputError
from zoo.cli.benchmark import benchmark
from zoo.cli.card import card
from zoo.cli.conversions import conversions
from zoo.cli.convert import convert
from zoo.cli.crf import crf
from zoo.cli.demo import demo
from zoo.cli.doctor import doctor
from zoo.cli.evaluate import evaluate
from zoo.cli.experiments import experiments
from zoo.cli.gpu_check import gpu_check
from zoo.cli.gpu_probe import gpu_probe
from zoo.cli.lint import lint
from zoo.cli.list import list_models
from zoo.cli.old_names import current_arguments
from zoo.cli.predict import predict
from zoo.cli.quickstart import quickstart
from zoo.cli.recipes import app as recipes
from zoo.cli.report import report
from zoo.cli.train import train
from zoo.cli.weights import app as weights
from zoo.cli.write import write
from zoo.errors import InputError

BAD_INPUT = 2  # exit status
# Module → the smallest extra of setup.cfg that brings it, with what else its commands need.
EXTRAS = {
    **dict.fromkeys(TENSORFLOW, "tensorflow"),
    **dict.fromkeys(("keras", "tensorflow", "matplotlib", "scipy", "pooch"), "train"),
    **dict.fromkeys(("cv2", "skimage", "sklearn"), "classical"),
    "sacrebleu": "words",
    **dict.fromkeys(("ai_edge_litert", "flatbuffers"), "edge"),
    "cryptography": "app",
    "segno": "app",
}

app = typer.Typer(
    name="zoo",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help="From a paper's network to a phone's GPU.\n\n"
    "The road: [bold]zoo train[/] a network on your pictures, [bold]zoo evaluate[/] it, [bold]zoo convert[/] it for the "
    "phone, [bold]zoo gpu-check[/] the file, and hold it in your hand with [bold]zoo demo[/]. "
    "[bold]zoo quickstart[/] walks it once, in five minutes.",
)
for name, command in {
    "list": list_models,
    "card": card,
    "train": train,
    "evaluate": evaluate,
    "report": report,
    "crf": crf,
    "predict": predict,
    "write": write,
    "convert": convert,
    "conversions": conversions,
    "gpu-check": gpu_check,
    "gpu-probe": gpu_probe,
    "lint": lint,
    "benchmark": benchmark,
    "demo": demo,
    "quickstart": quickstart,
    "experiments": experiments,
    "doctor": doctor,
}.items():
    app.command(name)(command)
app.add_typer(recipes, name="recipes")
app.add_typer(weights, name="weights")


def _print_version(wanted: bool) -> None:
    if wanted:
        import zoo

        print(f"densezoo {zoo.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Say the version, and stop.")
    ] = False,
) -> None:
    """Options of no command."""


def main() -> None:
    """The entry point: bad input is one line and exit status 2, anything else that goes wrong is a traceback."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        status = app(args=current_arguments(sys.argv[1:] or ["--help"]), prog_name="zoo", standalone_mode=False)
    except (InputError, EdgeInputError) as error:
        status = _complain(error)
    except typer.Abort:
        status = 130
    except typer.TyperException as error:
        status = _complain(error.format_message())
    except ModuleNotFoundError as error:
        module = str(error.name).partition(".")[0]
        what = f"'densezoo[{EXTRAS[module]}]' brings it" if module in EXTRAS else module
        status = _complain(f"{module} is not installed; pip install {what}")
    except KeyboardInterrupt:
        status = 130
    sys.exit(status)


def _complain(error: object) -> int:
    print("zoo: " + " ".join(str(error).split()), file=sys.stderr)
    return BAD_INPUT
