"""What a device's two files say of pictures beside Keras: the same greedy captions, the same nats a word, whole on the GPU.

    python benchmarks/captions.py show_attend_tell.scenes scenes_captions:size=64,count=16000

`equal` counts pictures of which a form says word for word what Keras says, both greedily. `nats` are those of the word that is
right behind the right words before it, which tells the loss of the rounding from that of a word chosen otherwise; the step is
measured alone, from what Keras's encoder sees, and with its own encoder. `gpu` is `edge.gpu_check`'s verdict on each file, the
encoder's on pictures of the data.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer
from rows import First, write_table

if TYPE_CHECKING:
    import keras

    import edge
    from zoo.data import Sample

COLUMNS = (
    "weights", "form", "pictures", "equal", "exact_match", "bleu", "cider", "nats", "nats_step_alone", "step_bytes",
    "encoder_bytes", "gpu_step", "gpu_encoder",
)  # fmt: skip
_SEEN = 4  # pictures that the GPU's verdict on an encoder is of


def main(
    weights: Annotated[str, typer.Argument(help="Shipped weights whose network says sentences.")],
    data: Annotated[str, typer.Argument(help="Of their data, of which the test split is asked.")],
    count: Annotated[int, typer.Option(min=1)] = 100,
    out: Annotated[Path, typer.Option(help="The table.")] = Path("docs/results/captions.csv"),
) -> None:
    """Ask every form about the first pictures."""
    import edge
    import zoo
    import zoo.data
    from edge.sentences import encoder_path
    from zoo.pretrained import catalog

    known, test = catalog.get(weights), First(zoo.data.open(data, "test"), count)
    model, samples = zoo.build(weights), [test[index] for index in range(len(test))]
    said: list[list[int]] = []
    scores = zoo.evaluate(model, test, progress=False, seen=functools.partial(_keep, said)).scores
    rows = [{"form": "keras", "equal": len(test), **scores, "nats": _nats_of_keras(model, samples)}]
    for form in (form for form in known.files if f"{form}.encoder" in known.files):
        path, own = known.path(form), []
        with edge.Runner(path) as runner:
            keep = functools.partial(_keep, own)
            scores = zoo.evaluate(runner, test, progress=False, seen=keep).scores
            encoded = [runner.encoder.outputs(runner.encoder.prepared(sample.image)) for sample in samples]
            nats, alone = _nats(runner, samples, encoded), _nats(runner, samples, _seen_by_keras(model, samples))
        pictures = [sample.image for sample in samples[:_SEEN]]
        rows.append(
            {
                "form": form, "equal": sum(one == other for one, other in zip(said, own, strict=True)), **scores, "nats": nats,
                "nats_step_alone": alone, "step_bytes": path.stat().st_size,
                "encoder_bytes": encoder_path(path).stat().st_size, "gpu_step": edge.gpu_check(path).reason,
                "gpu_encoder": edge.gpu_check(encoder_path(path), pictures).reason,
            }
        )  # fmt: skip
    empty = dict.fromkeys(COLUMNS, "")
    write_table(out, COLUMNS, [{**empty, "weights": weights, "pictures": len(test), **row} for row in rows])


def _keep(answers: list[list[int]], _: Sample, answer: np.ndarray) -> None:
    answers.append(answer.tolist())


def _seen_by_keras(model: keras.Model, samples: Sequence[Sample]) -> list[dict[str, np.ndarray]]:
    from zoo.layers import encoder_network

    encoder = encoder_network(model)
    seen = (encoder(sample.image[None].astype(np.float32)) for sample in samples)
    return [{name: np.asarray(values) for name, values in outputs.items()} for outputs in seen]


def _words(sample: Sample) -> np.ndarray:
    """The right words with their end."""
    values = np.asarray(sample.target)
    return values[values != sample.target.padding]


def _nats(runner: edge.Runner, samples: Sequence[Sample], begun: Sequence[dict[str, np.ndarray]]) -> float:
    """The mean surprise of a word, the right ones before it."""
    total = []
    for sample, states in zip(samples, begun, strict=True):
        word = int(runner.card.spec.options["start"])
        for right in _words(sample).tolist():
            scores, states = runner.step(word, states)
            total.append(-float(scores[right]))
            word = right
    return float(np.mean(total))


def _nats_of_keras(model: keras.Model, samples: Sequence[Sample]) -> float:
    from zoo.layers import fed, supervised
    from zoo.outputs.tokens import log_probabilities, token_output

    network, total = supervised(model)[0], []
    for sample in samples:
        images, right = sample.image[None].astype(np.float32), np.asarray(sample.target)[None]
        words, scores = _words(sample), log_probabilities(np.asarray(network(fed(network, images, right)))[0], token_output())
        total += (-scores[np.arange(len(words)), words]).tolist()
    return float(np.mean(total))


if __name__ == "__main__":
    typer.run(main)
