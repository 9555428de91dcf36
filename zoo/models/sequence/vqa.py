"""Questions about a picture, answered by choosing: an encoder sees, an LSTM reads, and four given answers are scored.

No paper of its own. As in Visual7W (Zhu et al. 2016) the answers are part of the input, and as in VQA (Antol et al. 2015) an
encoder's features and an LSTM's last state meet by products. Where those multiply once, at the end and over the whole picture,
here the question scales and shifts the channels of blocks over the feature map (FiLM, Perez et al. 2018), which also knows
where each position is: so what is asked can be looked for, counted and compared. Answers are of one word or two, and are
read as the mean of their words' vectors.

Trained on sheets (`zoo.data.sheets`), which `SheetPart` takes apart; a device runs `zoo.layers.parts_network` of it, with
picture, question and answers side by side.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo import layers
from zoo.data.sheets import ANSWER, CHOICES, QUESTION
from zoo.errors import InputError
from zoo.lazy import keras
from zoo.models.encoders import features
from zoo.paper import Paper
from zoo.registry import Variant, register

VQA = Paper("VQA: Visual Question Answering", "Antol et al.", 2015, "https://arxiv.org/abs/1505.00468")
VISUAL7W = Paper("Visual7W: Grounded Question Answering in Images", "Zhu et al.", 2016, "https://arxiv.org/abs/1511.03416")
FILM = Paper("FiLM: Visual Reasoning with a General Conditioning Layer", "Perez et al.", 2018, "https://arxiv.org/abs/1709.07871")
VARIANTS = {
    "vqa": Variant(options={"encoder": "resnet18"}, inspired_by=(VQA, VISUAL7W, FILM)),
}


@register(
    VARIANTS, task="question_answering", paper=None, input_size=(69, 64), fixed_size=True,
    tiny={"encoder_options": {"width": 0.125, "depths": (1, 1, 1, 1)}, "channels": 8, "units": 8, "embedding": 8, "blocks": 1},
)  # fmt: skip
def vqa(
    sheet: Any,
    words: int,
    *,
    encoder: str = "resnet18",
    encoder_options: Mapping[str, Any] | None = None,
    stride: int = 8,
    cell: str = "lstm",
    embedding: int = 32,
    units: int = 64,
    channels: int = 48,
    blocks: int = 4,
    longest: tuple[int, int] = (QUESTION, ANSWER),
    choices: int = CHOICES,
    blind: bool = False,
) -> Any:
    """Encoder and LSTM → blocks that the question steers → pooled, and compared with each answer.

    Args:
        sheet: N×(H+1+choices)×W×3: a picture in 0–255, below it the question's line and one for each answer.
        words: in the vocabulary.
        encoder: any encoder with that stride.
        encoder_options: options of it.
        stride: of the feature map that is looked at.
        cell: that reads the question, of `zoo.layers.Recurrence`.
        embedding: width of a word's vector.
        units: of the cell.
        channels: of the blocks.
        blocks: how many.
        longest: words of a question and of an answer at most.
        choices: how many answers are given.
        blind: see nothing of the picture: what is answered then is known from the question alone.

    Returns:
        Logits N×choices. InputError for a sheet that has no room for the lines.
    """
    height, width = sheet.shape[1] - 1 - choices, sheet.shape[2]
    if min(height, width - max(longest) + 1) < 1:
        raise InputError(f"a sheet of {tuple(sheet.shape[1:3])}: {1 + choices} lines of {max(longest)} words need more room")
    picture = layers.SheetPart((0, height), name="picture")(sheet)
    question = layers.SheetPart((height, height + 1), longest[0], 1, name="question")(sheet)
    answers = layers.SheetPart((height + 1, height + 1 + choices), longest[1], 1, name="answers")(sheet)
    vectors = layers.TokenEmbedding(words, embedding, name="embedding")
    asked = _read(vectors(question), cell, units, longest[0])
    if blind:
        seen = keras.layers.Rescaling(0.0, name="blind")(keras.layers.AveragePooling2D(stride, name="coarse")(picture))
    else:
        (seen,) = features(encoder, picture, **(encoder_options or {})).at(stride)
    x = keras.layers.Conv2D(channels, 1, name="meet")(layers.PlaceMaps(name="places")(seen))
    for number in range(1, blocks + 1):
        x = _steered(x, asked, channels, dilation=1 + (number - 1) % 2, name=f"block{number}")
    said = keras.layers.AveragePooling2D((1, longest[1]), name="said")(vectors(answers))
    return _compared(x, asked, said, units)


def _read(vectors: Any, cell: str, units: int, steps: int) -> Any:
    """A question's vectors N×1×steps×C → the cell's last state, N×1×1×units. Padding stands in front."""
    x = layers.Recurrence(cell, units, name=cell)(vectors)
    return keras.layers.Cropping2D(((0, 0), (steps - 1, 0)), name="last")(x)


def _compared(x: Any, asked: Any, said: Any, units: int) -> Any:
    """What is there most and on the mean, with the question, by products with each answer's vector: N×choices scores."""
    most = keras.layers.GlobalMaxPooling2D(keepdims=True, name="most")(x)
    mean = keras.layers.GlobalAveragePooling2D(keepdims=True, name="mean")(x)
    found = keras.layers.Concatenate(name="found")([most, mean, asked])
    found = keras.layers.Conv2D(2 * units, 1, activation="relu", name="think")(found)
    found = keras.layers.Conv2D(units, 1, name="expect")(found)
    said = keras.layers.Conv2D(units, 1, name="say")(said)
    scores = keras.layers.Multiply(name="compare")([said, found])
    return keras.layers.Flatten(name="scores")(keras.layers.Conv2D(1, 1, name="score")(scores))


def _steered(x: Any, asked: Any, channels: int, dilation: int, name: str) -> Any:
    """1×1 and 3×3 convolution, channels scaled and shifted by the question, added to what came in."""
    shortcut = x = keras.layers.Conv2D(channels, 1, activation="relu", name=f"{name}_in")(x)
    wide = {"padding": "same", "dilation_rate": dilation, "use_bias": False}
    x = keras.layers.Conv2D(channels, 3, **wide, name=f"{name}_conv")(x)
    x = keras.layers.BatchNormalization(scale=False, center=False, momentum=0.9, name=f"{name}_bn")(x)
    gain = keras.layers.Conv2D(channels, 1, bias_initializer="ones", name=f"{name}_gain")(asked)
    shift = keras.layers.Conv2D(channels, 1, name=f"{name}_shift")(asked)
    x = keras.layers.Add(name=f"{name}_shifted")([keras.layers.Multiply(name=f"{name}_scaled")([x, gain]), shift])
    return keras.layers.Add(name=f"{name}_out")([shortcut, keras.layers.ReLU(name=f"{name}_relu")(x)])
