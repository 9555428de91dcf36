"""Asking: a Keras network of questions about a picture in words, as `edge.ask` asks its file."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import keras
import numpy as np
from PIL import Image

from zoo import outputs, tasks
from zoo.layers import input_specs, model_output
from zoo.outputs.choices import in_numbers


def asker(model: keras.Model, question: str, answers: Sequence[str]) -> Callable[[np.ndarray], np.ndarray]:
    """A question as a function of pictures, uint8 H×W×3 of any size, which gives the answers' shares, float32 n.

    Args:
        model: of this zoo, that is asked.
        question: in words that it knows.
        answers: as many as it compares.

    Raises:
        InputError: as `zoo.outputs.choices.in_numbers`.
    """
    meaning = model_output(model)
    network, spec = tasks.get(meaning.task).deployed(model), meaning.spec
    specs = input_specs(network)
    words = in_numbers(specs, spec.labels, question, answers, model.name)
    height, width = next(each.size for each in specs if each.name not in words)

    def answer(picture: np.ndarray) -> np.ndarray:
        seen = Image.fromarray(picture).resize((width, height), Image.Resampling.BILINEAR)
        batch = np.asarray(seen, np.float32)[None]
        given = [words.get(each.name, batch) for each in specs]
        raw = keras.ops.convert_to_numpy(network(given, training=False))
        return outputs.kind(spec).decode(raw[0], spec, picture.shape[:2])

    return answer
