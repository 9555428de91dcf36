"""`zoo write`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zoo.cli.arguments import Accelerator, shipped_file
from zoo.errors import InputError


def write(
    model: Annotated[Path, typer.Argument(help="A .tflite file of one step, or shipped: char_lstm.shakespeare:int8.")],
    picture: Annotated[Path | None, typer.Option(help="What a sentence is to be about, for a file of one word.")] = None,
    prompt: Annotated[
        str, typer.Option("--prompt", "-p", help="The beginning, which is read and not repeated; or what to translate.")
    ] = "\n",
    length: Annotated[int, typer.Option("--length", "-n", min=1, help="Tokens to write.")] = 400,
    temperature: Annotated[float, typer.Option(help="0 writes the likeliest, 1 draws by chance as it is.")] = 0.8,
    top_k: Annotated[int | None, typer.Option(min=1, help="Draw from so many of the likeliest tokens.")] = None,
    nucleus: Annotated[
        float | None, typer.Option(help="Draw from the fewest of the likeliest tokens that have this share together.")
    ] = None,
    beams: Annotated[int, typer.Option(min=0, help="Search for the likeliest text with so many beams, and draw nothing.")] = 0,
    seed: Annotated[int, typer.Option(help="Of what is drawn.")] = 0,
    accelerator: Accelerator = "cpu",
) -> None:
    """Write on from a prompt, a sentence about a picture, or one in another language, on the device's runtime.

    Example: zoo write char_lstm.shakespeare:int8 --prompt "ROMEO:" --length 300

    zoo write caption.tflite --picture photo.jpg --beams 4

    zoo write seq2seq.captions:int8 --prompt "the star is left of the disk." --temperature 0
    """
    import edge
    from zoo.outputs.decoding import Sampling, beam_search, read
    from zoo.outputs.vocabulary import Vocabulary

    path, sampling = shipped_file(model), Sampling(temperature, top_k, nucleus)
    if path.suffix != ".tflite":
        raise InputError(f"{model} is no .tflite file; convert it first: zoo convert {model}")
    with edge.Runner(path, accelerator) as runner:
        if picture is not None:
            from zoo.data.image_files import read_rgb

            print(edge.say(runner, read_rgb(picture), sampling, beams, seed).text)
        elif runner.card.reads is not None:
            print(edge.say(runner, prompt, sampling, beams, seed).text)
        elif beams:
            vocabulary = Vocabulary(runner.card.labels)
            place = read(runner.step, None, vocabulary.encode(prompt))
            print(vocabulary.text(beam_search(runner.step, place, beams, length)[0].tokens))
        else:
            print(edge.write_on(runner, prompt, length, sampling, seed))
